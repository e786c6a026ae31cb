/* Tests station/options.c: an option that a command does not take is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "station/options.h"

static const struct command run = { "run", "…", "…", "dc", 1, NULL };

static int parse(struct options *options, struct err *err, char **argv)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	err_clear(err);
	return options_parse(&run, argc, argv, options, err);
}

static void test_options_given_values_taken(void **state)
{
	char name[] = "run", dir[] = "--dir", where[] = "/x", count[] = "--count=7", word[] = "word";
	char *argv[] = { name, dir, where, count, word, NULL };
	struct options options;
	struct err err;

	(void)state;
	assert_int_equal(parse(&options, &err, argv), 0);
	assert_string_equal(options.dir, "/x");
	assert_int_equal(options.count, 7);
	assert_int_equal(options.args_n, 1);
}

static void test_options_of_other_commands_refused(void **state)
{
	char name[] = "run", watch[] = "--watch", unknown[] = "--pin=1234";
	char *first[] = { name, watch, NULL }, *second[] = { name, unknown, NULL };
	struct options options;
	struct err err;

	(void)state;
	assert_int_equal(parse(&options, &err, first), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(parse(&options, &err, second), -1);
	assert_null(strstr(err.what, "1234"));
}

static void test_options_bad_numbers_and_extra_words_refused(void **state)
{
	char name[] = "run", zero[] = "--count=0", text[] = "--count=1x", word[] = "w";
	char *a[] = { name, zero, NULL }, *b[] = { name, text, NULL }, *c[] = { name, word, word, NULL };
	struct options options;
	struct err err;

	(void)state;
	assert_int_equal(parse(&options, &err, a), -1);
	assert_int_equal(parse(&options, &err, b), -1);
	assert_int_equal(parse(&options, &err, c), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_given_values_taken),
		cmocka_unit_test(test_options_of_other_commands_refused),
		cmocka_unit_test(test_options_bad_numbers_and_extra_words_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
