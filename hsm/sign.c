/*
 * Signing and HMAC with a key's cached handle: C_SignInit and C_Sign, nothing
 * else. Messages are hashed here, because a P-256 signature in a token takes a
 * digest anyway and SoftHSM offers CKM_ECDSA alone.
 */
#include "hsm/hsm_internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define DIGEST_MAX 48
#define SIG_MAX    HSM_RSA_MAX

/* DigestInfo of SHA-256 up to the digest (RFC 8017 9.2, note 1). */
static const uint8_t digest_info_sha256[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
					      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

/* What goes to the token: mechanism and input. */
struct sign_input {
	CK_MECHANISM mechanism;
	CK_RSA_PKCS_PSS_PARAMS pss;
	uint8_t data[sizeof(digest_info_sha256) + DIGEST_MAX];
	size_t data_len;
};

enum sign_alg hsm_key_default_alg(const struct hsm_key *key)
{
	switch (key->type) {
	case HSM_KEY_EC_P256:
		return SIGN_ECDSA_SHA256;
	case HSM_KEY_EC_P384:
		return SIGN_ECDSA_SHA384;
	case HSM_KEY_RSA_2048:
	case HSM_KEY_RSA_3072:
	case HSM_KEY_RSA_4096:
		return SIGN_RSA_PKCS1_SHA256;
	case HSM_KEY_HMAC:
		break;
	}
	/* An HMAC key has none: hsm_key_sign refuses it whatever is asked. */
	return SIGN_ECDSA_SHA256;
}

static size_t signature_len(enum hsm_key_type type)
{
	switch (type) {
	case HSM_KEY_EC_P256:
		return 64;
	case HSM_KEY_EC_P384:
		return 96;
	case HSM_KEY_RSA_2048:
		return 256;
	case HSM_KEY_RSA_3072:
		return 384;
	case HSM_KEY_RSA_4096:
		return 512;
	case HSM_KEY_HMAC:
		break;
	}
	return SHA256_LEN;
}

static bool fits(enum hsm_key_type type, enum sign_alg alg)
{
	switch (alg) {
	case SIGN_ECDSA_SHA256:
		return type == HSM_KEY_EC_P256;
	case SIGN_ECDSA_SHA384:
		return type == HSM_KEY_EC_P384;
	case SIGN_RSA_PKCS1_SHA256:
	case SIGN_RSA_PSS_SHA256:
		return type == HSM_KEY_RSA_2048 || type == HSM_KEY_RSA_3072 || type == HSM_KEY_RSA_4096;
	}
	return false;
}

static void digest_sha384(struct bytes message, uint8_t out[DIGEST_MAX])
{
	unsigned n = 0;

	base_assert(EVP_Digest(message.p, message.len, out, &n, EVP_sha384(), NULL) == 1 && n == DIGEST_MAX);
}

static void prepare(enum sign_alg alg, struct bytes message, struct sign_input *in)
{
	in->data_len = SHA256_LEN;
	switch (alg) {
	case SIGN_ECDSA_SHA256:
		in->mechanism = (CK_MECHANISM){ CKM_ECDSA, NULL, 0 };
		sha256(message, in->data);
		break;
	case SIGN_ECDSA_SHA384:
		in->mechanism = (CK_MECHANISM){ CKM_ECDSA, NULL, 0 };
		digest_sha384(message, in->data);
		in->data_len = DIGEST_MAX;
		break;
	case SIGN_RSA_PKCS1_SHA256:
		in->mechanism = (CK_MECHANISM){ CKM_RSA_PKCS, NULL, 0 };
		memcpy(in->data, digest_info_sha256, sizeof(digest_info_sha256));
		sha256(message, in->data + sizeof(digest_info_sha256));
		in->data_len = sizeof(digest_info_sha256) + SHA256_LEN;
		break;
	case SIGN_RSA_PSS_SHA256:
		in->pss = (CK_RSA_PKCS_PSS_PARAMS){ CKM_SHA256, CKG_MGF1_SHA256, SHA256_LEN };
		in->mechanism = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &in->pss, sizeof(in->pss) };
		sha256(message, in->data);
		break;
	}
}

