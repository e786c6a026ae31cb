/*
 * The SAS token of the service API (dps-api 4.3). The HMAC is over sr and se
 * exactly as the token writes them; sr is decoded only to compare it with the
 * host and path it is used for. Each refusal says why in the answer's info:
 * this service guards nothing, and its user is looking for a mistake.
 */
#include "enroll/emulator/dps_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/digest.h"
#include "base/encode.h"

#define SCHEME           "SharedAccessSignature "
#define GRACE_SECONDS    300
#define TICKS_PER_SECOND 10000000
#define FIELD_MAX        256

struct token {
	char sr[FIELD_MAX], sig[FIELD_MAX], se[FIELD_MAX], skn[FIELD_MAX];
};

static int refuse(const char *why, struct err *err)
{
	(void)err_set(err, ERR_UNIT, DPS_UNAUTHORIZED, "Unauthorized");
	return err_wrap(err, "%s", why);
}

static char *field_of(struct token *token, struct bytes name)
{
	if (bytes_equal(name, BYTES_LIT("sr")))
		return token->sr;
	if (bytes_equal(name, BYTES_LIT("sig")))
		return token->sig;
	if (bytes_equal(name, BYTES_LIT("se")))
		return token->se;
	return bytes_equal(name, BYTES_LIT("skn")) ? token->skn : NULL;
}

/* name=value; each of the four at most once, others are passed over. */
static int take_field(struct token *token, struct bytes part)
{
	const uint8_t *equals = part.len > 0 ? memchr(part.p, '=', part.len) : NULL;
	size_t name_len;
	char *field;

	if (equals == NULL)
		return -1;
	name_len = (size_t)(equals - part.p);
	field = field_of(token, bytes_of(part.p, name_len));
	if (field == NULL)
		return 0;
	if (field[0] != '\0')
		return -1;
	return bytes_to_str(bytes_of(equals + 1, part.len - name_len - 1), field, FIELD_MAX);
}

/* SharedAccessSignature name=value *( "&" name=value ), in any order */
static int token_parse(const char *header, struct token *token)
{
	const char *at;

	*token = (struct token){ 0 };
	if (strncasecmp(header, SCHEME, sizeof(SCHEME) - 1) != 0)
		return -1;
	at = header + sizeof(SCHEME) - 1;
	for (;;) {
		size_t len = strcspn(at, "&");

		if (take_field(token, bytes_of(at, len)) < 0)
			return -1;
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	return token->sr[0] != '\0' && token->sig[0] != '\0' && token->se[0] != '\0' && token->skn[0] != '\0'
		       ? 0
		       : -1;
}

static bool expired(const char *se, int64_t at_ticks)
{
	size_t digits = strspn(se, "0123456789");

	if (digits == 0 || digits > 18 || se[digits] != '\0')
		return true;
	return strtoll(se, NULL, 10) + GRACE_SECONDS < at_ticks / TICKS_PER_SECOND;
}

static bool signature_right(const struct dps_conf *conf, const struct token *token)
{
	char text[FIELD_MAX], message[2 * FIELD_MAX];
	uint8_t sent[SHA256_LEN], right[SHA256_LEN];
	size_t n = 0;

	if (dps_percent_decode(bytes_str(token->sig), text, sizeof(text)) < 0 ||
	    base64_decode(bytes_str(text), sent, sizeof(sent), &n) < 0 || n != sizeof(sent) ||
	    str_format(message, sizeof(message), "%s\n%s", token->sr, token->se) < 0)
		return false;
	hmac_sha256(BYTES_ARRAY(conf->key), bytes_str(message), right);
	return CRYPTO_memcmp(sent, right, sizeof(right)) == 0;
}

/* The host that the request names, if it is one of ours. */
static const char *our_host(const struct dps_conf *conf, const struct dps_request *req)
{
	const char *host = dps_request_header(req, "Host");
	size_t len = host != NULL ? strcspn(host, ":") : 0;

	for (size_t i = 0; len > 0 && conf->hosts[i] != NULL; i++) {
		if (strlen(conf->hosts[i]) == len && strncasecmp(conf->hosts[i], host, len) == 0)
			return conf->hosts[i];
	}
	return NULL;
}

/* What follows the host in sr: nothing, a port, a path that the request's path is under, or both. */
static bool covers(const char *rest, const char *target)
{
	size_t len;

	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	len = strlen(rest);
	while (len > 0 && rest[len - 1] == '/')
		len--;
	if (len == 0)
		return true;
	return rest[0] == '/' && strncasecmp(rest, target, len) == 0 && strchr("/?", target[len]) != NULL;
}

static bool resource_right(const struct dps_conf *conf, const struct dps_request *req, const char *sr)
{
	const char *host = our_host(conf, req);
	char resource[FIELD_MAX];
	size_t len;

	if (host == NULL || dps_percent_decode(bytes_str(sr), resource, sizeof(resource)) < 0)
		return false;
	len = strlen(host);
	return strncasecmp(resource, host, len) == 0 && covers(resource + len, req->target);
}

int dps_sas_check(const struct dps_conf *conf, const struct dps_request *req, struct err *err)
{
	const char *header = dps_request_header(req, "Authorization");
	char policy[FIELD_MAX];
	struct token token;

	if (header == NULL)
		return refuse("there is no Authorization header", err);
	if (token_parse(header, &token) < 0)
		return refuse(
			"the Authorization header is not a SharedAccessSignature with sr, sig, se and skn",
			err);
	if (dps_percent_decode(bytes_str(token.skn), policy, sizeof(policy)) < 0 ||
	    strcmp(policy, conf->policy) != 0)
		return refuse("skn names no policy of this service", err);
	if (!resource_right(conf, req, token.sr))
		return refuse("sr is not the host that was called", err);
	if (!signature_right(conf, &token))
		return refuse("sig does not fit sr, se and the policy's key", err);
	if (expired(token.se, req->at_ticks))
		return refuse("the token has expired", err);
	return 0;
}
