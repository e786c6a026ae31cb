/* What an enrollment says beside its attestation: golden JSON for each kind, and what nobody would take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/world.h"

static const struct enroll_terms whole = {
	.tags = "line=7  unit=\"A \\\"1\\\"\" order=4711",
	.desired = "interval=30 ratio=0.1 on=true off=false version_text=1.2.3 id=\"42\" code=007 none=\"\"",
	.allocation = ENROLL_ALLOCATION_CUSTOM,
	.hubs = "Hub-1.azure-devices.net hub-2.azure-devices.net",
	.webhook = "https://plant.example/allocate?code=x%3D",
	.reprovision = ENROLL_REPROVISION_RESET,
	.iot_edge = true,
	.disabled = true,
};

#define WHOLE                                                                                                \
	"\"capabilities\":{\"iotEdge\":true},\"allocationPolicy\":\"custom\","                               \
	"\"iotHubs\":[\"Hub-1.azure-devices.net\",\"hub-2.azure-devices.net\"],"                             \
	"\"customAllocationDefinition\":{\"webhookUrl\":\"https://plant.example/allocate?code=x%3D\","       \
	"\"apiVersion\":\"2021-10-01\"},"                                                                    \
	"\"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":false},"                  \
	"\"initialTwin\":{\"tags\":{\"line\":\"7\",\"unit\":\"A \\\"1\\\"\",\"order\":\"4711\"},"            \
	"\"properties\":{\"desired\":{\"interval\":30,\"ratio\":0.1,\"on\":true,\"off\":false,"              \
	"\"version_text\":\"1.2.3\",\"id\":\"42\",\"code\":\"007\",\"none\":\"\"}}},"                        \
	"\"provisioningStatus\":\"disabled\",\"attestation\":{"

static void assert_payload(const struct enroll_record *record, const char *expected, size_t whole_length)
{
	uint8_t digest[SHA256_LEN];
	struct err err = { 0 };
	bool has_key = false;
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);

	if (payload_build(record, &json, digest, &has_key, &err) < 0)
		fail_msg("%s %s", err.where, err.what);
	assert_true(json.len >= strlen(expected));
	assert_memory_equal(json.p, expected, strlen(expected));
	if (whole_length > 0)
		assert_int_equal(json.len, whole_length);
}
#define ASSERT_PAYLOAD(record, text) assert_payload((record), text, sizeof(text) - 1)

static void test_payload_tpm_carries_all_terms(void **state)
{
	static const uint8_t ek[] = { 0x00, 0x04, 0x00, 0x01, 0x00, 0x0b };
	const struct enroll_record record = { .registration_id = "u-1",
					      .device_id = "Sensor:1",
					      .endorsement_key = BYTES_ARRAY(ek),
					      .terms = whole };

	(void)state;
	ASSERT_PAYLOAD(&record, "{\"registrationId\":\"u-1\",\"deviceId\":\"Sensor:1\"," WHOLE
				"\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}}");
}

static void test_payload_x509_carries_all_terms(void **state)
{
	const struct enroll_record record = { .registration_id = "u-1",
					      .certificate_pem = bytes_str(certificate_a),
					      .terms = whole };

	(void)state;
	assert_payload(
		&record,
		"{\"registrationId\":\"u-1\"," WHOLE
		"\"type\":\"x509\",\"x509\":{\"clientCertificates\":{\"primary\":{\"certificate\":\"---",
		0);
}

static void test_payload_symmetric_carries_all_terms_and_takes_its_key(void **state)
{
	SECRET_AUTO key = { NULL, 0 };
	SECRET_AUTO wire = { NULL, 0 };
	struct err err = { 0 };
	const struct enroll_record record = { .registration_id = "u-1",
					      .symmetric_key = &key,
					      .terms = whole };
	static const char payload[] = "{\"registrationId\":\"u-1\"," WHOLE "\"type\":\"symmetricKey\"}}";
	static const char expected[] = "{\"registrationId\":\"u-1\"," WHOLE "\"type\":\"symmetricKey\","
				       "\"symmetricKey\":{\"primaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\","
				       "\"secondaryKey\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}}";

	(void)state;
	assert_int_equal(secret_new(16, &key, &err), 0);
	ASSERT_PAYLOAD(&record, "{\"registrationId\":\"u-1\"," WHOLE "\"type\":\"symmetricKey\"}}");
	assert_int_equal(payload_with_key(BYTES_LIT(payload), &key, &wire, &err), 0);
	assert_int_equal(wire.len, sizeof(expected) - 1);
	assert_memory_equal(wire.p, expected, wire.len);
}

/* Rows of a queue that an older station wrote are compared byte by byte. */
static void test_payload_without_terms_is_what_it_always_was(void **state)
{
	static const uint8_t ek[] = { 0x00, 0x04, 0x00, 0x01, 0x00, 0x0b };
	struct enroll_record record = { .registration_id = "u-1", .endorsement_key = BYTES_ARRAY(ek) };
	static const struct enroll_terms empty = { .tags = "", .desired = " ", .hubs = "", .webhook = "" };

	(void)state;
	ASSERT_PAYLOAD(&record,
		       "{\"registrationId\":\"u-1\",\"provisioningStatus\":\"enabled\",\"attestation\":{"
		       "\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}}");
	record.terms = empty;
	record.terms.desired = "";
	ASSERT_PAYLOAD(&record,
		       "{\"registrationId\":\"u-1\",\"provisioningStatus\":\"enabled\",\"attestation\":{"
		       "\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}}");
}

