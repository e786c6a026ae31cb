/*
 * A client's assertion: a JWT in compact form (RFC 7515 7.1), signed by the key
 * of the certificate that its header names by thumbprint. The two pairs that
 * Entra ID takes are PS256 with x5t#S256 and RS256 with x5t (dps-api 4.4).
 */
#include "enroll/emulator/login_internal.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"

#define PART_MAX 4096
#define PSS_SALT 32 /* RFC 7518 3.5 */

DEFINE_CLEANUP(x509_freep, X509, X509_free)
DEFINE_CLEANUP(bio_freep, BIO, BIO_vfree)
DEFINE_CLEANUP(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)

static int refuse(const char *why, struct err *err)
{
	return err_set(err, ERR_UNIT, 0, "%s", why);
}

/* RFC 4648 section 5, without padding. */
static int decode_url(struct bytes in, uint8_t *out, size_t cap, size_t *ret_n)
{
	BUF_AUTO(text, PART_MAX);

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.p[i] == '-' ? '+' : in.p[i] == '_' ? '/' : in.p[i];

		if (in.p[i] == '+' || in.p[i] == '/' || in.p[i] == '=' || buf_append_u8(&text, c) < 0)
			return -1;
	}
	while (text.len % 4 != 0) {
		if (buf_append_u8(&text, '=') < 0)
			return -1;
	}
	return base64_decode(buf_bytes(&text), out, cap, ret_n);
}

static json_t *decode_object(struct bytes in)
{
	BUF_AUTO(text, PART_MAX);
	uint8_t *at = buf_reserve(&text, PART_MAX);
	json_t *object;
	size_t n = 0;

	if (at == NULL || decode_url(in, at, PART_MAX, &n) < 0)
		return NULL;
	object = json_loadb((const char *)at, n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(object)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* Up to the next '.', which is taken too. */
static int take_part(struct bytes *in, struct bytes *ret)
{
	const uint8_t *dot = in->len > 0 ? memchr(in->p, '.', in->len) : NULL;

	if (dot == NULL)
		return -1;
	*ret = bytes_of(in->p, (size_t)(dot - in->p));
	*in = bytes_of(dot + 1, in->len - ret->len - 1);
	return 0;
}

void dps_jwt_deinit(struct dps_jwt *jwt)
{
	json_decref(jwt->header);
	json_decref(jwt->claims);
	*jwt = (struct dps_jwt){ 0 };
}

/* header "." claims "." signature, each base64url */
int dps_jwt_parse(struct bytes text, struct dps_jwt *ret_jwt, struct err *err)
{
	struct dps_jwt jwt = { 0 };
	struct bytes rest = text, header, claims;

	if (take_part(&rest, &header) < 0 || take_part(&rest, &claims) < 0)
		return refuse("the assertion has not three parts", err);
	jwt.signed_part = bytes_of(text.p, header.len + 1 + claims.len);
	jwt.header = decode_object(header);
	jwt.claims = decode_object(claims);
	if (jwt.header == NULL || jwt.claims == NULL ||
	    decode_url(rest, jwt.signature, sizeof(jwt.signature), &jwt.signature_n) < 0) {
		dps_jwt_deinit(&jwt);
		return refuse("a part of the assertion is not base64url of JSON", err);
	}
	*ret_jwt = jwt;
	return 0;
}

static bool member_is(const json_t *object, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && strcmp(text, value) == 0;
}

static bool thumbprint_right(const struct dps_jwt *jwt, const X509 *cert, const char *name, const EVP_MD *md)
{
	const char *text = json_string_value(json_object_get(jwt->header, name));
	uint8_t sent[EVP_MAX_MD_SIZE], right[EVP_MAX_MD_SIZE];
	unsigned right_n = 0;
	size_t n = 0;

	return text != NULL && decode_url(bytes_str(text), sent, sizeof(sent), &n) == 0 &&
	       X509_digest(cert, md, right, &right_n) == 1 &&
	       bytes_equal(bytes_of(sent, n), bytes_of(right, right_n));
}

static bool signature_right(const struct dps_jwt *jwt, EVP_PKEY *key, int padding)
{
	CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx = NULL;

	if (ctx == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
	    EVP_DigestVerifyInit(ctx, &key_ctx, EVP_sha256(), NULL, key) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(key_ctx, padding) != 1)
		return false;
	if (padding == RSA_PKCS1_PSS_PADDING && EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, PSS_SALT) != 1)
		return false;
	return EVP_DigestVerify(ctx, jwt->signature, jwt->signature_n, jwt->signed_part.p,
				jwt->signed_part.len) == 1;
}

int dps_jwt_verify(const struct dps_jwt *jwt, const char *certificate_pem, struct err *err)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(certificate_pem, -1);
	CLEANUP(x509_freep) X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	bool pss = member_is(jwt->header, "alg", "PS256");

	if (cert == NULL)
		return refuse("no certificate is registered for this client", err);
	if (!pss && !member_is(jwt->header, "alg", "RS256"))
		return refuse("alg is neither PS256 nor RS256", err);
	if (!member_is(jwt->header, "typ", "JWT"))
		return refuse("typ is not JWT", err);
	if (pss ? !thumbprint_right(jwt, cert, "x5t#S256", EVP_sha256())
		: !thumbprint_right(jwt, cert, "x5t", EVP_sha1()))
		return refuse("the thumbprint is not of the registered certificate", err);
	if (!signature_right(jwt, X509_get0_pubkey(cert), pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING))
		return refuse("the signature is wrong", err);
	return 0;
}
