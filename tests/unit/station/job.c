/* Tests the tables of station/job.c: what the loop relies on must be true of every pipeline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "station/job.h"

static void test_pipelines_once_steps_have_a_probe(void **state)
{
	(void)state;
	for (size_t i = 0; i < job_pipelines_n; i++)
		for (size_t k = 0; k < job_pipelines[i].steps_n; k++) {
			const struct step *step = &job_pipelines[i].steps[k];

			assert_non_null(step->run);
			assert_true(step->timeout_ms > 0);
			if ((step->effect == EFFECT_ONCE) != (step->probe != NULL))
				fail_msg("pipeline %s, step %s: effect and probe disagree",
					 job_pipelines[i].name, step->name);
		}
}

static void test_pipelines_begin_with_identify_and_end_with_record(void **state)
{
	(void)state;
	for (size_t i = 0; i < job_pipelines_n; i++) {
		const struct pipeline *p = &job_pipelines[i];

		assert_string_equal(p->steps[0].name, "identify");
		assert_string_equal(p->steps[p->steps_n - 1].name, "record");
		assert_string_equal(p->steps[p->steps_n - 2].name, "verify");
	}
}

/* An intent is only written for a step that must not happen twice. */
static void test_pipelines_intend_only_with_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < job_pipelines_n; i++)
		for (size_t k = 0; k < job_pipelines[i].steps_n; k++)
			if (job_pipelines[i].steps[k].intend != NULL)
				assert_int_equal(job_pipelines[i].steps[k].effect, EFFECT_ONCE);
}

static void test_job_model_without_profile_refused(void **state)
{
	const struct conf_slot slot = { .name = "1" };
	const struct unit_info unit = { .serial = "a", .hwid = "b", .model = "pump" };
	struct station st = { 0 };
	struct tools tools = { 0 };
	struct err err = { 0 };
	struct job job;

	(void)state;
	job_init(&job, &st, &tools, &slot, NULL, &unit);
	assert_int_equal(job_choose_profile(&job, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_non_null(strstr(err.what, "pump"));
	job_deinit(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelines_once_steps_have_a_probe),
		cmocka_unit_test(test_pipelines_begin_with_identify_and_end_with_record),
		cmocka_unit_test(test_pipelines_intend_only_with_once),
		cmocka_unit_test(test_job_model_without_profile_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
