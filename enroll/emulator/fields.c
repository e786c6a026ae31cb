/*
 * The optional members of an enrollment (dps-api 1.3, 2): one const table of
 * name and check. Members that are null or unknown are dropped, as the service
 * does; provisioningStatus comes back as null if null was sent.
 */
#include "enroll/emulator/dps_internal.h"

#include <ctype.h>

#define TWIN_DEPTH_MAX    10
#define TAGS_MAX_BYTES    (8 * 1024)
#define DESIRED_MAX_BYTES (32 * 1024)

typedef int check_fn(const json_t *value, struct err *err);

static int invalid(struct err *err, const char *text)
{
	return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s", text);
}

static bool one_of(const json_t *value, const char *const *names, size_t n)
{
	const char *text = json_string_value(value);

	for (size_t i = 0; text != NULL && i < n; i++) {
		if (strcmp(text, names[i]) == 0)
			return true;
	}
	return false;
}

/* IoT Hub's rule for device ids */
static int check_device_id(const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);
	size_t len = text != NULL ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && strchr("-:.+%_#*?!(),=@;$'", text[i]) == NULL)
			return invalid(err, "deviceId holds a character that IoT Hub does not allow.");
	}
	if (len == 0 || len > DPS_ID_MAX)
		return invalid(err, "deviceId has to be 1 to 128 characters.");
	return 0;
}

static int check_object(const json_t *value, struct err *err)
{
	return json_is_object(value) ? 0 : invalid(err, "It has to be an object.");
}

static int check_text(const json_t *value, struct err *err)
{
	return json_is_string(value) ? 0 : invalid(err, "It has to be a string.");
}

static int check_capabilities(const json_t *value, struct err *err)
{
	const json_t *edge = json_object_get(value, "iotEdge");

	if (!json_is_object(value) || (edge != NULL && !json_is_boolean(edge)))
		return invalid(err, "capabilities has to be {\"iotEdge\": true or false}.");
	return 0;
}

static int check_status(const json_t *value, struct err *err)
{
	static const char *const names[] = { "enabled", "disabled" };

	if (!one_of(value, names, ARRAY_LEN(names)))
		return invalid(err, "provisioningStatus has to be enabled or disabled.");
	return 0;
}

static int check_reprovision(const json_t *value, struct err *err)
{
	if (!json_is_boolean(json_object_get(value, "updateHubAssignment")) ||
	    !json_is_boolean(json_object_get(value, "migrateDeviceData")))
		return invalid(err, "reprovisionPolicy needs updateHubAssignment and migrateDeviceData.");
	return 0;
}

static int check_allocation(const json_t *value, struct err *err)
{
	static const char *const names[] = { "hashed", "geoLatency", "static", "custom" };

	if (!one_of(value, names, ARRAY_LEN(names)))
		return invalid(err, "allocationPolicy has to be hashed, geoLatency, static or custom.");
	return 0;
}

bool dps_hub_valid(const char *host)
{
	size_t len = strlen(host);

	return len > 0 && len <= 253 && isalnum((unsigned char)host[0]) && strchr(host, '.') != NULL &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == len;
}

static int check_hub(const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);

	if (text == NULL || !dps_hub_valid(text))
		return invalid(err, "An IoT hub has to be named by its host name.");
	return 0;
}

static int check_hubs(const json_t *value, struct err *err)
{
	if (!json_is_array(value) || json_array_size(value) > DPS_HUBS_MAX)
		return invalid(err, "iotHubs has to be a list of at most 50 host names.");
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (check_hub(json_array_get(value, i), err) < 0)
			return -1;
	}
	return 0;
}

static int check_custom(const json_t *value, struct err *err)
{
	const char *url = json_string_value(json_object_get(value, "webhookUrl"));
	const char *version = json_string_value(json_object_get(value, "apiVersion"));

	if (url == NULL || url[0] == '\0' || version == NULL || strcmp(version, "2018-09-01-preview") < 0)
		return invalid(err, "customAllocationDefinition needs webhookUrl and an apiVersion from "
				    "2018-09-01-preview on.");
	return 0;
}

