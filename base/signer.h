/*
 * A private key that somebody else holds. pki, audit and enroll take one as an
 * argument; hsm makes one; station introduces them to each other.
 */
#ifndef BASE_SIGNER_H
#define BASE_SIGNER_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"

enum sign_alg {
	SIGN_ECDSA_SHA256,     /* P-256; signature is DER ECDSA-Sig-Value (RFC 3279 2.2.3) */
	SIGN_ECDSA_SHA384,     /* P-384; the same                                        */
	SIGN_RSA_PKCS1_SHA256, /* RFC 8017 8.2                                           */
	SIGN_RSA_PSS_SHA256,   /* RFC 8017 8.1, MGF1-SHA256, salt of 32 bytes            */
};

struct signer {
	/* Hashes and signs message; ret_sig has a maximum of at least 1024. One thread at a time. */
	int (*sign)(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig, struct err *err);
	void *key;
	enum sign_alg alg;
};

/* A secret key that computes HMAC-SHA256 and never shows itself. */
struct macer {
	int (*mac)(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err);
	void *key;
};

#endif
