/* pki/ek.c: real EKs, and each field that makes another key of one. */
#include "make.h"

#include "vectors.h"

/* Offsets in the public area of either kind. */
enum { AT_SIZE = 0, AT_TYPE = 2, AT_NAME_ALG = 4, AT_ATTRIBUTES = 6, AT_POLICY = 12, AT_SYMMETRIC = 44 };
enum {
	AT_SCHEME = 50,
	AT_RSA_BITS = 52,
	AT_RSA_EXPONENT = 54,
	AT_ECC_CURVE = 52,
	AT_ECC_KDF = 54,
	AT_ECC_X = 58
};

static void refuse(struct bytes public, const char *why)
{
	struct pki_ek ek;
	struct err err = { .class = ERR_NONE };

	assert_int_equal(pki_ek_parse(public, &ek, &err), -1);
	assert_err(&err, ERR_UNIT, why);
}

static void refuse_changed(struct bytes public, size_t at, uint8_t flip, const char *why)
{
	BUF_AUTO(changed, PKI_EK_PUBLIC_MAX);

	assert_int_equal(buf_append(&changed, public), 0);
	changed.p[at] ^= flip;
	refuse(buf_bytes(&changed), why);
}

static void accept(struct bytes public, int type)
{
	struct pki_ek ek = { .type = PKI_EK_RSA_2048 };
	struct err err = { .class = ERR_NONE };

	if (pki_ek_parse(public, &ek, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	assert_int_equal(ek.type, type);
}

static void test_ek_parse_real_keys_accepted(void **state)
{
	(void)state;
	accept(BYTES_ARRAY(ek_rsa), PKI_EK_RSA_2048);
	accept(BYTES_ARRAY(ek_ecc), PKI_EK_ECC_P256);
	accept(BYTES_ARRAY(ek_azure), PKI_EK_RSA_2048);
	accept(BYTES_ARRAY(vector_ek), PKI_EK_RSA_2048);
}

static const uint8_t policy_b[SHA256_LEN] = { 0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06,
					      0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
					      0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90,
					      0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0 };

/* TCG EK profile, high range: PolicyB, and userWithAuth among the attributes. */
static void test_ek_parse_policy_b_accepted(void **state)
{
	BUF_AUTO(ek, PKI_EK_PUBLIC_MAX);

	(void)state;
	assert_int_equal(buf_append(&ek, BYTES_ARRAY(ek_ecc)), 0);
	memcpy(ek.p + AT_POLICY, policy_b, sizeof(policy_b));
	ek.p[AT_ATTRIBUTES + 3] |= 0x40;
	accept(buf_bytes(&ek), PKI_EK_ECC_P256);
}

static void identity_of(struct bytes public, uint8_t ret[SHA256_LEN])
{
	struct pki_ek ek;
	struct err err = { .class = ERR_NONE };

	if (pki_ek_parse(public, &ek, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	memcpy(ret, ek.sha256, SHA256_LEN);
}

static void assert_same_key(struct bytes a, struct bytes b, bool same)
{
	uint8_t first[SHA256_LEN], second[SHA256_LEN];

	assert_false(bytes_equal(a, b));
	identity_of(a, first);
	identity_of(b, second);
	assert_int_equal(bytes_equal(BYTES_ARRAY(first), BYTES_ARRAY(second)), same);
}

/* One copy of the key per thing that may be written in another way, and one with all of them. */
static void forms_are_one_key(struct bytes public, size_t at_exponent)
{
	static const uint8_t exponent[4] = { 0x00, 0x01, 0x00, 0x01 };

	for (unsigned forms = 1; forms < 16; forms++) {
		BUF_AUTO(other, PKI_EK_PUBLIC_MAX);

		if ((forms & 8) != 0 && at_exponent == 0)
			continue;
		assert_int_equal(buf_append(&other, public), 0);
		if ((forms & 1) != 0)
			other.p[AT_ATTRIBUTES + 3] |= 0x40; /* userWithAuth */
		if ((forms & 2) != 0)
			other.p[AT_ATTRIBUTES + 2] |= 0x04; /* noDA */
		if ((forms & 4) != 0)
			memcpy(other.p + AT_POLICY, policy_b, sizeof(policy_b));
		if ((forms & 8) != 0)
			memcpy(other.p + at_exponent, exponent, sizeof(exponent));
		assert_same_key(public, buf_bytes(&other), true);
	}
}

static void test_ek_parse_other_form_of_a_key_has_its_identity(void **state)
{
	(void)state;
	forms_are_one_key(BYTES_ARRAY(ek_rsa), AT_RSA_EXPONENT);
	forms_are_one_key(BYTES_ARRAY(ek_ecc), 0);
}

/* 379 times the base point: its x begins with a zero octet, which a TPM may leave out. */
static void test_ek_parse_coordinate_without_its_zeros_has_the_identity(void **state)
{
	static const uint8_t xy[] = {
		0x00, 0x20, 0x00, 0x55, 0x43, 0x89, 0x4a, 0xf3, 0xd0, 0x0e, 0xd7, 0xd7, 0x40, 0xab,
		0xdb, 0xd7, 0x5c, 0x96, 0xb0, 0x68, 0x77, 0xb7, 0x87, 0xdb, 0x5f, 0x70, 0xee, 0xa7,
		0x8b, 0x90, 0xa8, 0xd7, 0xc0, 0x0a, 0x00, 0x20, 0xbb, 0x4c, 0x85, 0xa3, 0xd8, 0xea,
		0x29, 0xef, 0xaa, 0xfa, 0x24, 0x40, 0x69, 0x12, 0xdd, 0x84, 0xd5, 0xb1, 0x4d, 0xc3,
		0x2b, 0xf6, 0x56, 0xef, 0x6c, 0x6b, 0xd5, 0x8a, 0x5d, 0x94, 0x3f, 0x92,
	};
	BUF_AUTO(padded, PKI_EK_PUBLIC_MAX);
	BUF_AUTO(cut, PKI_EK_PUBLIC_MAX);

	(void)state;
	assert_int_equal(buf_append(&padded, bytes_of(ek_ecc, AT_ECC_X - 2)), 0);
	assert_int_equal(buf_append(&padded, BYTES_ARRAY(xy)), 0);
	assert_int_equal(buf_append(&cut, bytes_of(padded.p, AT_ECC_X)), 0);
	assert_int_equal(buf_append(&cut, bytes_of(padded.p + AT_ECC_X + 1, padded.len - AT_ECC_X - 1)), 0);
	cut.p[AT_SIZE + 1]--;
	cut.p[AT_ECC_X - 1]--;
	assert_same_key(buf_bytes(&padded), buf_bytes(&cut), true);
}

static void test_ek_parse_other_keys_have_other_identities(void **state)
{
	(void)state;
	assert_same_key(BYTES_ARRAY(ek_rsa), BYTES_ARRAY(ek_azure), false);
	assert_same_key(BYTES_ARRAY(ek_rsa), BYTES_ARRAY(vector_ek), false);
	assert_same_key(BYTES_ARRAY(ek_rsa), BYTES_ARRAY(ek_ecc), false);
}

static void test_ek_parse_storage_root_key_refused(void **state)
{
	(void)state;
	refuse(BYTES_ARRAY(srk_azure), "are not an endorsement key's");
}

static void test_ek_parse_each_attribute_is_needed(void **state)
{
	/* fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy; restricted, decrypt; stClear, dup, sign */
	static const struct {
		size_t byte;
		uint8_t flip;
	} bits[] = { { 3, 0x02 }, { 3, 0x10 }, { 3, 0x20 }, { 3, 0x80 }, { 1, 0x01 },
		     { 1, 0x02 }, { 3, 0x04 }, { 2, 0x08 }, { 1, 0x04 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
		refuse_changed(BYTES_ARRAY(ek_rsa), AT_ATTRIBUTES + bits[i].byte, bits[i].flip,
			       "are not an endorsement key's");
		refuse_changed(BYTES_ARRAY(ek_ecc), AT_ATTRIBUTES + bits[i].byte, bits[i].flip,
			       "are not an endorsement key's");
	}
}

static void test_ek_parse_other_fields_refused(void **state)
{
	(void)state;
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_SIZE + 1, 0x01, "size does not fit");
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_TYPE + 1, 0x09, "neither RSA nor ECC");
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_NAME_ALG + 1, 0x0f, "not SHA-256");
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_POLICY + 5, 0x01, "policy is none");
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_SYMMETRIC + 1, 0x16, "not AES-128-CFB");
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_SYMMETRIC + 2, 0x01, "not AES-128-CFB");
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_SCHEME + 1, 0x04, "has a scheme");
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_RSA_BITS, 0x0c, "not of 2048 bits");
	refuse_changed(BYTES_ARRAY(ek_rsa), AT_RSA_EXPONENT + 3, 0x03, "exponent is even, below 65537");
	refuse_changed(BYTES_ARRAY(ek_ecc), AT_ECC_CURVE + 1, 0x07, "not on P-256");
	refuse_changed(BYTES_ARRAY(ek_ecc), AT_ECC_KDF + 1, 0x01, "not on P-256");
}

