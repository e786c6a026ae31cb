/* pki/ca.c and pki/issuer.c: what our own CA certificates say, and which may issue. */
#include "make.h"

static void test_root_make_reads_back_as_a_root(void **state)
{
	struct make_ca ca;
	int critical = -1;

	(void)state;
	make_ca("P-256", &ca);
	{
		CLEANUP(make_x509_freep) X509 *root = make_x509(buf_bytes(&ca.root));
		BASIC_CONSTRAINTS *basic = X509_get_ext_d2i(root, NID_basic_constraints, &critical, NULL);

		assert_int_equal(X509_verify(root, ca.root_key), 1);
		assert_int_equal(X509_self_signed(root, 1), 1);
		assert_non_null(basic);
		assert_int_equal(critical, 1);
		assert_true(basic->ca != 0);
		assert_null(basic->pathlen);
		assert_int_equal(X509_get_key_usage(root), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
		assert_int_equal(X509_get_ext_count(root), 3);
		BASIC_CONSTRAINTS_free(basic);
	}
	make_ca_free(&ca);
}

static void test_login_make_issues_nothing(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("2048");
	const struct signer signer = make_signer(key);
	BUF_AUTO(spki, PKI_SPKI_MAX);
	BUF_AUTO(der, PKI_CERT_MAX);
	uint8_t serial[PKI_SERIAL_LEN];
	struct err err = { 0 };

	(void)state;
	make_serial(7, serial);
	make_spki(key, &spki);
	{
		const struct pki_ca_request request = { "line login", buf_bytes(&spki), serial, NOW_S, 730 };

		assert_int_equal(pki_login_make(&request, &signer, &der, &err), 0);
	}
	{
		CLEANUP(make_x509_freep) X509 *cert = make_x509(buf_bytes(&der));

		assert_int_equal(X509_self_signed(cert, 1), 1);
		assert_int_equal(X509_check_ca(cert), 0);
		assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
		assert_int_equal(X509_get_ext_count(cert), 3);
	}
}

static void test_intermediate_make_has_path_length_0(void **state)
{
	struct make_ca ca;
	int critical = -1;

	(void)state;
	make_ca("P-384", &ca);
	{
		CLEANUP(make_x509_freep) X509 *cert = make_x509(buf_bytes(&ca.intermediate));
		ASN1_BIT_STRING *usage = X509_get_ext_d2i(cert, NID_key_usage, &critical, NULL);

		assert_int_equal(X509_verify(cert, ca.root_key), 1);
		assert_int_equal(X509_get_pathlen(cert), 0);
		assert_int_equal(X509_get_key_usage(cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
		assert_non_null(usage);
		assert_int_equal(critical, 1);
		assert_int_equal(X509_get_ext_count(cert), 4);
		ASN1_BIT_STRING_free(usage);
	}
	make_ca_free(&ca);
}

static void test_intermediate_make_never_outlives_the_root(void **state)
{
	struct make_ca ca;
	struct err err;
	uint8_t serial[PKI_SERIAL_LEN];
	BUF_AUTO(spki, PKI_SPKI_MAX);
	BUF_AUTO(der, PKI_CERT_MAX);

	(void)state;
	make_ca("P-256", &ca);
	make_serial(5, serial);
	make_spki(ca.key, &spki);
	{
		const struct signer signer = make_signer(ca.root_key);
		const struct pki_ca_request request = { "Line 8", buf_bytes(&spki), serial, NOW_S, 100000 };

		assert_int_equal(pki_intermediate_make(ca.root_issuer, &request, &signer, &der, &err), 0);
	}
	{
		CLEANUP(make_x509_freep) X509 *cert = make_x509(buf_bytes(&der));
		CLEANUP(make_x509_freep) X509 *root = make_x509(buf_bytes(&ca.root));

		assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(cert), X509_get0_notAfter(root)), 0);
	}
	make_ca_free(&ca);
}

static void refuse_intermediate(const struct pki_issuer *issuer, struct bytes spki, const char *cn,
				const struct signer *signer, const char *why)
{
	uint8_t serial[PKI_SERIAL_LEN];
	const struct pki_ca_request request = { cn, spki, serial, NOW_S, 365 };
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(der, PKI_CERT_MAX);

	make_serial(5, serial);
	assert_int_equal(pki_intermediate_make(issuer, &request, signer, &der, &err), -1);
	assert_int_equal(der.len, 0);
	assert_err(&err, ERR_OPERATOR, why);
}

static void test_intermediate_make_under_path_length_0_refused(void **state)
{
	struct make_ca ca;
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	BUF_AUTO(spki, PKI_SPKI_MAX);

	(void)state;
	make_ca("P-256", &ca);
	make_spki(key, &spki);
	{
		const struct signer signer = make_signer(ca.key);

		refuse_intermediate(ca.issuer, buf_bytes(&spki), "Line 8", &signer, "path length 0");
	}
	make_ca_free(&ca);
}

static void test_intermediate_make_bad_requests_refused(void **state)
{
	struct make_ca ca;
	CLEANUP(make_key_freep) EVP_PKEY *weak = make_key("1024");
	CLEANUP(make_key_freep) EVP_PKEY *good = make_key("P-256");
	BUF_AUTO(spki, PKI_SPKI_MAX);

	(void)state;
	make_ca("P-256", &ca);
	{
		const struct signer signer = make_signer(ca.root_key);

		make_spki(weak, &spki);
		refuse_intermediate(ca.root_issuer, buf_bytes(&spki), "Line 8", &signer, "1024 bits");
		make_spki(ca.root_key, &spki);
		refuse_intermediate(ca.root_issuer, buf_bytes(&spki), "Line 8", &signer, "is the root's key");
		make_spki(good, &spki);
		refuse_intermediate(ca.root_issuer, buf_bytes(&spki), "", &signer, "can't be a common name");
		refuse_intermediate(ca.root_issuer, buf_bytes(&spki), "\xff\xfe", &signer,
				    "can't be a common name");
	}
	make_ca_free(&ca);
}

static void test_root_make_signed_by_another_key_refused(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	CLEANUP(make_key_freep) EVP_PKEY *other = make_key("P-256");
	const struct signer signer = make_signer(other);
	uint8_t serial[PKI_SERIAL_LEN];
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(spki, PKI_SPKI_MAX);
	BUF_AUTO(der, PKI_CERT_MAX);

	(void)state;
	make_serial(5, serial);
	make_spki(key, &spki);
	{
		const struct pki_ca_request request = { "Root", buf_bytes(&spki), serial, NOW_S, 365 };

		assert_int_equal(pki_root_make(&request, &signer, &der, &err), -1);
	}
	assert_err(&err, ERR_STATION, "signature is not one by this key");
}

static void test_root_make_rsa_and_pss_verify(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("2048");
	static const enum sign_alg algs[] = { SIGN_RSA_PKCS1_SHA256, SIGN_RSA_PSS_SHA256 };
	uint8_t serial[PKI_SERIAL_LEN];
	struct err err;
	BUF_AUTO(spki, PKI_SPKI_MAX);

	(void)state;
	make_serial(5, serial);
	make_spki(key, &spki);
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		const struct pki_ca_request request = { "RSA root", buf_bytes(&spki), serial, NOW_S, 365 };
		const struct signer signer = { make_sign, key, algs[i] };
		CLEANUP(make_x509_freep) X509 *cert = NULL;
		BUF_AUTO(der, PKI_CERT_MAX);

		assert_int_equal(pki_root_make(&request, &signer, &der, &err), 0);
		cert = make_x509(buf_bytes(&der));
		assert_int_equal(X509_verify(cert, key), 1);
	}
}

