/*
 * What is made of a record or a group that the service holds, to be sent back to it. The first byte
 * chooses what is wanted; at a NUL begins what attestationmechanism said. Whatever goes back is JSON
 * again, has the proof that was asked for, and its ETag fits a header's line.
 */
#include "enroll/enroll_internal.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(json_freep, json_t, json_decref)

#define PEM                                                                                                  \
	"-----BEGIN CERTIFICATE-----\n"                                                                      \
	"MIIBdzCCAR2gAwIBAgIUCtNM4HV66tuEi/t246absEYY+LkwCgYIKoZIzj0EAwIw\n"                                 \
	"ETEPMA0GA1UEAwwGdW5pdC1hMB4XDTI2MTEyMjA0MDM0NFoXDTM2MTExOTA0MDM0\n"                                 \
	"NFowETEPMA0GA1UEAwwGdW5pdC1hMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n"                                 \
	"kj4WsfBTRYLzeQ9TrHQZmuJjTJR3qthcIHFsK0RctS+XjY3N/M0JxWAbvtaXRNB7\n"                                 \
	"jzaytr981Wz+PEdTcxNvy6NTMFEwHQYDVR0OBBYEFG5SEfW8DKK9nLRNNAqf5cZF\n"                                 \
	"jXabMB8GA1UdIwQYMBaAFG5SEfW8DKK9nLRNNAqf5cZFjXabMA8GA1UdEwEB/wQF\n"                                 \
	"MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAPjz2Tvbe8NFJ13WRPLhXpzjMkS4w+i3\n"                                 \
	"SUTIVWKgXTI5AiB8mzfh9vpvT3gX1UIkXHx1yQpMUcHFfTw1CjqvItA9cw==\n"                                     \
	"-----END CERTIFICATE-----\n"
#define BEFORE                                                                                               \
	"{\"registrationId\":\"u\",\"deviceId\":\"D\",\"initialTwin\":{\"tags\":{\"line\":\"7\"}},"          \
	"\"attestation\":{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"AAQAAQAL\"}}}"
#define OURS                                                                                                 \
	"{\"registrationId\":\"u\",\"iotHubs\":[\"a.x\"],\"initialTwin\":{\"tags\":{\"n\":2}},"              \
	"\"provisioningStatus\":\"enabled\",\"attestation\":{\"type\":\"tpm\",\"tpm\":"                      \
	"{\"endorsementKey\":\"AAQAAQAM\"}}}"

static json_t *must_be_object(struct bytes text)
{
	json_t *json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);

	base_assert(json_is_object(json));
	base_assert(json_object_get(json, "etag") == NULL);
	return json;
}

static void must_be_etag(const char *etag)
{
	size_t len = strlen(etag);

	base_assert(len > 0 && len < ETAG_MAX);
	for (size_t i = 0; i < len; i++)
		base_assert(etag[i] > ' ' && etag[i] <= '~');
}

static void must_have_status(const json_t *json, const char *status)
{
	const char *now = json_string_value(json_object_get(json, "provisioningStatus"));

	base_assert(now != NULL && strcmp(now, status) == 0);
}

/* Symmetric keys that are not sent back are made anew by the service (dps-api 1.4): devices would be shut out. */
static void must_keep_keys(const json_t *attestation)
{
	const char *type = json_string_value(json_object_get(attestation, "type"));
	const json_t *keys = json_object_get(attestation, "symmetricKey");

	base_assert(type != NULL);
	if (strcmp(type, "symmetricKey") == 0)
		base_assert(json_string_length(json_object_get(keys, "primaryKey")) > 0 &&
			    json_string_length(json_object_get(keys, "secondaryKey")) > 0);
}

static void fuzz_update(struct bytes theirs, struct bytes unused)
{
	CLEANUP(json_freep) json_t *json = NULL;
	CLEANUP(json_freep) json_t *ours = must_be_object(BYTES_LIT(OURS));
	BUF_AUTO(out, ENROLL_BODY_MAX);
	char etag[ETAG_MAX] = "";
	struct err err = { 0 };

	(void)unused;
	if (revise_update(theirs, BYTES_LIT(BEFORE), BYTES_LIT(OURS), &out, etag, &err) < 0) {
		base_assert(err.class == ERR_RETRY);
		return;
	}
	must_be_etag(etag);
	json = must_be_object(buf_bytes(&out));
	base_assert(json_equal(json_object_get(json, "attestation"), json_object_get(ours, "attestation")) ==
		    1);
	must_have_status(json, "enabled");
}

static void fuzz_etag(struct bytes theirs, struct bytes unused)
{
	char etag[ETAG_MAX] = "";
	struct err err = { 0 };

	(void)unused;
	if (revise_etag(theirs, etag, &err) == 0)
		must_be_etag(etag);
	else
		base_assert(err.class == ERR_RETRY);
}

static void fuzz_status(struct bytes theirs, struct bytes mechanism)
{
	const struct revise_proof proof = { mechanism, BYTES_LIT(PEM) };
	CLEANUP(json_freep) json_t *json = NULL;
	SECRET_AUTO out = { NULL, 0 };
	char etag[ETAG_MAX] = "";
	struct err err = { 0 };

	if (revise_status(theirs, &proof, "disabled", &out, etag, &err) < 0) {
		base_assert(err.class == ERR_RETRY || err.class == ERR_OPERATOR);
		return;
	}
	must_be_etag(etag);
	json = must_be_object(secret_bytes(&out));
	must_have_status(json, "disabled");
	must_keep_keys(json_object_get(json, "attestation"));
}

static void change_group(struct bytes group, struct bytes mechanism, const struct enroll_group_change *change)
{
	CLEANUP(json_freep) json_t *json = NULL;
	SECRET_AUTO out = { NULL, 0 };
	char etag[ETAG_MAX] = "";
	struct err err = { 0 };

	if (payload_group_change(group, mechanism, change, &out, etag, &err) < 0) {
		base_assert(err.class == ERR_RETRY || err.class == ERR_OPERATOR);
		return;
	}
	if (out.len == 0) /* it is so already */
		return;
	must_be_etag(etag);
	json = must_be_object(secret_bytes(&out));
	must_keep_keys(json_object_get(json, "attestation"));
}

static void fuzz_group(struct bytes group, struct bytes mechanism)
{
	for (int act = ENROLL_GROUP_ENABLE; act <= ENROLL_GROUP_FINISH; act++) {
		const struct enroll_group_change files = { .act = (enum enroll_group_act)act,
							   .known_pem = BYTES_LIT(PEM),
							   .new_pem = BYTES_LIT(PEM) };
		const struct enroll_group_change names = { .act = (enum enroll_group_act)act,
							   .new_ca = "ca-2" };

		change_group(group, mechanism, &files);
		change_group(group, mechanism, &names);
	}
	(void)payload_group_has_keys(group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(struct bytes, struct bytes) = { fuzz_update, fuzz_etag, fuzz_status,
								       fuzz_group };
	struct bytes in = bytes_of(data, size), mechanism = BYTES_NONE;
	const uint8_t *nul;
	uint8_t choice = 0;

	if (take_u8(&in, &choice) < 0)
		return 0;
	nul = in.len > 0 ? memchr(in.p, '\0', in.len) : NULL;
	if (nul != NULL) {
		mechanism = bytes_of(nul + 1, in.len - (size_t)(nul - in.p) - 1);
		in.len = (size_t)(nul - in.p);
	}
	parsers[choice % ARRAY_LEN(parsers)](in, mechanism);
	return 0;
}
