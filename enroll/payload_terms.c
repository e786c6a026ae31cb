/*
 * What an enrollment says beside its attestation (dps-api 1.3): the initial twin (payload_twin.c), hubs and policies.
 * What the service, or the hub behind it, would refuse is refused here: they would do it days later,
 * and the hub only when the device registers (dps-api 2, 10.14).
 */
#include "enroll/enroll_internal.h"

#include <strings.h>

#include <jansson.h>

#define HUBS_MAX    50
#define HOST_MAX    253
#define WEBHOOK_MAX 2048

#define WEBHOOK_API "2021-10-01"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

int device_id_check(const char *id, struct err *err)
{
	size_t len = strlen(id);

	if (len == 0 || len > ENROLL_ID_MAX)
		return err_set(err, ERR_UNIT, 0, "a device ID has 1 to %d characters, not %zu", ENROLL_ID_MAX,
			       len);
	if (strspn(id, LETTERS_DIGITS "-:.+%_#*?!(),=@;$'") != len)
		return err_set(err, ERR_UNIT, 0, "the service does not take this device ID: %s", id);
	return 0;
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "out of memory for an enrollment");
}

/* Takes value, also on failure. */
static int put(json_t *json, const char *name, json_t *value, struct err *err)
{
	return value == NULL || json_object_set_new(json, name, value) < 0 ? no_memory(err) : 0;
}

static bool given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static int put_twin(const struct enroll_terms *terms, json_t *json, struct err *err)
{
	CLEANUP(json_freep) json_t *tags = NULL;
	CLEANUP(json_freep) json_t *desired = NULL;

	if (!given(terms->tags) && !given(terms->desired))
		return 0;
	if (given(terms->tags) && twin_tags(terms->tags, &tags, err) < 0)
		return -1;
	if (given(terms->desired) && twin_desired(terms->desired, &desired, err) < 0)
		return -1;
	if (desired == NULL)
		return put(json, "initialTwin", json_pack("{s:O}", "tags", tags), err);
	return put(json, "initialTwin",
		   json_pack("{s:O*, s:{s:O}}", "tags", tags, "properties", "desired", desired), err);
}

/* --- Hubs and policies --------------------------------------------------------------------------------- */

static int check_host(const char *host, struct err *err)
{
	size_t len = strlen(host);

	if (len == 0 || len > HOST_MAX || strspn(host, LETTERS_DIGITS "-.") != len ||
	    strchr(host, '.') == NULL || strstr(host, "..") != NULL || strchr("-.", host[0]) != NULL ||
	    strchr("-.", host[len - 1]) != NULL)
		return err_set(err, ERR_UNIT, 0,
			       "a hub is named as NAME.azure-devices.net, by its host name, not: %.80s",
			       host);
	return 0;
}

static bool holds(const json_t *list, const char *host)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcasecmp(json_string_value(json_array_get(list, i)), host) == 0)
			return true;
	return false;
}

static int list_hubs(const char *text, json_t *list, struct err *err)
{
	char host[HOST_MAX + 1];

	while (*(text += strspn(text, " \t")) != '\0') {
		size_t n = strcspn(text, " \t");

		if (bytes_to_str(bytes_of(text, n), host, sizeof(host)) < 0)
			return err_set(err, ERR_UNIT, 0, "a hub's host name has at most %d characters",
				       HOST_MAX);
		if (check_host(host, err) < 0)
			return -1;
		if (holds(list, host))
			return err_set(err, ERR_UNIT, 0, "hub %s stands there twice", host);
		if (json_array_append_new(list, json_string(host)) < 0)
			return no_memory(err);
		text += n;
	}
	if (json_array_size(list) > HUBS_MAX)
		return err_set(err, ERR_UNIT, 0, "a service has at most %d hubs", HUBS_MAX);
	return 0;
}

static const char *allocation_word(enum enroll_allocation allocation)
{
	switch (allocation) {
	case ENROLL_ALLOCATION_UNSET:
		return NULL;
	case ENROLL_ALLOCATION_HASHED:
		return "hashed";
	case ENROLL_ALLOCATION_GEO_LATENCY:
		return "geoLatency";
	case ENROLL_ALLOCATION_STATIC:
		return "static";
	case ENROLL_ALLOCATION_CUSTOM:
		return "custom";
	}
	return NULL;
}

static int put_webhook(const char *url, json_t *json, struct err *err)
{
	static const char scheme[] = "https://";

	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '"')
			return err_set(err, ERR_UNIT, 0, "a webhook is a URL, without blanks: %.100s", url);
	if (strncmp(url, scheme, strlen(scheme)) != 0 || strlen(url) == strlen(scheme) ||
	    strlen(url) > WEBHOOK_MAX)
		return err_set(err, ERR_UNIT, 0, "a webhook is an https URL, not: %.100s", url);
	return put(json, "customAllocationDefinition",
		   json_pack("{s:s, s:s}", "webhookUrl", url, "apiVersion", WEBHOOK_API), err);
}

static int put_allocation(const struct enroll_terms *terms, json_t *json, struct err *err)
{
	const char *word = allocation_word(terms->allocation);
	json_t *hubs;

	if (given(terms->hubs) && word == NULL)
		return err_set(err, ERR_UNIT, 0, "hubs need an allocation");
	if ((terms->allocation == ENROLL_ALLOCATION_CUSTOM) != given(terms->webhook))
		return err_set(err, ERR_UNIT, 0, "allocation custom and a webhook need each other");
	if (word != NULL && put(json, "allocationPolicy", json_string(word), err) < 0)
		return -1;
	if (given(terms->hubs)) {
		hubs = json_array();
		if (put(json, "iotHubs", hubs, err) < 0 || list_hubs(terms->hubs, hubs, err) < 0)
			return -1;
	}
	return given(terms->webhook) ? put_webhook(terms->webhook, json, err) : 0;
}

/* Both members, or the service refuses the object (dps-api 1.3). */
static int put_reprovision(enum enroll_reprovision reprovision, json_t *json, struct err *err)
{
	if (reprovision == ENROLL_REPROVISION_UNSET)
		return 0;
	return put(json, "reprovisionPolicy",
		   json_pack("{s:b, s:b}", "updateHubAssignment", reprovision != ENROLL_REPROVISION_NEVER,
			     "migrateDeviceData", reprovision == ENROLL_REPROVISION_MIGRATE),
		   err);
}

int terms_put(const struct enroll_terms *terms, json_t *json, struct err *err)
{
	if (terms->iot_edge && put(json, "capabilities", json_pack("{s:b}", "iotEdge", 1), err) < 0)
		return -1;
	if (put_allocation(terms, json, err) < 0 || put_reprovision(terms->reprovision, json, err) < 0 ||
	    put_twin(terms, json, err) < 0)
		return -1;
	return put(json, "provisioningStatus", json_string(terms->disabled ? "disabled" : "enabled"), err);
}

int enroll_terms_check(const char *device_id, const struct enroll_terms *terms, struct err *err)
{
	CLEANUP(json_freep) json_t *json = json_object();

	if (json == NULL)
		return no_memory(err);
	if (device_id != NULL && device_id_check(device_id, err) < 0)
		return -1;
	return terms_put(terms, json, err);
}