/* IoT Hub's rules for twins: keys without control characters, '.', '$' and space; nested at most 10 deep. */
static int check_twin_part(json_t *value, unsigned depth, struct err *err)
{
	const char *key;
	json_t *member;

	if (!json_is_object(value))
		return 0;
	if (depth == 0)
		return invalid(err, "initialTwin is nested deeper than 10 levels.");
	json_object_foreach(value, key, member)
	{
		for (const char *c = key; *c != '\0'; c++) {
			if (iscntrl((unsigned char)*c) || strchr(".$ ", *c) != NULL)
				return invalid(err, "A key of initialTwin holds '.', '$' or a space.");
		}
		if (check_twin_part(member, depth - 1, err) < 0)
			return -1;
	}
	return 0;
}

static int check_twin_object(json_t *value, size_t max_bytes, struct err *err)
{
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_object(value))
		return invalid(err, "tags and properties.desired of initialTwin have to be objects.");
	if (json_dumpb(value, NULL, 0, JSON_COMPACT) > max_bytes)
		return invalid(err, "initialTwin is too large: 8 KB of tags, 32 KB of desired properties.");
	return check_twin_part(value, TWIN_DEPTH_MAX, err);
}

static int check_twin(const json_t *value, struct err *err)
{
	const json_t *properties = json_object_get(value, "properties");

	if (!json_is_object(value) ||
	    (properties != NULL && !json_is_null(properties) && !json_is_object(properties)))
		return invalid(err,
			       "initialTwin has to be {\"tags\": {}, \"properties\": {\"desired\": {}}}.");
	if (check_twin_object(json_object_get(value, "tags"), TAGS_MAX_BYTES, err) < 0)
		return -1;
	return check_twin_object(json_object_get(properties, "desired"), DESIRED_MAX_BYTES, err);
}

static const struct field {
	const char *name;
	bool individual_only;
	bool keeps_null;
	check_fn *check;
} fields[] = {
	{ "deviceId", true, false, check_device_id },
	{ "optionalDeviceInformation", true, false, check_object },
	{ "capabilities", false, false, check_capabilities },
	{ "iotHubHostName", false, false, check_hub },
	{ "initialTwin", false, false, check_twin },
	{ "provisioningStatus", false, true, check_status },
	{ "reprovisionPolicy", false, false, check_reprovision },
	{ "allocationPolicy", false, false, check_allocation },
	{ "iotHubs", false, false, check_hubs },
	{ "customAllocationDefinition", false, false, check_custom },
	{ "credentialPolicyName", false, false, check_text },
};

static int field_take(const struct field *field, json_t *value, json_t *doc, struct err *err)
{
	if (json_is_null(value) && !field->keeps_null)
		return 0;
	if (!json_is_null(value) && field->check(value, err) < 0)
		return err_wrap(err, "%s", field->name);
	if (json_object_set(doc, field->name, value) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	return 0;
}

static int allocation_fits(const json_t *doc, struct err *err)
{
	const char *policy = json_string_value(json_object_get(doc, "allocationPolicy"));

	if (policy == NULL && json_array_size(json_object_get(doc, "iotHubs")) > 0)
		return invalid(err, "allocationPolicy has to be given when iotHubs are given.");
	if (policy != NULL && strcmp(policy, "custom") == 0 &&
	    json_object_get(doc, "customAllocationDefinition") == NULL)
		return invalid(err, "allocationPolicy custom needs customAllocationDefinition.");
	return 0;
}

int dps_fields_take(const struct dps_kind *kind, const json_t *in, json_t *doc, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		json_t *value = json_object_get(in, fields[i].name);

		if (value == NULL || (fields[i].individual_only && !kind->individual))
			continue;
		if (field_take(&fields[i], value, doc, err) < 0)
			return -1;
	}
	return allocation_fits(doc, err);
}
