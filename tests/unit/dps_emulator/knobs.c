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
	assert_int_equal(first.res.end, DPS_END_ANSWER);
	service_call(service, "GET", "/enrollments/a", NULL, NULL, &read);
	assert_int_equal(read.res.end, DPS_END_ANSWER);
	service_call(service, "PUT", "/enrollments/b", SYM("b"), NULL, &second);
	assert_int_equal(second.res.end, DPS_END_CLOSE);
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

/* --- Faults around a call --- */

static void test_reset_before_does_nothing(void **state)
{
	struct service *service = *state;
	REPLY_AUTO first, second;

	service->conf.knobs.reset_before_every = 2;
	service_call(service, "PUT", "/enrollments/a", SYM("a"), NULL, &first);
	service_call(service, "PUT", "/enrollments/b", SYM("b"), NULL, &second);
	assert_int_equal(first.res.end, DPS_END_ANSWER);
	assert_int_equal(second.res.end, DPS_END_RESET);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 1);
}

static void test_reset_after_counts_changes_and_commits(void **state)
{
	struct service *service = *state;
	REPLY_AUTO read, change;

	service->conf.knobs.reset_after_every = 1;
	service_call(service, "GET", "/enrollments/a", NULL, NULL, &read);
	service_call(service, "PUT", "/enrollments/a", SYM("a"), NULL, &change);
	assert_int_equal(read.res.end, DPS_END_ANSWER);
	assert_int_equal(change.res.end, DPS_END_RESET);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 1);
}

static void test_wrong_etag_is_no_records(void **state)
{
	struct service *service = *state;
	struct dps_header headers[] = { { "If-Match", NULL }, { NULL, NULL } };
	REPLY_AUTO wrong, update;

	service->conf.knobs.wrong_etag_every = 1;
	service_call(service, "PUT", "/enrollments/a", SYM("a"), NULL, &wrong);
	assert_int_equal(reply_code(&wrong), 200);
	headers[0].value = reply_text(&wrong, "etag");
	service_call(service, "PUT", "/enrollments/a", SYM("a"), headers, &update);
	assert_int_equal(reply_code(&update), 412001);
}

/* As the transport sees it: the body need not be JSON. */
static void call_spoilt(struct service *service, const char *method, const char *body,
			struct dps_response *res)
{
	char token[512];
	const struct dps_header headers[] = { { "Host", "localhost" },
					      { "Authorization", token },
					      { "Content-Length", "1" },
					      { "Content-Type", "application/json" } };
	const struct dps_request req = { .method = method,
					 .target = "/enrollments/a?api-version=2021-10-01",
					 .headers = headers,
					 .headers_n = ARRAY_LEN(headers),
					 .body = bytes_str(body),
					 .at_ticks = service->at_ticks };

	service_token(service, "localhost", 60, token, sizeof(token));
	dps_response_init(res);
	dps_handle(service->dps, &req, res);
}

static void test_portal_answers_200_and_does_nothing(void **state)
{
	struct service *service = *state;
	struct dps_response res;

	service->conf.knobs.garble_every = 1;
	service->conf.knobs.garble_as = DPS_GARBLE_PORTAL;
	call_spoilt(service, "PUT", SYM("a"), &res);
	assert_int_equal(res.status, 200);
	assert_string_equal(res.content_type, "text/html; charset=utf-8");
	assert_memory_equal(res.body.p, "<!DOCTYPE html>", 15);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 0);
	dps_response_deinit(&res);
}

