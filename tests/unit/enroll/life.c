/* Records disabled, enabled and deleted by hand: the status changes, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/encode.h"
#include "tests/unit/enroll/emulated.h"

static void put_json(struct emulated *e, const char *etag, const char *json)
{
	static const char path[] = "/enrollments/unit-1?api-version=" ENROLL_API_VERSION;
	const struct http_request put = { "PUT", path, bytes_str(json) };
	struct err err = { 0 };
	ANSWER_AUTO(answer);

	assert_int_equal(service_call_if(e->service, e->now_ms, &put, etag, &answer, &err), 0);
	assert_int_equal(answer.http.kind, REPLY_DONE);
}

/* A PEM text as JSON has it. */
static void append_pem(struct buf *json, const char *pem)
{
	for (; *pem != '\0'; pem++)
		assert_int_equal(buf_append(json, *pem == '\n' ? BYTES_LIT("\\n") : bytes_of(pem, 1)), 0);
}

static void put_leaf(struct emulated *e, const char *primary, const char *secondary)
{
	BUF_AUTO(json, 8192);

	assert_int_equal(
		buf_append(&json, BYTES_LIT("{\"registrationId\":\"unit-1\",\"deviceId\":\"dev\","
					    "\"initialTwin\":{\"tags\":{"
					    "\"a\":\"b\"}},\"attestation\":{\"type\":\"x509\",\"x509\":{"
					    "\"clientCertificates\":{\"primary\":{\"certificate\":\"")),
		0);
	append_pem(&json, primary);
	if (secondary != NULL) {
		assert_int_equal(buf_append(&json, BYTES_LIT("\"},\"secondary\":{\"certificate\":\"")), 0);
		append_pem(&json, secondary);
	}
	assert_int_equal(buf_append(&json, BYTES_LIT("\"}}}}}\0")), 0);
	put_json(e, NULL, (const char *)json.p);
}

static bool says(struct emulated *e, const char *text)
{
	BUF_AUTO(json, ENROLL_REPLY_MAX);
	struct err err = { 0 };
	bool found = false;

	assert_int_equal(enroll_get(e->service, "unit-1", &json, &found, &err), 0);
	return found && memmem(json.p, json.len, text, strlen(text)) != NULL;
}

static int set(struct emulated *e, const char *pem, enum enroll_status status, bool *ret_found,
	       struct err *err)
{
	const struct enroll_device device = { .registration_id = "unit-1",
					      .certificate_pem = pem != NULL ? bytes_str(pem) : BYTES_NONE };

	return enroll_set_status(e->service, &device, status, ret_found, err);
}

static void test_status_x509_changes_and_nothing_else(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };
	bool found = false;

	EMULATE(e);
	put_leaf(e, certificate_a, NULL);
	assert_int_equal(set(e, certificate_a, ENROLL_STATUS_DISABLED, &found, &err), 0);
	assert_true(found);
	assert_true(says(e, "\"provisioningStatus\":\"disabled\""));
	assert_true(says(e, thumbprint_a));
	assert_true(says(e, "\"deviceId\":\"dev\""));
	assert_true(says(e, "\"a\":\"b\""));
	assert_int_equal(set(e, certificate_a, ENROLL_STATUS_ENABLED, &found, &err), 0);
	assert_true(says(e, "\"provisioningStatus\":\"enabled\""));
}

