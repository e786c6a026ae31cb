/* The management plane: the instance, its policies, CA certificates and who has their keys. */
#include "tests/unit/dps_emulator/device.h"

#include <stdlib.h>

#include "base/encode.h"
#include "enroll/emulator/management_internal.h"

#define INSTANCE                                                                                             \
	"/subscriptions/1a/resourceGroups/plant/providers/Microsoft.Devices/provisioningServices/contoso"
#define CERTS  INSTANCE "/certificates"
#define CODE   "/generateVerificationCode"
#define VERIFY "/verify"
#define ANY    "*"

static const struct terms ca_terms = { "critical,CA:TRUE", 0, 0 };

/* A call with a bearer token for the management plane; if_match may be NULL. */
static void call(struct service *service, const char *method, const char *path, const char *body,
		 const char *if_match, struct reply *ret)
{
	char target[400], header[DPS_BEARER_MAX + 8], token[DPS_BEARER_MAX];
	const struct dps_header headers[] = { { "Host", "localhost" },
					      { "Content-Type", "application/json" },
					      { "Authorization", header },
					      { "If-Match", if_match } };
	struct err err;

	assert_int_equal(
		dps_bearer_new(&service->conf, DPS_AUDIENCE_MANAGEMENT, service->at_ticks, token, &err), 0);
	assert_int_equal(str_format(header, sizeof(header), "Bearer %s", token), 0);
	assert_int_equal(str_format(target, sizeof(target), "%s?api-version=2022-12-12", path), 0);
	service_call_raw(service, method, target, headers, if_match != NULL ? 4 : 3, body, ret);
}

static unsigned status_of(struct service *service, const char *method, const char *path, const char *body,
			  const char *if_match)
{
	REPLY_AUTO reply;

	call(service, method, path, body, if_match, &reply);
	if (reply.res.status >= 400) {
		assert_int_equal(json_integer_value(json_object_get(reply.body, "code")) / 1000,
				 reply.res.status);
		assert_non_null(reply_text(&reply, "httpStatusCode"));
	}
	return reply.res.status;
}

/* The body of a PUT or verify, to be freed. */
static char *body_of(const struct party *party, const char *more)
{
	char *pem = calloc(1, 4096), *body = calloc(1, 8192);

	assert_true(pem != NULL && body != NULL);
	party_pem(party, pem, 4096);
	assert_int_equal(str_format(body, 8192, "{\"properties\":{\"certificate\":\"%s\"%s}}", pem, more), 0);
	free(pem);
	return body;
}

static unsigned put(struct service *service, const char *path, const struct party *party, const char *more,
		    const char *if_match)
{
	char *body = body_of(party, more);
	unsigned status = status_of(service, "PUT", path, body, if_match);

	free(body);
	return status;
}

static unsigned verify(struct service *service, const struct party *proof, const char *if_match)
{
	char *body = body_of(proof, "");
	unsigned status = status_of(service, "POST", CERTS "/plant" VERIFY, body, if_match);

	free(body);
	return status;
}

static void new_code(struct service *service, char out[DPS_CODE_LEN + 1])
{
	REPLY_AUTO reply;

	call(service, "POST", CERTS "/plant" CODE, NULL, ANY, &reply);
	assert_int_equal(reply.res.status, 200);
	assert_int_equal(
		str_format(out, DPS_CODE_LEN + 1, "%s", reply_text(&reply, "properties/verificationCode")),
		0);
	assert_int_equal(strlen(out), DPS_CODE_LEN);
}

static bool verified(struct service *service)
{
	REPLY_AUTO reply;

	call(service, "GET", CERTS "/plant", NULL, NULL, &reply);
	assert_int_equal(reply.res.status, 200);
	assert_null(reply_text(&reply, "properties/verificationCode"));
	return json_is_true(json_object_get(json_object_get(reply.body, "properties"), "isVerified"));
}

static void test_certificate_is_shown_as_it_was_put(void **state)
{
	char base64[1024];
	PARTY_AUTO ca;
	REPLY_AUTO one, all;

	party_make(&ca, "Plant Root", NULL, &ca_terms);
	assert_int_equal(base64_encode(ca.bytes, base64, sizeof(base64)), 0);
	assert_int_equal(put(*state, CERTS "/Plant", &ca, "", NULL), 200);
	call(*state, "GET", CERTS "/plant", NULL, NULL, &one);
	assert_string_equal(reply_text(&one, "id"), CERTS "/Plant");
	assert_string_equal(reply_text(&one, "properties/subject"), "CN=Plant Root");
	assert_string_equal(reply_text(&one, "properties/certificate"), base64);
	assert_string_equal(reply_text(&one, "properties/created"), "Sun, 22 Nov 2026 02:20:00 GMT");
	assert_string_equal(reply_text(&one, "properties/expiry"), "Mon, 23 Nov 2026 02:20:00 GMT");
	assert_int_equal(strlen(reply_text(&one, "properties/thumbprint")), 40);
	call(*state, "GET", CERTS, NULL, NULL, &all);
	assert_int_equal(json_array_size(json_object_get(all.body, "value")), 1);
}