static void test_garbled_answers_are_what_they_are_called(void **state)
{
	static const struct {
		enum dps_garble as;
		size_t flags;
		bool json;
	} cases[] = {
		{ DPS_GARBLE_TEXT, 0, false },
		{ DPS_GARBLE_DUPLICATE, 0, true },
		{ DPS_GARBLE_DUPLICATE, JSON_REJECT_DUPLICATES, false },
		{ DPS_GARBLE_UNKNOWN_FIELD, JSON_REJECT_DUPLICATES, true },
		{ DPS_GARBLE_HUGE, JSON_REJECT_DUPLICATES, true },
	};
	struct service *service = *state;

	assert_int_equal(service_code(service, "PUT", "/enrollments/a", SYM("a")), 200);
	service->conf.knobs.garble_every = 1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dps_response res;
		json_t *body;

		service->conf.knobs.garble_as = cases[i].as;
		call_spoilt(service, "GET", "", &res);
		body = json_loadb((const char *)res.body.p, res.body.len, cases[i].flags, NULL);
		assert_int_equal(res.status, 200);
		assert_int_equal(body != NULL, cases[i].json);
		assert_int_equal(res.filler > 100000000, cases[i].as == DPS_GARBLE_HUGE);
		json_decref(body);
		dps_response_deinit(&res);
	}
}

static void test_clock_skew_judges_and_is_said(void **state)
{
	struct service *service = *state;
	REPLY_AUTO ahead, behind;

	service->conf.knobs.clock_skew_s = 7200;
	service_call(service, "GET", "/enrollments/a", NULL, NULL, &ahead);
	assert_int_equal(reply_code(&ahead), 401002);
	assert_string_equal(reply_header(&ahead, "Date"), "Sun, 22 Nov 2026 04:20:00 GMT");
	assert_string_equal(reply_text(&ahead, "timestampUtc"), "2026-11-22T04:20:00.0000000Z");
	service->conf.knobs.clock_skew_s = -7200;
	service_call(service, "GET", "/enrollments/a", NULL, NULL, &behind);
	assert_int_equal(reply_code(&behind), 404201);
	assert_string_equal(reply_header(&behind, "Date"), "Sun, 22 Nov 2026 00:20:00 GMT");
}

/* --- The control --- */

static void test_control_replaces_all_knobs(void **state)
{
	struct service *service = *state;
	REPLY_AUTO set, get, cleared;

	service_call(service, "PUT", "/_knobs", "{\"fail-every\":3,\"retry-after\":-1,\"tls\":\"expired\"}",
		     NULL, &set);
	assert_int_equal(reply_code(&set), 200);
	assert_int_equal(service->conf.knobs.fail_every, 3);
	assert_int_equal(service->conf.knobs.fail_status, 500);
	assert_int_equal(service->conf.knobs.tls, DPS_TLS_EXPIRED);
	service_call(service, "GET", "/_knobs", NULL, NULL, &get);
	assert_string_equal(reply_text(&get, "tls"), "expired");
	assert_int_equal(json_integer_value(json_object_get(get.body, "fail-every")), 3);
	service_call(service, "PUT", "/_knobs", "{}", NULL, &cleared);
	assert_int_equal(service->conf.knobs.fail_every, 0);
	assert_int_equal(service->conf.knobs.tls, DPS_TLS_GOOD);
}

static void test_control_is_hit_by_no_fault(void **state)
{
	struct service *service = *state;
	REPLY_AUTO reply;

	service->conf.knobs.reset_before_every = 1;
	service->conf.knobs.fail_every = 1;
	service->conf.knobs.garble_every = 1;
	service->conf.knobs.garble_as = DPS_GARBLE_TEXT;
	service->conf.knobs.clock_skew_s = 864000;
	service_call(service, "PUT", "/_knobs", "{}", NULL, &reply);
	assert_int_equal(reply_code(&reply), 200);
	assert_int_equal(reply.res.end, DPS_END_ANSWER);
}

static void test_control_refuses_and_changes_nothing(void **state)
{
	static const char *const wrong[] = { "",
					     "[]",
					     "{\"fail-every\":3,\"fail-evry\":1}",
					     "{\"fail-every\":-1}",
					     "{\"fail-every\":true}",
					     "{\"fail-every\":3,\"fail-every\":4}",
					     "{\"tls\":\"odd\"}",
					     "{\"fail-status\":200}" };
	const struct dps_header nobody[] = { { "Host", "localhost" } };
	struct service *service = *state;
	REPLY_AUTO reply;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(service_code(service, "PUT", "/_knobs", wrong[i]), 400004);
	assert_int_equal(service_code(service, "DELETE", "/_knobs", NULL), 405001);
	service_call_raw(service, "PUT", "/_knobs", nobody, 1, "{\"fail-every\":3}", &reply);
	assert_int_equal(reply_code(&reply), 401002);
	assert_int_equal(service->conf.knobs.fail_every, 0);
}

