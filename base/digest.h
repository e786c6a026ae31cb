/* SHA-256 and HMAC-SHA256 of public data, over OpenSSL. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/bytes.h"

#define SHA256_LEN 32
#define SHA1_LEN   20

/* A failing digest is a broken library, not an input: these abort rather than return. */
void sha256(struct bytes in, uint8_t ret[SHA256_LEN]);
/* Over a followed by b, without copying them together. */
void sha256_two(struct bytes a, struct bytes b, uint8_t ret[SHA256_LEN]);
void hmac_sha256(struct bytes key, struct bytes in, uint8_t ret[SHA256_LEN]);

/* Not for security: where a protocol names a certificate by it. */
void sha1(struct bytes in, uint8_t ret[SHA1_LEN]);

#endif
