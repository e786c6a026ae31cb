/*
 * PEM, the form of files only (RFC 7468). The DER inside is carried, not read:
 * what a device or an HSM tool wrote comes out with the same bytes.
 */
#include "pki/pki_internal.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

DEFINE_CLEANUP(bio_freep, BIO, BIO_free_all)

/* What PEM_read_bio allocates. */
struct pem_block {
	char *name;
	char *header;
	unsigned char *data;
	long n;
};

static void pem_block_deinit(struct pem_block *block)
{
	OPENSSL_free(block->name);
	OPENSSL_free(block->header);
	OPENSSL_clear_free(block->data, block->n > 0 ? (size_t)block->n : 0);
	*block = (struct pem_block){ NULL, NULL, NULL, 0 };
}

int pki_pem_append(struct bytes cert_der, struct buf *pem, struct err *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	if (cert_der.len == 0 || cert_der.len > PKI_CERT_MAX)
		return err_set(err, ERR_BUG, 0, "a certificate of %zu bytes; 1 to %d are allowed",
			       cert_der.len, PKI_CERT_MAX);
	if (bio == NULL || PEM_write_bio(bio, PEM_STRING_X509, "", cert_der.p, (long)cert_der.len) <= 0)
		return openssl_fail(err, ERR_STATION, "PEM can't be written");
	n = BIO_get_mem_data(bio, &text);
	if (n <= 0 || buf_append(pem, bytes_of(text, (size_t)n)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the chain would have more than %zu bytes", pem->max);
	return 0;
}

/* Skips what is no certificate, such as a key in the same file. False at the end of the text. */
static bool next_certificate(BIO *bio, struct pem_block *ret_block)
{
	for (;;) {
		pem_block_deinit(ret_block);
		if (PEM_read_bio(bio, &ret_block->name, &ret_block->header, &ret_block->data,
				 &ret_block->n) != 1)
			return false;
		if (strcmp(ret_block->name, PEM_STRING_X509) == 0 && ret_block->header[0] == '\0')
			return true;
	}
}

int pki_pem_read(struct bytes pem, unsigned n, struct buf *ret_der, struct err *err)
{
	CLEANUP(pem_block_deinit) struct pem_block block = { NULL, NULL, NULL, 0 };
	CLEANUP(bio_freep) BIO *bio = NULL;

	if (pem.len == 0 || pem.len > PKI_CHAIN_MAX)
		return err_set(err, ERR_OPERATOR, 0, "a PEM text of %zu bytes; 1 to %d are allowed", pem.len,
			       PKI_CHAIN_MAX);
	bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	if (bio == NULL)
		return openssl_fail(err, ERR_STATION, "out of memory");
	for (unsigned i = 0; i <= n; i++)
		if (!next_certificate(bio, &block))
			return openssl_fail(err, ERR_OPERATOR,
					    "there is no such certificate in the PEM text");
	if (block.n <= 0 || block.n > PKI_CERT_MAX ||
	    buf_set(ret_der, bytes_of(block.data, (size_t)block.n)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "a certificate of %ld bytes; 1 to %d are allowed",
			       block.n, PKI_CERT_MAX);
	return 0;
}
