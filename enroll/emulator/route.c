/*
 * From a request to its handler: one const table of verb and path. Path segments
 * are matched without case, a trailing slash is tolerated, ids are percent-decoded
 * (dps-api 1.2). The two APIs differ in who may call and in what a call costs: a
 * device proves itself in its handler, since the proof depends on its enrollment.
 */
#include "enroll/emulator/device_internal.h"
#include "enroll/emulator/management_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#define SEGMENTS_MAX     5
#define TICKS_PER_SECOND 10000000

/* What the path's placeholders took; no bytes where the route has none. */
struct values {
	struct bytes scope, id, operation;
};

/* Whether this caller is let in at all. */
typedef int admit_fn(struct dps_call *call, const struct values *values, struct err *err);
static admit_fn admit_service, admit_device;

enum body {
	BODY_IGNORED,
	BODY_JSON,
};

struct route {
	const char *method;
	const char *path; /* "{id}", "{scope}" and "{operation}" take one segment */
	enum body body;
	admit_fn *admit;
	int (*run)(struct dps_call *call, struct err *err);
	const struct dps_kind *kind;
};

/* Literal segments stand before placeholders where both could match. */
static const struct route routes[] = {
	{ "POST", "enrollments/query", BODY_JSON, admit_service, dps_query, &dps_enrollments },
	{ "POST", "enrollments", BODY_JSON, admit_service, dps_bulk, &dps_enrollments },
	{ "GET", "enrollments/{id}", BODY_IGNORED, admit_service, dps_enrollment_get, &dps_enrollments },
	{ "PUT", "enrollments/{id}", BODY_JSON, admit_service, dps_enrollment_put, &dps_enrollments },
	{ "DELETE", "enrollments/{id}", BODY_IGNORED, admit_service, dps_enrollment_delete,
	  &dps_enrollments },
	{ "POST", "enrollments/{id}/attestationmechanism", BODY_IGNORED, admit_service,
	  dps_enrollment_attestation, &dps_enrollments },
	{ "POST", "enrollmentGroups/query", BODY_JSON, admit_service, dps_query, &dps_groups },
	{ "POST", "enrollmentGroups", BODY_JSON, admit_service, dps_bulk, &dps_groups },
	{ "GET", "enrollmentGroups/{id}", BODY_IGNORED, admit_service, dps_enrollment_get, &dps_groups },
	{ "PUT", "enrollmentGroups/{id}", BODY_JSON, admit_service, dps_enrollment_put, &dps_groups },
	{ "DELETE", "enrollmentGroups/{id}", BODY_IGNORED, admit_service, dps_enrollment_delete,
	  &dps_groups },
	{ "POST", "enrollmentGroups/{id}/attestationmechanism", BODY_IGNORED, admit_service,
	  dps_enrollment_attestation, &dps_groups },
	{ "GET", "registrations/{id}", BODY_IGNORED, admit_service, dps_registration_get, NULL },
	{ "DELETE", "registrations/{id}", BODY_IGNORED, admit_service, dps_registration_delete, NULL },
	{ "POST", "registrations/{id}/query", BODY_IGNORED, admit_service, dps_registration_query, NULL },
	{ "PUT", "{scope}/registrations/{id}/register", BODY_JSON, admit_device, dps_register, NULL },
	{ "GET", "{scope}/registrations/{id}/operations/{operation}", BODY_IGNORED, admit_device,
	  dps_register_status, NULL },
	{ "POST", "{scope}/registrations/{id}", BODY_JSON, admit_device, dps_register_lookup, NULL },
};

/* dps-api 1.1 */
static const char *const api_versions[] = {
	"2018-04-01", "2018-09-01-preview", "2018-11-01", "2019-03-31",         "2021-06-01",
	"2021-10-01", "2025-07-01-preview", "2026-04-01", "2026-07-01-preview",
};

struct dps {
	pthread_mutex_t lock; /* over store and pace */
	struct dps_conf *conf;
	struct dps_store *store;
	struct dps_pace pace;
	struct dps_faults faults;
};

struct path {
	struct bytes segments[SEGMENTS_MAX];
	size_t n;
};

/* "/" segment *( "/" segment ) [ "/" ], up to the query */
static int path_split(const char *target, struct path *ret)
{
	const char *at = target;

	*ret = (struct path){ 0 };
	while (*at == '/' && at[1] != '\0' && at[1] != '?') {
		size_t len = strcspn(at + 1, "/?");

		if (len == 0 || ret->n == SEGMENTS_MAX)
			return -1;
		ret->segments[ret->n++] = bytes_of(at + 1, len);
		at += 1 + len;
	}
	if (*at == '/')
		at++;
	return ret->n > 0 && (*at == '\0' || *at == '?') ? 0 : -1;
}

