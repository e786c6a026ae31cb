/*
 * Who may call the service API (dps-api 4.3). sr is decoded only to compare it
 * with the host and path it is used for. Each refusal says why in the answer's
 * info: this service guards nothing, and its user is looking for a mistake.
 */
#include "enroll/emulator/login_internal.h"

#include <strings.h>

const char *dps_request_host(const struct dps_conf *conf, const struct dps_request *req)
{
	const char *host = dps_request_header(req, "Host");
	size_t len = host != NULL ? strcspn(host, ":") : 0;

	for (size_t i = 0; len > 0 && conf->hosts[i] != NULL; i++) {
		if (strlen(conf->hosts[i]) == len && strncasecmp(conf->hosts[i], host, len) == 0)
			return conf->hosts[i];
	}
	return NULL;
}

/* What follows the host in sr: nothing, a port, a path that the request's path is under, or both. */
static bool covers(const char *rest, const char *target)
{
	size_t len;

	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	len = strlen(rest);
	while (len > 0 && rest[len - 1] == '/')
		len--;
	if (len == 0)
		return true;
	return rest[0] == '/' && strncasecmp(rest, target, len) == 0 && strchr("/?", target[len]) != NULL;
}

static bool resource_right(const struct dps_conf *conf, const struct dps_request *req, const char *sr)
{
	const char *host = dps_request_host(conf, req);
	char resource[DPS_TOKEN_FIELD];
	size_t len;

	if (host == NULL || dps_percent_decode(bytes_str(sr), resource, sizeof(resource)) < 0)
		return false;
	len = strlen(host);
	return strncasecmp(resource, host, len) == 0 && covers(resource + len, req->target);
}

/* Or a bearer token of Entra ID (4.4). */
int dps_sas_check(const struct dps_conf *conf, const struct dps_request *req, struct err *err)
{
	const char *header = dps_request_header(req, "Authorization");
	char policy[DPS_TOKEN_FIELD];
	struct dps_token token;

	if (dps_is_bearer(req))
		return dps_bearer_check(conf, DPS_AUDIENCE_SERVICE, req, err);
	if (header == NULL)
		return dps_unauthorized("there is no Authorization header", err);
	if (dps_token_parse(header, &token) < 0)
		return dps_unauthorized(
			"the Authorization header is not a SharedAccessSignature with sr, sig, se and skn",
			err);
	if (dps_percent_decode(bytes_str(token.skn), policy, sizeof(policy)) < 0 ||
	    strcmp(policy, conf->policy) != 0)
		return dps_unauthorized("skn names no policy of this service", err);
	if (!resource_right(conf, req, token.sr))
		return dps_unauthorized("sr is not the host that was called", err);
	if (!dps_token_signed(&token, BYTES_ARRAY(conf->key)))
		return dps_unauthorized("sig does not fit sr, se and the policy's key", err);
	if (dps_token_expired(&token, req->at_ticks))
		return dps_unauthorized("the token has expired", err);
	return 0;
}
