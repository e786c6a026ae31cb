/*
 * Requests from a device. What is accepted here must be accepted by OpenSSL's own
 * reader, with the same name and key and a signature that verifies.
 */
#include <stdint.h>
#include <string.h>

#include <openssl/x509.h>

#include "pki/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct pki_csr *csr, const uint8_t *data, size_t size)
{
	const unsigned char *p = data;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)size);
	unsigned char *spki = NULL;
	char cn[PKI_CN_MAX + 2];
	int n;

	base_assert(req != NULL && p == data + size);
	base_assert(X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) == 1);
	base_assert(X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(req), NID_commonName, cn,
					      sizeof(cn)) > 0);
	base_assert(strcmp(cn, pki_csr_cn(csr)) == 0);
	n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &spki);
	base_assert(n > 0 && bytes_equal(bytes_of(spki, (size_t)n), pki_csr_spki(csr)));
	OPENSSL_free(spki);
	X509_REQ_free(req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pki_csr *csr = NULL;
	struct err err;

	if (pki_csr_parse(bytes_of(data, size), &csr, &err) == 0)
		compare(csr, data, size);
	pki_csr_free(csr);
	return 0;
}
