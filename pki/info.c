/*
 * What a certificate says of itself, for records and screens. It is not judged
 * here; names that are missing or no text come out empty.
 */
#include "pki/pki_internal.h"

#include <string.h>

#include "base/encode.h"

/* The first CN, if it is text of at most 64 bytes. */
static void copy_cn(const X509_NAME *name, char out[PKI_CN_MAX + 1])
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	CLEANUP(openssl_freep) unsigned char *utf8 = NULL;
	int n;

	out[0] = '\0';
	if (at < 0)
		return;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (n > 0 && bytes_to_str(bytes_of(utf8, (size_t)n), out, PKI_CN_MAX + 1) < 0)
		out[0] = '\0';
}

static int copy_serial(const X509 *cert, char out[2 * PKI_SERIAL_LEN + 1], struct err *err)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	struct bytes octets = bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));

	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || octets.len == 0 ||
	    hex_encode(octets, out, 2 * PKI_SERIAL_LEN + 1) < 0)
		return err_set(err, ERR_UNIT, 0,
			       "the serial number is negative or above 20 octets (4.1.2.2)");
	return 0;
}

static int fill(const X509 *cert, struct pki_cert_info *info, struct err *err)
{
	BUF_AUTO(spki, PKI_CERT_MAX);

	copy_cn(X509_get_subject_name(cert), info->subject_cn);
	copy_cn(X509_get_issuer_name(cert), info->issuer_cn);
	if (copy_serial(cert, info->serial_hex, err) < 0 ||
	    time_read(X509_get0_notBefore(cert), &info->not_before_s, err) < 0 ||
	    time_read(X509_get0_notAfter(cert), &info->not_after_s, err) < 0 ||
	    x509_spki(X509_get_X509_PUBKEY(cert), &spki, err) < 0)
		return -1;
	sha256(buf_bytes(&spki), info->spki_sha256);
	return 0;
}

int pki_cert_info(struct bytes cert_der, struct pki_cert_info *ret_info, struct err *err)
{
	CLEANUP(lib_ctx_freep) OSSL_LIB_CTX *ctx = NULL;
	CLEANUP(x509_freep) X509 *cert = NULL;
	struct pki_cert_info info = { .subject_cn = "" };

	if (structure_ctx_new(&ctx, err) < 0 || x509_read(cert_der, ctx, &cert, err) < 0 ||
	    fill(cert, &info, err) < 0)
		return -1;
	sha256(cert_der, info.sha256);
	*ret_info = info;
	return 0;
}
