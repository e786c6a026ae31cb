/* pki/csr.c: what is accepted, and one test for each thing that is not. */
#include "make.h"

#include <stdlib.h>

static void accept(const struct make_request *request)
{
	CLEANUP(pki_csr_freep) struct pki_csr *csr = NULL;
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(der, PKI_CERT_MAX);
	BUF_AUTO(spki, PKI_SPKI_MAX);

	make_csr(request, &der);
	make_spki(request->key, &spki);
	if (pki_csr_parse(buf_bytes(&der), &csr, &err) < 0)
		fail_msg("%s", err.what);
	assert_string_equal(pki_csr_cn(csr), request->subject_n > 0 ? request->subject[0].text : "unit-1");
	assert_true(bytes_equal(pki_csr_spki(csr), buf_bytes(&spki)));
}

static void refuse_der(struct bytes der, const char *why)
{
	struct pki_csr *csr = NULL;
	struct err err = { .class = ERR_NONE };

	assert_int_equal(pki_csr_parse(der, &csr, &err), -1);
	assert_null(csr);
	assert_err(&err, ERR_UNIT, why);
}

static void refuse(const struct make_request *request, const char *why)
{
	BUF_AUTO(der, PKI_CERT_MAX);

	make_csr(request, &der);
	refuse_der(buf_bytes(&der), why);
}

/* A request for a new P-256 key with this subject. */
static void refuse_subject(const struct make_attribute *subject, int n, const char *why)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	struct make_request request = { .key = key, .subject_n = n };

	memcpy(request.subject, subject, (size_t)n * sizeof(*subject));
	refuse(&request, why);
}

static void test_csr_parse_good_keys_accepted(void **state)
{
	static const char *const kinds[] = { "P-256", "P-384", "2048", "3072" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(make_key_freep) EVP_PKEY *key = make_key(kinds[i]);
		const struct make_request request = { .key = key };

		accept(&request);
	}
}

static void test_csr_parse_good_hashes_accepted(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *rsa = make_key("2048");
	CLEANUP(make_key_freep) EVP_PKEY *ec = make_key("P-256");
	const struct make_request requests[] = {
		{ .key = rsa, .md = EVP_sha384() },
		{ .key = rsa, .md = EVP_sha512() },
		{ .key = rsa, .pss = true },
		{ .key = ec, .md = EVP_sha384() },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		accept(&requests[i]);
}

static void test_csr_parse_printable_cn_accepted(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	const struct make_request request = { .key = key,
					      .subject = { { NID_commonName, V_ASN1_PRINTABLESTRING, "A1",
							     -1 } },
					      .subject_n = 1 };

	(void)state;
	accept(&request);
}

static void test_csr_parse_other_hashes_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *rsa = make_key("2048");
	CLEANUP(make_key_freep) EVP_PKEY *ec = make_key("P-256");
	const struct make_request requests[] = {
		{ .key = rsa, .md = EVP_sha1() },
		{ .key = rsa, .md = EVP_md5() },
		{ .key = rsa, .md = EVP_sha1(), .pss = true },
		{ .key = ec, .md = EVP_sha1() },
		{ .key = ec, .md = EVP_sha224() },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		refuse(&requests[i], "signature algorithm is not accepted");
}

static void test_csr_parse_signature_of_another_key_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	CLEANUP(make_key_freep) EVP_PKEY *other = make_key("P-256");
	const struct make_request request = { .key = key, .signed_by = other };

	(void)state;
	refuse(&request, "signature is not one by this key");
}

static void test_csr_parse_signature_of_another_kind_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	CLEANUP(make_key_freep) EVP_PKEY *other = make_key("2048");
	const struct make_request request = { .key = key, .signed_by = other };

	(void)state;
	refuse(&request, "not one of the key's kind");
}

static void test_csr_parse_changed_cn_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	const struct make_request request = { .key = key };
	BUF_AUTO(der, PKI_CERT_MAX);
	uint8_t *cn;

	(void)state;
	make_csr(&request, &der);
	cn = memmem(der.p, der.len, "unit-1", 6);
	assert_non_null(cn);
	cn[5] = '2';
	refuse_der(buf_bytes(&der), "signature is not one by this key");
}

static void test_csr_parse_trailing_byte_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	const struct make_request request = { .key = key };
	BUF_AUTO(der, PKI_CERT_MAX);

	(void)state;
	make_csr(&request, &der);
	assert_int_equal(buf_append_u8(&der, 0), 0);
	refuse_der(buf_bytes(&der), "1 bytes behind the CSR");
}

static void test_csr_parse_every_truncation_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	const struct make_request request = { .key = key };
	BUF_AUTO(der, PKI_CERT_MAX);

	(void)state;
	make_csr(&request, &der);
	refuse_der(BYTES_NONE, "0 bytes");
	for (size_t n = 1; n < der.len; n++)
		refuse_der(bytes_of(der.p, n), "malformed");
}

static void test_csr_parse_too_long_refused(void **state)
{
	uint8_t *der = calloc(1, PKI_CERT_MAX + 1);

	(void)state;
	assert_non_null(der);
	refuse_der(bytes_of(der, PKI_CERT_MAX + 1), "8193 bytes");
	free(der);
}

static void test_csr_parse_rsa_size_out_of_range_refused(void **state)
{
	static const char *const kinds[] = { "1024", "2040", "4104" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(make_key_freep) EVP_PKEY *key = make_key(kinds[i]);
		const struct make_request request = { .key = key };

		refuse(&request, "2048 to 4096 are allowed");
	}
}

static void test_csr_parse_other_curve_refused(void **state)
{
	static const char *const kinds[] = { "P-521", "P-224" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		CLEANUP(make_key_freep) EVP_PKEY *key = make_key(kinds[i]);
		const struct make_request request = { .key = key };

		refuse(&request, "not P-256, P-384 or RSA");
	}
}