static void test_possession_is_proven_by_a_certificate_of_the_code(void **state)
{
	char code[DPS_CODE_LEN + 1];
	PARTY_AUTO ca, proof;

	party_make(&ca, "Plant Root", NULL, &ca_terms);
	assert_int_equal(put(*state, CERTS "/plant", &ca, "", NULL), 200);
	assert_false(verified(*state));
	new_code(*state, code);
	party_make(&proof, code, &ca, NULL);
	assert_int_equal(verify(*state, &proof, ANY), 200);
	assert_true(verified(*state));
	assert_int_equal(verify(*state, &proof, ANY), 400); /* a code serves once */
}

static void test_possession_is_not_proven_by_anything_else(void **state)
{
	const struct terms past = { NULL, -7200, -3600 };
	char code[DPS_CODE_LEN + 1];
	PARTY_AUTO ca, twin, other_code, other_key, expired;

	party_make(&ca, "Plant Root", NULL, &ca_terms);
	party_make(&twin, "Plant Root", NULL, &ca_terms);
	assert_int_equal(put(*state, CERTS "/plant", &ca, "", NULL), 200);
	assert_int_equal(verify(*state, &ca, ANY), 400); /* no code was asked for */
	new_code(*state, code);
	party_make(&other_key, code, &twin, NULL);
	party_make(&expired, code, &ca, &past);
	code[0] = code[0] == 'A' ? 'B' : 'A';
	party_make(&other_code, code, &ca, NULL);
	assert_int_equal(verify(*state, &ca, ANY), 400);
	assert_int_equal(verify(*state, &other_key, ANY), 400);
	assert_int_equal(verify(*state, &expired, ANY), 400);
	assert_int_equal(verify(*state, &other_code, ANY), 400);
	assert_int_equal(status_of(*state, "POST", CERTS "/plant" VERIFY, "{\"certificate\":\"x\"}", ANY),
			 400);
	assert_false(verified(*state));
}

static void test_verified_ca_lets_devices_in_by_reference(void **state)
{
	struct service *service = *state;
	PARTY_AUTO ca, leaf;

	party_make(&ca, "Plant Root", NULL, &ca_terms);
	party_make(&leaf, "dev-1", &ca, NULL);
	assert_int_equal(put(service, CERTS "/plant", &ca, ",\"isVerified\":true", NULL), 200);
	assert_int_equal(
		service_code(service, "PUT", "/enrollmentGroups/g",
			     "{\"enrollmentGroupId\":\"g\",\"attestation\":{\"type\":\"x509\",\"x509\":"
			     "{\"caReferences\":{\"primary\":\"plant\"}}}}"),
		200);
	device_shows(service, (const struct party *const[]){ &leaf, &ca, NULL });
	assert_int_equal(device_register_code(service, "dev-1", NULL) / 100, 2);
}

static void test_change_asks_for_the_etag(void **state)
{
	PARTY_AUTO ca;
	char etag[DPS_ETAG_MAX];
	REPLY_AUTO reply;

	party_make(&ca, "Plant Root", NULL, &ca_terms);
	assert_int_equal(put(*state, CERTS "/plant", &ca, "", NULL), 200);
	assert_int_equal(put(*state, CERTS "/plant", &ca, "", NULL), 412);
	assert_int_equal(put(*state, CERTS "/plant", &ca, "", "IjEi"), 412);
	assert_int_equal(status_of(*state, "POST", CERTS "/plant" CODE, NULL, NULL), 412);
	assert_int_equal(status_of(*state, "DELETE", CERTS "/plant", NULL, NULL), 412);
	call(*state, "GET", CERTS "/plant", NULL, NULL, &reply);
	assert_int_equal(str_format(etag, sizeof(etag), "%s", reply_text(&reply, "etag")), 0);
	assert_int_equal(put(*state, CERTS "/plant", &ca, ",\"isVerified\":true", etag), 200);
	assert_int_equal(status_of(*state, "DELETE", CERTS "/plant", NULL, etag), 412);
	assert_int_equal(status_of(*state, "DELETE", CERTS "/plant", NULL, ANY), 200);
	assert_int_equal(status_of(*state, "DELETE", CERTS "/plant", NULL, ANY), 204);
	assert_int_equal(status_of(*state, "GET", CERTS "/plant", NULL, NULL), 404);
}

static void test_another_certificate_is_not_verified(void **state)
{
	PARTY_AUTO ca, other;

	party_make(&ca, "Plant Root", NULL, &ca_terms);
	party_make(&other, "Plant Root 2", NULL, &ca_terms);
	assert_int_equal(put(*state, CERTS "/plant", &ca, ",\"isVerified\":true", NULL), 200);
	assert_int_equal(put(*state, CERTS "/plant", &ca, "", ANY), 200);
	assert_true(verified(*state));
	assert_int_equal(put(*state, CERTS "/plant", &other, "", ANY), 200);
	assert_false(verified(*state));
}

