/* What a record may hold: tables of members and attestations, good and bad. */
#include "tests/unit/dps_emulator/service.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"

#define WITH(members)       "{\"registrationId\":\"a\",\"attestation\":{\"type\":\"symmetricKey\"}," members "}"
#define ATTEST(attestation) "{\"registrationId\":\"a\",\"attestation\":" attestation "}"
#define KEYS(a, b)                                                                                           \
	ATTEST("{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":" a ",\"secondaryKey\":" b "}}")
#define EK_ATTEST(ek) ATTEST("{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":" ek "}}")
#define INFO                                                                                                 \
	"{\"info\":{\"subjectName\":\"CN=a\",\"sha1Thumbprint\":\"00\",\"sha256Thumbprint\":\"00\","         \
	"\"issuerName\":\"CN=a\",\"notBeforeUtc\":\"2026-01-01T00:00:00Z\",\"notAfterUtc\":"                 \
	"\"2036-01-01T00:00:00Z\",\"serialNumber\":\"29F95C\",\"version\":3}}"
#define CLIENT(slots) ATTEST("{\"type\":\"x509\",\"x509\":{\"clientCertificates\":{" slots "}}}")

static const char *const accepted[] = {
	WITH("\"deviceId\":\"Aa0-:.+%_#*?!(),=@;$'\""),
	WITH("\"provisioningStatus\":\"disabled\""),
	WITH("\"capabilities\":{\"iotEdge\":true}"),
	WITH("\"reprovisionPolicy\":{\"updateHubAssignment\":true,\"migrateDeviceData\":false}"),
	WITH("\"allocationPolicy\":\"static\""),
	WITH("\"allocationPolicy\":\"hashed\",\"iotHubs\":[\"hub.azure-devices.net\"]"),
	WITH("\"iotHubs\":[]"),
	WITH("\"iotHubHostName\":\"hub.azure-devices.net\""),
	WITH("\"allocationPolicy\":\"custom\",\"customAllocationDefinition\":{\"webhookUrl\":\"https://f\","
	     "\"apiVersion\":\"2019-03-31\"}"),
	WITH("\"initialTwin\":{\"tags\":{\"version\":\"x\"},\"properties\":{\"desired\":{\"a\":{\"b\":[1]}}}"
	     "}"),
	WITH("\"initialTwin\":{\"tags\":null,\"properties\":null}"),
	WITH("\"optionalDeviceInformation\":{\"x\":1}"),
	KEYS("\"" KEY_1 "\"", "\"" KEY_2 "\""),
	EK_ATTEST("\"" EK "\""),
};

