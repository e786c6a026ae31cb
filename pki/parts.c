/*
 * A certificate cut into its parts by the cursor. OpenSSL's reader looks up every
 * key it meets (95 microseconds) and refuses what some TPM makers write; both are
 * in the way of reading a field. What is issued here is still read by OpenSSL.
 */
#include "pki/pki_internal.h"

/* version [0] (absent: 1), serialNumber, signature, issuer, validity, subject */
static int read_head(struct bytes *tbs, struct cert_parts *parts)
{
	struct bytes skip;

	if (tbs->len > 0 && tbs->p[0] == DER_CONTEXT(0) && der_take(tbs, DER_CONTEXT(0), &skip) < 0)
		return -1;
	if (der_take(tbs, DER_INTEGER, &parts->serial) < 0 || der_take(tbs, DER_SEQUENCE, &skip) < 0 ||
	    der_take_whole(tbs, DER_SEQUENCE, &parts->issuer) < 0 ||
	    der_take(tbs, DER_SEQUENCE, &parts->validity) < 0)
		return -1;
	return der_take_whole(tbs, DER_SEQUENCE, &parts->subject);
}

/* SubjectPublicKeyInfo: SEQUENCE { AlgorithmIdentifier, BIT STRING of whole octets } */
static int read_key(struct bytes *tbs, struct cert_parts *parts)
{
	struct bytes whole, spki, bits;

	if (der_take_whole(tbs, DER_SEQUENCE, &parts->spki) < 0)
		return -1;
	whole = parts->spki;
	if (der_take(&whole, DER_SEQUENCE, &spki) < 0 || der_take(&spki, DER_SEQUENCE, &parts->key_alg) < 0 ||
	    der_take(&spki, DER_BIT_STRING, &bits) < 0 || spki.len != 0 || bits.len < 2 || bits.p[0] != 0)
		return -1;
	parts->key_bits = bytes_of(bits.p + 1, bits.len - 1);
	return 0;
}

/* issuerUniqueID [1], subjectUniqueID [2], extensions [3], each optional */
static int read_tail(struct bytes *tbs, struct cert_parts *parts)
{
	struct bytes content;
	uint8_t tag;

	while (tbs->len > 0) {
		if (der_take_any(tbs, &tag, &content, NULL) < 0)
			return -1;
		if (tag == DER_CONTEXT(3) && der_take(&content, DER_SEQUENCE, &parts->extensions) < 0)
			return -1;
	}
	return 0;
}

int cert_parts_read(struct bytes in, struct cert_parts *ret_parts)
{
	struct cert_parts parts = { .whole = BYTES_NONE };
	struct bytes outer, tbs, skip;
	uint8_t tag;

	/* Certificate: SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } */
	if (der_take_any(&in, &tag, &outer, &parts.whole) < 0 || tag != DER_SEQUENCE ||
	    der_take(&outer, DER_SEQUENCE, &tbs) < 0 || der_take(&outer, DER_SEQUENCE, &skip) < 0 ||
	    der_take(&outer, DER_BIT_STRING, &skip) < 0 || outer.len != 0)
		return -1;
	if (read_head(&tbs, &parts) < 0 || read_key(&tbs, &parts) < 0 || read_tail(&tbs, &parts) < 0)
		return -1;
	*ret_parts = parts;
	return 0;
}
