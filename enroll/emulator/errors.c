/*
 * Responses and the service's error body (dps-api 1.8). Building an error never
 * fails: with no memory left the status alone is sent.
 */
#include "enroll/emulator/dps_internal.h"

#include <stdlib.h>
#include <strings.h>

void dps_response_init(struct dps_response *res)
{
	*res = (struct dps_response){ .content_type = "application/json; charset=utf-8" };
	buf_init(&res->body, DPS_REPLY_MAX);
}

void dps_response_deinit(struct dps_response *res)
{
	buf_deinit(&res->body);
}

void dps_response_header(struct dps_response *res, const char *name, const char *value)
{
	char *to = res->values + res->values_len;

	if (res->headers_n == DPS_RESPONSE_HEADERS ||
	    bytes_to_str(bytes_str(value), to, sizeof(res->values) - res->values_len) < 0)
		return;
	res->values_len += strlen(to) + 1;
	res->headers[res->headers_n].name = name;
	res->headers[res->headers_n++].value = to;
}

int dps_response_json(struct dps_response *res, unsigned status, const json_t *body, struct err *err)
{
	char *text = json_dumps(body, JSON_COMPACT);
	int rc = text != NULL ? buf_set(&res->body, bytes_str(text)) : -1;

	free(text);
	if (rc < 0)
		return err_set(err, ERR_STATION, DPS_INTERNAL, "The answer is too large.");
	res->status = status;
	return 0;
}

/* A failure of our own keeps its text to itself: it may name files. */
static long public_code(const struct err *error)
{
	if (error->class == ERR_STATION || error->code < 400000 || error->code > 599999)
		return DPS_INTERNAL;
	return error->code;
}

static json_t *error_body(const struct err *error, long code, int64_t at_ticks)
{
	char at[DPS_TIME_LEN + 1], tracking[DPS_UUID_LEN + 1] = "";
	const char *message = code == error->code ? error->what : "Internal server error.";
	struct err ignored;
	json_t *body;

	dps_time_text(at_ticks, at);
	if (dps_uuid(tracking, &ignored) < 0)
		tracking[0] = '\0';
	body = json_pack("{s:I, s:s, s:s, s:{}, s:s}", "errorCode", (json_int_t)code, "trackingId", tracking,
			 "message", message, "info", "timestampUtc", at);
	if (body != NULL && error->where[0] != '\0' && code == error->code)
		(void)json_object_set_new(json_object_get(body, "info"), "detail", json_string(error->where));
	return body;
}

static void send_error(struct dps_response *res, long code, const json_t *body)
{
	struct err ignored;
	char text[16];

	buf_clear(&res->body);
	if (body == NULL || dps_response_json(res, (unsigned)(code / 1000), body, &ignored) < 0)
		buf_clear(&res->body);
	res->status = (unsigned)(code / 1000);
	if (str_format(text, sizeof(text), "%ld", code) == 0)
		dps_response_header(res, "x-ms-error-code", text);
}

void dps_response_error(struct dps_response *res, const struct err *error, int64_t at_ticks)
{
	long code = public_code(error);
	CLEANUP(json_freep) json_t *body = error_body(error, code, at_ticks);

	send_error(res, code, body);
}

/* The C SDK takes a 401 for a challenge only if it has both members. */
void dps_response_challenge(struct dps_response *res, const char *key_name, const char *blob,
			    int64_t at_ticks)
{
	const struct err error = { .class = ERR_UNIT,
				   .code = DPS_UNAUTHORIZED,
				   .what = "Authorization required" };
	CLEANUP(json_freep) json_t *body = error_body(&error, error.code, at_ticks);

	(void)json_object_set_new(body, "keyName", json_string(key_name));
	(void)json_object_set_new(body, "authenticationKey", json_string(blob));
	send_error(res, error.code, body);
}

const char *dps_request_header(const struct dps_request *req, const char *name)
{
	for (size_t i = 0; i < req->headers_n; i++) {
		if (strcasecmp(req->headers[i].name, name) == 0)
			return req->headers[i].value;
	}
	return NULL;
}
