/*
 * Keys for devices that can't make one. OpenSSL's encoders leave the private key
 * in freed memory, so the 121 bytes of an ECPrivateKey are written here, straight
 * onto the secure heap; OpenSSL keeps its own copy there too, and wipes it.
 */
#include "pki/pki_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

#define P256_SCALAR_LEN 32

/* ECPrivateKey (RFC 5915 3): version 1, privateKey, [0] prime256v1, [1] publicKey. */
static const uint8_t before_scalar[] = { 0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20 };
static const uint8_t between[] = { 0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
				   0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00 };
#define EC_PRIVATE_KEY_LEN (sizeof(before_scalar) + P256_SCALAR_LEN + sizeof(between) + P256_POINT_LEN)

static void bn_clear_freep(BIGNUM **bn)
{
	BN_clear_free(*bn);
}

/* The parameter is in the machine's byte order, so it goes through a BIGNUM of the secure heap. */
static int scalar_of(const EVP_PKEY *pkey, uint8_t out[P256_SCALAR_LEN], struct err *err)
{
	CLEANUP(bn_clear_freep) BIGNUM *scalar = BN_secure_new();
	SECRET_AUTO native = { NULL, 0 };
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end() };

	if (secret_new(P256_SCALAR_LEN, &native, err) < 0)
		return -1;
	params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native.p, native.len);
	if (scalar == NULL || EVP_PKEY_get_params(pkey, params) != 1 ||
	    OSSL_PARAM_get_BN(&params[0], &scalar) != 1 ||
	    BN_bn2binpad(scalar, out, P256_SCALAR_LEN) != P256_SCALAR_LEN)
		return openssl_fail(err, ERR_STATION, "the new key can't be read");
	return 0;
}

static int point_of(const EVP_PKEY *pkey, uint8_t out[P256_POINT_LEN], struct err *err)
{
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, out, P256_POINT_LEN, &n) != 1 ||
	    n != P256_POINT_LEN)
		return openssl_fail(err, ERR_STATION, "the new public key can't be read");
	return 0;
}

static int write_private(const EVP_PKEY *pkey, const uint8_t point[P256_POINT_LEN], struct secret *ret_key,
			 struct err *err)
{
	SECRET_AUTO key = { NULL, 0 };
	uint8_t *p;

	if (secret_new(EC_PRIVATE_KEY_LEN, &key, err) < 0)
		return -1;
	p = key.p;
	memcpy(p, before_scalar, sizeof(before_scalar));
	p += sizeof(before_scalar);
	if (scalar_of(pkey, p, err) < 0)
		return -1;
	p += P256_SCALAR_LEN;
	memcpy(p, between, sizeof(between));
	memcpy(p + sizeof(between), point, P256_POINT_LEN);
	*ret_key = key;
	key = (struct secret){ NULL, 0 };
	return 0;
}

static int sign(EVP_PKEY *pkey, struct bytes message, struct buf *ret_sig, struct err *err)
{
	CLEANUP(md_ctx_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sig[80]; /* ECDSA-Sig-Value of P-256 has at most 72 */
	size_t n = sizeof(sig);

	if (md == NULL || EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pkey) != 1 ||
	    EVP_DigestSign(md, sig, &n, message.p, message.len) != 1)
		return openssl_fail(err, ERR_STATION, "the new key can't sign its request");
	return buf_append(ret_sig, bytes_of(sig, n)) < 0 ? err_set(err, ERR_STATION, 0, "out of memory") : 0;
}

/* CertificationRequestInfo (RFC 2986 4.1): version 0, subject, key, no attributes. */
static int write_info(const char *cn, const uint8_t point[P256_POINT_LEN], struct buf *out, struct err *err)
{
	static const uint8_t version[] = { DER_INTEGER, 0x01, 0x00 };
	BUF_AUTO(info, 512);

	if (buf_append(&info, BYTES_ARRAY(version)) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (name_of_cn(cn, &info, err) < 0)
		return -1;
	if (p256_spki_put(point, &info) < 0 || der_put(&info, DER_CONTEXT(0), BYTES_NONE) < 0 ||
	    der_put(out, DER_SEQUENCE, buf_bytes(&info)) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

static int write_csr(EVP_PKEY *pkey, const char *cn, const uint8_t point[P256_POINT_LEN], struct buf *ret_csr,
		     struct err *err)
{
	const struct signature_alg *alg = signature_alg_of(SIGN_ECDSA_SHA256, KEY_P256);
	BUF_AUTO(content, 1024);
	BUF_AUTO(sig, 128);
	BUF_AUTO(csr, 1024);

	if (write_info(cn, point, &content, err) < 0 || sign(pkey, buf_bytes(&content), &sig, err) < 0)
		return -1;
	if (buf_append(&content, alg->der) < 0 || der_put_bits(&content, buf_bytes(&sig)) < 0 ||
	    der_put(&csr, DER_SEQUENCE, buf_bytes(&content)) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (buf_set(ret_csr, buf_bytes(&csr)) < 0)
		return err_set(err, ERR_BUG, 0, "the buffer for a CSR is too small");
	return 0;
}

int pki_key_make(const char *cn, struct secret *ret_key, struct buf *ret_csr, struct err *err)
{
	CLEANUP(pkey_freep) EVP_PKEY *pkey = NULL;
	SECRET_AUTO key = { NULL, 0 };
	uint8_t point[P256_POINT_LEN];

	if (pki_registration_id_check(cn, err) < 0)
		return -1;
	pkey = EVP_EC_gen("P-256");
	if (pkey == NULL)
		return openssl_fail(err, ERR_STATION, "OpenSSL can't make a key");
	if (point_of(pkey, point, err) < 0 || write_private(pkey, point, &key, err) < 0 ||
	    write_csr(pkey, cn, point, ret_csr, err) < 0)
		return -1;
	*ret_key = key;
	key = (struct secret){ NULL, 0 };
	return 0;
}
