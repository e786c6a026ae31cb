/* What a station checks of a CSR and of a proof, done here with OpenSSL alone. */
#ifndef TESTS_UNIT_EMULATOR_CRYPTO_H
#define TESTS_UNIT_EMULATOR_CRYPTO_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/bytes.h"

/* The request, or NULL if it is no PKCS#10 with nothing behind it. The caller frees. */
X509_REQ *crypto_req(struct bytes der);
bool crypto_req_signed(X509_REQ *req);
bool crypto_req_named(X509_REQ *req, const char *cn);
/* Does the request's key verify sig over "station-prove-v1" NUL nonce? */
bool crypto_proof_good(X509_REQ *req, struct bytes nonce, struct bytes sig);

DEFINE_CLEANUP(crypto_req_freep, X509_REQ, X509_REQ_free)
DEFINE_CLEANUP(crypto_pkey_freep, EVP_PKEY, EVP_PKEY_free)

#endif
