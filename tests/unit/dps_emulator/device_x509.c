/* Devices with certificates (dps-api 5.3): what is found, what is verified, what decides. */
#include "tests/unit/dps_emulator/device.h"

#include <stdlib.h>

#include "base/encode.h"

#define BODY_MAX 8192

static const struct terms ca_terms = { "critical,CA:TRUE", 0, 0 };

/* root > line > dev-1 */
struct pki {
	struct party root, line, leaf;
};

static void pki_deinit(struct pki *pki)
{
	party_deinit(&pki->root);
	party_deinit(&pki->line);
	party_deinit(&pki->leaf);
}

static void pki_make(struct pki *pki)
{
	party_make(&pki->root, "root", NULL, &ca_terms);
	party_make(&pki->line, "line", &pki->root, &ca_terms);
	party_make(&pki->leaf, "dev-1", &pki->line, NULL);
}
#define PKI_AUTO CLEANUP(pki_deinit) struct pki

static void put(struct service *service, const char *path, const char *body)
{
	assert_int_equal(service_code(service, "PUT", path, body), 200);
}

static void enroll_leaf(struct service *service, const struct party *primary, const struct party *secondary)
{
	static char first[2048], second[2048], body[BODY_MAX];

	party_pem(primary, first, sizeof(first));
	party_pem(secondary, second, sizeof(second));
	assert_int_equal(
		str_format(body, sizeof(body),
			   "{\"registrationId\":\"dev-1\",\"attestation\":{\"type\":\"x509\",\"x509\":"
			   "{\"clientCertificates\":{\"primary\":{\"certificate\":\"%s\"},"
			   "\"secondary\":{\"certificate\":\"%s\"}}}}}",
			   first, second),
		0);
	put(service, "/enrollments/dev-1", body);
}

static void group_of(struct service *service, const char *id, const struct party *primary,
		     const struct party *secondary, const char *more)
{
	static char first[2048], second[2048], body[BODY_MAX];
	char path[64];

	party_pem(primary, first, sizeof(first));
	party_pem(secondary, second, sizeof(second));
	assert_int_equal(str_format(path, sizeof(path), "/enrollmentGroups/%s", id), 0);
	assert_int_equal(
		str_format(body, sizeof(body),
			   "{\"enrollmentGroupId\":\"%s\",\"attestation\":{\"type\":\"x509\",\"x509\":"
			   "{\"signingCertificates\":{\"primary\":{\"certificate\":\"%s\"},"
			   "\"secondary\":{\"certificate\":\"%s\"}}}}%s}",
			   id, first, second, more),
		0);
	put(service, path, body);
}

static void expect_refusal(struct service *service, const char *id, const char *message)
{
	REPLY_AUTO reply;

	device_register(service, id, NULL, &reply);
	assert_int_equal(reply_code(&reply), 401002);
	assert_string_equal(reply_text(&reply, "message"), message);
}

#define SHOWS(service, ...) device_shows(service, (const struct party *const[]){ __VA_ARGS__, NULL })

static void test_individual_when_the_leaf_is_enrolled_then_assigned(void **state)
{
	struct service *service = *state;
	PARTY_AUTO first;
	PARTY_AUTO second;

	party_make(&first, "dev-1", NULL, NULL);
	party_make(&second, "DEV-1", NULL, NULL);
	enroll_leaf(service, &first, &second);
	for (int i = 0; i < 2; i++) {
		REPLY_AUTO final;

		SHOWS(service, i == 0 ? &first : &second);
		device_register_all(service, "dev-1", NULL, &final);
		assert_string_equal(reply_text(&final, "status"), "assigned");
		assert_true(json_is_object(
			json_object_get(json_object_get(final.body, "registrationState"), "x509")));
	}
}

static void test_individual_when_it_is_another_certificate_then_401(void **state)
{
	struct service *service = *state;
	PARTY_AUTO first;
	PARTY_AUTO other;
	PARTY_AUTO misnamed;

	party_make(&first, "dev-1", NULL, NULL);
	party_make(&other, "dev-1", NULL, NULL);
	party_make(&misnamed, "dev-2", NULL, NULL);
	enroll_leaf(service, &first, &misnamed);
	SHOWS(service, &other);
	expect_refusal(service, "dev-1", "Invalid certificate.");
	SHOWS(service, &misnamed);
	expect_refusal(service, "dev-1", "Invalid certificate.");
	service->chain_n = 0;
	expect_refusal(service, "dev-1", "Unauthorized");
}

static void test_individual_when_the_leaf_is_out_of_time_then_401(void **state)
{
	static const struct terms past = { NULL, -7200, -3600 }, future = { NULL, 3600, 7200 };
	struct service *service = *state;
	PARTY_AUTO old;
	PARTY_AUTO early;

	party_make(&old, "dev-1", NULL, &past);
	party_make(&early, "dev-1", NULL, &future);
	enroll_leaf(service, &old, &early);
	SHOWS(service, &old);
	expect_refusal(service, "dev-1", "Invalid certificate.");
	SHOWS(service, &early);
	expect_refusal(service, "dev-1", "Invalid certificate.");
}

