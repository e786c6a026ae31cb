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

/* The next record that the list shows, and where it stands; *ret_doc NULL after the last. */
static int next_shown(const struct dps_call *call, const struct dps_listing *listing, int64_t after,
		      json_t **ret_doc, int64_t *ret_seq, struct err *err)
{
	const struct dps_record *record = dps_store_after(call->store, listing->table, after);
	json_t *doc = NULL;

	for (; record != NULL && doc == NULL;
	     record = dps_store_after(call->store, listing->table, *ret_seq)) {
		if (listing->show(record, listing->of, &doc, err) < 0)
			return -1;
		*ret_seq = record->seq;
	}
	*ret_doc = doc;
	return 0;
}

/*
 * Collects up to max records, or as many as an answer may hold; *ret_last is the
 * last one's place, *ret_more whether another follows.
 */
static int page_fill(const struct dps_call *call, const struct dps_listing *listing, size_t max, json_t *page,
		     int64_t *ret_last, bool *ret_more, struct err *err)
{
	int64_t seq = *ret_last;
	size_t size = 0;

	for (size_t n = 0;; n++) {
		json_t *doc = NULL;

		if (next_shown(call, listing, seq, &doc, &seq, err) < 0)
			return -1;
		size += doc != NULL ? json_dumpb(doc, NULL, 0, JSON_COMPACT) : 0;
		*ret_more = doc != NULL && (n == max || (n > 0 && size > DPS_PAGE_MAX));
		if (doc == NULL || *ret_more) {
			json_decref(doc);
			return 0;
		}
		if (json_array_append_new(page, doc) < 0)
			return err_set(err, ERR_STATION, 0, "no memory");
		*ret_last = seq;
	}
}

int dps_list(const struct dps_call *call, const struct dps_listing *listing, struct err *err)
{
	const char *continuation = dps_request_header(call->req, "x-ms-continuation");
	CLEANUP(json_freep) json_t *page = json_array();
	char token[TOKEN_MAX];
	int64_t last = 0;
	bool more;
	size_t max;

	if (page == NULL)
		return err_set(err, ERR_STATION, 0, "no memory");
	if (continuation != NULL && continuation[0] != '\0' &&
	    token_read(continuation, listing->item_type, &last) < 0)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The continuation token is invalid.");
	if (page_size(call->req, &max, err) < 0 || page_fill(call, listing, max, page, &last, &more, err) < 0)
		return -1;
	dps_response_header(call->res, "x-ms-item-type", listing->item_type);
	if (more) {
		if (token_make(listing->item_type, last, token, err) < 0)
			return -1;
		dps_response_header(call->res, "x-ms-continuation", token);
	}
	return dps_response_json(call->res, 200, page, err);
}

static int show_record(const struct dps_record *record, const char *of, json_t **ret_doc, struct err *err)
{
	(void)of;
	return dps_record_public(record, ret_doc, err);
}

int dps_query(struct dps_call *call, struct err *err)
{
	const struct dps_listing listing = { call->kind->table, call->kind->item_type, show_record, NULL };
	CLEANUP(json_freep) json_t *body = NULL;
	const char *text;

	if (dps_call_json(call, &body, err) < 0)
		return -1;
	text = json_string_value(json_object_get(body, "query"));
	if (text == NULL || !query_known(text, call->kind->list_key))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The query has to be SELECT *.");
	return dps_list(call, &listing, err);
}