static void test_ek_parse_point_off_the_curve_refused(void **state)
{
	(void)state;
	refuse_changed(BYTES_ARRAY(ek_ecc), sizeof(ek_ecc) - 1, 0x01, "not a point of its curve");
}

static void test_ek_parse_even_modulus_refused(void **state)
{
	(void)state;
	refuse_changed(BYTES_ARRAY(ek_rsa), sizeof(ek_rsa) - 1, 0x01, "modulus is even");
}

static void test_ek_parse_every_truncation_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(ek_ecc); n++)
		refuse(bytes_of(ek_ecc, n), "size does not fit");
	/* With the size made to fit, the fields run out instead. */
	for (size_t n = 4; n < sizeof(ek_ecc); n++) {
		BUF_AUTO(cut, PKI_EK_PUBLIC_MAX);

		assert_int_equal(buf_append(&cut, bytes_of(ek_ecc, n)), 0);
		cut.p[1] = (uint8_t)(n - 2);
		refuse(buf_bytes(&cut), "the EK's public area");
	}
}

static void test_ek_parse_trailing_byte_refused(void **state)
{
	BUF_AUTO(longer, PKI_EK_PUBLIC_MAX);

	(void)state;
	assert_int_equal(buf_append(&longer, BYTES_ARRAY(ek_ecc)), 0);
	assert_int_equal(buf_append_u8(&longer, 0), 0);
	refuse(buf_bytes(&longer), "size does not fit");
	longer.p[1]++;
	refuse(buf_bytes(&longer), "bytes behind its end");
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ek_parse_real_keys_accepted),
		T(test_ek_parse_policy_b_accepted),
		T(test_ek_parse_storage_root_key_refused),
		T(test_ek_parse_each_attribute_is_needed),
		T(test_ek_parse_other_fields_refused),
		T(test_ek_parse_point_off_the_curve_refused),
		T(test_ek_parse_even_modulus_refused),
		T(test_ek_parse_every_truncation_refused),
		T(test_ek_parse_trailing_byte_refused),
		T(test_ek_parse_other_form_of_a_key_has_its_identity),
		T(test_ek_parse_coordinate_without_its_zeros_has_the_identity),
		T(test_ek_parse_other_keys_have_other_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
