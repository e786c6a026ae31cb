/*
 * The HSM: one PKCS#11 module, one token, its keys. PKCS#11 is the interface
 * (v2.40, the clauses below are its own); p11-kit loads the module.
 *
 * Threads: struct hsm is shared and locks itself. A session and its keys belong
 * to one thread. Errors: wrong, expired or locked PIN and a token that is missing
 * at hsm_open are ERR_OPERATOR; a lost session or a token that went away later is
 * ERR_RETRY (the next call looks for it and opens it again, and starts a module
 * again whose service went away);
 * everything that makes the token doubtful is ERR_STATION. The program ignores
 * SIGPIPE: a module that talks to a service may write to a closed socket.
 */
#ifndef HSM_HSM_H
#define HSM_HSM_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/signer.h"

struct hsm;
struct hsm_session;
struct hsm_key;
/* p11-kit's CK_FUNCTION_LIST; tests hand in a copy with one entry broken (C_GetFunctionList, 5.4). */
struct _CK_FUNCTION_LIST;

/*
 * Where a PIN comes from: file:PATH, prompt, or credential:NAME ($CREDENTIALS_DIRECTORY of systemd).
 * prompt asks in hsm_open and never again: a token that forgets its login is then ERR_OPERATOR.
 */
struct hsm_conf {
	const char *module;     /* p11-kit's name of a configured module, or an absolute path */
	const char *token;      /* RFC 7512 URI that names exactly one token                  */
	const char *pin_source; /* see above; never the PIN itself; NULL: the URI's pin-source */
};

/* ERR_OPERATOR if the text is no RFC 7512 URI, or holds a pin-value. For the configuration's checks. */
MUST_USE int hsm_uri_check(const char *uri, struct err *err);
/* ERR_OPERATOR if it is none of the three forms. */
MUST_USE int hsm_pin_source_check(const char *pin_source, struct err *err);
/* Any other secret from such a source; prompt asks the question. ERR_OPERATOR. */
MUST_USE int hsm_source_read(const char *source, const char *question, struct secret *ret_secret,
			     struct err *err);

/*
 * Loads the module, finds the token, logs in: one try with one PIN, never a
 * second by itself. The text of a failure says what the token tells about tries
 * left (CKF_USER_PIN_COUNT_LOW, FINAL_TRY, LOCKED).
 */
MUST_USE int hsm_open(const struct hsm_conf *conf, struct hsm **ret_hsm, struct err *err);
/* The same over a function list that the caller initialised and finalises. */
MUST_USE int hsm_attach(struct _CK_FUNCTION_LIST *module, const struct hsm_conf *conf, struct hsm **ret_hsm,
			struct err *err);
void hsm_close(struct hsm *hsm);
DEFINE_CLEANUP(hsm_closep, struct hsm, hsm_close)

/*
 * For the embedded default only: initialises the first uninitialised slot of
 * the module as a token named label, with both PINs (C_InitToken, C_InitPIN).
 */
MUST_USE int hsm_token_make(const char *module, const char *label, const struct secret *so_pin,
			    const struct secret *pin, struct err *err);

MUST_USE int hsm_session_open(struct hsm *hsm, struct hsm_session **ret_session, struct err *err);
/* Frees the keys found through it, too. */
void hsm_session_close(struct hsm_session *session);
DEFINE_CLEANUP(hsm_session_closep, struct hsm_session, hsm_session_close)

/*
 * Finds the one private or secret key that the URI names (object=, id=) and
 * keeps its handle: searching a full token before each signature is 150 times
 * slower. ERR_OPERATOR if there is none, or more than one. The session owns it.
 */
MUST_USE int hsm_key_find(struct hsm_session *session, const char *uri, struct hsm_key **ret_key,
			  struct err *err);
/* The same question as an answer: *ret_found. Not an error when there is none. */
MUST_USE int hsm_key_exists(struct hsm_session *session, const char *uri, bool *ret_found, struct err *err);

enum hsm_key_type {
	HSM_KEY_EC_P256,
	HSM_KEY_EC_P384,
	HSM_KEY_RSA_2048,
	HSM_KEY_RSA_3072,
	HSM_KEY_RSA_4096,
	HSM_KEY_HMAC,
};

/* What the key is; for choosing its sign_alg. */
enum hsm_key_type hsm_key_type(const struct hsm_key *key);
/* The key's algorithm by default: ECDSA with the curve's hash, RSA PKCS#1 with SHA-256. */
enum sign_alg hsm_key_default_alg(const struct hsm_key *key);

/* SubjectPublicKeyInfo DER (RFC 5280 4.1.2.7), from the public object of the same CKA_ID. */
MUST_USE int hsm_key_public(struct hsm_key *key, struct buf *ret_spki, struct err *err);

/* A struct signer's sign: key is a struct hsm_key *. Hashes here, signs in the token. */
MUST_USE int hsm_key_sign(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig,
			  struct err *err);
/* A struct macer's mac: key is a struct hsm_key *; CKM_SHA256_HMAC in the token. */
MUST_USE int hsm_key_mac(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err);

/*
 * Makes a key pair as token objects labelled label: private key sensitive,
 * never extractable, sign only. ERR_OPERATOR if the label is taken. RSA and EC
 * only. Leaf keys of devices are never made here.
 */
MUST_USE int hsm_key_generate(struct hsm_session *session, enum hsm_key_type type, const char *label,
			      struct err *err);
/* Makes an HMAC key of an existing value of 1 to 512 bytes: sensitive and not extractable from then on. */
MUST_USE int hsm_key_import_hmac(struct hsm_session *session, const char *label, const struct secret *value,
				 struct err *err);

/* At most 1024 random bytes of the token (C_GenerateRandom). */
MUST_USE int hsm_random(struct hsm_session *session, uint8_t *out, size_t n, struct err *err);

/* For status: label, manufacturer and model of the token, and whether it answers now. */
struct hsm_info {
	char label[33];
	char manufacturer[33];
	char model[17];
	char serial[17];
};
MUST_USE int hsm_info(struct hsm *hsm, struct hsm_info *ret_info, struct err *err);

#endif
