/*
 * A twin's tags and desired properties (dps-api 1.3), which are written as NAME=VALUE NAME="a text", as the JSON
 * that the service takes. What the service or a hub would refuse is refused here (payload_terms.c says why).
 */
#include <strings.h>

#include <jansson.h>

#include "enroll/enroll_internal.h"

#define TAGS_MAX    (8 * 1024)
#define DESIRED_MAX (32 * 1024)
#define NAME_BYTES  256 /* of a property; a hub takes four times that, and twice as long texts */
#define TEXT_MAX    2048
#define INTEGER_MAX 4503599627370495 /* 2^52 - 1; a twin holds no larger one, and one more below zero */

DEFINE_CLEANUP(json_freep, json_t, json_decref)

/* --- NAME=VALUE NAME="a text" -------------------------------------------------------------------------- */

struct property {
	struct bytes name;
	char text[TEXT_MAX + 1];
	bool quoted;
};

static int malformed(struct bytes at, struct err *err)
{
	return err_set(err, ERR_UNIT, 0, "properties of a twin are NAME=VALUE or NAME=\"TEXT\", not: %.*s",
		       at.len < 60 ? (int)at.len : 60, (const char *)at.p);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct bytes *in)
{
	while (in->len > 0 && is_blank(in->p[0]))
		*in = bytes_of(in->p + 1, in->len - 1);
}

/* To the next quotation mark; a backslash takes the character behind it as it is. */
static int take_quoted(struct bytes *in, struct property *ret, struct err *err)
{
	const struct bytes start = *in;
	size_t n = 0, i = 1;

	for (; i < in->len && in->p[i] != '"'; i++) {
		if (in->p[i] == '\\')
			i++;
		if (i == in->len || in->p[i] < ' ' || n == TEXT_MAX)
			return malformed(start, err);
		ret->text[n++] = (char)in->p[i];
	}
	if (i == in->len || (i + 1 < in->len && !is_blank(in->p[i + 1])))
		return malformed(start, err);
	ret->text[n] = '\0';
	ret->quoted = true;
	*in = bytes_of(in->p + i + 1, in->len - i - 1);
	return 0;
}

static int take_bare(struct bytes *in, struct property *ret, struct err *err)
{
	size_t n = 0;

	for (; n < in->len && !is_blank(in->p[n]); n++)
		if (n == TEXT_MAX || in->p[n] < ' ' || in->p[n] == '"' || in->p[n] == '\\')
			return malformed(*in, err);
	if (n == 0)
		return err_set(err, ERR_UNIT, 0, "a property of a twin has no value; an empty text is \"\"");
	(void)!bytes_to_str(bytes_of(in->p, n), ret->text, sizeof(ret->text));
	ret->quoted = false;
	*in = bytes_of(in->p + n, in->len - n);
	return 0;
}

static int take_property(struct bytes *in, struct property *ret, struct err *err)
{
	const struct bytes start = *in;
	size_t n = 0;

	while (n < in->len && in->p[n] != '=' && in->p[n] != '"' && !is_blank(in->p[n]))
		n++;
	if (n == 0 || n == in->len || in->p[n] != '=')
		return malformed(start, err);
	ret->name = bytes_of(in->p, n);
	*in = bytes_of(in->p + n + 1, in->len - n - 1);
	if (in->len > 0 && in->p[0] == '"')
		return take_quoted(in, ret, err);
	return take_bare(in, ret, err);
}

/* --- The twin ------------------------------------------------------------------------------------------ */

typedef int value_fn(const struct property *property, json_t **ret, struct err *err);

static int value_text(const struct property *property, json_t **ret, struct err *err)
{
	*ret = json_string(property->text);
	if (*ret == NULL)
		return err_set(err, ERR_UNIT, 0, "a property of a twin is no UTF-8 text");
	return 0;
}

/* A number, true and false are themselves; whatever else stands there is a text. */
static int value_typed(const struct property *property, json_t **ret, struct err *err)
{
	CLEANUP(json_freep) json_t *value = NULL;

	if (!property->quoted)
		value = json_loads(property->text, JSON_DECODE_ANY, NULL);
	if (!json_is_number(value) && !json_is_boolean(value))
		return value_text(property, ret, err);
	if (json_is_integer(value) &&
	    (json_integer_value(value) > INTEGER_MAX || json_integer_value(value) < -INTEGER_MAX - 1))
		return err_set(err, ERR_UNIT, 0,
			       "a twin holds no such number: %.40s; as text it stands in \"\"",
			       property->text);
	*ret = value;
	value = NULL;
	return 0;
}

static const struct part {
	const char *name; /* in messages */
	size_t max;
	value_fn *value;
} part_tags = { "tags", TAGS_MAX, value_text }, part_desired = { "desired", DESIRED_MAX, value_typed };

/* The twin's own members, as its JSON mixes them with the properties (dps-api 1.3). */
static bool is_reserved(const char *name)
{
	static const char *const names[] = { "version", "count", "metadata" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

static int check_name(const char *name, struct err *err)
{
	for (const char *c = name; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127 || *c == '.' || *c == '$')
			return err_set(err, ERR_UNIT, 0,
				       "no \".\" and \"$\" in the name of a property: %.60s", name);
	if (is_reserved(name))
		return err_set(err, ERR_UNIT, 0, "a twin has a %s of its own; no property may be named so",
			       name);
	return 0;
}

static int add_property(const struct part *part, const struct property *property, json_t *object,
			struct err *err)
{
	CLEANUP(json_freep) json_t *value = NULL;
	char name[NAME_BYTES + 1];

	if (bytes_to_str(property->name, name, sizeof(name)) < 0)
		return err_set(err, ERR_UNIT, 0, "the name of a property has at most %d bytes", NAME_BYTES);
	if (check_name(name, err) < 0)
		return -1;
	if (json_object_get(object, name) != NULL)
		return err_set(err, ERR_UNIT, 0, "%.60s stands there twice", name);
	if (part->value(property, &value, err) < 0)
		return -1;
	if (json_object_set(object, name, value) < 0)
		return err_set(err, ERR_UNIT, 0, "the name of a property is no UTF-8 text");
	return 0;
}

static int twin_part(const struct part *part, const char *text, json_t **ret, struct err *err)
{
	CLEANUP(json_freep) json_t *object = json_object();
	struct bytes in = bytes_str(text);
	struct property property;

	if (object == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory for an enrollment");
	for (skip_blanks(&in); in.len > 0; skip_blanks(&in))
		if (take_property(&in, &property, err) < 0 || add_property(part, &property, object, err) < 0)
			return err_wrap(err, "%s", part->name);
	if (json_dumpb(object, NULL, 0, JSON_COMPACT) > part->max)
		return err_set(err, ERR_UNIT, 0, "%s: the service takes at most %zu bytes of them",
			       part->name, part->max);
	*ret = object;
	object = NULL;
	return 0;
}

int twin_tags(const char *text, json_t **ret_tags, struct err *err)
{
	return twin_part(&part_tags, text, ret_tags, err);
}

int twin_desired(const char *text, json_t **ret_desired, struct err *err)
{
	return twin_part(&part_desired, text, ret_desired, err);
}
