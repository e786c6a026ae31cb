/*
 * pki/credential.c, opened again by a TPM2_ActivateCredential in software that
 * takes its key derivations from OpenSSL's EVP_KDF, not from the code under test.
 */
#include "make.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>

#include "vectors.h"

static const uint8_t secret[PKI_CREDENTIAL_SECRET_LEN] = "thirty-two bytes of a challenge";

static void run_kdf(const char *name, const OSSL_PARAM *params, uint8_t *out, size_t n)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	assert_int_equal(EVP_KDF_derive(ctx, out, n, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* KDFa is SP 800-108 in counter mode: KBKDF with HMAC. */
static void openssl_kdfa(const uint8_t *seed, const char *label, struct bytes context, uint8_t *out, size_t n)
{
	uint8_t key[32], info[64];
	char text[16], mac[] = "HMAC", digest[] = "SHA256";
	OSSL_PARAM params[6];

	memcpy(key, seed, sizeof(key));
	assert_true(context.len <= sizeof(info));
	if (context.len > 0)
		memcpy(info, context.p, context.len);
	assert_int_equal(str_format(text, sizeof(text), "%s", label), 0);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof(key));
	params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, text, strlen(text));
	params[4] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, context.len);
	params[5] = OSSL_PARAM_construct_end();
	run_kdf("KBKDF", params, out, n);
}

/* Opens a TPM2B_ID_OBJECT with keys already derived. False if its HMAC is wrong. */
static bool open_with(struct bytes id_object, struct bytes name, const uint8_t *aes_key, struct bytes mac_key,
		      uint8_t out[2 + PKI_CREDENTIAL_SECRET_LEN])
{
	static const uint8_t iv[16] = { 0 };
	struct bytes whole = id_object, mac, sealed;
	uint8_t want[SHA256_LEN];
	uint16_t n;
	int done = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	BUF_AUTO(message, 256);

	assert_int_equal(take_u16(&whole, &n), 0);
	assert_int_equal(n, whole.len);
	assert_int_equal(take_u16(&whole, &n), 0);
	assert_int_equal(take(&whole, n, &mac), 0);
	sealed = whole;
	assert_int_equal(buf_append(&message, sealed), 0);
	assert_int_equal(buf_append(&message, name), 0);
	hmac_sha256(mac_key, buf_bytes(&message), want);
	assert_int_equal(EVP_DecryptInit_ex2(ctx, EVP_aes_128_cfb128(), aes_key, iv, NULL), 1);
	assert_int_equal(sealed.len, 2 + PKI_CREDENTIAL_SECRET_LEN);
	assert_int_equal(EVP_DecryptUpdate(ctx, out, &done, sealed.p, (int)sealed.len), 1);
	EVP_CIPHER_CTX_free(ctx);
	return bytes_equal(mac, BYTES_ARRAY(want));
}

static bool open_with_seed(struct bytes id_object, struct bytes name, const uint8_t seed[32])
{
	uint8_t aes_key[16], mac_key[32], out[2 + PKI_CREDENTIAL_SECRET_LEN];

	openssl_kdfa(seed, "STORAGE", name, aes_key, sizeof(aes_key));
	openssl_kdfa(seed, "INTEGRITY", BYTES_NONE, mac_key, sizeof(mac_key));
	if (!open_with(id_object, name, aes_key, BYTES_ARRAY(mac_key), out))
		return false;
	assert_int_equal(out[0] << 8 | out[1], PKI_CREDENTIAL_SECRET_LEN);
	assert_memory_equal(out + 2, secret, sizeof(secret));
	return true;
}

static void test_credential_make_vector_keys_open_it(void **state)
{
	uint8_t out[2 + PKI_CREDENTIAL_SECRET_LEN];
	struct err err;
	BUF_AUTO(id_object, 256);
	BUF_AUTO(sent, 1024);

	(void)state;
	assert_int_equal(pki_credential_make(BYTES_ARRAY(vector_ek), BYTES_ARRAY(vector_srk_name), secret,
					     vector_seed, &id_object, &sent, &err),
			 0);
	assert_true(open_with(buf_bytes(&id_object), BYTES_ARRAY(vector_srk_name), vector_aes_key,
			      BYTES_ARRAY(vector_mac_key), out));
	assert_memory_equal(out + 2, secret, sizeof(secret));
	assert_int_equal(id_object.len, 70);
	assert_int_equal(sent.len, 258);
}

/* The modulus of a new key in the shape of a real EK. */
static void rsa_ek_for(EVP_PKEY *key, struct buf *ret)
{
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	assert_int_equal(buf_append(ret, BYTES_ARRAY(ek_rsa)), 0);
	assert_int_equal(BN_bn2binpad(n, ret->p + ret->len - 256, 256), 256);
	BN_free(n);
}

static void open_seed_rsa(EVP_PKEY *key, struct bytes sent, uint8_t ret_seed[32])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t out[256];
	size_t n = sizeof(out);

	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup("IDENTITY", 9), 9), 1);
	assert_int_equal(EVP_PKEY_decrypt(ctx, out, &n, sent.p + 2, sent.len - 2), 1);
	assert_int_equal(n, 32);
	memcpy(ret_seed, out, 32);
	EVP_PKEY_CTX_free(ctx);
}

