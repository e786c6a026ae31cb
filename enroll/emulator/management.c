/*
 * Paths of the management plane: one const table, as in route.c. The caller is
 * somebody with a bearer token for Azure Resource Manager; a policy's SAS is not
 * taken here.
 */
#include "enroll/emulator/management_internal.h"

#include <stdlib.h>
#include <strings.h>

#include "base/encode.h"

#define ROOT         "/subscriptions/"
#define SEGMENTS_MAX 12
#define INSTANCE     8 /* segments of the instance's own path */
#define TYPE         "Microsoft.Devices/provisioningServices"

struct path {
	struct bytes segments[SEGMENTS_MAX];
	size_t n;
};

/* Which handler; "*" takes the name of a certificate or policy. */
struct action {
	const char *method;
	const char *path;
	int (*run)(struct dps_ca_call *call, struct err *err);
};

static int instance_get(struct dps_ca_call *call, struct err *err);
static int keys_list(struct dps_ca_call *call, struct err *err);
static int key_get(struct dps_ca_call *call, struct err *err);

static const struct action actions[] = {
	{ "GET", "", instance_get },
	{ "POST", "listkeys", keys_list },
	{ "POST", "keys/*/listkeys", key_get },
	{ "GET", "certificates", dps_ca_list },
	{ "GET", "certificates/*", dps_ca_get },
	{ "PUT", "certificates/*", dps_ca_put },
	{ "DELETE", "certificates/*", dps_ca_delete },
	{ "POST", "certificates/*/generateVerificationCode", dps_ca_code },
	{ "POST", "certificates/*/verify", dps_ca_verify },
};

static const char *const api_versions[] = { "2017-11-15", "2018-01-22", "2020-01-01", "2020-03-01",
					    "2021-10-15", "2022-02-05", "2022-12-12" };

bool dps_is_management(const struct dps_request *req)
{
	return strncasecmp(req->target, ROOT, sizeof(ROOT) - 1) == 0;
}

static const char *status_name(long status)
{
	static const struct {
		long status;
		const char *name;
	} names[] = {
		{ 400, "BadRequest" }, { 401, "Unauthorized" },     { 403, "Forbidden" },
		{ 404, "NotFound" },   { 405, "MethodNotAllowed" }, { 412, "PreconditionFailed" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].status == status)
			return names[i].name;
	}
	return "InternalServerError";
}

void dps_management_error(struct dps_response *res, const struct err *error)
{
	long code = error->class == ERR_UNIT && error->code >= 400000 && error->code < 600000 ? error->code
											      : DPS_INTERNAL;
	CLEANUP(json_freep)
	json_t *body = json_pack("{s:I, s:s, s:s, s:s}", "code", (json_int_t)code, "httpStatusCode",
				 status_name(code / 1000), "message",
				 code == error->code ? error->what : "Internal server error.", "details",
				 code == error->code ? error->where : "");
	struct err ignored;

	buf_clear(&res->body);
	if (body == NULL || dps_response_json(res, (unsigned)(code / 1000), body, &ignored) < 0)
		buf_clear(&res->body);
	res->status = (unsigned)(code / 1000);
}

static int path_split(const char *target, struct path *ret)
{
	const char *at = target;

	*ret = (struct path){ 0 };
	while (*at == '/') {
		size_t len = strcspn(at + 1, "/?");

		if (len == 0 || ret->n == SEGMENTS_MAX)
			return -1;
		ret->segments[ret->n++] = bytes_of(at + 1, len);
		at += 1 + len;
	}
	return *at == '\0' || *at == '?' ? 0 : -1;
}

static bool segment_is(struct bytes segment, const char *text, size_t len)
{
	return segment.len == len && strncasecmp((const char *)segment.p, text, len) == 0;
}

/* The name of one of our hosts, up to its first dot. */
static bool names_instance(const struct dps_conf *conf, struct bytes name)
{
	for (size_t i = 0; conf->hosts[i] != NULL; i++) {
		const char *dot = strchr(conf->hosts[i], '.');

		if (dot != NULL && strcmp(dot, ".azure-devices-provisioning.net") == 0 &&
		    segment_is(name, conf->hosts[i], (size_t)(dot - conf->hosts[i])))
			return true;
	}
	return false;
}

/* /subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Devices/provisioningServices/{name} */
static bool is_instance(const struct dps_conf *conf, const struct path *path)
{
	return path->n >= INSTANCE && segment_is(path->segments[2], "resourceGroups", 14) &&
	       segment_is(path->segments[4], "providers", 9) &&
	       segment_is(path->segments[5], "Microsoft.Devices", 17) &&
	       segment_is(path->segments[6], "provisioningServices", 20) &&
	       names_instance(conf, path->segments[7]);
}

static bool path_matches(const struct path *path, const char *pattern, struct bytes *ret_name)
{
	size_t i = INSTANCE;

	for (; i < path->n && *pattern != '\0'; i++) {
		size_t len = strcspn(pattern, "/");

		if (pattern[0] == '*')
			*ret_name = path->segments[i];
		else if (!segment_is(path->segments[i], pattern, len))
			return false;
		pattern += len + (pattern[len] == '/' ? 1 : 0);
	}
	return i == path->n && *pattern == '\0';
}

