/*
 * The record that goes back to the service in place of the one it holds. It is made of the fetched one,
 * so that what the cloud's operator has added stays; what only answers carry is left out (dps-api 1.3).
 */
#include "enroll/enroll_internal.h"

#include <jansson.h>

DEFINE_CLEANUP(json_freep, json_t, json_decref)

#define DEPTH_MAX  16
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

static json_t *parse_object(struct bytes text)
{
	json_t *json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);

	if (json != NULL && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* A header's value: what could end the line, or begin another, is no ETag. */
static bool is_etag(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] <= 0x20 || text[i] >= 0x7f)
			return false;
	return len > 0 && len < ETAG_MAX;
}

static int parse_fetched(struct bytes theirs, json_t **ret, char ret_etag[ETAG_MAX], struct err *err)
{
	static const char *const answers_only[] = { "etag", "registrationState", "createdDateTimeUtc",
						    "lastUpdatedDateTimeUtc" };
	CLEANUP(json_freep) json_t *json = parse_object(theirs);
	const char *etag = json_string_value(json_object_get(json, "etag"));

	if (json_object_get(json, "attestation") == NULL)
		return err_set(err, ERR_RETRY, 0, "the service's answer is no enrollment");
	if (!is_etag(etag))
		return err_set(err, ERR_RETRY, 0, "the service's answer has no ETag");
	str_clip(ret_etag, ETAG_MAX, etag);
	for (size_t i = 0; i < ARRAY_LEN(answers_only); i++)
		(void)json_object_del(json, answers_only[i]);
	*ret = json;
	json = NULL;
	return 0;
}

/* What we said before and no longer say goes; what others added beside it stays. */
static void take_away(json_t *from, const json_t *before, unsigned depth)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)before, name, value)
	{
		json_t *there = json_object_get(from, name);

		if (depth > 0 && json_is_object(value) && json_is_object(there) &&
		    strcmp(name, "attestation") != 0)
			take_away(there, value, depth - 1);
		else
			(void)json_object_del(from, name);
	}
}

static int put_over(json_t *to, const json_t *ours, unsigned depth)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)ours, name, value)
	{
		json_t *there = json_object_get(to, name);

		if (depth > 0 && json_is_object(value) && json_is_object(there)) {
			if (put_over(there, value, depth - 1) < 0)
				return -1;
		} else if (json_object_set(to, name, value) < 0) {
			return -1;
		}
	}
	return 0;
}

int revise_etag(struct bytes theirs, char ret_etag[ETAG_MAX], struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;

	return parse_fetched(theirs, &json, ret_etag, err);
}

int revise_update(struct bytes theirs, struct bytes before, struct bytes ours, struct buf *ret_json,
		  char ret_etag[ETAG_MAX], struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	CLEANUP(json_freep) json_t *old = parse_object(before);
	CLEANUP(json_freep) json_t *new = parse_object(ours);
	size_t need;
	uint8_t *to;

	if (old == NULL || new == NULL)
		return err_set(err, ERR_STATION, 0, "the outbox holds a payload that is no enrollment");
	if (parse_fetched(theirs, &json, ret_etag, err) < 0)
		return -1;
	take_away(json, old, DEPTH_MAX);
	/* Ours has the attestation last, and so has what is made: payload_with_key relies on it. */
	if (json_object_del(json, "attestation") < 0 && json_object_get(json, "attestation") != NULL)
		return err_set(err, ERR_BUG, 0, "an attestation stays in its enrollment");
	if (put_over(json, new, DEPTH_MAX) < 0 || (need = json_dumpb(json, NULL, 0, DUMP_FLAGS)) == 0)
		return err_set(err, ERR_STATION, 0, "out of memory for an enrollment");
	buf_clear(ret_json);
	to = buf_reserve(ret_json, need);
	if (to == NULL)
		return err_set(err, ERR_RETRY, 0, "the service's enrollment is too long to send back");
	ret_json->len = json_dumpb(json, (char *)to, need, DUMP_FLAGS);
	return 0;
}

/* Both keys, or NULL: a PUT without them has the service make others (dps-api 1.4), and the device is out. */
static json_t *parse_mechanism(struct bytes mechanism)
{
	json_t *json = parse_object(mechanism);
	const char *type = json_string_value(json_object_get(json, "type"));
	const json_t *keys = json_object_get(json, "symmetricKey");

	if (type == NULL || strcmp(type, "symmetricKey") != 0 ||
	    json_string_length(json_object_get(keys, "primaryKey")) == 0 ||
	    json_string_length(json_object_get(keys, "secondaryKey")) == 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* Keys come from another call, certificates from us: an enrollment that is fetched has neither (dps-api 0.4, 0.5). */
static int put_proof_back(json_t *json, const struct revise_proof *proof, struct err *err)
{
	const char *type = json_string_value(json_object_get(json_object_get(json, "attestation"), "type"));
	json_t *attestation = NULL;

	if (type != NULL && strcmp(type, "tpm") == 0)
		return 0;
	if (type != NULL && strcmp(type, "symmetricKey") == 0)
		attestation = parse_mechanism(proof->mechanism);
	else if (type != NULL && strcmp(type, "x509") == 0 && proof->certificate_pem.len > 0)
		attestation = json_pack("{s:s, s:{s:{s:{s:s%}}}}", "type", "x509", "x509",
					"clientCertificates", "primary", "certificate",
					(const char *)proof->certificate_pem.p, proof->certificate_pem.len);
	if (attestation == NULL || json_object_set_new(json, "attestation", attestation) < 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "the enrollment's attestation (%.20s) can't be sent back unchanged",
			       type != NULL ? type : "none");
	return 0;
}

int revise_status(struct bytes theirs, const struct revise_proof *proof, const char *status,
		  struct secret *ret_json, char ret_etag[ETAG_MAX], struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	SECRET_AUTO text = { NULL, 0 };
	size_t need;

	if (parse_fetched(theirs, &json, ret_etag, err) < 0 || put_proof_back(json, proof, err) < 0)
		return -1;
	if (json_object_set_new(json, "provisioningStatus", json_string(status)) < 0 ||
	    (need = json_dumpb(json, NULL, 0, DUMP_FLAGS)) == 0)
		return err_set(err, ERR_STATION, 0, "out of memory for an enrollment");
	if (secret_new(need, &text, err) < 0)
		return -1;
	if (json_dumpb(json, (char *)text.p, need, DUMP_FLAGS) != need)
		return err_set(err, ERR_BUG, 0, "an enrollment changed its length");
	*ret_json = text;
	text = (struct secret){ NULL, 0 };
	return 0;
}
