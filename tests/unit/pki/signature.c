/* pki/signature.c: the proof that a device holds its key. */
#include "make.h"

static struct pki_csr *request_of(EVP_PKEY *key)
{
	const struct make_request request = { .key = key };
	struct err err = { .class = ERR_NONE };
	struct pki_csr *csr = NULL;
	BUF_AUTO(der, PKI_CERT_MAX);

	make_csr(&request, &der);
	assert_int_equal(pki_csr_parse(buf_bytes(&der), &csr, &err), 0);
	return csr;
}

static void check(const char *kind, struct bytes message, struct bytes signed_message, int want)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key(kind);
	CLEANUP(pki_csr_freep) struct pki_csr *csr = request_of(key);
	const struct signer signer = make_signer(key);
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(sig, 1024);

	assert_int_equal(signer.sign(signer.key, signer.alg, signed_message, &sig, &err), 0);
	assert_int_equal(pki_signature_check(csr, message, buf_bytes(&sig), &err), want);
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
	CLEANUP(pki_csr_freep) struct pki_csr *csr = request_of(key);
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(sig, 1024);

	(void)state;
	assert_int_equal(make_sign(other, SIGN_ECDSA_SHA256, BYTES_LIT("nonce"), &sig, &err), 0);
	assert_int_equal(pki_signature_check(csr, BYTES_LIT("nonce"), buf_bytes(&sig), &err), -1);
	assert_err(&err, ERR_UNIT, "signature is not one by this key");
}

static void test_signature_check_no_signature_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	static const uint8_t zeros[] = { 0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00 };
	CLEANUP(pki_csr_freep) struct pki_csr *csr = request_of(key);
	const struct bytes bad[] = { BYTES_NONE, BYTES_LIT("x"), BYTES_ARRAY(zeros) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { .class = ERR_NONE };

		assert_int_equal(pki_signature_check(csr, BYTES_LIT("nonce"), bad[i], &err), -1);
		assert_err(&err, ERR_UNIT, "signature is not one by this key");
	}
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_signature_check_each_kind_accepted),
		T(test_signature_check_other_message_refused),
		T(test_signature_check_other_key_refused),
		T(test_signature_check_no_signature_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
