/* Text forms of bytes: hex, base64 (RFC 4648 sections 4 and 5) and base32 (section 6). */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/bytes.h"

#define HEX_LEN(n)    ((n)*2)
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)
#define BASE32_LEN(n) (((n)*8 + 4) / 5)

/* Lower case, NUL-terminated; out holds at least HEX_LEN(in.len) + 1. -1 if it does not fit. */
MUST_USE int hex_encode(struct bytes in, char *out, size_t cap);
/* Either case, even length, nothing else. */
MUST_USE int hex_decode(const char *in, uint8_t *out, size_t cap, size_t *ret_n);

/* With padding, no line breaks, NUL-terminated. */
MUST_USE int base64_encode(struct bytes in, char *out, size_t cap);
/* The URL-safe alphabet (section 5), without padding, NUL-terminated; out holds BASE64_LEN(in.len) + 1. */
MUST_USE int base64url_encode(struct bytes in, char *out, size_t cap);
/*
 * Strict: whole quanta, padding only at the end, unused bits zero, no white
 * space. -1 on anything else, or when out is too small.
 */
MUST_USE int base64_decode(struct bytes in, uint8_t *out, size_t cap, size_t *ret_n);

/* Lower case without padding: the form of a TPM registration ID. */
MUST_USE int base32_encode_lower(struct bytes in, char *out, size_t cap);

#endif
