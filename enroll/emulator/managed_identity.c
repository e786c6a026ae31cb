/*
 * A machine's managed identity, on plain HTTP (dps-api 4.5). The api-version says
 * who is played: 2018-02-01 and other dates of the instance metadata service
 * answer at once; 2019-11-01 and later dates of the Arc agent ask for a file that
 * only a process on this machine can read. Numbers are strings.
 */
#include "enroll/emulator/login_internal.h"

#include <errno.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/file.h"

#define PATH             "/metadata/identity/oauth2/token"
#define TICKS_PER_SECOND 10000000
#define KEY_PATH_MAX     1024
#define CHALLENGE_LEN    (DPS_UUID_LEN + 1 + HEX_LEN(SHA256_LEN))

enum agent {
	AGENT_VM,
	AGENT_ARC,
};

static const struct {
	const char *version;
	enum agent agent;
} versions[] = {
	{ "2018-02-01", AGENT_VM },  { "2019-08-01", AGENT_VM },  { "2021-02-01", AGENT_VM },
	{ "2019-11-01", AGENT_ARC }, { "2020-06-01", AGENT_ARC },
};

static int refuse(unsigned status, const char *error, const char *text, struct dps_response *res,
		  struct err *err)
{
	CLEANUP(json_freep) json_t *body = json_pack("{s:s, s:s}", "error", error, "error_description", text);

	return dps_response_json(res, status, body, err);
}

static int agent_of(struct bytes query, enum agent *ret)
{
	char version[32];

	if (dps_form_value(query, "api-version", version, sizeof(version)) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		if (strcmp(versions[i].version, version) == 0) {
			*ret = versions[i].agent;
			return 0;
		}
	}
	return -1;
}

/* --- The Arc agent's file ------------------------------------------------------------------------------------ */

/* "{name}.{mac of it}": what the file of that name holds. */
static void challenge_of(const struct dps_conf *conf, const char *name, char out[CHALLENGE_LEN + 1])
{
	char hex[HEX_LEN(SHA256_LEN) + 1];
	uint8_t mac[SHA256_LEN];

	hmac_sha256(BYTES_ARRAY(conf->key), bytes_str(name), mac);
	(void)!hex_encode(BYTES_ARRAY(mac), hex, sizeof(hex));
	(void)!str_format(out, CHALLENGE_LEN + 1, "%s.%s", name, hex);
}

static int key_path(const struct dps_conf *conf, const char *name, char out[KEY_PATH_MAX], struct err *err)
{
	if (str_format(out, KEY_PATH_MAX, "%s/%s.key", conf->key_dir, name) < 0)
		return err_set(err, ERR_STATION, ENAMETOOLONG, "the path of a key file is too long");
	return 0;
}

static int challenge(const struct dps_conf *conf, struct dps_response *res, struct err *err)
{
	char name[DPS_UUID_LEN + 1], text[CHALLENGE_LEN + 1], path[KEY_PATH_MAX], realm[KEY_PATH_MAX + 16];

	if (dps_uuid(name, err) < 0 || key_path(conf, name, path, err) < 0)
		return -1;
	challenge_of(conf, name, text);
	if (mkdir(conf->key_dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_STATION, errno, "%s: %s", conf->key_dir, strerror(errno));
	if (file_replace(path, bytes_str(text), 0600, err) < 0)
		return -1;
	if (str_format(realm, sizeof(realm), "Basic realm=%s", path) < 0)
		return err_set(err, ERR_STATION, ENAMETOOLONG, "the path of a key file is too long");
	dps_response_header(res, "WWW-Authenticate", realm);
	return refuse(401, "unauthorized", "Read the file that WWW-Authenticate names.", res, err);
}

/* A file serves once. */
static bool answers_challenge(const struct dps_conf *conf, const char *header)
{
	static const char scheme[] = "Basic ";
	const char *text = header + sizeof(scheme) - 1;
	char name[DPS_UUID_LEN + 1], right[CHALLENGE_LEN + 1], path[KEY_PATH_MAX];
	struct err ignored;

	if (strncasecmp(header, scheme, sizeof(scheme) - 1) != 0 || strlen(text) != CHALLENGE_LEN ||
	    bytes_to_str(bytes_of(text, DPS_UUID_LEN), name, sizeof(name)) < 0 || strchr(name, '/') != NULL)
		return false;
	challenge_of(conf, name, right);
	return CRYPTO_memcmp(text, right, CHALLENGE_LEN) == 0 && key_path(conf, name, path, &ignored) == 0 &&
	       unlink(path) == 0;
}

/* --- The answer ------------------------------------------------------------------------------------------------ */

static int send_token(const struct dps_conf *conf, const struct dps_request *req, const char *resource,
		      struct dps_response *res, struct err *err)
{
	char token[DPS_BEARER_MAX], in[24], on[24], before[24];
	long long now = req->at_ticks / TICKS_PER_SECOND, lifetime = conf->knobs.token_lifetime_s;
	CLEANUP(json_freep) json_t *body = NULL;
	enum dps_audience audience;

	if (dps_audience_of(resource, &audience) < 0)
		return refuse(400, "invalid_resource", "AADSTS500011: The resource principal was not found.",
			      res, err);
	if (dps_bearer_new(conf, audience, req->at_ticks, token, err) < 0)
		return -1;
	(void)!str_format(in, sizeof(in), "%lld", lifetime);
	(void)!str_format(on, sizeof(on), "%lld", now + lifetime);
	(void)!str_format(before, sizeof(before), "%lld", now);
	body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "access_token", token, "client_id",
			 conf->entra.client, "expires_in", in, "expires_on", on, "not_before", before,
			 "resource", resource, "token_type", "Bearer");
	return dps_response_json(res, 200, body, err);
}

static bool client_right(const struct dps_conf *conf, struct bytes query)
{
	char client[128];

	return dps_form_value(query, "client_id", client, sizeof(client)) < 0 ||
	       strcasecmp(client, conf->entra.client) == 0;
}

int dps_managed_token(const struct dps_conf *conf, const struct dps_request *req, struct dps_response *res,
		      struct err *err)
{
	const char *metadata = dps_request_header(req, "Metadata");
	const char *login = dps_request_header(req, "Authorization");
	struct bytes query = dps_target_query(req->target);
	char resource[256];
	enum agent agent;

	if (strncmp(req->target, PATH "?", sizeof(PATH)) != 0 || strcmp(req->method, "GET") != 0)
		return refuse(404, "not_found", "There is nothing but " PATH ".", res, err);
	if (metadata == NULL || strcasecmp(metadata, "true") != 0 ||
	    dps_request_header(req, "X-Forwarded-For") != NULL)
		return refuse(400, "bad_request_102", "Required metadata header not specified", res, err);
	if (agent_of(query, &agent) < 0 || dps_form_value(query, "resource", resource, sizeof(resource)) < 0)
		return refuse(400, "invalid_request", "A known api-version and resource are needed.", res,
			      err);
	if (!client_right(conf, query))
		return refuse(400, "invalid_request", "Identity not found", res, err);
	if (agent == AGENT_ARC && login == NULL)
		return challenge(conf, res, err);
	if (agent == AGENT_ARC && !answers_challenge(conf, login))
		return refuse(401, "unauthorized", "This is not what the file holds.", res, err);
	return send_token(conf, req, resource, res, err);
}
