/*
 * Entra ID's token endpoint for one application (dps-api 4.4): client credentials
 * with a secret, or with an assertion that a registered certificate's key signed.
 * Error numbers are those that Entra ID documents; clients branch on them.
 */
#include "enroll/emulator/login_internal.h"

#include <strings.h>

#include <openssl/crypto.h>

#define PATH             "/oauth2/v2.0/token"
#define ASSERTION_TYPE   "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define TICKS_PER_SECOND 10000000
#define GRACE_SECONDS    300
#define VALUE_MAX        256

struct refusal {
	unsigned status;
	const char *error;
	int code;
	const char *text;
};

static const struct refusal
	no_tenant = { 400, "invalid_request", 90002, "Tenant not found." },
	no_parameter = { 400, "invalid_request", 900144, "A parameter is missing" },
	no_grant = { 400, "unsupported_grant_type", 70003, "The grant type is not supported." },
	no_scope = { 400, "invalid_scope", 70011, "The scope is not valid." },
	no_client = { 400, "unauthorized_client", 700016, "The application was not found in the directory." },
	no_credential = { 401, "invalid_client", 7000216,
			  "'client_assertion', 'client_secret' or 'request' is required." },
	bad_secret = { 401, "invalid_client", 7000215, "Invalid client secret provided." },
	bad_assertion = { 401, "invalid_client", 700027, "Client assertion failed validation" },
	bad_audience = { 401, "invalid_client", 700023, "Client assertion audience is wrong." },
	bad_time = { 401, "invalid_client", 700024, "Client assertion is not within its valid time range." };

static int refuse(const struct dps_request *req, const struct refusal *refusal, const char *detail,
		  struct dps_response *res, struct err *err)
{
	char text[400], at[DPS_TIME_LEN + 1], trace[DPS_UUID_LEN + 1];
	CLEANUP(json_freep) json_t *body = NULL;

	dps_time_text(req->at_ticks, at);
	if (dps_uuid(trace, err) < 0)
		return -1;
	(void)!str_format(text, sizeof(text), "AADSTS%d: %s%s%s", refusal->code, refusal->text,
			  detail != NULL ? ": " : "", detail != NULL ? detail : "");
	body = json_pack("{s:s, s:s, s:[i], s:s, s:s, s:s}", "error", refusal->error, "error_description",
			 text, "error_codes", refusal->code, "timestamp", at, "trace_id", trace,
			 "correlation_id", trace);
	return dps_response_json(res, refusal->status, body, err);
}

bool dps_is_token_request(const struct dps_request *req)
{
	const char *slash = req->target[0] == '/' ? strchr(req->target + 1, '/') : NULL;
	size_t len = sizeof(PATH) - 1;

	return slash != NULL && strncmp(slash, PATH, len) == 0 && strchr("?", slash[len]) != NULL;
}

static bool tenant_right(const struct dps_conf *conf, const struct dps_request *req)
{
	size_t len = strlen(conf->entra.tenant);

	return len > 0 && strncasecmp(req->target + 1, conf->entra.tenant, len) == 0 &&
	       req->target[1 + len] == '/';
}

/* The real endpoint's name, or this one's as the client called it. */
static bool audience_right(const struct dps_conf *conf, const struct dps_request *req, const char *audience)
{
	const char *host = dps_request_header(req, "Host");
	char real[VALUE_MAX], here[VALUE_MAX];

	if (audience == NULL || str_format(real, sizeof(real), "https://login.microsoftonline.com/%s" PATH,
					   conf->entra.tenant) < 0)
		return false;
	if (strcmp(audience, real) == 0)
		return true;
	return host != NULL &&
	       str_format(here, sizeof(here), "https://%s/%s" PATH, host, conf->entra.tenant) == 0 &&
	       strcmp(audience, here) == 0;
}

static bool claim_is(const struct dps_jwt *jwt, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(jwt->claims, name));

	return text != NULL && strcmp(text, value) == 0;
}

static bool time_right(const struct dps_jwt *jwt, int64_t at_ticks)
{
	const json_t *exp = json_object_get(jwt->claims, "exp"), *nbf = json_object_get(jwt->claims, "nbf");
	json_int_t now = at_ticks / TICKS_PER_SECOND;

	return json_is_integer(exp) && json_is_integer(nbf) &&
	       json_integer_value(exp) + GRACE_SECONDS > now &&
	       json_integer_value(nbf) - GRACE_SECONDS <= now;
}