static void test_credential_make_rsa_holder_opens_it(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("2048");
	uint8_t seed[32];
	struct err err;
	BUF_AUTO(ek, PKI_EK_PUBLIC_MAX);
	BUF_AUTO(id_object, 256);
	BUF_AUTO(sent, 1024);

	(void)state;
	rsa_ek_for(key, &ek);
	assert_int_equal(pki_credential_make(buf_bytes(&ek), BYTES_ARRAY(vector_srk_name), secret,
					     vector_seed, &id_object, &sent, &err),
			 0);
	open_seed_rsa(key, buf_bytes(&sent), seed);
	assert_memory_equal(seed, vector_seed, sizeof(seed));
	assert_true(open_with_seed(buf_bytes(&id_object), BYTES_ARRAY(vector_srk_name), seed));
}

/* The same object name is part of both keys: a credential for one object is none for another. */
static void test_credential_make_other_name_does_not_open(void **state)
{
	uint8_t name[sizeof(vector_srk_name)];
	struct err err;
	BUF_AUTO(id_object, 256);
	BUF_AUTO(sent, 1024);

	(void)state;
	assert_int_equal(pki_credential_make(BYTES_ARRAY(vector_ek), BYTES_ARRAY(vector_srk_name), secret,
					     vector_seed, &id_object, &sent, &err),
			 0);
	memcpy(name, vector_srk_name, sizeof(name));
	name[sizeof(name) - 1] ^= 0x01;
	assert_true(open_with_seed(buf_bytes(&id_object), BYTES_ARRAY(vector_srk_name), vector_seed));
	assert_false(open_with_seed(buf_bytes(&id_object), BYTES_ARRAY(name), vector_seed));
}

/* TPMS_ECC_POINT of 32-byte coordinates to a key. */
static EVP_PKEY *key_of_point(struct bytes sent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	char group[] = "P-256";
	uint8_t point[65] = { 0x04 };
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
				OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
								  sizeof(point)),
				OSSL_PARAM_construct_end() };

	assert_int_equal(sent.len, 70);
	memcpy(point + 1, sent.p + 4, 32);
	memcpy(point + 33, sent.p + 38, 32);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* ECDH, then KDFe, which is SP 800-56A's one-step derivation: SSKDF. info: label, 0, both x. */
static void open_seed_ecc(EVP_PKEY *key, struct bytes ek, struct bytes sent, uint8_t ret_seed[32])
{
	CLEANUP(make_key_freep) EVP_PKEY *peer = key_of_point(sent);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t z[32], info[9 + 32 + 32] = "IDENTITY";
	char digest[] = "SHA256";
	size_t n = sizeof(z);
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, z, sizeof(z)),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info)),
				OSSL_PARAM_construct_end() };

	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, z, &n), 1);
	EVP_PKEY_CTX_free(ctx);
	memcpy(info + 9, sent.p + 4, 32);
	memcpy(info + 9 + 32, ek.p + ek.len - 66, 32);
	run_kdf("SSKDF", params, ret_seed, 32);
}

static void test_credential_make_p256_holder_opens_it(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	uint8_t seed[32];
	struct err err;
	BUF_AUTO(spki, PKI_SPKI_MAX);
	BUF_AUTO(ek, PKI_EK_PUBLIC_MAX);
	BUF_AUTO(id_object, 256);
	BUF_AUTO(sent, 1024);

	(void)state;
	make_spki(key, &spki);
	assert_int_equal(buf_append(&ek, BYTES_ARRAY(ek_ecc)), 0);
	memcpy(ek.p + ek.len - 66, spki.p + spki.len - 64, 32);
	memcpy(ek.p + ek.len - 32, spki.p + spki.len - 32, 32);
	assert_int_equal(pki_credential_make(buf_bytes(&ek), BYTES_ARRAY(vector_srk_name), secret,
					     vector_seed, &id_object, &sent, &err),
			 0);
	open_seed_ecc(key, buf_bytes(&ek), buf_bytes(&sent), seed);
	assert_memory_not_equal(seed, vector_seed, sizeof(seed));
	assert_true(open_with_seed(buf_bytes(&id_object), BYTES_ARRAY(vector_srk_name), seed));
}

static void refuse(struct bytes ek, struct bytes name, const char *why)
{
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(id_object, 256);
	BUF_AUTO(sent, 1024);

	assert_int_equal(pki_credential_make(ek, name, secret, vector_seed, &id_object, &sent, &err), -1);
	assert_int_equal(id_object.len + sent.len, 0);
	assert_err(&err, ERR_UNIT, why);
}

static void test_credential_make_bad_names_refused(void **state)
{
	static const uint8_t sha1_name[22] = { 0x00, 0x04 };
	const struct bytes ek = BYTES_ARRAY(vector_ek);

	(void)state;
	refuse(ek, BYTES_NONE, "not a name algorithm");
	refuse(ek, bytes_of(vector_srk_name, sizeof(vector_srk_name) - 1), "not a name algorithm");
	refuse(ek, BYTES_ARRAY(sha1_name), "not a name algorithm");
}

static void test_credential_make_no_ek_refused(void **state)
{
	(void)state;
	refuse(BYTES_ARRAY(srk_azure), BYTES_ARRAY(vector_srk_name), "are not an endorsement key's");
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_credential_make_vector_keys_open_it),
		T(test_credential_make_rsa_holder_opens_it),
		T(test_credential_make_other_name_does_not_open),
		T(test_credential_make_p256_holder_opens_it),
		T(test_credential_make_bad_names_refused),
		T(test_credential_make_no_ek_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