static int action_find(const struct dps_request *req, const struct path *path, struct bytes *ret_name,
		       const struct action **ret_action, struct err *err)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (!path_matches(path, actions[i].path, ret_name))
			continue;
		known = true;
		if (strcmp(actions[i].method, req->method) == 0) {
			*ret_action = &actions[i];
			return 0;
		}
	}
	return known ? err_set(err, ERR_UNIT, DPS_NOT_ALLOWED, "The method is not allowed for this path.")
		     : err_set(err, ERR_UNIT, DPS_NO_RESOURCE, "Resource not found.");
}

static int version_check(const struct dps_request *req, struct err *err)
{
	char version[32];

	if (dps_form_value(dps_target_query(req->target), "api-version", version, sizeof(version)) < 0)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The query parameter api-version is missing.");
	for (size_t i = 0; i < ARRAY_LEN(api_versions); i++) {
		if (strcmp(version, api_versions[i]) == 0)
			return 0;
	}
	return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "Unknown api version.");
}

static int caller_check(const struct dps_conf *conf, const struct dps_request *req, struct err *err)
{
	if (!dps_is_bearer(req))
		return dps_unauthorized("a bearer token for https://management.azure.com is needed", err);
	return dps_bearer_check(conf, DPS_AUDIENCE_MANAGEMENT, req, err);
}

int dps_management_serve(const struct dps_management *management, const struct dps_request *req,
			 struct dps_response *res, struct err *err)
{
	struct dps_ca_call call = { .management = management, .req = req, .res = res };
	struct bytes name = BYTES_NONE;
	const struct action *action;
	struct path path;
	char id[384];

	if (path_split(req->target, &path) < 0 || !is_instance(management->conf, &path))
		return err_set(err, ERR_UNIT, DPS_NO_RESOURCE, "Resource not found.");
	if (action_find(req, &path, &name, &action, err) < 0 || version_check(req, err) < 0 ||
	    caller_check(management->conf, req, err) < 0)
		return -1;
	if (bytes_to_str(bytes_of(req->target,
				  (size_t)(path.segments[INSTANCE - 1].p + path.segments[INSTANCE - 1].len -
					   (const uint8_t *)req->target)),
			 id, sizeof(id)) < 0 ||
	    (name.p != NULL &&
	     (dps_percent_decode(name, call.name, sizeof(call.name)) < 0 || !dps_id_valid(call.name))))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "A name in the path is invalid.");
	call.id = id;
	return action->run(&call, err) < 0 ? -1 : dps_store_sync(management->store, err);
}

/* --- The instance and its policies ------------------------------------------------------------------------------ */

static int instance_get(struct dps_ca_call *call, struct err *err)
{
	const struct dps_conf *conf = call->management->conf;
	CLEANUP(json_freep) json_t *hubs = json_array();
	CLEANUP(json_freep) json_t *doc = NULL;
	const char *name = strrchr(call->id, '/') + 1;
	char host[256];

	for (size_t i = 0; conf->hubs != NULL && conf->hubs[i] != NULL; i++)
		(void)json_array_append_new(hubs, json_pack("{s:s}", "name", conf->hubs[i]));
	if (str_format(host, sizeof(host), "%s.azure-devices-provisioning.net", name) < 0)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "A name in the path is invalid.");
	doc = json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:O}}", "id", call->id, "name", name,
			"type", TYPE, "properties", "state", "Active", "allocationPolicy", "Hashed",
			"idScope", conf->id_scope, "serviceOperationsHostName", host,
			"deviceProvisioningHostName", "global.azure-devices-provisioning.net", "iotHubs",
			hubs);
	return dps_response_json(call->res, 200, doc, err);
}

static int policy(const struct dps_conf *conf, json_t **ret_policy, struct err *err)
{
	char key[BASE64_LEN(DPS_KEY_LEN) + 1];

	(void)!base64_encode(BYTES_ARRAY(conf->key), key, sizeof(key));
	*ret_policy = json_pack("{s:s, s:s, s:s, s:s}", "keyName", conf->policy, "primaryKey", key,
				"secondaryKey", key, "rights",
				"ServiceConfig, DeviceConnect, EnrollmentWrite, RegistrationStatusWrite");
	return *ret_policy != NULL ? 0 : err_set(err, ERR_STATION, DPS_INTERNAL, "no memory");
}

static int keys_list(struct dps_ca_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *doc = NULL;
	json_t *one;

	if (policy(call->management->conf, &one, err) < 0)
		return -1;
	doc = json_pack("{s:[o]}", "value", one);
	return dps_response_json(call->res, 200, doc, err);
}

static int key_get(struct dps_ca_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *one = NULL;

	if (strcasecmp(call->name, call->management->conf->policy) != 0)
		return err_set(err, ERR_UNIT, DPS_NO_RESOURCE, "There is no such policy.");
	if (policy(call->management->conf, &one, err) < 0)
		return -1;
	return dps_response_json(call->res, 200, one, err);
}
