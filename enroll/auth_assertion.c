/*
 * The client assertion: a JWT in compact form (RFC 7515 7.1), with the claims of
 * RFC 7523 3 and the certificate's thumbprint in its header (dps-api 4.4). The
 * key may lie in an HSM; nothing here ever sees it.
 */
#include "enroll/enroll_internal.h"

#include <sys/random.h>

#include "base/encode.h"

#define LIFETIME_S    600
#define HEADER_MAX    192
#define CLAIMS_MAX    1024
#define SIGNATURE_MAX 1024

int guid_make(char out[GUID_LEN + 1], struct err *err)
{
	uint8_t raw[16];
	char hex[HEX_LEN(sizeof(raw)) + 1];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return err_set(err, ERR_STATION, 0, "no random numbers");
	raw[6] = (uint8_t)((raw[6] & 0x0f) | 0x40); /* RFC 4122 4.4 */
	raw[8] = (uint8_t)((raw[8] & 0x3f) | 0x80);
	if (hex_encode(BYTES_ARRAY(raw), hex, sizeof(hex)) < 0 ||
	    str_format(out, GUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		       hex + 20) < 0)
		return err_set(err, ERR_BUG, 0, "a GUID does not fit");
	return 0;
}

static int thumbprint(const struct enroll_login *login, char *out, size_t cap)
{
	uint8_t long_one[SHA256_LEN], short_one[SHA1_LEN];

	switch (login->assertion) {
	case ENROLL_ASSERTION_PS256:
		return certificate_sha256(login->certificate_pem, long_one) < 0
			       ? -1
			       : base64url_encode(BYTES_ARRAY(long_one), out, cap);
	case ENROLL_ASSERTION_RS256:
		return certificate_sha1(login->certificate_pem, short_one) < 0
			       ? -1
			       : base64url_encode(BYTES_ARRAY(short_one), out, cap);
	}
	return -1;
}

static enum sign_alg alg_of(enum enroll_assertion assertion)
{
	return assertion == ENROLL_ASSERTION_PS256 ? SIGN_RSA_PSS_SHA256 : SIGN_RSA_PKCS1_SHA256;
}

static int make_header(const struct enroll_login *login, char out[HEADER_MAX], struct err *err)
{
	bool pss = login->assertion == ENROLL_ASSERTION_PS256;
	char print[BASE64_LEN(SHA256_LEN) + 1];

	if (thumbprint(login, print, sizeof(print)) < 0)
		return err_set(
			err, ERR_OPERATOR, 0,
			"[service] certificate-file has to hold one certificate in PEM, and nothing else");
	if (str_format(out, HEADER_MAX, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"%s\":\"%s\"}",
		       pss ? "PS256" : "RS256", pss ? "x5t#S256" : "x5t", print) < 0)
		return err_set(err, ERR_BUG, 0, "an assertion's header does not fit");
	return 0;
}

/* Client and audience hold nothing that JSON would escape: auth_entra.c has looked. */
static int make_claims(const struct enroll_login *login, const char *audience, const char *jti, int64_t now_s,
		       char out[CLAIMS_MAX], struct err *err)
{
	if (str_format(
		    out, CLAIMS_MAX,
		    "{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"%s\",\"nbf\":%lld,\"iat\":%lld,"
		    "\"exp\":%lld}",
		    audience, login->client_id, login->client_id, jti, (long long)now_s, (long long)now_s,
		    (long long)(now_s + LIFETIME_S)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "[service] login-host, tenant or client-id is too long");
	return 0;
}

static int append_part(struct secret *jwt, size_t *at, struct bytes part)
{
	if (base64url_encode(part, (char *)jwt->p + *at, jwt->len - *at) < 0)
		return -1;
	*at += strlen((const char *)jwt->p + *at);
	return 0;
}

static int append_dot(struct secret *jwt, size_t *at)
{
	if (jwt->len - *at < 2)
		return -1;
	jwt->p[(*at)++] = '.';
	return 0;
}

int assertion_make(const struct enroll_login *login, const char *audience, const char *jti, int64_t now_s,
		   struct secret *ret_jwt, struct err *err)
{
	char header[HEADER_MAX], claims[CLAIMS_MAX];
	BUF_AUTO(signature, SIGNATURE_MAX);
	SECRET_AUTO jwt = { NULL, 0 };
	size_t at = 0;

	if (make_header(login, header, err) < 0 ||
	    make_claims(login, audience, jti, now_s, claims, err) < 0 ||
	    secret_new(ASSERTION_MAX, &jwt, err) < 0)
		return -1;
	if (append_part(&jwt, &at, bytes_str(header)) < 0 || append_dot(&jwt, &at) < 0 ||
	    append_part(&jwt, &at, bytes_str(claims)) < 0)
		return err_set(err, ERR_BUG, 0, "an assertion does not fit");
	if (login->signer->sign(login->signer->key, alg_of(login->assertion), bytes_of(jwt.p, at), &signature,
				err) < 0)
		return err_wrap(err, "signing the login to Entra ID");
	if (append_dot(&jwt, &at) < 0 || append_part(&jwt, &at, buf_bytes(&signature)) < 0)
		return err_set(err, ERR_BUG, 0, "an assertion does not fit");
	*ret_jwt = jwt;
	jwt = (struct secret){ NULL, 0 };
	return 0;
}