static void refuse_issuer(struct bytes der, const char *why)
{
	struct pki_issuer *issuer = NULL;
	struct err err = { .class = ERR_NONE };

	assert_int_equal(pki_issuer_new(der, &issuer, &err), -1);
	assert_null(issuer);
	assert_err(&err, ERR_OPERATOR, why);
}

static void test_issuer_new_leaf_refused(void **state)
{
	struct make_ca ca;
	BUF_AUTO(leaf, PKI_CERT_MAX);

	(void)state;
	make_ca("P-256", &ca);
	make_leaf(&ca, &leaf);
	refuse_issuer(buf_bytes(&leaf), "not a CA's");
	make_ca_free(&ca);
}

static void test_issuer_new_damaged_refused(void **state)
{
	struct make_ca ca;

	(void)state;
	make_ca("P-256", &ca);
	refuse_issuer(BYTES_NONE, "0 bytes");
	refuse_issuer(bytes_of(ca.root.p, ca.root.len - 1), "malformed");
	assert_int_equal(buf_append_u8(&ca.root, 0), 0);
	refuse_issuer(buf_bytes(&ca.root), "1 bytes behind");
	make_ca_free(&ca);
}

/* A CA certificate by OpenSSL with the extensions wanted. */
static void refuse_foreign_ca(const char *basic, const char *usage, const char *ski, const char *why)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	CLEANUP(make_x509_freep) X509 *cert = X509_new();
	BUF_AUTO(der, PKI_CERT_MAX);
	const char *const values[] = { basic, usage, ski };
	static const int nids[] = { NID_basic_constraints, NID_key_usage, NID_subject_key_identifier };
	X509_NAME *name = X509_get_subject_name(cert);

	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_int_equal(
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"CA", -1, -1, 0),
		1);
	assert_int_equal(X509_set_issuer_name(cert, name), 1);
	assert_non_null(X509_time_adj(X509_getm_notBefore(cert), 0, NULL));
	assert_non_null(X509_time_adj(X509_getm_notAfter(cert), 1000, NULL));
	for (size_t i = 0; i < ARRAY_LEN(nids); i++) {
		X509_EXTENSION *extension =
			values[i] != NULL ? X509V3_EXT_conf_nid(NULL, NULL, nids[i], values[i]) : NULL;

		if (extension != NULL)
			assert_int_equal(X509_add_ext(cert, extension, -1), 1);
		X509_EXTENSION_free(extension);
	}
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	make_der(cert, &der);
	refuse_issuer(buf_bytes(&der), why);
}

