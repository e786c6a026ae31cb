/* Digests. OpenSSL can refuse only when it is misconfigured, so refusal is a broken invariant. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/err.h"

DEFINE_CLEANUP(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)

void sha256(struct bytes in, uint8_t ret[SHA256_LEN])
{
	sha256_two(in, BYTES_NONE, ret);
}

void sha256_two(struct bytes a, struct bytes b, uint8_t ret[SHA256_LEN])
{
	CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	base_assert(ctx != NULL);
	base_assert(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
	base_assert(EVP_DigestUpdate(ctx, a.p, a.len) == 1);
	base_assert(EVP_DigestUpdate(ctx, b.p, b.len) == 1);
	base_assert(EVP_DigestFinal_ex(ctx, ret, NULL) == 1);
}

void hmac_sha256(struct bytes key, struct bytes in, uint8_t ret[SHA256_LEN])
{
	unsigned len = 0;

	base_assert(HMAC(EVP_sha256(), key.p, (int)key.len, in.p, in.len, ret, &len) != NULL);
	base_assert(len == SHA256_LEN);
}

void sha1(struct bytes in, uint8_t ret[SHA1_LEN])
{
	unsigned len = 0;

	base_assert(EVP_Digest(in.p, in.len, ret, &len, EVP_sha1(), NULL) == 1);
	base_assert(len == SHA1_LEN);
}
