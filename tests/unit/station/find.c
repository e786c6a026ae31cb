/* Tests station/find.c on a real database: which job a name leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "station/find.h"
#include "tests/unit/station/world.h"

#define JOB(id, serial, registration_id, state)                                                              \
	"INSERT INTO job(id, serial, hwid, model, registration_id, profile, attest, pipeline, version,"      \
	" slot, state, step, intended, started_ms) VALUES(" id ", '" serial "', 'h" id                       \
	"', 'm', '" registration_id "', 'p', 'tpm', 'tpm', 1, '1', '" state "', 'record', 5, 1000)"

static void run_sql(struct world *w, const char *sql)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	if (db_run(&tx, sql, DB_NO_VALUES, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(db_commit(&tx, &err), 0);
}

/* u1 got another TPM; u2 was reworked and kept its ID; u3 has not passed; u4 was released and is gone. */
static int setup(void **state)
{
	struct world *w;

	assert_int_equal(world_setup(state), 0);
	w = *state;
	run_sql(w, JOB("1", "u1", "tpm-old", "released"));
	run_sql(w, JOB("2", "u1", "tpm-new", "passed"));
	run_sql(w, JOB("3", "u2", "u2", "released"));
	run_sql(w, JOB("4", "u2", "u2", "passed"));
	run_sql(w, JOB("5", "u3", "u3", "open"));
	run_sql(w, JOB("6", "u4", "tpm-4", "released"));
	run_sql(w, JOB("7", "u4", "tpm-4", "released"));
	return 0;
}

static void leads_to(struct world *w, const char *name, int64_t job, const char *registration_id)
{
	FOUND_UNIT_AUTO(unit);
	struct err err = { 0 };

	if (unit_find(w->st.db, name, &unit, &err) < 0)
		fail_msg("%s: %s", name, err.what);
	assert_int_equal(unit.job, job);
	assert_string_equal(unit.registration_id, registration_id);
}

static void test_find_serial_gives_the_job_that_passed(void **state)
{
	leads_to(*state, "u1", 2, "tpm-new");
	leads_to(*state, "u2", 4, "u2");
	leads_to(*state, "u4", 7, "tpm-4");
}

static void test_find_registration_id_of_a_released_job_gives_that_job(void **state)
{
	leads_to(*state, "tpm-old", 1, "tpm-old");
	leads_to(*state, "TPM-OLD", 1, "tpm-old");
	leads_to(*state, "tpm-new", 2, "tpm-new");
	leads_to(*state, "tpm-4", 7, "tpm-4");
}

static void test_find_what_never_passed_is_refused(void **state)
{
	static const char *const names[] = { "u3", "u5", "", "tpm" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		FOUND_UNIT_AUTO(unit);
		struct err err = { 0 };

		assert_int_equal(unit_find(w->st.db, names[i], &unit, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
	}
}

/* A million released jobs must not be walked through. */
static void test_find_released_id_has_an_index(void **state)
{
	struct world *w = *state;
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct err err = { 0 };
	bool row = false;

	db_read_begin(w->st.db, &tx);
	assert_int_equal(db_query(&tx, &q,
				  "EXPLAIN QUERY PLAN SELECT id FROM job WHERE registration_id = 'x' AND "
				  "state = 'released'",
				  DB_NO_VALUES, &err),
			 0);
	assert_int_equal(db_next(&q, &row, &err), 0);
	assert_true(row);
	assert_non_null(strstr(db_column_text(&q, 3), "job_released_registration_id"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_find_serial_gives_the_job_that_passed),
		TEST(test_find_registration_id_of_a_released_job_gives_that_job),
		TEST(test_find_what_never_passed_is_refused),
		TEST(test_find_released_id_has_an_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
