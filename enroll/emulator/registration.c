/*
 * What the service remembers of a device that came to register, and the service
 * API's view of it (dps-api 1.2, 1.3). A device that has only been given a TPM
 * challenge is remembered too, but it is no registration yet.
 */
#include "enroll/emulator/device_internal.h"

#include <strings.h>

static int no_memory(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "no memory");
}

int dps_record_load(const struct dps_store *store, enum dps_table table, const char *id, json_t **ret_doc,
		    struct err *err)
{
	const struct dps_record *record = dps_store_find(store, table, id);

	if (record == NULL)
		return 0;
	*ret_doc = json_loads(record->text, 0, NULL);
	return *ret_doc != NULL ? 0 : no_memory(err);
}

static int copy_members(json_t *to, const json_t *from, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(from, names[i]);

		if (value != NULL && json_object_set(to, names[i], value) < 0)
			return -1;
	}
	return 0;
}

json_t *dps_registration_state(const json_t *record)
{
	static const char *const always[] = { "registrationId", "createdDateTimeUtc",
					      "lastUpdatedDateTimeUtc", "etag" };
	static const char *const of_failure[] = { "errorCode", "errorMessage" };
	json_t *state = json_object(), *status = json_object_get(record, "status");
	int rc = copy_members(state, record, always, ARRAY_LEN(always));

	if (json_integer_value(json_object_get(record, "pollsLeft")) > 0)
		status = json_string("assigning");
	else
		json_incref(status);
	if (rc == 0 && strcmp(json_string_value(status), "assigned") == 0)
		rc = json_object_update(state, json_object_get(record, "assignment"));
	if (rc == 0 && strcmp(json_string_value(status), "failed") == 0)
		rc = copy_members(state, record, of_failure, ARRAY_LEN(of_failure));
	if (json_object_set_new(state, "status", status) == 0 && rc == 0)
		return state;
	json_decref(state);
	return NULL;
}

int dps_registration_save(struct dps_call *call, const struct dps_device *device, struct err *err)
{
	char now[DPS_TIME_LEN + 1], etag[DPS_ETAG_MAX];

	dps_time_text(call->req->at_ticks, now);
	if (dps_etag_new(etag, err) < 0)
		return -1;
	if (json_object_set_new(device->record, "etag", json_string(etag)) < 0 ||
	    json_object_set_new(device->record, "lastUpdatedDateTimeUtc", json_string(now)) < 0)
		return no_memory(err);
	if (dps_store_put(call->store, DPS_REGISTRATIONS, call->id, device->record, err) < 0)
		return -1;
	call->changed = true;
	return 0;
}

static bool registered(const json_t *record)
{
	const char *status = json_string_value(json_object_get(record, "status"));

	return status != NULL && strcmp(status, "unassigned") != 0;
}

static int load_registered(const struct dps_call *call, json_t **ret_record, struct err *err)
{
	if (dps_record_load(call->store, DPS_REGISTRATIONS, call->id, ret_record, err) < 0)
		return -1;
	if (!registered(*ret_record))
		return err_set(err, ERR_UNIT, DPS_NO_ENROLLMENT, "Registration not found.");
	return 0;
}

int dps_registration_get(struct dps_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *record = NULL, *state = NULL;

	if (load_registered(call, &record, err) < 0)
		return -1;
	state = dps_registration_state(record);
	return state != NULL ? dps_response_json(call->res, 200, state, err) : no_memory(err);
}

int dps_registration_delete(struct dps_call *call, struct err *err)
{
	const char *if_match = dps_request_header(call->req, "If-Match");
	CLEANUP(json_freep) json_t *record = NULL;

	if (load_registered(call, &record, err) < 0)
		return -1;
	if (if_match != NULL && if_match[0] != '\0' &&
	    !dps_etag_matches(if_match, json_string_value(json_object_get(record, "etag"))))
		return err_set(err, ERR_UNIT, DPS_PRECONDITION_FAILED,
			       "Precondition failed: the etag is not the record's.");
	if (dps_store_delete(call->store, DPS_REGISTRATIONS, call->id, err) < 0)
		return -1;
	call->changed = true;
	call->res->status = 204;
	return 0;
}

static int show_of_group(const struct dps_record *record, const char *of, json_t **ret_doc, struct err *err)
{
	CLEANUP(json_freep) json_t *doc = json_loads(record->text, 0, NULL);
	const char *group = json_string_value(json_object_get(doc, "enrollmentGroupId"));

	if (doc == NULL)
		return no_memory(err);
	if (group == NULL || strcasecmp(group, of) != 0 || !registered(doc))
		return 0;
	*ret_doc = dps_registration_state(doc);
	return *ret_doc != NULL ? 0 : no_memory(err);
}

int dps_registration_query(struct dps_call *call, struct err *err)
{
	const struct dps_listing listing = { DPS_REGISTRATIONS, "DeviceRegistration", show_of_group,
					     call->id };

	if (dps_store_find(call->store, DPS_GROUPS, call->id) == NULL)
		return err_set(err, ERR_UNIT, dps_groups.missing_code, "%s", dps_groups.missing_text);
	return dps_list(call, &listing, err);
}
