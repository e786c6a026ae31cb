/* pki/pem.c and pki/info.c: certificates in files, and what they say of themselves. */
#include "make.h"

static void refuse_pem(struct bytes pem, unsigned n, const char *why)
{
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(der, PKI_CERT_MAX);

	assert_int_equal(pki_pem_read(pem, n, &der, &err), -1);
	assert_int_equal(der.len, 0);
	assert_err(&err, ERR_OPERATOR, why);
}

static void test_pem_chain_reads_back_the_same_bytes(void **state)
{
	struct make_ca ca;
	struct err err;
	BUF_AUTO(pem, PKI_CHAIN_MAX);
	BUF_AUTO(leaf, PKI_CERT_MAX);
	BUF_AUTO(der, PKI_CERT_MAX);

	(void)state;
	make_ca("P-256", &ca);
	make_leaf(&ca, &leaf);
	assert_int_equal(pki_pem_append(buf_bytes(&leaf), &pem, &err), 0);
	assert_int_equal(pki_pem_append(buf_bytes(&ca.intermediate), &pem, &err), 0);
	assert_memory_equal(pem.p, "-----BEGIN CERTIFICATE-----\n", 28);
	assert_int_equal(pki_pem_read(buf_bytes(&pem), 0, &der, &err), 0);
	assert_true(bytes_equal(buf_bytes(&der), buf_bytes(&leaf)));
	assert_int_equal(pki_pem_read(buf_bytes(&pem), 1, &der, &err), 0);
	assert_true(bytes_equal(buf_bytes(&der), buf_bytes(&ca.intermediate)));
	refuse_pem(buf_bytes(&pem), 2, "no such certificate");
	make_ca_free(&ca);
}

static void test_pem_read_other_blocks_skipped(void **state)
{
	static const char text[] = "some text\n"
				   "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
				   "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
	struct err err;
	BUF_AUTO(der, PKI_CERT_MAX);

	(void)state;
	assert_int_equal(pki_pem_read(BYTES_LIT(text), 0, &der, &err), 0);
	assert_int_equal(der.len, 2);
}

static void test_pem_read_no_certificate_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "0 bytes" },
		{ "nothing", "no such certificate" },
		{ "-----BEGIN CERTIFICATE-----\nMAA=\n", "no such certificate" },
		{ "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "no such certificate" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse_pem(bytes_str(bad[i].text), 0, bad[i].why);
}

static void test_pem_append_too_long_chain_refused(void **state)
{
	struct make_ca ca;
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(pem, 100);

	(void)state;
	make_ca("P-256", &ca);
	assert_int_equal(pki_pem_append(buf_bytes(&ca.root), &pem, &err), -1);
	assert_err(&err, ERR_OPERATOR, "more than 100 bytes");
	assert_int_equal(pem.len, 0);
	make_ca_free(&ca);
}

static void test_cert_info_leaf_says_what_was_asked_for(void **state)
{
	struct make_ca ca;
	struct pki_cert_info info;
	struct err err;
	uint8_t digest[SHA256_LEN];
	BUF_AUTO(leaf, PKI_CERT_MAX);

	(void)state;
	make_ca("P-256", &ca);
	make_leaf(&ca, &leaf);
	assert_int_equal(pki_cert_info(buf_bytes(&leaf), &info, &err), 0);
	assert_string_equal(info.subject_cn, "unit-1");
	assert_string_equal(info.issuer_cn, "Test line 7");
	assert_string_equal(info.serial_hex, "4000000000000000000000000000000000000003");
	assert_int_equal(info.not_before_s, NOW_S);
	assert_int_equal(info.not_after_s, NOW_S + 365 * DAY_S);
	sha256(buf_bytes(&leaf), digest);
	assert_memory_equal(info.sha256, digest, SHA256_LEN);
	make_ca_free(&ca);
}

static void test_cert_info_spki_digest_is_the_keys(void **state)
{
	struct make_ca ca;
	struct pki_cert_info info;
	struct err err;
	uint8_t digest[SHA256_LEN];
	BUF_AUTO(spki, PKI_SPKI_MAX);

	(void)state;
	make_ca("P-384", &ca);
	make_spki(ca.key, &spki);
	assert_int_equal(pki_cert_info(buf_bytes(&ca.intermediate), &info, &err), 0);
	sha256(buf_bytes(&spki), digest);
	assert_memory_equal(info.spki_sha256, digest, SHA256_LEN);
	make_ca_free(&ca);
}

static void test_cert_info_names_the_key(void **state)
{
	static const struct {
		const char *kind, *name;
	} keys[] = { { "P-256", "P-256" }, { "P-384", "P-384" }, { "2048", "RSA-2048" }, { "3072", "RSA-3072" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct make_ca ca;
		struct pki_cert_info info;
		struct err err;

		make_ca(keys[i].kind, &ca);
		assert_int_equal(pki_cert_info(buf_bytes(&ca.intermediate), &info, &err), 0);
		assert_string_equal(info.key, keys[i].name);
		make_ca_free(&ca);
	}
}

static void test_cert_info_malformed_refused(void **state)
{
	struct make_ca ca;
	struct pki_cert_info info;

	(void)state;
	make_ca("P-256", &ca);
	for (size_t n = 0; n < ca.root.len; n++) {
		struct err err = { .class = ERR_NONE };

		assert_int_equal(pki_cert_info(bytes_of(ca.root.p, n), &info, &err), -1);
		assert_err(&err, ERR_UNIT, "malformed");
	}
	assert_int_equal(buf_append_u8(&ca.root, 0), 0);
	{
		struct err err = { .class = ERR_NONE };

		assert_int_equal(pki_cert_info(buf_bytes(&ca.root), &info, &err), -1);
		assert_err(&err, ERR_UNIT, "1 bytes behind");
	}
	make_ca_free(&ca);
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pem_chain_reads_back_the_same_bytes),
		T(test_pem_read_other_blocks_skipped),
		T(test_pem_read_no_certificate_refused),
		T(test_pem_append_too_long_chain_refused),
		T(test_cert_info_leaf_says_what_was_asked_for),
		T(test_cert_info_spki_digest_is_the_keys),
		T(test_cert_info_names_the_key),
		T(test_cert_info_malformed_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
