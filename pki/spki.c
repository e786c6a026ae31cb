/*
 * Public keys on their own: of the stations that vouch for batches and receipts. P-256 only, as
 * SubjectPublicKeyInfo in the one DER form that public_key_read takes, so that a fingerprint
 * names one key.
 */
#include "pki/pki_internal.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

DEFINE_CLEANUP(bio_freep, BIO, BIO_free_all)

static int read_p256(struct bytes spki, struct public_key *ret_key, struct err *err)
{
	if (public_key_read(spki, ret_key, err) < 0)
		return err_raise(err, ERR_OPERATOR);
	if (ret_key->kind == KEY_P256)
		return 0;
	public_key_deinit(ret_key);
	return err_set(err, ERR_OPERATOR, 0, "a station's key is a P-256 key");
}

int pki_spki_pem_append(struct bytes spki, struct buf *pem, struct err *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	if (bio == NULL || PEM_write_bio(bio, PEM_STRING_PUBLIC, "", spki.p, (long)spki.len) <= 0)
		return openssl_fail(err, ERR_STATION, "PEM can't be written");
	n = BIO_get_mem_data(bio, &text);
	if (n <= 0 || buf_append(pem, bytes_of(text, (size_t)n)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "a public key has more than %zu bytes", pem->max);
	return 0;
}

int pki_spki_pem_read(struct bytes pem, struct buf *ret_spki, struct err *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem.p, (int)(pem.len < PKI_CHAIN_MAX ? pem.len : 0));
	CLEANUP(public_key_deinit) struct public_key key = { .pkey = NULL };
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long n = 0;
	int status = -1;

	if (bio != NULL && PEM_read_bio(bio, &name, &header, &data, &n) == 1 &&
	    strcmp(name, PEM_STRING_PUBLIC) == 0 && header[0] == '\0')
		status = buf_set(ret_spki, bytes_of(data, (size_t)n));
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	if (status < 0)
		return openssl_fail(err, ERR_OPERATOR, "it holds no public key in PEM");
	return read_p256(buf_bytes(ret_spki), &key, err);
}

int pki_spki_verify(struct bytes spki, struct bytes message, struct bytes sig, struct err *err)
{
	CLEANUP(public_key_deinit) struct public_key key = { .pkey = NULL };

	if (read_p256(spki, &key, err) < 0)
		return -1;
	if (device_signature_verify(&key, message, sig, err) < 0)
		return err_raise(err, ERR_OPERATOR);
	return 0;
}