/* Both calls of one signature; out holds SIG_MAX. The key is ready. */
static int token_sign(struct hsm_key *key, CK_MECHANISM *mechanism, struct bytes data, uint8_t *out,
		      struct err *err)
{
	CK_FUNCTION_LIST *p11 = key->session->hsm->p11;
	CK_ULONG n = SIG_MAX;
	CK_RV rv = p11->C_SignInit(key->session->handle, mechanism, key->object);

	if (rv != CKR_OK)
		return hsm_session_failed(key->session, rv, "C_SignInit", err);
	rv = p11->C_Sign(key->session->handle, ck_bytes(data.p), data.len, out, &n);
	if (rv != CKR_OK)
		return hsm_session_failed(key->session, rv, "C_Sign", err);
	if (n != signature_len(key->type))
		return err_set(err, ERR_STATION, 0, "C_Sign: a signature of %lu bytes; %zu were due", n,
			       signature_len(key->type));
	return 0;
}

/* r and s of equal length become ECDSA-Sig-Value (RFC 3279 2.2.3). */
static int ecdsa_der(struct bytes raw, struct buf *ret_sig, struct err *err)
{
	uint8_t room[2 * (2 + 1 + DIGEST_MAX)];
	struct buf numbers = { room, 0, sizeof(room), sizeof(room) };
	uint8_t sig_room[sizeof(room) + 3];
	struct buf sig = { sig_room, 0, sizeof(sig_room), sizeof(sig_room) };
	size_t half = raw.len / 2;

	if (der_uint(&numbers, bytes_of(raw.p, half)) < 0 ||
	    der_uint(&numbers, bytes_of(raw.p + half, half)) < 0 ||
	    der_tlv(&sig, 0x30, buf_bytes(&numbers)) < 0)
		return err_set(err, ERR_BUG, 0, "an ECDSA signature of %zu bytes did not fit", raw.len);
	if (buf_set(ret_sig, buf_bytes(&sig)) < 0)
		return err_set(err, ERR_BUG, 0, "no room for a signature of %zu bytes", sig.len);
	return 0;
}

int hsm_key_sign(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig, struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	struct hsm_key *signer = key;
	uint8_t sig[SIG_MAX];
	struct sign_input in;
	struct bytes raw;

	if (signer->type == HSM_KEY_HMAC)
		return err_set(err, ERR_OPERATOR, 0,
			       "key %.100s is an HMAC key and can't sign; name a key pair", signer->uri);
	if (!fits(signer->type, alg))
		return err_set(err, ERR_BUG, 0, "signature algorithm %d does not fit the key %.100s",
			       (int)alg, signer->uri);
	if (hsm_enter(signer->session->hsm, &inside, err) < 0 || hsm_key_ready(signer, err) < 0)
		return -1;
	prepare(alg, message, &in);
	if (token_sign(signer, &in.mechanism, bytes_of(in.data, in.data_len), sig, err) < 0)
		return -1;
	raw = bytes_of(sig, signature_len(signer->type));
	if (alg == SIGN_ECDSA_SHA256 || alg == SIGN_ECDSA_SHA384)
		return ecdsa_der(raw, ret_sig, err);
	if (buf_set(ret_sig, raw) < 0)
		return err_set(err, ERR_BUG, 0, "no room for a signature of %zu bytes", raw.len);
	return 0;
}

/* A MAC may be a device's key: it leaves nothing on the stack. */
struct mac_room {
	uint8_t bytes[SIG_MAX];
};

static void mac_room_wipe(struct mac_room *room)
{
	OPENSSL_cleanse(room->bytes, sizeof(room->bytes));
}

int hsm_key_mac(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	CK_MECHANISM mechanism = { CKM_SHA256_HMAC, NULL, 0 };
	CLEANUP(mac_room_wipe) struct mac_room mac;
	struct hsm_key *macer = key;

	if (macer->type != HSM_KEY_HMAC)
		return err_set(err, ERR_OPERATOR, 0, "key %.100s is a key pair; name a secret key for HMAC",
			       macer->uri);
	if (hsm_enter(macer->session->hsm, &inside, err) < 0 || hsm_key_ready(macer, err) < 0)
		return -1;
	/* Modules refuse a NULL input even when it is empty. */
	if (message.p == NULL)
		message = bytes_of("", 0);
	if (token_sign(macer, &mechanism, message, mac.bytes, err) < 0)
		return -1;
	memcpy(ret_mac, mac.bytes, SHA256_LEN);
	return 0;
}
