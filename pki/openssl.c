/*
 * The edge to OpenSSL: its error queue, its names and times as bytes. Structures
 * are read in a context without algorithms, see structure_ctx_new.
 */
#include "pki/pki_internal.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/provider.h>

int openssl_fail(struct err *err, enum err_class class, const char *what)
{
	unsigned long code = ERR_get_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	if (reason == NULL)
		return err_set(err, class, (long)code, "%s", what);
	return err_set(err, class, (long)code, "%s: %s", what, reason);
}

int structure_ctx_new(OSSL_LIB_CTX **ret_ctx, struct err *err)
{
	CLEANUP(lib_ctx_freep) OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *provider = ctx != NULL ? OSSL_PROVIDER_load(ctx, "null") : NULL;

	/* Loading any provider switches off the default one that first use would load, and that is all it is for. */
	if (provider == NULL || OSSL_PROVIDER_unload(provider) != 1)
		return openssl_fail(err, ERR_STATION, "OpenSSL can't make a library context");
	*ret_ctx = ctx;
	ctx = NULL;
	return 0;
}

int x509_read(struct bytes der, OSSL_LIB_CTX *ctx, X509 **ret_cert, struct err *err)
{
	CLEANUP(x509_freep) X509 *cert = NULL;
	const unsigned char *p = der.p;

	if (der.len == 0 || der.len > PKI_CERT_MAX)
		return err_set(err, ERR_UNIT, 0, "a certificate of %zu bytes; 1 to %d are allowed", der.len,
			       PKI_CERT_MAX);
	cert = X509_new_ex(ctx, NULL);
	if (cert == NULL)
		return openssl_fail(err, ERR_STATION, "out of memory");
	/* d2i frees and clears what it was given when it fails. */
	if (d2i_X509(&cert, &p, (long)der.len) == NULL)
		return openssl_fail(err, ERR_UNIT, "the certificate is malformed");
	if (p != der.p + der.len)
		return err_set(err, ERR_UNIT, 0, "%zu bytes behind the certificate",
			       (size_t)(der.p + der.len - p));
	*ret_cert = cert;
	cert = NULL;
	return 0;
}

static int keep(unsigned char *der, int n, struct buf *ret, struct err *err)
{
	if (n <= 0)
		return openssl_fail(err, ERR_UNIT, "a structure can't be written as DER");
	if (buf_append(ret, bytes_of(der, (size_t)n)) < 0)
		return err_set(err, ERR_UNIT, 0, "a structure of %d bytes is too long", n);
	return 0;
}

int x509_spki(const X509_PUBKEY *pubkey, struct buf *ret, struct err *err)
{
	CLEANUP(openssl_freep) unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(pubkey, &der);

	return keep(der, n, ret, err);
}

int x509_name_der(const X509_NAME *name, struct buf *ret, struct err *err)
{
	CLEANUP(openssl_freep) unsigned char *der = NULL;
	int n = i2d_X509_NAME(name, &der);

	return keep(der, n, ret, err);
}

int name_of_cn(const char *cn, struct buf *ret, struct err *err)
{
	CLEANUP(x509_name_freep) X509_NAME *name = X509_NAME_new();
	const unsigned char *text = (const unsigned char *)cn;

	if (name == NULL)
		return openssl_fail(err, ERR_STATION, "out of memory");
	/* Refuses what is not UTF-8, empty, or longer than ub-common-name. */
	if (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0) != 1)
		return openssl_fail(err, ERR_OPERATOR, "the name can't be a common name");
	return x509_name_der(name, ret, err);
}

int time_put(int64_t at_s, struct buf *out, struct err *err)
{
	CLEANUP(asn1_time_freep) ASN1_TIME *time = NULL;
	CLEANUP(openssl_freep) unsigned char *der = NULL;
	int n;

	if (at_s >= 0 && at_s <= TIME_LAST_S)
		time = ASN1_TIME_set(NULL, at_s);
	if (time == NULL)
		return openssl_fail(err, ERR_OPERATOR, "a time that a certificate can't name");
	n = i2d_ASN1_TIME(time, &der);
	return keep(der, n, out, err);
}

int time_read(const ASN1_TIME *time, int64_t *ret_s, struct err *err)
{
	struct tm tm;

	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return openssl_fail(err, ERR_UNIT, "the certificate names no valid time");
	*ret_s = timegm(&tm);
	return 0;
}
