/*
 * Bulk calls (dps-api 1.6): at most ten items, each judged by itself, HTTP 200
 * whatever became of them. "update" behaves as PUT does: without an etag it
 * creates, and an existing record is a conflict. An id that appears twice is
 * refused the second time, so that a client's mistake does not pass for a retry.
 */
#include "enroll/emulator/dps_internal.h"

#include <strings.h>

struct item {
	const json_t *doc;
	const char *id;
	const char *etag; /* NULL if none */
};

typedef int mode_fn(struct dps_call *call, const struct item *item, struct err *err);

static int write_item(struct dps_call *call, const struct item *item, const char *if_match, struct err *err)
{
	CLEANUP(json_freep) json_t *doc = NULL;

	return dps_record_write(call, item->id, item->doc, if_match, &doc, err);
}

static int create_item(struct dps_call *call, const struct item *item, struct err *err)
{
	return write_item(call, item, NULL, err);
}

static int update_item(struct dps_call *call, const struct item *item, struct err *err)
{
	return write_item(call, item, item->etag, err);
}

static int update_matching_item(struct dps_call *call, const struct item *item, struct err *err)
{
	if (item->etag == NULL)
		return err_set(err, ERR_UNIT, DPS_PRECONDITION_FAILED,
			       "Precondition failed: the item has no etag.");
	return write_item(call, item, item->etag, err);
}

static int delete_item(struct dps_call *call, const struct item *item, struct err *err)
{
	return dps_record_delete(call, item->id, item->etag, err);
}

static const struct mode {
	const char *name;
	mode_fn *apply;
} modes[] = {
	{ "create", create_item },
	{ "update", update_item },
	{ "updateIfMatchETag", update_matching_item },
	{ "delete", delete_item },
};

static mode_fn *mode_of(const json_t *body)
{
	const char *name = json_string_value(json_object_get(body, "mode"));

	for (size_t i = 0; name != NULL && i < ARRAY_LEN(modes); i++) {
		if (strcasecmp(modes[i].name, name) == 0)
			return modes[i].apply;
	}
	return NULL;
}

static const char *item_id(const struct dps_call *call, const json_t *doc)
{
	return json_string_value(json_object_get(doc, call->kind->id_key));
}

static bool seen_before(const struct dps_call *call, const json_t *items, size_t index, const char *id)
{
	for (size_t i = 0; i < index; i++) {
		const char *other = item_id(call, json_array_get(items, i));

		if (other != NULL && strcasecmp(other, id) == 0)
			return true;
	}
	return false;
}

static int apply_item(struct dps_call *call, mode_fn *apply, const json_t *items, size_t index,
		      struct err *err)
{
	const json_t *doc = json_array_get(items, index);
	struct item item = { doc, item_id(call, doc), json_string_value(json_object_get(doc, "etag")) };

	if (item.id == NULL || !dps_id_valid(item.id))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s is missing or invalid.",
			       call->kind->id_key);
	if (seen_before(call, items, index, item.id))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s is twice in this call.",
			       call->kind->id_key);
	if (dps_pace_fails_item(call->pace, &call->conf->knobs))
		return err_set(err, ERR_UNIT, DPS_INTERNAL, "Internal server error.");
	if (item.etag != NULL && item.etag[0] == '\0')
		item.etag = NULL;
	return apply(call, &item, err);
}

static int add_error(const struct dps_call *call, const json_t *doc, const struct err *error, json_t *errors,
		     struct err *err)
{
	const char *id = item_id(call, doc);
	json_t *entry = json_pack("{s:s, s:I, s:s}", call->kind->id_key, id != NULL ? id : "", "errorCode",
				  (json_int_t)error->code, "errorStatus", error->what);

	if (json_array_append_new(errors, entry) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	return 0;
}

static int apply_all(struct dps_call *call, mode_fn *apply, const json_t *items, json_t *errors,
		     struct err *err)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		struct err item_err = { 0 };

		if (apply_item(call, apply, items, i, &item_err) == 0)
			continue;
		if (item_err.class == ERR_STATION) {
			*err = item_err;
			return -1;
		}
		if (add_error(call, json_array_get(items, i), &item_err, errors, err) < 0)
			return -1;
	}
	return 0;
}

int dps_bulk(struct dps_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *body = NULL, *result = NULL;
	json_t *errors = json_array();
	const json_t *items;
	mode_fn *apply;

	result = json_pack("{s:b, s:o}", "isSuccessful", 1, "errors", errors);
	if (result == NULL)
		return err_set(err, ERR_STATION, 0, "no memory");
	if (dps_call_json(call, &body, err) < 0)
		return -1;
	apply = mode_of(body);
	if (apply == NULL)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST,
			       "mode has to be create, update, updateIfMatchETag or delete.");
	items = json_object_get(body, call->kind->list_key);
	if (json_array_size(items) == 0 || json_array_size(items) > DPS_BULK_MAX)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s has to be a list of 1 to %d items.",
			       call->kind->list_key, DPS_BULK_MAX);
	if (apply_all(call, apply, items, errors, err) < 0)
		return -1;
	if (json_array_size(errors) > 0 && json_object_set_new(result, "isSuccessful", json_false()) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	return dps_response_json(call->res, 200, result, err);
}
