/* What the service holds against what we wanted: each field that matters, and those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/encode.h"
#include "tests/unit/enroll/world.h"

#define OURS_TPM                                                                                             \
	"{\"registrationId\":\"unit-1\",\"provisioningStatus\":\"enabled\",\"attestation\":"                 \
	"{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}}"
#define OURS_NAMED                                                                                           \
	"{\"registrationId\":\"unit-1\",\"deviceId\":\"Sensor\",\"attestation\":"                            \
	"{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}}"
#define TPM "\"attestation\":{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}"

static const struct {
	const char *ours, *theirs;
	const char *field; /* that differs; NULL: none */
} tpm_table[] = {
	{ OURS_TPM, OURS_TPM, NULL },
	{ OURS_TPM, "{\"registrationId\":\"UNIT-1\"," TPM "}", NULL },
	{ OURS_TPM, "{\"registrationId\":\"unit-1\",\"deviceId\":\"unit-1\"," TPM "}", NULL },
	{ OURS_TPM, "{\"registrationId\":\"unit-1\",\"provisioningStatus\":null," TPM "}", NULL },
	{ OURS_TPM,
	  "{\"registrationId\":\"unit-1\",\"allocationPolicy\":\"hashed\",\"etag\":\"IjEi\"," TPM "}", NULL },
	{ OURS_NAMED, "{\"registrationId\":\"unit-1\",\"deviceId\":\"Sensor\"," TPM "}", NULL },
	{ OURS_TPM, "{\"registrationId\":\"unit-2\"," TPM "}", "registrationId" },
	{ OURS_TPM, "{\"registrationId\":\"unit-1\",\"deviceId\":\"other\"," TPM "}", "deviceId" },
	{ OURS_NAMED, "{\"registrationId\":\"unit-1\"," TPM "}", "deviceId" },
	{ OURS_NAMED, "{\"registrationId\":\"unit-1\",\"deviceId\":\"sensor\"," TPM "}", "deviceId" },
	{ OURS_TPM, "{\"registrationId\":\"unit-1\",\"provisioningStatus\":\"disabled\"," TPM "}",
	  "provisioningStatus" },
	{ OURS_TPM, "{\"registrationId\":\"unit-1\",\"provisioningStatus\":7," TPM "}",
	  "provisioningStatus" },
	{ OURS_TPM, "{\"registrationId\":\"unit-1\",\"attestation\":{\"type\":\"x509\"}}",
	  "attestation.type" },
	{ OURS_TPM, "{\"registrationId\":\"unit-1\",\"attestation\":{}}", "attestation.type" },
	{ OURS_TPM, "{\"registrationId\":\"unit-1\",\"attestation\":{\"type\":\"tpm\"}}",
	  "attestation.tpm.endorsementKey" },
	{ OURS_TPM,
	  "{\"registrationId\":\"unit-1\",\"attestation\":{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":"
	  "\"AAQAAQAM\"}}}",
	  "attestation.tpm.endorsementKey" },
};

static void test_compare_tpm_names_the_first_field_that_differs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tpm_table); i++) {
		struct difference d = { 0 };
		struct err err = { 0 };

		assert_int_equal(compare_enrollment(bytes_str(tpm_table[i].ours),
						    bytes_str(tpm_table[i].theirs), &d, &err),
				 0);
		assert_int_equal(d.differs, tpm_table[i].field != NULL);
		if (d.differs)
			assert_memory_equal(d.text, tpm_table[i].field, strlen(tpm_table[i].field));
	}
}

#define OURS_FULL                                                                                            \
	"{\"registrationId\":\"unit-1\",\"deviceId\":\"Sensor\",\"provisioningStatus\":\"disabled\"," TPM    \
	",\"capabilities\":{\"iotEdge\":false},\"allocationPolicy\":\"static\",\"iotHubs\":[\"a.x\",\"b."    \
	"x\"],"                                                                                              \
	"\"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":true},\"initialTwin\":"   \
	"{\"tags\":{\"line\":\"7\",\"shift\":2},\"properties\":{\"desired\":{\"interval\":30}}}}"
#define THEIRS                                                                                               \
	"{\"registrationId\":\"unit-1\",\"deviceId\":\"Sensor\",\"provisioningStatus\":\"disabled\"," TPM
#define TWIN                                                                                                 \
	",\"initialTwin\":{\"tags\":{\"line\":\"7\",\"shift\":2},\"properties\":{\"desired\":{\"interval\":" \
	"30}}}"
#define HUBS ",\"allocationPolicy\":\"static\",\"iotHubs\":[\"B.x\",\"a.x\"]"

