/*
 * The device API's calls (dps-api 5.1). The decision is made at once; what takes
 * time is an operation's answer, by a number of polls that find it unfinished.
 */
#include "enroll/emulator/device_internal.h"

#include <strings.h>

#include <openssl/rand.h>

#include "base/encode.h"

#define LOCATION_MAX 256

static int no_memory(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "no memory");
}

/* What a device is told with a 202: when to ask again, and where. */
static void say_where(const struct dps_call *call)
{
	const char *host = dps_request_host(call->conf, call->req) != NULL
				   ? dps_request_header(call->req, "Host")
				   : "global.azure-devices-provisioning.net";
	char text[LOCATION_MAX];

	if (call->conf->knobs.poll_retry_after_s > 0 &&
	    str_format(text, sizeof(text), "%u", call->conf->knobs.poll_retry_after_s) == 0)
		dps_response_header(call->res, "Retry-After", text);
	if (str_format(text, sizeof(text), "https://%s/%s/registrations/%s/register", host,
		       call->conf->id_scope, call->id) == 0)
		dps_response_header(call->res, "Location", text);
}

static int answer_assigning(const struct dps_call *call, const struct dps_device *device, struct err *err)
{
	CLEANUP(json_freep)
	json_t *body = json_pack("{s:O, s:s}", "operationId", json_object_get(device->record, "operationId"),
				 "status", "assigning");

	if (body == NULL)
		return no_memory(err);
	say_where(call);
	return dps_response_json(call->res, 202, body, err);
}

/* DeviceRegistrationState with the member of its attestation: DeviceRegistrationResult. */
static int result(const struct dps_device *device, json_t **ret_result, struct err *err)
{
	CLEANUP(json_freep) json_t *state = dps_registration_state(device->record);
	CLEANUP(json_freep) json_t *member = json_object();
	json_t *group = json_object_get(device->record, "enrollmentGroupId");
	json_t *key = json_object_get(json_object_get(device->record, "tpm"), "authenticationKey");

	if (state == NULL || member == NULL ||
	    (group != NULL && json_object_set(member, "enrollmentGroupId", group) < 0) ||
	    (key != NULL && json_object_set(member, "authenticationKey", key) < 0) ||
	    json_object_set(state, device->type, member) < 0)
		return no_memory(err);
	*ret_result = state;
	state = NULL;
	return 0;
}

static int answer_final(const struct dps_call *call, const struct dps_device *device, struct err *err)
{
	CLEANUP(json_freep) json_t *body = NULL;
	json_t *state = NULL;

	if (result(device, &state, err) < 0)
		return -1;
	body = json_pack("{s:O, s:O, s:o}", "operationId", json_object_get(device->record, "operationId"),
			 "status", json_object_get(state, "status"), "registrationState", state);
	return body != NULL ? dps_response_json(call->res, 200, body, err) : no_memory(err);
}

/* "5." 16 hex digits "." GUID */
static int new_operation(const struct dps_call *call, json_t *record, struct err *err)
{
	char uuid[DPS_UUID_LEN + 1], hex[HEX_LEN(8) + 1], text[DPS_OPERATION_MAX];
	uint8_t raw[8];

	if (RAND_bytes(raw, sizeof(raw)) != 1 || hex_encode(BYTES_ARRAY(raw), hex, sizeof(hex)) < 0)
		return err_set(err, ERR_STATION, 0, "no random numbers");
	if (dps_uuid(uuid, err) < 0)
		return -1;
	(void)!str_format(text, sizeof(text), "5.%s.%s", hex, uuid);
	if (json_object_set_new(record, "operationId", json_string(text)) < 0 ||
	    json_object_set_new(record, "pollsLeft", json_integer(call->conf->knobs.assigning_polls)) < 0)
		return no_memory(err);
	return 0;
}

/* The registration takes over who the device is today: enrollments come and go. */
static int note_enrollment(const struct dps_device *device, struct err *err)
{
	json_t *group = json_object_get(device->enrollment, dps_groups.id_key);
	int rc = json_object_set_new(device->record, "attestation", json_string(device->type));

	if (device->individual)
		(void)json_object_del(device->record, dps_groups.id_key);
	else if (rc == 0)
		rc = json_object_set(device->record, dps_groups.id_key, group);
	return rc == 0 ? 0 : no_memory(err);
}

