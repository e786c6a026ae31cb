/* What is sent: golden JSON of each attestation, and what can never be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/world.h"

#define BUILD(record, json)                                                                                  \
	payload_build((record), (json), (uint8_t[SHA256_LEN]){ 0 }, &(bool){ false }, &(struct err){ 0 })

static void assert_json(const struct buf *json, const char *expected)
{
	assert_int_equal(json->len, strlen(expected));
	assert_memory_equal(json->p, expected, json->len);
}

static void test_payload_tpm_is_the_golden_one(void **state)
{
	static const uint8_t ek[] = { 0x00, 0x04, 0x00, 0x01, 0x00, 0x0b };
	const struct enroll_record record = { .registration_id = "line1-0001",
					      .device_id = "sensor-0001",
					      .endorsement_key = BYTES_ARRAY(ek) };
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);

	(void)state;
	assert_int_equal(BUILD(&record, &json), 0);
	assert_json(&json, "{\"registrationId\":\"line1-0001\",\"deviceId\":\"sensor-0001\","
			   "\"provisioningStatus\":\"enabled\",\"attestation\":{\"type\":\"tpm\","
			   "\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}}");
}

static void test_payload_x509_carries_the_pem(void **state)
{
	const struct enroll_record record = { .registration_id = "unit-a",
					      .certificate_pem = bytes_str(certificate_a) };
	static const char start[] = "{\"registrationId\":\"unit-a\",\"provisioningStatus\":\"enabled\","
				    "\"attestation\":{\"type\":\"x509\",\"x509\":{\"clientCertificates\":{"
				    "\"primary\":{\"certificate\":\"-----BEGIN CERTIFICATE-----\\nMII";
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);

	(void)state;
	assert_int_equal(BUILD(&record, &json), 0);
	assert_memory_equal(json.p, start, sizeof(start) - 1);
}

static void test_payload_symmetric_holds_no_key_until_the_wire(void **state)
{
	SECRET_AUTO key = { NULL, 0 };
	SECRET_AUTO wire = { NULL, 0 };
	struct err err = { 0 };
	struct enroll_record record = { .registration_id = "u", .symmetric_key = &key };
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);
	static const char expected[] =
		"{\"registrationId\":\"u\",\"provisioningStatus\":\"enabled\",\"attestation\":{"
		"\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\","
		"\"secondaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}}";

	(void)state;
	assert_int_equal(secret_new(16, &key, &err), 0);
	assert_int_equal(BUILD(&record, &json), 0);
	assert_json(&json, "{\"registrationId\":\"u\",\"provisioningStatus\":\"enabled\","
			   "\"attestation\":{\"type\":\"symmetricKey\"}}");
	assert_int_equal(payload_with_key(buf_bytes(&json), &key, &wire, &err), 0);
	assert_int_equal(wire.len, sizeof(expected) - 1);
	assert_memory_equal(wire.p, expected, wire.len);
}

static void test_payload_certificate_that_is_none_or_two_refused(void **state)
{
	struct enroll_record record = { .registration_id = "u" };
	char two[2000];
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);

	(void)state;
	assert_int_equal(str_format(two, sizeof(two), "%s%s", certificate_a, certificate_b), 0);
	record.certificate_pem = bytes_str(two);
	assert_int_equal(BUILD(&record, &json), -1);
	record.certificate_pem = BYTES_LIT("not a certificate");
	assert_int_equal(BUILD(&record, &json), -1);
	record.certificate_pem = BYTES_LIT("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
	assert_int_equal(BUILD(&record, &json), -1);
}

static void test_payload_too_long_is_the_units_fault(void **state)
{
	static uint8_t long_ek[4096];
	struct enroll_record record = { .registration_id = "u", .endorsement_key = BYTES_ARRAY(long_ek) };
	uint8_t digest[SHA256_LEN];
	struct err err = { 0 };
	bool has_key = false;
	BUF_AUTO(json, 64);

	(void)state;
	assert_int_equal(payload_build(&record, &json, digest, &has_key, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	record.endorsement_key.len = 300;
	assert_int_equal(payload_build(&record, &json, digest, &has_key, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_non_null(strstr(err.what, "too long"));
}

static void test_payload_without_exactly_one_attestation_is_a_bug(void **state)
{
	static const uint8_t ek[] = { 1 };
	struct enroll_record record = { .registration_id = "u" };
	uint8_t digest[SHA256_LEN];
	struct err err = { 0 };
	bool has_key = false;
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);

	(void)state;
	assert_int_equal(payload_build(&record, &json, digest, &has_key, &err), -1);
	assert_int_equal(err.class, ERR_BUG);
	record.endorsement_key = BYTES_ARRAY(ek);
	record.certificate_pem = bytes_str(certificate_a);
	assert_int_equal(payload_build(&record, &json, digest, &has_key, &err), -1);
	assert_int_equal(err.class, ERR_BUG);
}

static void test_registration_id_rules(void **state)
{
	static const char *const good[] = { "a", "Line-7._:9", "x-" };
	static const char *const bad[] = { "",   "a b", "a/b", "a.",       "a:", "a_",
					   ".a", ":a",  "_a",  "\xc3\xa4", "..", "a\"b" };
	char longest[ENROLL_ID_MAX + 2];
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(registration_id_check(good[i], &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(registration_id_check(bad[i], &err), -1);
		assert_int_equal(err.class, ERR_UNIT);
	}
	memset(longest, 'a', sizeof(longest));
	longest[ENROLL_ID_MAX] = '\0';
	assert_int_equal(registration_id_check(longest, &err), 0);
	longest[ENROLL_ID_MAX] = 'a';
	longest[ENROLL_ID_MAX + 1] = '\0';
	assert_int_equal(registration_id_check(longest, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_payload_tpm_is_the_golden_one),
		cmocka_unit_test(test_payload_x509_carries_the_pem),
		cmocka_unit_test(test_payload_symmetric_holds_no_key_until_the_wire),
		cmocka_unit_test(test_payload_certificate_that_is_none_or_two_refused),
		cmocka_unit_test(test_payload_too_long_is_the_units_fault),
		cmocka_unit_test(test_payload_without_exactly_one_attestation_is_a_bug),
		cmocka_unit_test(test_registration_id_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
