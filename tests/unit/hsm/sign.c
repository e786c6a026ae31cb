/* Signatures and HMACs of a real token, checked by OpenSSL under the public key that the token gave. */
#include "world.h"

#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"

DEFINE_CLEANUP(pkey_freep, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)

static bool verifies(struct bytes spki, enum sign_alg alg, struct bytes message, struct bytes sig)
{
	const uint8_t *p = spki.p;
	CLEANUP(pkey_freep) EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)spki.len);
	CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = alg == SIGN_ECDSA_SHA384 ? EVP_sha384() : EVP_sha256();
	EVP_PKEY_CTX *pctx = NULL;

	assert_non_null(pkey);
	assert_ptr_equal(p, spki.p + spki.len);
	assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx, md, NULL, pkey), 1);
	if (alg == SIGN_RSA_PSS_SHA256) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 32), 1);
	}
	return EVP_DigestVerify(ctx, sig.p, sig.len, message.p, message.len) == 1;
}

static void check_signature(const struct world *w, enum hsm_key_type type, const char *label,
			    enum sign_alg alg)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(w);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, type, label);
	BUF_AUTO(spki, 1024);
	BUF_AUTO(sig, 1024);
	struct err err;

	assert_int_equal(hsm_key_type(key), type);
	assert_ok(hsm_key_public(key, &spki, &err), &err);
	assert_ok(hsm_key_sign(key, alg, BYTES_LIT("tbs"), &sig, &err), &err);
	assert_true(verifies(buf_bytes(&spki), alg, BYTES_LIT("tbs"), buf_bytes(&sig)));
	assert_false(verifies(buf_bytes(&spki), alg, BYTES_LIT("tbt"), buf_bytes(&sig)));
}

static void test_sign_p256_verifies(void **state)
{
	check_signature(*state, HSM_KEY_EC_P256, "p256", SIGN_ECDSA_SHA256);
}

static void test_sign_p384_verifies(void **state)
{
	check_signature(*state, HSM_KEY_EC_P384, "p384", SIGN_ECDSA_SHA384);
}

static void test_sign_rsa_pkcs1_verifies(void **state)
{
	check_signature(*state, HSM_KEY_RSA_2048, "rsa", SIGN_RSA_PKCS1_SHA256);
}

static void test_sign_rsa_pss_verifies(void **state)
{
	check_signature(*state, HSM_KEY_RSA_2048, "rsa", SIGN_RSA_PSS_SHA256);
}

static void test_sign_rsa_3072_verifies(void **state)
{
	check_signature(*state, HSM_KEY_RSA_3072, "rsa3072", SIGN_RSA_PKCS1_SHA256);
}

/* r and s lose leading zeros and gain sign bytes: 250 signatures meet both. */
static void test_sign_p256_many_times_always_verifies(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P256, "p256");
	BUF_AUTO(spki, 1024);
	BUF_AUTO(sig, 1024);
	struct err err;

	assert_ok(hsm_key_public(key, &spki, &err), &err);
	for (uint8_t i = 0; i < 250; i++) {
		assert_ok(hsm_key_sign(key, SIGN_ECDSA_SHA256, bytes_of(&i, 1), &sig, &err), &err);
		assert_true(verifies(buf_bytes(&spki), SIGN_ECDSA_SHA256, bytes_of(&i, 1), buf_bytes(&sig)));
	}
}

static void test_sign_wrong_hash_for_curve_is_bug(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *p384 = world_key(session, HSM_KEY_EC_P384, "p384");
	BUF_AUTO(sig, 1024);
	struct err err;

	assert_ok(buf_append(&sig, BYTES_LIT("before")), &err);
	assert_failed(hsm_key_sign(p384, SIGN_ECDSA_SHA256, BYTES_LIT("tbs"), &sig, &err), &err, ERR_BUG,
		      "does not fit");
	assert_failed(hsm_key_sign(p384, SIGN_RSA_PKCS1_SHA256, BYTES_LIT("tbs"), &sig, &err), &err, ERR_BUG,
		      "does not fit");
	assert_true(bytes_equal(buf_bytes(&sig), BYTES_LIT("before")));
}