static const char *const refused[] = {
	"",
	"[]",
	"{",
	"{}",
	"{\"registrationId\":\"a\"}",
	"{\"registrationId\":\"a\",\"registrationId\":\"a\",\"attestation\":{\"type\":\"symmetricKey\"}}",
	"{\"registrationId\":\"b\",\"attestation\":{\"type\":\"symmetricKey\"}}",
	"{\"registrationId\":1,\"attestation\":{\"type\":\"symmetricKey\"}}",
	WITH("\"deviceId\":\"a b\""),
	WITH("\"deviceId\":\"\""),
	WITH("\"deviceId\":7"),
	WITH("\"provisioningStatus\":\"Enabled\""),
	WITH("\"capabilities\":{\"iotEdge\":\"yes\"}"),
	WITH("\"capabilities\":[]"),
	WITH("\"reprovisionPolicy\":{\"updateHubAssignment\":true}"),
	WITH("\"allocationPolicy\":\"roundRobin\""),
	WITH("\"allocationPolicy\":\"custom\""),
	WITH("\"allocationPolicy\":\"custom\",\"customAllocationDefinition\":{\"webhookUrl\":\"https://f\","
	     "\"apiVersion\":\"2017-01-01\"}"),
	WITH("\"iotHubs\":[\"hub.azure-devices.net\"]"),
	WITH("\"allocationPolicy\":\"hashed\",\"iotHubs\":[\"hub\"]"),
	WITH("\"allocationPolicy\":\"hashed\",\"iotHubs\":\"hub.azure-devices.net\""),
	WITH("\"iotHubHostName\":\"https://hub.azure-devices.net/\""),
	WITH("\"initialTwin\":[]"),
	WITH("\"initialTwin\":{\"tags\":[]}"),
	WITH("\"initialTwin\":{\"tags\":{\"a.b\":1}}"),
	WITH("\"initialTwin\":{\"tags\":{\"$a\":1}}"),
	WITH("\"initialTwin\":{\"properties\":{\"desired\":{\"a\":{\"b c\":1}}}}"),
	WITH("\"initialTwin\":{\"tags\":{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":{"
	     "\"10\":{"
	     "\"11\":1}}}}}}}}}}}}"),
	WITH("\"optionalDeviceInformation\":7"),
	ATTEST("null"),
	ATTEST("{}"),
	ATTEST("{\"type\":\"none\"}"),
	ATTEST("{\"type\":\"tpm\"}"),
	ATTEST("{\"type\":\"tpm\",\"x509\":{}}"),
	ATTEST("{\"type\":\"x509\",\"x509\":{}}"),
	ATTEST("{\"type\":\"x509\",\"x509\":{\"caReferences\":{\"primary\":\"ca\"}}}"),
	ATTEST("{\"type\":\"x509\",\"x509\":{\"signingCertificates\":{\"primary\":" INFO "}}}"),
	ATTEST("{\"type\":\"x509\",\"x509\":{\"clientCertificates\":{\"primary\":" INFO
	       "},\"caReferences\":{\"primary\":\"ca\"}}}"),
	CLIENT(""),
	CLIENT("\"secondary\":" INFO),
	CLIENT("\"primary\":" INFO),
	CLIENT("\"primary\":" INFO ",\"secondary\":" INFO),
	CLIENT("\"primary\":{}"),
	CLIENT("\"primary\":{\"info\":{\"subjectName\":\"CN=a\"}}"),
	CLIENT("\"primary\":{\"certificate\":\"\"}"),
	CLIENT("\"primary\":{\"certificate\":\"AAAA\"}"),
	CLIENT("\"primary\":{\"certificate\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END "
	       "CERTIFICATE-----\"}"),
	KEYS("\"" KEY_1 "\"", "null"),
	KEYS("\"AAAA\"", "\"AAAA\""),
	KEYS("\"not base64\"", "\"" KEY_1 "\""),
	KEYS("1", "2"),
	EK_ATTEST("null"),
	EK_ATTEST("\"\""),
	EK_ATTEST("\"AToAAQ==\""),
	EK_ATTEST("\"AToAAQALAAMAsgAg...\""),
	EK_ATTEST("\"" EK_TEMPLATE "\""),
	EK_ATTEST("\"" EK_TEMPLATE Q80 Q80 Q80 Q80 Q20 "qqqq\""),
	EK_ATTEST("\"" Q80 Q80 Q80 Q80 Q80 Q20 "qg==\""),
};

static void test_put_accepted_records_answer_200(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		int code = service_code(*state, "PUT", "/enrollments/a", accepted[i]);

		if (code != 200)
			print_error("record %zu: %s\n", i, accepted[i]);
		assert_int_equal(code, 200);
		assert_int_equal(service_code(*state, "DELETE", "/enrollments/a", NULL), 204);
	}
}

static void test_put_refused_records_answer_400004(void **state)
{
	struct service *service = *state;

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		int code = service_code(service, "PUT", "/enrollments/a", refused[i]);

		if (code != 400004)
			print_error("record %zu: %s\n", i, refused[i]);
		assert_int_equal(code, 400004);
	}
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 0);
}

