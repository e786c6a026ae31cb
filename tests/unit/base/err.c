/* The error object: the cause survives wrapping, and nothing it quotes reaches a terminal as a command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void test_err_set_records_class_code_and_cause(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set(&err, ERR_UNIT, 42, "unit %s", "A1"), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_int_equal(err.code, 42);
	assert_string_equal(err.what, "unit A1");
	assert_string_equal(err.where, "");
}

static void test_err_set_control_characters_made_printable(void **state)
{
	struct err err = { 0 };

	(void)state;
	(void)err_set(&err, ERR_UNIT, 0, "a%cb\n\x1b[2J\x7f", '\t');
	assert_string_equal(err.what, "a?b??[2J?");
	(void)err_wrap(&err, "slot\r\n1");
	assert_string_equal(err.where, "slot??1");
}

static void test_err_wrap_twice_outermost_first(void **state)
{
	struct err err = { 0 };
	char text[400];

	(void)state;
	(void)err_set(&err, ERR_OPERATOR, 0, "PIN locked");
	(void)err_wrap(&err, "C_Login");
	assert_int_equal(err_wrap(&err, "opening the issuing token"), -1);
	assert_string_equal(err_text(&err, text, sizeof(text)),
			    "opening the issuing token: C_Login: PIN locked");
}

static void test_err_wrap_too_long_cause_stays_whole(void **state)
{
	struct err err = { 0 };
	char text[400];

	(void)state;
	(void)err_set(&err, ERR_RETRY, 0, "the cause");
	for (int i = 0; i < 40; i++)
		(void)err_wrap(&err, "step number %d of the way", i);
	assert_int_equal(strlen(err.where), sizeof(err.where) - 1);
	(void)err_text(&err, text, sizeof(text));
	assert_string_equal(text + strlen(text) - strlen(": the cause"), ": the cause");
}

static void test_err_set_again_forgets_the_old_path(void **state)
{
	struct err err = { 0 };

	(void)state;
	(void)err_set(&err, ERR_RETRY, 0, "first");
	(void)err_wrap(&err, "somewhere");
	(void)err_set(&err, ERR_UNIT, 0, "second");
	assert_string_equal(err.where, "");
}

static void test_err_raise_never_lowers(void **state)
{
	struct err err = { 0 };

	(void)state;
	(void)err_set(&err, ERR_UNIT, 0, "x");
	assert_int_equal(err_raise(&err, ERR_RETRY), -1);
	assert_int_equal(err.class, ERR_UNIT);
	(void)err_raise(&err, ERR_STATION);
	assert_int_equal(err.class, ERR_STATION);
}

static void test_err_text_small_buffer_is_terminated(void **state)
{
	struct err err = { 0 };
	char text[6];

	(void)state;
	(void)err_set(&err, ERR_UNIT, 0, "a long cause");
	assert_string_equal(err_text(&err, text, sizeof(text)), "a lon");
}

static void test_err_class_names_are_stored_data(void **state)
{
	static const char *const names[] = { "none", "retry", "unit", "operator", "station", "bug" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(err_class_name((enum err_class)i), names[i]);
	assert_string_equal(err_class_name((enum err_class)99), "bug");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_set_records_class_code_and_cause),
		cmocka_unit_test(test_err_set_control_characters_made_printable),
		cmocka_unit_test(test_err_wrap_twice_outermost_first),
		cmocka_unit_test(test_err_wrap_too_long_cause_stays_whole),
		cmocka_unit_test(test_err_set_again_forgets_the_old_path),
		cmocka_unit_test(test_err_raise_never_lowers),
		cmocka_unit_test(test_err_text_small_buffer_is_terminated),
		cmocka_unit_test(test_err_class_names_are_stored_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
