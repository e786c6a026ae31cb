/* A profile's terms for a unit: what variables become, and that nothing from outside makes two values of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "station/terms.h"

static const struct terms_values values = {
	.serial = "SN-0042",
	.registration_id = "sn-0042",
	.model = "s 1\" a=2 \\",
	.station = "line-07",
	.operator_id = NULL,
	.slot = "3",
};

static struct conf_terms conf_of(const char *device_id, const char *tags, const char *desired)
{
	struct conf_terms conf = { 0 };

	str_clip(conf.device_id, sizeof(conf.device_id), device_id);
	str_clip(conf.tags, sizeof(conf.tags), tags);
	str_clip(conf.desired, sizeof(conf.desired), desired);
	return conf;
}

static void test_terms_variables_become_what_the_unit_says(void **state)
{
	struct conf_terms conf =
		conf_of("${station}-${serial}", "unit=${serial} id=${registration_id} by=\"${operator}\"",
			"place=line/${slot} n=7 \tfixed=\"a b\"");
	static struct terms terms;
	struct err err = { 0 };

	(void)state;
	conf.iot_edge = true;
	conf.reprovision = ENROLL_REPROVISION_NEVER;
	str_clip(conf.hubs, sizeof(conf.hubs), "a.net");
	assert_int_equal(terms_fill(&conf, &values, &terms, &err), 0);
	assert_string_equal(terms.device_id, "line-07-SN-0042");
	assert_string_equal(terms.enroll.tags, "unit=\"SN-0042\" id=\"sn-0042\" by=\"\"");
	assert_string_equal(terms.enroll.desired, "place=\"line/3\" n=7  fixed=\"a b\"");
	assert_string_equal(terms.enroll.hubs, "a.net");
	assert_true(terms.enroll.iot_edge);
	assert_int_equal(terms.enroll.reprovision, ENROLL_REPROVISION_NEVER);
}

static void test_terms_empty_are_nothing(void **state)
{
	const struct conf_terms conf = { 0 };
	static struct terms terms;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(terms_fill(&conf, &values, &terms, &err), 0);
	assert_null(terms.device_id);
	assert_string_equal(terms.enroll.tags, "");
	assert_string_equal(terms.enroll.desired, "");
}

/* A device may call its model what it likes. */
static void test_terms_marks_and_blanks_of_a_unit_stay_in_its_value(void **state)
{
	const struct conf_terms conf = conf_of("", "m=${model} n=\"<${model}>\" o=\\${slot}", "");
	static struct terms terms;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(terms_fill(&conf, &values, &terms, &err), 0);
	assert_string_equal(terms.enroll.tags, "m=\"s 1\\\" a=2 \\\\\" n=\"<s 1\\\" a=2 \\\\>\" o=\"\\\\3\"");
	assert_int_equal(enroll_terms_check(NULL, &terms.enroll, &err), 0);
}

/* A serial of digits is a text in one unit as in the next. */
static void test_terms_value_with_a_variable_is_never_a_number(void **state)
{
	const struct conf_terms conf = conf_of("", "", "n=${slot}");
	static struct terms terms;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(terms_fill(&conf, &values, &terms, &err), 0);
	assert_string_equal(terms.enroll.desired, "n=\"3\"");
}

static void test_terms_variables_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = { "a=${seriel}",     "a=${order}",   "a=${}",       "a=${serial",
					   "a=\"${Serial}\"", "a=${serial }", "${serial}=1", "${serial}" };
	static struct terms terms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct conf_terms tags = conf_of("", bad[i], "");
		const struct conf_terms desired = conf_of("", "", bad[i]);
		struct err err = { 0 };

		assert_int_equal(terms_fill(&tags, &values, &terms, &err), -1);
		assert_int_equal(err.class, ERR_UNIT);
		assert_string_equal(err.where, "tags");
		assert_int_equal(terms_fill(&desired, &values, &terms, &err), -1);
	}
}

static void test_terms_device_id_that_grows_too_long_is_refused(void **state)
{
	const struct conf_terms conf = conf_of("${serial}${serial}", "", "");
	struct terms_values longer = values;
	char serial[66];
	static struct terms terms;
	struct err err = { 0 };

	(void)state;
	memset(serial, 'a', sizeof(serial));
	serial[64] = '\0';
	longer.serial = serial;
	assert_int_equal(terms_fill(&conf, &longer, &terms, &err), 0);
	serial[64] = 'a';
	serial[65] = '\0';
	assert_int_equal(terms_fill(&conf, &longer, &terms, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
}

/* The buffer holds what the shortest variable with the longest value makes of a whole line. */
static void test_terms_longest_line_fits(void **state)
{
	struct terms_values longest = values;
	struct conf_terms conf = { 0 };
	char model[33];
	static struct terms terms;
	struct err err = { 0 };

	(void)state;
	memset(model, '"', sizeof(model));
	model[32] = '\0';
	longest.model = model;
	memcpy(conf.tags, "a=", 2);
	for (size_t n = 2; n + 8 <= CONF_TEXT_MAX; n += 8)
		memcpy(conf.tags + n, "${model}", 8);
	assert_int_equal(terms_fill(&conf, &longest, &terms, &err), 0);
	assert_int_equal(enroll_terms_check(NULL, &terms.enroll, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms_variables_become_what_the_unit_says),
		cmocka_unit_test(test_terms_empty_are_nothing),
		cmocka_unit_test(test_terms_marks_and_blanks_of_a_unit_stay_in_its_value),
		cmocka_unit_test(test_terms_value_with_a_variable_is_never_a_number),
		cmocka_unit_test(test_terms_variables_that_are_none_are_refused),
		cmocka_unit_test(test_terms_device_id_that_grows_too_long_is_refused),
		cmocka_unit_test(test_terms_longest_line_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
