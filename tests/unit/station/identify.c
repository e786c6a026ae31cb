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

static struct unit_info name_of(const char *serial)
{
	struct unit_info info = { .model = "sensor", .hwid = "h2", .caps = UNIT_CAP_KEY | UNIT_CAP_PROVE };

	str_clip(info.serial, sizeof(info.serial), serial);
	return info;
}

static int say_name(void *impl, const struct deadline *dl, struct unit_info *ret, struct err *err)
{
	(void)dl;
	(void)err;
	*ret = name_of(impl);
	return 0;
}

static const struct fixture_ops unit_named = { .name = "named",
					       .close = close_nothing,
					       .identify = say_name };

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

/* A unit with another serial and no label. */
static int identify_serial(struct world *w, const char *serial, struct err *err)
{
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	struct unit_info info;
	struct job job;
	int ret;

	info = name_of(serial);
	assert_int_equal(fixture_open_with(&unit_named, (void *)(uintptr_t)serial, &fixture, err), 0);
	job_init(&job, &w->st, &w->tools, &w->slot, fixture, &info);
	assert_int_equal(job_choose_profile(&job, err), 0);
	job.deadline = deadline_in_ms(1000);
	ret = identify_unit(&job, err);
	job_deinit(&job);
	return ret;
}

/* What the service would refuse days later is refused here, before anything is issued (dps-api 2). */
static void test_identify_serial_that_is_no_registration_id_refused(void **state)
{
	struct world *w = *state;
	static const char *const bad[] = { "S 1", "S/1", "S1.", "S1:", "S1_", "S\xc3\xa9", "S1'" };
	static const char *const good[] = { "S1-", "a.b_c:d-1", "0" };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		err = (struct err){ 0 };
		assert_int_equal(identify_serial(w, bad[i], &err), -1);
		assert_int_equal(err.class, ERR_UNIT);
		if (strstr(err.what, "registration ID") == NULL)
			fail_msg("said \"%s\"", err.what);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (identify_serial(w, good[i], &err) < 0)
			fail_msg("%s: %s", good[i], err.what);
}

/* The service does not tell "abc-1" from "ABC-1": one of them would take the other's place. */
static void test_identify_serial_that_differs_in_case_only_refused(void **state)
{
	struct world *w = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(
		db_run(&tx,
		       "INSERT INTO job(serial, hwid, model, registration_id, profile, attest, pipeline,"
		       " version, slot, state, step, intended, started_ms) VALUES('ABC-1', 'other',"
		       " 'sensor', 'abc-1', 'p', 'x509', 'x509', 1, '1', 'passed', 'record', 5, 1)",
		       DB_NO_VALUES, &err),
		0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_int_equal(identify_serial(w, "Abc-1", &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_non_null(strstr(err.what, "this registration ID already belongs to unit ABC-1"));
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_identify_label_demanded_and_missing_refused),
		WITH_WORLD(test_identify_label_of_another_unit_refused),
		WITH_WORLD(test_identify_check_character_is_not_of_the_serial),
		WITH_WORLD(test_identify_without_label_or_demand_passes),
		WITH_WORLD(test_identify_serial_that_is_no_registration_id_refused),
		WITH_WORLD(test_identify_serial_that_differs_in_case_only_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
