/*
 * What the pki tests are made of: keys, requests and certificates by OpenSSL's
 * own functions, so that nothing under test makes its own input. All of these
 * assert instead of failing.
 */
#ifndef TESTS_UNIT_PKI_MAKE_H
#define TESTS_UNIT_PKI_MAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pki/pki.h"

#define NOW_S INT64_C(1800000000) /* 2027-01-15T08:00:00Z */
#define DAY_S INT64_C(86400)

static inline void make_openssl_freep(unsigned char **p)
{
	OPENSSL_free(*p);
}
DEFINE_CLEANUP(make_key_freep, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(make_x509_freep, X509, X509_free)

/* "P-256", "P-384", "P-521", or RSA by its bits: "1024". */
EVP_PKEY *make_key(const char *kind);
void make_spki(EVP_PKEY *key, struct buf *ret);

/* One attribute of a subject; type is a V_ASN1_ tag and nothing checks the text. */
struct make_attribute {
	int nid;
	int type;
	const char *text;
	int n; /* -1: up to its NUL */
};
struct make_request {
	EVP_PKEY *key;
	EVP_PKEY *signed_by; /* NULL: key */
	const EVP_MD *md;    /* NULL: SHA-256 */
	bool pss;
	struct make_attribute subject[3];
	int subject_n; /* 0: CN=unit-1 */
};
void make_csr(const struct make_request *request, struct buf *ret);

/* A root and an intermediate made by the code under test, with software keys. */
struct make_ca {
	EVP_PKEY *root_key, *key;
	struct buf root, intermediate;
	struct pki_issuer *root_issuer, *issuer;
};
void make_ca(const char *kind, struct make_ca *ret);
void make_ca_free(struct make_ca *ca);
/* A struct signer's sign over an EVP_PKEY. */
int make_sign(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig, struct err *err);
struct signer make_signer(EVP_PKEY *key);
/* A shaped serial whose last octet is n. */
void make_serial(uint8_t n, uint8_t ret[PKI_SERIAL_LEN]);
/* A leaf for CN=unit-1 with a new P-256 key. */
void make_leaf(const struct make_ca *ca, struct buf *ret);

X509 *make_x509(struct bytes der);
/* The DER of a certificate; the length must be known before the pointer is used. */
void make_der(X509 *cert, struct buf *ret);
/* The class, and a part of the text. */
void assert_err(const struct err *err, enum err_class class, const char *part);
/* cmocka teardown: no call left anything in OpenSSL's error queue. */
int queue_is_empty(void **state);

#endif