static void test_what_is_no_ca_certificate_is_refused(void **state)
{
	PARTY_AUTO leaf;

	party_make(&leaf, "dev-1", NULL, NULL);
	assert_int_equal(put(*state, CERTS "/plant", &leaf, "", NULL), 400);
	assert_int_equal(status_of(*state, "PUT", CERTS "/plant", "{\"properties\":{}}", NULL), 400);
	assert_int_equal(status_of(*state, "PUT", CERTS "/plant", "{\"certificate\":\"AAAA\"}", NULL), 400);
	assert_int_equal(status_of(*state, "PUT", CERTS "/plant", "[]", NULL), 400);
	assert_int_equal(status_of(*state, "PUT", CERTS "/a%20b", "{}", NULL), 400);
}

static void test_twenty_five_certificates_and_no_more(void **state)
{
	char path[200];
	PARTY_AUTO ca;

	party_make(&ca, "Plant Root", NULL, &ca_terms);
	for (int i = 0; i < DPS_CERTIFICATES_MAX; i++) {
		assert_int_equal(str_format(path, sizeof(path), CERTS "/plant-%d", i), 0);
		assert_int_equal(put(*state, path, &ca, "", NULL), 200);
	}
	assert_int_equal(put(*state, CERTS "/one-more", &ca, "", NULL), 403);
	assert_int_equal(put(*state, CERTS "/plant-0", &ca, "", ANY), 200);
}

static void test_instance_and_keys(void **state)
{
	struct service *service = *state;
	char key[BASE64_LEN(DPS_KEY_LEN) + 1];
	REPLY_AUTO instance, keys, one;

	assert_int_equal(base64_encode(BYTES_ARRAY(service->conf.key), key, sizeof(key)), 0);
	call(service, "GET", INSTANCE, NULL, NULL, &instance);
	assert_string_equal(reply_text(&instance, "properties/idScope"), service->conf.id_scope);
	assert_string_equal(reply_text(&instance, "properties/serviceOperationsHostName"),
			    "contoso.azure-devices-provisioning.net");
	call(service, "POST", INSTANCE "/listkeys", NULL, NULL, &keys);
	assert_int_equal(json_array_size(json_object_get(keys.body, "value")), 1);
	call(service, "POST", INSTANCE "/keys/station-enroll/listkeys", NULL, NULL, &one);
	assert_string_equal(reply_text(&one, "primaryKey"), key);
	assert_int_equal(status_of(service, "POST", INSTANCE "/keys/another/listkeys", NULL, NULL), 404);
}

static void test_wrong_paths_and_callers(void **state)
{
	struct service *service = *state;
	REPLY_AUTO sas;

	assert_int_equal(status_of(service, "GET", "/subscriptions/1a", NULL, NULL), 404);
	assert_int_equal(status_of(service, "GET", INSTANCE "x", NULL, NULL), 404);
	assert_int_equal(status_of(service, "GET", INSTANCE "/nothing", NULL, NULL), 404);
	assert_int_equal(status_of(service, "GET", CERTS "//", NULL, NULL), 404);
	assert_int_equal(status_of(service, "PATCH", CERTS "/plant", NULL, NULL), 405);
	service_call(service, "GET", CERTS, NULL, NULL, &sas); /* the api-version of the other API too */
	assert_int_equal(sas.res.status, 400);
	service->conf.knobs.bearer_role = DPS_ROLE_READER;
	assert_int_equal(status_of(service, "POST", INSTANCE "/listkeys", NULL, NULL), 403);
	assert_int_equal(status_of(service, "GET", CERTS, NULL, NULL), 200);
}

static void test_login_by_policy_is_not_enough(void **state)
{
	struct service *service = *state;
	char token[512];
	const struct dps_header headers[] = { { "Host", "localhost" }, { "Authorization", token } };
	REPLY_AUTO sas, nobody;

	service_token(service, "localhost", 60, token, sizeof(token));
	service_call_raw(service, "GET", CERTS "?api-version=2022-12-12", headers, 2, NULL, &sas);
	assert_int_equal(sas.res.status, 401);
	service_call_raw(service, "GET", CERTS "?api-version=2022-12-12", headers, 1, NULL, &nobody);
	assert_int_equal(nobody.res.status, 401);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_certificate_is_shown_as_it_was_put),
		TEST(test_possession_is_proven_by_a_certificate_of_the_code),
		TEST(test_possession_is_not_proven_by_anything_else),
		TEST(test_verified_ca_lets_devices_in_by_reference),
		TEST(test_change_asks_for_the_etag),
		TEST(test_another_certificate_is_not_verified),
		TEST(test_what_is_no_ca_certificate_is_refused),
		TEST(test_twenty_five_certificates_and_no_more),
		TEST(test_instance_and_keys),
		TEST(test_wrong_paths_and_callers),
		TEST(test_login_by_policy_is_not_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
