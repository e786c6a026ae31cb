/* A receipt's line: what became of one record. */
#include "enroll/carry_json.h"

#include <jansson.h>

DEFINE_CLEANUP(json_freep, json_t, json_decref)

static const char *const state_names[] = {
	[CARRY_WAITING] = "waiting",
	[CARRY_ENROLLED] = "enrolled",
	[CARRY_QUARANTINED] = "quarantined",
	[CARRY_RETURNED] = "returned",
};

static int state_from_name(const char *name, enum carry_state *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
		if (strcmp(name, state_names[i]) == 0) {
			*ret = (enum carry_state)i;
			return 0;
		}
	return err_set(err, ERR_OPERATOR, 0, "its state is none");
}

/* [{"field", "ours", "service"}..., {"more": N}]: what lists show, so that it must be fit to be shown. */
static bool is_difference(const json_t *difference)
{
	const json_t *entry, *value;
	const char *name;
	size_t i;

	if (!json_is_array(difference))
		return false;
	json_array_foreach(difference, i, entry)
	{
		if (!json_is_object(entry))
			return false;
		json_object_foreach((json_t *)(uintptr_t)entry, name,
				    value) if (!carry_printable(name) ||
					       !(json_is_string(value)
							 ? carry_printable(json_string_value(value))
							 : json_is_integer(value))) return false;
	}
	return true;
}

int carry_outcome_parse(struct bytes line, struct carry_outcome *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	const char *job, *content, *state, *reason = NULL;
	json_t *difference = NULL;

	if (carry_json_load(line, &json, err) < 0)
		return -1;
	if (json_unpack(json, "{s:s, s:s, s:s, s?s, s?o !}", "job", &job, "contentSha256", &content, "state",
			&state, "reason", &reason, "difference", &difference) < 0)
		return err_set(err, ERR_OPERATOR, 0, "it is no outcome");
	ret->reason[0] = '\0';
	buf_clear(&ret->difference);
	if (carry_copy_text(job, ret->job, sizeof(ret->job), "job", err) < 0 ||
	    carry_read_sha256(content, ret->content, "content", err) < 0 ||
	    state_from_name(state, &ret->state, err) < 0 ||
	    (reason != NULL && carry_copy_text(reason, ret->reason, sizeof(ret->reason), "reason", err) < 0))
		return -1;
	if (difference != NULL &&
	    (!is_difference(difference) || carry_json_dump(difference, &ret->difference) < 0))
		return err_set(err, ERR_OPERATOR, 0, "its difference is none");
	return 0;
}