static int body_take(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	const char *id;

	if (dps_call_json(call, &device->body, err) < 0)
		return -1;
	id = json_string_value(json_object_get(device->body, "registrationId"));
	if (id == NULL)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "registrationId is missing or invalid.");
	if (strcasecmp(id, call->id) != 0)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "registrationId does not match the path.");
	return 0;
}

static bool assigned(const struct dps_device *device)
{
	return strcmp(json_string_value(json_object_get(device->record, "status")), "assigned") == 0;
}

int dps_register(struct dps_call *call, struct err *err)
{
	CLEANUP(dps_device_deinit) struct dps_device device = { 0 };

	if (dps_pace_register(call->pace, &call->conf->knobs, call->req->at_ticks, call->res, err) < 0 ||
	    body_take(call, &device, err) < 0 || dps_device_identify(call, &device, err) < 0)
		return -1;
	if (device.challenge)
		return dps_tpm_challenge(call, &device, err);
	if (note_enrollment(&device, err) < 0 || dps_assign(call, &device, err) < 0 ||
	    new_operation(call, device.record, err) < 0)
		return -1;
	if (strcmp(device.type, "tpm") == 0 && assigned(&device) && dps_tpm_hub_key(&device, err) < 0)
		return -1;
	if (dps_registration_save(call, &device, err) < 0)
		return -1;
	return answer_assigning(call, &device, err);
}

static json_int_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* The window of a device's polls is kept with its registration. */
static int count_poll(struct dps_call *call, const struct dps_device *device, struct err *err)
{
	const json_t *kept = json_object_get(device->record, "window");
	struct dps_window window = { number(kept, "began"), (unsigned)number(kept, "used") };

	if (dps_pace_poll(call->pace, &window, &call->conf->knobs, call->req->at_ticks, call->res, err) < 0)
		return -1;
	if (call->conf->knobs.polls_per_10_s == 0)
		return 0;
	if (json_object_set_new(device->record, "window",
				json_pack("{s:I, s:i}", "began", (json_int_t)window.began_ticks, "used",
					  (int)window.used)) < 0)
		return no_memory(err);
	return dps_store_put(call->store, DPS_REGISTRATIONS, call->id, device->record, err);
}

static int count_down(struct dps_call *call, const struct dps_device *device, json_int_t left,
		      struct err *err)
{
	if (json_object_set_new(device->record, "pollsLeft", json_integer(left - 1)) < 0)
		return no_memory(err);
	return dps_store_put(call->store, DPS_REGISTRATIONS, call->id, device->record, err);
}

int dps_register_status(struct dps_call *call, struct err *err)
{
	CLEANUP(dps_device_deinit) struct dps_device device = { 0 };
	const char *operation;
	json_int_t left;

	if (dps_device_identify(call, &device, err) < 0 || count_poll(call, &device, err) < 0)
		return -1;
	operation = json_string_value(json_object_get(device.record, "operationId"));
	if (operation == NULL || strcmp(operation, call->operation) != 0)
		return err_set(err, ERR_UNIT, DPS_NO_ENROLLMENT, "Operation not found.");
	left = number(device.record, "pollsLeft");
	if (left <= 0)
		return answer_final(call, &device, err);
	return count_down(call, &device, left, err) < 0 ? -1 : answer_assigning(call, &device, err);
}

int dps_register_lookup(struct dps_call *call, struct err *err)
{
	CLEANUP(dps_device_deinit) struct dps_device device = { 0 };
	CLEANUP(json_freep) json_t *state = NULL;

	if (body_take(call, &device, err) < 0 || dps_device_identify(call, &device, err) < 0)
		return -1;
	if (device.challenge)
		return dps_tpm_challenge(call, &device, err);
	if (json_object_get(device.record, "operationId") == NULL)
		return err_set(err, ERR_UNIT, DPS_NO_ENROLLMENT, "Registration not found.");
	if (count_poll(call, &device, err) < 0 || result(&device, &state, err) < 0)
		return -1;
	return dps_response_json(call->res, 200, state, err);
}
