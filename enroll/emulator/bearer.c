/*
 * Bearer tokens: "dps1.{audience}.{expiry}.{nonce}.{mac}". The MAC is under the
 * policy's key, so none can be made up and none has to be remembered.
 */
#include "enroll/emulator/login_internal.h"

#include <stdlib.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/digest.h"
#include "base/encode.h"

#define SCHEME           "Bearer "
#define TICKS_PER_SECOND 10000000
#define NONCE_LEN        8
#define MAC_TEXT         HEX_LEN(SHA256_LEN)

static const struct {
	const char *resource, *letter;
} audiences[] = {
	[DPS_AUDIENCE_SERVICE] = { "https://azure-devices-provisioning.net", "s" },
	[DPS_AUDIENCE_MANAGEMENT] = { "https://management.azure.com", "m" },
};

/* A slash at the end is Azure's own habit. */
int dps_audience_of(const char *resource, enum dps_audience *ret)
{
	size_t len = strlen(resource);

	while (len > 0 && resource[len - 1] == '/')
		len--;
	for (unsigned i = 0; i < ARRAY_LEN(audiences); i++) {
		if (bytes_equal(bytes_of(resource, len), bytes_str(audiences[i].resource))) {
			*ret = (enum dps_audience)i;
			return 0;
		}
	}
	return -1;
}

static void mac_of(const struct dps_conf *conf, struct bytes text, char out[MAC_TEXT + 1])
{
	uint8_t mac[SHA256_LEN];

	hmac_sha256(BYTES_ARRAY(conf->key), text, mac);
	(void)!hex_encode(BYTES_ARRAY(mac), out, MAC_TEXT + 1);
}

int dps_bearer_new(const struct dps_conf *conf, enum dps_audience audience, int64_t at_ticks,
		   char out[DPS_BEARER_MAX], struct err *err)
{
	long long until = at_ticks / TICKS_PER_SECOND + conf->knobs.token_lifetime_s;
	char nonce[HEX_LEN(NONCE_LEN) + 1], mac[MAC_TEXT + 1], text[DPS_BEARER_MAX];
	uint8_t raw[NONCE_LEN];

	if (RAND_bytes(raw, sizeof(raw)) != 1 || hex_encode(BYTES_ARRAY(raw), nonce, sizeof(nonce)) < 0 ||
	    str_format(text, sizeof(text), "dps1.%s.%lld.%s", audiences[audience].letter, until, nonce) < 0)
		return err_set(err, ERR_STATION, 0, "a token can't be made");
	mac_of(conf, bytes_str(text), mac);
	return str_format(out, DPS_BEARER_MAX, "%s.%s", text, mac) < 0
		       ? err_set(err, ERR_STATION, 0, "a token can't be made")
		       : 0;
}

bool dps_is_bearer(const struct dps_request *req)
{
	const char *header = dps_request_header(req, "Authorization");

	return header != NULL && strncasecmp(header, SCHEME, sizeof(SCHEME) - 1) == 0;
}

static bool genuine(const struct dps_conf *conf, const char *token)
{
	const char *dot = strrchr(token, '.');
	char mac[MAC_TEXT + 1];

	if (dot == NULL || strlen(dot + 1) != MAC_TEXT)
		return false;
	mac_of(conf, bytes_of(token, (size_t)(dot - token)), mac);
	return CRYPTO_memcmp(mac, dot + 1, MAC_TEXT) == 0;
}

/* GET and queries; symmetric keys are not part of a reader's data actions (dps-api 4.4). */
static bool only_reads(const struct dps_request *req)
{
	static const char query[] = "/query";
	size_t len = strcspn(req->target, "?");

	while (len > 0 && req->target[len - 1] == '/')
		len--;
	return strcmp(req->method, "GET") == 0 ||
	       (strcmp(req->method, "POST") == 0 && len >= sizeof(query) - 1 &&
		strncasecmp(req->target + len - (sizeof(query) - 1), query, sizeof(query) - 1) == 0);
}

static int check_role(const struct dps_conf *conf, const struct dps_request *req, struct err *err)
{
	switch ((enum dps_role)conf->knobs.bearer_role) {
	case DPS_ROLE_CONTRIBUTOR:
		return 0;
	case DPS_ROLE_READER:
		if (only_reads(req))
			return 0;
		break;
	case DPS_ROLE_NONE:
		break;
	}
	return err_set(err, ERR_UNIT, DPS_FORBIDDEN, "The caller's role does not allow this action.");
}

int dps_bearer_check(const struct dps_conf *conf, enum dps_audience audience, const struct dps_request *req,
		     struct err *err)
{
	const char *token = dps_request_header(req, "Authorization") + sizeof(SCHEME) - 1;

	if (!genuine(conf, token))
		return dps_unauthorized("the bearer token is none of this service's", err);
	if (strncmp(token + sizeof("dps1"), audiences[audience].letter, 1) != 0)
		return dps_unauthorized("the bearer token is for another audience", err);
	if (strtoll(token + sizeof("dps1.s"), NULL, 10) < req->at_ticks / TICKS_PER_SECOND)
		return dps_unauthorized("the bearer token has expired", err);
	return check_role(conf, req, err);
}
