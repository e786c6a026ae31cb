/*
 * An issuing certificate, read once: all that a leaf needs of it is kept as
 * bytes, and nothing changes afterwards, so that threads share it without a lock.
 */
#include "pki/pki_internal.h"

#include <stdlib.h>

#include "base/deadline.h"

#define KEY_USAGE_CERT_SIGN_BIT 5 /* 4.2.1.3 */

void pki_issuer_free(struct pki_issuer *issuer)
{
	if (issuer == NULL)
		return;
	public_key_deinit(&issuer->key);
	buf_deinit(&issuer->der);
	buf_deinit(&issuer->name);
	buf_deinit(&issuer->spki);
	buf_deinit(&issuer->key_id);
	OSSL_LIB_CTX_free(issuer->ctx);
	free(issuer);
}

int pki_issuer_has_key(const struct pki_issuer *issuer, struct bytes spki, struct err *err)
{
	if (!bytes_equal(buf_bytes(&issuer->spki), spki))
		return err_set(
			err, ERR_OPERATOR, 0,
			"the HSM's key is not the key of the issuing certificate; check issuing-key and ca/");
	return 0;
}

/* 4.2.1.3, 4.2.1.9: only such a certificate may sign others. */
static int read_ca(const X509 *cert, long *ret_path_len, struct err *err)
{
	CLEANUP(basic_freep)
	BASIC_CONSTRAINTS *basic = X509_get_ext_d2i(cert, NID_basic_constraints, NULL, NULL);
	CLEANUP(bits_freep) ASN1_BIT_STRING *usage = X509_get_ext_d2i(cert, NID_key_usage, NULL, NULL);
	long path_len = -1;

	if (basic == NULL || basic->ca == 0)
		return openssl_fail(err, ERR_OPERATOR, "the issuing certificate is not a CA's");
	if (usage == NULL || ASN1_BIT_STRING_get_bit(usage, KEY_USAGE_CERT_SIGN_BIT) != 1)
		return openssl_fail(err, ERR_OPERATOR,
				    "the issuing certificate may not sign certificates (keyCertSign)");
	if (basic->pathlen != NULL)
		path_len = ASN1_INTEGER_get(basic->pathlen);
	if (basic->pathlen != NULL && path_len < 0)
		return openssl_fail(err, ERR_OPERATOR,
				    "the issuing certificate's path length is not a length");
	*ret_path_len = path_len;
	return 0;
}

static int read_key_id(const X509 *cert, struct buf *ret_key_id, struct err *err)
{
	CLEANUP(octets_freep)
	ASN1_OCTET_STRING *id = X509_get_ext_d2i(cert, NID_subject_key_identifier, NULL, NULL);

	/* 4.2.1.2: a CA certificate has one; ours name it as authorityKeyIdentifier. */
	if (id == NULL)
		return openssl_fail(err, ERR_OPERATOR, "the issuing certificate has no subjectKeyIdentifier");
	if (ASN1_STRING_length(id) < 1 ||
	    buf_append(ret_key_id, bytes_of(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id))) < 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "the issuing certificate's subjectKeyIdentifier is empty or too long");
	return 0;
}

static int fill(struct pki_issuer *issuer, struct bytes cert_der, struct err *err)
{
	CLEANUP(x509_freep) X509 *cert = NULL;

	if (x509_read(cert_der, NULL, &cert, err) < 0)
		return -1;
	if (read_ca(cert, &issuer->path_len, err) < 0 || read_key_id(cert, &issuer->key_id, err) < 0 ||
	    time_read(X509_get0_notBefore(cert), &issuer->not_before_s, err) < 0 ||
	    time_read(X509_get0_notAfter(cert), &issuer->not_after_s, err) < 0 ||
	    x509_name_der(X509_get_subject_name(cert), &issuer->name, err) < 0 ||
	    x509_spki(X509_get_X509_PUBKEY(cert), &issuer->spki, err) < 0)
		return -1;
	if (X509_NAME_entry_count(X509_get_subject_name(cert)) == 0)
		return err_set(err, ERR_OPERATOR, 0, "the issuing certificate has no subject (4.1.2.6)");
	if (public_key_read(buf_bytes(&issuer->spki), &issuer->key, err) < 0 ||
	    weak_key_check(&issuer->key, buf_bytes(&issuer->spki), err) < 0)
		return -1;
	return buf_append(&issuer->der, cert_der) < 0 ? err_set(err, ERR_STATION, 0, "out of memory") : 0;
}

int pki_issuer_new(struct bytes cert_der, struct pki_issuer **ret_issuer, struct err *err)
{
	CLEANUP(pki_issuer_freep) struct pki_issuer *issuer = calloc(1, sizeof(*issuer));

	if (issuer == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	buf_init(&issuer->der, PKI_CERT_MAX);
	buf_init(&issuer->name, PKI_CERT_MAX);
	buf_init(&issuer->spki, PKI_SPKI_MAX);
	buf_init(&issuer->key_id, 64);
	if (structure_ctx_new(&issuer->ctx, err) < 0)
		return -1;
	if (fill(issuer, cert_der, err) < 0) {
		/* Our own material: no unit is to blame. */
		(void)err_raise(err, ERR_OPERATOR);
		return err_wrap(err, "issuing certificate");
	}
	*ret_issuer = issuer;
	issuer = NULL;
	return 0;
}

int issuer_valid_at(const struct pki_issuer *issuer, int64_t now_s, struct err *err)
{
	char now[CLOCK_ISO_LEN + 1], bound[CLOCK_ISO_LEN + 1];

	if (now_s < 0 || now_s > TIME_LAST_S)
		return err_set(err, ERR_STATION, 0, "the clock says %lld s since 1970, which can't be",
			       (long long)now_s);
	clock_iso8601(now_s * 1000, now);
	if (now_s < issuer->not_before_s) {
		clock_iso8601(issuer->not_before_s * 1000, bound);
		return err_set(
			err, ERR_STATION, 0,
			"the issuing certificate is valid from %s and the clock says %s; check the clock",
			bound, now);
	}
	if (now_s > issuer->not_after_s) {
		clock_iso8601(issuer->not_after_s * 1000, bound);
		return err_set(err, ERR_STATION, 0,
			       "the issuing certificate expired on %s (now %s); a new one must be made",
			       bound, now);
	}
	return 0;
}

/* In the default library context: the issuer's own has no providers, and this is off the hot path. */
int pki_issuer_issued(const struct pki_issuer *issuer, struct bytes cert_der, struct err *err)
{
	CLEANUP(x509_freep) X509 *ca = NULL;
	CLEANUP(x509_freep) X509 *cert = NULL;

	if (x509_read(buf_bytes(&issuer->der), NULL, &ca, err) < 0 ||
	    x509_read(cert_der, NULL, &cert, err) < 0)
		return -1;
	if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca)) != 0 ||
	    X509_verify(cert, X509_get0_pubkey(ca)) != 1)
		return openssl_fail(err, ERR_OPERATOR,
				    "the certificate was issued by another CA than this one");
	return 0;
}
