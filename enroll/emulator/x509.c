/*
 * Certificates in requests. Clients send PEM text, base64 of DER, or base64 of
 * PEM text; the service answers with X509CertificateInfo and never with the
 * certificate itself (dps-api 0.5, 1.3, 2).
 */
#include "enroll/emulator/dps_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/encode.h"

#define PEM_MARK      "-----BEGIN CERTIFICATE-----"
#define NAME_MAX_TEXT 1024

DEFINE_CLEANUP(x509_freep, X509, X509_free)
DEFINE_CLEANUP(bio_freep, BIO, BIO_vfree)
DEFINE_CLEANUP(bn_freep, BIGNUM, BN_free)

static X509 *read_pem(struct bytes text)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);

	return bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

static X509 *read_der(struct bytes der)
{
	const unsigned char *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);

	if (cert != NULL && p != der.p + der.len) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static bool looks_like_pem(struct bytes text)
{
	return text.len > 0 && memmem(text.p, text.len, PEM_MARK, sizeof(PEM_MARK) - 1) != NULL;
}

/* Line breaks are common in base64 that came out of a tool. */
static int without_space(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		if (!isspace((unsigned char)*text) && buf_append_u8(out, (uint8_t)*text) < 0)
			return -1;
	}
	return 0;
}

static X509 *read_certificate(const char *text)
{
	BUF_AUTO(packed, DPS_BODY_MAX);
	BUF_AUTO(raw, DPS_BODY_MAX);
	uint8_t *to;
	size_t n = 0;

	if (text == NULL)
		return NULL;
	if (looks_like_pem(bytes_str(text)))
		return read_pem(bytes_str(text));
	if (without_space(text, &packed) < 0 || packed.len == 0)
		return NULL;
	to = buf_reserve(&raw, packed.len);
	if (to == NULL || base64_decode(buf_bytes(&packed), to, packed.len, &n) < 0 || n == 0)
		return NULL;
	raw.len = n;
	return looks_like_pem(buf_bytes(&raw)) ? read_pem(buf_bytes(&raw)) : read_der(buf_bytes(&raw));
}

/* "CN=line 1, O=Example": the most specific first, as .NET writes names. */
static json_t *name_text(const X509_NAME *name)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (bio == NULL ||
	    X509_NAME_print_ex(bio, name, 0,
			       (XN_FLAG_RFC2253 & ~(unsigned long)(ASN1_STRFLGS_ESC_MSB | XN_FLAG_SEP_MASK)) |
				       XN_FLAG_SEP_CPLUS_SPC) < 0)
		return NULL;
	len = BIO_get_mem_data(bio, &text);
	if (len < 0 || len > NAME_MAX_TEXT)
		return NULL;
	return json_stringn(len > 0 ? text : "", (size_t)len);
}

static json_t *thumbprint(const X509 *cert, const EVP_MD *md)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned n = 0;

	if (X509_digest(cert, md, digest, &n) != 1 || hex_encode(bytes_of(digest, n), hex, sizeof(hex)) < 0)
		return NULL;
	for (char *c = hex; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return json_string(hex);
}

static json_t *time_json(const ASN1_TIME *time)
{
	struct tm tm = { 0 };
	char text[32];

	if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return NULL;
	return json_string(text);
}

static json_t *serial_json(const X509 *cert)
{
	CLEANUP(bn_freep) BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;
	json_t *serial = hex != NULL ? json_string(hex) : NULL;

	OPENSSL_free(hex);
	return serial;
}

static json_t *cert_info(const X509 *cert)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "subjectName",
			 name_text(X509_get_subject_name(cert)), "sha1Thumbprint",
			 thumbprint(cert, EVP_sha1()), "sha256Thumbprint", thumbprint(cert, EVP_sha256()),
			 "issuerName", name_text(X509_get_issuer_name(cert)), "notBeforeUtc",
			 time_json(X509_get0_notBefore(cert)), "notAfterUtc",
			 time_json(X509_get0_notAfter(cert)), "serialNumber", serial_json(cert), "version",
			 (json_int_t)X509_get_version(cert) + 1);
}

int dps_cert_info(const char *certificate, json_t **ret_info, bool *ret_ca, struct err *err)
{
	CLEANUP(x509_freep) X509 *cert = read_certificate(certificate);
	json_t *info = cert != NULL ? cert_info(cert) : NULL;

	ERR_clear_error();
	if (info == NULL)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST,
			       "The certificate is not a valid base64 string of an X.509 certificate.");
	*ret_info = info;
	*ret_ca = (X509_get_extension_flags(cert) & EXFLAG_CA) != 0;
	return 0;
}

int dps_cert_der(const char *certificate, json_t **ret_der, struct err *err)
{
	CLEANUP(x509_freep) X509 *cert = read_certificate(certificate);
	BUF_AUTO(text, BASE64_LEN(DPS_BODY_MAX) + 1);
	uint8_t *der = NULL;
	int len = cert != NULL ? i2d_X509(cert, &der) : -1;
	char *out = len > 0 ? (char *)buf_reserve(&text, BASE64_LEN((size_t)len) + 1) : NULL;
	int rc = out != NULL ? base64_encode(bytes_of(der, (size_t)len), out, BASE64_LEN((size_t)len) + 1)
			     : -1;

	OPENSSL_free(der);
	*ret_der = rc == 0 ? json_string(out) : NULL;
	if (*ret_der == NULL)
		return err_set(err, ERR_STATION, 0, "no memory for a certificate");
	return 0;
}
