/* A device registers: operations, symmetric keys, what is refused and why (dps-api 5.1, 5.2). */
#include "tests/unit/dps_emulator/device.h"

#include "base/digest.h"
#include "base/encode.h"

/* The published vector of a derived key (5.2). */
#define GROUP_KEY   "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw=="
#define DERIVED_ID  "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6"
#define DERIVED_KEY "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc="
#define KEYS(p, s)                                                                                           \
	"\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"" p                   \
	"\",\"secondaryKey\":\"" s "\"}}"

static void enroll(struct service *service, const char *more)
{
	char body[1024];

	assert_int_equal(str_format(body, sizeof(body),
				    "{\"registrationId\":\"dev-1\"," KEYS(KEY_1, KEY_2) "%s}", more),
			 0);
	assert_int_equal(service_code(service, "PUT", "/enrollments/dev-1", body), 200);
}

static void group(struct service *service, const char *id, const char *primary, const char *more)
{
	char body[1024], path[64];

	assert_int_equal(str_format(path, sizeof(path), "/enrollmentGroups/%s", id), 0);
	assert_int_equal(
		str_format(body, sizeof(body),
			   "{\"enrollmentGroupId\":\"%s\",\"attestation\":{\"type\":\"symmetricKey\","
			   "\"symmetricKey\":{\"primaryKey\":\"%s\",\"secondaryKey\":\"" KEY_2 "\"}}%s}",
			   id, primary, more),
		0);
	assert_int_equal(service_code(service, "PUT", path, body), 200);
}

static void test_register_when_the_key_is_right_then_assigned_by_polling(void **state)
{
	struct service *service = *state;
	REPLY_AUTO begun;
	REPLY_AUTO first;
	REPLY_AUTO final;
	char token[600];

	enroll(service, ",\"deviceId\":\"Sensor-1\"");
	service->conf.knobs.assigning_polls = 1;
	service->conf.knobs.poll_retry_after_s = 3;
	device_token(service, "dev-1", KEY_1, 3600, token, sizeof(token));
	device_register(service, "dev-1", token, &begun);
	assert_int_equal(reply_code(&begun), 202);
	assert_string_equal(reply_text(&begun, "status"), "assigning");
	assert_string_equal(reply_header(&begun, "Retry-After"), "3");
	assert_string_equal(reply_header(&begun, "Location"),
			    "https://127.0.0.42:443/" TEST_SCOPE "/registrations/dev-1/register");
	assert_int_equal(strlen(reply_text(&begun, "operationId")), 2 + 16 + 1 + DPS_UUID_LEN);
	assert_memory_equal(reply_text(&begun, "operationId"), "5.", 2);
	device_poll(service, "dev-1", &begun, token, &first);
	assert_int_equal(reply_code(&first), 202);
	assert_string_equal(reply_header(&first, "Retry-After"), "3");
	device_poll(service, "dev-1", &begun, token, &final);
	assert_int_equal(reply_code(&final), 200);
	assert_string_equal(reply_text(&final, "status"), "assigned");
	assert_string_equal(reply_text(&final, "registrationState/status"), "assigned");
	assert_string_equal(reply_text(&final, "registrationState/substatus"), "initialAssignment");
	assert_string_equal(reply_text(&final, "registrationState/deviceId"), "Sensor-1");
	assert_string_equal(reply_text(&final, "registrationState/registrationId"), "dev-1");
	assert_memory_equal(reply_text(&final, "registrationState/assignedHub"), "hub", 3);
	assert_true(json_is_object(
		json_object_get(json_object_get(final.body, "registrationState"), "symmetricKey")));
}

static void test_register_when_signed_by_the_secondary_key_then_accepted(void **state)
{
	REPLY_AUTO final;

	enroll(*state, "");
	device_register_all(*state, "dev-1", KEY_2, &final);
	assert_string_equal(reply_text(&final, "registrationState/deviceId"), "dev-1");
}

static void test_register_when_the_key_is_another_then_401(void **state)
{
	struct service *service = *state;
	char token[600];

	enroll(service, "");
	device_token(service, "dev-1", DERIVED_KEY, 3600, token, sizeof(token));
	assert_int_equal(device_register_code(service, "dev-1", token), 401002);
	assert_int_equal(device_register_code(service, "dev-1", NULL), 401002);
	assert_int_equal(device_register_code(service, "dev-1", "Bearer abc"), 401002);
}

static void test_register_when_the_token_is_for_another_device_then_401(void **state)
{
	struct service *service = *state;
	char token[600];

	enroll(service, "");
	device_token(service, "dev-2", KEY_1, 3600, token, sizeof(token));
	assert_int_equal(device_register_code(service, "dev-1", token), 401002);
}

static void test_register_when_the_token_is_old_then_401_after_five_minutes(void **state)
{
	struct service *service = *state;
	char token[600];

	enroll(service, "");
	device_token(service, "dev-1", KEY_1, -299, token, sizeof(token));
	assert_int_equal(device_register_code(service, "dev-1", token), 202);
	device_token(service, "dev-1", KEY_1, -301, token, sizeof(token));
	assert_int_equal(device_register_code(service, "dev-1", token), 401002);
}