static void test_issuer_new_ca_without_the_right_refused(void **state)
{
	(void)state;
	refuse_foreign_ca(NULL, "keyCertSign", "0102", "not a CA's");
	refuse_foreign_ca("CA:FALSE", "keyCertSign", "0102", "not a CA's");
	refuse_foreign_ca("critical,CA:TRUE", "digitalSignature,cRLSign", "0102", "keyCertSign");
	refuse_foreign_ca("critical,CA:TRUE", NULL, "0102", "keyCertSign");
	refuse_foreign_ca("critical,CA:TRUE", "keyCertSign", NULL, "no subjectKeyIdentifier");
}

static void test_issuer_has_key_compares_the_spki(void **state)
{
	struct make_ca ca;
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(spki, PKI_SPKI_MAX);

	(void)state;
	make_ca("P-256", &ca);
	make_spki(ca.key, &spki);
	assert_int_equal(pki_issuer_has_key(ca.issuer, buf_bytes(&spki), &err), 0);
	make_spki(ca.root_key, &spki);
	assert_int_equal(pki_issuer_has_key(ca.issuer, buf_bytes(&spki), &err), -1);
	assert_err(&err, ERR_OPERATOR, "not the key of the issuing certificate");
	make_ca_free(&ca);
}

/* Two CAs of the same name: the signature decides. */
static void test_issuer_issued_other_ca_refused(void **state)
{
	struct make_ca ours, other;
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(leaf, PKI_CERT_MAX);

	(void)state;
	make_ca("P-256", &ours);
	make_ca("P-256", &other);
	make_leaf(&ours, &leaf);
	assert_int_equal(pki_issuer_issued(ours.issuer, buf_bytes(&leaf), &err), 0);
	assert_int_equal(pki_issuer_issued(other.issuer, buf_bytes(&leaf), &err), -1);
	assert_err(&err, ERR_OPERATOR, "issued by another CA");
	make_ca_free(&ours);
	make_ca_free(&other);
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_root_make_reads_back_as_a_root),
		T(test_login_make_issues_nothing),
		T(test_intermediate_make_has_path_length_0),
		T(test_intermediate_make_never_outlives_the_root),
		T(test_intermediate_make_under_path_length_0_refused),
		T(test_intermediate_make_bad_requests_refused),
		T(test_root_make_signed_by_another_key_refused),
		T(test_root_make_rsa_and_pss_verify),
		T(test_issuer_new_leaf_refused),
		T(test_issuer_new_damaged_refused),
		T(test_issuer_new_ca_without_the_right_refused),
		T(test_issuer_has_key_compares_the_spki),
		T(test_issuer_issued_other_ca_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
