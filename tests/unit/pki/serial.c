/* pki/serial.c: serial numbers, registration IDs, validity of a profile. */
#include "make.h"

#include <openssl/rand.h>

/* Field notes: 2 million certificates with 63 random bits, for want of one look at the bits. */
static void test_serial_shape_random_input_keeps_158_bits(void **state)
{
	enum { ROUNDS = 4000 };
	unsigned ones[PKI_SERIAL_LEN * 8] = { 0 };

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t serial[PKI_SERIAL_LEN];

		assert_int_equal(RAND_bytes(serial, sizeof(serial)), 1);
		pki_serial_shape(serial);
		for (size_t bit = 0; bit < ARRAY_LEN(ones); bit++)
			ones[bit] += (unsigned)serial[bit / 8] >> (7 - bit % 8) & 1u;
	}
	assert_int_equal(ones[0], 0);
	assert_int_equal(ones[1], ROUNDS);
	/* 8 standard deviations: a sound generator fails once in 10^13 runs. */
	for (size_t bit = 2; bit < ARRAY_LEN(ones); bit++)
		assert_in_range(ones[bit], ROUNDS / 2 - 253, ROUNDS / 2 + 253);
}

static void test_serial_shape_top_bit_set_only_first_two_bits_change(void **state)
{
	uint8_t serial[PKI_SERIAL_LEN], ones[PKI_SERIAL_LEN];

	(void)state;
	memset(serial, 0xff, sizeof(serial));
	memset(ones, 0xff, sizeof(ones));
	ones[0] = 0x7f;
	pki_serial_shape(serial);
	assert_memory_equal(serial, ones, sizeof(serial));
}

static void test_serial_shape_zero_is_positive_and_long(void **state)
{
	uint8_t serial[PKI_SERIAL_LEN] = { 0 };

	(void)state;
	pki_serial_shape(serial);
	assert_int_equal(serial[0], 0x40);
}

static void test_registration_id_check_allowed_accepted(void **state)
{
	static const char *const ids[] = {
		"a",
		"7",
		"-",
		"unit-1",
		"A.b_c:d-",
		"line:7.slot_3:0001",
		"a234567890123456789012345678901234567890123456789012345678901234"
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_int_equal(pki_registration_id_check(ids[i], &err), 0);
}

static void test_registration_id_check_others_refused(void **state)
{
	static const struct {
		const char *id, *why;
	} bad[] = {
		{ "", "1 to 64 characters" },
		{ "a23456789012345678901234567890123456789012345678901234567890abcde", "1 to 64 characters" },
		{ "unit 1", "character 5" },
		{ "unit/1", "character 5" },
		{ "unit+1", "character 5" },
		{ "unit\n", "character 5" },
		{ "\xc3\xa4", "character 1" },
		{ ".unit", "begins with" },
		{ "_unit", "begins with" },
		{ ":unit", "begins with" },
		{ "unit.", "ends with" },
		{ "unit_", "ends with" },
		{ "unit:", "ends with" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = { .class = ERR_NONE };

		assert_int_equal(pki_registration_id_check(bad[i].id, &err), -1);
		assert_err(&err, ERR_UNIT, bad[i].why);
	}
}

static void test_profile_check_bounds(void **state)
{
	static const unsigned good[] = { 1, 3650, PKI_VALIDITY_DAYS_MAX };
	static const unsigned bad[] = { 0, PKI_VALIDITY_DAYS_MAX + 1, 4294967295u };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct pki_profile profile = { good[i], false };
		struct err err;

		assert_int_equal(pki_profile_check(&profile, &err), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct pki_profile profile = { bad[i], false };
		struct err err = { .class = ERR_NONE };

		assert_int_equal(pki_profile_check(&profile, &err), -1);
		assert_err(&err, ERR_OPERATOR, "validity-days");
	}
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_serial_shape_random_input_keeps_158_bits),
		T(test_serial_shape_top_bit_set_only_first_two_bits_change),
		T(test_serial_shape_zero_is_positive_and_long),
		T(test_registration_id_check_allowed_accepted),
		T(test_registration_id_check_others_refused),
		T(test_profile_check_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
