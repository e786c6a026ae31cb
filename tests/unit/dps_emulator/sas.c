/* SAS tokens: what is accepted, and each way of being wrong. */
#include "tests/unit/dps_emulator/service.h"

static int check(const struct service *service, const char *host, const char *token, struct err *err)
{
	const struct dps_header headers[] = { { "Host", host }, { "Authorization", token } };
	const struct dps_request req = { .method = "GET",
					 .target = "/enrollments/a?api-version=2021-10-01",
					 .headers = headers,
					 .headers_n = token != NULL ? 2 : 1,
					 .at_ticks = service->at_ticks };

	*err = (struct err){ 0 };
	return dps_sas_check(&service->conf, &req, err);
}

/* Signs for resource and calls host. */
static int check_signed(const struct service *service, const char *resource, const char *host, int expires_s)
{
	char token[512];
	struct err err;

	service_token(service, resource, expires_s, token, sizeof(token));
	return check(service, host, token, &err);
}

static void test_sas_right_host_accepted(void **state)
{
	assert_int_equal(check_signed(*state, "localhost", "localhost", 60), 0);
	assert_int_equal(check_signed(*state, "localhost", "LocalHost:8443", 60), 0);
	assert_int_equal(check_signed(*state, "127.0.0.42", "127.0.0.42:443", 60), 0);
	assert_int_equal(check_signed(*state, "localhost%3a8443", "localhost:8443", 60), 0);
	assert_int_equal(check_signed(*state, "localhost/", "localhost", 60), 0);
	assert_int_equal(check_signed(*state, "localhost%2Fenrollments", "localhost", 60), 0);
	assert_int_equal(check_signed(*state, "localhost%2fenrollments%2fa", "localhost", 60), 0);
}

static void test_sas_other_host_or_path_refused(void **state)
{
	assert_int_equal(check_signed(*state, "contoso.azure-devices-provisioning.net", "localhost", 60), -1);
	assert_int_equal(check_signed(*state, "evil.example", "evil.example", 60), -1);
	assert_int_equal(check_signed(*state, "localhost.evil.example", "localhost", 60), -1);
	assert_int_equal(check_signed(*state, "localhos", "localhost", 60), -1);
	assert_int_equal(check_signed(*state, "localhost%2Fenroll", "localhost", 60), -1);
	assert_int_equal(check_signed(*state, "localhost%2FenrollmentGroups", "localhost", 60), -1);
	assert_int_equal(check_signed(*state, "localhost%2", "localhost", 60), -1);
}

static void test_sas_expiry_has_five_minutes_of_grace(void **state)
{
	assert_int_equal(check_signed(*state, "localhost", "localhost", 0), 0);
	assert_int_equal(check_signed(*state, "localhost", "localhost", -300), 0);
	assert_int_equal(check_signed(*state, "localhost", "localhost", -301), -1);
}

static void test_sas_wrong_key_refused(void **state)
{
	struct service *service = *state;
	char token[512];
	struct err err;

	service_token(service, "localhost", 60, token, sizeof(token));
	service->conf.key[DPS_KEY_LEN - 1] ^= 1;
	assert_int_equal(check(service, "localhost", token, &err), -1);
	assert_int_equal(err.code, 401002);
	assert_string_equal(err.what, "Unauthorized");
	assert_non_null(strstr(err.where, "sig"));
}

static void test_sas_other_policy_refused(void **state)
{
	struct service *service = *state;
	char token[512];
	struct err err;

	service_token(service, "localhost", 60, token, sizeof(token));
	(void)!str_format(service->conf.policy, sizeof(service->conf.policy), "other");
	assert_int_equal(check(service, "localhost", token, &err), -1);
	assert_non_null(strstr(err.where, "skn"));
}

static void test_sas_altered_field_refused(void **state)
{
	struct service *service = *state;
	char token[512], *se;
	struct err err;

	service_token(service, "localhost", 60, token, sizeof(token));
	assert_int_equal(check(service, "localhost", token, &err), 0);
	se = strstr(token, "&se=");
	assert_non_null(se);
	se[4] = '2';
	assert_int_equal(check(service, "localhost", token, &err), -1);
}

static void test_sas_malformed_refused(void **state)
{
	static const char *const tokens[] = {
		NULL,
		"",
		"Bearer abc",
		"SharedAccessSignature",
		"SharedAccessSignature ",
		"SharedAccessSignature &&&",
		"SharedAccessSignature sr=localhost",
		"SharedAccessSignature sr=localhost&sig=&se=1&skn=station-enroll",
		"SharedAccessSignature sr=localhost&sig=AAAA&se=9999999999&skn=station-enroll",
		"SharedAccessSignature sr=localhost&sr=localhost&sig=AAAA&se=9999999999&skn=station-enroll",
		"SharedAccessSignature sr=localhost&sig=%zz&se=9999999999&skn=station-enroll",
		"SharedAccessSignature sr=localhost&sig=AAAA&se=99999999999999999999&skn=station-enroll",
		"SharedAccessSignature sr=localhost&sig=AAAA&se=-1&skn=station-enroll",
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		assert_int_equal(check(*state, "localhost", tokens[i], &err), -1);
		assert_int_equal(err.code, 401002);
	}
}

static void test_sas_refusal_says_why_in_info(void **state)
{
	const struct dps_header headers[] = { { "Host", "localhost" } };
	REPLY_AUTO reply;

	service_call_raw(*state, "GET", "/enrollments/a?api-version=2021-10-01", headers, 1, NULL, &reply);
	assert_int_equal(reply_code(&reply), 401002);
	assert_string_equal(reply_text(&reply, "info/detail"), "there is no Authorization header");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sas_right_host_accepted, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_sas_other_host_or_path_refused, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_sas_expiry_has_five_minutes_of_grace, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_sas_wrong_key_refused, service_setup, service_teardown),
		cmocka_unit_test_setup_teardown(test_sas_other_policy_refused, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_sas_altered_field_refused, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_sas_malformed_refused, service_setup, service_teardown),
		cmocka_unit_test_setup_teardown(test_sas_refusal_says_why_in_info, service_setup,
						service_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
