/* Tests station/label.c: which texts are labels, which serial they stand for, which patterns are accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "station/label.h"

static void assert_reads(const struct label_rules *rules, const char *text, const char *want)
{
	char serial[LABEL_MAX + 1] = "untouched";
	struct err err = { 0 };

	if (label_read(rules, text, serial, &err) < 0)
		fail_msg("\"%s\": %s", text, err.what);
	assert_string_equal(serial, want);
	assert_true(label_names(rules, text, want));
	assert_false(label_names(rules, text, "other"));
}

static void assert_refuses(const struct label_rules *rules, const char *text, const char *why)
{
	char serial[LABEL_MAX + 1] = "untouched";
	struct err err = { 0 };

	if (label_read(rules, text, serial, &err) == 0)
		fail_msg("\"%s\" is accepted", text);
	assert_int_equal(err.class, ERR_OPERATOR);
	if (strstr(err.what, why) == NULL)
		fail_msg("said \"%s\", not %s", err.what, why);
	assert_string_equal(serial, "untouched");
	assert_false(label_names(rules, text, text));
}

static void test_label_without_rules_is_its_text(void **state)
{
	const struct label_rules rules = { 0 };
	char longest[LABEL_MAX + 2] = "";

	(void)state;
	assert_reads(&rules, "sensor-0001-ab", "sensor-0001-ab");
	memset(longest, 'x', LABEL_MAX);
	assert_reads(&rules, longest, longest);
	longest[LABEL_MAX] = 'x';
	assert_refuses(&rules, longest, "1 to 64");
	assert_refuses(&rules, "", "1 to 64");
	assert_refuses(&rules, "a\033[2Jb", "can't be printed");
	assert_refuses(&rules, "a\xc3\xa4", "can't be printed");
}

static void test_label_pattern_matches_whole_labels_only(void **state)
{
	const struct label_rules rules = { .pattern = "SN-[0-9]{4}|T(A|B)+" };

	(void)state;
	assert_reads(&rules, "SN-0123", "SN-0123");
	assert_reads(&rules, "TABBA", "TABBA");
	assert_refuses(&rules, "SN-01234", "does not look");
	assert_refuses(&rules, "xSN-0123", "does not look");
	assert_refuses(&rules, "SN-0123 TA", "does not look");
}

/* GTINs of the GS1 General Specifications' form: 13, 12, 8 and 14 digits; an SSCC of 18. */
static void test_label_mod10_published_numbers(void **state)
{
	const struct label_rules all = { .check = LABEL_CHECK_MOD10 };
	const struct label_rules before = { .check = LABEL_CHECK_MOD10, .serial = LABEL_SERIAL_BEFORE_CHECK };

	(void)state;
	assert_reads(&all, "4006381333931", "4006381333931");
	assert_reads(&before, "4006381333931", "400638133393");
	assert_reads(&before, "036000291452", "03600029145");
	assert_reads(&before, "73513537", "7351353");
	assert_reads(&before, "376104250021234569", "37610425002123456");
	assert_refuses(&all, "4006381333932", "check digit is wrong");
	assert_refuses(&all, "4006318333931", "check digit is wrong"); /* two neighbours changed places */
	assert_refuses(&all, "400638133393X", "digits alone");
	assert_refuses(&all, "0", "too short");
}

static void test_label_mod43_published_texts(void **state)
{
	const struct label_rules before = { .check = LABEL_CHECK_MOD43, .serial = LABEL_SERIAL_BEFORE_CHECK };

	(void)state;
	assert_reads(&before, "CODE39W", "CODE39");
	assert_reads(&before, "12345ABCDE/T", "12345ABCDE/");
	assert_refuses(&before, "CODE39X", "check character is wrong");
	assert_refuses(&before, "COED93W1", "check character is wrong");
	assert_refuses(&before, "CODE39w", "Code 39 has not");
	assert_refuses(&before, "W", "too short");
}

static void test_label_pattern_that_costs_too_much_refused(void **state)
{
	static const char *const patterns[] = {
		"((a{64}){64}){64}",
		"(a{2}b)+{3}",
		"a{2}*{3}",
		"a{65}",
		"a{1,99999999999}",
		"(a)\\1",
		"\\d+",
		"a)|(b",
		"(((((((((a)))))))))",
		"(a",
		"[a",
		"[[:alpha:",
		"a{",
		"a{x}",
		"\\",
		"a\tb",
		"[z-a]",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		err_clear(&err);
		if (label_pattern_check(patterns[i], &err) == 0)
			fail_msg("accepted: %s", patterns[i]);
		assert_int_equal(err.class, ERR_OPERATOR);
		assert_non_null(strstr(err.what, "label-pattern"));
	}
}

static void test_label_pattern_that_people_write_accepted(void **state)
{
	static const char *const patterns[] = {
		"[A-Z]{2}[0-9]{8}", "(SN|SX)-[[:digit:]]{4,6}(-[A-F]{2})?",
		"[]a-z^-]+",        "a\\.b\\(c\\)",
		"[^]x]{1,}",        "((a|b)*(c{2}|d{3}))+",
	};
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (label_pattern_check(patterns[i], &err) < 0)
			fail_msg("%s: %s", patterns[i], err.what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_label_without_rules_is_its_text),
		cmocka_unit_test(test_label_pattern_matches_whole_labels_only),
		cmocka_unit_test(test_label_mod10_published_numbers),
		cmocka_unit_test(test_label_mod43_published_texts),
		cmocka_unit_test(test_label_pattern_that_costs_too_much_refused),
		cmocka_unit_test(test_label_pattern_that_people_write_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
