/*
 * The device API (dps-api 5): who a device is, where it belongs, and what the
 * service remembers of it. Private to the folder and its tests.
 *
 * A record of DPS_REGISTRATIONS holds "registrationId", "etag", the two times,
 * "attestation" (its type), "enrollmentGroupId" for a group's device, "status"
 * with "errorCode" and "errorMessage" of a failure; "assignment" (assignedHub,
 * deviceId, substatus) and "initialTwin" once it belongs to a hub; "operationId"
 * and "pollsLeft" of its last call; "window" of its polls; and for a TPM "tpm"
 * with the key it was given last and the blob of its hub key.
 */
#ifndef DEVICE_INTERNAL_H
#define DEVICE_INTERNAL_H

#include "enroll/emulator/dps_internal.h"

/* --- Handlers ------------------------------------------------------------------------------------------- */

MUST_USE int dps_register(struct dps_call *call, struct err *err);
MUST_USE int dps_register_status(struct dps_call *call, struct err *err);
MUST_USE int dps_register_lookup(struct dps_call *call, struct err *err);
MUST_USE int dps_registration_get(struct dps_call *call, struct err *err);
MUST_USE int dps_registration_delete(struct dps_call *call, struct err *err);
MUST_USE int dps_registration_query(struct dps_call *call, struct err *err);

/* --- Who is calling --------------------------------------------------------------------------------------- */

struct dps_device {
	json_t *body;       /* what it sent; NULL if nothing                      */
	json_t *enrollment; /* the record that decides                            */
	bool individual;
	const char *type; /* of its attestation, inside enrollment              */
	json_t *record;   /* its registration; a new one if it has none yet     */
	bool challenge;   /* a TPM without a token: it gets its key in a 401    */
};

/*
 * Fills device, whose body is set: the individual enrollment of this ID decides,
 * else a group that its chain or its key leads to (5.3). 401002, 400004, 404201.
 */
MUST_USE int dps_device_identify(const struct dps_call *call, struct dps_device *device, struct err *err);
void dps_device_deinit(struct dps_device *device);

/* The Authorization header of a device: resource, name and time are right. The signature is still to be checked. */
MUST_USE int dps_device_token(const struct dps_call *call, struct dps_token *ret_token, struct err *err);
MUST_USE int dps_symmetric_check(const struct dps_call *call, struct dps_device *device, struct err *err);
/* The first symmetric group whose key the token's key derives from; *ret_group stays NULL if there is none. */
MUST_USE int dps_symmetric_group(const struct dps_call *call, json_t **ret_group, struct err *err);

/* The leaf is the enrolled one (primary or secondary), valid now, and named like the registration. */
MUST_USE int dps_x509_check(const struct dps_call *call, struct dps_device *device, struct err *err);
/* The group whose certificate is nearest to the leaf; the chain up to it is verified. */
MUST_USE int dps_x509_group(const struct dps_call *call, json_t **ret_group, struct err *err);

/* The endorsement key is the enrolled one; the token is signed by the key that the TPM was given. */
MUST_USE int dps_tpm_check(const struct dps_call *call, struct dps_device *device, struct err *err);
/* Makes a key for the device, remembers it, and writes the 401 that carries it. */
MUST_USE int dps_tpm_challenge(struct dps_call *call, struct dps_device *device, struct err *err);
/* The key to its hub, wrapped for the same TPM: what the final answer carries. */
MUST_USE int dps_tpm_hub_key(struct dps_device *device, struct err *err);

/* --- Activation blobs (7.3) -------------------------------------------------------------------------------- */

#define TPM_EK_LEN   316
#define TPM_SRK_LEN  284
#define TPM_KEY_LEN  32
#define TPM_BLOB_LEN 766
#define TPM_SEED_LEN 32
#define TPM_WRAP_LEN 16

/* What is random in a blob; fixed values make the rest of it fixed, but for the padding of RSA-OAEP. */
struct tpm_blob_seeds {
	uint8_t credential[TPM_SEED_LEN], duplication[TPM_SEED_LEN], obfuscation[TPM_SEED_LEN];
	uint8_t inner_key[TPM_WRAP_LEN];
};

/* base64 of a TPM2B_PUBLIC of an RSA-2048 storage key with AES-128-CFB; -1 for anything else. */
MUST_USE int tpm_srk_parse(const char *text, uint8_t ret_srk[TPM_SRK_LEN]);
/* Wraps key for the TPM that has both keys, TPM2B_PUBLIC each. 400004 if OpenSSL can't use one of them. */
MUST_USE int tpm_blob_make(const uint8_t ek[TPM_EK_LEN], const uint8_t srk[TPM_SRK_LEN],
			   const uint8_t key[TPM_KEY_LEN], const struct tpm_blob_seeds *seeds,
			   uint8_t ret_blob[TPM_BLOB_LEN], struct err *err);

/* --- Where it belongs ---------------------------------------------------------------------------------------- */

/* Status, hub and substatus by the enrollment's policies (5.6). A failure to allocate is a status, too. */
MUST_USE int dps_assign(const struct dps_call *call, struct dps_device *device, struct err *err);

/* --- Records -------------------------------------------------------------------------------------------------- */

/* Etag and time anew, and into the store. */
MUST_USE int dps_registration_save(struct dps_call *call, const struct dps_device *device, struct err *err);
/* DeviceRegistrationState (1.3). NULL without memory. */
json_t *dps_registration_state(const json_t *record);
/* The record of an ID as JSON; *ret_doc stays NULL if there is none. */
MUST_USE int dps_record_load(const struct dps_store *store, enum dps_table table, const char *id,
			     json_t **ret_doc, struct err *err);

#endif
