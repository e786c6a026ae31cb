/*
 * Writing certificates. OpenSSL 3.0 can't put a foreign signature, nor the
 * algorithm before it, on an X509, so the DER is laid out here: names and times
 * by OpenSSL, the rest below. recheck.c reads it back before anybody sees it.
 */
#include "pki/pki_internal.h"

/* Critical basicConstraints and keyUsage (4.2.1.9, 4.2.1.3), extendedKeyUsage clientAuth (4.2.1.12). */
static const uint8_t leaf_extensions[] = { 0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff,
					   0x04, 0x02, 0x30, 0x00, /* CA:FALSE */
					   0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff,
					   0x04, 0x04, 0x03, 0x02, 0x07, 0x80, 0x30, 0x13, 0x06, 0x03,
					   0x55, 0x1d, 0x25, 0x04, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b,
					   0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02 };
static const uint8_t root_extensions[] = { 0x30, 0x0f, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04,
					   0x05, 0x30, 0x03, 0x01, 0x01, 0xff, 0x30, 0x0e, 0x06, 0x03, 0x55,
					   0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x01, 0x06 };
static const uint8_t intermediate_extensions[] = { 0x30, 0x12, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01,
						   0x01, 0xff, 0x04, 0x08, 0x30, 0x06, 0x01, 0x01,
						   0xff, 0x02, 0x01, 0x00, /* pathLenConstraint 0 */
						   0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01,
						   0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x01, 0x06 };

const struct cert_kind cert_kind_leaf = {
	.extensions = { leaf_extensions, sizeof(leaf_extensions) },
	.extensions_n = 5,
	.ca = false,
	.path_len = -1,
	.key_usage = KU_DIGITAL_SIGNATURE,
	.client_auth = true,
};
const struct cert_kind cert_kind_intermediate = {
	.extensions = { intermediate_extensions, sizeof(intermediate_extensions) },
	.extensions_n = 4,
	.ca = true,
	.path_len = 0,
	.key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
	.client_auth = false,
};
const struct cert_kind cert_kind_root = {
	.extensions = { root_extensions, sizeof(root_extensions) },
	.extensions_n = 3,
	.ca = true,
	.path_len = -1,
	.key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
	.client_auth = false,
};

const struct cert_kind cert_kind_login = {
	/* A leaf's without extendedKeyUsage. */
	.extensions = { leaf_extensions, sizeof(leaf_extensions) - 21 },
	.extensions_n = 3,
	.ca = false,
	.path_len = -1,
	.key_usage = KU_DIGITAL_SIGNATURE,
	.client_auth = false,
};

/* Not critical: SEQUENCE { extnID, OCTET STRING { tag content } } (4.1). */
static int put_key_id(struct buf *out, struct bytes oid, struct bytes value)
{
	BUF_AUTO(extension, 256);

	if (der_put(&extension, DER_OID, oid) < 0 || der_put(&extension, DER_OCTET_STRING, value) < 0)
		return -1;
	return der_put(out, DER_SEQUENCE, buf_bytes(&extension));
}

