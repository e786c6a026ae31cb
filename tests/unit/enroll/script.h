/* A service that answers from a script, and remembers what it was asked. */
#ifndef TESTS_UNIT_ENROLL_SCRIPT_H
#define TESTS_UNIT_ENROLL_SCRIPT_H

#include "tests/fakes/https.h"
#include "tests/unit/enroll/world.h"

#define SCRIPT_CALLS_MAX 64

struct script_line {
	const char *on; /* "POST /enrollments": a call of another method or path gets 500 and is remembered */
	struct https_answer answer;
};

struct script {
	struct world *world;
	struct https *https;
	const struct script_line *lines; /* after the last one, the last is repeated */
	size_t lines_n;
	size_t calls;
	char asked[SCRIPT_CALLS_MAX][200]; /* "POST /enrollments" */
	struct buf last_body;
	bool no_length, no_login; /* a call came without Content-Length, or without a token */
	char host[32];
	char ca_path[200];
	struct enroll_conf conf;
	struct enroll_login login;
	unsigned operations_per_minute;
	struct enroll_gate *gate;
	struct enroll_service *service;
};

/* cmocka setup and teardown; *state is a struct script whose world is empty. */
int script_setup(void **state);
int script_teardown(void **state);
/* Opens the service anew, with what conf says now. */
void script_open(struct script *script, const struct macer *macer);
/* The calls with this record that got no usable answer. */
int64_t lost_of(struct script *script, const char *registration_id);
void script_set(struct script *script, const struct script_line *lines, size_t n);
#define SCRIPT(script, ...)                                                                                  \
	script_set((script), (const struct script_line[]){ __VA_ARGS__ },                                    \
		   sizeof((const struct script_line[]){ __VA_ARGS__ }) / sizeof(struct script_line))

#define BULK_OK   "{\"isSuccessful\":true,\"errors\":[]}"
#define POST_BULK "POST /enrollments"

#define ITEM(id, code)   "{\"registrationId\":\"" id "\",\"errorCode\":" code ",\"errorStatus\":\"text of it\"}"
#define FAILED(items)    "{\"isSuccessful\":false,\"errors\":[" items "]}"
#define ERROR_BODY(code) "{\"errorCode\":" code ",\"trackingId\":\"t\",\"message\":\"text of it\"}"
/* base64 of test_ek(1) */
#define EK_ONE                                                                                               \
	"AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAA"                       \
	"AAEAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"                       \
	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"                       \
	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"                       \
	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"                       \
	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=="
#define HELD(id, ek)                                                                                         \
	"{\"registrationId\":\"" id "\",\"provisioningStatus\":\"enabled\",\"attestation\":{\"type\":"       \
	"\"tpm\",\"tpm\":{\"endorsementKey\":\"" ek "\"}},\"etag\":\"IjEi\"}"

/* One batch at WORLD_NOW_MS; what enroll_send_batch returned. */
int send_batch(struct script *script, struct enroll_progress *ret_progress, struct err *err);
/* The same, which must not fail. */
struct enroll_progress send_well(struct script *script);
/* The same, which must fail with an error of this class. */
void send_badly(struct script *script, enum err_class class);
/* Sends at later and later times, so that no backoff is in the way. */
void send_until_calls(struct script *script, size_t calls);

#endif