static const struct {
	const char *theirs;
	const char *fields[4]; /* that differ, in this order */
} terms_table[] = {
	{ OURS_FULL, { NULL } },
	/* the defaults, hubs in another order, and what the cloud's operator has added */
	{ THEIRS HUBS TWIN "}", { NULL } },
	{ THEIRS HUBS
	  ",\"initialTwin\":{\"tags\":{\"line\":\"7\",\"shift\":2,\"site\":\"x\"},\"properties\":{"
	  "\"desired\":{\"interval\":30,\"$version\":1}}},\"optionalDeviceInformation\":{}}",
	  { NULL } },
	{ THEIRS TWIN "}", { "allocationPolicy", "iotHubs" } },
	{ THEIRS TWIN ",\"allocationPolicy\":\"static\",\"iotHubs\":[\"a.x\"]}", { "iotHubs" } },
	{ THEIRS TWIN ",\"allocationPolicy\":\"static\",\"iotHubs\":[\"a.x\",\"c.x\"]}", { "iotHubs" } },
	{ THEIRS HUBS TWIN ",\"capabilities\":{\"iotEdge\":true}}", { "capabilities.iotEdge" } },
	{ THEIRS HUBS TWIN
	  ",\"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":false}}",
	  { "reprovisionPolicy.migrateDeviceData" } },
	{ THEIRS HUBS "}",
	  { "initialTwin.tags.line", "initialTwin.tags.shift", "initialTwin.properties.desired.interval" } },
	{ THEIRS HUBS
	  ",\"initialTwin\":{\"tags\":{\"line\":7,\"shift\":2.5},\"properties\":{\"desired\":[]}}}",
	  { "initialTwin.tags.line", "initialTwin.tags.shift", "initialTwin.properties.desired.interval" } },
};

static void test_compare_each_field_that_we_send(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(terms_table); i++) {
		struct difference d = { 0 };
		struct err err = { 0 };
		size_t n = 0;

		while (n < 4 && terms_table[i].fields[n] != NULL)
			n++;
		assert_int_equal(
			compare_enrollment(BYTES_LIT(OURS_FULL), bytes_str(terms_table[i].theirs), &d, &err),
			0);
		assert_int_equal(d.n, n);
		assert_int_equal(d.differs, n > 0);
		for (size_t f = 0; f < n; f++)
			assert_string_equal(d.fields[f].field, terms_table[i].fields[f]);
	}
}

static void test_compare_difference_is_all_fields_as_json(void **state)
{
	BUF_AUTO(json, DIFFERENCE_JSON_MAX);
	struct difference d = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(compare_enrollment(BYTES_LIT(OURS_NAMED),
					    BYTES_LIT("{\"registrationId\":\"unit-2\",\"provisioningStatus\":"
						      "\"dis\\u001babled\"," TPM "}"),
					    &d, &err),
			 0);
	assert_int_equal(difference_json(&d, &json, &err), 0);
	assert_string_equal(
		(const char *)json.p,
		"[{\"field\":\"registrationId\",\"ours\":\"unit-1\",\"service\":\"unit-2\"},"
		"{\"field\":\"deviceId\",\"ours\":\"Sensor\",\"service\":\"nothing\"},"
		"{\"field\":\"provisioningStatus\",\"ours\":\"enabled\",\"service\":\"dis?abled\"}]");
	d = (struct difference){ 0 };
	assert_int_equal(difference_json(&d, &json, &err), 0);
	assert_int_equal(json.len, 0);
}

/* However many fields there are and however long, and in whatever letters. */
static void test_compare_difference_is_bounded(void **state)
{
	BUF_AUTO(json, DIFFERENCE_JSON_MAX);
	struct difference d = { 0 };
	struct err err = { 0 };
	char value[400];

	(void)state;
	for (size_t i = 0; i + 3 < sizeof(value); i += 3)
		memcpy(value + i, "\xe2\x82\xac", 3);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 20; i++)
		difference_add(&d, value, value + 3,
			       "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
	assert_int_equal(d.n, DIFFERENCE_FIELDS);
	assert_int_equal(d.more, 20 - DIFFERENCE_FIELDS);
	assert_int_equal(difference_json(&d, &json, &err), 0);
	assert_non_null(strstr((const char *)json.p, "{\"more\":12}]"));
}

static void test_compare_difference_tells_both_values(void **state)
{
	struct difference d = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(compare_enrollment(BYTES_LIT(OURS_TPM),
					    BYTES_LIT("{\"registrationId\":\"unit-2\"," TPM "}"), &d, &err),
			 0);
	assert_string_equal(d.text, "registrationId: ours is unit-1, the service has unit-2");
}

