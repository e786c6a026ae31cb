/* Paths, methods, versions and the checks before a handler runs. */
#include "tests/unit/dps_emulator/service.h"

static void test_route_path_variants_find_the_same_record(void **state)
{
	static const char *const paths[] = { "/enrollments/dev%3a1", "/enrollments/dev%3A1/",
					     "/ENROLLMENTS/DEV:1", "/Enrollments/Dev:1/" };
	struct service *service = *state;

	assert_int_equal(service_code(service, "PUT", "/enrollments/dev%3A1", TPM("dev:1")), 200);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(service_code(service, "GET", paths[i], NULL), 200);
}

static void test_route_wrong_paths_and_methods_refused(void **state)
{
	static const struct {
		const char *method, *path;
		int code;
	} cases[] = {
		{ "GET", "/", 404001 },
		{ "GET", "/nothing", 404001 },
		{ "GET", "/enrollments/a/b", 404001 },
		{ "GET", "/enrollments//a", 404001 },
		{ "GET", "/a/b/c/d/e/f", 404001 },
		{ "GET", "enrollments/a", 404001 },
		{ "PUT", "/enrollments", 405001 },
		{ "GET", "/enrollments/", 405001 },
		{ "PATCH", "/enrollments/a", 405001 },
		{ "GET", "/enrollments/a/attestationmechanism", 405001 },
		{ "PUT", "/registrations/a", 405001 },
		{ "GET", "/registrations/a", 404201 },
		{ "DELETE", "/registrations/a", 404201 },
		{ "POST", "/registrations/none/query", 404202 },
		{ "GET", "/enrollments/a", 404201 },
		{ "GET", "/enrollmentGroups/a", 404202 },
		{ "GET", "/enrollments/a%", 400004 },
		{ "GET", "/enrollments/a%2", 400004 },
		{ "GET", "/enrollments/a%zz", 400004 },
		{ "GET", "/enrollments/a%00b", 400004 },
		{ "GET", "/enrollments/a%2Fb", 400004 },
		{ "GET", "/enrollments/a%20b", 400004 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(service_code(*state, cases[i].method, cases[i].path, NULL), cases[i].code);
}

static void test_id_valid_follows_the_rule(void **state)
{
	static const char *const good[] = { "a", "-", "A-1._:b", "0" };
	static const char *const bad[] = { "", ".a", "a.", "_a", "a_", ":a", "a:", "a b", "a/b", "\xc3\xa4" };
	char longest[DPS_ID_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(dps_id_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(dps_id_valid(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[DPS_ID_MAX + 1] = '\0';
	assert_false(dps_id_valid(longest));
	longest[DPS_ID_MAX] = '\0';
	assert_true(dps_id_valid(longest));
}

static int code_of_target(struct service *service, const char *target)
{
	char token[512];
	const struct dps_header headers[] = { { "Host", "localhost" }, { "Authorization", token } };
	REPLY_AUTO reply;

	service_token(service, "localhost", 60, token, sizeof(token));
	service_call_raw(service, "GET", target, headers, ARRAY_LEN(headers), NULL, &reply);
	return reply_code(&reply);
}

static void test_route_api_version_checked(void **state)
{
	assert_int_equal(code_of_target(*state, "/enrollments/a?api-version=2018-04-01"), 404201);
	assert_int_equal(code_of_target(*state, "/enrollments/a?x=1&API-Version=2019-03-31&y"), 404201);
	assert_int_equal(code_of_target(*state, "/enrollments/a"), 400004);
	assert_int_equal(code_of_target(*state, "/enrollments/a?"), 400004);
	assert_int_equal(code_of_target(*state, "/enrollments/a?api-version="), 400004);
	assert_int_equal(code_of_target(*state, "/enrollments/a?api-version=2021-10-0"), 400004);
	assert_int_equal(code_of_target(*state, "/enrollments/a?api-version=2021-10-011"), 400004);
	assert_int_equal(code_of_target(*state, "/enrollments/a?no-api-version=2021-10-01"), 400004);
}

static int code_of_put(struct service *service, const char *type, const char *length)
{
	char token[512];
	struct dps_header headers[4] = { { "Host", "localhost" }, { "Authorization", token } };
	size_t n = 2;
	REPLY_AUTO reply;

	service_token(service, "localhost", 60, token, sizeof(token));
	if (type != NULL)
		headers[n++] = (struct dps_header){ "Content-Type", type };
	if (length != NULL)
		headers[n++] = (struct dps_header){ "Content-Length", length };
	service_call_raw(service, "PUT", "/enrollments/a?api-version=2021-10-01", headers, n, "{}", &reply);
	return reply_code(&reply);
}

static void test_route_length_and_type_required(void **state)
{
	assert_int_equal(code_of_put(*state, "application/json", NULL), 411001);
	assert_int_equal(code_of_put(*state, "text/plain", "2"), 415001);
	assert_int_equal(code_of_put(*state, "application/jsonp", "2"), 415001);
	assert_int_equal(code_of_put(*state, NULL, "2"), 415001);
	assert_int_equal(code_of_put(*state, "Application/JSON;charset=utf-8", "2"), 400004);
}

static void test_route_large_body_refused(void **state)
{
	struct service *service = *state;
	char token[512];
	const struct dps_header headers[] = { { "Host", "localhost" },
					      { "Authorization", token },
					      { "Content-Type", "application/json" },
					      { "Content-Length", "98305" } };
	struct dps_request req = { .method = "PUT",
				   .target = "/enrollments/a?api-version=2021-10-01",
				   .headers = headers,
				   .headers_n = ARRAY_LEN(headers),
				   .too_large = true,
				   .at_ticks = service->at_ticks };
	struct dps_response res;

	service_token(service, "localhost", 60, token, sizeof(token));
	dps_response_init(&res);
	dps_handle(service->dps, &req, &res);
	assert_int_equal(res.status, 413);
	dps_response_deinit(&res);
}

static void test_error_body_has_every_member(void **state)
{
	REPLY_AUTO reply;

	service_call(*state, "GET", "/enrollments/none", NULL, NULL, &reply);
	assert_int_equal(reply_code(&reply), 404201);
	assert_string_equal(reply_text(&reply, "message"), "Enrollment not found.");
	assert_string_equal(reply_text(&reply, "timestampUtc"), "2026-11-22T02:20:00.0000000Z");
	assert_int_equal(strlen(reply_text(&reply, "trackingId")), DPS_UUID_LEN);
	assert_true(json_is_object(json_object_get(reply.body, "info")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_route_path_variants_find_the_same_record, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_route_wrong_paths_and_methods_refused, service_setup,
						service_teardown),
		cmocka_unit_test(test_id_valid_follows_the_rule),
		cmocka_unit_test_setup_teardown(test_route_api_version_checked, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_route_length_and_type_required, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_route_large_body_refused, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_error_body_has_every_member, service_setup,
						service_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
