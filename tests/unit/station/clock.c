/* Tests station/clock.c: when the clock is in doubt, and what ends that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/clock.h"
#include "tests/unit/station/world.h"

#define AT  INT64_C(1795312813123)
#define DAY (INT64_C(24) * 3600 * 1000)

static void append(struct world *w, const char *key, int64_t at_ms)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	const struct audit_event event = { "station-started", key, NULL, 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(audit_append(&tx, at_ms, &event, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

static bool doubts(struct world *w, int64_t now_ms)
{
	struct err err = { 0 };
	bool in_doubt = true;

	assert_int_equal(clock_in_doubt(w->st.db, now_ms, &in_doubt, &err), 0);
	return in_doubt;
}

static void test_clock_empty_log_doubts_nobody(void **state)
{
	assert_false(doubts(*state, 0));
	assert_false(doubts(*state, AT));
}

static void test_clock_far_from_the_log_is_in_doubt_and_both_times_are_said(void **state)
{
	struct world *w = *state;
	struct clock_look look;
	struct err err = { 0 };

	append(w, "a", AT);
	assert_false(doubts(w, AT - 120000));
	assert_true(doubts(w, AT - 120001));
	assert_false(doubts(w, AT + 400 * DAY));
	assert_true(doubts(w, AT + 400 * DAY + 1));
	assert_int_equal(clock_check(w->st.db, 0, &look, &err), 0);
	assert_true(look.in_doubt);
	assert_non_null(strstr(look.text, "1970-01-01T00:00:00.000Z"));
	assert_non_null(strstr(look.text, "2026-11-22T02:00:13.123Z"));
	assert_non_null(strstr(look.text, "station clock accept"));
}

/* The doubtful clock dates an entry, as a station does when it starts; the next start doubts it still. */
static void test_clock_own_entries_do_not_end_the_doubt(void **state)
{
	struct world *w = *state;

	append(w, "a", AT);
	append(w, "b", 1000);
	append(w, "c", 2000);
	assert_true(doubts(w, 3000));
	assert_false(doubts(w, AT + 1));
}

static void test_clock_accepted_by_two_ends_the_doubt_once(void **state)
{
	const struct witnesses two = { "ada", "bob" };
	struct world *w = *state;
	struct err err = { 0 };
	struct db_tx tx;
	int64_t n = 0;
	bool found;

	append(w, "a", AT);
	assert_int_equal(clock_accept(w->st.db, "line-01", AT + 1, &two, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(clock_accept(w->st.db, "line-01", AT + 500 * DAY, &two, &err), 0);
	assert_false(doubts(w, AT + 500 * DAY));
	assert_true(doubts(w, AT));
	db_read_begin(w->st.db, &tx);
	assert_int_equal(db_get_int(&tx,
				    "SELECT count(*) FROM audit_entry"
				    " WHERE json_extract(entry, '$.kind') = 'clock-accepted'"
				    " AND json_extract(entry, '$.witness_1') = 'ada'"
				    " AND json_extract(entry, '$.witness_2') = 'bob'"
				    " AND json_extract(entry, '$.log_time') = '2026-11-22T02:00:13.123Z'",
				    DB_NO_VALUES, &n, &found, &err),
			 0);
	db_read_end(&tx);
	assert_int_equal(n, 1);
}

/* Somebody became the first operator, or was disabled, after the two were asked. */
static void test_clock_accepted_without_two_who_may_is_refused(void **state)
{
	const struct people_change change = { .by = "setup", .at_ms = 1, .station = "line-01" };
	const struct person ada = { .id = "ada", .role = ROLE_OFFICER };
	const struct witnesses nobody = { "", "" }, one = { "ada", "ada" };
	const struct secret none = { NULL, 0 };
	SECRET_AUTO badge = { NULL, 0 };
	struct world *w = *state;
	struct err err = { 0 };

	assert_int_equal(secret_copy(bytes_str("badge-ada"), &badge, &err), 0);
	assert_int_equal(people_add(w->st.db, &change, &ada, &badge, &none, &err), 0);
	append(w, "a", AT);
	assert_int_equal(clock_accept(w->st.db, "line-01", AT + 500 * DAY, &nobody, &err), -1);
	assert_int_equal(clock_accept(w->st.db, "line-01", AT + 500 * DAY, &one, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_true(doubts(w, AT + 500 * DAY));
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_clock_empty_log_doubts_nobody),
		T(test_clock_far_from_the_log_is_in_doubt_and_both_times_are_said),
		T(test_clock_own_entries_do_not_end_the_doubt),
		T(test_clock_accepted_by_two_ends_the_doubt_once),
		T(test_clock_accepted_without_two_who_may_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
