/* Tests station/screens/advice.c: nobody who stands before a failed unit is left without a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "station/job.h"
#include "station/screens/ui.h"

static const enum err_class classes[] = { ERR_NONE, ERR_RETRY, ERR_UNIT, ERR_OPERATOR, ERR_STATION, ERR_BUG };

static void assert_sentence(const char *text)
{
	assert_non_null(text);
	assert_true(strlen(text) > 3 && strlen(text) < 60);
	assert_int_equal(text[strlen(text) - 1], '.');
}

static void test_advice_every_step_and_class_has_two_sentences(void **state)
{
	(void)state;
	for (size_t p = 0; p < job_pipelines_n; p++)
		for (size_t s = 0; s < job_pipelines[p].steps_n; s++)
			for (size_t c = 0; c < ARRAY_LEN(classes); c++) {
				struct advice advice = advice_for(job_pipelines[p].steps[s].name, classes[c]);

				assert_sentence(advice.what);
				assert_sentence(advice.todo);
			}
}

static void test_advice_every_step_has_a_title(void **state)
{
	(void)state;
	for (size_t p = 0; p < job_pipelines_n; p++)
		for (size_t s = 0; s < job_pipelines[p].steps_n; s++) {
			const char *name = job_pipelines[p].steps[s].name;

			assert_string_not_equal(step_title(name), name);
		}
	assert_string_equal(step_title("polish"), "polish");
}

static void test_advice_before_the_first_step_is_of_the_seat(void **state)
{
	(void)state;
	assert_string_equal(advice_for("", ERR_UNIT).what, "The unit was not recognized.");
	assert_string_equal(step_title(""), "Finding the unit");
}

static void test_advice_unknown_step_falls_back_to_the_class(void **state)
{
	(void)state;
	assert_string_equal(advice_for("polish", ERR_UNIT).todo, "Put the unit aside.");
	assert_string_equal(advice_for("polish", ERR_STATION).todo, "Call the line lead.");
	assert_string_equal(advice_for("verify", ERR_STATION).what, "The station stopped.");
}

static void test_advice_wait_fits_a_compact_tile(void **state)
{
	(void)state;
	for (enum wait wait = WAIT_NONE; wait <= WAIT_CLOCK; wait++)
		assert_in_range(strlen(advice_wait(wait)), 1, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_advice_every_step_and_class_has_two_sentences),
		cmocka_unit_test(test_advice_every_step_has_a_title),
		cmocka_unit_test(test_advice_before_the_first_step_is_of_the_seat),
		cmocka_unit_test(test_advice_unknown_step_falls_back_to_the_class),
		cmocka_unit_test(test_advice_wait_fits_a_compact_tile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
