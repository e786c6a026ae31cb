/*
 * A machine's managed identity (dps-api 4.5): the metadata service of an Azure
 * VM, or the agent of an Arc server, which asks for a file first. Both speak plain
 * HTTP, so they are only ever called at an address that does not leave this
 * machine or its host, and never through a proxy.
 */
#include "enroll/enroll_internal.h"

#include <arpa/inet.h>

#define PATH         "/metadata/identity/oauth2/token"
#define VM_ENDPOINT  "http://169.254.169.254"
#define ARC_ENDPOINT "http://127.0.0.1:40342"
#define TIMEOUT_MS   10000
#define TICK_MS      100
#define WHOLE_PATH   400

static const struct {
	const char *endpoint, *version, *absent;
} agents[] = {
	[ENROLL_IDENTITY_AZURE_VM] = { VM_ENDPOINT, "2018-02-01",
				       "is this an Azure VM, and may it reach its metadata service?" },
	[ENROLL_IDENTITY_AZURE_ARC] = { ARC_ENDPOINT, "2019-11-01",
					"is the Arc agent (himds) running on this machine?" },
};

int identity_wait_s(long status, unsigned n)
{
	static const int waits[] = { 0, 2, 6, 14, 30 };

	if (status != 404 && status != 410 && status != 429 && status < 500)
		return -1;
	if (n < ARRAY_LEN(waits))
		return waits[n];
	/* The metadata service is being updated; that takes up to 70 seconds. */
	return status == 410 && n == ARRAY_LEN(waits) ? 30 : -1;
}

/* 127.0.0.0/8 and 169.254.0.0/16: what a router never forwards. */
static bool stays_here(const char *address)
{
	struct in_addr in;
	uint32_t ip;

	if (inet_pton(AF_INET, address, &in) != 1)
		return false;
	ip = ntohl(in.s_addr);
	return ip >> 24 == 127 || ip >> 16 == (169u << 8 | 254u);
}

/* http://ADDRESS[:PORT], with the path that the agents have or without; localhost is 127.0.0.1, unasked. */
static int endpoint_host(const char *endpoint, char *out, size_t cap)
{
	static const char scheme[] = "http://";
	char address[32];
	const char *rest;
	size_t n;

	if (strncmp(endpoint, scheme, sizeof(scheme) - 1) != 0)
		return -1;
	endpoint += sizeof(scheme) - 1;
	n = strcspn(endpoint, ":/");
	if (bytes_to_str(bytes_of(endpoint, n), address, sizeof(address)) < 0)
		return -1;
	rest = endpoint + n + (endpoint[n] == ':' ? 1 + strspn(endpoint + n + 1, "0123456789") : 0);
	if (rest[0] != '\0' && strcmp(rest, "/") != 0 && strcmp(rest, PATH) != 0)
		return -1;
	if (strcmp(address, "localhost") == 0)
		(void)!str_format(address, sizeof(address), "127.0.0.1");
	return stays_here(address) ? str_format(out, cap, "%s%.*s", address,
						(int)(rest - endpoint - (ptrdiff_t)n), endpoint + n)
				   : -1;
}

static int open_identity(struct auth *auth, const struct enroll_conf *conf, atomic_bool *abort,
			 struct err *err)
{
	const struct enroll_login *login = auth->login;
	const char *endpoint = login->identity_endpoint != NULL ? login->identity_endpoint
								: agents[login->identity].endpoint;

	if (endpoint_host(endpoint, auth->issuer_host, sizeof(auth->issuer_host)) < 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "[service] identity-endpoint is no http://ADDRESS:PORT on this machine "
			       "(127.x.x.x or 169.254.x.x)");
	auth->issuer_conf = (struct enroll_conf){
		.host = auth->issuer_host,
		.attempts_max = 1,
		.timeout_ms = conf->timeout_ms < TIMEOUT_MS ? conf->timeout_ms : TIMEOUT_MS,
	};
	return http_open_plain(&auth->issuer_conf, abort, &auth->issuer, err);
}

