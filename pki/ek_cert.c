/*
 * EK certificates as TPM makers write them, which is not always DER: serial
 * numbers with padding, sets out of order, zeros behind the end. They are read by
 * the cursor, their bytes are kept, and what is wrong with them is reported.
 */
#include "pki/pki_internal.h"

#include <openssl/err.h>

static int malformed(struct err *err)
{
	return err_set(err, ERR_UNIT, 0, "the EK certificate is malformed");
}

/* Extension: SEQUENCE { OID, BOOLEAN DEFAULT FALSE, OCTET STRING }. -1 if it is not. */
static int take_extension(struct bytes *list, struct bytes *ret_oid, struct bytes *ret_value)
{
	struct bytes extension, skip;
	const uint8_t *tag;

	if (der_take(list, DER_SEQUENCE, &extension) < 0 || der_take(&extension, DER_OID, ret_oid) < 0)
		return -1;
	tag = extension.p;
	if (extension.len > 0 && *tag == DER_BOOLEAN && der_take(&extension, DER_BOOLEAN, &skip) < 0)
		return -1;
	return der_take(&extension, DER_OCTET_STRING, ret_value) < 0 || extension.len != 0 ? -1 : 0;
}

/* ExtKeyUsageSyntax: SEQUENCE OF OID (4.2.1.12). */
static bool lists_ek_usage(struct bytes value)
{
	static const uint8_t ek_certificate[] = { 0x67, 0x81, 0x05, 0x08, 0x01 }; /* 2.23.133.8.1 */
	struct bytes oids, oid;

	if (der_take(&value, DER_SEQUENCE, &oids) < 0)
		return false;
	while (der_take(&oids, DER_OID, &oid) == 0)
		if (bytes_equal(oid, BYTES_ARRAY(ek_certificate)))
			return true;
	return false;
}

static int find_ek_usage(const struct cert_parts *cert, bool *ret_found, struct err *err)
{
	static const uint8_t ext_key_usage[] = { 0x55, 0x1d, 0x25 };
	struct bytes list = cert->extensions, oid, value;
	bool found = false;

	while (list.len > 0) {
		if (take_extension(&list, &oid, &value) < 0)
			return malformed(err);
		if (bytes_equal(oid, BYTES_ARRAY(ext_key_usage)))
			found = found || lists_ek_usage(value);
	}
	*ret_found = found;
	return 0;
}

/* The key's kind; RSA certificates may say RSAES-OAEP (RFC 4055 4.1), with parameters of their own. */
static bool is_alg_of(const struct ek_public *ek, struct bytes alg)
{
	static const uint8_t ec_p256[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
					   0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
	static const uint8_t rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
	static const uint8_t rsa_oaep[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07 };
	struct bytes oid;

	if (ek->type == PKI_EK_ECC_P256)
		return bytes_equal(alg, BYTES_ARRAY(ec_p256));
	return der_take(&alg, DER_OID, &oid) == 0 &&
	       (bytes_equal(oid, BYTES_ARRAY(rsa)) || bytes_equal(oid, BYTES_ARRAY(rsa_oaep)));
}

/* go-attestation #287, azure-iot-sdk-c #2534: boards whose certificate is for another EK. */
static int check_key(const struct cert_parts *cert, const struct ek_public *ek, struct err *err)
{
	BUF_AUTO(bits, PKI_SPKI_MAX);

	if (ek_key_bits(ek, &bits, err) < 0)
		return -1;
	if (!is_alg_of(ek, cert->key_alg) || !bytes_equal(cert->key_bits, buf_bytes(&bits)))
		return err_set(err, ERR_UNIT, 0, "EK is not the certified EK");
	return 0;
}

/* Whether OpenSSL reads it, too. */
static int check_der(struct bytes whole, bool *ret_good, struct err *err)
{
	CLEANUP(lib_ctx_freep) OSSL_LIB_CTX *ctx = NULL;
	CLEANUP(x509_freep) X509 *cert = NULL;
	struct err reason;

	if (structure_ctx_new(&ctx, err) < 0)
		return -1;
	*ret_good = x509_read(whole, ctx, &cert, &reason) == 0;
	return 0;
}

static int grade(const struct cert_parts *cert, size_t given_len, unsigned *ret_defects, struct err *err)
{
	static const uint8_t no_name[] = { DER_SEQUENCE, 0x00 };
	unsigned defects = 0;
	bool has_usage = false, is_der = false;

	if (find_ek_usage(cert, &has_usage, err) < 0 || check_der(cert->whole, &is_der, err) < 0)
		return -1;
	if (given_len > cert->whole.len)
		defects |= PKI_EK_TRAILING_BYTES;
	if (!has_usage)
		defects |= PKI_EK_NO_EKU;
	if (bytes_equal(cert->subject, BYTES_ARRAY(no_name)))
		defects |= PKI_EK_EMPTY_SUBJECT;
	if (!is_der)
		defects |= PKI_EK_NOT_DER;
	*ret_defects = defects;
	return 0;
}

int pki_ek_cert_check(struct bytes cert, struct bytes tpm2b_public, unsigned *ret_defects,
		      size_t *ret_der_len, struct err *err)
{
	struct ek_public ek;
	struct cert_parts parts;
	unsigned defects;

	if (ek_public_read(tpm2b_public, &ek, err) < 0)
		return -1;
	if (cert.len > PKI_EK_CERT_MAX || cert_parts_read(cert, &parts) < 0)
		return malformed(err);
	if (check_key(&parts, &ek, err) < 0 || grade(&parts, cert.len, &defects, err) < 0)
		return -1;
	*ret_defects = defects;
	*ret_der_len = parts.whole.len;
	return 0;
}