/* {"tags":{"a":"xxx…"}} whose tags take exactly size bytes. */
static int put_tags_of(struct service *service, size_t size)
{
	char *body = NULL;
	int fill = (int)size - 8, code;

	assert_true(asprintf(&body, WITH("\"initialTwin\":{\"tags\":{\"a\":\"%0*d\"}}"), fill, 0) > 0);
	code = service_code(service, "PUT", "/enrollments/a", body);
	free(body);
	return code;
}

static void test_put_twin_size_limited(void **state)
{
	assert_int_equal(put_tags_of(*state, 8192), 200);
	assert_int_equal(service_code(*state, "DELETE", "/enrollments/a", NULL), 204);
	assert_int_equal(put_tags_of(*state, 8193), 400004);
}

static void test_put_group_rules_differ(void **state)
{
	static const struct {
		const char *attestation;
		int code;
	} cases[] = {
		{ "{\"type\":\"symmetricKey\",\"symmetricKey\":{}}", 200 },
		{ "{\"type\":\"x509\",\"x509\":{\"caReferences\":{\"primary\":\"my-ca\"}}}", 200 },
		{ "{\"type\":\"x509\",\"x509\":{\"signingCertificates\":{\"primary\":" INFO "}}}", 400004 },
		{ "{\"type\":\"x509\",\"x509\":{\"clientCertificates\":{\"primary\":" INFO "}}}", 400004 },
		{ "{\"type\":\"x509\",\"x509\":{\"caReferences\":{\"primary\":\"\"}}}", 400004 },
		{ "{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"" EK "\"}}", 400004 },
	};
	char path[64], body[2048];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(str_format(path, sizeof(path), "/enrollmentGroups/g%zu", i), 0);
		assert_int_equal(str_format(body, sizeof(body),
					    "{\"enrollmentGroupId\":\"g%zu\",\"attestation\":%s}", i,
					    cases[i].attestation),
				 0);
		assert_int_equal(service_code(*state, "PUT", path, body), cases[i].code);
	}
}

/* --- Certificates ------------------------------------------------------------------------------------------- */

static struct dps_identity *new_certificates(void)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1", NULL };
	struct dps_identity *identity = calloc(1, sizeof(*identity));
	struct err err;

	assert_non_null(identity);
	assert_int_equal(dps_ca_make(identity, &err), 0);
	assert_int_equal(dps_server_certs_make(identity, hosts, &err), 0);
	return identity;
}

static int put_slot(struct service *service, const char *path, const char *id_key, const char *form,
		    const char *certificate, struct reply *ret)
{
	json_t *doc =
		json_pack("{s:s, s:{s:s, s:{s:{s:{s:s}}}}}", id_key, strrchr(path, '/') + 1, "attestation",
			  "type", "x509", "x509", form, "primary", "certificate", certificate);
	char *text = json_dumps(doc, 0);

	assert_non_null(text);
	service_call(service, "PUT", path, text, NULL, ret);
	free(text);
	json_decref(doc);
	return reply_code(ret);
}

/* The base64 lines of a PEM text, that is base64 of its DER with line breaks. */
static void pem_to_base64_der(const char *pem, char *out, size_t cap)
{
	const char *begin = strchr(pem, '\n') + 1;

	assert_int_equal(bytes_to_str(bytes_of(begin, (size_t)(strstr(begin, "-----END") - begin)), out, cap),
			 0);
}

static void put_client(struct service *service, const char *path, const char *certificate,
		       char ret_sha256[65])
{
	REPLY_AUTO reply;
	const char *sha256;

	assert_int_equal(put_slot(service, path, "registrationId", "clientCertificates", certificate, &reply),
			 200);
	assert_null(reply_text(&reply, "attestation/x509/clientCertificates/primary/certificate"));
	sha256 = reply_text(&reply, "attestation/x509/clientCertificates/primary/info/sha256Thumbprint");
	assert_non_null(sha256);
	assert_int_equal(str_format(ret_sha256, 65, "%s", sha256), 0);
}