static void test_group_when_the_chain_leads_to_its_certificate_then_assigned(void **state)
{
	struct service *service = *state;
	REPLY_AUTO final;
	PKI_AUTO pki;
	PARTY_AUTO other;

	pki_make(&pki);
	party_make(&other, "other line", &pki.root, &ca_terms);
	group_of(service, "sensors", &other, &pki.line, "");
	SHOWS(service, &pki.leaf, &pki.line);
	device_register_all(service, "dev-1", NULL, &final);
	assert_string_equal(reply_text(&final, "status"), "assigned");
	assert_string_equal(reply_text(&final, "registrationState/deviceId"), "dev-1");
	assert_string_equal(reply_text(&final, "registrationState/x509/enrollmentGroupId"), "sensors");
}

static void test_group_when_the_intermediate_is_missing_then_no_ca_is_found(void **state)
{
	struct service *service = *state;
	PKI_AUTO pki;

	pki_make(&pki);
	group_of(service, "roots", &pki.root, &pki.root, "");
	SHOWS(service, &pki.leaf);
	expect_refusal(service, "dev-1", "CA certificate not found.");
	/* Not even where the service has it: that it must be sent shows here, not in the field. */
	group_of(service, "lines", &pki.line, &pki.line, "");
	expect_refusal(service, "dev-1", "CA certificate not found.");
}

static void test_group_when_only_the_root_is_left_out_then_assigned(void **state)
{
	struct service *service = *state;
	PKI_AUTO pki;

	pki_make(&pki);
	group_of(service, "roots", &pki.root, &pki.root, "");
	SHOWS(service, &pki.leaf, &pki.line);
	assert_int_equal(device_register_code(service, "dev-1", NULL), 202);
	SHOWS(service, &pki.leaf, &pki.root, &pki.line);
	assert_int_equal(device_register_code(service, "dev-1", NULL), 202);
}

static void test_group_when_sent_back_as_thumbprints_then_the_root_is_still_known(void **state)
{
	struct service *service = *state;
	struct dps_header if_match[] = { { "If-Match", "*" }, { NULL, NULL } };
	REPLY_AUTO before;
	REPLY_AUTO after;
	char *text;
	PKI_AUTO pki;

	pki_make(&pki);
	group_of(service, "roots", &pki.root, &pki.root, "");
	service_call(service, "GET", "/enrollmentGroups/roots", NULL, NULL, &before);
	text = json_dumps(before.body, 0);
	assert_null(strstr(text, "\"certificate\""));
	service_call(service, "PUT", "/enrollmentGroups/roots", text, if_match, &after);
	assert_int_equal(reply_code(&after), 200);
	free(text);
	text = json_dumps(after.body, 0);
	assert_null(strstr(text, "\"certificate\""));
	free(text);
	SHOWS(service, &pki.leaf, &pki.line);
	assert_int_equal(device_register_code(service, "dev-1", NULL), 202);
}

/* Names fit, the signature does not: the same CA made anew. */
static void test_group_when_another_key_signed_then_401(void **state)
{
	struct service *service = *state;
	PKI_AUTO pki;
	PKI_AUTO forged;

	pki_make(&pki);
	pki_make(&forged);
	group_of(service, "lines", &pki.line, &pki.line, "");
	SHOWS(service, &forged.leaf, &pki.line);
	expect_refusal(service, "dev-1", "Invalid certificate.");
	SHOWS(service, &forged.leaf, &forged.line);
	expect_refusal(service, "dev-1", "CA certificate not found.");
	group_of(service, "roots", &pki.root, &pki.root, "");
	SHOWS(service, &forged.leaf, &forged.line);
	expect_refusal(service, "dev-1", "Invalid certificate.");
}

static void expect_chain_refused(struct service *service, const struct terms *of_line,
				 const struct terms *of_leaf, const char *root_constraints)
{
	const struct terms root_terms = { root_constraints, 0, 0 };
	PKI_AUTO pki;

	party_make(&pki.root, "root", NULL, &root_terms);
	party_make(&pki.line, "line", &pki.root, of_line);
	party_make(&pki.leaf, "dev-1", &pki.line, of_leaf);
	group_of(service, "roots", &pki.root, &pki.root, "");
	SHOWS(service, &pki.leaf, &pki.line, &pki.root);
	expect_refusal(service, "dev-1", "Invalid certificate.");
	assert_int_equal(service_code(service, "DELETE", "/enrollmentGroups/roots", NULL), 204);
}

