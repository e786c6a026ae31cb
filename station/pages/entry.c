/*
 * Log entries are flat JSON objects of texts (audit/entry.c). A database that
 * somebody wrote to may hold anything, so nothing is taken for granted here:
 * not the size, not the shape, not the time.
 */
#include "station/pages/entry.h"

#include <time.h>

#include <jansson.h>

#include "audit/audit.h"
#include "base/deadline.h"
#include "station/cause.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

/* n digits at text; -1 if there are others. */
static int take_digits(const char *text, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = 10 * value + (text[i] - '0');
	}
	return value;
}

/* "2026-11-22T02:20:13.123Z" and nothing else: whatever else it is comes out otherwise when written again. */
static int parse_at(const char *text, int64_t *ret_ms)
{
	char again[CLOCK_ISO_LEN + 1];
	struct tm tm;
	int64_t ms;

	if (strlen(text) != CLOCK_ISO_LEN)
		return -1;
	tm = (struct tm){
		.tm_year = take_digits(text, 4) - 1900,
		.tm_mon = take_digits(text + 5, 2) - 1,
		.tm_mday = take_digits(text + 8, 2),
		.tm_hour = take_digits(text + 11, 2),
		.tm_min = take_digits(text + 14, 2),
		.tm_sec = take_digits(text + 17, 2),
	};
	ms = (int64_t)timegm(&tm) * 1000 + take_digits(text + 20, 3);
	if (ms < 0)
		return -1;
	clock_iso8601(ms, again);
	if (strcmp(again, text) != 0)
		return -1;
	*ret_ms = ms;
	return 0;
}

/* Has a column of its own, or says nothing to a person. */
static bool is_shown_elsewhere(const char *name)
{
	static const char *const names[] = { "at",         "index",       "key",   "kind",     "unit",
					     "operator",   "step",        "class", "job",      "station",
					     "key_sha256", "cert_sha256", "cause", "firmware", "hwid" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Adds to a text that may be cut: the rest is in the log. */
static void add(char *text, size_t cap, const char *more)
{
	size_t len = strlen(text);

	str_clip(text + len, cap - len, more);
}

static void describe(json_t *object, struct entry *entry)
{
	const char *cause = json_string_value(json_object_get(object, "cause"));
	const char *name;
	json_t *value;

	if (cause != NULL) {
		str_clip(entry->text, sizeof(entry->text), cause_without_place(cause));
		return;
	}
	json_object_foreach(object, name, value)
	{
		if (is_shown_elsewhere(name) || !json_is_string(value))
			continue;
		if (entry->text[0] != '\0')
			add(entry->text, sizeof(entry->text), ", ");
		add(entry->text, sizeof(entry->text), name);
		add(entry->text, sizeof(entry->text), " ");
		add(entry->text, sizeof(entry->text), json_string_value(value));
	}
}

static void copy_field(const json_t *object, const char *name, char *out, size_t cap)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (text != NULL)
		str_clip(out, cap, text);
}

/* False if it has no kind or no time. */
static bool read_object(json_t *object, struct entry *entry)
{
	const char *at = json_string_value(json_object_get(object, "at"));

	copy_field(object, "kind", entry->kind, sizeof(entry->kind));
	if (entry->kind[0] == '\0' || at == NULL || parse_at(at, &entry->at_ms) < 0)
		return false;
	copy_field(object, "unit", entry->unit, sizeof(entry->unit));
	copy_field(object, "operator", entry->operator_id, sizeof(entry->operator_id));
	copy_field(object, "step", entry->step, sizeof(entry->step));
	describe(object, entry);
	return true;
}

void entry_read(struct bytes json, struct entry *ret)
{
	CLEANUP(json_freep) json_t *object = NULL;

	*ret = (struct entry){ .at_ms = 0 };
	if (json.len > 0 && json.len <= AUDIT_ENTRY_MAX)
		object = json_loadb((const char *)json.p, json.len, JSON_REJECT_DUPLICATES, NULL);
	if (object == NULL || !read_object(object, ret))
		*ret = (struct entry){ .kind = ENTRY_MALFORMED };
}