static bool segment_is(struct bytes segment, const char *pattern, size_t len)
{
	return segment.len == len && strncasecmp((const char *)segment.p, pattern, len) == 0;
}

/* Where the segment goes that a placeholder takes; NULL for a literal. */
static struct bytes *value_of(struct values *values, const char *pattern)
{
	if (strncmp(pattern, "{id}", 4) == 0)
		return &values->id;
	if (strncmp(pattern, "{scope}", 7) == 0)
		return &values->scope;
	return strncmp(pattern, "{operation}", 11) == 0 ? &values->operation : NULL;
}

static bool path_matches(const struct path *path, const char *pattern, struct values *ret)
{
	struct values values = { 0 };
	size_t i;

	for (i = 0; i < path->n && *pattern != '\0'; i++) {
		size_t len = strcspn(pattern, "/");
		struct bytes *value = value_of(&values, pattern);

		if (value != NULL)
			*value = path->segments[i];
		else if (!segment_is(path->segments[i], pattern, len))
			return false;
		pattern += len + (pattern[len] == '/' ? 1 : 0);
	}
	if (i < path->n || *pattern != '\0')
		return false;
	*ret = values;
	return true;
}

static int route_find(const struct dps_request *req, const struct route **ret_route,
		      struct values *ret_values, struct err *err)
{
	bool known = false;
	struct path path;

	if (path_split(req->target, &path) < 0)
		return err_set(err, ERR_UNIT, DPS_NO_RESOURCE, "Resource not found.");
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!path_matches(&path, routes[i].path, ret_values))
			continue;
		known = true;
		if (strcmp(routes[i].method, req->method) == 0) {
			*ret_route = &routes[i];
			return 0;
		}
	}
	if (known)
		return err_set(err, ERR_UNIT, DPS_NOT_ALLOWED, "The method is not allowed for this path.");
	return err_set(err, ERR_UNIT, DPS_NO_RESOURCE, "Resource not found.");
}

static int version_check(const char *target, struct err *err)
{
	static const char name[] = "api-version=";
	const char *at = strchr(target, '?');

	while (at != NULL && strncasecmp(at + 1, name, sizeof(name) - 1) != 0)
		at = strchr(at + 1, '&');
	if (at == NULL)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The query parameter api-version is missing.");
	at += sizeof(name);
	for (size_t i = 0; i < ARRAY_LEN(api_versions); i++) {
		if (segment_is(bytes_of(at, strcspn(at, "&")), api_versions[i], strlen(api_versions[i])))
			return 0;
	}
	return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "Unknown api version.");
}

static int body_check(const struct route *route, const struct dps_request *req, struct err *err)
{
	static const char json[] = "application/json";
	const char *type = dps_request_header(req, "Content-Type");

	if (req->too_large)
		return err_set(err, ERR_UNIT, DPS_TOO_LARGE, "The request is larger than %d bytes.",
			       DPS_BODY_MAX);
	if ((strcmp(req->method, "PUT") == 0 || strcmp(req->method, "POST") == 0) &&
	    dps_request_header(req, "Content-Length") == NULL &&
	    dps_request_header(req, "Transfer-Encoding") == NULL)
		return err_set(err, ERR_UNIT, DPS_LENGTH_REQUIRED, "Content-Length is missing.");
	if (route->body == BODY_JSON && (type == NULL || strncasecmp(type, json, sizeof(json) - 1) != 0 ||
					 strchr("; \t", type[sizeof(json) - 1]) == NULL))
		return err_set(err, ERR_UNIT, DPS_NOT_JSON, "Content-Type has to be application/json.");
	return 0;
}

static int id_take(struct bytes segment, struct dps_call *call, struct err *err)
{
	if (segment.p == NULL)
		return 0;
	if (dps_percent_decode(segment, call->id, sizeof(call->id)) < 0 || !dps_id_valid(call->id))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST,
			       "The id in the path is invalid: 1 to 128 of letters, digits and '-._:', "
			       "the first and the last a letter, a digit or '-'.");
	return 0;
}

static int admit_service(struct dps_call *call, const struct values *values, struct err *err)
{
	(void)values;
	if (dps_sas_check(call->conf, call->req, err) < 0)
		return -1;
	return dps_pace_call(call->pace, &call->conf->knobs, call->req->at_ticks, call->res, err);
}