static void test_group_when_the_chain_breaks_a_rule_then_401(void **state)
{
	static const struct terms no_ca = { "critical,CA:FALSE", 0, 0 },
				  old_ca = { "critical,CA:TRUE", -7200, -3600 }, old = { NULL, -7200, -3600 },
				  no_constraints = { NULL, 0, 0 };

	expect_chain_refused(*state, &no_ca, NULL, "critical,CA:TRUE");
	expect_chain_refused(*state, &no_constraints, NULL, "critical,CA:TRUE");
	expect_chain_refused(*state, &old_ca, NULL, "critical,CA:TRUE");
	expect_chain_refused(*state, &ca_terms, &old, "critical,CA:TRUE");
	expect_chain_refused(*state, &ca_terms, NULL, "critical,CA:TRUE,pathlen:0");
}

static void test_group_when_the_name_is_another_then_401(void **state)
{
	struct service *service = *state;
	PKI_AUTO pki;

	pki_make(&pki);
	group_of(service, "lines", &pki.line, &pki.line, "");
	SHOWS(service, &pki.leaf, &pki.line);
	expect_refusal(service, "dev-2", "Invalid certificate.");
}

/* Nearest first, and a disabled match decides. */
static void test_group_when_several_match_then_the_nearest_to_the_leaf_decides(void **state)
{
	struct service *service = *state;
	REPLY_AUTO final;
	PKI_AUTO pki;

	pki_make(&pki);
	group_of(service, "roots", &pki.root, &pki.root, "");
	group_of(service, "lines", &pki.line, &pki.line, ",\"provisioningStatus\":\"disabled\"");
	SHOWS(service, &pki.leaf, &pki.line, &pki.root);
	device_register_all(service, "dev-1", NULL, &final);
	assert_string_equal(reply_text(&final, "status"), "disabled");
	assert_string_equal(reply_text(&final, "registrationState/x509/enrollmentGroupId"), "lines");
}

static void test_individual_when_a_group_would_match_then_it_decides(void **state)
{
	struct service *service = *state;
	PKI_AUTO pki;
	PARTY_AUTO other;

	pki_make(&pki);
	party_make(&other, "dev-1", NULL, NULL);
	group_of(service, "lines", &pki.line, &pki.line, "");
	enroll_leaf(service, &other, &other);
	SHOWS(service, &pki.leaf, &pki.line);
	expect_refusal(service, "dev-1", "Invalid certificate.");
}

static void reference(struct service *service, const struct party *ca, bool verified)
{
	static char text[4096];
	json_t *doc;
	struct err err;

	assert_int_equal(base64_encode(ca->bytes, text, sizeof(text)), 0);
	doc = json_pack("{s:s, s:{s:s, s:b}}", "etag", "e", "properties", "certificate", text, "isVerified",
			verified);
	assert_int_equal(dps_store_put(service->store, DPS_CERTIFICATES, "plant", doc, &err), 0);
	json_decref(doc);
}

static void test_group_when_it_refers_to_a_ca_then_only_once_verified(void **state)
{
	struct service *service = *state;
	PKI_AUTO pki;

	pki_make(&pki);
	put(service, "/enrollmentGroups/plant",
	    "{\"enrollmentGroupId\":\"plant\",\"attestation\":{\"type\":\"x509\",\"x509\":"
	    "{\"caReferences\":{\"primary\":\"plant\"}}}}");
	SHOWS(service, &pki.leaf, &pki.line);
	expect_refusal(service, "dev-1", "CA certificate not found.");
	reference(service, &pki.root, false);
	expect_refusal(service, "dev-1", "CA certificate not found.");
	reference(service, &pki.root, true);
	assert_int_equal(device_register_code(service, "dev-1", NULL), 202);
}

static void test_chain_when_it_is_no_certificate_then_401(void **state)
{
	struct service *service = *state;
	PKI_AUTO pki;

	pki_make(&pki);
	group_of(service, "lines", &pki.line, &pki.line, "");
	SHOWS(service, &pki.leaf, &pki.line);
	service->chain[1].len--;
	expect_refusal(service, "dev-1", "Invalid certificate.");
	service->chain[1] = BYTES_LIT("nonsense");
	expect_refusal(service, "dev-1", "Invalid certificate.");
}

#define T(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_individual_when_the_leaf_is_enrolled_then_assigned),
		T(test_individual_when_it_is_another_certificate_then_401),
		T(test_individual_when_the_leaf_is_out_of_time_then_401),
		T(test_group_when_the_chain_leads_to_its_certificate_then_assigned),
		T(test_group_when_the_intermediate_is_missing_then_no_ca_is_found),
		T(test_group_when_only_the_root_is_left_out_then_assigned),
		T(test_group_when_sent_back_as_thumbprints_then_the_root_is_still_known),
		T(test_group_when_another_key_signed_then_401),
		T(test_group_when_the_chain_breaks_a_rule_then_401),
		T(test_group_when_the_name_is_another_then_401),
		T(test_group_when_several_match_then_the_nearest_to_the_leaf_decides),
		T(test_individual_when_a_group_would_match_then_it_decides),
		T(test_group_when_it_refers_to_a_ca_then_only_once_verified),
		T(test_chain_when_it_is_no_certificate_then_401),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
