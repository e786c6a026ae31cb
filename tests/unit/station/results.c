/* Tests station/results.c on a real database: what goes in comes out by time, and old rows cost nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/results.h"
#include "tests/unit/station/watch.h"
#include "tests/unit/station/world.h"

#define DAY_MS INT64_C(86400000)

static int setup(void **state)
{
	watch_start();
	return world_setup(state);
}

static int teardown(void **state)
{
	watch_stop();
	return world_teardown(state);
}

static void add(struct world *w, const struct result *result)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(results_add(&tx, result, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

static void add_pass(struct world *w, int64_t at_ms)
{
	const struct result pass = { .slot = "1", .at_ms = at_ms, .elapsed_ms = 1200 };

	add(w, &pass);
}

/* What a walk saw, a line per result. */
struct seen {
	char text[400];
	int n;
	int64_t sum_ms;
};

static int see(void *arg, const struct result *r, struct err *err)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->text);

	(void)err;
	seen->n++;
	seen->sum_ms += r->elapsed_ms;
	if (str_format(seen->text + len, sizeof(seen->text) - len, "%lld %s %s %s %s %lld\n",
			 (long long)r->at_ms, r->slot, r->operator_id != NULL ? r->operator_id : "-",
			 r->step != NULL ? r->step : "-", err_class_name(r->class), (long long)r->elapsed_ms) < 0)
		seen->text[len] = '\0';
	return 0;
}

static void test_results_each_gives_what_was_added_in_order(void **state)
{
	struct world *w = *state;
	struct seen seen = { .n = 0 };
	struct err err = { 0 };
	const struct result fail = { "2", "anna", "issue", ERR_UNIT, 900, 77 };
	const struct result pass = { "1", "", NULL, ERR_NONE, 500, 1200 };

	add(w, &fail);
	add(w, &pass);
	assert_int_equal(results_each(w->st.db, 0, 1000, see, &seen, &err), 0);
	assert_string_equal(seen.text, "500 1 - - none 1200\n900 2 anna issue unit 77\n");
}

static void test_results_each_range_has_its_first_and_not_its_last_moment(void **state)
{
	struct world *w = *state;
	struct seen seen = { .n = 0 };
	struct err err = { 0 };

	add_pass(w, DAY_MS - 1);
	add_pass(w, DAY_MS);
	add_pass(w, 2 * DAY_MS - 1);
	add_pass(w, 2 * DAY_MS);
	assert_int_equal(results_each(w->st.db, DAY_MS, 2 * DAY_MS, see, &seen, &err), 0);
	assert_int_equal(seen.n, 2);
}

static void test_results_each_many_of_one_moment_none_lost(void **state)
{
	struct world *w = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	const struct result pass = { .slot = "1", .at_ms = 5, .elapsed_ms = 1 };
	struct seen seen = { .n = 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	for (int i = 0; i < 600; i++)
		assert_int_equal(results_add(&tx, &pass, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_int_equal(results_each(w->st.db, 5, 6, see, &seen, &err), 0);
	assert_int_equal(seen.n, 600);
	assert_int_equal(seen.sum_ms, 600);
}

static int refuse(void *arg, const struct result *result, struct err *err)
{
	(void)arg;
	(void)result;
	return err_set(err, ERR_OPERATOR, 0, "enough");
}

static void test_results_each_visitor_that_stops_ends_the_walk(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	add_pass(w, 1);
	assert_int_equal(results_each(w->st.db, 0, 10, refuse, NULL, &err), -1);
	assert_string_equal(err.what, "enough");
}

static void test_results_each_unknown_class_stops_the_station(void **state)
{
	struct world *w = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct seen seen = { .n = 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(db_run(&tx,
				"INSERT INTO result(at_ms, slot, class, elapsed_ms)"
				" VALUES(1, '1', 'later', 1)",
				DB_NO_VALUES, &err),
			 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_int_equal(results_each(w->st.db, 0, 10, see, &seen, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
}

/* 100,000 units of other days, then the ten of this one. */
static void test_results_each_full_table_costs_what_the_day_costs(void **state)
{
	struct world *w = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct seen seen = { .n = 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(db_run(&tx,
				"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n"
				" WHERE i < 100000) INSERT INTO result(at_ms, slot, elapsed_ms)"
				" SELECT i, '1', 1 FROM n",
				DB_NO_VALUES, &err),
			 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	for (int i = 0; i < 10; i++)
		add_pass(w, DAY_MS + i);
	watch_reset();
	assert_int_equal(results_each(w->st.db, DAY_MS, 2 * DAY_MS, see, &seen, &err), 0);
	assert_int_equal(seen.n, 10);
	assert_int_equal(watch_scans(), 0);
	assert_in_range(watch_steps(), 10, 400);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_results_each_gives_what_was_added_in_order),
		CASE(test_results_each_range_has_its_first_and_not_its_last_moment),
		CASE(test_results_each_many_of_one_moment_none_lost),
		CASE(test_results_each_visitor_that_stops_ends_the_walk),
		CASE(test_results_each_unknown_class_stops_the_station),
		CASE(test_results_each_full_table_costs_what_the_day_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