static void test_key_default_alg_follows_the_type(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);

	assert_int_equal(hsm_key_default_alg(world_key(session, HSM_KEY_EC_P256, "p256")), SIGN_ECDSA_SHA256);
	assert_int_equal(hsm_key_default_alg(world_key(session, HSM_KEY_EC_P384, "p384")), SIGN_ECDSA_SHA384);
	assert_int_equal(hsm_key_default_alg(world_key(session, HSM_KEY_RSA_2048, "rsa")),
			 SIGN_RSA_PKCS1_SHA256);
}

/* Imports key under label and computes its HMAC over message. */
static void import_and_mac(struct hsm_session *session, const char *label, struct bytes key,
			   const char *message, uint8_t ret_mac[SHA256_LEN])
{
	SECRET_AUTO value = { NULL, 0 };
	struct hsm_key *handle = NULL;
	char uri[64];
	struct err err;

	assert_ok(secret_copy(key, &value, &err), &err);
	assert_ok(hsm_key_import_hmac(session, label, &value, &err), &err);
	assert_int_equal(str_format(uri, sizeof(uri), "pkcs11:object=%s;type=secret-key", label), 0);
	assert_ok(hsm_key_find(session, uri, &handle, &err), &err);
	assert_int_equal(hsm_key_type(handle), HSM_KEY_HMAC);
	assert_ok(hsm_key_mac(handle, bytes_str(message), ret_mac, &err), &err);
}

/* RFC 4231 4.2 and 4.7: a key of 20 bytes and one of 131, on both sides of what tokens take. */
static void test_mac_known_keys_give_known_values(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	uint8_t key[131], mac[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	memset(key, 0x0b, 20);
	import_and_mac(session, "mac-20", bytes_of(key, 20), "Hi There", mac);
	assert_int_equal(hex_encode(BYTES_ARRAY(mac), hex, sizeof(hex)), 0);
	assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");

	memset(key, 0xaa, sizeof(key));
	import_and_mac(session, "mac-131", BYTES_ARRAY(key),
		       "Test Using Larger Than Block-Size Key - Hash Key First", mac);
	assert_int_equal(hex_encode(BYTES_ARRAY(mac), hex, sizeof(hex)), 0);
	assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void test_mac_empty_message_equals_software(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	uint8_t mac[SHA256_LEN], expected[SHA256_LEN];
	static const uint8_t key[32] = { 1, 2, 3 };

	import_and_mac(session, "mac-empty", BYTES_ARRAY(key), "", mac);
	hmac_sha256(BYTES_ARRAY(key), BYTES_NONE, expected);
	assert_memory_equal(mac, expected, SHA256_LEN);
}

static void test_mac_and_sign_with_the_other_kind_refused(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *pair = world_key(session, HSM_KEY_EC_P256, "p256");
	uint8_t mac[SHA256_LEN], expected[SHA256_LEN];
	struct hsm_key *secret = NULL;
	BUF_AUTO(sig, 1024);
	struct err err;

	import_and_mac(session, "mac-kind", BYTES_LIT("0123456789abcdef0123456789abcdef"), "x", expected);
	assert_ok(hsm_key_find(session, "pkcs11:object=mac-kind", &secret, &err), &err);
	assert_failed(hsm_key_mac(pair, BYTES_LIT("x"), mac, &err), &err, ERR_OPERATOR, "secret key");
	assert_failed(hsm_key_sign(secret, hsm_key_default_alg(secret), BYTES_LIT("x"), &sig, &err), &err,
		      ERR_OPERATOR, "key pair");
	assert_failed(hsm_key_public(secret, &sig, &err), &err, ERR_OPERATOR, "key pair");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_p256_verifies),
		cmocka_unit_test(test_sign_p384_verifies),
		cmocka_unit_test(test_sign_rsa_pkcs1_verifies),
		cmocka_unit_test(test_sign_rsa_pss_verifies),
		cmocka_unit_test(test_sign_rsa_3072_verifies),
		cmocka_unit_test(test_sign_p256_many_times_always_verifies),
		cmocka_unit_test(test_sign_wrong_hash_for_curve_is_bug),
		cmocka_unit_test(test_key_default_alg_follows_the_type),
		cmocka_unit_test(test_mac_known_keys_give_known_values),
		cmocka_unit_test(test_mac_empty_message_equals_software),
		cmocka_unit_test(test_mac_and_sign_with_the_other_kind_refused),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
