/*
 * Secrets: PINs, keys, tokens. They live on OpenSSL's secure heap (locked in
 * memory, outside core files) and are wiped when their scope ends. No function
 * here prints, logs or copies one into an ordinary buffer.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"
#include "base/err.h"

struct secret {
	uint8_t *p;
	size_t len;
};

#define SECRET_AUTO CLEANUP(secret_wipe) struct secret

/*
 * Turns core dumps off and makes the secure heap. Called once by main, before
 * the first thread. Fails with ERR_STATION if memory can't be locked.
 */
MUST_USE int secret_heap_init(struct err *err);

/* len zero bytes that the caller fills; the owner wipes. */
MUST_USE int secret_new(size_t len, struct secret *ret, struct err *err);
/* len random bytes, from OpenSSL's private generator. */
MUST_USE int secret_random(size_t len, struct secret *ret, struct err *err);
/* Takes a copy of data; the caller still has to wipe its own. */
MUST_USE int secret_copy(struct bytes data, struct secret *ret, struct err *err);
/* Wipes and frees; accepts an empty one. */
void secret_wipe(struct secret *secret);

/* Borrow for the call that consumes it (C_Login, HMAC); never store the result. */
static inline struct bytes secret_bytes(const struct secret *secret)
{
	return bytes_of(secret->p, secret->len);
}

/*
 * Reads a secret from a file of at most 4096 bytes; one trailing line end is
 * dropped. ERR_OPERATOR if it is missing, empty, too long or readable by others.
 */
MUST_USE int secret_read_file(const char *path, struct secret *ret, struct err *err);
/* Asks on the terminal with echo off. ERR_OPERATOR if there is no terminal. */
MUST_USE int secret_prompt(const char *question, struct secret *ret, struct err *err);
/* The same, but Enter alone is an answer, too: an empty secret. */
MUST_USE int secret_prompt_optional(const char *question, struct secret *ret, struct err *err);
/* Strict base64 to bytes, secure heap to secure heap. ERR_OPERATOR if malformed. */
MUST_USE int secret_base64_decode(const struct secret *text, struct secret *ret, struct err *err);
/* Bytes to base64 text (no NUL). */
MUST_USE int secret_base64_encode(const struct secret *data, struct secret *ret, struct err *err);

#endif