static void test_payload_says_nothing_that_was_not_asked_for(void **state)
{
	static const uint8_t ek[] = { 0x00, 0x04, 0x00, 0x01, 0x00, 0x0b };
	struct enroll_record record = { .registration_id = "u-1", .endorsement_key = BYTES_ARRAY(ek) };

	(void)state;
	record.terms = (struct enroll_terms){ .desired = "a=1" };
	assert_payload(&record,
		       "{\"registrationId\":\"u-1\",\"initialTwin\":{\"properties\":{\"desired\":{\"a\":1}}},"
		       "\"provisioningStatus\":\"enabled\",",
		       0);
	record.terms = (struct enroll_terms){ .tags = "a=1" };
	assert_payload(&record,
		       "{\"registrationId\":\"u-1\",\"initialTwin\":{\"tags\":{\"a\":\"1\"}},"
		       "\"provisioningStatus\":\"enabled\",",
		       0);
	record.terms = (struct enroll_terms){ .allocation = ENROLL_ALLOCATION_GEO_LATENCY,
					      .reprovision = ENROLL_REPROVISION_NEVER };
	assert_payload(&record,
		       "{\"registrationId\":\"u-1\",\"allocationPolicy\":\"geoLatency\","
		       "\"reprovisionPolicy\":{\"updateHubAssignment\":false,\"migrateDeviceData\":false},"
		       "\"provisioningStatus\":\"enabled\",",
		       0);
	record.terms = (struct enroll_terms){ .reprovision = ENROLL_REPROVISION_MIGRATE };
	assert_payload(&record,
		       "{\"registrationId\":\"u-1\","
		       "\"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":true},"
		       "\"provisioningStatus\":\"enabled\",",
		       0);
}

static void assert_refused(const struct enroll_terms *terms, const char *why)
{
	struct err err = { 0 };

	if (enroll_terms_check(NULL, terms, &err) == 0)
		fail_msg("taken, but should say: %s", why);
	assert_int_equal(err.class, ERR_UNIT);
	if (strstr(err.what, why) == NULL)
		fail_msg("said \"%s\", not %s", err.what, why);
}

static void test_terms_tags_that_a_twin_does_not_take_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "line", "NAME=VALUE" },       { "=7", "NAME=VALUE" },        { "line=", "no value" },
		{ "line= 7", "no value" },      { "a b=7", "NAME=VALUE" },     { "a=\"x", "NAME=VALUE" },
		{ "a=\"x\"y", "NAME=VALUE" },   { "a=\"x\\", "NAME=VALUE" },   { "a=x\"y", "NAME=VALUE" },
		{ "a=x\x01", "NAME=VALUE" },    { "a.b=7", "no \".\"" },       { "$a=7", "no \".\"" },
		{ "a\x7f=7", "no \".\"" },      { "version=7", "of its own" }, { "Count=7", "of its own" },
		{ "metadata=7", "of its own" }, { "a=1 b=2 a=3", "twice" },    { "a=\xff", "UTF-8" },
		{ "\xff=1", "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_refused(&(struct enroll_terms){ .tags = bad[i].text }, bad[i].why);
		assert_refused(&(struct enroll_terms){ .desired = bad[i].text }, bad[i].why);
	}
}

/* NAME=VALUE pairs until text is full. */
static void fill_properties(char *text, size_t cap)
{
	size_t n = 0;

	for (unsigned i = 0; n + 120 < cap; i++)
		n += (size_t)snprintf(text + n, cap - n, "n%05u=%0100u ", i, 0u);
}

