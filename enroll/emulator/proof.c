/*
 * Proof of possession: whoever has the CA's key can issue a certificate whose
 * subject is the code that the service made up (dps-api 8).
 */
#include "enroll/emulator/management_internal.h"

#include <time.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "base/encode.h"

#define CERT_MAX         (16 * 1024)
#define TICKS_PER_SECOND 10000000

DEFINE_CLEANUP(x509_freep, X509, X509_free)

static X509 *read_cert(const char *base64)
{
	BUF_AUTO(der, CERT_MAX);
	uint8_t *at = buf_reserve(&der, CERT_MAX);
	const unsigned char *p = at;
	size_t n = 0;

	if (at == NULL || base64_decode(bytes_str(base64), at, CERT_MAX, &n) < 0)
		return NULL;
	return d2i_X509(NULL, &p, (long)n);
}

static int refuse(const char *why, struct err *err)
{
	return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s", why);
}

int dps_cert_expiry(const char *base64, char out[DPS_HTTP_DATE_LEN + 1], struct err *err)
{
	CLEANUP(x509_freep) X509 *cert = read_cert(base64);
	struct tm tm = { 0 };
	time_t at;

	if (cert == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1 || (at = timegm(&tm)) < 0 ||
	    at > INT64_MAX / TICKS_PER_SECOND)
		return refuse("The certificate's validity can't be read.", err);
	dps_http_date((int64_t)at * TICKS_PER_SECOND, out);
	return 0;
}

/* One CN and nothing else that counts, equal byte by byte. */
static bool common_name_is(const X509 *cert, const char *code)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *value;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return false;
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	return bytes_equal(bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
			   bytes_str(code));
}

static bool valid_at(const X509 *cert, time_t at)
{
	return X509_cmp_time(X509_get0_notBefore(cert), &at) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(cert), &at) > 0;
}

int dps_proof_check(const char *ca_text, const char *proof_text, const char *code, int64_t at_ticks,
		    struct err *err)
{
	CLEANUP(x509_freep) X509 *ca = read_cert(ca_text);
	CLEANUP(x509_freep) X509 *proof = read_cert(proof_text);

	if (ca == NULL || proof == NULL)
		return refuse("The verification certificate can't be read.", err);
	if (!common_name_is(proof, code))
		return refuse("The verification certificate's CN is not the verification code.", err);
	if (X509_NAME_cmp(X509_get_issuer_name(proof), X509_get_subject_name(ca)) != 0 ||
	    X509_verify(proof, X509_get0_pubkey(ca)) != 1)
		return refuse("The verification certificate is not signed by the CA's key.", err);
	if (!valid_at(proof, (time_t)(at_ticks / TICKS_PER_SECOND)))
		return refuse("The verification certificate is not valid at this time.", err);
	return 0;
}
