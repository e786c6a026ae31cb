/* Public keys of stations: in and out of PEM, and what a signature must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/encode.h"
#include "pki/pki.h"

/* openssl ecparam -genkey -name prime256v1; openssl dgst -sha256 -sign of "station". */
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
			  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEp2cS2W5eEzvXEoZTm92vAMo5/v/A\n"
			  "haB3LDh9hhVDnOJS9RAka+7bGi0XUNtntIvttpnx/Wdkek690m0RiKjibQ==\n"
			  "-----END PUBLIC KEY-----\n";
static const char signature_hex[] = "304502204c948a3c3ee96078939f626be7e4550d92443f82283fdfd962116241bb1864fd"
				    "022100e2acd5f00cc6a475eb491684c2d13462a8de1dd998830541036c3be8256cb948";
/* The same with secp384r1. */
static const char pem_p384[] = "-----BEGIN PUBLIC KEY-----\n"
			       "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEFSk3O8NUTPZ4T7IM+0lIYv3tI9TIk+g8\n"
			       "Ukyx5i27ZNHtdkgv76z+ATY6HeHBBhd6BCMgYtrUjcuVDO6Lr43cXrZvoKkJXhMc\n"
			       "6/4CcF3+Xr7earinTFeFuSprB2+bMpIW\n"
			       "-----END PUBLIC KEY-----\n";

static struct bytes signature(uint8_t out[80])
{
	size_t n = 0;

	assert_int_equal(hex_decode(signature_hex, out, 80, &n), 0);
	return bytes_of(out, n);
}

static void test_pem_goes_in_and_out(void **state)
{
	BUF_AUTO(spki, PKI_SPKI_MAX);
	BUF_AUTO(again, PKI_SPKI_MAX);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(pki_spki_pem_read(bytes_str(pem), &spki, &err), 0);
	assert_int_equal(spki.len, 91);
	assert_int_equal(pki_spki_pem_append(buf_bytes(&spki), &again, &err), 0);
	assert_true(bytes_equal(buf_bytes(&again), bytes_str(pem)));
}

static void test_pem_of_anything_else_is_refused(void **state)
{
	static const char *const texts[] = { "", "hello", pem_p384,
					     "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" };
	BUF_AUTO(spki, PKI_SPKI_MAX);
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(pki_spki_pem_read(bytes_str(texts[i]), &spki, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
	}
}

static void test_signature_of_other_bytes_is_refused(void **state)
{
	BUF_AUTO(spki, PKI_SPKI_MAX);
	uint8_t sig[80];
	struct bytes good = signature(sig);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(pki_spki_pem_read(bytes_str(pem), &spki, &err), 0);
	assert_int_equal(pki_spki_verify(buf_bytes(&spki), BYTES_LIT("station"), good, &err), 0);
	assert_int_equal(pki_spki_verify(buf_bytes(&spki), BYTES_LIT("statiom"), good, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(pki_spki_verify(buf_bytes(&spki), BYTES_LIT("station"), BYTES_NONE, &err), -1);
	sig[good.len - 1] ^= 1;
	assert_int_equal(pki_spki_verify(buf_bytes(&spki), BYTES_LIT("station"), good, &err), -1);
	assert_int_equal(pki_spki_verify(BYTES_LIT("no key"), BYTES_LIT("station"), good, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pem_goes_in_and_out),
		cmocka_unit_test(test_pem_of_anything_else_is_refused),
		cmocka_unit_test(test_signature_of_other_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