static void test_terms_twin_that_is_too_large_is_refused(void **state)
{
	static char text[40 * 1024];
	struct err err = { 0 };

	(void)state;
	fill_properties(text, 8 * 1024 - 700);
	assert_int_equal(enroll_terms_check(NULL, &(struct enroll_terms){ .tags = text }, &err), 0);
	fill_properties(text, 9 * 1024);
	assert_refused(&(struct enroll_terms){ .tags = text }, "8192 bytes");
	assert_int_equal(enroll_terms_check(NULL, &(struct enroll_terms){ .desired = text }, &err), 0);
	fill_properties(text, sizeof(text));
	assert_refused(&(struct enroll_terms){ .desired = text }, "32768 bytes");
	memset(text, 'n', 300);
	memcpy(text + 300, "=1", 3);
	assert_refused(&(struct enroll_terms){ .tags = text }, "256 bytes");
	memcpy(text, "n=", 2);
	memset(text + 2, 'v', 2100);
	text[2102] = '\0';
	assert_refused(&(struct enroll_terms){ .tags = text }, "NAME=VALUE");
}

static void test_terms_numbers_that_a_twin_can_not_hold_are_refused(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		enroll_terms_check(
			NULL, &(struct enroll_terms){ .desired = "a=4503599627370495 b=-4503599627370496" },
			&err),
		0);
	assert_refused(&(struct enroll_terms){ .desired = "a=4503599627370496" }, "no such number");
	assert_refused(&(struct enroll_terms){ .desired = "a=-4503599627370497" }, "no such number");
	assert_int_equal(
		enroll_terms_check(NULL, &(struct enroll_terms){ .desired = "a=\"4503599627370496\"" }, &err),
		0);
}

static void test_terms_hubs_and_webhooks_that_can_not_be_are_refused(void **state)
{
	char many[51 * 8 + 1] = "";
	static const char *const bad_hubs[] = { "hub",        "hub.",   ".hub.net",  "hub..net",
						"-a.net",     "a.net-", "hub_1.net", "https://hub.net",
						"hub.net:443" };
	static const char *const bad_webhooks[] = { "http://a.example/", "https://",    "ftp://a",
						    "https://a b",       "https://a\"", "https://\xc3\xa4" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_hubs); i++)
		assert_refused(
			&(struct enroll_terms){ .allocation = ENROLL_ALLOCATION_HASHED, .hubs = bad_hubs[i] },
			"host name");
	for (size_t i = 0; i < ARRAY_LEN(bad_webhooks); i++)
		assert_refused(&(struct enroll_terms){ .allocation = ENROLL_ALLOCATION_CUSTOM,
						       .webhook = bad_webhooks[i] },
			       "URL");
	assert_refused(&(struct enroll_terms){ .hubs = "a.net" }, "need an allocation");
	assert_refused(&(struct enroll_terms){ .allocation = ENROLL_ALLOCATION_CUSTOM }, "need each other");
	assert_refused(&(struct enroll_terms){ .webhook = "https://a" }, "need each other");
	assert_refused(
		&(struct enroll_terms){ .allocation = ENROLL_ALLOCATION_HASHED, .hubs = "a.net A.NET" },
		"twice");
	for (unsigned i = 0; i < 51; i++)
		(void)snprintf(many + 8 * i, 9, "h%02u.net ", i);
	assert_refused(&(struct enroll_terms){ .allocation = ENROLL_ALLOCATION_HASHED, .hubs = many },
		       "50 hubs");
}

