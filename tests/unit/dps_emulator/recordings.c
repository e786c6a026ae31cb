/*
 * Literal requests of Microsoft's service SDKs (tests/data/dps), replayed in
 * order. Three things are put in: a signature, since the recordings have none;
 * the etag and continuation token that this service gave, where the recording
 * has the recorder's; and the EKs, which the recordings cut short.
 */
#include "tests/unit/dps_emulator/service.h"

#include <stdlib.h>
#include <strings.h>

#define HEADERS_MAX 16

struct expected {
	const char *name; /* begin of the recording's name */
	int code;
	const char *item_type;
};

static const struct expected node_expected[] = {
	{ "01-PUT", 200, NULL },
	{ "02-PUT", 200, NULL },
	{ "03-PUT", 200, NULL },
	{ "04-PUT", 200, NULL },
	{ "05-GET", 200, NULL },
	{ "06-GET", 404201, NULL },
	{ "07-POST", 200, NULL },
	{ "08-POST", 200, NULL },
	{ "09-POST", 200, NULL },
	{ "10-POST", 200, NULL },
	{ "11-PUT", 400004, NULL }, /* a space in the id, a leaf as signing certificate */
	{ "12-PUT", 200, NULL },
	{ "13-GET", 200, NULL },
	{ "14-POST", 200, NULL },
	{ "15-POST", 200, "Enrollment" },
	{ "16-POST", 200, "Enrollment" },
	{ "17-POST", 200, "Enrollment" },
	{ "18-POST", 200, "Enrollment" },
	{ "19-POST", 200, "EnrollmentGroup" },
	{ "20-POST", 200, "DeviceRegistration" },
	{ "21-GET", 404201, NULL }, /* no device has registered */
	{ "22-DELETE", 404201, NULL },
	{ "23-DELETE", 204, NULL },
	{ "24-DELETE", 404201, NULL }, /* deleted by 10 */
	{ "25-DELETE", 204, NULL },
};

static const struct expected c_expected[] = {
	{ "01-PUT", 200, NULL },
	{ "02-PUT", 200, NULL },
	{ "03-GET", 200, NULL },
	{ "04-PUT", 400004, NULL }, /* info alone, of a certificate that nobody has sent */
	{ "05-POST", 200, NULL },
	{ "06-POST", 200, "Enrollment" },
	{ "07-POST", 200, "Enrollment" },
	{ "08-GET", 404201, NULL },
	{ "09-DELETE", 204, NULL },
	{ "10-DELETE", 404202, NULL }, /* of 04 */
};

struct replay {
	struct service *service;
	char token[512];
	char etag[DPS_ETAG_MAX];
	char continuation[160];
	char headers[HEADERS_MAX][256];
};

static json_t *load(const char *name)
{
	char path[1024];
	json_t *recordings;

	assert_int_equal(
		str_format(path, sizeof(path), "%s/tests/data/dps/%s", getenv("STATION_SOURCE"), name), 0);
	recordings = json_load_file(path, 0, NULL);
	assert_non_null(recordings);
	return recordings;
}

/* The value to send instead of the recorded one. */
static const char *current_value(struct replay *replay, const char *name, const char *value)
{
	if (strcasecmp(name, "If-Match") == 0 && value[0] == '"')
		return replay->etag;
	if (strcasecmp(name, "x-ms-continuation") == 0)
		return replay->continuation;
	return value;
}

static size_t take_headers(struct replay *replay, const json_t *recorded, struct dps_header *headers)
{
	size_t n = 0;

	for (; n < json_array_size(recorded); n++) {
		char *text = replay->headers[n], *colon;

		assert_true(n < HEADERS_MAX - 1);
		assert_int_equal(str_format(text, 256, "%s", json_string_value(json_array_get(recorded, n))),
				 0);
		colon = strstr(text, ": ");
		assert_non_null(colon);
		*colon = '\0';
		headers[n] = (struct dps_header){ text, current_value(replay, text, colon + 2) };
	}
	headers[n] = (struct dps_header){ "Authorization", replay->token };
	return n + 1;
}

/* Completes the EKs in place: of the one enrollment, or of each in a bulk call. */
static void complete_ek(json_t *enrollment)
{
	json_t *tpm = json_object_get(json_object_get(enrollment, "attestation"), "tpm");
	const char *ek = json_string_value(json_object_get(tpm, "endorsementKey"));

	if (ek != NULL && strlen(ek) > 16)
		assert_int_equal(json_object_set_new(tpm, "endorsementKey", json_string(EK)), 0);
}

