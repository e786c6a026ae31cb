/*
 * What token endpoints say (dps-api 4.4, 4.5): a token with its lifetime, whose
 * numbers some write as strings, or an error. Programs branch on error and
 * error_codes; the description is for people who read English, and not passed on.
 */
#include "enroll/enroll_internal.h"

#include <stdlib.h>
#include <strings.h>

#include <jansson.h>

#define LIFETIME_MAX_S (31 * 86400)
#define DIGITS_MAX     10

DEFINE_CLEANUP(json_freep, json_t, json_decref)

static json_t *parse(struct bytes body)
{
	json_error_t why;

	return json_loadb((const char *)body.p, body.len, JSON_REJECT_DUPLICATES, &why);
}

/* 3599 or "3599"; -1 if it is neither, or more than a month, which is no token's lifetime. */
static int64_t seconds_of(const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t n = -1;

	if (json_is_integer(value))
		n = json_integer_value(value);
	else if (text != NULL && text[0] != '\0' && strlen(text) <= DIGITS_MAX &&
		 strspn(text, "0123456789") == strlen(text))
		n = strtoll(text, NULL, 10);
	return n > 0 && n <= LIFETIME_MAX_S ? n : -1;
}

/* b64token of RFC 6750 2.1: what can stand in a header. */
static bool is_token(const char *text)
{
	size_t n = text != NULL
			   ? strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
					  "-._~+/=")
			   : 0;

	return n > 0 && n <= TOKEN_MAX && text[n] == '\0';
}

static int make_header(const char *token, struct secret *ret, struct err *err)
{
	static const char prefix[] = "Authorization: Bearer ";
	SECRET_AUTO header = { NULL, 0 };

	if (secret_new(sizeof(prefix) + strlen(token), &header, err) < 0)
		return -1;
	memcpy(header.p, prefix, sizeof(prefix) - 1);
	memcpy(header.p + sizeof(prefix) - 1, token, strlen(token));
	*ret = header;
	header = (struct secret){ NULL, 0 };
	return 0;
}

int token_reply_parse(struct bytes body, int64_t now_s, struct auth_token *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *json = body.len <= TOKEN_REPLY_MAX ? parse(body) : NULL;
	const char *token = json_string_value(json_object_get(json, "access_token"));
	const char *type = json_string_value(json_object_get(json, "token_type"));
	int64_t lifetime_s = seconds_of(json_object_get(json, "expires_in"));
	int64_t refresh_s = seconds_of(json_object_get(json, "refresh_in"));
	struct secret header = { NULL, 0 };

	if (!is_token(token) || type == NULL || strcasecmp(type, "Bearer") != 0 || lifetime_s < 0)
		return err_set(err, ERR_RETRY, 0, "the answer to a token request holds no token");
	if (make_header(token, &header, err) < 0)
		return -1;
	ret->header = header;
	ret->expires_s = now_s + lifetime_s;
	ret->refresh_s = refresh_s > 0 ? now_s + refresh_s : 0;
	return 0;
}

bool token_error_parse(struct bytes body, struct token_error *ret)
{
	CLEANUP(json_freep) json_t *json = body.len <= TOKEN_REPLY_MAX ? parse(body) : NULL;
	const char *error = json_string_value(json_object_get(json, "error"));
	const json_t *code = json_array_get(json_object_get(json, "error_codes"), 0);
	size_t n = error != NULL ? strspn(error, "abcdefghijklmnopqrstuvwxyz_0123456789") : 0;

	if (n == 0 || n >= sizeof(ret->error) || error[n] != '\0' || (code != NULL && !json_is_integer(code)))
		return false;
	memcpy(ret->error, error, n + 1);
	ret->code = json_integer_value(code);
	return true;
}