static void test_csr_parse_ed25519_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	CLEANUP(make_key_freep) EVP_PKEY *ec = make_key("P-256");
	const struct make_request request = { .key = ed, .signed_by = ec };

	(void)state;
	refuse(&request, "not P-256, P-384 or RSA");
}

/* SubjectPublicKeyInfo of a P-256 key: where its algorithm's OID and its point begin. */
#define SPKI_OID   6
#define SPKI_POINT 26

/* Finds the key in the request and changes it at the offset. */
static void refuse_key(size_t at, uint8_t flip, const char *why)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	const struct make_request request = { .key = key };
	BUF_AUTO(der, PKI_CERT_MAX);
	BUF_AUTO(spki, PKI_SPKI_MAX);
	uint8_t *in_csr;

	make_csr(&request, &der);
	make_spki(key, &spki);
	in_csr = memmem(der.p, der.len, spki.p, spki.len);
	assert_non_null(in_csr);
	in_csr[at] ^= flip;
	refuse_der(buf_bytes(&der), why);
}

static void test_csr_parse_point_off_the_curve_refused(void **state)
{
	(void)state;
	refuse_key(SPKI_POINT + 64, 0x01, "not a point of its curve");
}

static void test_csr_parse_hybrid_point_refused(void **state)
{
	(void)state;
	refuse_key(SPKI_POINT, 0x02, "not an uncompressed point");
}

static void test_csr_parse_key_of_no_algorithm_refused(void **state)
{
	(void)state;
	refuse_key(SPKI_OID, 0x01, "malformed or of an unknown kind");
}

static void test_csr_parse_two_cns_refused(void **state)
{
	static const struct make_attribute subject[] = { { NID_commonName, V_ASN1_UTF8STRING, "unit-1", -1 },
							 { NID_commonName, V_ASN1_UTF8STRING, "unit-2",
							   -1 } };

	(void)state;
	refuse_subject(subject, 2, "not one CN and nothing else");
}

static void test_csr_parse_extra_rdn_refused(void **state)
{
	static const struct make_attribute subject[] = {
		{ NID_organizationName, V_ASN1_UTF8STRING, "Contoso", -1 },
		{ NID_commonName, V_ASN1_UTF8STRING, "unit-1", -1 }
	};

	(void)state;
	refuse_subject(subject, 2, "not one CN and nothing else");
}

static void test_csr_parse_subject_without_cn_refused(void **state)
{
	static const struct make_attribute subject[] = { { NID_serialNumber, V_ASN1_PRINTABLESTRING, "1",
							   -1 } };

	(void)state;
	refuse_subject(subject, 1, "not one CN and nothing else");
}

static void test_csr_parse_empty_cn_refused(void **state)
{
	static const struct make_attribute subject[] = { { NID_commonName, V_ASN1_UTF8STRING, "", 0 } };

	(void)state;
	refuse_subject(subject, 1, "CN has 0 characters");
}

static void test_csr_parse_cn_of_65_characters_refused(void **state)
{
	static const struct make_attribute subject[] = {
		{ NID_commonName, V_ASN1_UTF8STRING,
		  "a23456789012345678901234567890123456789012345678901234567890abcde", -1 }
	};

	(void)state;
	refuse_subject(subject, 1, "CN has 65 characters");
}

static void test_csr_parse_nul_in_cn_refused(void **state)
{
	static const struct make_attribute subject[] = { { NID_commonName, V_ASN1_UTF8STRING, "unit-1\0x",
							   8 } };

	(void)state;
	refuse_subject(subject, 1, "byte 7 of the CSR's CN is 0x00");
}

static void test_csr_parse_bmp_cn_refused(void **state)
{
	static const struct make_attribute subject[] = { { NID_commonName, V_ASN1_BMPSTRING, "\0u\0n", 4 } };

	(void)state;
	refuse_subject(subject, 1, "neither UTF8String nor PrintableString");
}

static void test_csr_parse_version_2_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	const struct make_request request = { .key = key };
	static const uint8_t version[] = { 0x02, 0x01, 0x00 };
	BUF_AUTO(der, PKI_CERT_MAX);
	uint8_t *at;

	(void)state;
	make_csr(&request, &der);
	at = memmem(der.p, der.len, version, sizeof(version));
	assert_non_null(at);
	at[2] = 1;
	refuse_der(buf_bytes(&der), "version is not 1");
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_csr_parse_good_keys_accepted),
		T(test_csr_parse_good_hashes_accepted),
		T(test_csr_parse_printable_cn_accepted),
		T(test_csr_parse_other_hashes_refused),
		T(test_csr_parse_signature_of_another_key_refused),
		T(test_csr_parse_signature_of_another_kind_refused),
		T(test_csr_parse_changed_cn_refused),
		T(test_csr_parse_trailing_byte_refused),
		T(test_csr_parse_every_truncation_refused),
		T(test_csr_parse_too_long_refused),
		T(test_csr_parse_rsa_size_out_of_range_refused),
		T(test_csr_parse_other_curve_refused),
		T(test_csr_parse_ed25519_refused),
		T(test_csr_parse_point_off_the_curve_refused),
		T(test_csr_parse_hybrid_point_refused),
		T(test_csr_parse_key_of_no_algorithm_refused),
		T(test_csr_parse_two_cns_refused),
		T(test_csr_parse_extra_rdn_refused),
		T(test_csr_parse_subject_without_cn_refused),
		T(test_csr_parse_empty_cn_refused),
		T(test_csr_parse_cn_of_65_characters_refused),
		T(test_csr_parse_nul_in_cn_refused),
		T(test_csr_parse_bmp_cn_refused),
		T(test_csr_parse_version_2_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
