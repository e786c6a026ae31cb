/*
 * Certification requests (RFC 2986), cut by the cursor: OpenSSL's reader spends
 * 95 microseconds on finding a decoder for the key, half of what issuing may
 * take. DER only; the fuzz target holds that OpenSSL accepts what is accepted here.
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

/* The parts of CertificationRequest (4.2), slices of it. */
struct request {
	struct bytes info;    /* whole: what is signed */
	struct bytes subject; /* content of the Name */
	struct bytes spki;    /* whole */
	struct bytes alg;     /* whole */
	struct bytes sig;     /* octets */
};

static int malformed(struct err *err)
{
	return err_set(err, ERR_UNIT, 0, "the CSR is malformed");
}

/* [0] SET OF SEQUENCE { OID, SET }: nothing in them is used. Some devices leave out the empty set. */
static int skip_attributes(struct bytes in)
{
	struct bytes list, attribute, skip;

	if (in.len == 0)
		return 0;
	if (der_take(&in, DER_CONTEXT(0), &list) < 0 || in.len != 0)
		return -1;
	while (list.len > 0)
		if (der_take(&list, DER_SEQUENCE, &attribute) < 0 ||
		    der_take(&attribute, DER_OID, &skip) < 0 || der_take(&attribute, DER_SET, &skip) < 0 ||
		    attribute.len != 0)
			return -1;
	return 0;
}

/* CertificationRequestInfo (4.1): SEQUENCE { version 0, subject, subjectPKInfo, attributes } */
static int read_info(struct request *request, struct err *err)
{
	static const uint8_t version_1[] = { 0x00 };
	struct bytes whole = request->info, in, version;

	if (der_take(&whole, DER_SEQUENCE, &in) < 0 || der_take(&in, DER_INTEGER, &version) < 0)
		return malformed(err);
	if (!bytes_equal(version, BYTES_ARRAY(version_1)))
		return err_set(err, ERR_UNIT, 0, "the CSR's version is not 1, the only one there is");
	if (der_take(&in, DER_SEQUENCE, &request->subject) < 0 ||
	    der_take_whole(&in, DER_SEQUENCE, &request->spki) < 0 || skip_attributes(in) < 0)
		return malformed(err);
	return 0;
}

/* SEQUENCE { CertificationRequestInfo, AlgorithmIdentifier, BIT STRING of whole octets } */
static int read_request(struct bytes der, struct request *ret, struct err *err)
{
	struct request request = { .info = BYTES_NONE };
	struct bytes outer, bits;

	if (der.len == 0 || der.len > PKI_CERT_MAX)
		return err_set(err, ERR_UNIT, 0, "a CSR of %zu bytes; 1 to %d are allowed", der.len,
			       PKI_CERT_MAX);
	if (der_take(&der, DER_SEQUENCE, &outer) < 0)
		return malformed(err);
	if (der.len != 0)
		return err_set(err, ERR_UNIT, 0, "%zu bytes behind the CSR", der.len);
	if (der_take_whole(&outer, DER_SEQUENCE, &request.info) < 0 ||
	    der_take_whole(&outer, DER_SEQUENCE, &request.alg) < 0 ||
	    der_take(&outer, DER_BIT_STRING, &bits) < 0 || outer.len != 0 || bits.len < 2 || bits.p[0] != 0)
		return malformed(err);
	request.sig = bytes_of(bits.p + 1, bits.len - 1);
	if (read_info(&request, err) < 0)
		return -1;
	*ret = request;
	return 0;
}

static int copy_cn(struct bytes text, char ret_cn[PKI_CN_MAX + 1], struct err *err)
{
	if (text.len == 0 || text.len > PKI_CN_MAX)
		return err_set(err, ERR_UNIT, 0, "the CSR's CN has %zu characters; 1 to %d are allowed",
			       text.len, PKI_CN_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < 0x20 || text.p[i] > 0x7e)
			return err_set(err, ERR_UNIT, 0, "byte %zu of the CSR's CN is 0x%02x, not text",
				       i + 1, text.p[i]);
	memcpy(ret_cn, text.p, text.len);
	ret_cn[text.len] = '\0';
	return 0;
}

/*
 * Name: SEQUENCE OF SET OF SEQUENCE { OID, string }; exactly one of each. The
 * profile names the certificate, so a request for more than a CN was made for
 * something else.
 */
static int read_cn(struct bytes subject, char ret_cn[PKI_CN_MAX + 1], struct err *err)
{
	static const uint8_t common_name[] = { 0x55, 0x04, 0x03 };
	struct bytes set, attribute, oid, text;
	uint8_t type;

	if (subject.len == 0)
		return err_set(err, ERR_UNIT, 0, "the CSR's subject is empty; one CN is needed");
	if (der_take(&subject, DER_SET, &set) < 0 || der_take(&set, DER_SEQUENCE, &attribute) < 0 ||
	    der_take(&attribute, DER_OID, &oid) < 0 || der_take_any(&attribute, &type, &text, NULL) < 0 ||
	    attribute.len != 0)
		return malformed(err);
	if (subject.len != 0 || set.len != 0 || !bytes_equal(oid, BYTES_ARRAY(common_name)))
		return err_set(err, ERR_UNIT, 0, "the CSR's subject is not one CN and nothing else");
	if (type != DER_UTF8_STRING && type != DER_PRINTABLE)
		return err_set(err, ERR_UNIT, 0, "the CSR's CN is neither UTF8String nor PrintableString");
	return copy_cn(text, ret_cn, err);
}

/* The signature by the key itself: whoever made the request has the private half. */
static int possession_check(const struct request *request, const struct public_key *key, struct err *err)
{
	const struct signature_alg *alg = signature_alg_find(request->alg);

	if (alg == NULL)
		return err_set(err, ERR_UNIT, 0,
			       "the CSR's signature algorithm is not accepted; ECDSA or RSA with SHA-256 is");
	return signature_verify(alg, key, request->info, request->sig, err);
}

static int fill(struct pki_csr *csr, const struct request *request, struct err *err)
{
	if (read_cn(request->subject, csr->cn, err) < 0 ||
	    public_key_read(request->spki, &csr->key, err) < 0 ||
	    weak_key_check(&csr->key, request->spki, err) < 0)
		return -1;
	if (possession_check(request, &csr->key, err) < 0)
		return err_wrap(err, "proof of possession for %s", csr->cn);
	if (buf_set(&csr->spki, request->spki) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

int pki_signature_check(const struct pki_csr *csr, struct bytes message, struct bytes sig, struct err *err)
{
	return device_signature_verify(&csr->key, message, sig, err);
}

int pki_csr_parse(struct bytes der, struct pki_csr **ret_csr, struct err *err)
{
	CLEANUP(pki_csr_freep) struct pki_csr *csr = calloc(1, sizeof(*csr));
	struct request request;

	if (csr == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	buf_init(&csr->spki, PKI_SPKI_MAX);
	if (read_request(der, &request, err) < 0 || fill(csr, &request, err) < 0)
		return -1;
	*ret_csr = csr;
	csr = NULL;
	return 0;
}
