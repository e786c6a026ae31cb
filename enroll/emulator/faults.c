/*
 * What goes wrong around a call that the service itself has nothing to do with:
 * connections that break, proxies that answer in its place or spoil its answers.
 * "Each third" is the third, the sixth and so on, as in knobs.c.
 */
#include "enroll/emulator/dps_internal.h"

#include <stdlib.h>

#define HUGE_BYTES ((uint64_t)100 * 1024 * 1024)

static const char portal[] = "<!DOCTYPE html>\n<html><head><title>Guest network</title></head><body>"
			     "<form action=\"/login\" method=\"post\"><p>Please accept our terms of use.</p>"
			     "<input type=\"submit\" value=\"Connect\"></form></body></html>\n";

static bool due(unsigned every, uint64_t *count)
{
	return every > 0 && ++*count % every == 0;
}

/* With no memory left an empty page is as strange to a client. */
static void show_portal(struct dps_response *res)
{
	res->status = 200;
	res->content_type = "text/html; charset=utf-8";
	(void)!buf_set(&res->body, BYTES_LIT(portal));
}

bool dps_fault_before(struct dps_faults *faults, const struct dps_knobs *knobs, struct dps_response *res)
{
	if (due(knobs->reset_before_every, &faults->befores)) {
		res->status = 500;
		res->end = DPS_END_RESET;
		return true;
	}
	if (knobs->garble_as == DPS_GARBLE_PORTAL && due(knobs->garble_every, &faults->garbled)) {
		show_portal(res);
		return true;
	}
	return false;
}

int dps_fault_token(struct dps_faults *faults, const struct dps_knobs *knobs, struct err *err)
{
	if (!due(knobs->token_fail_every, &faults->tokens))
		return 0;
	return err_set(err, ERR_UNIT, (long)knobs->fail_status * 1000 + 1, "A failure that was asked for.");
}

/* An ETag that no record has, in place of the right one. */
static void spoil_etag(struct dps_response *res, json_t *body)
{
	char *text;

	if (json_object_set_new(body, "etag",
				json_string("IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwIg==")) < 0)
		return;
	text = json_dumps(body, JSON_COMPACT);
	(void)!buf_set(&res->body, bytes_str(text));
	free(text);
}

/* The object in the body begins once more, with members in front. */
static void put_in_front(struct dps_response *res, const char *members)
{
	BUF_AUTO(body, DPS_REPLY_MAX);

	if (res->body.len < 2 || res->body.p[0] != '{' || buf_append(&body, bytes_str(members)) < 0 ||
	    buf_append(&body, bytes_of(res->body.p + 1, res->body.len - 1)) < 0)
		return;
	(void)!buf_set(&res->body, buf_bytes(&body));
}

static void garble(struct dps_response *res, unsigned as)
{
	switch ((enum dps_garble)as) {
	case DPS_GARBLE_PORTAL:
		return;
	case DPS_GARBLE_TEXT:
		(void)!buf_set(&res->body, BYTES_LIT("{\"etag\":\"Ij"));
		return;
	case DPS_GARBLE_DUPLICATE:
		put_in_front(res, "{\"etag\":\"IjEi\",\"isSuccessful\":true,\"errorCode\":404201,"
				  "\"registrationId\":\"another\",\"etag\":\"IjIi\",");
		return;
	case DPS_GARBLE_UNKNOWN_FIELD:
		put_in_front(res, "{\"newInAYear\":{\"deep\":[[[{\"x\":null}]]]},");
		return;
	case DPS_GARBLE_HUGE:
		res->filler = HUGE_BYTES;
		return;
	}
}

void dps_fault_after(struct dps_faults *faults, const struct dps_knobs *knobs, struct dps_response *res)
{
	CLEANUP(json_freep)
	json_t *body = knobs->wrong_etag_every > 0 && res->body.len > 0
			       ? json_loadb((const char *)res->body.p, res->body.len, 0, NULL)
			       : NULL;

	if (json_object_get(body, "etag") != NULL && due(knobs->wrong_etag_every, &faults->etags))
		spoil_etag(res, body);
	if (res->body.len > 0 && knobs->garble_as != DPS_GARBLE_PORTAL &&
	    due(knobs->garble_every, &faults->garbled))
		garble(res, knobs->garble_as);
	if (res->changed && due(knobs->reset_after_every, &faults->afters))
		res->end = DPS_END_RESET;
}
