/*
 * Certification requests. OpenSSL reads the structure; what is checked is checked
 * on the bytes it would write again, so a request that is not DER fails as one
 * whose signature is wrong.
 */
#include "pki/pki_internal.h"

#include <stdlib.h>

struct pki_csr {
	char cn[PKI_CN_MAX + 1];
	struct public_key key;
	struct buf spki;
};

void pki_csr_free(struct pki_csr *csr)
{
	if (csr == NULL)
		return;
	public_key_deinit(&csr->key);
	buf_deinit(&csr->spki);
	free(csr);
}

const char *pki_csr_cn(const struct pki_csr *csr)
{
	return csr->cn;
}

struct bytes pki_csr_spki(const struct pki_csr *csr)
{
	return buf_bytes(&csr->spki);
}

static int read_structure(struct bytes der, OSSL_LIB_CTX *ctx, X509_REQ **ret_req, struct err *err)
{
	CLEANUP(x509_req_freep) X509_REQ *req = NULL;
	const unsigned char *p = der.p;

	if (der.len == 0 || der.len > PKI_CERT_MAX)
		return err_set(err, ERR_UNIT, 0, "a CSR of %zu bytes; 1 to %d are allowed", der.len,
			       PKI_CERT_MAX);
	req = X509_REQ_new_ex(ctx, NULL);
	if (req == NULL)
		return openssl_fail(err, ERR_STATION, "out of memory");
	/* d2i frees and clears what it was given when it fails. */
	if (d2i_X509_REQ(&req, &p, (long)der.len) == NULL)
		return openssl_fail(err, ERR_UNIT, "the CSR is malformed");
	if (p != der.p + der.len)
		return err_set(err, ERR_UNIT, 0, "%zu bytes behind the CSR", (size_t)(der.p + der.len - p));
	/* RFC 2986 4.1: version 0, and there is no other. */
	if (X509_REQ_get_version(req) != X509_REQ_VERSION_1)
		return err_set(err, ERR_UNIT, 0, "the CSR has version %ld; 0 is the only one",
			       X509_REQ_get_version(req));
	*ret_req = req;
	req = NULL;
	return 0;
}

/* The profile names the certificate, so a request that wants more than a CN was made for something else. */
static int read_cn(const X509_REQ *req, char ret_cn[PKI_CN_MAX + 1], struct err *err)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(req);
	const ASN1_STRING *text;
	const X509_NAME_ENTRY *entry;
	int n = X509_NAME_entry_count(subject), type;
	struct bytes cn;

	if (n != 1)
		return err_set(err, ERR_UNIT, 0, "the CSR's subject has %d attributes; one CN is allowed", n);
	entry = X509_NAME_get_entry(subject, 0);
	if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != NID_commonName)
		return err_set(err, ERR_UNIT, 0, "the CSR's subject is not a CN");
	text = X509_NAME_ENTRY_get_data(entry);
	type = ASN1_STRING_type(text);
	if (type != V_ASN1_UTF8STRING && type != V_ASN1_PRINTABLESTRING)
		return err_set(err, ERR_UNIT, 0, "the CSR's CN is neither UTF8String nor PrintableString");
	cn = bytes_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
	if (cn.len == 0 || cn.len > PKI_CN_MAX)
		return err_set(err, ERR_UNIT, 0, "the CSR's CN has %zu characters; 1 to %d are allowed",
			       cn.len, PKI_CN_MAX);
	for (size_t i = 0; i < cn.len; i++)
		if (cn.p[i] < 0x20 || cn.p[i] > 0x7e)
			return err_set(err, ERR_UNIT, 0, "byte %zu of the CSR's CN is 0x%02x, not text",
				       i + 1, cn.p[i]);
	memcpy(ret_cn, cn.p, cn.len);
	ret_cn[cn.len] = '\0';
	return 0;
}

/* RFC 2986 4.2: the signature is over the DER of certificationRequestInfo. */
static int possession_check(X509_REQ *req, const struct public_key *key, struct err *err)
{
	CLEANUP(openssl_freep) unsigned char *info = NULL;
	CLEANUP(openssl_freep) unsigned char *alg_der = NULL;
	const struct signature_alg *alg;
	const ASN1_BIT_STRING *sig = NULL;
	const X509_ALGOR *algor = NULL;
	int info_n, alg_n;

	X509_REQ_get0_signature(req, &sig, &algor);
	alg_n = i2d_X509_ALGOR(algor, &alg_der);
	info_n = i2d_re_X509_REQ_tbs(req, &info);
	if (alg_n <= 0 || info_n <= 0)
		return openssl_fail(err, ERR_UNIT, "the CSR can't be written as DER");
	alg = signature_alg_find(bytes_of(alg_der, (size_t)alg_n));
	if (alg == NULL)
		return err_set(err, ERR_UNIT, 0,
			       "the CSR's signature algorithm (%s) is not accepted; use SHA-256 or better",
			       OBJ_nid2ln(OBJ_obj2nid(algor->algorithm)));
	if ((sig->flags & 0x07) != 0)
		return err_set(err, ERR_UNIT, 0, "the CSR's signature is not whole octets");
	return signature_verify(alg, key, bytes_of(info, (size_t)info_n),
				bytes_of(ASN1_STRING_get0_data(sig), (size_t)ASN1_STRING_length(sig)), err);
}

static int fill(struct pki_csr *csr, X509_REQ *req, struct err *err)
{
	if (read_cn(req, csr->cn, err) < 0 || x509_spki(X509_REQ_get_X509_PUBKEY(req), &csr->spki, err) < 0 ||
	    public_key_read(buf_bytes(&csr->spki), &csr->key, err) < 0 ||
	    weak_key_check(&csr->key, buf_bytes(&csr->spki), err) < 0)
		return -1;
	if (possession_check(req, &csr->key, err) < 0)
		return err_wrap(err, "proof of possession for %s", csr->cn);
	return 0;
}

int pki_csr_parse(struct bytes der, struct pki_csr **ret_csr, struct err *err)
{
	CLEANUP(lib_ctx_freep) OSSL_LIB_CTX *ctx = NULL;
	CLEANUP(x509_req_freep) X509_REQ *req = NULL;
	CLEANUP(pki_csr_freep) struct pki_csr *csr = calloc(1, sizeof(*csr));

	if (csr == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	buf_init(&csr->spki, PKI_SPKI_MAX);
	if (structure_ctx_new(&ctx, err) < 0 || read_structure(der, ctx, &req, err) < 0 ||
	    fill(csr, req, err) < 0)
		return -1;
	*ret_csr = csr;
	csr = NULL;
	return 0;
}
