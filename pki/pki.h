/*
 * Certificates. Pure: bytes in, bytes out; time, serial numbers and signatures
 * are arguments. DER everywhere, PEM only where a file is written. The clauses
 * are RFC 5280's unless named. Everything a device sends is ERR_UNIT when bad;
 * our own CA material is ERR_OPERATOR when bad.
 */
#ifndef PKI_PKI_H
#define PKI_PKI_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/signer.h"

#define PKI_SERIAL_LEN 20
#define PKI_CERT_MAX   8192 /* a certificate or CSR that is larger is refused */
#define PKI_CHAIN_MAX  32768
#define PKI_SPKI_MAX   1024
#define PKI_CN_MAX     64 /* ub-common-name, Appendix A.1 */

/* How leaves are made; from the configuration, which has it checked by pki_profile_check. */
struct pki_profile {
	unsigned validity_days;
	bool may_outlive_issuer; /* else notAfter is cut to the issuer's */
};
/* A life that no date can hold ends at 9999-12-31T23:59:59Z: no defined expiry (4.1.2.5). */
#define PKI_VALIDITY_DAYS_MAX 3000000
/* ERR_OPERATOR. */
MUST_USE int pki_profile_check(const struct pki_profile *profile, struct err *err);

/* A parsed, checked request. */
struct pki_csr;

/*
 * Reads a PKCS#10 request (RFC 2986): no trailing bytes, one CN and nothing else
 * in the subject, a strong key (P-256, P-384, RSA of 2048 to 4096 bits with an
 * odd public exponent of at least 65537; a point off its curve is refused) in the
 * one encoding that DER has for it, so that its hash tells it from others, and the
 * signature by that key, which is the proof of possession.
 */
MUST_USE int pki_csr_parse(struct bytes der, struct pki_csr **ret_csr, struct err *err);
void pki_csr_free(struct pki_csr *csr);
DEFINE_CLEANUP(pki_csr_freep, struct pki_csr, pki_csr_free)
const char *pki_csr_cn(const struct pki_csr *csr);
/* SubjectPublicKeyInfo as the request holds it; borrowed. */
struct bytes pki_csr_spki(const struct pki_csr *csr);

/*
 * 1 to 64 characters of [A-Za-z0-9-._:], the last a letter, a digit or '-': what the
 * provisioning service accepts as a registration ID and X.509 as a CN (dps-api 2). ERR_UNIT.
 */
MUST_USE int pki_registration_id_check(const char *id, struct err *err);

/* Turns 20 random bytes into a serial: bit 159 clear, bit 158 set, 158 random bits (4.1.2.2). */
void pki_serial_shape(uint8_t serial[PKI_SERIAL_LEN]);

/* An issuing certificate, parsed once; read-only afterwards, so threads share it. */
struct pki_issuer;
MUST_USE int pki_issuer_new(struct bytes cert_der, struct pki_issuer **ret_issuer, struct err *err);
void pki_issuer_free(struct pki_issuer *issuer);
DEFINE_CLEANUP(pki_issuer_freep, struct pki_issuer, pki_issuer_free)
/* ERR_OPERATOR if this certificate was issued by another CA: name or signature are not the issuer's. */
MUST_USE int pki_issuer_issued(const struct pki_issuer *issuer, struct bytes cert_der, struct err *err);
/* ERR_OPERATOR if the HSM's key is not the key of this certificate. */
MUST_USE int pki_issuer_has_key(const struct pki_issuer *issuer, struct bytes spki, struct err *err);

/*
 * Issues a dps-leaf: CN = registration_id, critical basicConstraints CA:FALSE,
 * critical keyUsage digitalSignature, extendedKeyUsage clientAuth, SKI, AKI.
 * The CSR's CN must be registration_id. now_s is seconds since 1970. What was
 * assembled is parsed again and verified with the issuer's key before it is
 * returned; ret_der has a maximum of at least PKI_CERT_MAX.
 */
MUST_USE int pki_leaf_issue(const struct pki_issuer *issuer, const struct pki_profile *profile,
			    const struct pki_csr *csr, const char *registration_id,
			    const uint8_t serial[PKI_SERIAL_LEN], int64_t now_s, const struct signer *signer,
			    struct buf *ret_der, struct err *err);

/* A CA certificate to be made: its name, its key, its life. */
struct pki_ca_request {
	const char *cn;
	struct bytes spki;
	const uint8_t *serial; /* PKI_SERIAL_LEN bytes */
	int64_t now_s;
	unsigned validity_days;
};
/* A self-signed root: critical CA:TRUE, critical keyUsage keyCertSign and cRLSign, SKI. */
MUST_USE int pki_root_make(const struct pki_ca_request *request, const struct signer *signer,
			   struct buf *ret_der, struct err *err);
/*
 * Self-signed for a login (a key that Entra ID is told of): critical CA:FALSE, critical keyUsage
 * digitalSignature, SKI. It issues nothing.
 */
MUST_USE int pki_login_make(const struct pki_ca_request *request, const struct signer *signer,
			    struct buf *ret_der, struct err *err);
/* An intermediate under root with pathLenConstraint 0: it issues leaves and nothing else. */
MUST_USE int pki_intermediate_make(const struct pki_issuer *root, const struct pki_ca_request *request,
				   const struct signer *signer, struct buf *ret_der, struct err *err);

/*
 * Verifies leaf ← intermediate ← root at now_s, for client authentication: exactly these
 * three. A bad leaf is ERR_UNIT, a bad CA certificate ERR_OPERATOR, and so is any of them
 * that is not yet or no longer valid, because a wrong clock is the likely cause.
 */