/* A wrong ID scope is an instance that does not exist; the service's own answer is not documented. */
static int admit_device(struct dps_call *call, const struct values *values, struct err *err)
{
	char scope[sizeof(call->conf->id_scope)];

	if (dps_percent_decode(values->scope, scope, sizeof(scope)) < 0 ||
	    strcasecmp(scope, call->conf->id_scope) != 0)
		return err_set(err, ERR_UNIT, DPS_NO_RESOURCE,
			       "There is no Device Provisioning Service with this ID scope.");
	if (values->operation.p != NULL &&
	    dps_percent_decode(values->operation, call->operation, sizeof(call->operation)) < 0)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The operation id in the path is invalid.");
	return 0;
}

static int serve(struct dps *dps, const struct dps_request *req, struct dps_response *res, struct err *err)
{
	struct dps_call call = {
		.conf = dps->conf, .store = dps->store, .pace = &dps->pace, .req = req, .res = res
	};
	const struct route *route;
	struct values values;

	if (route_find(req, &route, &values, err) < 0 || version_check(req->target, err) < 0 ||
	    route->admit(&call, &values, err) < 0 || body_check(route, req, err) < 0 ||
	    id_take(values.id, &call, err) < 0)
		return -1;
	call.kind = route->kind;
	if (route->run(&call, err) < 0 || dps_store_sync(dps->store, err) < 0)
		return -1;
	res->changed = call.changed;
	if (call.changed && dps_pace_drops_reply(&dps->pace, &dps->conf->knobs))
		res->end = DPS_END_CLOSE;
	return 0;
}

int dps_new(struct dps_conf *conf, struct dps_store *store, struct dps **ret_dps, struct err *err)
{
	struct dps *dps = calloc(1, sizeof(*dps));

	if (dps == NULL || pthread_mutex_init(&dps->lock, NULL) != 0) {
		free(dps);
		return err_set(err, ERR_STATION, ENOMEM, "no memory for the service");
	}
	dps->conf = conf;
	dps->store = store;
	*ret_dps = dps;
	return 0;
}

void dps_free(struct dps *dps)
{
	if (dps == NULL)
		return;
	(void)pthread_mutex_destroy(&dps->lock);
	free(dps);
}

void dps_knobs_now(struct dps *dps, struct dps_knobs *ret_knobs)
{
	(void)pthread_mutex_lock(&dps->lock);
	*ret_knobs = dps->conf->knobs;
	(void)pthread_mutex_unlock(&dps->lock);
}

/* A service whose clock is wrong judges by it, and says so. */
static void say_date(const struct dps_knobs *knobs, int64_t at_ticks, struct dps_response *res)
{
	char date[DPS_HTTP_DATE_LEN + 1];

	if (knobs->clock_skew_s == 0)
		return;
	dps_http_date(at_ticks, date);
	dps_response_header(res, "Date", date);
}

static int serve_token(struct dps *dps, const struct dps_request *req, struct dps_response *res,
		       struct err *err)
{
	if (dps_fault_token(&dps->faults, &dps->conf->knobs, err) < 0)
		return -1;
	return req->plain ? dps_managed_token(dps->conf, req, res, err)
			  : dps_entra_token(dps->conf, req, res, err);
}

static void serve_management(struct dps *dps, const struct dps_request *req, struct dps_response *res)
{
	const struct dps_management management = { dps->conf, dps->store };
	struct err err = { 0 };

	if (dps_management_serve(&management, req, res, &err) < 0)
		dps_management_error(res, &err);
}

static void serve_with_faults(struct dps *dps, const struct dps_request *req, struct dps_response *res)
{
	const struct dps_knobs *knobs = &dps->conf->knobs;
	struct dps_request at = *req;
	struct err err = { 0 };

	at.at_ticks += (int64_t)knobs->clock_skew_s * TICKS_PER_SECOND;
	say_date(knobs, at.at_ticks, res);
	if (dps_fault_before(&dps->faults, knobs, res))
		return;
	if (!at.plain && dps_is_management(&at))
		serve_management(dps, &at, res);
	else if ((at.plain || dps_is_token_request(&at) ? serve_token(dps, &at, res, &err)
							: serve(dps, &at, res, &err)) < 0)
		dps_response_error(res, &err, at.at_ticks);
	dps_fault_after(&dps->faults, knobs, res);
}

void dps_handle(struct dps *dps, const struct dps_request *req, struct dps_response *res)
{
	char request_id[DPS_UUID_LEN + 1];
	struct err err = { 0 };

	(void)pthread_mutex_lock(&dps->lock);
	if (req->plain || !dps_is_control(req))
		serve_with_faults(dps, req, res);
	else if (dps_control(dps->conf, req, res, &err) < 0)
		dps_response_error(res, &err, req->at_ticks);
	(void)pthread_mutex_unlock(&dps->lock);
	if (res->body.len > 0)
		dps_response_header(res, "Content-Type", res->content_type);
	if (dps_uuid(request_id, &err) == 0)
		dps_response_header(res, "x-ms-request-id", request_id);
}
