/* Limits and faults on request. */
#include "tests/unit/dps_emulator/service.h"

#define SECOND 10000000LL

static int get(struct service *service, struct reply *ret)
{
	service_call(service, "GET", "/enrollments/none", NULL, NULL, ret);
	return reply_code(ret);
}

static int get_code(struct service *service)
{
	return service_code(service, "GET", "/enrollments/none", NULL);
}

static void test_throttle_beyond_limit_says_when(void **state)
{
	struct service *service = *state;
	REPLY_AUTO reply;

	service->conf.knobs.operations_per_minute = 2;
	assert_int_equal(get_code(service), 404201);
	service->at_ticks += 20 * SECOND;
	assert_int_equal(get_code(service), 404201);
	assert_int_equal(get(service, &reply), 429001);
	assert_string_equal(reply_header(&reply, "Retry-After"), "40");
	service->at_ticks += 39 * SECOND;
	assert_int_equal(get_code(service), 429001);
	service->at_ticks += 1 * SECOND;
	assert_int_equal(get_code(service), 404201);
}

static void test_throttle_retry_after_as_asked(void **state)
{
	struct service *service = *state;
	REPLY_AUTO with, without;

	service->conf.knobs.operations_per_minute = 1;
	service->conf.knobs.retry_after_s = 3;
	assert_int_equal(get_code(service), 404201);
	assert_int_equal(get(service, &with), 429001);
	assert_string_equal(reply_header(&with, "Retry-After"), "3");
	service->conf.knobs.retry_after_s = 0;
	assert_int_equal(get(service, &without), 429001);
	assert_null(reply_header(&without, "Retry-After"));
}

static void test_throttle_unauthorized_calls_are_free(void **state)
{
	struct service *service = *state;
	const struct dps_header headers[] = { { "Host", "localhost" } };

	service->conf.knobs.operations_per_minute = 1;
	for (unsigned i = 0; i < 3; i++) {
		REPLY_AUTO reply;

		service_call_raw(service, "GET", "/enrollments/a?api-version=2021-10-01", headers, 1, NULL,
				 &reply);
		assert_int_equal(reply_code(&reply), 401002);
	}
	assert_int_equal(get_code(service), 404201);
}

static void test_fail_every_third_call_does_nothing(void **state)
{
	struct service *service = *state;

	service->conf.knobs.fail_every = 3;
	service->conf.knobs.fail_status = 503;
	assert_int_equal(get_code(service), 404201);
	assert_int_equal(get_code(service), 404201);
	assert_int_equal(service_code(service, "PUT", "/enrollments/a", SYM("a")), 503001);
	assert_int_equal(service_code(service, "PUT", "/enrollments/a", SYM("a")), 200);
}

static void test_fail_status_429_is_a_throttle(void **state)
{
	struct service *service = *state;
	REPLY_AUTO reply;

	service->conf.knobs.fail_every = 1;
	service->conf.knobs.fail_status = 429;
	assert_int_equal(get(service, &reply), 429001);
	assert_string_equal(reply_header(&reply, "Retry-After"), "1");
}

static void test_drop_reply_counts_changes_and_commits(void **state)
{
	struct service *service = *state;
	REPLY_AUTO first, read, second;

	service->conf.knobs.drop_reply_every = 2;
	service_call(service, "PUT", "/enrollments/a", SYM("a"), NULL, &first);
	assert_false(first.res.drop);
	service_call(service, "GET", "/enrollments/a", NULL, NULL, &read);
	assert_false(read.res.drop);
	service_call(service, "PUT", "/enrollments/b", SYM("b"), NULL, &second);
	assert_true(second.res.drop);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 2);
}

static void test_fail_item_refuses_items_across_calls(void **state)
{
	struct service *service = *state;
	const json_t *error;
	REPLY_AUTO reply;

	service->conf.knobs.fail_item_every = 2;
	service_call(service, "POST", "/enrollments",
		     "{\"mode\":\"create\",\"enrollments\":[" SYM("a") "," SYM("b") "," SYM("c") "]}", NULL,
		     &reply);
	assert_int_equal(reply.res.status, 200);
	assert_int_equal(json_array_size(json_object_get(reply.body, "errors")), 1);
	error = json_array_get(json_object_get(reply.body, "errors"), 0);
	assert_string_equal(json_string_value(json_object_get(error, "registrationId")), "b");
	assert_int_equal(json_integer_value(json_object_get(error, "errorCode")), 500001);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 2);
}

/* --- The command line ----------------------------------------------------------------------------------------- */

static int parse(const char *const *args, struct dps_options *options, struct err *err)
{
	char *argv[8] = { NULL };
	int argc = 0;
	bool help;

	for (; args[argc] != NULL; argc++)
		argv[argc] = strdup(args[argc]);
	int rc = dps_options_parse(argc, argv, options, &help, err);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return rc;
}

static void test_options_defaults_and_numbers(void **state)
{
	static const char *const args[] = {
		"dps-emulator", "--dir", "d", "--listen", "127.0.0.42:443", NULL
	};
	struct dps_options options;
	struct err err;

	(void)state;
	assert_int_equal(parse(args, &options, &err), 0);
	assert_string_equal(options.address, "127.0.0.42");
	assert_int_equal(options.port, 443);
	assert_int_equal(options.knobs.fail_status, 500);
	assert_int_equal(options.knobs.retry_after_s, -1);
	assert_false(options.stay);
}

static void test_options_wrong_ones_are_named(void **state)
{
	static const char *const wrong[][6] = {
		{ "dps-emulator", NULL },
		{ "dps-emulator", "--dir", NULL },
		{ "dps-emulator", "--dir", "d", "--listen", "0.0.0.0:1", NULL },
		{ "dps-emulator", "--dir", "d", "--listen", "127.0.0.1:65536", NULL },
		{ "dps-emulator", "--dir", "d", "--fail-every", "0", NULL },
		{ "dps-emulator", "--dir", "d", "--fail-status", "200", NULL },
		{ "dps-emulator", "--dir", "d", "--latency-ms", "1x", NULL },
		{ "dps-emulator", "--dir", "d", "--retry-after", "-1", NULL },
		{ "dps-emulator", "--dir", "d", "--frobnicate", NULL },
		{ "dps-emulator", "--dir", "d", "stray", NULL },
	};
	struct dps_options options;
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(parse(wrong[i], &options, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_throttle_beyond_limit_says_when),
		TEST(test_throttle_retry_after_as_asked),
		TEST(test_throttle_unauthorized_calls_are_free),
		TEST(test_fail_every_third_call_does_nothing),
		TEST(test_fail_status_429_is_a_throttle),
		TEST(test_drop_reply_counts_changes_and_commits),
		TEST(test_fail_item_refuses_items_across_calls),
		cmocka_unit_test(test_options_defaults_and_numbers),
		cmocka_unit_test(test_options_wrong_ones_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
