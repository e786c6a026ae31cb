/* Tests station/recall.c on a real database: each question finds its units and no others, by index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "station/recall.h"
#include "tests/unit/station/world.h"

static void run_sql(struct world *w, const char *sql)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	if (db_run(&tx, sql, DB_NO_VALUES, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(db_commit(&tx, &err), 0);
}

#define JOB(id, serial, key, profile, slot, state, started, finished, operator)                              \
	"INSERT INTO job(id, serial, hwid, model, registration_id, key_sha256, profile, attest, pipeline,"   \
	" version, slot, state, step, intended, started_ms, finished_ms, operator) VALUES(" id ", '" serial  \
	"', 'h" id "', 'm', '" serial "', " key ", '" profile "', 'x509', 'x509', 1, '" slot "', '" state    \
	"', 'record', 5, " started ", " finished ", "                                                        \
	operator")"

#define KEY_A "X'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"
#define KEY_B "X'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'"

static int setup(void **state)
{
	struct world *w;

	assert_int_equal(world_setup(state), 0);
	w = *state;
	run_sql(w, JOB("1", "u1", KEY_A, "sensor", "1", "released", "1000", "2000", "'lea'"));
	run_sql(w, JOB("2", "u2", KEY_B, "sensor", "2", "passed", "3000", "4000", "'tim'"));
	run_sql(w, JOB("3", "u3", "NULL", "meter", "1", "failed", "5000", "NULL", "NULL"));
	run_sql(w, "INSERT INTO cert_serial VALUES(X'00112233445566778899aabbccddeeff01020304', 2)");
	run_sql(w, "UPDATE job SET cert_serial = X'00112233445566778899aabbccddeeff01020304' WHERE id = 2");
	return 0;
}

static int see(void *arg, const struct journal_unit *unit, struct err *err)
{
	char *seen = arg;
	size_t len = strlen(seen);

	(void)err;
	(void)snprintf(seen + len, 40 - len, "%s ", unit->serial);
	return 0;
}

static void finds(struct world *w, struct recall recall, const char *want)
{
	char seen[40] = "";
	struct err err = { 0 };
	int64_t n = 0;

	if (recall_each(w->st.db, &recall, see, seen, &n, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	assert_string_equal(seen, want);
	assert_int_equal(n, strlen(want) / 3);
}
#define FINDS(w, want, ...) finds((w), (struct recall){ __VA_ARGS__ }, (want))

static void test_recall_by_each_question(void **state)
{
	struct world *w = *state;

	FINDS(w, "u1 u2 u3 ", .profile = NULL);
	FINDS(w, "u1 ", .key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	FINDS(w, "u2 ", .key = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	FINDS(w, "", .key = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
	FINDS(w, "u2 ", .operator_id = "tim");
	FINDS(w, "", .operator_id = "nobody");
	FINDS(w, "u1 u2 ", .profile = "sensor");
	FINDS(w, "u1 u3 ", .slot = "1");
	FINDS(w, "u1 ", .slot = "1", .profile = "sensor");
	FINDS(w, "", .operator_id = "tim", .slot = "1");
	FINDS(w, "u2 u3 ", .since_ms = 4000);
	FINDS(w, "u1 ", .until_ms = 4000);
	FINDS(w, "u3 ", .since_ms = 4001, .until_ms = 5001);
	FINDS(w, "", .since_ms = 5001);
}

static void test_recall_by_a_certificates_number(void **state)
{
	struct world *w = *state;

	FINDS(w, "u2 ", .certificate = "00112233445566778899aabbccddeeff01020304");
	FINDS(w, "u2 ", .certificate = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:01:02:03:04");
	FINDS(w, "", .certificate = "ff112233445566778899aabbccddeeff01020304");
	FINDS(w, "", .certificate = "00112233445566778899aabbccddeeff01020304", .profile = "meter");
}

static void test_recall_refuses_what_is_no_number_and_no_digest(void **state)
{
	struct world *w = *state;
	static const char *const bad[] = { "", "0", "zz112233445566778899aabbccddeeff01020304",
					   "00112233445566778899aabbccddee" };
	struct err err = { 0 };
	char seen[40] = "";
	int64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct recall certificate = { .certificate = bad[i] }, key = { .key = bad[i] };

		assert_int_equal(recall_each(w->st.db, &certificate, see, seen, &n, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
		assert_int_equal(recall_each(w->st.db, &key, see, seen, &n, &err), -1);
	}
}

static void test_recall_time_takes_days_and_moments(void **state)
{
	static const char *const bad[] = {
		"", "today", "2026-13-01", "2026-11-22T", "2026-11-22T08:00:00", "2026-11-22 "
	};
	struct err err = { 0 };
	int64_t ms = 0;

	(void)state;
	assert_int_equal(recall_time("1970-01-02", &ms, &err), 0);
	assert_int_equal(ms, 86400000);
	assert_int_equal(recall_time("1970-01-01T00:00:02Z", &ms, &err), 0);
	assert_int_equal(ms, 2000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(recall_time(bad[i], &ms, &err), -1);
}

static bool uses(struct world *w, const char *sql, const char *index)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct err err = { 0 };
	bool row = false, found = false;

	db_read_begin(w->st.db, &tx);
	assert_int_equal(db_query(&tx, &q, sql, DB_NO_VALUES, &err), 0);
	assert_int_equal(db_next(&q, &row, &err), 0);
	while (row) {
		found = found || strstr(db_column_text(&q, 3), index) != NULL;
		assert_int_equal(db_next(&q, &row, &err), 0);
	}
	return found;
}

static void test_recall_finds_by_index(void **state)
{
	struct world *w = *state;

	assert_true(
		uses(w, "EXPLAIN QUERY PLAN SELECT id FROM job WHERE operator = 'x' AND operator IS NOT NULL",
		     "job_operator"));
	assert_true(uses(w,
			 "EXPLAIN QUERY PLAN SELECT id FROM job WHERE coalesce(finished_ms, started_ms) >= 5"
			 " AND coalesce(finished_ms, started_ms) < 9",
			 "job_time"));
	assert_true(uses(
		w, "EXPLAIN QUERY PLAN SELECT id FROM job WHERE key_sha256 = X'00' AND state = 'released'",
		"job_released_key"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_recall_by_each_question),
		TEST(test_recall_by_a_certificates_number),
		TEST(test_recall_refuses_what_is_no_number_and_no_digest),
		TEST(test_recall_time_takes_days_and_moments),
		TEST(test_recall_finds_by_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