static void test_compare_what_is_no_enrollment_is_an_error(void **state)
{
	static const char *const bad[] = { "",
					   "[]",
					   "null",
					   "<html>",
					   "{",
					   "{\"registrationId\":\"unit-1\"}",
					   "{\"registrationId\":7,\"attestation\":{}}",
					   "{\"registrationId\":\"unit-1\",\"registrationId\":\"unit-1\"," TPM
					   "}" };
	struct difference d = { .differs = true };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(compare_enrollment(BYTES_LIT(OURS_TPM), bytes_str(bad[i]), &d, &err), -1);
		assert_int_equal(err.class, ERR_RETRY);
		assert_true(d.differs);
	}
	assert_int_equal(compare_enrollment(BYTES_LIT("broken"), BYTES_LIT(OURS_TPM), &d, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
}

/* The service returns no certificate, only its info (dps-api 0.5). */
static void compare_leaf(const char *thumbprint, const char *more, struct difference *ret)
{
	const struct enroll_record record = { .registration_id = "u",
					      .certificate_pem = bytes_str(certificate_a) };
	BUF_AUTO(ours, ENROLL_PAYLOAD_MAX);
	uint8_t digest[SHA256_LEN];
	struct err err = { 0 };
	char theirs[500];
	bool has_key = false;

	assert_int_equal(payload_build(&record, &ours, digest, &has_key, &err), 0);
	assert_int_equal(
		str_format(
			theirs, sizeof(theirs),
			"{\"registrationId\":\"u\",\"attestation\":{\"type\":\"x509\",\"x509\":{"
			"\"clientCertificates\":{\"primary\":{\"info\":{\"sha256Thumbprint\":\"%s\"}}%s}}}}",
			thumbprint, more),
		0);
	assert_int_equal(compare_enrollment(buf_bytes(&ours), bytes_str(theirs), ret, &err), 0);
}

static void test_compare_x509_by_thumbprint_and_no_second_certificate(void **state)
{
	struct difference d = { 0 };

	(void)state;
	compare_leaf(thumbprint_a, "", &d);
	assert_false(d.differs);
	compare_leaf(thumbprint_a, ",\"secondary\":null", &d);
	assert_false(d.differs);
	compare_leaf(thumbprint_b, "", &d);
	assert_true(d.differs);
	compare_leaf(thumbprint_a, ",\"secondary\":{\"info\":{}}", &d);
	assert_non_null(strstr(d.text, "secondary"));
}

static void test_compare_keys_both_must_be_ours(void **state)
{
	static const uint8_t key[16] = { 0 };
	uint8_t digest[SHA256_LEN];
	struct difference d = { 0 };
	struct err err = { 0 };

	(void)state;
	sha256(BYTES_ARRAY(key), digest);
	assert_int_equal(compare_keys(digest,
				      BYTES_LIT("{\"type\":\"symmetricKey\",\"symmetricKey\":{"
						"\"primaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\","
						"\"secondaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}"),
				      &d, &err),
			 0);
	assert_false(d.differs);
	assert_int_equal(compare_keys(digest,
				      BYTES_LIT("{\"type\":\"symmetricKey\",\"symmetricKey\":{"
						"\"primaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\","
						"\"secondaryKey\":\"AQEBAQEBAQEBAQEBAQEBAQ==\"}}"),
				      &d, &err),
			 0);
	assert_true(d.differs);
	assert_null(strstr(d.text, "AQEB"));
	assert_non_null(strstr(
		d.text, "secondaryKey: ours is SHA-256 374708fff7719dd5..., the service has SHA-256 "));
}

/* An error here would stop the whole pass, for ever. */
static void test_compare_keys_what_is_no_key_differs(void **state)
{
	static const char *const bad[] = {
		"{\"type\":\"symmetricKey\"}",
		"{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":null,\"secondaryKey\":null}}",
		"{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"no base64\"}}",
		"{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"\"}}",
		"{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":7}}",
		"{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}",
	};
	static const uint8_t key[16] = { 0 };
	uint8_t digest[SHA256_LEN];

	(void)state;
	sha256(BYTES_ARRAY(key), digest);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct difference d = { 0 };
		struct err err = { 0 };

		assert_int_equal(compare_keys(digest, bytes_str(bad[i]), &d, &err), 0);
		assert_true(d.differs);
		assert_non_null(strstr(d.text, "ours is a key, the service has nothing that is one"));
	}
}

static void test_symmetric_key_of_group_and_of_mechanism(void **state)
{
	SECRET_AUTO one = { NULL, 0 };
	SECRET_AUTO two = { NULL, 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(symmetric_key_of(BYTES_LIT("{\"type\":\"symmetricKey\",\"symmetricKey\":{"
						    "\"primaryKey\":\"AQID\"}}"),
					  &one, &err),
			 0);
	assert_int_equal(one.len, 3);
	assert_int_equal(symmetric_key_of(BYTES_LIT("{\"attestation\":{\"type\":\"symmetricKey\","
						    "\"symmetricKey\":{\"primaryKey\":\"AQID\"}}}"),
					  &two, &err),
			 0);
	assert_memory_equal(two.p, one.p, 3);
	assert_int_equal(symmetric_key_of(BYTES_LIT("{\"type\":\"x509\"}"), &two, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(symmetric_key_of(BYTES_LIT("{\"type\":\"symmetricKey\"}"), &two, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(symmetric_key_of(BYTES_LIT("[]"), &two, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare_tpm_names_the_first_field_that_differs),
		cmocka_unit_test(test_compare_each_field_that_we_send),
		cmocka_unit_test(test_compare_difference_is_all_fields_as_json),
		cmocka_unit_test(test_compare_difference_is_bounded),
		cmocka_unit_test(test_compare_difference_tells_both_values),
		cmocka_unit_test(test_compare_what_is_no_enrollment_is_an_error),
		cmocka_unit_test(test_compare_x509_by_thumbprint_and_no_second_certificate),
		cmocka_unit_test(test_compare_keys_both_must_be_ours),
		cmocka_unit_test(test_compare_keys_what_is_no_key_differs),
		cmocka_unit_test(test_symmetric_key_of_group_and_of_mechanism),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
