/* pki/signature.c: the proof that a device holds its key. */
#include "make.h"

static void check(const char *kind, struct bytes message, struct bytes signed_message, int want)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key(kind);
	const struct signer signer = make_signer(key);
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(spki, PKI_SPKI_MAX);
	BUF_AUTO(sig, 1024);

	make_spki(key, &spki);
	assert_int_equal(signer.sign(signer.key, signer.alg, signed_message, &sig, &err), 0);
	assert_int_equal(pki_signature_check(buf_bytes(&spki), message, buf_bytes(&sig), &err), want);
	if (want < 0)
		assert_err(&err, ERR_UNIT, "signature is not one by this key");
}

static void test_signature_check_each_kind_accepted(void **state)
{
	(void)state;
	check("P-256", BYTES_LIT("nonce"), BYTES_LIT("nonce"), 0);
	check("P-384", BYTES_LIT("nonce"), BYTES_LIT("nonce"), 0);
	check("2048", BYTES_LIT("nonce"), BYTES_LIT("nonce"), 0);
}

static void test_signature_check_other_message_refused(void **state)
{
	(void)state;
	check("P-256", BYTES_LIT("nonce"), BYTES_LIT("nonces"), -1);
	check("P-384", BYTES_LIT("nonce"), BYTES_LIT("nonces"), -1);
	check("2048", BYTES_LIT("nonce"), BYTES_LIT("nonces"), -1);
}

static void test_signature_check_other_key_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	CLEANUP(make_key_freep) EVP_PKEY *other = make_key("P-256");
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(spki, PKI_SPKI_MAX);
	BUF_AUTO(sig, 1024);

	(void)state;
	make_spki(key, &spki);
	assert_int_equal(make_sign(other, SIGN_ECDSA_SHA256, BYTES_LIT("nonce"), &sig, &err), 0);
	assert_int_equal(pki_signature_check(buf_bytes(&spki), BYTES_LIT("nonce"), buf_bytes(&sig), &err),
			 -1);
	assert_err(&err, ERR_UNIT, "signature is not one by this key");
}

static void test_signature_check_no_signature_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	static const uint8_t zeros[] = { 0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00 };
	const struct bytes bad[] = { BYTES_NONE, BYTES_LIT("x"), BYTES_ARRAY(zeros) };
	BUF_AUTO(spki, PKI_SPKI_MAX);

	(void)state;
	make_spki(key, &spki);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { .class = ERR_NONE };

		assert_int_equal(pki_signature_check(buf_bytes(&spki), BYTES_LIT("nonce"), bad[i], &err), -1);
		assert_err(&err, ERR_UNIT, "signature is not one by this key");
	}
}

static void test_signature_check_malformed_key_refused(void **state)
{
	struct err err = { .class = ERR_NONE };

	(void)state;
	assert_int_equal(pki_signature_check(BYTES_NONE, BYTES_LIT("n"), BYTES_LIT("s"), &err), -1);
	assert_err(&err, ERR_UNIT, "a public key of 0 bytes");
	assert_int_equal(pki_signature_check(BYTES_LIT("0123"), BYTES_LIT("n"), BYTES_LIT("s"), &err), -1);
	assert_err(&err, ERR_UNIT, "the public key is malformed");
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_signature_check_each_kind_accepted),    T(test_signature_check_other_message_refused),
		T(test_signature_check_other_key_refused),     T(test_signature_check_no_signature_refused),
		T(test_signature_check_malformed_key_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
