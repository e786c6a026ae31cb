/*
 * Literal requests of Microsoft's device SDKs over HTTP and MQTT (tests/data/dps),
 * replayed in order. What is put in is what a recording can't have: a signature,
 * the operation that this service began, certificates of a CA made here, and a
 * whole EK where the recording was made with a mock of a TPM.
 */
#include "tests/unit/dps_emulator/device.h"
#include "tests/unit/dps_emulator/mqtt_client.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/encode.h"

#define HEADERS_MAX 16
#define TEXT_MAX    512
/* Of the TPM in node-device-http-tpm-swtpm. */
#define EK_REAL                                                                                              \
	"AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAAAAEApclrY3CIO+"         \
	"LbmDO6S52bLRNgZnb1k9OPhcI/267SrDxTsjtbVtVrISQprSGmNgVpTZf8uFe+09rGIaGhQlJyrBBh8kvGduaVhLzj"         \
	"jFwVwrvC2CJzcSpfc9nrl2d6inePxhDTwmoaON3YFaV3z5bXByUWhGo5LKbZ9H082du/S90I3ebGZdnVThFM/wrf6M"         \
	"N8/H3GjFHA9fZHYXJk+7YB9mbXQzopgXL7fvEq9/Muu6Fefsk/3bHVHMGL211arXq7Y0zd50GLparxQJiwIbdJVx6e"         \
	"+76H+D0QTvIU2agxgCmPHxoBLvnSYwWWT/owmGPAEN/P7WryX49XKzF+vmPbuQ=="
#define SRK_REAL                                                                                             \
	"ARoAAQALAAMEcgAAAAYAgABDABAIAAAAAAABAI5xksfsV/UF5he6WfjbLYmPseLuSKZIBgtIpYbQ+tamHYcVkHUcVC"         \
	"Hxt4K1X+7kgNC1BexZIBKFCZZCGBfhWV3lA5JkxpMIhTkDUwgn3lBQtDOG3kFdsHrKvRqvpVRpftZlNODbBxYGoaGf"         \
	"zyKmnaH3wKJaekrsLz28O0BjE5FfQhhf7qZwlKJKIL4+brKKCq7ReFNO4olEMyxww4jL2KMOAe3g0tyS3xFjQsp7LH"         \
	"jdTXVjHb/TAmNakf++C7Lro3kKsKBY7A7CqnIxqbEwGuEioLLWU7G5xTsTSClt2KDK0P+yoqg4orRj3pOlK9DwEqcC"         \
	"ysdgFOrstenzBLOBXJE="
#define GROUP_X509                                                                                           \
	"{\"enrollmentGroupId\":\"factory\",\"attestation\":{\"type\":\"x509\",\"x509\":"                    \
	"{\"signingCertificates\":{\"primary\":{\"certificate\":\"%s\"}}}}}"