static void test_certificate_three_encodings_give_one_info(void **state)
{
	CLEANUP(dps_identity_freep) struct dps_identity *identity = new_certificates();
	char der[1024], twice[1500], a[65], b[65], c[65];

	pem_to_base64_der(identity->server[DPS_TLS_GOOD].cert_pem, der, sizeof(der));
	assert_int_equal(
		base64_encode(bytes_str(identity->server[DPS_TLS_GOOD].cert_pem), twice, sizeof(twice)), 0);
	put_client(*state, "/enrollments/a", identity->server[DPS_TLS_GOOD].cert_pem, a);
	put_client(*state, "/enrollments/b", der, b);
	put_client(*state, "/enrollments/c", twice, c);
	assert_int_equal(strlen(a), 64);
	assert_string_equal(a, b);
	assert_string_equal(a, c);
}

static void test_certificate_signing_needs_a_ca(void **state)
{
	CLEANUP(dps_identity_freep) struct dps_identity *identity = new_certificates();
	REPLY_AUTO leaf, ca;

	assert_int_equal(put_slot(*state, "/enrollmentGroups/a", "enrollmentGroupId", "signingCertificates",
				  identity->server[DPS_TLS_GOOD].cert_pem, &leaf),
			 400004);
	assert_string_equal(reply_text(&leaf, "message"),
			    "A signing certificate has to be a CA certificate.");
	assert_int_equal(put_slot(*state, "/enrollmentGroups/b", "enrollmentGroupId", "signingCertificates",
				  identity->ca_pem, &ca),
			 200);
	assert_string_equal(reply_text(&ca, "attestation/x509/signingCertificates/primary/info/subjectName"),
			    "CN=dps-emulator test CA");
}

static int put_back(struct service *service, const json_t *doc, const char *etag, struct reply *ret)
{
	const struct dps_header extra[] = { { "If-Match", etag }, { NULL, NULL } };
	char *text = json_dumps(doc, 0);

	assert_non_null(text);
	service_call(service, "PUT", "/enrollments/a", text, extra, ret);
	free(text);
	return reply_code(ret);
}

/* SDKs send back what they fetched, without certificates (dps-api 12): good if the record has them. */
static void test_certificate_sent_back_as_info_must_be_the_records(void **state)
{
	CLEANUP(dps_identity_freep) struct dps_identity *identity = new_certificates();
	REPLY_AUTO made, same, moved, other;
	json_t *slots;

	assert_int_equal(put_slot(*state, "/enrollments/a", "registrationId", "clientCertificates",
				  identity->server[DPS_TLS_GOOD].cert_pem, &made),
			 200);
	slots = json_object_get(json_object_get(json_object_get(made.body, "attestation"), "x509"),
				"clientCertificates");
	assert_int_equal(put_back(*state, made.body, "*", &same), 200);
	assert_string_equal(
		reply_text(&same, "attestation/x509/clientCertificates/primary/info/sha256Thumbprint"),
		reply_text(&made, "attestation/x509/clientCertificates/primary/info/sha256Thumbprint"));
	assert_int_equal(json_object_size(json_object_get(slots, "primary")), 1);
	assert_int_equal(json_object_set(slots, "secondary", json_object_get(slots, "primary")), 0);
	assert_int_equal(put_back(*state, made.body, "*", &moved), 200);
	assert_int_equal(json_object_set_new(json_object_get(json_object_get(slots, "primary"), "info"),
					     "sha256Thumbprint", json_string("00")),
			 0);
	assert_int_equal(put_back(*state, made.body, "*", &other), 400004);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_put_accepted_records_answer_200),
		TEST(test_put_refused_records_answer_400004),
		TEST(test_put_twin_size_limited),
		TEST(test_put_group_rules_differ),
		TEST(test_certificate_three_encodings_give_one_info),
		TEST(test_certificate_signing_needs_a_ca),
		TEST(test_certificate_sent_back_as_info_must_be_the_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