static void test_status_with_a_certificate_that_is_not_the_devices_is_left(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };
	bool found = false;

	EMULATE(e);
	put_leaf(e, certificate_a, NULL);
	assert_int_equal(set(e, certificate_b, ENROLL_STATUS_DISABLED, &found, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(set(e, NULL, ENROLL_STATUS_DISABLED, &found, &err), -1);
	assert_false(says(e, "\"provisioningStatus\":\"disabled\""));
}

/* Reworked: the service still has the certificate of the job before. */
static void test_status_before_a_newer_record_is_sent_says_so(void **state)
{
	struct emulated *e = *state;
	const struct enroll_device device = { "unit-1", bytes_str(certificate_b), true };
	struct err err = { 0 };
	bool found = false;

	EMULATE(e);
	put_leaf(e, certificate_a, NULL);
	assert_int_equal(enroll_set_status(e->service, &device, ENROLL_STATUS_DISABLED, &found, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "a newer record waits here: run station sync first"));
	assert_false(says(e, "\"provisioningStatus\":\"disabled\""));
}

/* The service makes keys where none are sent: what an answer lacks must not go back. */
static void test_status_symmetric_without_both_keys_is_refused(void **state)
{
	static const char record[] = "{\"registrationId\":\"u\",\"etag\":\"1\",\"attestation\":{\"type\":"
				     "\"symmetricKey\"}}";
	static const char *const bad[] = {
		"",
		"{}",
		"{\"type\":\"symmetricKey\"}",
		"{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"QQ==\"}}",
		("{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"QQ==\",\"secondaryKey\":\"\"}"
		 "}"),
		"{\"type\":\"tpm\",\"symmetricKey\":{\"primaryKey\":\"QQ==\",\"secondaryKey\":\"QQ==\"}}",
	};
	char etag[ETAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct revise_proof proof = { bytes_str(bad[i]), BYTES_NONE };
		SECRET_AUTO json = { NULL, 0 };
		struct err err = { 0 };

		assert_int_equal(revise_status(BYTES_LIT(record), &proof, "disabled", &json, etag, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
		assert_null(json.p);
	}
}

static void test_status_with_a_second_certificate_is_left(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };
	bool found = false;

	EMULATE(e);
	put_leaf(e, certificate_a, certificate_b);
	assert_int_equal(set(e, certificate_a, ENROLL_STATUS_DISABLED, &found, &err), -1);
	assert_non_null(strstr(err.what, "second certificate"));
}

static void keys_of(struct emulated *e, char out[400])
{
	static const char path[] = "/enrollments/unit-1/attestationmechanism?api-version=" ENROLL_API_VERSION;
	const struct http_request post = { "POST", path, BYTES_NONE };
	struct err err = { 0 };
	ANSWER_AUTO(answer);

	assert_int_equal(service_call(e->service, e->now_ms, &post, &answer, &err), 0);
	assert_int_equal(bytes_to_str(buf_bytes(&answer.http.body), out, 400), 0);
}

static void test_status_symmetric_keeps_its_keys(void **state)
{
	struct emulated *e = *state;
	char before[400], after[400];
	struct err err = { 0 };
	bool found = false;

	EMULATE(e);
	put_json(e, NULL, "{\"registrationId\":\"unit-1\",\"attestation\":{\"type\":\"symmetricKey\"}}");
	keys_of(e, before);
	assert_int_equal(set(e, NULL, ENROLL_STATUS_DISABLED, &found, &err), 0);
	assert_true(says(e, "\"provisioningStatus\":\"disabled\""));
	keys_of(e, after);
	assert_string_equal(before, after);
}

static void test_status_tpm_and_missing(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };
	bool found = true;

	EMULATE(e);
	assert_int_equal(set(e, NULL, ENROLL_STATUS_DISABLED, &found, &err), 0);
	assert_false(found);
	queue_tpm(e->world, "unit-1", 1);
	(void)drain(e);
	assert_int_equal(set(e, NULL, ENROLL_STATUS_DISABLED, &found, &err), 0);
	assert_true(found);
	assert_true(says(e, "\"provisioningStatus\":\"disabled\""));
}

static void test_delete_and_again(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };
	bool found = false;

	EMULATE(e);
	put_leaf(e, certificate_a, NULL);
	assert_int_equal(enroll_delete(e->service, "unit-1", &found, &err), 0);
	assert_true(found);
	assert_false(service_has(e, "unit-1"));
	assert_int_equal(enroll_delete(e->service, "unit-1", &found, &err), 0);
	assert_false(found);
}

static void test_block_makes_a_disabled_record_and_replaces_none(void **state)
{
	struct emulated *e = *state;
	const struct enroll_device with = { "unit-1", bytes_str(certificate_a), false };
	const struct enroll_device without = { "unit-2", BYTES_NONE, false };
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(enroll_block(e->service, &with, &err), 0);
	assert_true(says(e, "\"provisioningStatus\":\"disabled\""));
	assert_true(says(e, thumbprint_a));
	assert_int_equal(enroll_block(e->service, &with, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(enroll_block(e->service, &without, &err), 0);
	assert_true(service_has(e, "unit-2"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, emulated_setup, emulated_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_status_x509_changes_and_nothing_else),
		TEST(test_status_with_a_certificate_that_is_not_the_devices_is_left),
		TEST(test_status_before_a_newer_record_is_sent_says_so),
		TEST(test_status_with_a_second_certificate_is_left),
		TEST(test_status_symmetric_keeps_its_keys),
		cmocka_unit_test(test_status_symmetric_without_both_keys_is_refused),
		TEST(test_status_tpm_and_missing),
		TEST(test_delete_and_again),
		TEST(test_block_makes_a_disabled_record_and_replaces_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