#define SYM_KEY(id)                                                                                          \
	"{\"registrationId\":\"" id "\",\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":"        \
	"{\"primaryKey\":\"" KEY_1 "\",\"secondaryKey\":\"" KEY_2 "\"}}}"

struct replay {
	struct service *service;
	struct party ca, leaf;
	char operation[DPS_OPERATION_MAX];
	char text[HEADERS_MAX][TEXT_MAX];
	char token[1024];
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

/* What is enrolled before a device comes: two with keys, and a group of certificates. */
static void replay_begin(struct replay *replay, struct service *service)
{
	const struct terms ca = { "critical,CA:TRUE", 0, 0 }, leaf = { 0 };
	BUF_AUTO(group, 8192);
	char *pem = calloc(1, 4096), *body = (char *)buf_reserve(&group, 8192);

	assert_true(pem != NULL && body != NULL);
	replay->service = service;
	service->conf.knobs.assigning_polls = 1;
	service->conf.knobs.poll_retry_after_s = 3;
	(void)!str_format(service->conf.policy, sizeof(service->conf.policy), "provisioningserviceowner");
	party_make(&replay->ca, "Factory Issuing 1", NULL, &ca);
	party_make(&replay->leaf, "x509-dev-01", &replay->ca, &leaf);
	party_pem(&replay->ca, pem, 4096);
	assert_int_equal(str_format(body, 8192, GROUP_X509, pem), 0);
	assert_int_equal(service_code(service, "PUT", "/enrollmentGroups/factory", body), 200);
	assert_int_equal(service_code(service, "PUT", "/enrollments/sym-dev-01", SYM_KEY("sym-dev-01")), 200);
	assert_int_equal(service_code(service, "PUT", "/enrollments/c-sym-dev:01", SYM_KEY("c-sym-dev:01")),
			 200);
	free(pem);
}

static void replay_end(struct replay *replay)
{
	party_deinit(&replay->ca);
	party_deinit(&replay->leaf);
}

/* --- Signatures --------------------------------------------------------------------------------------------------- */

/* What the recorded device signs with: its TPM's issued key, its symmetric key, or the policy's. */
static struct bytes key_of(const struct replay *replay, const char *sr, uint8_t raw[DPS_KEY_LEN])
{
	const struct dps_record *record;
	char resource[TEXT_MAX];
	const char *id, *key;
	json_t *doc = NULL;
	size_t n = 0;

	assert_int_equal(dps_percent_decode(bytes_of(sr, strcspn(sr, "&")), resource, sizeof(resource)), 0);
	id = strrchr(resource, '/');
	if (id == NULL)
		return BYTES_ARRAY(replay->service->conf.key);
	record = dps_store_find(replay->service->store, DPS_REGISTRATIONS, id + 1);
	doc = record != NULL ? json_loads(record->text, 0, NULL) : NULL;
	key = json_string_value(json_object_get(json_object_get(doc, "tpm"), "issuedKey"));
	assert_int_equal(base64_decode(bytes_str(key != NULL ? key : KEY_1), raw, DPS_KEY_LEN, &n), 0);
	json_decref(doc);
	return bytes_of(raw, n);
}

/* The recorded token with a signature where it says <redacted>; its sr and se are what is signed. */
static void sign(struct replay *replay, const char *recorded)
{
	static const char redacted[] = "<redacted>";
	const char *sr = strstr(recorded, "sr="), *se = strstr(recorded, "se=");
	const char *gap = strstr(recorded, redacted);
	char message[TEXT_MAX], sig[BASE64_LEN(SHA256_LEN) + 1];
	uint8_t raw[DPS_KEY_LEN], mac[SHA256_LEN];

	assert_true(sr != NULL && se != NULL && gap != NULL);
	assert_int_equal(str_format(message, sizeof(message), "%.*s\n%.*s", (int)strcspn(sr + 3, "&"), sr + 3,
				    (int)strcspn(se + 3, "&"), se + 3),
			 0);
	hmac_sha256(key_of(replay, sr + 3, raw), bytes_str(message), mac);
	assert_int_equal(base64_encode(BYTES_ARRAY(mac), sig, sizeof(sig)), 0);
	assert_int_equal(str_format(replay->token, sizeof(replay->token), "%.*s%s%s", (int)(gap - recorded),
				    recorded, sig, gap + sizeof(redacted) - 1),
			 0);
}

/* --- HTTP --------------------------------------------------------------------------------------------------------- */

static size_t take_headers(struct replay *replay, const json_t *recorded, struct dps_header *headers)
{
	size_t n = 0;

	for (; n < json_array_size(recorded); n++) {
		char *text = replay->text[n], *colon;

		assert_true(n < HEADERS_MAX);
		assert_int_equal(
			str_format(text, TEXT_MAX, "%s", json_string_value(json_array_get(recorded, n))), 0);
		colon = strstr(text, ": ");
		assert_non_null(colon);
		*colon = '\0';
		headers[n] = (struct dps_header){ text, colon + 2 };
		if (strcmp(text, "Authorization") == 0) {
			sign(replay, colon + 2);
			headers[n].value = replay->token;
		}
	}
	return n;
}

/* Enrolls the TPM that the body shows, with the template's key completed if it was a mock's. */
static char *take_body(struct replay *replay, json_t *body)
{
	json_t *tpm = json_object_get(body, "tpm");
	const char *id = json_string_value(json_object_get(body, "registrationId"));
	char target[TEXT_MAX], *enrollment;

	if (body == NULL)
		return NULL;
	if (tpm != NULL && strlen(json_string_value(json_object_get(tpm, "endorsementKey"))) < 100) {
		assert_int_equal(json_object_set_new(tpm, "endorsementKey", json_string(EK_REAL)), 0);
		assert_int_equal(json_object_set_new(tpm, "storageRootKey", json_string(SRK_REAL)), 0);
	}
	if (tpm != NULL && dps_store_find(replay->service->store, DPS_ENROLLMENTS, id) == NULL) {
		json_t *doc =
			json_pack("{s:s, s:{s:s, s:{s:O}}}", "registrationId", id, "attestation", "type",
				  "tpm", "tpm", "endorsementKey", json_object_get(tpm, "endorsementKey"));

		enrollment = json_dumps(doc, 0);
		assert_int_equal(str_format(target, sizeof(target), "/enrollments/%s", id), 0);
		assert_int_equal(service_code(replay->service, "PUT", target, enrollment), 200);
		free(enrollment);
		json_decref(doc);
	}
	return json_dumps(body, 0);
}

/* Of the recorded operation's place, the one that this service began. */
static void take_target(const struct replay *replay, const char *line, char *method, char *target, size_t cap)
{
	char recorded[TEXT_MAX], *at;

	assert_int_equal(sscanf(line, "%15s %511s", method, recorded), 2);
	at = strstr(recorded, "/operations/");
	if (at == NULL) {
		assert_int_equal(str_format(target, cap, "%s", recorded), 0);
		return;
	}
	at += strlen("/operations/");
	assert_int_equal(str_format(target, cap, "%.*s%s%s", (int)(at - recorded), recorded,
				    replay->operation, strchr(at, '?')),
			 0);
}

static void check_state(const struct reply *reply)
{
	static const char *const members[] = { "registrationId", "createdDateTimeUtc",     "assignedHub",
					       "deviceId",       "lastUpdatedDateTimeUtc", "etag" };
	char path[64];

	assert_string_equal(reply_text(reply, "status"), "assigned");
	assert_string_equal(reply_text(reply, "registrationState/status"), "assigned");
	assert_string_equal(reply_text(reply, "registrationState/substatus"), "initialAssignment");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		assert_int_equal(str_format(path, sizeof(path), "registrationState/%s", members[i]), 0);
		assert_non_null(reply_text(reply, path));
	}
}

/* What the SDK needs to find in an answer of this status. */
static void check_answer(struct replay *replay, const struct reply *reply)
{
	const json_t *keys = json_object_get(reply->body, "keyName");

	if (reply->res.status == 202) {
		assert_string_equal(reply_text(reply, "status"), "assigning");
		assert_string_equal(reply_header(reply, "Retry-After"), "3");
		assert_int_equal(str_format(replay->operation, sizeof(replay->operation), "%s",
					    reply_text(reply, "operationId")),
				 0);
	} else if (reply->res.status == 429) {
		assert_int_equal(reply_code(reply), 429001);
		assert_string_equal(reply_header(reply, "Retry-After"), "3");
	} else if (reply->res.status == 401) {
		assert_string_equal(json_string_value(keys), "registration");
		assert_true(strlen(reply_text(reply, "authenticationKey")) > 100);
	} else if (json_object_get(reply->body, "registrationState") != NULL) {
		assert_string_equal(reply_text(reply, "operationId"), replay->operation);
		check_state(reply);
	}
}

static void replay_one(struct replay *replay, json_t *recording)
{
	const struct party *const chain[] = { &replay->leaf, &replay->ca, NULL }, *const none[] = { NULL };
	int64_t status = json_integer_value(json_object_get(recording, "status"));
	bool shows = json_integer_value(json_object_get(recording, "chain")) > 0;
	struct dps_header headers[HEADERS_MAX];
	char method[16], target[TEXT_MAX];
	char *body = take_body(replay, json_object_get(recording, "body"));
	size_t n = take_headers(replay, json_object_get(recording, "headers"), headers);
	REPLY_AUTO reply;

	take_target(replay, json_string_value(json_object_get(recording, "line")), method, target,
		    sizeof(target));
	device_shows(replay->service, shows ? chain : none);
	replay->service->conf.knobs.fail_every = status == 429 ? 1 : 0;
	replay->service->conf.knobs.fail_status = 429;
	replay->service->conf.knobs.retry_after_s = 3;
	service_call_raw(replay->service, method, target, headers, n, body, &reply);
	free(body);
	if (reply.res.status != status)
		print_error("%s\n", json_string_value(json_object_get(recording, "name")));
	assert_int_equal(reply.res.status, status);
	check_answer(replay, &reply);
}

static void replay_folder(struct service *service, const char *folder)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	json_t *recordings = load("device.json"), *recording;
	size_t i, replayed = 0;

	assert_non_null(replay);
	replay_begin(replay, service);
	json_array_foreach(recordings, i, recording)
	{
		const char *name = json_string_value(json_object_get(recording, "name"));

		if (strncmp(name, folder, strlen(folder)) != 0 || name[strlen(folder)] != '/')
			continue;
		replay_one(replay, recording);
		replayed++;
	}
	assert_true(replayed > 0);
	json_decref(recordings);
	replay_end(replay);
	free(replay);
}