MUST_USE int pki_chain_verify(struct bytes leaf_der, struct bytes intermediate_der, struct bytes root_der,
			      int64_t now_s, struct err *err);

/* Appends one certificate as PEM. A chain file is the leaf, then the intermediates, never the root. */
MUST_USE int pki_pem_append(struct bytes cert_der, struct buf *pem, struct err *err);
/* Reads the n-th certificate (from 0) of a PEM text of at most PKI_CHAIN_MAX bytes. */
MUST_USE int pki_pem_read(struct bytes pem, unsigned n, struct buf *ret_der, struct err *err);

struct pki_cert_info {
	char subject_cn[PKI_CN_MAX + 1];
	char issuer_cn[PKI_CN_MAX + 1];
	char serial_hex[2 * PKI_SERIAL_LEN + 1];
	int64_t not_before_s, not_after_s;
	uint8_t sha256[SHA256_LEN];      /* of the certificate */
	uint8_t spki_sha256[SHA256_LEN]; /* of its SubjectPublicKeyInfo */
	char key[16];                    /* "P-256", "P-384", "RSA-2048" …; empty for others */
};
MUST_USE int pki_cert_info(struct bytes cert_der, struct pki_cert_info *ret_info, struct err *err);

/*
 * Checks a signature (DER ECDSA or RSA PKCS#1, SHA-256 or the curve's hash) under the
 * key of a device's request: it was read and checked there, and is not read again.
 */
MUST_USE int pki_signature_check(const struct pki_csr *csr, struct bytes message, struct bytes sig,
				 struct err *err);

/*
 * The key of a station that signs what it hands to another: SubjectPublicKeyInfo of P-256, and
 * "PUBLIC KEY" in PEM (RFC 7468 13); text in front of that is skipped. A signature is ECDSA with
 * SHA-256. ERR_OPERATOR.
 */
MUST_USE int pki_spki_pem_append(struct bytes spki, struct buf *pem, struct err *err);
MUST_USE int pki_spki_pem_read(struct bytes pem, struct buf *ret_spki, struct err *err);
MUST_USE int pki_spki_verify(struct bytes spki, struct bytes message, struct bytes sig, struct err *err);

/*
 * A P-256 key for a device that can't make one: private key as DER
 * ECPrivateKey (SEC 1, RFC 5915) on the secure heap, and a CSR for cn.
 */
MUST_USE int pki_key_make(const char *cn, struct secret *ret_key, struct buf *ret_csr, struct err *err);

/* --- TPM endorsement keys ------------------------------------------------------------------------- */

#define PKI_EK_PUBLIC_MAX 1024
#define PKI_EK_CERT_MAX   4096

/* What an EK public area says of itself. */
struct pki_ek {
	enum { PKI_EK_RSA_2048, PKI_EK_ECC_P256 } type;
	/*
	 * How the EK is told from others: SHA-256 of TPM_ALG_ID and modulus, or of TPM_ALG_ID,
	 * x and y in 32 octets each. Not of the TPM2B_PUBLIC, of which one key has many
	 * (exponent 0 or 65537, attributes, policy, leading zeros).
	 */
	uint8_t sha256[SHA256_LEN];
};
/*
 * Reads a TPM2B_PUBLIC (TPM 2.0 Part 2, 12.2.4) and accepts it as an endorsement
 * key: RSA-2048 or P-256, nameAlg SHA-256, restricted, decrypt, fixedTPM,
 * fixedParent, policy of the TCG EK profile. No trailing bytes. ERR_UNIT else.
 */
MUST_USE int pki_ek_parse(struct bytes tpm2b_public, struct pki_ek *ret_ek, struct err *err);

/* The EK certificate's own defects that are tolerated and reported (keylime #944, #1775). */
enum pki_ek_defect {
	PKI_EK_TRAILING_BYTES = 1, /* NV areas are often larger than the certificate */
	PKI_EK_NO_EKU = 2,         /* without tcg-kp-EKCertificate 2.23.133.8.1      */
	PKI_EK_EMPTY_SUBJECT = 4,
	PKI_EK_NOT_DER = 8, /* OpenSSL refuses it: padded serial, unordered set...   */
};
/*
 * Reads an EK certificate and checks that it certifies exactly this EK. It proves nothing
 * about who made the TPM: neither a signature nor a chain is checked, anyone can write such
 * a certificate. What it finds is a board whose certificate is for another EK.
 * ret_defects is a set of pki_ek_defect; ret_der_len is the certificate's own
 * length in the bytes given (the original bytes are kept, never re-encoded).
 */
MUST_USE int pki_ek_cert_check(struct bytes cert, struct bytes tpm2b_public, unsigned *ret_defects,
			       size_t *ret_der_len, struct err *err);

#define PKI_CREDENTIAL_SECRET_LEN 32
/*
 * TPM2_MakeCredential in software (TPM 2.0 Part 1, 24): wraps secret so
 * that only the TPM holding this EK can open it, and only for the object of this
 * name (TPM2B_NAME content: nameAlg and digest). seed is 32 random bytes; a P-256
 * EK does without it, its seed comes out of ECDH with an ephemeral key.
 * Outputs are TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET, sizes included.
 */
MUST_USE int pki_credential_make(struct bytes tpm2b_public, struct bytes object_name,
				 const uint8_t secret[PKI_CREDENTIAL_SECRET_LEN], const uint8_t seed[32],
				 struct buf *ret_id_object, struct buf *ret_encrypted_secret,
				 struct err *err);

#endif
