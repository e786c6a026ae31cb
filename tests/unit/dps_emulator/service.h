/* The service without HTTP, and a client that signs: what every test in this folder stands on. */
#ifndef TESTS_DPS_SERVICE_H
#define TESTS_DPS_SERVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "enroll/emulator/dps_internal.h"

#define Q20 "qqqqqqqqqqqqqqqqqqqq"
#define Q80 Q20 Q20 Q20 Q20
/* What the C SDK's recording has: the template alone. */
#define EK_TEMPLATE "AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAAAAEA"
/* A whole TPM2B_PUBLIC: the template and 256 bytes of 0xaa. */
#define EK    EK_TEMPLATE Q80 Q80 Q80 Q80 Q20 "qg=="
#define KEY_1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define KEY_2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="

#define TPM(id)                                                                                              \
	"{\"registrationId\":\"" id "\",\"attestation\":{\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"" EK \
	"\"}}}"
#define SYM(id)   "{\"registrationId\":\"" id "\",\"attestation\":{\"type\":\"symmetricKey\"}}"
#define GROUP(id) "{\"enrollmentGroupId\":\"" id "\",\"attestation\":{\"type\":\"symmetricKey\"}}"

#define TEST_SCOPE "0ne00TEST"
#define TEST_TICKS 17953140000000000LL /* 2026-11-22T02:20:00Z */

struct service {
	struct dps_conf conf;
	struct dps_store *store;
	struct dps *dps;
	int64_t at_ticks;
	struct bytes chain[DPS_CHAIN_MAX]; /* what the client shows */
	size_t chain_n;
	bool plain; /* by the port of managed identities */
};

struct reply {
	struct dps_response res;
	json_t *body; /* NULL if there is none */
};

/* cmocka fixtures; *state is a struct service. */
int service_setup(void **state);
int service_teardown(void **state);

/* A token for host, written into out; expires_s is relative to now. */
void service_token(const struct service *service, const char *host, int expires_s, char *out, size_t cap);

/* A signed call of path (without api-version); body may be NULL. extra ends with a NULL name, or is NULL. */
void service_call(struct service *service, const char *method, const char *path, const char *body,
		  const struct dps_header *extra, struct reply *ret);
/* A call with exactly these headers. */
void service_call_raw(struct service *service, const char *method, const char *target,
		      const struct dps_header *headers, size_t headers_n, const char *body,
		      struct reply *ret);
/* Only the error code, or the status if there is none: 200, 204, 404201. */
int service_code(struct service *service, const char *method, const char *path, const char *body);

void reply_deinit(struct reply *reply);
#define REPLY_AUTO CLEANUP(reply_deinit) struct reply
const char *reply_header(const struct reply *reply, const char *name);
/* A text inside the body, by path of member names; NULL if it is not there. */
const char *reply_text(const struct reply *reply, const char *name);
int reply_code(const struct reply *reply);

#endif
