/*
 * GET and PUT /_knobs: faults on and off while the service runs. PUT replaces all
 * of them: a knob that is not named gets its default, so {} ends every fault. The
 * policy's SAS is asked for as anywhere, but judged by the true clock, and no
 * fault but those of TLS hits this path.
 */
#include "enroll/emulator/dps_internal.h"

static const char path[] = "/_knobs";

bool dps_is_control(const struct dps_request *req)
{
	size_t len = sizeof(path) - 1;

	return strncmp(req->target, path, len) == 0 && strchr("?", req->target[len]) != NULL;
}

static int replace(struct dps_conf *conf, const struct dps_request *req, struct err *err)
{
	CLEANUP(json_freep)
	json_t *doc = json_loadb((const char *)req->body.p, req->body.len, JSON_REJECT_DUPLICATES, NULL);
	struct dps_knobs knobs;
	struct err why = { 0 };
	char text[200];

	if (!json_is_object(doc))
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The knobs are no JSON object.");
	if (dps_knobs_from_json(doc, &knobs, &why) < 0)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s", err_text(&why, text, sizeof(text)));
	conf->knobs = knobs;
	return 0;
}

int dps_control(struct dps_conf *conf, const struct dps_request *req, struct dps_response *res,
		struct err *err)
{
	CLEANUP(json_freep) json_t *shown = NULL;

	if (dps_sas_check(conf, req, err) < 0)
		return -1;
	if (strcmp(req->method, "PUT") == 0) {
		if (replace(conf, req, err) < 0)
			return -1;
	} else if (strcmp(req->method, "GET") != 0) {
		return err_set(err, ERR_UNIT, DPS_NOT_ALLOWED, "The method is not allowed for this path.");
	}
	shown = dps_knobs_json(&conf->knobs);
	if (shown == NULL)
		return err_set(err, ERR_STATION, DPS_INTERNAL, "no memory");
	return dps_response_json(res, 200, shown, err);
}
