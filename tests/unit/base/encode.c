/* Encodings against the vectors of RFC 4648 section 10, and tables of what a strict decoder refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/encode.h"

static const struct {
	const char *plain, *base64, *base32;
} vectors[] = {
	{ "", "", "" },
	{ "f", "Zg==", "my" },
	{ "fo", "Zm8=", "mzxq" },
	{ "foo", "Zm9v", "mzxw6" },
	{ "foob", "Zm9vYg==", "mzxw6yq" },
	{ "fooba", "Zm9vYmE=", "mzxw6ytb" },
	{ "foobar", "Zm9vYmFy", "mzxw6ytboi" },
};

static void test_base64_rfc4648_vectors_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		char text[16];
		uint8_t data[16];
		size_t n = 99;

		assert_int_equal(base64_encode(bytes_str(vectors[i].plain), text, sizeof(text)), 0);
		assert_string_equal(text, vectors[i].base64);
		assert_int_equal(base64_decode(bytes_str(text), data, sizeof(data), &n), 0);
		assert_true(bytes_equal(bytes_of(data, n), bytes_str(vectors[i].plain)));
	}
}

static void test_base64url_other_alphabet_no_padding(void **state)
{
	static const uint8_t data[] = { 0xfb, 0xef, 0xff, 0xfe };
	char text[9];

	(void)state;
	assert_int_equal(base64url_encode(BYTES_ARRAY(data), text, sizeof(text)), 0);
	assert_string_equal(text, "--___g");
	assert_int_equal(base64url_encode(BYTES_NONE, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(base64url_encode(BYTES_ARRAY(data), text, sizeof(text) - 1), -1);
}

static void test_base32_rfc4648_vectors_lower_unpadded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		char text[16];

		assert_int_equal(base32_encode_lower(bytes_str(vectors[i].plain), text, sizeof(text)), 0);
		assert_string_equal(text, vectors[i].base32);
	}
}

static void test_base64_decode_not_strict_refused(void **state)
{
	static const char *const bad[] = {
		"Z",        "Zg",         "Zg=",        "=",        "====",    "Zg=a",     "Z===", "Zg==Zg==",
		"Zm9v\n",   " Zm9v",      "Zm 9v",      "Zm9-",     "Zm9_",    "Zh==",     "Zm9=", "Zm9vZ===",
		"Zm9v====", "Zm\n9vYg==", "Zm9vYmE=\n", "Zm9v=mE=", "Zm9\xff", "Zg==    ",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint8_t data[16];
		size_t n = 99;

		if (base64_decode(bytes_str(bad[i]), data, sizeof(data), &n) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(n, 99);
	}
}

static void test_base64_decode_nul_inside_refused(void **state)
{
	uint8_t data[16];
	size_t n = 0;

	(void)state;
	assert_int_equal(base64_decode(BYTES_LIT("Zm\0v"), data, sizeof(data), &n), -1);
	assert_int_equal(base64_decode(BYTES_LIT("Zg==\0\0\0\0"), data, sizeof(data), &n), -1);
}

static void test_base64_decode_exact_room_only(void **state)
{
	uint8_t data[5] = { 0, 0, 0, 0, 0xaa };
	size_t n = 0;

	(void)state;
	assert_int_equal(base64_decode(BYTES_LIT("Zm9vYg=="), data, 3, &n), -1);
	assert_int_equal(base64_decode(BYTES_LIT("Zm9vYg=="), data, 4, &n), 0);
	assert_int_equal(n, 4);
	/* EVP writes whole quanta; the byte after the room is not ours. */
	assert_int_equal(data[4], 0xaa);
}

static void test_base64_every_length_round_trips(void **state)
{
	uint8_t in[200], out[200];
	char text[BASE64_LEN(200) + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + 3);
	for (size_t len = 0; len <= sizeof(in); len++) {
		size_t n = 0;

		assert_int_equal(base64_encode(bytes_of(in, len), text, BASE64_LEN(len) + 1), 0);
		assert_int_equal(strlen(text), BASE64_LEN(len));
		assert_int_equal(base64_decode(bytes_str(text), out, len, &n), 0);
		assert_true(bytes_equal(bytes_of(out, n), bytes_of(in, len)));
	}
}

static void test_encode_no_room_refused(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(base64_encode(BYTES_LIT("foob"), text, sizeof(text)), -1);
	assert_int_equal(hex_encode(BYTES_LIT("foob"), text, sizeof(text)), -1);
	assert_int_equal(base32_encode_lower(BYTES_LIT("fooba"), text, sizeof(text)), -1);
}

static void test_hex_both_cases_decode_lower_encodes(void **state)
{
	uint8_t data[4];
	char text[9];
	size_t n = 0;

	(void)state;
	assert_int_equal(hex_decode("00fFAb9c", data, sizeof(data), &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(hex_encode(BYTES_ARRAY(data), text, sizeof(text)), 0);
	assert_string_equal(text, "00ffab9c");
	assert_int_equal(hex_decode("", data, sizeof(data), &n), 0);
	assert_int_equal(n, 0);
}

static void test_hex_decode_not_strict_refused(void **state)
{
	static const char *const bad[] = { "0",    "000",   "0g",   "g0", " 00",       "00 ",
					   "0x00", "00:00", "00\n", "-1", "0000000000" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint8_t data[4];
		size_t n = 99;

		if (hex_decode(bad[i], data, sizeof(data), &n) == 0)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(n, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64_rfc4648_vectors_both_ways),
		cmocka_unit_test(test_base64url_other_alphabet_no_padding),
		cmocka_unit_test(test_base32_rfc4648_vectors_lower_unpadded),
		cmocka_unit_test(test_base64_decode_not_strict_refused),
		cmocka_unit_test(test_base64_decode_nul_inside_refused),
		cmocka_unit_test(test_base64_decode_exact_room_only),
		cmocka_unit_test(test_base64_every_length_round_trips),
		cmocka_unit_test(test_encode_no_room_refused),
		cmocka_unit_test(test_hex_both_cases_decode_lower_encodes),
		cmocka_unit_test(test_hex_decode_not_strict_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
