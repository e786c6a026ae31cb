/*
 * Which hub a device belongs to, and what becomes of its data when it registers
 * again (dps-api 5.6). The service's hash is not published; this one is stable,
 * and a further hub moves only the devices that it gets.
 */
#include "enroll/emulator/device_internal.h"

#include <ctype.h>
#include <strings.h>

#include "base/digest.h"

struct hubs {
	const char *names[DPS_HUBS_MAX];
	size_t n;
};

struct outcome {
	const char *status;
	const char *hub; /* NULL: the one that the device has */
	const char *substatus;
	bool twin_anew;
	long error_code;
	const char *error_message;
};

/* The enrollment's own list, or its one hub, or the hubs linked to the service. */
static void candidates(const struct dps_conf *conf, const json_t *enrollment, struct hubs *ret)
{
	const json_t *list = json_object_get(enrollment, "iotHubs");
	const char *single = json_string_value(json_object_get(enrollment, "iotHubHostName"));

	ret->n = 0;
	for (size_t i = 0; i < json_array_size(list) && ret->n < DPS_HUBS_MAX; i++)
		ret->names[ret->n++] = json_string_value(json_array_get(list, i));
	if (ret->n == 0 && single != NULL)
		ret->names[ret->n++] = single;
	for (size_t i = 0; ret->n < DPS_HUBS_MAX && json_array_size(list) == 0 && single == NULL &&
			   conf->hubs != NULL && conf->hubs[i] != NULL;
	     i++)
		ret->names[ret->n++] = conf->hubs[i];
}

/* The hub whose digest with the device's ID is the greatest. */
static const char *by_hash(const struct hubs *hubs, const char *id)
{
	uint8_t best[SHA256_LEN] = { 0 }, digest[SHA256_LEN];
	const char *hub = hubs->names[0];
	char lower[DPS_ID_MAX + 1];
	size_t len = strlen(id);

	for (size_t i = 0; i <= len; i++)
		lower[i] = (char)tolower((unsigned char)id[i]);
	for (size_t i = 0; i < hubs->n; i++) {
		size_t at = 0;

		sha256_two(bytes_of(lower, len), bytes_str(hubs->names[i]), digest);
		while (at < SHA256_LEN - 1 && digest[at] == best[at])
			at++;
		if (digest[at] > best[at]) {
			memcpy(best, digest, sizeof(best));
			hub = hubs->names[i];
		}
	}
	return hub;
}

static struct outcome failure(long code, const char *message)
{
	return (struct outcome){ .status = "failed", .error_code = code, .error_message = message };
}

/* "static" and "geoLatency" take the first hub: there is one place, and all hubs are equally near. */
static struct outcome allocate(const struct dps_call *call, const json_t *enrollment)
{
	const char *policy = json_string_value(json_object_get(enrollment, "allocationPolicy"));
	struct outcome outcome = { .status = "assigned" };
	struct hubs hubs;

	candidates(call->conf, enrollment, &hubs);
	if (policy != NULL && strcmp(policy, "custom") == 0)
		return failure(DPS_ALLOCATION_FAILED,
			       "Custom allocation failed: this service calls no webhooks.");
	if (hubs.n == 0)
		return failure(DPS_NO_HUB, "No IoT hub is linked to the service.");
	outcome.hub =
		policy == NULL || strcmp(policy, "hashed") == 0 ? by_hash(&hubs, call->id) : hubs.names[0];
	return outcome;
}

/* A policy's members are true unless they say otherwise. */
static bool wants(const json_t *enrollment, const char *name)
{
	return !json_is_false(json_object_get(json_object_get(enrollment, "reprovisionPolicy"), name));
}

static bool text_is(const json_t *object, const char *name, const char *text)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL && strcasecmp(value, text) == 0;
}

static const char *device_id_of(const struct dps_call *call, const struct dps_device *device)
{
	const char *given = device->individual
				    ? json_string_value(json_object_get(device->enrollment, "deviceId"))
				    : NULL;

	return given != NULL ? given : call->id;
}

static struct outcome decide(const struct dps_call *call, const struct dps_device *device)
{
	const json_t *before = json_object_get(device->record, "assignment");
	const struct outcome stays = { .status = "assigned" };
	struct outcome outcome;

	if (text_is(device->enrollment, "provisioningStatus", "disabled"))
		return (struct outcome){ .status = "disabled" };
	if (before != NULL && !wants(device->enrollment, "updateHubAssignment"))
		return stays;
	outcome = allocate(call, device->enrollment);
	if (outcome.hub == NULL)
		return outcome;
	if (before != NULL && text_is(before, "assignedHub", outcome.hub) &&
	    text_is(before, "deviceId", device_id_of(call, device)))
		return stays;
	outcome.twin_anew = before == NULL || !wants(device->enrollment, "migrateDeviceData");
	outcome.substatus = before == NULL      ? "initialAssignment"
			    : outcome.twin_anew ? "deviceDataReset"
						: "deviceDataMigrated";
	return outcome;
}

/* What the hub would make the device's twin of; a migrated device keeps the one it has. */
static int settle_twin(const struct dps_device *device)
{
	json_t *twin = json_object_get(device->enrollment, "initialTwin");

	(void)json_object_del(device->record, "initialTwin");
	return twin != NULL ? json_object_set(device->record, "initialTwin", twin) : 0;
}

int dps_assign(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	const struct outcome outcome = decide(call, device);
	json_t *record = device->record;
	int rc = json_object_set_new(record, "status", json_string(outcome.status));

	(void)json_object_del(record, "errorCode");
	(void)json_object_del(record, "errorMessage");
	if (rc == 0 && outcome.error_code != 0)
		rc = json_object_update_new(record, json_pack("{s:I, s:s}", "errorCode",
							      (json_int_t)outcome.error_code, "errorMessage",
							      outcome.error_message));
	if (rc == 0 && outcome.hub != NULL)
		rc = json_object_set_new(record, "assignment",
					 json_pack("{s:s, s:s, s:s}", "assignedHub", outcome.hub, "deviceId",
						   device_id_of(call, device), "substatus",
						   outcome.substatus));
	if (rc == 0 && outcome.twin_anew)
		rc = settle_twin(device);
	return rc == 0 ? 0 : err_set(err, ERR_STATION, 0, "no memory");
}