/* 4.2.1.2 and 4.2.1.1: SubjectKeyIdentifier is an OCTET STRING, AuthorityKeyIdentifier { [0] keyIdentifier }. */
static int put_key_ids(const struct cert_plan *plan, struct buf *out, struct err *err)
{
	static const uint8_t ski_oid[] = { 0x55, 0x1d, 0x0e };
	static const uint8_t aki_oid[] = { 0x55, 0x1d, 0x23 };
	uint8_t id[KEY_ID_LEN];
	BUF_AUTO(ski, 64);
	BUF_AUTO(key_id, 96);
	BUF_AUTO(aki, 128);

	if (public_key_id(plan->spki, id, err) < 0)
		return -1;
	if (der_put(&ski, DER_OCTET_STRING, BYTES_ARRAY(id)) < 0 ||
	    put_key_id(out, BYTES_ARRAY(ski_oid), buf_bytes(&ski)) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (plan->authority_key_id.p == NULL)
		return 0;
	if (der_put(&key_id, 0x80, plan->authority_key_id) < 0 ||
	    der_put(&aki, DER_SEQUENCE, buf_bytes(&key_id)) < 0 ||
	    put_key_id(out, BYTES_ARRAY(aki_oid), buf_bytes(&aki)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the issuer's key identifier is too long");
	return 0;
}

static int put_validity(const struct cert_plan *plan, struct buf *out, struct err *err)
{
	BUF_AUTO(validity, 64);

	if (time_put(plan->not_before_s, &validity, err) < 0 ||
	    time_put(plan->not_after_s, &validity, err) < 0)
		return -1;
	if (der_put(out, DER_SEQUENCE, buf_bytes(&validity)) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

static int put_extensions(const struct cert_plan *plan, struct buf *out, struct err *err)
{
	BUF_AUTO(list, 512);
	BUF_AUTO(sequence, 512);

	if (buf_append(&list, plan->kind->extensions) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (put_key_ids(plan, &list, err) < 0)
		return -1;
	if (der_put(&sequence, DER_SEQUENCE, buf_bytes(&list)) < 0 ||
	    der_put(out, DER_CONTEXT(3), buf_bytes(&sequence)) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

/* TBSCertificate (4.1), version 3. */
static int put_tbs(const struct cert_plan *plan, struct buf *out, struct err *err)
{
	static const uint8_t version[] = { DER_CONTEXT(0), 0x03, DER_INTEGER, 0x01, 0x02 };
	BUF_AUTO(tbs, PKI_CERT_MAX);

	if (buf_append(&tbs, BYTES_ARRAY(version)) < 0 ||
	    der_put_unsigned(&tbs, bytes_of(plan->serial, PKI_SERIAL_LEN)) < 0 ||
	    buf_append(&tbs, plan->alg->der) < 0 || buf_append(&tbs, plan->issuer_name) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (put_validity(plan, &tbs, err) < 0 || name_of_cn(plan->subject_cn, &tbs, err) < 0)
		return -1;
	if (buf_append(&tbs, plan->spki) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (put_extensions(plan, &tbs, err) < 0)
		return -1;
	if (der_put(out, DER_SEQUENCE, buf_bytes(&tbs)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the certificate would have more than %d bytes",
			       PKI_CERT_MAX);
	return 0;
}

static int put_certificate(const struct cert_plan *plan, struct bytes tbs, struct bytes sig, struct buf *out,
			   struct err *err)
{
	BUF_AUTO(content, PKI_CERT_MAX);

	if (buf_append(&content, tbs) < 0 || buf_append(&content, plan->alg->der) < 0 ||
	    der_put_bits(&content, sig) < 0 || der_put(out, DER_SEQUENCE, buf_bytes(&content)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the certificate would have more than %d bytes",
			       PKI_CERT_MAX);
	return 0;
}

int cert_make(const struct cert_plan *plan, const struct signer *signer, const struct public_key *issuer_key,
	      OSSL_LIB_CTX *ctx, struct buf *ret_der, struct err *err)
{
	BUF_AUTO(tbs, PKI_CERT_MAX);
	BUF_AUTO(sig, 1024);
	BUF_AUTO(der, PKI_CERT_MAX);

	if (put_tbs(plan, &tbs, err) < 0)
		return -1;
	if (signer->sign(signer->key, signer->alg, buf_bytes(&tbs), &sig, err) < 0)
		return err_wrap(err, "signing the certificate of %s", plan->subject_cn);
	if (put_certificate(plan, buf_bytes(&tbs), buf_bytes(&sig), &der, err) < 0)
		return -1;
	if (cert_recheck(plan, buf_bytes(&tbs), buf_bytes(&der), issuer_key, ctx, err) < 0)
		return err_wrap(err, "checking the new certificate of %s", plan->subject_cn);
	if (buf_set(ret_der, buf_bytes(&der)) < 0)
		return err_set(err, ERR_BUG, 0, "the buffer for a certificate is too small");
	return 0;
}
