/*
 * Single calls on an enrollment or a group (dps-api 1.4, 1.5). The record is
 * stored as the PUT answers it, symmetric keys included; what GET and query show
 * is derived from it. If-Match on a record that is not there is answered 404:
 * the service's own answer is not documented.
 */
#include "enroll/emulator/device_internal.h"

#include <ctype.h>
#include <strings.h>

#include "base/encode.h"

const struct dps_kind dps_enrollments = {
	.table = DPS_ENROLLMENTS,
	.individual = true,
	.id_key = "registrationId",
	.list_key = "enrollments",
	.item_type = "Enrollment",
	.missing_code = DPS_NO_ENROLLMENT,
	.exists_code = DPS_ENROLLMENT_EXISTS,
	.missing_text = "Enrollment not found.",
	.exists_text = "Enrollment already exists.",
};

const struct dps_kind dps_groups = {
	.table = DPS_GROUPS,
	.individual = false,
	.id_key = "enrollmentGroupId",
	.list_key = "enrollmentGroups",
	.item_type = "EnrollmentGroup",
	.missing_code = DPS_NO_GROUP,
	.exists_code = DPS_GROUP_EXISTS,
	.missing_text = "EnrollmentGroup not found.",
	.exists_text = "EnrollmentGroup already exists.",
};

static bool id_end(char c)
{
	return isalnum((unsigned char)c) || c == '-';
}

bool dps_id_valid(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len > DPS_ID_MAX || !id_end(id[0]) || !id_end(id[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)id[i]) && strchr("-._:", id[i]) == NULL)
			return false;
	}
	return true;
}

/* One member of an If-Match list: [W/] then the text, quoted or not. */
static bool etag_member_is(struct bytes member, const char *etag)
{
	struct bytes right = bytes_str(etag);

	while (member.len > 0 && isspace(member.p[member.len - 1]))
		member.len--;
	while (member.len > 0 && isspace(member.p[0]))
		member = bytes_of(member.p + 1, member.len - 1);
	if (member.len >= 2 && member.p[0] == 'W' && member.p[1] == '/')
		member = bytes_of(member.p + 2, member.len - 2);
	if (member.len >= 2 && member.p[0] == '"' && member.p[member.len - 1] == '"')
		member = bytes_of(member.p + 1, member.len - 2);
	return bytes_equal(member, right) || bytes_equal(member, BYTES_LIT("*"));
}

bool dps_etag_matches(const char *if_match, const char *etag)
{
	while (*if_match != '\0') {
		size_t len = strcspn(if_match, ",");

		if (etag_member_is(bytes_of(if_match, len), etag))
			return true;
		if_match += len + (if_match[len] == ',' ? 1 : 0);
	}
	return false;
}

int dps_call_json(const struct dps_call *call, json_t **ret_body, struct err *err)
{
	json_error_t error;
	json_t *body = json_loadb((const char *)call->req->body.p, call->req->body.len,
				  JSON_REJECT_DUPLICATES, &error);

	if (body == NULL)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The body is not JSON (line %d, column %d).",
			       error.line, error.column);
	if (!json_is_object(body)) {
		json_decref(body);
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The body is not a JSON object.");
	}
	*ret_body = body;
	return 0;
}

static int record_find(const struct dps_call *call, const char *id, const struct dps_record **ret_record,
		       struct err *err)
{
	*ret_record = dps_store_find(call->store, call->kind->table, id);
	if (*ret_record == NULL)
		return err_set(err, ERR_UNIT, call->kind->missing_code, "%s", call->kind->missing_text);
	return 0;
}

static int etag_check(const struct dps_record *record, const char *if_match, struct err *err)
{
	if (!dps_etag_matches(if_match, record->etag))
		return err_set(err, ERR_UNIT, DPS_PRECONDITION_FAILED,
			       "Precondition failed: the etag is not the record's.");
	return 0;
}

/* Without If-Match a record is created, with it one is replaced (1.5). */
static int write_allowed(const struct dps_call *call, const char *id, const char *if_match, struct err *err)
{
	const struct dps_record *record;

	if (if_match != NULL)
		return record_find(call, id, &record, err) < 0 ? -1 : etag_check(record, if_match, err);
	if (dps_store_find(call->store, call->kind->table, id) != NULL)
		return err_set(err, ERR_UNIT, call->kind->exists_code, "%s", call->kind->exists_text);
	return 0;
}

int dps_etag_new(char out[DPS_ETAG_MAX], struct err *err)
{
	char uuid[DPS_UUID_LEN + 1], quoted[DPS_UUID_LEN + 3];

	if (dps_uuid(uuid, err) < 0)
		return -1;
	(void)!str_format(quoted, sizeof(quoted), "\"%s\"", uuid);
	(void)!base64_encode(bytes_str(quoted), out, DPS_ETAG_MAX);
	return 0;
}

