/*
 * Whether the service holds what we wanted, field by field: identity by its own
 * rules, everything else that our payload has as it is. Who may log in is compared
 * in compare_attestation.c.
 */
#include "enroll/compare_internal.h"

#include <stdlib.h>
#include <strings.h>

#include <jansson.h>

DEFINE_CLEANUP(json_freep, json_t, json_decref)

#define NAME_MAX_LEN 32
#define FIELD_MAX    256
#define DEPTH_MAX    8 /* of what we send; what is deeper is compared as a whole */

json_t *object_parse(struct bytes text)
{
	json_error_t why;
	json_t *json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);

	if (json != NULL && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

const json_t *member_at(const json_t *json, const char *path)
{
	while (json != NULL && *path != '\0') {
		char name[NAME_MAX_LEN];
		size_t n = strcspn(path, ".");

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		json = json_object_get(json, name);
		path += path[n] == '.' ? n + 1 : n;
	}
	return json_is_null(json) ? NULL : json;
}

const char *member_text(const json_t *json, const char *path)
{
	const json_t *value = member_at(json, path);

	return value != NULL ? json_string_value(value) : NULL;
}

void compare_text(const char *path, const char *ours, const char *theirs, struct difference *ret)
{
	if (theirs == NULL || strcmp(ours, theirs) != 0)
		difference_add(ret, path, ours, theirs != NULL ? theirs : "nothing");
}

void compare_any_case(const char *path, const char *ours, const char *theirs, struct difference *ret)
{
	if (theirs == NULL || strcasecmp(ours, theirs) != 0)
		difference_add(ret, path, ours, theirs != NULL ? theirs : "nothing");
}

void compare_absent(const char *path, const json_t *theirs, struct difference *ret)
{
	if (member_at(theirs, path) != NULL)
		difference_add(ret, path, "nothing", "something");
}

/* The service takes the registration ID where none is given. */
static void compare_device_id(const json_t *ours, const json_t *theirs, struct difference *ret)
{
	const char *wanted = member_text(ours, "deviceId"), *got = member_text(theirs, "deviceId");

	if (wanted != NULL)
		compare_text("deviceId", wanted, got, ret);
	else if (got != NULL)
		compare_any_case("deviceId", member_text(ours, "registrationId"), got, ret);
}

/* Absent and null mean enabled (dps-api 1.3, 1.4), on both sides. */
static void compare_status(const json_t *ours, const json_t *theirs, struct difference *ret)
{
	const char *wanted = member_text(ours, "provisioningStatus"),
		   *got = member_text(theirs, "provisioningStatus");

	if (member_at(theirs, "provisioningStatus") == NULL)
		got = "enabled";
	compare_text("provisioningStatus", wanted != NULL ? wanted : "enabled", got, ret);
}

/* What the service takes where nothing is said (dps-api 1.3). */
static const struct {
	const char *path;
	bool value;
} defaults[] = {
	{ "capabilities.iotEdge", false },
	{ "reprovisionPolicy.updateHubAssignment", true },
	{ "reprovisionPolicy.migrateDeviceData", true },
};

static bool is_default(const char *path, const json_t *ours)
{
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (strcmp(path, defaults[i].path) == 0)
			return json_is_boolean(ours) && json_is_true(ours) == defaults[i].value;
	return false;
}

static bool same_value(const json_t *ours, const json_t *theirs)
{
	if (json_is_number(ours) && json_is_number(theirs))
		return json_number_value(ours) == json_number_value(theirs);
	return json_equal(ours, theirs) != 0;
}

static bool has_host(const json_t *list, const char *host)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *theirs = json_string_value(json_array_get(list, i));

		if (theirs != NULL && strcasecmp(theirs, host) == 0)
			return true;
	}
	return false;
}

/* Hosts of hubs, in any order and case; other lists are as they are. */
static bool same_list(const json_t *ours, const json_t *theirs)
{
	if (json_array_size(ours) != json_array_size(theirs))
		return false;
	for (size_t i = 0; i < json_array_size(ours); i++) {
		const char *host = json_string_value(json_array_get(ours, i));

		if (host == NULL)
			return json_equal(ours, theirs) != 0;
		if (!has_host(theirs, host))
			return false;
	}
	return true;
}

