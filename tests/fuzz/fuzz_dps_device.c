/*
 * What a device sends to the emulated service. The first byte says how it proves
 * itself, two more how long a first part is; then come that part (a token, or a
 * certificate that stands before the chain) and the body.
 */
#include <stdlib.h>

#include "enroll/emulator/dps_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TICKS 17953140000000000LL
#define Q20   "qqqqqqqqqqqqqqqqqqqq"
#define Q80   Q20 Q20 Q20 Q20
#define EK                                                                                                   \
	"AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAAAAEA" Q80 Q80 Q80 Q80   \
		Q20 "qg=="
#define KEY "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static const char *const hosts[] = { "localhost", NULL };
static const char *const hubs[] = { "hub.x", NULL };

static const struct {
	enum dps_table table;
	const char *id, *doc;
} records[] = {
	{ DPS_ENROLLMENTS, "tpm",
	  "{\"etag\":\"e\",\"registrationId\":\"tpm\",\"attestation\":{\"type\":\"tpm\",\"tpm\":{"
	  "\"endorsementKey\":\"" EK "\"}}}" },
	{ DPS_ENROLLMENTS, "sym",
	  "{\"etag\":\"e\",\"registrationId\":\"sym\",\"attestation\":{\"type\":\"symmetricKey\","
	  "\"symmetricKey\":{"
	  "\"primaryKey\":\"" KEY "\"}}}" },
	{ DPS_ENROLLMENTS, "leaf",
	  "{\"etag\":\"e\",\"registrationId\":\"leaf\",\"attestation\":{\"type\":\"x509\",\"x509\":{"
	  "\"clientCertificates\":{\"primary\":{\"info\":{\"sha256Thumbprint\":\"00\"}}}}}}" },
	{ DPS_GROUPS, "group",
	  "{\"etag\":\"e\",\"enrollmentGroupId\":\"group\",\"attestation\":{\"type\":\"x509\",\"x509\":{"
	  "\"signingCertificates\":{\"primary\":{\"info\":{\"sha256Thumbprint\":\"00\"},\"certificate\":"
	  "\"MAA=\"}}}}}" },
};

static const struct {
	const char *method, *target;
} calls[] = {
	{ "PUT", "/s/registrations/tpm/register?api-version=2021-06-01" },
	{ "PUT", "/s/registrations/sym/register?api-version=2021-06-01" },
	{ "PUT", "/s/registrations/leaf/register?api-version=2021-06-01" },
	{ "PUT", "/s/registrations/device/register?api-version=2021-06-01" },
	{ "POST", "/s/registrations/tpm?api-version=2021-06-01" },
	{ "GET", "/s/registrations/sym/operations/5.1.1?api-version=2021-06-01" },
};

/* How the first part is meant. */
enum proof {
	PROOF_NONE,
	PROOF_TOKEN,
	PROOF_LEAF,
	PROOF_CHAIN, /* the same twice */
	PROOFS,
};

static void put_records(struct dps_store *store)
{
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		json_t *doc = json_loads(records[i].doc, 0, NULL);

		if (doc == NULL || dps_store_put(store, records[i].table, records[i].id, doc, &err) < 0)
			abort();
		json_decref(doc);
	}
}

/* Every answer has a status, none says that the service failed, and every body is JSON. */
static void run(struct dps *dps, const struct dps_request *req)
{
	struct dps_response res;
	json_t *body;

	dps_response_init(&res);
	dps_handle(dps, req, &res);
	if (res.status < 200 || res.status == 500 || res.body.len == 0)
		abort();
	body = json_loadb((const char *)res.body.p, res.body.len, 0, NULL);
	if (body == NULL)
		abort();
	json_decref(body);
	dps_response_deinit(&res);
}

static void run_call(struct dps *dps, size_t call, enum proof proof, struct bytes part, struct bytes body)
{
	char token[256];
	const struct dps_header headers[] = { { "Host", "localhost" },
					      { "Content-Type", "application/json" },
					      { "Content-Length", "1" },
					      { "Authorization", token } };
	const struct bytes chain[] = { part, part };
	struct dps_request req = { .method = calls[call].method,
				   .target = calls[call].target,
				   .headers = headers,
				   .headers_n = ARRAY_LEN(headers) - 1,
				   .body = body,
				   .at_ticks = TICKS,
				   .chain = chain };

	if (proof == PROOF_TOKEN && bytes_to_str(part, token, sizeof(token)) == 0)
		req.headers_n++;
	if (proof == PROOF_LEAF)
		req.chain_n = 1;
	if (proof == PROOF_CHAIN)
		req.chain_n = 2;
	run(dps, &req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dps_conf conf = { .hosts = hosts, .policy = "p", .id_scope = "s", .hubs = hubs };
	CLEANUP(dps_store_closep) struct dps_store *store = NULL;
	CLEANUP(dps_freep) struct dps *dps = NULL;
	struct bytes in = bytes_of(data, size), part;
	uint8_t how;
	uint16_t len;
	struct err err;

	if (take_u8(&in, &how) < 0 || take_u16(&in, &len) < 0 || take(&in, len, &part) < 0 ||
	    in.len > DPS_BODY_MAX)
		return 0;
	if (dps_store_open(NULL, &store, &err) < 0 || dps_new(&conf, store, &dps, &err) < 0)
		abort();
	put_records(store);
	run_call(dps, how % ARRAY_LEN(calls), (enum proof)(how / ARRAY_LEN(calls) % PROOFS), part, in);
	return 0;
}
