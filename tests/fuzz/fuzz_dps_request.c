/*
 * The body of a request to the emulated service: its first byte picks the call, the
 * rest is the JSON. Records accumulate within one input only.
 */
#include <stdlib.h>

#include "base/digest.h"
#include "base/encode.h"
#include "enroll/emulator/dps_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TICKS 17953140000000000LL

static const char *const hosts[] = { "localhost", NULL };

static const struct {
	const char *method, *target;
} calls[] = {
	{ "PUT", "/enrollments/a?api-version=2021-10-01" },
	{ "POST", "/enrollments?api-version=2021-10-01" },
	{ "POST", "/enrollments/query?api-version=2021-10-01" },
	{ "PUT", "/enrollmentGroups/a?api-version=2021-10-01" },
	{ "POST", "/enrollmentGroups?api-version=2021-10-01" },
};

static void make_token(const struct dps_conf *conf, char *out, size_t cap)
{
	static const char message[] = "localhost\n9999999999";
	char sig[BASE64_LEN(SHA256_LEN) + 1];
	uint8_t mac[SHA256_LEN];

	hmac_sha256(BYTES_ARRAY(conf->key), BYTES_LIT(message), mac);
	if (base64_encode(BYTES_ARRAY(mac), sig, sizeof(sig)) < 0 ||
	    str_format(out, cap, "SharedAccessSignature sr=localhost&sig=%s&se=9999999999&skn=p", sig) < 0)
		abort();
}

/* Every answer has a status; every body is JSON. */
static void run(struct dps *dps, const struct dps_request *req)
{
	struct dps_response res;
	json_t *body;

	dps_response_init(&res);
	dps_handle(dps, req, &res);
	if (res.status < 200 || res.status == 401 || res.status == 500)
		abort();
	if (res.body.len > 0) {
		body = json_loadb((const char *)res.body.p, res.body.len, 0, NULL);
		if (body == NULL)
			abort();
		json_decref(body);
	}
	dps_response_deinit(&res);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dps_conf conf = { .hosts = hosts, .policy = "p" };
	char token[256];
	const struct dps_header headers[] = { { "Host", "localhost" },
					      { "Authorization", token },
					      { "Content-Type", "application/json" },
					      { "Content-Length", "1" } };
	struct dps_request req = { .headers = headers, .headers_n = ARRAY_LEN(headers), .at_ticks = TICKS };
	CLEANUP(dps_store_closep) struct dps_store *store = NULL;
	CLEANUP(dps_freep) struct dps *dps = NULL;
	struct err err;

	if (size < 1 || size > DPS_BODY_MAX)
		return 0;
	make_token(&conf, token, sizeof(token));
	if (dps_store_open(NULL, &store, &err) < 0 || dps_new(&conf, store, &dps, &err) < 0)
		abort();
	req.method = calls[data[0] % ARRAY_LEN(calls)].method;
	req.target = calls[data[0] % ARRAY_LEN(calls)].target;
	req.body = bytes_of(data + 1, size - 1);
	run(dps, &req);
	req.method = "POST";
	req.target = calls[2].target;
	req.body = BYTES_LIT("{\"query\":\"SELECT *\"}");
	run(dps, &req);
	return 0;
}
