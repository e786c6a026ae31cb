/*
 * Queries (dps-api 1.7): pages in order of creation. The continuation token holds
 * the last record's place and is base64 of JSON, as the real one is; a record
 * deleted between two pages costs the pages nothing.
 */
#include "enroll/emulator/dps_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/encode.h"

#define PAGE_DEFAULT 100
#define PAGE_MOST    1000
#define TOKEN_MAX    96
#define QUERY_MAX    256

/* SELECT * [ FROM <table> ]; nothing else is supported, and nothing else is used by the SDKs. */
static bool query_known(const char *text, const char *table)
{
	char word[QUERY_MAX], star[QUERY_MAX], from[QUERY_MAX], name[QUERY_MAX], more[QUERY_MAX];
	int n;

	if (strlen(text) >= QUERY_MAX)
		return false;
	n = sscanf(text, "%255s %255s %255s %255s %255s", word, star, from, name, more);
	if (n < 2 || strcasecmp(word, "select") != 0 || strcmp(star, "*") != 0)
		return false;
	return n == 2 || (n == 4 && strcasecmp(from, "from") == 0 && strcasecmp(name, table) == 0);
}

static int page_size(const struct dps_request *req, size_t *ret, struct err *err)
{
	const char *text = dps_request_header(req, "x-ms-max-item-count");
	long value;

	*ret = PAGE_DEFAULT;
	if (text == NULL || text[0] == '\0')
		return 0;
	if (strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "x-ms-max-item-count has to be a number.");
	value = strtol(text, NULL, 10);
	if (value > 0)
		*ret = value < PAGE_MOST ? (size_t)value : PAGE_MOST;
	return 0;
}

static int token_make(const char *item_type, int64_t seq, char out[TOKEN_MAX], struct err *err)
{
	char text[TOKEN_MAX];

	if (str_format(text, sizeof(text), "{\"type\":\"%s\",\"after\":%lld}", item_type, (long long)seq) <
		    0 ||
	    base64_encode(bytes_str(text), out, TOKEN_MAX) < 0)
		return err_set(err, ERR_STATION, 0, "a continuation token is too long");
	return 0;
}

static int token_read(const char *token, const char *item_type, int64_t *ret_seq)
{
	CLEANUP(json_freep) json_t *parsed = NULL;
	const char *type;
	uint8_t raw[TOKEN_MAX];
	size_t n = 0;

	if (base64_decode(bytes_str(token), raw, sizeof(raw), &n) < 0)
		return -1;
	parsed = json_loadb((const char *)raw, n, 0, NULL);
	type = json_string_value(json_object_get(parsed, "type"));
	if (type == NULL || strcmp(type, item_type) != 0 ||
	    !json_is_integer(json_object_get(parsed, "after")))
		return -1;
	*ret_seq = json_integer_value(json_object_get(parsed, "after"));
	return 0;
}

/* Collects up to max records, or as many as an answer may hold; *ret_last is the last one's place. */
static int page_fill(const struct dps_call *call, int64_t after, size_t max, json_t *page, int64_t *ret_last,
		     struct err *err)
{
	const struct dps_record *record = dps_store_after(call->store, call->kind->table, after);
	size_t size = 0;

	for (size_t n = 0; record != NULL && n < max; n++) {
		json_t *doc = NULL;

		size += strlen(record->text);
		if (n > 0 && size > DPS_PAGE_MAX)
			return 0;
		if (dps_record_public(record, &doc, err) < 0)
			return -1;
		if (json_array_append_new(page, doc) < 0)
			return err_set(err, ERR_STATION, 0, "no memory");
		after = *ret_last = record->seq;
		record = dps_store_after(call->store, call->kind->table, after);
	}
	return 0;
}

static int page_answer(const struct dps_call *call, int64_t after, size_t max, struct err *err)
{
	CLEANUP(json_freep) json_t *page = json_array();
	char token[TOKEN_MAX];
	int64_t last = after;

	if (page == NULL)
		return err_set(err, ERR_STATION, 0, "no memory");
	if (page_fill(call, after, max, page, &last, err) < 0)
		return -1;
	dps_response_header(call->res, "x-ms-item-type", call->kind->item_type);
	if (dps_store_after(call->store, call->kind->table, last) != NULL) {
		if (token_make(call->kind->item_type, last, token, err) < 0)
			return -1;
		dps_response_header(call->res, "x-ms-continuation", token);
	}
	return dps_response_json(call->res, 200, page, err);
}

int dps_query(struct dps_call *call, struct err *err)
{
	const char *token = dps_request_header(call->req, "x-ms-continuation");
	CLEANUP(json_freep) json_t *body = NULL;
	const char *text;
	int64_t after = 0;
	size_t max;

	if (dps_call_json(call, &body, err) < 0 || page_size(call->req, &max, err) < 0)
		return -1;
	text = json_string_value(json_object_get(body, "query"));
	if (text == NULL || !query_known(text, call->kind->list_key))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The query has to be SELECT *.");
	if (token != NULL && token[0] != '\0' && token_read(token, call->kind->item_type, &after) < 0)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The continuation token is invalid.");
	return page_answer(call, after, max, err);
}

/* Registrations come into being through the device API; until then there are none. */
int dps_registration_missing(struct dps_call *call, struct err *err)
{
	(void)call;
	return err_set(err, ERR_UNIT, DPS_NO_ENROLLMENT, "Registration not found.");
}

int dps_registration_query(struct dps_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *page = json_array();

	if (dps_store_find(call->store, DPS_GROUPS, call->id) == NULL)
		return err_set(err, ERR_UNIT, dps_groups.missing_code, "%s", dps_groups.missing_text);
	dps_response_header(call->res, "x-ms-item-type", "DeviceRegistration");
	return dps_response_json(call->res, 200, page, err);
}