/* etag and times; created stays what it was, and so do certificates that came back as thumbprints. */
static int stamp(const struct dps_call *call, const char *id, json_t *doc, struct err *err)
{
	const struct dps_record *old = dps_store_find(call->store, call->kind->table, id);
	CLEANUP(json_freep) json_t *before = old != NULL ? json_loads(old->text, 0, NULL) : NULL;
	const char *created = json_string_value(json_object_get(before, "createdDateTimeUtc"));
	char now[DPS_TIME_LEN + 1], etag[DPS_ETAG_MAX];

	if (dps_attestation_keep(json_object_get(doc, "attestation"), json_object_get(before, "attestation"),
				 err) < 0)
		return -1;
	dps_time_text(call->req->at_ticks, now);
	if (dps_etag_new(etag, err) < 0)
		return -1;
	if (json_object_set_new(doc, "etag", json_string(etag)) < 0 ||
	    json_object_set_new(doc, "createdDateTimeUtc", json_string(created != NULL ? created : now)) <
		    0 ||
	    json_object_set_new(doc, "lastUpdatedDateTimeUtc", json_string(now)) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	return 0;
}

static int body_id_check(const struct dps_kind *kind, const json_t *in, const char *id, struct err *err)
{
	const char *inside = json_string_value(json_object_get(in, kind->id_key));

	if (inside == NULL || !dps_id_valid(inside))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s is missing or invalid.", kind->id_key);
	if (strcasecmp(inside, id) != 0)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s does not match the path.", kind->id_key);
	return 0;
}

static int doc_take(const struct dps_kind *kind, const json_t *in, json_t **ret_doc, struct err *err)
{
	CLEANUP(json_freep) json_t *doc = json_object();
	json_t *attestation = NULL;

	if (doc == NULL || json_object_set(doc, kind->id_key, json_object_get(in, kind->id_key)) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	if (dps_attestation_take(kind, json_object_get(in, "attestation"), &attestation, err) < 0)
		return -1;
	if (json_object_set_new(doc, "attestation", attestation) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	if (dps_fields_take(kind, in, doc, err) < 0)
		return -1;
	*ret_doc = doc;
	doc = NULL;
	return 0;
}

int dps_record_write(struct dps_call *call, const char *id, const json_t *in, const char *if_match,
		     json_t **ret_doc, struct err *err)
{
	CLEANUP(json_freep) json_t *doc = NULL;

	if (body_id_check(call->kind, in, id, err) < 0 || doc_take(call->kind, in, &doc, err) < 0 ||
	    write_allowed(call, id, if_match, err) < 0 || stamp(call, id, doc, err) < 0 ||
	    dps_store_put(call->store, call->kind->table, id, doc, err) < 0)
		return -1;
	call->changed = true;
	dps_attestation_hide(json_object_get(doc, "attestation"));
	*ret_doc = doc;
	doc = NULL;
	return 0;
}

int dps_record_delete(struct dps_call *call, const char *id, const char *if_match, struct err *err)
{
	const struct dps_record *record;

	if (record_find(call, id, &record, err) < 0 ||
	    (if_match != NULL && etag_check(record, if_match, err) < 0) ||
	    dps_store_delete(call->store, call->kind->table, id, err) < 0)
		return -1;
	/* Its registration is a part of an individual enrollment; a group's devices keep theirs. */
	if (call->kind->individual && dps_store_delete(call->store, DPS_REGISTRATIONS, id, err) < 0)
		return -1;
	call->changed = true;
	return 0;
}

int dps_record_public(const struct dps_record *record, json_t **ret_doc, struct err *err)
{
	json_t *doc = json_loads(record->text, 0, NULL);

	if (doc == NULL)
		return err_set(err, ERR_STATION, 0, "no memory for record %s", record->id);
	(void)json_object_del(json_object_get(doc, "attestation"), "symmetricKey");
	dps_attestation_hide(json_object_get(doc, "attestation"));
	*ret_doc = doc;
	return 0;
}

/* An empty header counts as none. */
static const char *if_match_of(const struct dps_call *call)
{
	const char *value = dps_request_header(call->req, "If-Match");

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* "unassigned" until the device has registered. */
static int show_state(const struct dps_call *call, json_t *doc, struct err *err)
{
	CLEANUP(json_freep) json_t *registration = NULL;
	json_t *state;

	if (dps_record_load(call->store, DPS_REGISTRATIONS, call->id, &registration, err) < 0)
		return -1;
	state = registration != NULL
			? dps_registration_state(registration)
			: json_pack("{s:O, s:s}", "registrationId", json_object_get(doc, "registrationId"),
				    "status", "unassigned");
	if (json_object_set_new(doc, "registrationState", state) < 0)
		return err_set(err, ERR_STATION, 0, "no memory");
	return 0;
}

int dps_enrollment_get(struct dps_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *doc = NULL;
	const struct dps_record *record;

	if (record_find(call, call->id, &record, err) < 0 || dps_record_public(record, &doc, err) < 0 ||
	    (call->kind->individual && show_state(call, doc, err) < 0))
		return -1;
	return dps_response_json(call->res, 200, doc, err);
}

int dps_enrollment_put(struct dps_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *body = NULL, *doc = NULL;

	if (dps_call_json(call, &body, err) < 0 ||
	    dps_record_write(call, call->id, body, if_match_of(call), &doc, err) < 0)
		return -1;
	return dps_response_json(call->res, 200, doc, err);
}

int dps_enrollment_delete(struct dps_call *call, struct err *err)
{
	if (dps_record_delete(call, call->id, if_match_of(call), err) < 0)
		return -1;
	call->res->status = 204;
	return 0;
}

int dps_enrollment_attestation(struct dps_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *doc = NULL;
	const struct dps_record *record;

	if (record_find(call, call->id, &record, err) < 0)
		return -1;
	doc = json_loads(record->text, 0, NULL);
	if (doc == NULL)
		return err_set(err, ERR_STATION, 0, "no memory for record %s", record->id);
	dps_attestation_hide(json_object_get(doc, "attestation"));
	return dps_response_json(call->res, 200, json_object_get(doc, "attestation"), err);
}