/* The C SDK encodes sr in lower case, Python in upper case; the signature is over what is written. */
static void test_register_when_sr_is_encoded_then_the_written_form_is_signed(void **state)
{
	static const char sr[] = TEST_SCOPE "%2fregistrations%2fDEV-1";
	char message[128], sig[BASE64_LEN(SHA256_LEN) + 1], token[256];
	uint8_t key[32], mac[SHA256_LEN];

	memset(key, 1, sizeof(key));
	enroll(*state, "");
	assert_int_equal(str_format(message, sizeof(message), "%s\n9999999999", sr), 0);
	hmac_sha256(BYTES_ARRAY(key), bytes_str(message), mac);
	assert_int_equal(base64_encode(BYTES_ARRAY(mac), sig, sizeof(sig)), 0);
	assert_int_equal(str_format(token, sizeof(token),
				    "SharedAccessSignature sr=%s&sig=%s&se=9999999999&skn=registration", sr,
				    sig),
			 0);
	assert_int_equal(device_register_code(*state, "dev-1", token), 202);
	assert_int_equal(str_format(token, sizeof(token),
				    "SharedAccessSignature sr=%s&sig=%s&se=9999999999&skn=other", sr, sig),
			 0);
	assert_int_equal(device_register_code(*state, "dev-1", token), 401002);
}

static void test_register_when_the_key_derives_from_a_group_then_its_device(void **state)
{
	struct service *service = *state;
	REPLY_AUTO final;

	group(service, "others", KEY_1, "");
	group(service, "meters", GROUP_KEY, ",\"initialTwin\":{\"tags\":{\"line\":\"7\"}}");
	device_register_all(service, DERIVED_ID, DERIVED_KEY, &final);
	assert_string_equal(reply_text(&final, "registrationState/deviceId"), DERIVED_ID);
	assert_string_equal(reply_text(&final, "registrationState/symmetricKey/enrollmentGroupId"), "meters");
	assert_non_null(strstr(dps_store_find(service->store, DPS_REGISTRATIONS, DERIVED_ID)->text,
			       "\"initialTwin\":{\"tags\":{\"line\":\"7\"}}"));
}

static void test_register_when_the_group_key_itself_signs_then_401(void **state)
{
	struct service *service = *state;
	char token[600];

	group(service, "meters", GROUP_KEY, "");
	device_token(service, DERIVED_ID, GROUP_KEY, 3600, token, sizeof(token));
	assert_int_equal(device_register_code(service, DERIVED_ID, token), 401002);
	device_token(service, "another-id", DERIVED_KEY, 3600, token, sizeof(token));
	assert_int_equal(device_register_code(service, "another-id", token), 401002);
}

static void test_register_when_an_individual_enrollment_exists_then_the_group_does_not_count(void **state)
{
	struct service *service = *state;
	char token[600];

	group(service, "meters", GROUP_KEY, "");
	assert_int_equal(service_code(service, "PUT", "/enrollments/" DERIVED_ID, SYM(DERIVED_ID)), 200);
	device_token(service, DERIVED_ID, DERIVED_KEY, 3600, token, sizeof(token));
	assert_int_equal(device_register_code(service, DERIVED_ID, token), 401002);
}

static void test_register_when_disabled_then_the_operation_says_so(void **state)
{
	REPLY_AUTO final;

	enroll(*state, ",\"provisioningStatus\":\"disabled\"");
	device_register_all(*state, "dev-1", KEY_1, &final);
	assert_int_equal(reply_code(&final), 200);
	assert_string_equal(reply_text(&final, "status"), "disabled");
	assert_string_equal(reply_text(&final, "registrationState/status"), "disabled");
	assert_null(reply_text(&final, "registrationState/assignedHub"));
}

static void test_register_when_the_scope_or_version_is_wrong_then_refused(void **state)
{
	struct service *service = *state;
	static const struct dps_header headers[] = { { "Content-Length", "2" },
						     { "Content-Type", "application/json" } };
	static const struct {
		const char *target;
		int code;
	} cases[] = {
		{ "/0ne00OTHER/registrations/dev-1/register?api-version=2021-06-01", 404001 },
		{ "/" TEST_SCOPE "/registrations/dev-1/register", 400004 },
		{ "/" TEST_SCOPE "/registrations/dev-1/register?api-version=2017-01-01", 400004 },
		{ "/" TEST_SCOPE "/registrations/dev%201/register?api-version=2021-06-01", 400004 },
		{ "/" TEST_SCOPE "/registrations/dev-1/registers?api-version=2021-06-01", 404001 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		REPLY_AUTO reply;

		service_call_raw(service, "PUT", cases[i].target, headers, ARRAY_LEN(headers), "{}", &reply);
		assert_int_equal(reply_code(&reply), cases[i].code);
	}
}

static void test_register_when_the_body_is_not_its_own_then_400(void **state)
{
	static const char *const bodies[] = { "", "[]", "{}", "{\"registrationId\":\"dev-2\"}",
					      "{\"registrationId\":1}" };
	struct service *service = *state;
	char token[600];

	enroll(service, "");
	device_token(service, "dev-1", KEY_1, 3600, token, sizeof(token));
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		REPLY_AUTO reply;

		device_call(service, "PUT", "/registrations/dev-1/register", bodies[i], token, &reply);
		assert_int_equal(reply_code(&reply), 400004);
	}
}

