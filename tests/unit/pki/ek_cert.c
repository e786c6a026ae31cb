/* pki/ek_cert.c: a real certificate, those of other keys, and the defects that makers ship. */
#include "make.h"

#include "vectors.h"

/* The last 65 octets of a P-256 SubjectPublicKeyInfo, put into an EK's public area. */
static void ek_for(EVP_PKEY *key, struct buf *ret)
{
	BUF_AUTO(spki, PKI_SPKI_MAX);
	const uint8_t *point;

	make_spki(key, &spki);
	point = spki.p + spki.len - 64;
	assert_int_equal(buf_append(ret, BYTES_ARRAY(ek_ecc)), 0);
	memcpy(ret->p + ret->len - 66, point, 32);
	memcpy(ret->p + ret->len - 32, point + 32, 32);
}

/* serial, subject and usage may be NULL for none. */
static void make_cert(EVP_PKEY *key, long serial, const char *subject, const char *usage, struct buf *ret)
{
	CLEANUP(make_key_freep) EVP_PKEY *issuer = make_key("P-256");
	CLEANUP(make_x509_freep) X509 *cert = X509_new();
	X509_EXTENSION *extension =
		usage != NULL ? X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, usage) : NULL;

	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial), 1);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	if (subject != NULL)
		assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
							    (const unsigned char *)subject, -1, -1, 0),
				 1);
	assert_non_null(X509_time_adj(X509_getm_notBefore(cert), 0, NULL));
	assert_non_null(X509_time_adj(X509_getm_notAfter(cert), 1000, NULL));
	if (extension != NULL)
		assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(cert, issuer, EVP_sha256()) > 0);
	make_der(cert, ret);
}

static void accept(struct bytes cert, struct bytes public, unsigned want_defects, size_t want_len)
{
	struct err err = { .class = ERR_NONE };
	unsigned defects = 999;
	size_t len = 0;

	if (pki_ek_cert_check(cert, public, &defects, &len, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(defects, want_defects);
	assert_int_equal(len, want_len);
}

static void refuse(struct bytes cert, struct bytes public, const char *why)
{
	struct err err = { .class = ERR_NONE };
	unsigned defects = 999;
	size_t len = 999;

	assert_int_equal(pki_ek_cert_check(cert, public, &defects, &len, &err), -1);
	assert_int_equal(defects, 999);
	assert_int_equal(len, 999);
	assert_err(&err, ERR_UNIT, why);
}

static void test_ek_cert_check_real_certificate_accepted(void **state)
{
	(void)state;
	accept(BYTES_ARRAY(ek_rsa_cert), BYTES_ARRAY(ek_rsa), 0, sizeof(ek_rsa_cert));
}

static void test_ek_cert_check_certificate_of_another_ek_refused(void **state)
{
	(void)state;
	refuse(BYTES_ARRAY(ek_rsa_cert), BYTES_ARRAY(ek_azure), "EK is not the certified EK");
	refuse(BYTES_ARRAY(ek_rsa_cert), BYTES_ARRAY(ek_ecc), "EK is not the certified EK");
}

static void test_ek_cert_check_other_exponent_refused(void **state)
{
	BUF_AUTO(ek, PKI_EK_PUBLIC_MAX);

	(void)state;
	assert_int_equal(buf_append(&ek, BYTES_ARRAY(ek_rsa)), 0);
	ek.p[57] = 3;
	refuse(BYTES_ARRAY(ek_rsa_cert), buf_bytes(&ek), "EK is not the certified EK");
}

static void test_ek_cert_check_trailing_bytes_reported(void **state)
{
	static const uint8_t padding[300] = { 0 };
	BUF_AUTO(nv, PKI_EK_CERT_MAX);

	(void)state;
	assert_int_equal(buf_append(&nv, BYTES_ARRAY(ek_rsa_cert)), 0);
	assert_int_equal(buf_append(&nv, BYTES_ARRAY(padding)), 0);
	accept(buf_bytes(&nv), BYTES_ARRAY(ek_rsa), PKI_EK_TRAILING_BYTES, sizeof(ek_rsa_cert));
}

static void test_ek_cert_check_defects_reported(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	BUF_AUTO(ek, PKI_EK_PUBLIC_MAX);
	BUF_AUTO(cert, PKI_EK_CERT_MAX);

	(void)state;
	ek_for(key, &ek);
	make_cert(key, 7, "ek", "2.23.133.8.1", &cert);
	accept(buf_bytes(&cert), buf_bytes(&ek), 0, cert.len);
	make_cert(key, 7, "ek", "clientAuth,2.23.133.8.1", &cert);
	accept(buf_bytes(&cert), buf_bytes(&ek), 0, cert.len);
	make_cert(key, 7, "ek", "clientAuth", &cert);
	accept(buf_bytes(&cert), buf_bytes(&ek), PKI_EK_NO_EKU, cert.len);
	make_cert(key, 7, NULL, NULL, &cert);
	accept(buf_bytes(&cert), buf_bytes(&ek), PKI_EK_NO_EKU | PKI_EK_EMPTY_SUBJECT, cert.len);
}

/* STM's padded serial numbers: OpenSSL refuses what X.690 8.3.2 forbids. */
static void test_ek_cert_check_padded_serial_reported(void **state)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	static const uint8_t serial[] = { 0x02, 0x02, 0x12, 0x34 };
	BUF_AUTO(ek, PKI_EK_PUBLIC_MAX);
	BUF_AUTO(cert, PKI_EK_CERT_MAX);
	uint8_t *at;

	(void)state;
	ek_for(key, &ek);
	make_cert(key, 0x1234, "ek", "2.23.133.8.1", &cert);
	at = memmem(cert.p, cert.len, serial, sizeof(serial));
	assert_non_null(at);
	at[2] = 0;
	accept(buf_bytes(&cert), buf_bytes(&ek), PKI_EK_NOT_DER, cert.len);
}

static void test_ek_cert_check_every_truncation_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(ek_rsa_cert); n++)
		refuse(bytes_of(ek_rsa_cert, n), BYTES_ARRAY(ek_rsa), "the EK certificate is malformed");
}

static void test_ek_cert_check_too_long_refused(void **state)
{
	static const uint8_t nv[PKI_EK_CERT_MAX + 1] = { 0x30, 0x00 };

	(void)state;
	refuse(BYTES_ARRAY(nv), BYTES_ARRAY(ek_rsa), "the EK certificate is malformed");
}

static void test_ek_cert_check_bad_public_refused(void **state)
{
	(void)state;
	refuse(BYTES_ARRAY(ek_rsa_cert), BYTES_ARRAY(srk_azure), "are not an endorsement key's");
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ek_cert_check_real_certificate_accepted),
		T(test_ek_cert_check_certificate_of_another_ek_refused),
		T(test_ek_cert_check_other_exponent_refused),
		T(test_ek_cert_check_trailing_bytes_reported),
		T(test_ek_cert_check_defects_reported),
		T(test_ek_cert_check_padded_serial_reported),
		T(test_ek_cert_check_every_truncation_refused),
		T(test_ek_cert_check_too_long_refused),
		T(test_ek_cert_check_bad_public_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