/* --- The command line ----------------------------------------------------------------------------------------- */

static int parse(const char *const *args, struct dps_options *options, struct err *err)
{
	char *argv[12] = { NULL };
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

static void test_options_every_knob_is_in_the_help(void **state)
{
	char line[64];

	(void)state;
	for (size_t i = 0; dps_knob_name(i) != NULL; i++) {
		assert_int_equal(str_format(line, sizeof(line), "\n  --%s ", dps_knob_name(i)), 0);
		assert_non_null(strstr(dps_usage, line));
	}
}

static void test_options_take_knobs(void **state)
{
	static const char *const args[] = { "dps-emulator", "--dir",         "d", "--clock-skew-s", "-90",
					    "--garble-as",  "unknown-field", NULL };
	struct dps_options options;
	struct err err;

	(void)state;
	assert_int_equal(parse(args, &options, &err), 0);
	assert_int_equal(options.knobs.clock_skew_s, -90);
	assert_int_equal(options.knobs.garble_as, DPS_GARBLE_UNKNOWN_FIELD);
}

static void test_options_hubs_when_given_then_in_place_of_the_default(void **state)
{
	static const char *const none[] = { "dps-emulator", "--dir", "d", NULL };
	static const char *const two[] = { "dps-emulator", "--dir", "d",         "--hub",
					   "a.example",    "--hub", "b.example", NULL };
	struct dps_options options;
	struct err err;

	(void)state;
	assert_int_equal(parse(none, &options, &err), 0);
	assert_string_equal(options.hubs[0], "contoso.azure-devices.net");
	assert_null(options.hubs[1]);
	assert_int_equal(parse(two, &options, &err), 0);
	assert_non_null(options.hubs[1]);
	assert_null(options.hubs[2]);
}

static void test_options_wrong_ones_are_named(void **state)
{
	static const char *const wrong[][6] = {
		{ "dps-emulator", NULL },
		{ "dps-emulator", "--dir", NULL },
		{ "dps-emulator", "--dir", "d", "--listen", "0.0.0.0:1", NULL },
		{ "dps-emulator", "--dir", "d", "--listen", "127.0.0.1:65536", NULL },
		{ "dps-emulator", "--dir", "d", "--fail-every", "-1", NULL },
		{ "dps-emulator", "--dir", "d", "--fail-status", "200", NULL },
		{ "dps-emulator", "--dir", "d", "--latency-ms", "1x", NULL },
		{ "dps-emulator", "--dir", "d", "--retry-after", "-2", NULL },
		{ "dps-emulator", "--dir", "d", "--mqtt-port", "65536", NULL },
		{ "dps-emulator", "--dir", "d", "--tls", "bad", NULL },
		{ "dps-emulator", "--dir", "d", "--garble-as", "", NULL },
		{ "dps-emulator", "--dir", "d", "--hub", "no host", NULL },
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
		TEST(test_reset_before_does_nothing),
		TEST(test_reset_after_counts_changes_and_commits),
		TEST(test_wrong_etag_is_no_records),
		TEST(test_portal_answers_200_and_does_nothing),
		TEST(test_garbled_answers_are_what_they_are_called),
		TEST(test_clock_skew_judges_and_is_said),
		TEST(test_control_replaces_all_knobs),
		TEST(test_control_is_hit_by_no_fault),
		TEST(test_control_refuses_and_changes_nothing),
		cmocka_unit_test(test_options_every_knob_is_in_the_help),
		cmocka_unit_test(test_options_take_knobs),
		cmocka_unit_test(test_options_defaults_and_numbers),
		cmocka_unit_test(test_options_hubs_when_given_then_in_place_of_the_default),
		cmocka_unit_test(test_options_wrong_ones_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
