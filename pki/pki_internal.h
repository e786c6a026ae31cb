/*
 * What the files of this folder share. OpenSSL's types stop here: outside it
 * knows bytes only.
 */
#ifndef PKI_PKI_INTERNAL_H
#define PKI_PKI_INTERNAL_H

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pki/pki.h"

static inline void openssl_freep(unsigned char **p)
{
	OPENSSL_free(*p);
}
DEFINE_CLEANUP(bn_freep, BIGNUM, BN_free)
DEFINE_CLEANUP(pkey_freep, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(pkey_ctx_freep, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_CLEANUP(x509_freep, X509, X509_free)
DEFINE_CLEANUP(x509_name_freep, X509_NAME, X509_NAME_free)
DEFINE_CLEANUP(asn1_time_freep, ASN1_TIME, ASN1_TIME_free)
DEFINE_CLEANUP(octets_freep, ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
DEFINE_CLEANUP(bits_freep, ASN1_BIT_STRING, ASN1_BIT_STRING_free)
DEFINE_CLEANUP(basic_freep, BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free)
DEFINE_CLEANUP(akid_freep, AUTHORITY_KEYID, AUTHORITY_KEYID_free)
DEFINE_CLEANUP(eku_freep, EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)
DEFINE_CLEANUP(lib_ctx_freep, OSSL_LIB_CTX, OSSL_LIB_CTX_free)

/* --- openssl.c ------------------------------------------------------------------------------------ */

/* err_set with OpenSSL's oldest reason behind what; the queue is empty afterwards. Returns -1. */
int openssl_fail(struct err *err, enum err_class class, const char *what);

/*
 * A library context without a single algorithm. Structures read in it keep their
 * key as bytes: OpenSSL's search for a key decoder costs 95 of the 102
 * microseconds of a d2i_X509. Making one costs more, so it pays when it is kept.
 * It must outlive what is read in it.
 */
MUST_USE int structure_ctx_new(OSSL_LIB_CTX **ret_ctx, struct err *err);
/* One certificate, no trailing bytes. The key can't be got from it; x509_spki gives its bytes. */
MUST_USE int x509_read(struct bytes der, OSSL_LIB_CTX *ctx, X509 **ret_cert, struct err *err);

/* Each appends a DER encoding to ret. */
MUST_USE int x509_spki(const X509_PUBKEY *pubkey, struct buf *ret, struct err *err);
MUST_USE int x509_name_der(const X509_NAME *name, struct buf *ret, struct err *err);
/* A Name of one RDN with one CN, UTF8String of 1 to 64 characters. ERR_OPERATOR if cn can't be one. */
MUST_USE int name_of_cn(const char *cn, struct buf *ret, struct err *err);
/* UTCTime to 2049, GeneralizedTime from 2050 (4.1.2.5). */
MUST_USE int time_put(int64_t at_s, struct buf *out, struct err *err);
/* Seconds since 1970. */
MUST_USE int time_read(const ASN1_TIME *time, int64_t *ret_s, struct err *err);

/* --- der.c ---------------------------------------------------------------------------------------- */

#define DER_BOOLEAN      0x01
#define DER_INTEGER      0x02
#define DER_BIT_STRING   0x03
#define DER_OCTET_STRING 0x04
#define DER_OID          0x06
#define DER_UTF8_STRING  0x0c
#define DER_PRINTABLE    0x13
#define DER_SEQUENCE     0x30
#define DER_SET          0x31
#define DER_CONTEXT(n)   (0xa0 + (n)) /* constructed */

/* Takes one element with this tag: definite length in its shortest form, at most what is left. */
MUST_USE int der_take(struct bytes *in, uint8_t tag, struct bytes *ret_content);
/* The same with whatever tag stands there; ret_whole, with its header, may be NULL. */
MUST_USE int der_take_any(struct bytes *in, uint8_t *ret_tag, struct bytes *ret_content,
			  struct bytes *ret_whole);
/* One element with this tag, header included. */
MUST_USE int der_take_whole(struct bytes *in, uint8_t tag, struct bytes *ret_whole);
MUST_USE int der_put(struct buf *out, uint8_t tag, struct bytes content);
/* INTEGER from an unsigned big-endian number. */
MUST_USE int der_put_unsigned(struct buf *out, struct bytes number);
/* BIT STRING of whole octets. */
MUST_USE int der_put_bits(struct buf *out, struct bytes content);

/* --- parts.c -------------------------------------------------------------------------------------- */

/* The parts of a certificate (4.1) as slices of it; nothing is judged but where they begin and end. */
struct cert_parts {
	struct bytes whole;             /* without what follows it */
	struct bytes serial;            /* content */
	struct bytes issuer, subject;   /* Name, whole */
	struct bytes validity;          /* content */
	struct bytes spki;              /* whole */
	struct bytes key_alg, key_bits; /* contents: OID and parameters; the bits' octets */
	struct bytes extensions;        /* content, none in version 1 */
};
/* From the front of in; what follows the certificate is the caller's matter. -1 if it is malformed. */
MUST_USE int cert_parts_read(struct bytes in, struct cert_parts *ret_parts);

/* --- public_key.c --------------------------------------------------------------------------------- */

enum key_kind {
	KEY_P256,
	KEY_P384,
	KEY_RSA,
};
struct public_key {
	EVP_PKEY *pkey;
	enum key_kind kind;
};
/* From SubjectPublicKeyInfo, exact DER; a point off its curve is refused here. ERR_UNIT. */
MUST_USE int public_key_read(struct bytes spki, struct public_key *ret_key, struct err *err);
void public_key_deinit(struct public_key *key);
/* subjectKeyIdentifier: the first 20 octets of SHA-256 of the key's bits (RFC 7093 2, method 1). */
#define KEY_ID_LEN 20
MUST_USE int public_key_id(struct bytes spki, uint8_t ret_id[KEY_ID_LEN], struct err *err);
/* SubjectPublicKeyInfo of a P-256 point: 04, x, y. */
#define P256_POINT_LEN 65
MUST_USE int p256_spki_put(const uint8_t point[P256_POINT_LEN], struct buf *out);

/* --- weak.c --------------------------------------------------------------------------------------- */

/* Size, exponent, small factors, ROCA, published test keys. ERR_UNIT. */
MUST_USE int weak_key_check(const struct public_key *key, struct bytes spki, struct err *err);

/* --- signature.c ---------------------------------------------------------------------------------- */

struct signature_alg {
	struct bytes der; /* AlgorithmIdentifier */
	const EVP_MD *(*md)(void);
	bool rsa;
	bool pss;
};
/* NULL when the algorithm is none of those accepted. */
const struct signature_alg *signature_alg_find(struct bytes der);
/* Ours when signing; NULL when it does not fit the key. */
const struct signature_alg *signature_alg_of(enum sign_alg alg, enum key_kind kind);
MUST_USE int signature_verify(const struct signature_alg *alg, const struct public_key *key,
			      struct bytes message, struct bytes sig, struct err *err);
/* By the one algorithm that devices prove a key of this kind with. */
MUST_USE int device_signature_verify(const struct public_key *key, struct bytes message, struct bytes sig,
				     struct err *err);

/* --- assemble.c, recheck.c ------------------------------------------------------------------------ */

/* What distinguishes the kinds of certificate that are made here. */
struct cert_kind {
	struct bytes extensions; /* the constant ones, DER, one after the other */
	int extensions_n;        /* all of them, SKI and AKI included */
	bool ca;
	long path_len; /* -1: none */
	uint32_t key_usage;
	bool client_auth;
};
extern const struct cert_kind cert_kind_leaf, cert_kind_intermediate, cert_kind_root, cert_kind_login;

struct cert_plan {
	const struct cert_kind *kind;
	const struct signature_alg *alg;
	const uint8_t *serial;
	struct bytes issuer_name; /* Name, DER */
	const char *subject_cn;
	int64_t not_before_s, not_after_s;
	struct bytes spki;
	struct bytes authority_key_id; /* none: no AKI, a root */
};
/*
 * Writes the certificate, has it signed, reads it again and compares. A signature
 * that issuer_key does not verify is ERR_STATION. ctx is a structure context.
 */
MUST_USE int cert_make(const struct cert_plan *plan, const struct signer *signer,
		       const struct public_key *issuer_key, OSSL_LIB_CTX *ctx, struct buf *ret_der,
		       struct err *err);
/* The second look, through OpenSSL's reader: every field of the plan, the TBS bytes, the signature. */
MUST_USE int cert_recheck(const struct cert_plan *plan, struct bytes tbs, struct bytes cert_der,
			  const struct public_key *issuer_key, OSSL_LIB_CTX *ctx, struct err *err);

/* --- serial.c, issuer.c --------------------------------------------------------------------------- */

bool serial_is_shaped(const uint8_t serial[PKI_SERIAL_LEN]);
/* The last second that a certificate can name: 9999-12-31T23:59:59Z (4.1.2.5). */
#define TIME_LAST_S 253402300799

/* Read-only after pki_issuer_new: threads share it without a lock. */
struct pki_issuer {
	OSSL_LIB_CTX *ctx;
	struct public_key key;
	struct buf der, name, spki, key_id;
	int64_t not_before_s, not_after_s;
	long path_len; /* -1: none */
};
/* ERR_STATION when the issuer is not valid at now_s. */
MUST_USE int issuer_valid_at(const struct pki_issuer *issuer, int64_t now_s, struct err *err);
/* What may be signed for days from now_s, not beyond last_s. ERR_OPERATOR if days is 0. */
MUST_USE int validity_end(int64_t now_s, unsigned days, int64_t last_s, int64_t *ret_s, struct err *err);

/* --- ek.c ----------------------------------------------------------------------------------------- */

/* A TPM2B_PUBLIC, read; the slices borrow from it. */
struct ek_public {
	int type; /* PKI_EK_RSA_2048, PKI_EK_ECC_P256 */
	struct bytes modulus;
	uint32_t exponent;
	uint8_t point[P256_POINT_LEN];
};
MUST_USE int ek_public_read(struct bytes tpm2b_public, struct ek_public *ret_ek, struct err *err);
/* The bits of its SubjectPublicKeyInfo: RSAPublicKey (RFC 8017 A.1.1) or the point. */
MUST_USE int ek_key_bits(const struct ek_public *ek, struct buf *ret_bits, struct err *err);
MUST_USE int ek_public_key(const struct ek_public *ek, struct public_key *ret_key, struct err *err);

#endif