static void test_poll_when_the_operation_is_another_then_404(void **state)
{
	struct service *service = *state;
	REPLY_AUTO reply;
	REPLY_AUTO begun;
	char token[600];

	enroll(service, "");
	device_token(service, "dev-1", KEY_1, 3600, token, sizeof(token));
	device_call(service, "GET", "/registrations/dev-1/operations/5.0.0", NULL, token, &reply);
	assert_int_equal(reply_code(&reply), 404201);
	device_register(service, "dev-1", token, &begun);
	{
		REPLY_AUTO again;

		device_poll(service, "dev-1", &begun, NULL, &again);
		assert_int_equal(reply_code(&again), 401002);
	}
}

static void test_lookup_when_registered_then_its_state(void **state)
{
	struct service *service = *state;
	REPLY_AUTO before;
	REPLY_AUTO final;
	REPLY_AUTO after;
	char token[600];

	enroll(service, "");
	device_token(service, "dev-1", KEY_1, 3600, token, sizeof(token));
	device_call(service, "POST", "/registrations/dev-1", "{\"registrationId\":\"dev-1\"}", token,
		    &before);
	assert_int_equal(reply_code(&before), 404201);
	device_register_all(service, "dev-1", KEY_1, &final);
	device_call(service, "POST", "/registrations/dev-1", "{\"registrationId\":\"dev-1\"}", token, &after);
	assert_int_equal(reply_code(&after), 200);
	assert_string_equal(reply_text(&after, "status"), "assigned");
	assert_string_equal(reply_text(&after, "assignedHub"),
			    reply_text(&final, "registrationState/assignedHub"));
}

static void test_register_when_beyond_the_limit_then_429_in_its_own_window(void **state)
{
	struct service *service = *state;
	REPLY_AUTO reply;
	char token[600];

	enroll(service, "");
	service->conf.knobs.registrations_per_minute = 2;
	device_token(service, "dev-1", KEY_1, 3600, token, sizeof(token));
	assert_int_equal(device_register_code(service, "dev-1", token), 202);
	assert_int_equal(device_register_code(service, "dev-1", token), 202);
	device_register(service, "dev-1", token, &reply);
	assert_int_equal(reply_code(&reply), 429001);
	assert_string_equal(reply_header(&reply, "Retry-After"), "60");
	assert_int_equal(service_code(service, "GET", "/enrollments/dev-1", NULL), 200);
	service->at_ticks += 60 * 10000000LL;
	assert_int_equal(device_register_code(service, "dev-1", token), 202);
}

static void test_poll_when_the_device_is_too_eager_then_429(void **state)
{
	struct service *service = *state;
	REPLY_AUTO begun;
	char token[600];

	enroll(service, "");
	service->conf.knobs.polls_per_10_s = 5;
	service->conf.knobs.assigning_polls = 0;
	device_token(service, "dev-1", KEY_1, 3600, token, sizeof(token));
	device_register(service, "dev-1", token, &begun);
	for (int i = 0; i < 7; i++) {
		REPLY_AUTO reply;

		if (i == 6)
			service->at_ticks += 10 * 10000000LL;
		device_poll(service, "dev-1", &begun, token, &reply);
		assert_int_equal(reply_code(&reply), i == 5 ? 429001 : 200);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_register_when_the_key_is_right_then_assigned_by_polling),
		T(test_register_when_signed_by_the_secondary_key_then_accepted),
		T(test_register_when_the_key_is_another_then_401),
		T(test_register_when_the_token_is_for_another_device_then_401),
		T(test_register_when_the_token_is_old_then_401_after_five_minutes),
		T(test_register_when_sr_is_encoded_then_the_written_form_is_signed),
		T(test_register_when_the_key_derives_from_a_group_then_its_device),
		T(test_register_when_the_group_key_itself_signs_then_401),
		T(test_register_when_an_individual_enrollment_exists_then_the_group_does_not_count),
		T(test_register_when_disabled_then_the_operation_says_so),
		T(test_register_when_the_scope_or_version_is_wrong_then_refused),
		T(test_register_when_the_body_is_not_its_own_then_400),
		T(test_poll_when_the_operation_is_another_then_404),
		T(test_lookup_when_registered_then_its_state),
		T(test_register_when_beyond_the_limit_then_429_in_its_own_window),
		T(test_poll_when_the_device_is_too_eager_then_429),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