static void test_device_id_rules(void **state)
{
	static const char *const good[] = { "a", "A-:.+%_#*?!(),=@;$'9" };
	static const char *const bad[] = { "", "a b", "a/b", "a\\b", "\xc3\xa4", "a\"", "a&b", "<a>" };
	char longest[ENROLL_ID_MAX + 2];
	const struct enroll_terms none = { 0 };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(enroll_terms_check(good[i], &none, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(enroll_terms_check(bad[i], &none, &err), -1);
		assert_int_equal(err.class, ERR_UNIT);
	}
	memset(longest, 'a', sizeof(longest));
	longest[ENROLL_ID_MAX] = '\0';
	assert_int_equal(enroll_terms_check(longest, &none, &err), 0);
	longest[ENROLL_ID_MAX] = 'a';
	longest[ENROLL_ID_MAX + 1] = '\0';
	assert_int_equal(enroll_terms_check(longest, &none, &err), -1);
}

/* A record is not looked at less strictly than a configuration. */
static void test_payload_of_terms_that_are_refused_is_none(void **state)
{
	static const uint8_t ek[] = { 1 };
	struct enroll_record record = { .registration_id = "u-1", .endorsement_key = BYTES_ARRAY(ek) };
	uint8_t digest[SHA256_LEN];
	struct err err = { 0 };
	bool has_key = false;
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);

	(void)state;
	record.terms.tags = "version=1";
	assert_int_equal(payload_build(&record, &json, digest, &has_key, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	record.terms.tags = NULL;
	record.device_id = "a b";
	assert_int_equal(payload_build(&record, &json, digest, &has_key, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	record.device_id = "ab";
	assert_int_equal(payload_build(&record, &json, digest, &has_key, &err), 0);
}

/* What the service holds of the terms is ours, or the record is told field by field. */
static void test_compare_terms_equal_and_each_that_differs(void **state)
{
	static const char start[] = "{\"registrationId\":\"u-1\",\"attestation\":{\"type\":\"tpm\",\"tpm\":{"
				    "\"endorsementKey\":\"AQ==\"}}";
	static const struct {
		const char *theirs, *field;
	} cases[] = {
		{ ",\"initialTwin\":{\"tags\":{\"line\":\"8\"},\"properties\":{\"desired\":{\"n\":30.0}}},"
		  "\"iotHubs\":[\"b.net\",\"A.net\"],\"allocationPolicy\":\"hashed\"}",
		  "initialTwin.tags.line" },
		{ ",\"initialTwin\":{\"tags\":{\"line\":\"7\"},\"properties\":{\"desired\":{\"n\":31}}},"
		  "\"iotHubs\":[\"b.net\",\"A.net\"],\"allocationPolicy\":\"hashed\"}",
		  "initialTwin.properties.desired.n" },
		{ ",\"initialTwin\":{\"tags\":{\"line\":\"7\"},\"properties\":{\"desired\":{\"n\":30}}},"
		  "\"iotHubs\":[\"b.net\"],\"allocationPolicy\":\"hashed\"}",
		  "iotHubs" },
		{ ",\"initialTwin\":{\"tags\":{\"line\":\"7\"},\"properties\":{\"desired\":{\"n\":30}}},"
		  "\"iotHubs\":[\"b.net\",\"a.net\"],\"allocationPolicy\":\"static\"}",
		  "allocationPolicy" },
		{ ",\"initialTwin\":{\"tags\":{\"line\":\"7\"},\"properties\":{\"desired\":{\"n\":30}}},"
		  "\"iotHubs\":[\"b.net\",\"A.net\"],\"allocationPolicy\":\"hashed\"}",
		  NULL },
	};
	static const uint8_t ek[] = { 1 };
	const struct enroll_record record = { .registration_id = "u-1",
					      .endorsement_key = BYTES_ARRAY(ek),
					      .terms = { .tags = "line=7",
							 .desired = "n=30",
							 .hubs = "a.net b.net",
							 .allocation = ENROLL_ALLOCATION_HASHED } };
	uint8_t digest[SHA256_LEN];
	struct difference difference;
	struct err err = { 0 };
	bool has_key = false;
	char theirs[1024];
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);

	(void)state;
	assert_int_equal(payload_build(&record, &json, digest, &has_key, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(str_format(theirs, sizeof(theirs), "%s%s", start, cases[i].theirs), 0);
		assert_int_equal(compare_enrollment(buf_bytes(&json), bytes_str(theirs), &difference, &err),
				 0);
		assert_int_equal(difference.differs, cases[i].field != NULL);
		if (cases[i].field != NULL)
			assert_string_equal(difference.fields[0].field, cases[i].field);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_payload_tpm_carries_all_terms),
		cmocka_unit_test(test_payload_x509_carries_all_terms),
		cmocka_unit_test(test_payload_symmetric_carries_all_terms_and_takes_its_key),
		cmocka_unit_test(test_payload_without_terms_is_what_it_always_was),
		cmocka_unit_test(test_payload_says_nothing_that_was_not_asked_for),
		cmocka_unit_test(test_terms_tags_that_a_twin_does_not_take_are_refused),
		cmocka_unit_test(test_terms_twin_that_is_too_large_is_refused),
		cmocka_unit_test(test_terms_numbers_that_a_twin_can_not_hold_are_refused),
		cmocka_unit_test(test_terms_hubs_and_webhooks_that_can_not_be_are_refused),
		cmocka_unit_test(test_device_id_rules),
		cmocka_unit_test(test_payload_of_terms_that_are_refused_is_none),
		cmocka_unit_test(test_compare_terms_equal_and_each_that_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