static void free_text(char **text)
{
	free(*text);
}

static void tell_values(const char *path, const json_t *ours, const json_t *theirs, struct difference *ret)
{
	CLEANUP(free_text) char *wanted = json_dumps(ours, JSON_COMPACT | JSON_ENCODE_ANY);
	CLEANUP(free_text)
	char *got = theirs != NULL ? json_dumps(theirs, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (json_is_string(ours) && (theirs == NULL || json_is_string(theirs)))
		difference_add(ret, path, json_string_value(ours),
			       theirs != NULL ? json_string_value(theirs) : "nothing");
	else
		difference_add(ret, path, wanted != NULL ? wanted : "?", got != NULL ? got : "nothing");
}

static void compare_leaf(const char *path, const json_t *ours, const json_t *theirs, struct difference *ret)
{
	bool same;

	if (theirs == NULL || json_is_null(theirs))
		same = is_default(path, ours);
	else if (json_is_array(ours) && json_is_array(theirs))
		same = same_list(ours, theirs);
	else
		same = same_value(ours, theirs);
	if (!same)
		tell_values(path, ours, json_is_null(theirs) ? NULL : theirs, ret);
}

/* Those that have rules of their own, and the etag, which is the service's. */
static bool is_own_rule(const char *path)
{
	static const char *const names[] = { "registrationId",     "enrollmentGroupId", "deviceId",
					     "provisioningStatus", "attestation",       "etag" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(path, names[i]) == 0)
			return true;
	return false;
}

/* Every leaf of what we send, against the service's at the same place. */
static void compare_fields(const char *path, const json_t *ours, const json_t *theirs, unsigned depth,
			   struct difference *ret)
{
	const char *name;
	json_t *value;

	if (!json_is_object(ours) || depth == 0) {
		compare_leaf(path, ours, theirs, ret);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)ours, name, value)
	{
		char at_name[FIELD_MAX];

		(void)snprintf(at_name, sizeof(at_name), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
		if (!json_is_null(value) && !is_own_rule(at_name))
			compare_fields(at_name, value, json_object_get(theirs, name), depth - 1, ret);
	}
}

static int parse_both(struct bytes ours, struct bytes theirs, const char *id, json_t **ret_ours,
		      json_t **ret_theirs, struct err *err)
{
	*ret_ours = object_parse(ours);
	*ret_theirs = object_parse(theirs);
	if (member_text(*ret_ours, id) == NULL)
		return err_set(err, ERR_STATION, 0, "the outbox holds a payload that is no enrollment");
	if (member_text(*ret_theirs, id) == NULL || member_at(*ret_theirs, "attestation") == NULL)
		return err_set(err, ERR_RETRY, 0, "the service's answer is no enrollment");
	return 0;
}

int compare_enrollment(struct bytes ours, struct bytes theirs, struct difference *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *wanted = NULL;
	CLEANUP(json_freep) json_t *got = NULL;
	struct difference difference = { 0 };

	if (parse_both(ours, theirs, "registrationId", &wanted, &got, err) < 0)
		return -1;
	compare_any_case("registrationId", member_text(wanted, "registrationId"),
			 member_text(got, "registrationId"), &difference);
	if (compare_attestation("clientCertificates", wanted, got, &difference, err) < 0)
		return -1;
	compare_device_id(wanted, got, &difference);
	compare_status(wanted, got, &difference);
	compare_fields("", wanted, got, DEPTH_MAX, &difference);
	*ret = difference;
	return 0;
}

int compare_group(struct bytes ours, struct bytes theirs, struct difference *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *wanted = NULL;
	CLEANUP(json_freep) json_t *got = NULL;
	struct difference difference = { 0 };

	if (parse_both(ours, theirs, "enrollmentGroupId", &wanted, &got, err) < 0)
		return -1;
	compare_any_case("enrollmentGroupId", member_text(wanted, "enrollmentGroupId"),
			 member_text(got, "enrollmentGroupId"), &difference);
	if (compare_attestation("signingCertificates", wanted, got, &difference, err) < 0)
		return -1;
	compare_status(wanted, got, &difference);
	compare_fields("", wanted, got, DEPTH_MAX, &difference);
	*ret = difference;
	return 0;
}
