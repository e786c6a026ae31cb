/*
 * Activation blobs (dps-api 7.3): a key wrapped so that only the TPM with this
 * endorsement key and this storage key can load it. MakeCredential hands over the
 * inner wrapping key, Duplicate the key itself (TPM 2.0 Part 1, 23.3 and 24). The
 * loaded key carries noDA, without which a fresh TPM refuses its first use.
 */
#include "enroll/emulator/device_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/digest.h"
#include "base/encode.h"

#define MODULUS_LEN         256
#define NAME_LEN            (2 + SHA256_LEN)
#define AES_BLOCK           16
#define ALG_KEYEDHASH       0x0008
#define ALG_SHA256          0x000b
#define ALG_HMAC            0x0005
#define ID_KEY_BITS         0x00040440 /* sign, noDA, userWithAuth */
#define SENSITIVE_LEN       (2 + 2 + 2 + 2 + TPM_SEED_LEN + 2 + TPM_KEY_LEN)
#define PUBLIC_LEN          48
#define RSA_PUBLIC_EXPONENT 65537

DEFINE_CLEANUP(pkey_freep, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(pkey_ctx_freep, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(cipher_ctx_freep, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(param_bld_freep, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(params_freep, OSSL_PARAM, OSSL_PARAM_free)
DEFINE_CLEANUP(bn_freep, BIGNUM, BN_free)

/* size, RSA, SHA-256, attributes, no policy, AES-128-CFB, no scheme, 2048, exponent, 256 */
static const uint8_t srk_prefix[28] = {
	0x01, 0x1a, 0x00, 0x01, 0x00, 0x0b, 0x00, 0x03, 0x04, 0x72, 0x00, 0x00, 0x00, 0x06,
	0x00, 0x80, 0x00, 0x43, 0x00, 0x10, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
};

int tpm_srk_parse(const char *text, uint8_t ret_srk[TPM_SRK_LEN])
{
	/* noDA alone may differ: SDKs make their storage key with it, others without. */
	static const size_t attributes_low = 8;
	uint8_t raw[TPM_SRK_LEN], seen[sizeof(srk_prefix)];
	size_t n = 0;

	if (base64_decode(bytes_str(text), raw, sizeof(raw), &n) < 0 || n != sizeof(raw))
		return -1;
	memcpy(seen, raw, sizeof(seen));
	seen[attributes_low] |= 0x04;
	if (!bytes_equal(BYTES_ARRAY(seen), BYTES_ARRAY(srk_prefix)))
		return -1;
	memcpy(ret_srk, raw, sizeof(raw));
	return 0;
}

/* The name of an object: its hash algorithm and the digest of its TPMT_PUBLIC. */
static void name_of(struct bytes public_area, uint8_t ret_name[NAME_LEN])
{
	ret_name[0] = ALG_SHA256 >> 8;
	ret_name[1] = ALG_SHA256 & 0xff;
	sha256(public_area, ret_name + 2);
}

/* KDFa of Part 1, 11.4.10.2 for up to 256 bits: one round of the counter. */
static int kdfa(const uint8_t seed[TPM_SEED_LEN], const char *label, struct bytes party, uint32_t bits,
		uint8_t *out)
{
	BUF_AUTO(message, 128);
	uint8_t mac[SHA256_LEN];

	if (buf_append_u32(&message, 1) < 0 || buf_append(&message, bytes_of(label, strlen(label) + 1)) < 0 ||
	    buf_append(&message, party) < 0 || buf_append_u32(&message, bits) < 0)
		return -1;
	hmac_sha256(bytes_of(seed, TPM_SEED_LEN), buf_bytes(&message), mac);
	memcpy(out, mac, bits / 8);
	return 0;
}

/* AES-128-CFB with IV 0, in place. */
static int encrypt(const uint8_t key[AES_BLOCK], struct buf *data, size_t from)
{
	static const uint8_t iv[AES_BLOCK] = { 0 };
	CLEANUP(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = (int)(data->len - from), n = 0;

	if (ctx == NULL || EVP_EncryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, iv) != 1 ||
	    EVP_EncryptUpdate(ctx, data->p + from, &n, data->p + from, len) != 1 || n != len)
		return -1;
	return 0;
}

/* The key whose modulus ends the TPM2B_PUBLIC. */
static EVP_PKEY *rsa_key(struct bytes tpm2b_public)
{
	const uint8_t *modulus = tpm2b_public.p + tpm2b_public.len - MODULUS_LEN;
	CLEANUP(bn_freep) BIGNUM *n = BN_bin2bn(modulus, MODULUS_LEN, NULL);
	CLEANUP(param_bld_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	CLEANUP(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	CLEANUP(params_freep) OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (n == NULL || bld == NULL || ctx == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_ulong(bld, OSSL_PKEY_PARAM_RSA_E, RSA_PUBLIC_EXPONENT) != 1)
		return NULL;
	params = OSSL_PARAM_BLD_to_param(bld);
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

/* Appends TPM2B_ENCRYPTED_SECRET: OAEP with SHA-256; the label's NUL is part of it. */
static int append_secret(struct buf *out, struct bytes to, const char *label,
			 const uint8_t seed[TPM_SEED_LEN])
{
	CLEANUP(pkey_freep) EVP_PKEY *key = rsa_key(to);
	CLEANUP(pkey_ctx_freep) EVP_PKEY_CTX *ctx = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t n = MODULUS_LEN;
	char *owned = OPENSSL_strdup(label);
	uint8_t *at;

	if (ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1 || owned == NULL ||
	    EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, owned, (int)strlen(label) + 1) != 1) {
		OPENSSL_free(owned);
		return -1;
	}
	if (buf_append_u16(out, MODULUS_LEN) < 0)
		return -1;
	at = buf_reserve(out, MODULUS_LEN);
	if (at == NULL || EVP_PKEY_encrypt(ctx, at, &n, seed, TPM_SEED_LEN) != 1 || n != MODULUS_LEN)
		return -1;
	out->len += n;
	return 0;
}

/* Appends a TPM2B of TPM2B(HMAC(data || name)) and data, which is encrypted here: Part 1, 24.4 and 23.3.2.3. */
static int append_sealed(struct buf *out, struct buf *data, const uint8_t seed[TPM_SEED_LEN],
			 const uint8_t name[NAME_LEN])
{
	uint8_t cipher_key[AES_BLOCK], mac_key[SHA256_LEN], mac[SHA256_LEN];
	BUF_AUTO(sealed, 256);

	if (kdfa(seed, "STORAGE", bytes_of(name, NAME_LEN), 8 * AES_BLOCK, cipher_key) < 0 ||
	    kdfa(seed, "INTEGRITY", BYTES_NONE, 8 * SHA256_LEN, mac_key) < 0 ||
	    encrypt(cipher_key, data, 0) < 0 || buf_append(&sealed, buf_bytes(data)) < 0 ||
	    buf_append(&sealed, bytes_of(name, NAME_LEN)) < 0)
		return -1;
	hmac_sha256(BYTES_ARRAY(mac_key), buf_bytes(&sealed), mac);
	if (buf_append_u16(out, (uint16_t)(2 + SHA256_LEN + data->len)) < 0 ||
	    buf_append_u16(out, SHA256_LEN) < 0 || buf_append(out, BYTES_ARRAY(mac)) < 0 ||
	    buf_append(out, buf_bytes(data)) < 0)
		return -1;
	return 0;
}

static int append_tpm2b(struct buf *out, struct bytes content)
{
	return buf_append_u16(out, (uint16_t)content.len) < 0 ? -1 : buf_append(out, content);
}

/* TPM2B_ID_OBJECT and the secret that opens it: the inner key for the one who has this EK and SRK. */
static int append_credential(struct buf *out, const uint8_t ek[TPM_EK_LEN], const uint8_t srk[TPM_SRK_LEN],
			     const struct tpm_blob_seeds *seeds)
{
	BUF_AUTO(inner, 64);
	uint8_t srk_name[NAME_LEN];

	name_of(bytes_of(srk + 2, TPM_SRK_LEN - 2), srk_name);
	if (append_tpm2b(&inner, BYTES_ARRAY(seeds->inner_key)) < 0 ||
	    append_sealed(out, &inner, seeds->credential, srk_name) < 0)
		return -1;
	return append_secret(out, bytes_of(ek, TPM_EK_LEN), "IDENTITY", seeds->credential);
}

/* TPMT_PUBLIC of a keyed-hash key for HMAC-SHA256. */
static int id_key_public(const uint8_t key[TPM_KEY_LEN], const struct tpm_blob_seeds *seeds, struct buf *out)
{
	uint8_t unique[SHA256_LEN];

	sha256_two(BYTES_ARRAY(seeds->obfuscation), bytes_of(key, TPM_KEY_LEN), unique);
	if (buf_append_u16(out, ALG_KEYEDHASH) < 0 || buf_append_u16(out, ALG_SHA256) < 0 ||
	    buf_append_u32(out, ID_KEY_BITS) < 0 || append_tpm2b(out, BYTES_NONE) < 0 ||
	    buf_append_u16(out, ALG_HMAC) < 0 || buf_append_u16(out, ALG_SHA256) < 0)
		return -1;
	return append_tpm2b(out, BYTES_ARRAY(unique));
}

/* TPM2B_SENSITIVE: type, no authorization value, obfuscation, key. */
static int id_key_sensitive(const uint8_t key[TPM_KEY_LEN], const struct tpm_blob_seeds *seeds,
			    struct buf *out)
{
	if (buf_append_u16(out, SENSITIVE_LEN - 2) < 0 || buf_append_u16(out, ALG_KEYEDHASH) < 0 ||
	    append_tpm2b(out, BYTES_NONE) < 0 || append_tpm2b(out, BYTES_ARRAY(seeds->obfuscation)) < 0)
		return -1;
	return append_tpm2b(out, bytes_of(key, TPM_KEY_LEN));
}

/* The key under two wraps: the inner by the credential's key, the outer for the SRK. */
static int append_duplicate(struct buf *out, const uint8_t srk[TPM_SRK_LEN], const uint8_t key[TPM_KEY_LEN],
			    const struct tpm_blob_seeds *seeds, struct bytes public_area)
{
	BUF_AUTO(sensitive, 128);
	BUF_AUTO(wrapped, 256);
	uint8_t name[NAME_LEN], digest[SHA256_LEN];

	name_of(public_area, name);
	if (id_key_sensitive(key, seeds, &sensitive) < 0)
		return -1;
	sha256_two(buf_bytes(&sensitive), BYTES_ARRAY(name), digest);
	if (append_tpm2b(&wrapped, BYTES_ARRAY(digest)) < 0 ||
	    buf_append(&wrapped, buf_bytes(&sensitive)) < 0 || encrypt(seeds->inner_key, &wrapped, 0) < 0 ||
	    append_sealed(out, &wrapped, seeds->duplication, name) < 0)
		return -1;
	return append_secret(out, bytes_of(srk, TPM_SRK_LEN), "DUPLICATE", seeds->duplication);
}

int tpm_blob_make(const uint8_t ek[TPM_EK_LEN], const uint8_t srk[TPM_SRK_LEN],
		  const uint8_t key[TPM_KEY_LEN], const struct tpm_blob_seeds *seeds,
		  uint8_t ret_blob[TPM_BLOB_LEN], struct err *err)
{
	BUF_AUTO(public_area, PUBLIC_LEN);
	BUF_AUTO(blob, TPM_BLOB_LEN);
	int rc = id_key_public(key, seeds, &public_area);

	if (rc == 0)
		rc = append_credential(&blob, ek, srk, seeds);
	if (rc == 0)
		rc = append_duplicate(&blob, srk, key, seeds, buf_bytes(&public_area));
	if (rc == 0)
		rc = append_tpm2b(&blob, buf_bytes(&public_area));
	if (rc == 0)
		rc = append_tpm2b(&blob, BYTES_NONE); /* encUriData */
	ERR_clear_error();
	if (rc < 0 || blob.len != TPM_BLOB_LEN)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST,
			       "The endorsement key or the storage root key can't be used.");
	memcpy(ret_blob, blob.p, TPM_BLOB_LEN);
	return 0;
}
