/*
 * What a certificate says of itself, for records and screens. It is not judged
 * here; names that are missing or no text come out empty.
 */
#include "pki/pki_internal.h"

#include <openssl/err.h>

#include "base/encode.h"

/* The first CN, if it is text of at most 64 bytes. */
static int copy_cn(struct bytes name_der, char out[PKI_CN_MAX + 1], struct err *err)
{
	CLEANUP(x509_name_freep) X509_NAME *name = NULL;
	CLEANUP(openssl_freep) unsigned char *utf8 = NULL;
	const unsigned char *p = name_der.p;
	int at, n;

	name = d2i_X509_NAME(NULL, &p, (long)name_der.len);
	if (name == NULL)
		return openssl_fail(err, ERR_UNIT, "a name in the certificate is malformed");
	at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	out[0] = '\0';
	if (at < 0)
		return 0;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (n < 0 || bytes_to_str(bytes_of(utf8, (size_t)n), out, PKI_CN_MAX + 1) < 0)
		ERR_clear_error();
	return 0;
}

static int copy_serial(struct bytes serial, char out[2 * PKI_SERIAL_LEN + 1], struct err *err)
{
	if (serial.len > 1 && serial.p[0] == 0)
		serial = bytes_of(serial.p + 1, serial.len - 1);
	else if (serial.len > 0 && (serial.p[0] & 0x80) != 0)
		return err_set(err, ERR_UNIT, 0, "the serial number is negative (4.1.2.2)");
	if (serial.len == 0 || hex_encode(serial, out, 2 * PKI_SERIAL_LEN + 1) < 0)
		return err_set(err, ERR_UNIT, 0, "the serial number has %zu octets; 1 to %d are allowed",
			       serial.len, PKI_SERIAL_LEN);
	return 0;
}

/* UTCTime or GeneralizedTime, whichever stands there. */
static int take_time(struct bytes *in, int64_t *ret_s, struct err *err)
{
	CLEANUP(asn1_time_freep) ASN1_TIME *time = NULL;
	const unsigned char *p = in->p;

	if (in->len > 0)
		time = d2i_ASN1_TIME(NULL, &p, (long)in->len);
	if (time == NULL)
		return openssl_fail(err, ERR_UNIT, "the certificate's validity is malformed");
	*in = bytes_of(p, in->len - (size_t)(p - in->p));
	return time_read(time, ret_s, err);
}

/* AlgorithmIdentifier's content: id-ecPublicKey and the named curve (RFC 5480 2.1.1), or rsaEncryption. */
static const uint8_t p256_alg[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
				    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t p384_alg[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
				    0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t rsa_alg[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
				   0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };

/* RSAPublicKey: SEQUENCE { modulus, publicExponent } (RFC 8017 A.1.1); 0 if it is malformed. */
static size_t rsa_bits(struct bytes key)
{
	struct bytes content, modulus;
	size_t bits;

	if (der_take(&key, DER_SEQUENCE, &content) < 0 || der_take(&content, DER_INTEGER, &modulus) < 0)
		return 0;
	while (modulus.len > 0 && modulus.p[0] == 0)
		modulus = bytes_of(modulus.p + 1, modulus.len - 1);
	bits = 8 * modulus.len;
	for (unsigned top = modulus.len > 0 ? modulus.p[0] : 0x80; (top & 0x80) == 0; top <<= 1)
		bits--;
	return bits;
}

/* For people to read: what it can't tell stays empty. */
static void name_key(const struct cert_parts *parts, char out[16])
{
	size_t bits = bytes_equal(parts->key_alg, BYTES_ARRAY(rsa_alg)) ? rsa_bits(parts->key_bits) : 0;

	if (bytes_equal(parts->key_alg, BYTES_ARRAY(p256_alg)))
		str_clip(out, 16, "P-256");
	else if (bytes_equal(parts->key_alg, BYTES_ARRAY(p384_alg)))
		str_clip(out, 16, "P-384");
	else if (bits == 0 || str_format(out, 16, "RSA-%zu", bits) < 0)
		out[0] = '\0';
}

int pki_cert_info(struct bytes cert_der, struct pki_cert_info *ret_info, struct err *err)
{
	struct pki_cert_info info = { .subject_cn = "" };
	struct cert_parts parts;

	if (cert_der.len > PKI_CERT_MAX || cert_parts_read(cert_der, &parts) < 0)
		return err_set(err, ERR_UNIT, 0, "the certificate is malformed");
	if (parts.whole.len != cert_der.len)
		return err_set(err, ERR_UNIT, 0, "%zu bytes behind the certificate",
			       cert_der.len - parts.whole.len);
	if (copy_cn(parts.subject, info.subject_cn, err) < 0 ||
	    copy_cn(parts.issuer, info.issuer_cn, err) < 0 ||
	    copy_serial(parts.serial, info.serial_hex, err) < 0 ||
	    take_time(&parts.validity, &info.not_before_s, err) < 0 ||
	    take_time(&parts.validity, &info.not_after_s, err) < 0)
		return -1;
	if (parts.validity.len != 0)
		return err_set(err, ERR_UNIT, 0, "the certificate's validity is malformed");
	sha256(cert_der, info.sha256);
	sha256(parts.spki, info.spki_sha256);
	name_key(&parts, info.key);
	*ret_info = info;
	return 0;
}
