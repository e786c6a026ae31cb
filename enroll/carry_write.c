/* The lines of a carried file. What they have to be is in carry_read.c, which reads each of them back. */
#include "enroll/carry.h"

#include <time.h>

#include <jansson.h>

#include "base/encode.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

int carry_time(int64_t at_ms, char ret[CARRY_TIME_LEN + 1], struct err *err)
{
	time_t at_s = (time_t)(at_ms / 1000);
	struct tm tm;

	if (gmtime_r(&at_s, &tm) == NULL ||
	    strftime(ret, CARRY_TIME_LEN + 1, "%Y-%m-%dT%H:%M:%SZ", &tm) != CARRY_TIME_LEN)
		return err_set(err, ERR_OPERATOR, 0, "the clock's time can't be written");
	return 0;
}

static int put(const json_t *json, struct buf *ret, struct err *err)
{
	size_t need = json != NULL ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
	uint8_t *to;

	buf_clear(ret);
	to = need > 0 && need <= CARRY_LINE_MAX ? buf_reserve(ret, need + 1) : NULL;
	if (to == NULL)
		return err_set(err, ERR_STATION, 0, "a line of %zu bytes can't be written", need);
	ret->len = json_dumpb(json, (char *)to, need, JSON_COMPACT);
	return buf_append_u8(ret, '\n') < 0 ? err_set(err, ERR_STATION, 0, "out of memory") : 0;
}

int carry_manifest_line(const struct carry_manifest *manifest, struct buf *ret, struct err *err)
{
	bool batch = manifest->kind == ENROLL_CARRIED_BATCH;
	char sha[HEX_LEN(SHA256_LEN) + 1];
	CLEANUP(json_freep) json_t *json = NULL;

	if (hex_encode(BYTES_ARRAY(manifest->sha256), sha, sizeof(sha)) < 0)
		return err_set(err, ERR_BUG, 0, "a digest does not fit");
	json = json_pack("{s:s, s:s, s:s, s:s*, s:s, s:I, s:s}", "format",
			 batch ? "station-batch/1" : "station-receipt/1", "station", manifest->station,
			 "batch", manifest->batch, "origin", batch ? NULL : manifest->origin, "created",
			 manifest->created, "count", (json_int_t)manifest->count, "sha256", sha);
	return put(json, ret, err);
}

/* The payload goes in as it is: what a reader writes again must be these bytes. */
static json_t *load_payload(const struct buf *payload)
{
	CLEANUP(json_freep)
	json_t *json = json_loadb((const char *)payload->p, payload->len, JSON_REJECT_DUPLICATES, NULL);
	BUF_AUTO(again, ENROLL_PAYLOAD_MAX);
	size_t need = json != NULL ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
	uint8_t *to = need > 0 ? buf_reserve(&again, need) : NULL;
	json_t *result = json;

	if (to == NULL)
		return NULL;
	again.len = json_dumpb(json, (char *)to, need, JSON_COMPACT);
	if (!bytes_equal(buf_bytes(&again), buf_bytes(payload)))
		return NULL;
	json = NULL;
	return result;
}

int carry_record_line(const struct carry_record *record, struct buf *ret, struct err *err)
{
	json_t *payload = load_payload(&record->payload);
	char sha[HEX_LEN(SHA256_LEN) + 1];
	CLEANUP(json_freep) json_t *json = NULL;

	if (payload == NULL)
		return err_set(err, ERR_STATION, 0, "the outbox holds a payload that is no enrollment: %s",
			       record->job);
	if (hex_encode(BYTES_ARRAY(record->key_sha256), sha, sizeof(sha)) < 0) {
		json_decref(payload);
		return err_set(err, ERR_BUG, 0, "a digest does not fit");
	}
	json = json_pack("{s:s, s:s, s:s*, s:o}", "job", record->job, "registrationId",
			 record->registration_id, "keySha256", record->has_key ? sha : NULL, "payload",
			 payload);
	return put(json, ret, err);
}

/* What the service said may hold anything; what is shown in lists elsewhere may not. */
static int set_plain(json_t *object, const char *name, const char *text)
{
	char plain[128];

	str_clip(plain, sizeof(plain), text);
	for (char *p = plain; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return json_object_set_new(object, name, json_string(plain));
}

/* The outbox's difference with plain texts only. NULL if there is none. */
static json_t *plain_difference(const struct buf *difference)
{
	static const char *const names[] = { "field", "ours", "service" };
	json_t *json = difference->len > 0 ? json_loadb((const char *)difference->p, difference->len,
							JSON_REJECT_DUPLICATES, NULL)
					   : NULL;

	for (size_t i = 0; i < json_array_size(json); i++)
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			json_t *object = json_array_get(json, i);
			const char *text = json_string_value(json_object_get(object, names[k]));

			if (text != NULL && set_plain(object, names[k], text) < 0) {
				json_decref(json);
				return NULL;
			}
		}
	return json;
}

int carry_outcome_line(const struct carry_outcome *outcome, struct buf *ret, struct err *err)
{
	static const char *const names[] = { "waiting", "enrolled", "quarantined", "returned" };
	char sha[HEX_LEN(SHA256_LEN) + 1];
	CLEANUP(json_freep) json_t *json = NULL;

	if (hex_encode(BYTES_ARRAY(outcome->content), sha, sizeof(sha)) < 0)
		return err_set(err, ERR_BUG, 0, "a digest does not fit");
	json = json_pack("{s:s, s:s, s:s, s:s*, s:o*}", "job", outcome->job, "contentSha256", sha, "state",
			 names[outcome->state], "reason", outcome->reason[0] != '\0' ? outcome->reason : NULL,
			 "difference", plain_difference(&outcome->difference));
	return put(json, ret, err);
}

int carry_signature_line(const struct enroll_carrier *carrier, struct bytes message, struct buf *ret,
			 struct err *err)
{
	char sig[BASE64_LEN(CARRY_SIG_MAX) + 1], key[HEX_LEN(SHA256_LEN) + 1];
	BUF_AUTO(raw, 1024);
	CLEANUP(json_freep) json_t *json = NULL;

	if (carrier->signer->sign(carrier->signer->key, carrier->signer->alg, message, &raw, err) < 0)
		return err_wrap(err, "signing with the station's key");
	if (carrier->signer->alg != SIGN_ECDSA_SHA256 || raw.len > CARRY_SIG_MAX ||
	    base64_encode(buf_bytes(&raw), sig, sizeof(sig)) < 0 ||
	    hex_encode(BYTES_ARRAY(carrier->key_sha256), key, sizeof(key)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the station's key must be a P-256 key");
	json = json_pack("{s:s, s:s, s:s}", "signature", sig, "alg", "ecdsa-p256-sha256", "keySha256", key);
	return put(json, ret, err);
}
