/* Tests station/steps/identify.c: the label is compared where the unit's own word is, whoever let the unit start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "station/steps/steps.h"
#include "tests/unit/station/world.h"

static int say_s1(void *impl, const struct deadline *dl, struct unit_info *ret, struct err *err)
{
	(void)impl;
	(void)dl;
	(void)err;
	*ret = (struct unit_info){
		.serial = "S1", .model = "sensor", .hwid = "h1", .caps = UNIT_CAP_KEY | UNIT_CAP_PROVE
	};
	return 0;
}

static void close_nothing(void *impl)
{
	(void)impl;
}

static const struct fixture_ops unit_s1 = { .name = "s1", .close = close_nothing, .identify = say_s1 };

static int identify(struct world *w, const char *label, struct err *err)
{
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	struct unit_info info;
	struct job job;
	int ret;

	assert_int_equal(fixture_open_with(&unit_s1, NULL, &fixture, err), 0);
	assert_int_equal(say_s1(NULL, NULL, &info, err), 0);
	job_init(&job, &w->st, &w->tools, &w->slot, fixture, &info);
	assert_int_equal(job_choose_profile(&job, err), 0);
	str_clip(job.seating.label, sizeof(job.seating.label), label);
	job.deadline = deadline_in_ms(1000);
	ret = identify_unit(&job, err);
	job_deinit(&job);
	return ret;
}

static void assert_refused(struct world *w, const char *label, enum err_class class, const char *why)
{
	struct err err = { 0 };

	assert_int_equal(identify(w, label, &err), -1);
	assert_int_equal(err.class, class);
	if (strstr(err.what, why) == NULL)
		fail_msg("said \"%s\", not %s", err.what, why);
}

static void test_identify_label_demanded_and_missing_refused(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	w->profile.label.demanded = true;
	assert_refused(w, "", ERR_OPERATOR, "demands the label");
	assert_int_equal(identify(w, "S1", &err), 0);
}

static void test_identify_label_of_another_unit_refused(void **state)
{
	struct world *w = *state;

	w->profile.label.demanded = true;
	assert_refused(w, "S2", ERR_UNIT, "the label says S2, the unit reports S1");
	assert_refused(w, "s1", ERR_UNIT, "the label says s1, the unit reports S1");
	assert_refused(w, "S10", ERR_UNIT, "the label says S10, the unit reports S1");
	/* also when nobody demanded one */
	w->profile.label.demanded = false;
	assert_refused(w, "S2", ERR_UNIT, "the label says S2, the unit reports S1");
}

static void test_identify_check_character_is_not_of_the_serial(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	w->profile.label = (struct label_rules){ true, "", LABEL_CHECK_MOD43, LABEL_SERIAL_BEFORE_CHECK };
	assert_int_equal(identify(w, "S1T", &err), 0);
	assert_refused(w, "S2U", ERR_UNIT, "the label says S2, the unit reports S1");
	assert_refused(w, "S1", ERR_UNIT,
		       "the label says S1, the unit reports S1"); /* its check character is wrong */
}

static void test_identify_without_label_or_demand_passes(void **state)
{
	struct err err = { 0 };

	assert_int_equal(identify(*state, "", &err), 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_identify_label_demanded_and_missing_refused),
		WITH_WORLD(test_identify_label_of_another_unit_refused),
		WITH_WORLD(test_identify_check_character_is_not_of_the_serial),
		WITH_WORLD(test_identify_without_label_or_demand_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
