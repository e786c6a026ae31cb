/* Who the device says it is, its key and its proofs, for each kind. */
#include "tests/unit/emulator/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/digest.h"
#include "fixtures/fixture.h"
#include "tests/unit/emulator/crypto.h"

#define SENSOR                                                                                               \
	(const char *const[])                                                                                \
	{                                                                                                    \
		"--kinds", "sensor", NULL                                                                    \
	}
#define CONTROLLER                                                                                           \
	(const char *const[])                                                                                \
	{                                                                                                    \
		"--kinds", "controller", NULL                                                                \
	}
#define METER                                                                                                \
	(const char *const[])                                                                                \
	{                                                                                                    \
		"--kinds", "meter", NULL                                                                     \
	}

static const uint8_t nonce_bytes[FIXTURE_NONCE_LEN] = { 1, 2, 3 };
static const uint8_t other_bytes[FIXTURE_NONCE_LEN] = { 1, 2, 4 };

#define NONCE BYTES_ARRAY(nonce_bytes)
#define OTHER BYTES_ARRAY(other_bytes)

static void assert_text(const struct line *line, const char *key, const char *expected)
{
	char text[65];

	assert_int_equal(smp_body_text(&line->body, key, text, sizeof(text)), 0);
	assert_string_equal(text, expected);
}

static unsigned caps_of(struct line *line)
{
	uint64_t caps = 0;

	assert_int_equal(line_ask(line, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
	assert_int_equal(smp_body_uint(&line->body, "caps", UINT32_MAX, &caps), 0);
	return (unsigned)caps;
}

static void test_info_of_a_new_device_says_who_it_is(void **state)
{
	struct bench *bench = *state;
	uint64_t ver = 0;
	char hwid[65];

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_ask(line, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
	assert_int_equal(smp_body_uint(&line->body, "ver", 9, &ver), 0);
	assert_int_equal(ver, 1);
	assert_text(line, "serial", bench->devices[0].serial);
	assert_text(line, "model", "sensor");
	assert_text(line, "state", "blank");
	assert_int_equal(smp_body_text(&line->body, "hwid", hwid, sizeof(hwid)), 0);
	assert_int_equal(strlen(hwid), 16);
	assert_int_equal(strncmp(bench->devices[0].serial, "sensor-0001-", 12), 0);
	assert_int_equal(strlen(bench->devices[0].serial), 18);
}

static void test_info_of_each_kind_says_what_it_can(void **state)
{
	const unsigned expected[] = { UNIT_CAP_TPM | UNIT_CAP_LOCK, UNIT_CAP_KEY | UNIT_CAP_LOCK,
				      UNIT_CAP_LOCK, UNIT_CAP_SYMKEY | UNIT_CAP_LOCK,
				      UNIT_CAP_TPM | UNIT_CAP_LOCK };
	struct bench *bench = *state;

	bench_start(bench, "5", NULL);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		LINE_AUTO(line, bench, i);
		assert_int_equal(caps_of(line), expected[i]);
	}
}

static void test_key_asked_again_and_after_restart_is_the_same(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(first, FIXTURE_CSR_MAX);
	BUF_AUTO(second, FIXTURE_CSR_MAX);
	CLEANUP(crypto_req_freep) X509_REQ *a = NULL;
	CLEANUP(crypto_req_freep) X509_REQ *b = NULL;

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_csr(line, "unit-1", &first), 0);
	assert_int_equal(bench_stop(bench), 0);
	bench_start(bench, "1", SENSOR);
	LINE_AUTO(again, bench, 0);
	assert_int_equal(line_csr(again, "unit-2", &second), 0);
	a = crypto_req(buf_bytes(&first));
	b = crypto_req(buf_bytes(&second));
	assert_non_null(a);
	assert_non_null(b);
	assert_true(crypto_req_signed(a) && crypto_req_named(a, "unit-1"));
	assert_true(crypto_req_signed(b) && crypto_req_named(b, "unit-2"));
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(a), X509_REQ_get0_pubkey(b)), 1);
}

static unsigned ask_key(struct line *line, const char *alg, const char *cn)
{
	return line_ask(line, SMP_WRITE, SMP_PROVISION_KEY,
			SMP_FIELDS(smp_text("alg", alg), smp_text("cn", cn)));
}

static void test_key_with_a_bad_request_is_refused(void **state)
{
	static const char long_name[] = "12345678901234567890123456789012345678901234567890123456789012345";
	struct bench *bench = *state;

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(ask_key(line, "RSA-2048", "a"), SMP_RC_NOT_SUPPORTED);
	assert_int_equal(ask_key(line, "P-256", ""), SMP_RC_INVALID);
	assert_int_equal(ask_key(line, "P-256", long_name), SMP_RC_INVALID);
	assert_int_equal(line_ask(line, SMP_WRITE, SMP_PROVISION_KEY, SMP_NO_FIELDS), SMP_RC_INVALID);
	assert_int_equal(line_ask(line, SMP_READ, SMP_PROVISION_KEY, SMP_NO_FIELDS), SMP_RC_NOT_SUPPORTED);
}

