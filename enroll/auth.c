/*
 * The login: a table of kinds, and one rule for all of them. A token serves for
 * four fifths of its life, so that a key or an issuer is asked once and not once
 * per call; and as long as it is good, an issuer that is away hinders nothing.
 */
#include "enroll/enroll_internal.h"

#include <curl/curl.h>

#define CLOCK_TOLERANCE_S 300
#define AGAIN_S           60 /* after a refresh that failed */
#define SPARE_S           60 /* a token this close to its end is not sent */

static const struct auth_kind *const kinds[] = {
	[ENROLL_AUTH_SAS] = &auth_sas,
	[ENROLL_AUTH_ENTRA_CERTIFICATE] = &auth_entra_certificate,
	[ENROLL_AUTH_ENTRA_SECRET] = &auth_entra_secret,
	[ENROLL_AUTH_MANAGED_IDENTITY] = &auth_identity,
};

int percent_encode(const char *in, char *out, size_t cap)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (; *in != '\0'; in++) {
		unsigned char c = (unsigned char)*in;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			     strchr("-._~", c) != NULL;

		if (cap - n < (plain ? 2u : 4u))
			return -1;
		if (!plain) {
			out[n++] = '%';
			out[n++] = digits[c >> 4];
		}
		out[n++] = plain ? (char)c : digits[c & 15];
	}
	if (n >= cap)
		return -1;
	out[n] = '\0';
	return 0;
}

void auth_token_deinit(struct auth_token *token)
{
	secret_wipe(&token->header);
	*token = (struct auth_token){ 0 };
}

int auth_open(struct auth *auth, const struct enroll_conf *conf, atomic_bool *abort, struct err *err)
{
	auth->abort = abort;
	return kinds[auth->login->auth]->open(auth, conf, abort, err);
}

void auth_close(struct auth *auth)
{
	auth_forget(auth);
	http_close(auth->issuer);
	auth->issuer = NULL;
}

void auth_forget(struct auth *auth)
{
	auth_token_deinit(&auth->token);
}

/* After a clock was set back, nobody knows how long a token is still good. */
static bool serves(const struct auth_token *token, int64_t now_s, int64_t until_s)
{
	return token->header.p != NULL && now_s >= token->made_s && now_s < until_s;
}

/* Four fifths, unless whoever gave it says when. */
static void set_times(struct auth_token *token, int64_t now_s)
{
	token->made_s = now_s;
	if (token->refresh_s <= now_s || token->refresh_s > token->expires_s)
		token->refresh_s = now_s + (token->expires_s - now_s) * 4 / 5;
}

int auth_refresh(struct auth *auth, int64_t now_ms, struct err *err)
{
	CLEANUP(auth_token_deinit) struct auth_token token = { 0 };
	int64_t now_s = now_ms / 1000;
	struct err why = { 0 };

	auth->asked = false;
	auth->retry_after[0] = '\0';
	if (serves(&auth->token, now_s, auth->token.refresh_s))
		return 0;
	if (kinds[auth->login->auth]->make(auth, now_s, &token, &why) < 0) {
		if (why.class >= ERR_STATION ||
		    !serves(&auth->token, now_s, auth->token.expires_s - SPARE_S)) {
			*err = why;
			return -1;
		}
		auth->token.refresh_s = now_s + AGAIN_S;
		return 0;
	}
	set_times(&token, now_s);
	auth_forget(auth);
	auth->token = token;
	auth->made++;
	token = (struct auth_token){ 0 };
	return 0;
}

const char *auth_advice(const struct auth *auth, long status)
{
	const struct auth_kind *kind = kinds[auth->login->auth];

	return status == 403 ? kind->advice_403 : kind->advice_401;
}

int64_t auth_clock_off_s(const char *date, int64_t now_ms)
{
	time_t theirs = curl_getdate(date, NULL);
	int64_t off_s = theirs >= 0 ? now_ms / 1000 - (int64_t)theirs : 0;

	return off_s > CLOCK_TOLERANCE_S || off_s < -CLOCK_TOLERANCE_S ? off_s : 0;
}
