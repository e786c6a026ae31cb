/* Tests station/provision.c: retries on a port that only one program may open, and whose fault it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "station/provision.h"
#include "station/journal.h"
#include "tests/unit/station/world.h"

/* A unit whose first answers fail, behind a port that counts who holds it. */
struct flaky {
	unsigned fails_left;
	unsigned open;      /* fixtures that hold the port now */
	unsigned open_most; /* at one time                     */
	unsigned asked;     /* for a key                       */
	unsigned refused;   /* log-ins                         */
	bool refuses;       /* them, once it was asked         */
	const char *serial;
};

static void flaky_close(void *impl)
{
	((struct flaky *)impl)->open--;
}

static int flaky_identify(void *impl, const struct deadline *dl, struct unit_info *ret, struct err *err)
{
	struct flaky *unit = impl;

	(void)dl;
	if (unit->refuses && unit->asked > 0) {
		unit->refused++;
		return err_set(err, ERR_OPERATOR, EACCES, "does not take the password");
	}
	*ret = (struct unit_info){ .model = "sensor", .hwid = "h1", .caps = UNIT_CAP_KEY | UNIT_CAP_PROVE };
	str_clip(ret->serial, sizeof(ret->serial), unit->serial);
	return 0;
}

static int flaky_key(void *impl, const struct deadline *dl, const char *cn, struct buf *ret, struct err *err)
{
	struct flaky *unit = impl;

	(void)dl;
	(void)cn;
	(void)ret;
	unit->asked++;
	if (unit->fails_left-- > 0)
		return err_set(err, ERR_RETRY, ETIMEDOUT, "no answer");
	return err_set(err, ERR_UNIT, 0, "reached the unit again");
}

static const struct fixture_key_ops flaky_keys = { .make = flaky_key };
static const struct fixture_ops flaky_ops = {
	.name = "flaky",
	.close = flaky_close,
	.identify = flaky_identify,
	.keys = &flaky_keys,
};

static int flaky_open(void *arg, struct fixture **ret_fixture, struct err *err)
{
	struct flaky *unit = arg;

	if (fixture_open_with(&flaky_ops, unit, ret_fixture, err) < 0)
		return -1;
	if (++unit->open > unit->open_most)
		unit->open_most = unit->open;
	return 0;
}

static enum outcome provision(struct world *w, struct flaky *unit, struct err *why)
{
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	const struct reach reach = { &fixture, flaky_open, unit };
	struct unit_info info;
	enum outcome outcome;
	struct job job;

	assert_int_equal(flaky_open(unit, &fixture, why), 0);
	assert_int_equal(flaky_identify(unit, NULL, &info, why), 0);
	job_init(&job, &w->st, &w->tools, &w->slot, fixture, &info);
	outcome = provision_unit(&job, &reach, why);
	job_deinit(&job);
	return outcome;
}

/* The port is given back before it is asked for again, so one that excludes others can be reopened. */
static void test_provision_retry_holds_one_port_at_a_time(void **state)
{
	struct flaky unit = { .fails_left = 2, .serial = "s1" };
	struct err why = { 0 };

	assert_int_equal(provision(*state, &unit, &why), OUTCOME_FAIL);
	assert_string_equal(why.what, "reached the unit again");
	assert_int_equal(unit.open_most, 1);
	assert_int_equal(unit.open, 0);
}

static void test_provision_unit_that_never_answers_is_the_units_fault(void **state)
{
	struct flaky unit = { .fails_left = 1000, .serial = "s1" };
	struct err why = { 0 };

	assert_int_equal(provision(*state, &unit, &why), OUTCOME_FAIL);
	assert_int_equal(why.class, ERR_UNIT);
	assert_non_null(strstr(why.where, "step key"));
}

/* Another try may lock the account of whoever sits there by now. */
static void test_provision_refused_log_in_is_not_tried_again(void **state)
{
	struct flaky unit = { .fails_left = 1000, .refuses = true, .serial = "s1" };
	struct err why = { 0 };

	assert_int_equal(provision(*state, &unit, &why), OUTCOME_FAIL);
	assert_int_equal(why.class, ERR_OPERATOR);
	assert_int_equal(unit.refused, 1);
	assert_int_equal(unit.open, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_provision_retry_holds_one_port_at_a_time, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_provision_unit_that_never_answers_is_the_units_fault,
						world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_provision_refused_log_in_is_not_tried_again, world_setup,
						world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