static void test_prove_verifies_for_its_nonce_alone(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(csr, FIXTURE_CSR_MAX);
	BUF_AUTO(sig, FIXTURE_PROOF_MAX);
	CLEANUP(crypto_req_freep) X509_REQ *req = NULL;

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_prove(line, "sig", NONCE, &sig), SMP_RC_NO_ENTRY);
	assert_int_equal(line_csr(line, "a", &csr), 0);
	assert_int_equal(line_prove(line, "sig", NONCE, &sig), 0);
	req = crypto_req(buf_bytes(&csr));
	assert_non_null(req);
	assert_true(crypto_proof_good(req, NONCE, buf_bytes(&sig)));
	assert_false(crypto_proof_good(req, OTHER, buf_bytes(&sig)));
	assert_int_equal(line_prove(line, "sig", bytes_of(nonce_bytes, 31), &sig), SMP_RC_INVALID);
}

static void test_prove_of_a_meter_is_the_hmac(void **state)
{
	struct bench *bench = *state;
	const struct bytes key = BYTES_LIT("0123456789abcdef");
	BUF_AUTO(mac, FIXTURE_PROOF_MAX);
	BUF_AUTO(message, 64);
	uint8_t expected[SHA256_LEN];

	bench_start(bench, "1", METER);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_put(line, "symkey", key, 16), 0);
	assert_int_equal(line_prove(line, "mac", NONCE, &mac), 0);
	assert_int_equal(buf_append(&message, BYTES_LIT("station-prove-v1\0")), 0);
	assert_int_equal(buf_append(&message, NONCE), 0);
	hmac_sha256(key, buf_bytes(&message), expected);
	assert_true(bytes_equal(buf_bytes(&mac), BYTES_ARRAY(expected)));
	assert_int_equal(line_prove(line, "mac", OTHER, &mac), 0);
	assert_false(bytes_equal(buf_bytes(&mac), BYTES_ARRAY(expected)));
}

/* DER ECPrivateKey of a fresh key, as the station makes it. */
static void make_der(EVP_PKEY *key, struct buf *ret)
{
	unsigned char *p = buf_reserve(ret, 256);
	int n = i2d_PrivateKey(key, NULL);

	assert_non_null(p);
	assert_in_range(n, 1, 256);
	assert_int_equal(i2d_PrivateKey(key, &p), n);
	ret->len = (size_t)n;
}

static void test_controller_answers_with_the_key_it_was_given(void **state)
{
	struct bench *bench = *state;
	CLEANUP(crypto_pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	CLEANUP(crypto_req_freep) X509_REQ *req = NULL;
	BUF_AUTO(der, 256);
	BUF_AUTO(csr, FIXTURE_CSR_MAX);
	BUF_AUTO(sig, FIXTURE_PROOF_MAX);

	make_der(key, &der);
	bench_start(bench, "1", CONTROLLER);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_csr(line, "a", &csr), SMP_RC_NOT_SUPPORTED);
	assert_int_equal(line_put(line, "key", buf_bytes(&der), 50), 0);
	assert_int_equal(caps_of(line), UNIT_CAP_KEY | UNIT_CAP_LOCK);
	assert_int_equal(line_csr(line, "a", &csr), 0);
	req = crypto_req(buf_bytes(&csr));
	assert_non_null(req);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(req), key), 1);
	assert_int_equal(line_prove(line, "sig", NONCE, &sig), 0);
	assert_true(crypto_proof_good(req, NONCE, buf_bytes(&sig)));
}

static void test_controller_refuses_what_is_no_p256_key(void **state)
{
	struct bench *bench = *state;
	CLEANUP(crypto_pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-384");
	BUF_AUTO(der, 256);
	BUF_AUTO(file, 1024);

	make_der(key, &der);
	bench_start(bench, "1", CONTROLLER);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_put(line, "key", buf_bytes(&der), 256), SMP_RC_INVALID);
	assert_int_equal(line_put(line, "key", BYTES_LIT("no key"), 256), SMP_RC_INVALID);
	assert_false(bench_flash(bench, bench->devices[0].serial, "device.key", &file));
}

static void test_version_0_request_gets_version_0_error(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(sig, FIXTURE_PROOF_MAX);

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	line->version = 0;
	assert_int_equal(line_prove(line, "sig", NONCE, &sig), SMP_RC_NO_ENTRY);
	assert_true(smp_body_has(&line->body, "rc"));
	assert_false(smp_body_has(&line->body, "err"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_info_of_a_new_device_says_who_it_is),
		CASE(test_info_of_each_kind_says_what_it_can),
		CASE(test_key_asked_again_and_after_restart_is_the_same),
		CASE(test_key_with_a_bad_request_is_refused),
		CASE(test_prove_verifies_for_its_nonce_alone),
		CASE(test_prove_of_a_meter_is_the_hmac),
		CASE(test_controller_answers_with_the_key_it_was_given),
		CASE(test_controller_refuses_what_is_no_p256_key),
		CASE(test_version_0_request_gets_version_0_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