static int make_path(const struct enroll_login *login, char out[WHOLE_PATH], struct err *err)
{
	bool chosen = login->client_id != NULL && login->client_id[0] != '\0';
	char client[3 * 64 + 1] = "";

	if ((chosen && percent_encode(login->client_id, client, sizeof(client)) < 0) ||
	    str_format(out, WHOLE_PATH, PATH "?api-version=%s&resource=%s%s%s",
		       agents[login->identity].version, AUTH_RESOURCE_ENCODED, chosen ? "&client_id=" : "",
		       client) < 0)
		return err_set(err, ERR_OPERATOR, 0, "[service] client-id is too long");
	return 0;
}

/* Whoever waits here is told to stop like any call. */
static int pause_s(const struct auth *auth, int seconds, struct err *err)
{
	struct deadline dl = deadline_in_ms((unsigned)seconds * 1000);

	while (!deadline_passed(&dl)) {
		if (atomic_load(auth->abort))
			return err_set(err, ERR_RETRY, 0, "the call was given up because the station stops");
		deadline_sleep(&dl, TICK_MS);
	}
	return 0;
}

/* Again and again while it says that it may come; then it has said its last word. */
static int ask(struct auth *auth, const char *path, const struct secret *key, struct http_reply *reply,
	       struct err *err)
{
	const struct http_request request = { "GET", path, BYTES_NONE };
	const struct http_extra extra = { .header = "Metadata: true" };
	int wait_s;

	auth->asked = true;
	for (unsigned n = 0;; n++) {
		if (http_perform_extra(auth->issuer, &request, &extra, key, reply, err) < 0)
			return err_wrap(err, "%s", agents[auth->login->identity].absent);
		wait_s = identity_wait_s(reply->status, n);
		if (wait_s < 0)
			return 0;
		if (pause_s(auth, wait_s, err) < 0)
			return -1;
	}
}

static int answer_challenge(struct auth *auth, const char *path, struct http_reply *reply, struct err *err)
{
	const char *dir = auth->login->identity_keys != NULL ? auth->login->identity_keys : ARC_KEY_DIR;
	SECRET_AUTO key = { NULL, 0 }, header = { NULL, 0 };
	static const char prefix[] = "Authorization: Basic ";

	if (arc_key_read(reply->challenge, dir, &key, err) < 0 ||
	    secret_new(sizeof(prefix) + key.len, &header, err) < 0)
		return -1;
	memcpy(header.p, prefix, sizeof(prefix) - 1);
	memcpy(header.p + sizeof(prefix) - 1, key.p, key.len);
	return ask(auth, path, &header, reply, err);
}

static int refused(const struct auth *auth, const struct http_reply *reply, struct err *err)
{
	struct token_error error;

	if (reply->kind == REPLY_BUSY || reply->status == 410)
		return err_set(err, ERR_RETRY, reply->status, "it answered HTTP %ld for a minute",
			       reply->status);
	if (!token_error_parse(buf_bytes(&reply->body), &error))
		return err_set(err, ERR_OPERATOR, reply->status, "somebody else answered at %s: HTTP %ld",
			       auth->issuer_host, reply->status);
	return err_set(err, ERR_OPERATOR, reply->status,
		       "HTTP %ld, %s; give this machine an identity in Azure%s", reply->status, error.error,
		       auth->login->client_id != NULL ? ", or check client-id" : "");
}

static int make(struct auth *auth, int64_t now_s, struct auth_token *ret, struct err *err)
{
	CLEANUP(http_reply_deinit) struct http_reply reply = { .body = { .max = TOKEN_REPLY_MAX } };
	char path[WHOLE_PATH];

	if (make_path(auth->login, path, err) < 0 || ask(auth, path, NULL, &reply, err) < 0)
		return err_wrap(err, "managed identity");
	if (reply.status == 401 && auth->login->identity == ENROLL_IDENTITY_AZURE_ARC &&
	    answer_challenge(auth, path, &reply, err) < 0)
		return err_wrap(err, "managed identity");
	if ((reply.kind != REPLY_DONE ? refused(auth, &reply, err)
				      : token_reply_parse(buf_bytes(&reply.body), now_s, ret, err)) < 0)
		return err_wrap(err, "managed identity");
	return 0;
}

const struct auth_kind auth_identity = {
	.open = open_identity,
	.make = make,
	.advice_401 = "check that this machine's tenant is the service's",
	.advice_403 = AUTH_ADVICE_ROLE,
};