static char *take_body(json_t *body)
{
	json_t *items = json_object_get(body, "enrollments");

	if (!json_is_object(body))
		return NULL;
	complete_ek(body);
	for (size_t i = 0; i < json_array_size(items); i++)
		complete_ek(json_array_get(items, i));
	return json_dumps(body, 0); /* the C SDK's "\/" has its own test */
}

static void remember(struct replay *replay, const struct reply *reply)
{
	const char *etag = reply_text(reply, "etag"), *token = reply_header(reply, "x-ms-continuation");

	(void)!str_format(replay->etag, sizeof(replay->etag), "%s", etag != NULL ? etag : "IjEi");
	(void)!str_format(replay->continuation, sizeof(replay->continuation), "%s",
			  token != NULL ? token : "");
}

static void replay_one(struct replay *replay, json_t *recording, const struct expected *expected)
{
	const char *line = json_string_value(json_object_get(recording, "line"));
	struct dps_header headers[HEADERS_MAX];
	char method[16], target[256];
	char *body = take_body(json_object_get(recording, "body"));
	size_t n;
	REPLY_AUTO reply;

	assert_memory_equal(json_string_value(json_object_get(recording, "name")), expected->name,
			    strlen(expected->name));
	assert_int_equal(sscanf(line, "%15s %255s", method, target), 2);
	n = take_headers(replay, json_object_get(recording, "headers"), headers);
	service_call_raw(replay->service, method, target, headers, n, body, &reply);
	free(body);
	if (reply_code(&reply) != expected->code)
		print_error("%s\n", expected->name);
	assert_int_equal(reply_code(&reply), expected->code);
	if (expected->item_type != NULL)
		assert_string_equal(reply_header(&reply, "x-ms-item-type"), expected->item_type);
	remember(replay, &reply);
}

static void replay_all(struct service *service, const char *file, const struct expected *expected, size_t n)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	json_t *recordings = load(file);

	assert_non_null(replay);
	replay->service = service;
	(void)!str_format(service->conf.policy, sizeof(service->conf.policy), "provisioningserviceowner");
	service_token(service, "127.0.0.42", 3600, replay->token, sizeof(replay->token));
	assert_int_equal(json_array_size(recordings), n);
	for (size_t i = 0; i < n; i++)
		replay_one(replay, json_array_get(recordings, i), &expected[i]);
	json_decref(recordings);
	free(replay);
}

static void test_node_sdk_requests_answered(void **state)
{
	replay_all(*state, "node-service.json", node_expected, ARRAY_LEN(node_expected));
}

static void test_c_sdk_requests_answered(void **state)
{
	replay_all(*state, "c-service.json", c_expected, ARRAY_LEN(c_expected));
}

/* As openssl x509 -fingerprint shows them. */
static void test_recorded_certificate_info_is_exact(void **state)
{
	static const struct {
		const char *name, *value;
	} right[] = {
		{ "subjectName", "CN=x509-dev-01" },
		{ "issuerName", "CN=Factory Issuing 1" },
		{ "sha1Thumbprint", "F4D0656995729252254672B3CF867134C14A8AA6" },
		{ "sha256Thumbprint", "7510D1311DB462D11A8EF6D4F470ADE36746A50AC0DCD7070FABE7616EEBEF4D" },
		{ "serialNumber", "130D60925A26018B93186C6A6A981D7BAC3F0161" },
		{ "notBeforeUtc", "2026-11-22T02:19:47Z" },
		{ "notAfterUtc", "2029-01-30T02:19:47Z" },
	};
	json_t *recordings = load("node-service.json");
	char *text = json_dumps(json_object_get(json_array_get(recordings, 3), "body"), 0), name[128];
	REPLY_AUTO reply;

	service_call(*state, "PUT", "/enrollments/x509-dev-01", text, NULL, &reply);
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		assert_int_equal(str_format(name, sizeof(name),
					    "attestation/x509/clientCertificates/primary/info/%s",
					    right[i].name),
				 0);
		assert_string_equal(reply_text(&reply, name), right[i].value);
	}
	free(text);
	json_decref(recordings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_node_sdk_requests_answered, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_c_sdk_requests_answered, service_setup,
						service_teardown),
		cmocka_unit_test_setup_teardown(test_recorded_certificate_info_is_exact, service_setup,
						service_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
