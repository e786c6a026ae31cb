/* Tests audit/clock.c: which entries move the time that the log knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audit/audit.h"
#include "tests/unit/audit/log_fixture.h"

#define AT  INT64_C(1795312813123)
#define DAY (INT64_C(24) * 3600 * 1000)

static void append(struct db *db, const char *kind, int64_t at_ms)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct audit_head head;
	struct err err = { 0 };
	char key[32];
	const struct audit_event event = { kind, key, NULL, 0 };

	assert_int_equal(db_begin(db, &tx, &err), 0);
	assert_int_equal(audit_head(&tx, &head, &err), 0);
	assert_int_equal(str_format(key, sizeof(key), "%lld", (long long)head.size), 0);
	assert_int_equal(audit_append(&tx, at_ms, &event, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

/* -1 while it knows none. */
static int64_t known(struct db *db)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct err err = { 0 };
	int64_t ms = 0;
	bool found = false;

	db_read_begin(db, &tx);
	assert_int_equal(audit_clock(&tx, &ms, &found, &err), 0);
	return found ? ms : -1;
}

static void test_clock_empty_log_knows_no_time(void **state)
{
	struct log_fixture *log = *state;

	assert_int_equal(known(log->db), -1);
	append(log->db, "test", AT);
	assert_int_equal(known(log->db), AT);
}

static void test_clock_moves_forward_only(void **state)
{
	struct log_fixture *log = *state;

	append(log->db, "test", AT);
	append(log->db, "test", AT + 5);
	append(log->db, "test", AT + 5 - AUDIT_CLOCK_BACK_MS);
	assert_int_equal(known(log->db), AT + 5);
	append(log->db, "test", AT + 5 + 400 * DAY);
	assert_int_equal(known(log->db), AT + 5 + 400 * DAY);
}

static void test_clock_contradicting_entries_do_not_move_it(void **state)
{
	struct log_fixture *log = *state;

	append(log->db, "test", AT);
	append(log->db, "test", AT - AUDIT_CLOCK_BACK_MS - 1);
	append(log->db, "test", 0);
	append(log->db, "test", AT + 400 * DAY + 1);
	append(log->db, "test", AT + 900 * DAY);
	assert_int_equal(known(log->db), AT);
	assert_true(audit_clock_contradicts(AT, AT - AUDIT_CLOCK_BACK_MS - 1));
	assert_false(audit_clock_contradicts(AT, AT - AUDIT_CLOCK_BACK_MS));
	assert_true(audit_clock_contradicts(AT, AT + 400 * DAY + 1));
	assert_false(audit_clock_contradicts(AT, AT + 400 * DAY));
}

static void test_clock_accepted_sets_it_either_way(void **state)
{
	struct log_fixture *log = *state;

	append(log->db, "test", AT);
	append(log->db, AUDIT_CLOCK_ACCEPTED, AT + 900 * DAY);
	assert_int_equal(known(log->db), AT + 900 * DAY);
	append(log->db, AUDIT_CLOCK_ACCEPTED, AT);
	assert_int_equal(known(log->db), AT);
}

static void test_clock_of_a_log_from_before_is_its_last_entry(void **state)
{
	struct log_fixture *log = *state;
	struct err err = { 0 };
	struct audit_verdict verdict;

	append(log->db, "test", AT - 7 * DAY);
	append(log->db, "test", AT);
	log_tamper(log, "ALTER TABLE audit_head DROP COLUMN clock_ms;"
			"UPDATE schema_version SET version = 1 WHERE area = 'audit';"
			"CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head"
			" WHEN NEW.size <> OLD.size + 1 BEGIN SELECT RAISE(ABORT, 'no'); END;");
	assert_int_equal(audit_init(log->db, &err), 0);
	assert_int_equal(known(log->db), AT - AT % 1000);
	append(log->db, "test", AT + 1);
	assert_int_equal(audit_verify(log->db, &verdict, &err), 0);
	assert_int_equal(verdict.bad_index, -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, log_setup, log_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_clock_empty_log_knows_no_time),
		T(test_clock_moves_forward_only),
		T(test_clock_contradicting_entries_do_not_move_it),
		T(test_clock_accepted_sets_it_either_way),
		T(test_clock_of_a_log_from_before_is_its_last_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
