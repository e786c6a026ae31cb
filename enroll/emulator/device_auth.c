/*
 * Who a device is (dps-api 5.2, 5.3): an individual enrollment of its ID decides
 * alone, be it disabled or of another kind than what the device shows; without
 * one it is the group that its certificates or its key lead to.
 */
#include "enroll/emulator/device_internal.h"

#include <strings.h>

#include <openssl/crypto.h>

#include "base/digest.h"
#include "base/encode.h"

#define TOKEN_NAME "registration"

int dps_device_token(const struct dps_call *call, struct dps_token *ret_token, struct err *err)
{
	const char *header = dps_request_header(call->req, "Authorization");
	char resource[DPS_TOKEN_FIELD], right[DPS_TOKEN_FIELD];
	struct dps_token token;

	if (header == NULL || dps_token_parse(header, &token) < 0)
		return dps_unauthorized(
			"there is no SharedAccessSignature with sr, sig, se and skn in Authorization", err);
	if (strcmp(token.skn, TOKEN_NAME) != 0)
		return dps_unauthorized("skn is not " TOKEN_NAME, err);
	if (str_format(right, sizeof(right), "%s/registrations/%s", call->conf->id_scope, call->id) < 0 ||
	    dps_percent_decode(bytes_str(token.sr), resource, sizeof(resource)) < 0 ||
	    strcasecmp(resource, right) != 0)
		return dps_unauthorized("sr is not {idScope}/registrations/{registrationId}", err);
	if (dps_token_expired(&token, call->req->at_ticks))
		return dps_unauthorized("the token has expired", err);
	*ret_token = token;
	return 0;
}

/* With derived_for the key of that device: HMAC-SHA256(group key, registration ID). */
static bool signed_by(const struct dps_token *token, const json_t *keys, const char *name,
		      const char *derived_for)
{
	const char *text = json_string_value(json_object_get(keys, name));
	uint8_t key[DPS_KEY_LEN], derived[SHA256_LEN];
	bool right = false;
	size_t n = 0;

	if (text == NULL || base64_decode(bytes_str(text), key, sizeof(key), &n) < 0)
		return false;
	if (derived_for != NULL) {
		hmac_sha256(bytes_of(key, n), bytes_str(derived_for), derived);
		right = dps_token_signed(token, BYTES_ARRAY(derived));
		OPENSSL_cleanse(derived, sizeof(derived));
	} else {
		right = dps_token_signed(token, bytes_of(key, n));
	}
	OPENSSL_cleanse(key, sizeof(key));
	return right;
}

static bool signed_by_either(const struct dps_token *token, const json_t *enrollment, const char *derived_for)
{
	const json_t *keys = json_object_get(json_object_get(enrollment, "attestation"), "symmetricKey");

	return signed_by(token, keys, "primaryKey", derived_for) ||
	       signed_by(token, keys, "secondaryKey", derived_for);
}

int dps_symmetric_check(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	struct dps_token token;

	if (dps_device_token(call, &token, err) < 0)
		return -1;
	if (!signed_by_either(&token, device->enrollment, NULL))
		return dps_unauthorized("sig fits neither key of the enrollment", err);
	return 0;
}

int dps_symmetric_group(const struct dps_call *call, json_t **ret_group, struct err *err)
{
	const struct dps_record *record = dps_store_after(call->store, DPS_GROUPS, 0);
	struct dps_token token;

	if (dps_device_token(call, &token, err) < 0)
		return -1;
	for (; record != NULL; record = dps_store_after(call->store, DPS_GROUPS, record->seq)) {
		CLEANUP(json_freep) json_t *group = json_loads(record->text, 0, NULL);

		if (signed_by_either(&token, group, call->id)) {
			*ret_group = group;
			group = NULL;
			return 0;
		}
	}
	return dps_unauthorized("sig fits no key that derives from a group's", err);
}

static const struct proof {
	const char *type;
	int (*check)(const struct dps_call *call, struct dps_device *device, struct err *err);
} proofs[] = {
	{ "symmetricKey", dps_symmetric_check },
	{ "x509", dps_x509_check },
	{ "tpm", dps_tpm_check },
};

static int check_individual(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(proofs); i++) {
		if (strcmp(proofs[i].type, device->type) == 0)
			return proofs[i].check(call, device, err);
	}
	return dps_unauthorized("the enrollment's attestation is of no known kind", err);
}

static int find_group(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	if (dps_request_header(call->req, "Authorization") != NULL)
		return dps_symmetric_group(call, &device->enrollment, err);
	if (call->req->chain_n > 0)
		return dps_x509_group(call, &device->enrollment, err);
	if (json_object_get(device->body, "tpm") != NULL)
		return err_set(err, ERR_UNIT, DPS_NO_ENROLLMENT, "Enrollment not found.");
	return dps_unauthorized("the device shows neither a token nor a certificate", err);
}

static int load_record(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	char now[DPS_TIME_LEN + 1];

	if (dps_record_load(call->store, DPS_REGISTRATIONS, call->id, &device->record, err) < 0)
		return -1;
	if (device->record != NULL)
		return 0;
	dps_time_text(call->req->at_ticks, now);
	device->record = json_pack("{s:s, s:s, s:s}", "registrationId", call->id, "createdDateTimeUtc", now,
				   "status", "unassigned");
	return device->record != NULL ? 0 : err_set(err, ERR_STATION, 0, "no memory");
}

int dps_device_identify(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	if (dps_record_load(call->store, DPS_ENROLLMENTS, call->id, &device->enrollment, err) < 0)
		return -1;
	device->individual = device->enrollment != NULL;
	if (!device->individual && find_group(call, device, err) < 0)
		return -1;
	device->type = json_string_value(
		json_object_get(json_object_get(device->enrollment, "attestation"), "type"));
	if (load_record(call, device, err) < 0)
		return -1;
	return device->individual ? check_individual(call, device, err) : 0;
}

void dps_device_deinit(struct dps_device *device)
{
	json_decref(device->body);
	json_decref(device->enrollment);
	json_decref(device->record);
}
