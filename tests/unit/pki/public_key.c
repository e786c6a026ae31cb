/* pki/public_key.c, through requests: a key has one encoding, and its hash tells it from others. */
#include "make.h"

#include <openssl/core_names.h>

/* X.690 8.1.3: a length in its shortest form, or in the longest that fits any key. */
static void put(struct buf *out, uint8_t tag, struct bytes content, bool lengthy)
{
	assert_int_equal(buf_append_u8(out, tag), 0);
	if (lengthy)
		assert_int_equal(buf_append_u16(out, 0x8300), 0);
	else if (content.len > 0xff)
		assert_int_equal(buf_append_u8(out, 0x82), 0);
	else if (content.len > 0x7f)
		assert_int_equal(buf_append_u8(out, 0x81), 0);
	if (lengthy || content.len > 0xff)
		assert_int_equal(buf_append_u8(out, (uint8_t)(content.len >> 8)), 0);
	assert_int_equal(buf_append_u8(out, (uint8_t)content.len), 0);
	assert_int_equal(buf_append(out, content), 0);
}

/* A request for this key; the signature is none, but the key is judged before it. */
static struct err judge(struct bytes spki)
{
	static const uint8_t subject[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06,
					   0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'u' };
	static const uint8_t ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
						0x04, 0x03, 0x02, 0x03, 0x03, 0x00, 0x30, 0x00 };
	static const uint8_t version[] = { 0x02, 0x01, 0x00 }, no_attributes[] = { 0xa0, 0x00 };
	struct pki_csr *csr = NULL;
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(info, PKI_CERT_MAX);
	BUF_AUTO(request, PKI_CERT_MAX);
	BUF_AUTO(der, PKI_CERT_MAX);

	assert_int_equal(buf_append(&info, BYTES_ARRAY(version)), 0);
	assert_int_equal(buf_append(&info, BYTES_ARRAY(subject)), 0);
	assert_int_equal(buf_append(&info, spki), 0);
	assert_int_equal(buf_append(&info, BYTES_ARRAY(no_attributes)), 0);
	put(&request, 0x30, buf_bytes(&info), false);
	assert_int_equal(buf_append(&request, BYTES_ARRAY(ecdsa_sha256)), 0);
	put(&der, 0x30, buf_bytes(&request), false);
	assert_int_equal(pki_csr_parse(buf_bytes(&der), &csr, &err), -1);
	return err;
}

static void refuse(struct bytes spki, const char *why)
{
	const struct err err = judge(spki);

	assert_err(&err, ERR_UNIT, why);
}

/* How far a sound key gets. */
#define SOUND_EC  "signature is not one by this key"
#define SOUND_RSA "not one of the key's kind"

/* What may be written in another way in the SubjectPublicKeyInfo of an RSA key. */
struct form {
	const char *why;
	bool long_alg, no_parameters, long_bits, long_key, long_modulus, long_exponent;
	bool padded_modulus, padded_exponent, byte_behind_key, byte_behind_bits;
};

static void put_rsa_key(const struct form *form, struct bytes modulus, struct buf *ret)
{
	static const uint8_t exponent[] = { 0x00, 0x01, 0x00, 0x01 };
	BUF_AUTO(padded, PKI_SPKI_MAX);
	BUF_AUTO(numbers, PKI_SPKI_MAX);

	assert_int_equal(buf_append_u8(&padded, 0), 0);
	if (form->padded_modulus)
		assert_int_equal(buf_append_u8(&padded, 0), 0);
	assert_int_equal(buf_append(&padded, modulus), 0);
	put(&numbers, 0x02, buf_bytes(&padded), form->long_modulus);
	put(&numbers, 0x02,
	    form->padded_exponent ? BYTES_ARRAY(exponent) : bytes_of(exponent + 1, sizeof(exponent) - 1),
	    form->long_exponent);
	put(ret, 0x30, buf_bytes(&numbers), form->long_key);
}

static void put_rsa_spki(const struct form *form, struct bytes modulus, struct buf *ret)
{
	static const uint8_t rsa[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
				       0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	BUF_AUTO(bits, PKI_SPKI_MAX);
	BUF_AUTO(content, PKI_SPKI_MAX);

	put(&content, 0x30, bytes_of(rsa, sizeof(rsa) - (form->no_parameters ? 2 : 0)), form->long_alg);
	assert_int_equal(buf_append_u8(&bits, 0), 0);
	put_rsa_key(form, modulus, &bits);
	if (form->byte_behind_key)
		assert_int_equal(buf_append_u8(&bits, 0), 0);
	put(&content, 0x03, buf_bytes(&bits), form->long_bits);
	if (form->byte_behind_bits)
		assert_int_equal(buf_append_u8(&content, 0), 0);
	put(ret, 0x30, buf_bytes(&content), false);
}

/* The modulus of a new key: it stands at the same place in each. */
static void make_modulus(struct buf *ret)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("2048");
	BUF_AUTO(spki, PKI_SPKI_MAX);

	make_spki(key, &spki);
	assert_int_equal(spki.len, 294);
	assert_int_equal(buf_append(ret, bytes_of(spki.p + 33, 256)), 0);
}

