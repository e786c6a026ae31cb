/*
 * The JSON of an enrollment (dps-api 1.3, 1.4). It is made once, when the unit
 * is recorded, and compared byte by byte if the same job comes again; so the
 * order of the fields is fixed, with the terms (payload_terms.c) in the middle and the attestation last. A symmetric key is
 * put in only for the wire.
 */
#include "enroll/enroll_internal.h"

#include <malloc.h>
#include <stdlib.h>
#include <strings.h>

#include <jansson.h>

#include "base/encode.h"

#define EK_MAX  2048
#define KEY_MAX 64 /* dps-api 2: 16..64 bytes */
#define KEY_MIN 16

/* 0.1 as it was written, not as a double has it. */
#define DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

DEFINE_CLEANUP(json_freep, json_t, json_decref)

bool same_id(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static void wiping_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void payload_guard_memory(void)
{
	json_set_alloc_funcs(malloc, wiping_free);
}

static bool id_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

int registration_id_check(const char *id, struct err *err)
{
	size_t len = strlen(id);

	if (len == 0 || len > ENROLL_ID_MAX)
		return err_set(err, ERR_UNIT, 0, "a registration ID has 1 to %d characters, not %zu",
			       ENROLL_ID_MAX, len);
	for (size_t i = 0; i < len; i++)
		if (!id_character(id[i]) && strchr("._:", id[i]) == NULL)
			return err_set(
				err, ERR_UNIT, 0,
				"the service takes letters, digits and - . _ : in a registration ID, not: %s",
				id);
	if (!id_character(id[0]) || !id_character(id[len - 1]))
		return err_set(err, ERR_UNIT, 0,
			       "a registration ID must begin and end with a letter, a digit or -: %s", id);
	return 0;
}

static json_t *attestation_tpm(struct bytes ek, struct err *err)
{
	char text[BASE64_LEN(EK_MAX) + 1];
	json_t *json;

	if (ek.len > EK_MAX || base64_encode(ek, text, sizeof(text)) < 0) {
		(void)err_set(err, ERR_UNIT, 0, "an endorsement key of %zu bytes is none", ek.len);
		return NULL;
	}
	json = json_pack("{s:s, s:{s:s}}", "type", "tpm", "tpm", "endorsementKey", text);
	if (json == NULL)
		(void)err_set(err, ERR_STATION, 0, "out of memory for an enrollment");
	return json;
}

static json_t *attestation_x509(struct bytes pem, struct err *err)
{
	uint8_t thumbprint[SHA256_LEN];
	json_t *json;

	if (certificate_sha256(pem, thumbprint) < 0) {
		(void)err_set(err, ERR_UNIT, 0, "the enrollment needs exactly one PEM certificate");
		return NULL;
	}
	json = json_pack("{s:s, s:{s:{s:{s:s%}}}}", "type", "x509", "x509", "clientCertificates", "primary",
			 "certificate", (const char *)pem.p, pem.len);
	if (json == NULL)
		(void)err_set(err, ERR_UNIT, 0, "the certificate's PEM is not plain text");
	return json;
}

static json_t *attestation_symmetric(const struct secret *key, uint8_t ret_key_sha256[SHA256_LEN],
				     struct err *err)
{
	json_t *json;

	if (key->len < KEY_MIN || key->len > KEY_MAX) {
		(void)err_set(err, ERR_UNIT, 0, "a symmetric key has %d to %d bytes", KEY_MIN, KEY_MAX);
		return NULL;
	}
	json = json_pack("{s:s}", "type", "symmetricKey");
	if (json == NULL)
		(void)err_set(err, ERR_STATION, 0, "out of memory for an enrollment");
	else
		sha256(secret_bytes(key), ret_key_sha256);
	return json;
}

/* Writes the JSON into ret, whose maximum is the limit. */
static int dump(const json_t *json, struct buf *ret, struct err *err)
{
	size_t need = json_dumpb(json, NULL, 0, DUMP_FLAGS);
	uint8_t *to;

	buf_clear(ret);
	if (need == 0)
		return err_set(err, ERR_STATION, 0, "an enrollment could not be written as JSON");
	to = buf_reserve(ret, need);
	if (to == NULL)
		return err_set(err, ERR_UNIT, 0, "an enrollment of %zu bytes is too long to send", need);
	ret->len = json_dumpb(json, (char *)to, need, DUMP_FLAGS);
	return 0;
}

static json_t *attestation_of(const struct enroll_record *record, uint8_t ret_key_sha256[SHA256_LEN],
			      struct err *err)
{
	if (record->endorsement_key.p != NULL)
		return attestation_tpm(record->endorsement_key, err);
	if (record->certificate_pem.p != NULL)
		return attestation_x509(record->certificate_pem, err);
	return attestation_symmetric(record->symmetric_key, ret_key_sha256, err);
}

int payload_build(const struct enroll_record *record, struct buf *ret_json,
		  uint8_t ret_key_sha256[SHA256_LEN], bool *ret_has_key, struct err *err)
{
	int kinds = (record->endorsement_key.p != NULL) + (record->certificate_pem.p != NULL) +
		    (record->symmetric_key != NULL);
	CLEANUP(json_freep) json_t *json = NULL;
	json_t *attestation;

	if (kinds != 1)
		return err_set(err, ERR_BUG, 0, "an enrollment has one attestation, not %d", kinds);
	if (registration_id_check(record->registration_id, err) < 0 ||
	    (record->device_id != NULL && device_id_check(record->device_id, err) < 0))
		return -1;
	json = json_pack("{s:s, s:s*}", "registrationId", record->registration_id, "deviceId",
			 record->device_id);
	if (json == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory for an enrollment");
	if (terms_put(&record->terms, json, err) < 0)
		return err_wrap(err, "enrollment of %s", record->registration_id);
	attestation = attestation_of(record, ret_key_sha256, err);
	if (attestation == NULL)
		return -1;
	if (json_object_set_new(json, "attestation", attestation) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory for an enrollment");
	if (dump(json, ret_json, err) < 0)
		return -1;
	*ret_has_key = record->symmetric_key != NULL;
	return 0;
}

/* Every payload ends with the two braces of attestation and enrollment; the key goes before them. */
int payload_with_key(struct bytes payload, const struct secret *key, struct secret *ret_json, struct err *err)
{
	SECRET_AUTO text = { NULL, 0 };
	SECRET_AUTO json = { NULL, 0 };
	int n;

	if (payload.len < 2 || !bytes_equal(bytes_of(payload.p + payload.len - 2, 2), BYTES_LIT("}}")))
		return err_set(err, ERR_STATION, 0, "the outbox holds a payload that is no enrollment");
	if (secret_base64_encode(key, &text, err) < 0 ||
	    secret_new(payload.len + 2 * text.len + 80, &json, err) < 0)
		return -1;
	n = snprintf((char *)json.p, json.len,
		     "%.*s,\"symmetricKey\":{\"primaryKey\":\"%.*s\",\"secondaryKey\":\"%.*s\"}}}",
		     (int)(payload.len - 2), (const char *)payload.p, (int)text.len, (const char *)text.p,
		     (int)text.len, (const char *)text.p);
	if (n < 0 || (size_t)n >= json.len)
		return err_set(err, ERR_BUG, 0, "an enrollment with its key did not fit");
	json.len = (size_t)n;
	*ret_json = json;
	json = (struct secret){ NULL, 0 };
	return 0;
}
