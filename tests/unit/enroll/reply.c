/* What the service says: bulk replies, error bodies and the meaning of codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/world.h"

static void test_bulk_reply_success(void **state)
{
	struct bulk_reply reply = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(bulk_reply_parse(BYTES_LIT("{\"isSuccessful\":true,\"errors\":[]}"), &reply, &err),
			 0);
	assert_true(reply.successful);
	assert_int_equal(bulk_reply_parse(BYTES_LIT("{\"isSuccessful\":true}"), &reply, &err), 0);
	assert_true(reply.successful);
}

static void test_bulk_reply_errors_are_read(void **state)
{
	struct bulk_reply reply = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		bulk_reply_parse(BYTES_LIT("{\"isSuccessful\":false,\"errors\":[{\"registrationId\":\"a\","
					   "\"errorCode\":409201,\"errorStatus\":\"exists\\u0007.\"},"
					   "{\"registrationId\":\"b\"}]}"),
				 &reply, &err),
		0);
	assert_false(reply.successful);
	assert_int_equal(reply.errors_n, 2);
	assert_string_equal(reply.errors[0].registration_id, "a");
	assert_int_equal(reply.errors[0].code, 409201);
	assert_string_equal(reply.errors[0].text, "exists?.");
	assert_int_equal(reply.errors[1].code, 0);
}

static void test_bulk_reply_that_says_yes_and_names_errors_is_no_success(void **state)
{
	struct bulk_reply reply = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		bulk_reply_parse(BYTES_LIT("{\"isSuccessful\":true,\"errors\":[{\"registrationId\":\"a\"}]}"),
				 &reply, &err),
		0);
	assert_false(reply.successful);
}

static void test_bulk_reply_of_another_shape_is_an_error(void **state)
{
	static const char *const bad[] = {
		"",
		"<html>Welcome</html>",
		"null",
		"[]",
		"true",
		"{}",
		"{\"isSuccessful\":\"true\"}",
		"{\"isSuccessful\":1}",
		"{\"isSuccessful\":true,\"errors\":{}}",
		"{\"isSuccessful\":true,\"errors\":[]} trailing",
		"{\"isSuccessful\":true,\"isSuccessful\":false}",
		"{\"isSuccessful\":false,\"errors\":[1]}",
		"{\"isSuccessful\":false,\"errors\":[{}]}",
		"{\"isSuccessful\":false,\"errors\":[{\"registrationId\":\"a\",\"errorCode\":\"409201\"}]}",
		"{\"isSuccessful\":false,\"errors\":[{\"registrationId\":\"a\",\"errorCode\":1.5}]}",
		"{\"isSuccessful\":false,\"errors\":[0,0,0,0,0,0,0,0,0,0,0]}",
	};
	struct bulk_reply reply = { 0 };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(bulk_reply_parse(bytes_str(bad[i]), &reply, &err), -1);
		assert_int_equal(err.class, ERR_RETRY);
	}
}

static void test_error_reply_needs_the_services_code(void **state)
{
	struct item_error error = { 0 };

	(void)state;
	assert_true(error_reply_parse(
		BYTES_LIT("{\"errorCode\":404201,\"message\":\"Enrollment not found.\"}"), &error));
	assert_int_equal(error.code, 404201);
	assert_string_equal(error.text, "Enrollment not found.");
	assert_false(error_reply_parse(BYTES_LIT("{\"Message\":\"ErrorCode:ArgumentInvalid\"}"), &error));
	assert_false(error_reply_parse(BYTES_LIT("{\"errorCode\":\"404201\"}"), &error));
	assert_false(error_reply_parse(BYTES_LIT("Not Found"), &error));
	assert_false(error_reply_parse(BYTES_NONE, &error));
}

static void test_refusal_of_each_code(void **state)
{
	static const struct {
		int64_t code;
		enum refusal refusal;
	} table[] = {
		{ 409201, REFUSAL_EXISTS },    { 400004, REFUSAL_FINAL },     { 412001, REFUSAL_EXISTS },
		{ 404201, REFUSAL_FINAL },     { 409202, REFUSAL_EXISTS },    { 409203, REFUSAL_TRANSIENT },
		{ 429001, REFUSAL_TRANSIENT }, { 500001, REFUSAL_TRANSIENT }, { 503000, REFUSAL_TRANSIENT },
		{ 401002, REFUSAL_TRANSIENT }, { 0, REFUSAL_TRANSIENT },      { -400004, REFUSAL_TRANSIENT },
		{ 7, REFUSAL_TRANSIENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(refusal_of(table[i].code), table[i].refusal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_reply_success),
		cmocka_unit_test(test_bulk_reply_errors_are_read),
		cmocka_unit_test(test_bulk_reply_that_says_yes_and_names_errors_is_no_success),
		cmocka_unit_test(test_bulk_reply_of_another_shape_is_an_error),
		cmocka_unit_test(test_error_reply_needs_the_services_code),
		cmocka_unit_test(test_refusal_of_each_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
