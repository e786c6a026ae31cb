/*
 * What an HTTP status means. The table is the only place where it gets a meaning: what kind of answer it
 * is, and for who can't use it, the class of the error and what to do.
 */
#include <strings.h>

#include "enroll/enroll_internal.h"

/* First match wins. */
static const struct {
	long from, to;
	enum reply_kind kind;
	enum err_class class;
	const char *advice;
} status_table[] = {
	{ 200, 204, REPLY_DONE, ERR_RETRY, "" },
	{ 400, 400, REPLY_REFUSED, ERR_RETRY, "" },
	{ 401, 401, REPLY_LOGIN, ERR_OPERATOR,
	  "check policy and key in [service], and this computer's clock" },
	{ 403, 403, REPLY_LOGIN, ERR_OPERATOR, "the policy needs EnrollmentRead and EnrollmentWrite" },
	{ 404, 404, REPLY_ABSENT, ERR_OPERATOR, "check that the host is the provisioning service's" },
	{ 408, 408, REPLY_BUSY, ERR_RETRY, "" },
	{ 409, 409, REPLY_EXISTS, ERR_RETRY, "" },
	{ 412, 413, REPLY_REFUSED, ERR_RETRY, "" },
	{ 429, 429, REPLY_BUSY, ERR_RETRY, "throttled" },
	{ 500, 599, REPLY_BUSY, ERR_RETRY, "" },
	{ 0, 999, REPLY_STRANGE, ERR_OPERATOR,
	  "somebody else answered: a portal, a proxy or another service" },
};

static size_t status_row(long status)
{
	size_t i = 0;

	while (i < ARRAY_LEN(status_table) - 1 &&
	       !(status >= status_table[i].from && status <= status_table[i].to))
		i++;
	return i;
}

static bool says_json(const struct http_reply *reply)
{
	return strncasecmp(reply->content_type, "application/json", 16) == 0;
}

enum reply_kind http_kind_of(const struct http_reply *reply)
{
	enum reply_kind kind = status_table[status_row(reply->status)].kind;

	/* A portal's page comes with status 200 as well. */
	if (kind == REPLY_DONE && reply->status != 204 && !says_json(reply))
		return REPLY_STRANGE;
	return kind;
}

int http_status_error(const struct http_reply *reply, struct err *err)
{
	size_t row = reply->kind == REPLY_STRANGE ? ARRAY_LEN(status_table) - 1 : status_row(reply->status);
	const char *advice = status_table[row].advice;

	return err_set(err, status_table[row].class, reply->status, "the service answered HTTP %ld%s%s",
		       reply->status, advice[0] != '\0' ? "; " : "", advice);
}