/* NULL if all is well; the reason of a bad assertion is left in err. */
static const struct refusal *judge_assertion(const struct dps_conf *conf, const struct dps_request *req,
					     const char *text, struct err *err)
{
	CLEANUP(dps_jwt_deinit) struct dps_jwt jwt = { 0 };
	const char *id;

	if (dps_jwt_parse(bytes_str(text), &jwt, err) < 0 ||
	    dps_jwt_verify(&jwt, conf->entra.certificate_pem, err) < 0)
		return &bad_assertion;
	id = json_string_value(json_object_get(jwt.claims, "jti"));
	if (!claim_is(&jwt, "iss", conf->entra.client) || !claim_is(&jwt, "sub", conf->entra.client) ||
	    id == NULL || id[0] == '\0') {
		(void)err_set(err, ERR_UNIT, 0, "iss and sub have to be the client, jti must not be empty");
		return &bad_assertion;
	}
	if (!audience_right(conf, req, json_string_value(json_object_get(jwt.claims, "aud"))))
		return &bad_audience;
	return time_right(&jwt, req->at_ticks) ? NULL : &bad_time;
}

static const struct refusal *judge_secret(const struct dps_conf *conf, const char *secret)
{
	size_t len = strlen(conf->entra.secret);

	return len > 0 && strlen(secret) == len && CRYPTO_memcmp(secret, conf->entra.secret, len) == 0
		       ? NULL
		       : &bad_secret;
}

static const struct refusal *judge_credential(const struct dps_conf *conf, const struct dps_request *req,
					      struct err *err)
{
	char text[VALUE_MAX];
	BUF_AUTO(assertion, DPS_JWT_MAX);
	uint8_t *at = buf_reserve(&assertion, DPS_JWT_MAX);

	if (dps_form_value(req->body, "client_secret", text, sizeof(text)) == 0)
		return judge_secret(conf, text);
	if (at == NULL || dps_form_value(req->body, "client_assertion", (char *)at, DPS_JWT_MAX) < 0)
		return &no_credential;
	if (dps_form_value(req->body, "client_assertion_type", text, sizeof(text)) < 0 ||
	    strcmp(text, ASSERTION_TYPE) != 0) {
		(void)err_set(err, ERR_UNIT, 0, "client_assertion_type is not " ASSERTION_TYPE);
		return &bad_assertion;
	}
	return judge_assertion(conf, req, (const char *)at, err);
}

/* https://azure-devices-provisioning.net/.default */
static int scope_audience(char *scope, enum dps_audience *ret)
{
	static const char suffix[] = "/.default";
	size_t len = strlen(scope);

	if (len < sizeof(suffix) || strcmp(scope + len - (sizeof(suffix) - 1), suffix) != 0)
		return -1;
	scope[len - (sizeof(suffix) - 1)] = '\0';
	return dps_audience_of(scope, ret);
}

static bool is_form(const struct dps_request *req)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = dps_request_header(req, "Content-Type");

	return type != NULL && strncasecmp(type, form, sizeof(form) - 1) == 0 &&
	       strchr("; \t", type[sizeof(form) - 1]) != NULL;
}

static const struct refusal *judge(const struct dps_conf *conf, const struct dps_request *req,
				   enum dps_audience *ret_audience, struct err *err)
{
	char grant[VALUE_MAX], client[VALUE_MAX], scope[VALUE_MAX];

	if (!tenant_right(conf, req))
		return &no_tenant;
	if (!is_form(req) || dps_form_value(req->body, "grant_type", grant, sizeof(grant)) < 0 ||
	    dps_form_value(req->body, "client_id", client, sizeof(client)) < 0 ||
	    dps_form_value(req->body, "scope", scope, sizeof(scope)) < 0) {
		(void)err_set(err, ERR_UNIT, 0, "grant_type, client_id and scope are needed, in a form");
		return &no_parameter;
	}
	if (strcmp(grant, "client_credentials") != 0)
		return &no_grant;
	if (strcasecmp(client, conf->entra.client) != 0)
		return &no_client;
	if (scope_audience(scope, ret_audience) < 0)
		return &no_scope;
	return judge_credential(conf, req, err);
}

int dps_entra_token(const struct dps_conf *conf, const struct dps_request *req, struct dps_response *res,
		    struct err *err)
{
	enum dps_audience audience = DPS_AUDIENCE_SERVICE;
	CLEANUP(json_freep) json_t *body = NULL;
	char token[DPS_BEARER_MAX];
	const struct refusal *refusal;
	struct err why = { 0 };

	if (strcmp(req->method, "POST") != 0)
		return err_set(err, ERR_UNIT, DPS_NOT_ALLOWED, "The method is not allowed for this path.");
	refusal = judge(conf, req, &audience, &why);
	if (refusal != NULL)
		return refuse(req, refusal, why.what[0] != '\0' ? why.what : NULL, res, err);
	if (dps_bearer_new(conf, audience, req->at_ticks, token, err) < 0)
		return -1;
	body = json_pack("{s:s, s:i, s:i, s:s}", "token_type", "Bearer", "expires_in",
			 (int)conf->knobs.token_lifetime_s, "ext_expires_in",
			 (int)conf->knobs.token_lifetime_s, "access_token", token);
	return dps_response_json(res, 200, body, err);
}
