/*
 * Signature algorithms are told by their whole AlgorithmIdentifier, parameters
 * included: what is not in the table (SHA-1, MD5, odd PSS parameters) is refused
 * without being looked into.
 */
#include "pki/pki_internal.h"

#include <openssl/rsa.h>

/* RFC 5758 3.2: parameters absent. */
static const uint8_t ecdsa_sha256[] = {
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02
};
static const uint8_t ecdsa_sha384[] = {
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03
};
/* RFC 4055 5: parameters NULL. */
static const uint8_t rsa_sha256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				      0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };
static const uint8_t rsa_sha384[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				      0xf7, 0x0d, 0x01, 0x01, 0x0c, 0x05, 0x00 };
static const uint8_t rsa_sha512[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				      0xf7, 0x0d, 0x01, 0x01, 0x0d, 0x05, 0x00 };
/* RFC 4055 3.1: SHA-256, MGF1 with SHA-256, salt of 32; the hash's parameters NULL, or absent (2.1 allows both). */
static const uint8_t pss_sha256[] = { 0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
				      0x0a, 0x30, 0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
				      0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a,
				      0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30,
				      0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
				      0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20 };
static const uint8_t pss_sha256_absent[] = { 0x30, 0x3d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
					     0x01, 0x0a, 0x30, 0x30, 0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60,
					     0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0xa1, 0x1a, 0x30,
					     0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
					     0x08, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
					     0x04, 0x02, 0x01, 0xa2, 0x03, 0x02, 0x01, 0x20 };

enum { ALG_ECDSA_SHA256, ALG_ECDSA_SHA384, ALG_RSA_SHA256, ALG_PSS_SHA256 };
static const struct signature_alg algs[] = {
	[ALG_ECDSA_SHA256] = { { ecdsa_sha256, sizeof(ecdsa_sha256) }, EVP_sha256, false, false },
	[ALG_ECDSA_SHA384] = { { ecdsa_sha384, sizeof(ecdsa_sha384) }, EVP_sha384, false, false },
	[ALG_RSA_SHA256] = { { rsa_sha256, sizeof(rsa_sha256) }, EVP_sha256, true, false },
	[ALG_PSS_SHA256] = { { pss_sha256, sizeof(pss_sha256) }, EVP_sha256, true, true },
	{ { pss_sha256_absent, sizeof(pss_sha256_absent) }, EVP_sha256, true, true },
	{ { rsa_sha384, sizeof(rsa_sha384) }, EVP_sha384, true, false },
	{ { rsa_sha512, sizeof(rsa_sha512) }, EVP_sha512, true, false },
};

const struct signature_alg *signature_alg_find(struct bytes der)
{
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (bytes_equal(algs[i].der, der))
			return &algs[i];
	return NULL;
}

const struct signature_alg *signature_alg_of(enum sign_alg alg, enum key_kind kind)
{
	switch (alg) {
	case SIGN_ECDSA_SHA256:
		return kind == KEY_P256 ? &algs[ALG_ECDSA_SHA256] : NULL;
	case SIGN_ECDSA_SHA384:
		return kind == KEY_P384 ? &algs[ALG_ECDSA_SHA384] : NULL;
	case SIGN_RSA_PKCS1_SHA256:
		return kind == KEY_RSA ? &algs[ALG_RSA_SHA256] : NULL;
	case SIGN_RSA_PSS_SHA256:
		return kind == KEY_RSA ? &algs[ALG_PSS_SHA256] : NULL;
	}
	return NULL;
}

static int use_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
			       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1
		       ? 0
		       : -1;
}

int signature_verify(const struct signature_alg *alg, const struct public_key *key, struct bytes message,
		     struct bytes sig, struct err *err)
{
	CLEANUP(md_ctx_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL; /* owned by md */

	if (alg->rsa != (key->kind == KEY_RSA))
		return err_set(err, ERR_UNIT, 0, "the signature algorithm is not one of the key's kind");
	if (md == NULL || EVP_DigestVerifyInit(md, &ctx, alg->md(), NULL, key->pkey) != 1 ||
	    (alg->pss && use_pss(ctx) < 0))
		return openssl_fail(err, ERR_STATION, "OpenSSL can't verify signatures of this kind");
	if (EVP_DigestVerify(md, sig.p, sig.len, message.p, message.len) != 1)
		return openssl_fail(err, ERR_UNIT, "the signature is not one by this key");
	return 0;
}

int device_signature_verify(const struct public_key *key, struct bytes message, struct bytes sig,
			    struct err *err)
{
	static const int by_kind[] = {
		[KEY_P256] = ALG_ECDSA_SHA256, [KEY_P384] = ALG_ECDSA_SHA384, [KEY_RSA] = ALG_RSA_SHA256
	};

	return signature_verify(&algs[by_kind[key->kind]], key, message, sig, err);
}