static void test_node_devices_symmetric_x509_and_tpm(void **state)
{
	replay_folder(*state, "node-device-http-symx509tpm");
}

static void test_node_devices_tpm(void **state)
{
	replay_folder(*state, "node-device-http-tpm-swtpm");
}

static void test_c_devices_symmetric_and_x509(void **state)
{
	replay_folder(*state, "c-device-http-sym-x509");
}

static void test_c_devices_tpm(void **state)
{
	replay_folder(*state, "c-device-http-tpm-swtpm");
}

static void test_node_on_another_port(void **state)
{
	replay_folder(*state, "node-port-override-8443");
}

static void test_throttled_node_device(void **state)
{
	replay_folder(*state, "throttle-node-device");
}

static void test_throttled_c_device(void **state)
{
	replay_folder(*state, "throttle-c-device");
}

static void test_throttled_node_service(void **state)
{
	replay_folder(*state, "throttle-node-service");
}

/* --- MQTT ------------------------------------------------------------------------------------------------------------ */

static const char *text_of(const json_t *packet, const char *name)
{
	return json_string_value(json_object_get(packet, name));
}

static void replay_connect(struct replay *replay, struct mqtt_client *client, const json_t *packet)
{
	const struct party *const chain[] = { &replay->leaf, &replay->ca, NULL }, *const none[] = { NULL };
	bool shows = json_integer_value(json_object_get(packet, "chain")) > 0;

	device_shows(replay->service, shows ? chain : none);
	client->session = (struct mqtt_session){ .dps = replay->service->dps,
						 .chain = replay->service->chain,
						 .chain_n = replay->service->chain_n };
	if (text_of(packet, "password") != NULL)
		sign(replay, text_of(packet, "password"));
	mqtt_client_connect(client, text_of(packet, "clientId"), text_of(packet, "username"),
			    text_of(packet, "password") != NULL ? replay->token : NULL);
	assert_memory_equal(client->out.p, "\x20\x02\0\0", 4);
}

