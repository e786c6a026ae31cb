/* Devices with a TPM (dps-api 5.4): the challenge, the token by its key, the key for the hub. */
#include "enroll/emulator/device_internal.h"
#include "tests/unit/dps_emulator/device.h"

#include "base/encode.h"

#define DEVICE_EK                                                                                            \
	"AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAAAAEArV5KUQuTfb"         \
	"+rJu2xjz2JFYqMtGDsoSmnZMR1Eth2iU5pPZbzvbUyDlJA0DBgeAw74bqFzhyxzxqG2SyzyOgE14FcvERt1amdnkOI"         \
	"UKKK7PAykAAkUz1P2NXb4yIpnTEcOagUu95FKxSwXxduPofUoMA+Qp/NC883D9A/6DiWiE/4NQrRnYEfXP/5AZj0AM"         \
	"HB2Gn+lXUbrknqTo1nPoTjrTxGdCH2itfwW/bkEbatTp9JltojfPGztB0Nz8SbErGbEnj9tw199H+NvFGQRzfBaAJV"         \
	"SGzbp33vK7VGl8mg+OsbpqwCUqTppOsFR13nLsLWwsoNTu1UZ2nh4455xOAaew=="
#define DEVICE_SRK                                                                                           \
	"ARoAAQALAAMEcgAAAAYAgABDABAIAAAAAAABAKr3ko+55KbX0GVloQNLNpO9Du7vU80ddhcwbeiziZ6URfzjQXHr/g"         \
	"UgiwbcH1f/J8rAKanYUz2mVzgLazEoKVvPEpZnZEQ7EnyF6YD6OWQkjV120cf97iA57vsGL8Xb2vxzyomFQVS60wS2"         \
	"2fEP2KvxI8Ycm2jB5nIvA7sJhoC6c4LiX+owpqIm9iKPzOP8bB9TuR3PlZy17Y57P8FK0d7d+YI/AhRt0Wsn41t5uT"         \
	"p514XLsb4422fO1YsLRtQ0Qr6SCha2wrRBqGG/tq92FKujrKaPLdbFV8fZa5658fZPCniGxBJAlfOj8uwuG/d+wqK2"         \
	"T2IUUd+BlaTYZHeWtQM="
#define BODY(ek, srk)                                                                                        \
	"{\"registrationId\":\"tpm-1\",\"tpm\":{\"endorsementKey\":\"" ek "\",\"storageRootKey\":\"" srk     \
	"\"}}"
#define REGISTER "/registrations/tpm-1/register"

static void enroll(struct service *service, const char *ek)
{
	char body[1024];

	assert_int_equal(str_format(body, sizeof(body),
				    "{\"registrationId\":\"tpm-1\",\"attestation\":{\"type\":\"tpm\",\"tpm\":"
				    "{\"endorsementKey\":\"%s\"}}}",
				    ek),
			 0);
	assert_int_equal(service_code(service, "PUT", "/enrollments/tpm-1", body), 200);
}

/* The key in the last challenge: what the TPM would have unwrapped. */
static void issued_key(const struct service *service, char out[BASE64_LEN(TPM_KEY_LEN) + 1])
{
	json_t *record =
		json_loads(dps_store_find(service->store, DPS_REGISTRATIONS, "tpm-1")->text, 0, NULL);
	const char *key = json_string_value(json_object_get(json_object_get(record, "tpm"), "issuedKey"));

	assert_int_equal(bytes_to_str(bytes_str(key), out, BASE64_LEN(TPM_KEY_LEN) + 1), 0);
	json_decref(record);
}

static void challenge(struct service *service, struct reply *ret)
{
	device_call(service, "PUT", REGISTER, BODY(DEVICE_EK, DEVICE_SRK), NULL, ret);
	assert_int_equal(reply_code(ret), 401002);
	assert_string_equal(reply_text(ret, "message"), "Authorization required");
	assert_string_equal(reply_text(ret, "keyName"), "registration");
	assert_non_null(reply_text(ret, "trackingId"));
	assert_int_equal(strlen(reply_text(ret, "authenticationKey")), BASE64_LEN(TPM_BLOB_LEN));
}

static int register_code(struct service *service, const char *body, const char *token)
{
	REPLY_AUTO reply;

	device_call(service, "PUT", REGISTER, body, token, &reply);
	return reply_code(&reply);
}