static void test_public_key_read_other_forms_of_an_rsa_key_refused(void **state)
{
	static const struct form forms[] = {
		{ .why = SOUND_RSA },
		{ .why = "not DER", .long_alg = true },
		{ .why = "not DER", .no_parameters = true },
		{ .why = "not DER", .long_bits = true },
		{ .why = "not DER", .long_key = true },
		{ .why = "not DER", .long_modulus = true },
		{ .why = "not DER", .long_exponent = true },
		{ .why = "not DER", .byte_behind_key = true },
		{ .why = "not DER", .padded_modulus = true },
		{ .why = "not DER", .padded_exponent = true },
		{ .why = "sequence length mismatch", .byte_behind_bits = true },
	};
	BUF_AUTO(modulus, 256);

	(void)state;
	make_modulus(&modulus);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		BUF_AUTO(spki, PKI_SPKI_MAX);

		put_rsa_spki(&forms[i], buf_bytes(&modulus), &spki);
		refuse(buf_bytes(&spki), forms[i].why);
	}
}

/* X.690 8.1.3.6, 8.6.4: indefinite length, and a BIT STRING in parts. */
static void test_public_key_read_ber_rsa_key_refused(void **state)
{
	static const struct form exact = { .why = NULL };
	static const uint8_t end[] = { 0x00, 0x00 };
	BUF_AUTO(modulus, 256);
	BUF_AUTO(exactly, PKI_SPKI_MAX);
	BUF_AUTO(content, PKI_SPKI_MAX);
	BUF_AUTO(spki, PKI_SPKI_MAX);

	(void)state;
	make_modulus(&modulus);
	put_rsa_spki(&exact, buf_bytes(&modulus), &exactly);
	/* SEQUENCE header of 4, AlgorithmIdentifier of 15, then the BIT STRING. */
	assert_int_equal(buf_append(&content, bytes_of(exactly.p + 4, 15)), 0);
	assert_int_equal(buf_append_u16(&content, 0x2380), 0);
	assert_int_equal(buf_append(&content, bytes_of(exactly.p + 19, exactly.len - 19)), 0);
	assert_int_equal(buf_append(&content, BYTES_ARRAY(end)), 0);
	put(&spki, 0x30, buf_bytes(&content), false);
	refuse(buf_bytes(&spki), "not DER");
}

/* Whatever bit of the header of its curve is changed: the key is not read. */
static void refuse_changed_header(const char *kind, size_t header_n)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key(kind);
	BUF_AUTO(spki, PKI_SPKI_MAX);

	make_spki(key, &spki);
	refuse(buf_bytes(&spki), SOUND_EC);
	for (size_t bit = 0; bit < 8 * header_n; bit++) {
		struct err err;

		spki.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err = judge(buf_bytes(&spki));
		if (err.class != ERR_UNIT || strstr(err.what, "signature") != NULL)
			fail_msg("%s, bit %zu: %s", kind, bit, err.what);
		spki.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_public_key_read_changed_ec_header_refused(void **state)
{
	(void)state;
	refuse_changed_header("P-256", 26);
	refuse_changed_header("P-384", 23);
}

/* The lengths of AlgorithmIdentifier, curve and point, and of the bits, in a longer form. */
static void test_public_key_read_long_lengths_of_ec_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	BUF_AUTO(exact, PKI_SPKI_MAX);

	(void)state;
	make_spki(key, &exact);
	for (int part = 0; part < 3; part++) {
		const struct bytes alg = bytes_of(exact.p + 4, 9), curve = bytes_of(exact.p + 15, 8);
		BUF_AUTO(algs, PKI_SPKI_MAX);
		BUF_AUTO(content, PKI_SPKI_MAX);
		BUF_AUTO(spki, PKI_SPKI_MAX);

		assert_int_equal(buf_append(&algs, alg), 0);
		put(&algs, 0x06, curve, part == 0);
		put(&content, 0x30, buf_bytes(&algs), part == 1);
		put(&content, 0x03, bytes_of(exact.p + 25, 66), part == 2);
		put(&spki, 0x30, buf_bytes(&content), false);
		refuse(buf_bytes(&spki), "not P-256, P-384 or RSA");
	}
}

/* RFC 5480 2.1.1, 2.2: the curve by its name only, the point uncompressed only. */
static void refuse_written_as(const char *kind, const char *name, const char *value, const char *why)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key(kind);
	BUF_AUTO(spki, PKI_SPKI_MAX);

	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, name, value), 1);
	make_spki(key, &spki);
	refuse(buf_bytes(&spki), why);
}

static void test_public_key_read_other_forms_of_an_ec_key_refused(void **state)
{
	static const char *const kinds[] = { "P-256", "P-384" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		refuse_written_as(kinds[i], OSSL_PKEY_PARAM_EC_ENCODING, "explicit",
				  "not P-256, P-384 or RSA");
		refuse_written_as(kinds[i], OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed",
				  "not P-256, P-384 or RSA");
		refuse_written_as(kinds[i], OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "hybrid",
				  "not an uncompressed point");
	}
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_public_key_read_other_forms_of_an_rsa_key_refused),
		T(test_public_key_read_ber_rsa_key_refused),
		T(test_public_key_read_changed_ec_header_refused),
		T(test_public_key_read_long_lengths_of_ec_refused),
		T(test_public_key_read_other_forms_of_an_ec_key_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