/* Polls ask for the operation of now; the first of them finds it unfinished, the second finished. */
static void replay_publish(struct replay *replay, struct mqtt_client *client, const json_t *packet)
{
	const char *recorded = text_of(packet, "topic"), *at = strstr(recorded, "operationId=");
	const char *rid = strstr(recorded, "$rid=");
	char topic[TEXT_MAX], answer[TEXT_MAX], right[TEXT_MAX];
	uint16_t id = (uint16_t)json_integer_value(json_object_get(packet, "messageId"));
	json_t *body;

	assert_int_equal(at == NULL ? str_format(topic, sizeof(topic), "%s", recorded)
				    : str_format(topic, sizeof(topic), "%.*soperationId=%s",
						 (int)(at - recorded), recorded, replay->operation),
			 0);
	mqtt_client_publish(client, id, topic, text_of(packet, "payload"));
	mqtt_client_answer(client, id != 0 ? 4 : 0, answer, sizeof(answer), &body);
	if (strcmp(text_of(body, "status"), "assigned") == 0) {
		assert_string_equal(text_of(body, "operationId"), replay->operation);
		assert_string_equal(text_of(json_object_get(body, "registrationState"), "status"),
				    "assigned");
	}
	assert_int_equal(
		str_format(replay->operation, sizeof(replay->operation), "%s", text_of(body, "operationId")),
		0);
	assert_int_equal(str_format(right, sizeof(right), "$dps/registrations/res/%s/?%.*s%s",
				    strcmp(text_of(body, "status"), "assigned") == 0 ? "200" : "202",
				    (int)strcspn(rid, "&"), rid,
				    strcmp(text_of(body, "status"), "assigned") == 0 ? "" : "&retry-after=3"),
			 0);
	assert_string_equal(answer, right);
	json_decref(body);
}

static void replay_packet(struct replay *replay, struct mqtt_client *client, const json_t *packet)
{
	const char *cmd = text_of(packet, "cmd");

	if (strcmp(cmd, "connect") == 0)
		replay_connect(replay, client, packet);
	else if (strcmp(cmd, "publish") == 0)
		replay_publish(replay, client, packet);
	else if (strcmp(cmd, "subscribe") == 0)
		mqtt_client_subscribe(client, "$dps/registrations/res/#", 1);
	else if (strcmp(cmd, "disconnect") == 0)
		mqtt_client_packet(client, MQTT_DISCONNECT << 4);
	assert_int_equal(client->rc, 0);
}

static void test_mqtt_of_both_sdks(void **state)
{
	struct mqtt_client *client = *state;
	struct replay *replay = calloc(1, sizeof(*replay));
	json_t *packets = load("mqtt.json"), *packet;
	size_t i;

	assert_non_null(replay);
	replay_begin(replay, client->service);
	json_array_foreach(packets, i, packet) replay_packet(replay, client, packet);
	assert_int_equal(client->session.state, MQTT_ENDED);
	assert_int_equal(i, 26);
	json_decref(packets);
	replay_end(replay);
	free(replay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_node_devices_symmetric_x509_and_tpm),
		TEST(test_node_devices_tpm),
		TEST(test_c_devices_symmetric_and_x509),
		TEST(test_c_devices_tpm),
		TEST(test_node_on_another_port),
		TEST(test_throttled_node_device),
		TEST(test_throttled_c_device),
		TEST(test_throttled_node_service),
		cmocka_unit_test_setup_teardown(test_mqtt_of_both_sdks, mqtt_client_setup,
						mqtt_client_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