static void test_register_when_signed_by_the_issued_key_then_a_key_for_the_hub(void **state)
{
	struct service *service = *state;
	REPLY_AUTO asked;
	REPLY_AUTO begun;
	REPLY_AUTO final;
	char key[BASE64_LEN(TPM_KEY_LEN) + 1], token[600];
	const char *blob;

	service->conf.knobs.assigning_polls = 0;
	enroll(service, DEVICE_EK);
	challenge(service, &asked);
	assert_int_equal(service_code(service, "GET", "/registrations/tpm-1", NULL), 404201);
	issued_key(service, key);
	device_token(service, "tpm-1", key, 3600, token, sizeof(token));
	device_call(service, "PUT", REGISTER, BODY(DEVICE_EK, DEVICE_SRK), token, &begun);
	assert_int_equal(reply_code(&begun), 202);
	device_poll(service, "tpm-1", &begun, token, &final);
	assert_string_equal(reply_text(&final, "status"), "assigned");
	blob = reply_text(&final, "registrationState/tpm/authenticationKey");
	assert_int_equal(strlen(blob), BASE64_LEN(TPM_BLOB_LEN));
	assert_string_not_equal(blob, reply_text(&asked, "authenticationKey"));
}

static void test_register_when_the_key_is_of_an_older_challenge_then_401(void **state)
{
	struct service *service = *state;
	REPLY_AUTO first;
	REPLY_AUTO second;
	char key[BASE64_LEN(TPM_KEY_LEN) + 1], token[600];

	enroll(service, DEVICE_EK);
	challenge(service, &first);
	issued_key(service, key);
	challenge(service, &second);
	device_token(service, "tpm-1", key, 3600, token, sizeof(token));
	assert_int_equal(register_code(service, BODY(DEVICE_EK, DEVICE_SRK), token), 401002);
}

static void test_register_when_no_challenge_came_first_then_401(void **state)
{
	struct service *service = *state;
	char token[600];

	enroll(service, DEVICE_EK);
	device_token(service, "tpm-1", KEY_1, 3600, token, sizeof(token));
	assert_int_equal(register_code(service, BODY(DEVICE_EK, DEVICE_SRK), token), 401002);
}

static void test_register_when_the_ek_is_another_then_400(void **state)
{
	struct service *service = *state;
	REPLY_AUTO reply;

	enroll(service, EK);
	device_call(service, "PUT", REGISTER, BODY(DEVICE_EK, DEVICE_SRK), NULL, &reply);
	assert_int_equal(reply_code(&reply), 400004);
	assert_string_equal(reply_text(&reply, "message"),
			    "Endorsement key is invalid, or does not match the Enrollment.");
	assert_int_equal(register_code(service, BODY("", DEVICE_SRK), NULL), 400004);
	assert_int_equal(register_code(service, "{\"registrationId\":\"tpm-1\"}", NULL), 400004);
}

static void test_register_when_the_srk_is_missing_or_wrong_then_400(void **state)
{
	struct service *service = *state;

	enroll(service, DEVICE_EK);
	assert_int_equal(register_code(service, BODY(DEVICE_EK, DEVICE_EK), NULL), 400004);
	assert_int_equal(
		register_code(service,
			      "{\"registrationId\":\"tpm-1\",\"tpm\":{\"endorsementKey\":\"" DEVICE_EK "\"}}",
			      NULL),
		400004);
}

static void test_register_when_not_enrolled_then_404(void **state)
{
	assert_int_equal(register_code(*state, BODY(DEVICE_EK, DEVICE_SRK), NULL), 404201);
}

static void test_poll_when_it_has_no_token_then_401_and_no_challenge(void **state)
{
	struct service *service = *state;
	REPLY_AUTO asked;
	REPLY_AUTO reply;

	enroll(service, DEVICE_EK);
	challenge(service, &asked);
	device_call(service, "GET", "/registrations/tpm-1/operations/5.1.1", NULL, NULL, &reply);
	assert_int_equal(reply_code(&reply), 401002);
	assert_null(reply_text(&reply, "authenticationKey"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_register_when_signed_by_the_issued_key_then_a_key_for_the_hub),
		T(test_register_when_the_key_is_of_an_older_challenge_then_401),
		T(test_register_when_no_challenge_came_first_then_401),
		T(test_register_when_the_ek_is_another_then_400),
		T(test_register_when_the_srk_is_missing_or_wrong_then_400),
		T(test_register_when_not_enrolled_then_404),
		T(test_poll_when_it_has_no_token_then_401_and_no_challenge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
