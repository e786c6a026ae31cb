/*
 * One entry: a flat JSON object, names sorted, no white space. There is exactly
 * one text for an event, or an auditor could be shown two entries for one leaf;
 * so what is read back is parsed, written again and compared.
 */
#include "audit/audit_internal.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/deadline.h"

#define NAME_MAX_LEN 32
#define CANONICAL    (JSON_COMPACT | JSON_SORT_KEYS)

DEFINE_CLEANUP(json_freep, json_t, json_decref)

static void text_freep(char **text)
{
	free(*text);
}

/*
 * A device may say anything and an error text quotes it. The line must not stop
 * for that, so a text that is not UTF-8 keeps its ASCII and shows '?' elsewhere.
 */
static json_t *text_new(const char *text)
{
	json_t *value = json_string(text);
	CLEANUP(text_freep) char *ascii = NULL;

	if (value != NULL)
		return value;
	ascii = strdup(text);
	for (char *c = ascii; c != NULL && *c != '\0'; c++)
		if (((unsigned char)*c & 0x80) != 0)
			*c = '?';
	return ascii != NULL ? json_string(ascii) : NULL;
}

static bool name_valid(const char *name)
{
	size_t n = strnlen(name, NAME_MAX_LEN + 1);

	for (size_t i = 0; i < n; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
		      name[i] == '_'))
			return false;
	return n > 0 && n <= NAME_MAX_LEN;
}

static int add_field(json_t *object, const struct audit_field *field, struct err *err)
{
	if (field->text == NULL)
		return 0;
	if (!name_valid(field->name))
		return err_set(err, ERR_BUG, 0, "audit: field name '%s' is not [a-z0-9_]{1,32}", field->name);
	if (json_object_get(object, field->name) != NULL)
		return err_set(err, ERR_BUG, 0, "audit: field '%s' is reserved or named twice", field->name);
	if (json_object_set_new(object, field->name, text_new(field->text)) < 0)
		return err_set(err, ERR_STATION, 0, "audit: out of memory");
	return 0;
}

static int object_new(const struct audit_event *event, int64_t at_ms, int64_t index, json_t **ret,
		      struct err *err)
{
	CLEANUP(json_freep) json_t *object = NULL;
	char at[CLOCK_ISO_LEN + 1];

	if (event->kind[0] == '\0' || event->key[0] == '\0' || event->fields_n > AUDIT_FIELDS_MAX)
		return err_set(err, ERR_BUG, 0, "audit: event '%s' has no kind, no key or over %d fields",
			       event->key, AUDIT_FIELDS_MAX);
	clock_iso8601(at_ms, at);
	object = json_pack("{s:s, s:I, s:o, s:o}", "at", at, "index", (json_int_t)index, "key",
			   text_new(event->key), "kind", text_new(event->kind));
	if (object == NULL)
		return err_set(err, ERR_STATION, 0, "audit: out of memory");
	for (size_t i = 0; i < event->fields_n; i++)
		if (add_field(object, &event->fields[i], err) < 0)
			return -1;
	*ret = object;
	object = NULL;
	return 0;
}

int entry_make(const struct audit_event *event, int64_t at_ms, int64_t index, struct buf *ret,
	       struct err *err)
{
	CLEANUP(json_freep) json_t *object = NULL;
	uint8_t *to;
	size_t n;

	if (object_new(event, at_ms, index, &object, err) < 0)
		return -1;
	buf_clear(ret);
	to = buf_reserve(ret, AUDIT_ENTRY_MAX);
	if (to == NULL)
		return err_set(err, ERR_STATION, 0, "audit: out of memory");
	n = json_dumpb(object, (char *)to, AUDIT_ENTRY_MAX, CANONICAL);
	if (n == 0 || n > AUDIT_ENTRY_MAX)
		return err_set(err, ERR_BUG, 0, "audit: entry '%s' has %zu bytes, the limit is %d",
			       event->key, n, AUDIT_ENTRY_MAX);
	ret->len = n;
	return 0;
}

static json_t *entry_load(struct bytes entry)
{
	return json_loadb((const char *)entry.p, entry.len, JSON_REJECT_DUPLICATES, NULL);
}

bool entry_same(struct bytes a, struct bytes b)
{
	CLEANUP(json_freep) json_t *left = entry_load(a);
	CLEANUP(json_freep) json_t *right = entry_load(b);

	if (left == NULL || right == NULL)
		return false;
	(void)json_object_del(left, "at");
	(void)json_object_del(left, "index");
	(void)json_object_del(right, "at");
	(void)json_object_del(right, "index");
	return json_equal(left, right) == 1;
}

/* Flat: every value is a text but "index". */
static bool shape_valid(json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (!name_valid(name) || json_is_integer(value) != (strcmp(name, "index") == 0))
			return false;
		if (!json_is_integer(value) && !json_is_string(value))
			return false;
	}
	return json_object_get(object, "index") != NULL && json_object_get(object, "at") != NULL &&
	       json_object_get(object, "key") != NULL && json_object_get(object, "kind") != NULL;
}

static bool bytes_canonical(const json_t *object, struct bytes entry)
{
	BUF_AUTO(again, AUDIT_ENTRY_MAX);
	uint8_t *to = buf_reserve(&again, entry.len);

	return to != NULL && json_dumpb(object, (char *)to, entry.len, CANONICAL) == entry.len &&
	       bytes_equal(bytes_of(to, entry.len), entry);
}

const char *entry_check(struct bytes entry, int64_t index, struct bytes key)
{
	CLEANUP(json_freep) json_t *object = NULL;
	const json_t *own_key;

	if (entry.len == 0 || entry.len > AUDIT_ENTRY_MAX)
		return "its length is out of bounds";
	object = entry_load(entry);
	if (object == NULL || !json_is_object(object) || !shape_valid(object) ||
	    !bytes_canonical(object, entry))
		return "its bytes are not canonical";
	if (json_integer_value(json_object_get(object, "index")) != index)
		return "it names another index";
	own_key = json_object_get(object, "key");
	if (!bytes_equal(bytes_of(json_string_value(own_key), json_string_length(own_key)), key))
		return "it names another key";
	return NULL;
}
