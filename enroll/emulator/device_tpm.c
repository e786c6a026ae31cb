/*
 * Devices with a TPM (dps-api 5.4). The first call carries no token: its 401 hands
 * over a key that only this TPM can load, and the call is repeated with a token by
 * that key. Each challenge makes a new one; the last counts.
 */
#include "enroll/emulator/device_internal.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/encode.h"

static const json_t *enrolled_tpm(const struct dps_device *device)
{
	return json_object_get(json_object_get(device->enrollment, "attestation"), "tpm");
}

static int ek_decode(const json_t *tpm, uint8_t ret_ek[TPM_EK_LEN])
{
	const char *text = json_string_value(json_object_get(tpm, "endorsementKey"));
	size_t n = 0;

	if (text == NULL || base64_decode(bytes_str(text), ret_ek, TPM_EK_LEN, &n) < 0 || n != TPM_EK_LEN)
		return -1;
	return 0;
}

static int ek_check(const struct dps_device *device, struct err *err)
{
	uint8_t sent[TPM_EK_LEN], enrolled[TPM_EK_LEN];

	if (ek_decode(json_object_get(device->body, "tpm"), sent) < 0 ||
	    ek_decode(enrolled_tpm(device), enrolled) < 0 ||
	    !bytes_equal(BYTES_ARRAY(sent), BYTES_ARRAY(enrolled)))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST,
			       "Endorsement key is invalid, or does not match the Enrollment.");
	return 0;
}

int dps_tpm_check(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	const char *issued =
		json_string_value(json_object_get(json_object_get(device->record, "tpm"), "issuedKey"));
	uint8_t key[TPM_KEY_LEN];
	struct dps_token token;
	size_t n = 0;

	if (device->body != NULL && ek_check(device, err) < 0)
		return -1;
	if (device->body != NULL && dps_request_header(call->req, "Authorization") == NULL) {
		device->challenge = true;
		return 0;
	}
	if (dps_device_token(call, &token, err) < 0)
		return -1;
	if (issued == NULL || base64_decode(bytes_str(issued), key, sizeof(key), &n) < 0 ||
	    !dps_token_signed(&token, bytes_of(key, n)))
		return dps_unauthorized("sig does not fit the key that the TPM was given last", err);
	return 0;
}

/* What the device sends counts; an enrollment may have it, too. */
static int srk_find(const struct dps_device *device, uint8_t ret_srk[TPM_SRK_LEN], struct err *err)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(device->body, "tpm"), "storageRootKey"));

	if (text == NULL)
		text = json_string_value(json_object_get(enrolled_tpm(device), "storageRootKey"));
	if (text == NULL || tpm_srk_parse(text, ret_srk) < 0)
		return err_set(
			err, ERR_UNIT, DPS_BAD_REQUEST,
			"Storage root key is invalid: it has to be base64 of the whole TPM2B_PUBLIC of "
			"an RSA-2048 storage key with AES-128-CFB.");
	return 0;
}

struct issue {
	char key[BASE64_LEN(TPM_KEY_LEN) + 1];
	char blob[BASE64_LEN(TPM_BLOB_LEN) + 1];
};

/* A new key, and the same wrapped for the device's TPM. */
static int issue_key(const struct dps_device *device, struct issue *ret, struct err *err)
{
	uint8_t ek[TPM_EK_LEN], srk[TPM_SRK_LEN], key[TPM_KEY_LEN], blob[TPM_BLOB_LEN];
	struct tpm_blob_seeds seeds;
	int rc;

	if (ek_decode(enrolled_tpm(device), ek) < 0)
		return err_set(err, ERR_STATION, 0, "an enrolled endorsement key can't be read");
	if (srk_find(device, srk, err) < 0)
		return -1;
	if (RAND_bytes(key, sizeof(key)) != 1 || RAND_bytes((uint8_t *)&seeds, sizeof(seeds)) != 1)
		return err_set(err, ERR_STATION, 0, "no random numbers");
	rc = tpm_blob_make(ek, srk, key, &seeds, blob, err);
	if (rc == 0) {
		(void)!base64_encode(BYTES_ARRAY(key), ret->key, sizeof(ret->key));
		(void)!base64_encode(BYTES_ARRAY(blob), ret->blob, sizeof(ret->blob));
	}
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(&seeds, sizeof(seeds));
	return rc;
}

int dps_tpm_challenge(struct dps_call *call, struct dps_device *device, struct err *err)
{
	struct issue issue;

	if (issue_key(device, &issue, err) < 0)
		return -1;
	if (json_object_set_new(device->record, "tpm", json_pack("{s:s}", "issuedKey", issue.key)) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	if (dps_registration_save(call, device, err) < 0)
		return -1;
	dps_response_challenge(call->res, "registration", issue.blob, call->req->at_ticks);
	return 0;
}

int dps_tpm_hub_key(struct dps_device *device, struct err *err)
{
	json_t *tpm = json_object_get(device->record, "tpm");
	struct issue issue;

	if (issue_key(device, &issue, err) < 0)
		return -1;
	if (json_object_set_new(tpm, "authenticationKey", json_string(issue.blob)) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	return 0;
}
