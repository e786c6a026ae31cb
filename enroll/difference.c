/*
 * What differs between our record and the service's, field by field: the first
 * as a sentence for lists, all of them (up to a few) as JSON for who must decide.
 * The service's words end on terminals, so what could steer one becomes "?".
 */
#include "enroll/enroll_internal.h"

#include <stdlib.h>

#include <jansson.h>

DEFINE_CLEANUP(json_freep, json_t, json_decref)

/* Cuts at a character's border, so that it stays UTF-8. */
static void copy_value(char *out, size_t cap, const char *text)
{
	size_t len = strlen(text), n = 0;

	str_clip(out, cap, text);
	if (len >= cap) {
		for (n = cap - 4; n > 0 && ((unsigned char)out[n] & 0xc0) == 0x80;)
			n--;
		(void)snprintf(out + n, cap - n, "...");
	}
	str_make_printable(out);
}

void difference_add(struct difference *difference, const char *field, const char *ours, const char *theirs)
{
	struct field_difference *to = &difference->fields[difference->n];

	difference->differs = true;
	if (difference->n == DIFFERENCE_FIELDS) {
		difference->more++;
		return;
	}
	copy_value(to->field, sizeof(to->field), field);
	copy_value(to->ours, sizeof(to->ours), ours);
	copy_value(to->theirs, sizeof(to->theirs), theirs);
	if (difference->n++ == 0)
		(void)snprintf(difference->text, sizeof(difference->text),
			       "%s: ours is %s, the service has %s", to->field, to->ours, to->theirs);
}

static json_t *as_array(const struct difference *difference)
{
	json_t *array = json_array();

	for (size_t i = 0; i < difference->n; i++) {
		const struct field_difference *field = &difference->fields[i];

		(void)json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "field", field->field, "ours",
							     field->ours, "service", field->theirs));
	}
	if (difference->more > 0)
		(void)json_array_append_new(array, json_pack("{s:I}", "more", (json_int_t)difference->more));
	return array;
}

int difference_json(const struct difference *difference, struct buf *ret_json, struct err *err)
{
	CLEANUP(json_freep) json_t *array = as_array(difference);
	size_t need = array != NULL ? json_dumpb(array, NULL, 0, JSON_COMPACT) : 0;
	uint8_t *to;

	buf_clear(ret_json);
	if (!difference->differs)
		return 0;
	to = need > 0 ? buf_reserve(ret_json, need + 1) : NULL;
	if (to == NULL)
		return err_set(err, ERR_STATION, 0, "a difference could not be written as JSON");
	ret_json->len = json_dumpb(array, (char *)to, need, JSON_COMPACT);
	to[need] = '\0';
	return 0;
}
