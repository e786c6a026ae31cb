/* See crypto.h. */
#include "tests/unit/emulator/crypto.h"

X509_REQ *crypto_req(struct bytes der)
{
	CLEANUP(crypto_req_freep) X509_REQ *req = NULL;
	const unsigned char *p = der.p;
	X509_REQ *whole;

	req = d2i_X509_REQ(NULL, &p, (long)der.len);
	if (req == NULL || p != der.p + der.len)
		return NULL;
	whole = req;
	req = NULL;
	return whole;
}

bool crypto_req_signed(X509_REQ *req)
{
	return X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) == 1;
}

bool crypto_req_named(X509_REQ *req, const char *cn)
{
	char name[80];
	int n = X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(req), NID_commonName, name, sizeof(name));

	return n >= 0 && strcmp(name, cn) == 0;
}

bool crypto_proof_good(X509_REQ *req, struct bytes nonce, struct bytes sig)
{
	BUF_AUTO(message, 64);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && buf_append(&message, BYTES_LIT("station-prove-v1\0")) == 0 &&
		    buf_append(&message, nonce) == 0 &&
		    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_REQ_get0_pubkey(req)) == 1 &&
		    EVP_DigestVerify(ctx, sig.p, sig.len, message.p, message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}
