/*
 * dps-emulator: the Device Provisioning Service on loopback. This header is
 * private to the folder (and to its tests): a request goes in, a response comes
 * out, and only server.c knows that HTTP carries them.
 *
 * Errors of a request travel in struct err like all others: class ERR_UNIT,
 * code = the service's error code (HTTP status * 1000 + number), what = its
 * message, where = an explanation for the answer's "info". ERR_STATION means
 * that this program itself failed; it is answered with 500.
 */
#ifndef DPS_INTERNAL_H
#define DPS_INTERNAL_H

#include <stdatomic.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/err.h"

#define DPS_ID_MAX        128
#define DPS_BODY_MAX      (96 * 1024)       /* limit of a message               */
#define DPS_BULK_MAX      10                /* enrollments in one call          */
#define DPS_REPLY_MAX     (2 * 1024 * 1024) /* no answer is larger              */
#define DPS_PAGE_MAX      (768 * 1024)      /* a page of a query ends before it */
#define DPS_ETAG_MAX      64                /* text of an etag, with its NUL    */
#define DPS_KEY_LEN       64                /* policy keys and generated keys   */
#define DPS_UUID_LEN      36
#define DPS_OPERATION_MAX 64
#define DPS_HUBS_MAX      50 /* linked, or of one enrollment */
#define DPS_CHAIN_MAX     8  /* certificates of a device */

DEFINE_CLEANUP(json_freep, json_t, json_decref)

/* --- Codes of the service (dps-api 1.8); the numbers of 403, 405 to 415, 412 and 429 are not documented. ---- */

enum {
	DPS_BAD_REQUEST = 400004,
	DPS_ALLOCATION_FAILED = 400207,
	DPS_NO_HUB = 400208,
	DPS_UNAUTHORIZED = 401002,
	DPS_FORBIDDEN = 403001,
	DPS_NO_RESOURCE = 404001,
	DPS_NO_ENROLLMENT = 404201,
	DPS_NO_GROUP = 404202,
	DPS_NOT_ALLOWED = 405001,
	DPS_ENROLLMENT_EXISTS = 409201,
	DPS_GROUP_EXISTS = 409202,
	DPS_LENGTH_REQUIRED = 411001,
	DPS_PRECONDITION_FAILED = 412001,
	DPS_TOO_LARGE = 413001,
	DPS_NOT_JSON = 415001,
	DPS_THROTTLED = 429001,
	DPS_INTERNAL = 500001,
};

/* --- One request, one response ------------------------------------------------------------------------- */

struct dps_header {
	const char *name;
	const char *value;
};

struct dps_request {
	const char *method;
	const char *target; /* as sent: path and query, percent-encoded           */
	const struct dps_header *headers;
	size_t headers_n;
	struct bytes body;
	bool too_large;            /* the body was longer than DPS_BODY_MAX and dropped  */
	int64_t at_ticks;          /* wall clock, units of 100 ns since 1970             */
	const struct bytes *chain; /* the client's certificates as it sent them: DER, leaf first */
	size_t chain_n;            /* at most DPS_CHAIN_MAX; 0: it showed none */
	bool plain;                /* by the port without TLS, which only gives managed identities */
};

/* NULL if the request has no such header; names are compared without case. */
const char *dps_request_header(const struct dps_request *req, const char *name);

/* How it ends; without an answer what was done stays done. */
enum dps_end {
	DPS_END_ANSWER,
	DPS_END_CLOSE,
	DPS_END_RESET, /* of TCP */
};

#define DPS_RESPONSE_HEADERS 8
struct dps_response {
	unsigned status;
	struct buf body; /* JSON, or empty */
	struct {
		const char *name; /* a literal */
		const char *value;
	} headers[DPS_RESPONSE_HEADERS];
	size_t headers_n;
	char values[640]; /* all of them, each with its NUL */
	size_t values_len;
	const char *content_type; /* of the body; a literal */
	bool changed;             /* a record was written or deleted */
	enum dps_end end;
	uint64_t filler; /* so many bytes of white space follow the body */
};

void dps_response_init(struct dps_response *res);
void dps_response_deinit(struct dps_response *res);
/* Adds a header; one that does not fit is left out, since all values are our own. */
void dps_response_header(struct dps_response *res, const char *name, const char *value);
/* Status and JSON body. */
MUST_USE int dps_response_json(struct dps_response *res, unsigned status, const json_t *body,
			       struct err *err);
/* Replaces whatever was there by the error's answer. */
void dps_response_error(struct dps_response *res, const struct err *error, int64_t at_ticks);

/* The same for a TPM that has to prove itself first: 401002 with the key to do so (5.4). */
void dps_response_challenge(struct dps_response *res, const char *key_name, const char *blob,
			    int64_t at_ticks);

/* --- Knobs: limits and faults on request ------------------------------------------------------------------ */

enum dps_garble {
	DPS_GARBLE_PORTAL,        /* nothing is done; 200 and an HTML page       */
	DPS_GARBLE_TEXT,          /* these are done: JSON that breaks off,       */
	DPS_GARBLE_DUPLICATE,     /* with members twice,                         */
	DPS_GARBLE_UNKNOWN_FIELD, /* with a member of a later version,           */
	DPS_GARBLE_HUGE,          /* and white space after it, up to 100 MB      */
};

enum dps_tls {
	DPS_TLS_GOOD,
	DPS_TLS_EXPIRED,
	DPS_TLS_OTHER_HOST,
	DPS_TLS_N,
};

/* What a bearer token's holder may do (dps-api 4.4). */
enum dps_role {
	DPS_ROLE_CONTRIBUTOR,
	DPS_ROLE_READER,
	DPS_ROLE_NONE,
};

struct dps_knobs {
	unsigned operations_per_minute;    /* 0: no limit                                   */
	int retry_after_s;                 /* of a 429; 0: none; -1: what the window leaves */
	unsigned latency_ms;               /* before each answer                            */
	unsigned fail_every;               /* each n-th call is refused ...                 */
	unsigned fail_status;              /* ... with this HTTP status, nothing is done    */
	unsigned drop_reply_every;         /* each n-th change is done but not answered     */
	unsigned fail_item_every;          /* each n-th item of bulk calls is refused (500) */
	unsigned reset_before_every;       /* each n-th call: TCP reset, nothing is done    */
	unsigned reset_after_every;        /* each n-th change: done, then TCP reset        */
	unsigned wrong_etag_every;         /* each n-th answer with an etag has another     */
	unsigned garble_every;             /* each n-th answer is spoilt ...                */
	unsigned garble_as;                /* ... like this: enum dps_garble                */
	int clock_skew_s;                  /* of the service: Date, expiry, its times       */
	unsigned tls;                      /* enum dps_tls: which certificate it shows */
	unsigned token_lifetime_s;         /* of bearer tokens                              */
	unsigned token_fail_every;         /* each n-th request for one gets fail_status    */
	unsigned bearer_role;              /* enum dps_role                                 */
	unsigned registrations_per_minute; /* 0: no limit; a window of their own             */
	unsigned polls_per_10_s;           /* of one device; 0: no limit                     */
	unsigned assigning_polls;          /* so many polls find an operation unfinished     */
	unsigned poll_retry_after_s;       /* what a device is told to wait; 0: nothing said */
};

/* So many calls from when the window began; then a new one begins. */
struct dps_window {
	int64_t began_ticks;
	unsigned used;
};

struct dps_pace {
	struct dps_window operations, registrations;
	uint64_t calls, changes, items;
};

/* Counts a call: 429001 beyond the limit, or the failure that is due. */
MUST_USE int dps_pace_call(struct dps_pace *pace, const struct dps_knobs *knobs, int64_t at_ticks,
			   struct dps_response *res, struct err *err);
/* The same for a device that registers. */
MUST_USE int dps_pace_register(struct dps_pace *pace, const struct dps_knobs *knobs, int64_t at_ticks,
			       struct dps_response *res, struct err *err);
/* The same for a device that asks how far it is; the window is its own. */
MUST_USE int dps_pace_poll(struct dps_pace *pace, struct dps_window *window, const struct dps_knobs *knobs,
			   int64_t at_ticks, struct dps_response *res, struct err *err);
bool dps_pace_drops_reply(struct dps_pace *pace, const struct dps_knobs *knobs);
bool dps_pace_fails_item(struct dps_pace *pace, const struct dps_knobs *knobs);

/* --- Knobs by name: the command line, and PUT /_knobs --- */

/* The name of the i-th knob; NULL after the last. */
const char *dps_knob_name(size_t i);
void dps_knobs_init(struct dps_knobs *knobs);
/* ERR_OPERATOR: no such knob, or out of its bounds. */
MUST_USE int dps_knob_set(struct dps_knobs *knobs, const char *name, const char *text, struct err *err);
/* Those that are not named get their default. */
MUST_USE int dps_knobs_from_json(json_t *doc, struct dps_knobs *ret_knobs, struct err *err);
/* NULL: no memory. */
json_t *dps_knobs_json(const struct dps_knobs *knobs);

struct dps_conf;
bool dps_is_control(const struct dps_request *req);
MUST_USE int dps_control(struct dps_conf *conf, const struct dps_request *req, struct dps_response *res,
			 struct err *err);

struct dps_faults {
	uint64_t befores, afters, etags, garbled, tokens;
};
/* True if the call ends here, with what is in res. */
bool dps_fault_before(struct dps_faults *faults, const struct dps_knobs *knobs, struct dps_response *res);
/* The failure of a request for a token, if it is due. */
MUST_USE int dps_fault_token(struct dps_faults *faults, const struct dps_knobs *knobs, struct err *err);
void dps_fault_after(struct dps_faults *faults, const struct dps_knobs *knobs, struct dps_response *res);

/* --- Records ------------------------------------------------------------------------------------------------ */

enum dps_table {
	DPS_ENROLLMENTS,
	DPS_GROUPS,
	DPS_REGISTRATIONS, /* what the device API made of devices, by registration ID */
	/* CA certificates of the service, by name: "properties" with "certificate" (base64 of DER), "isVerified" … */
	DPS_CERTIFICATES,
	DPS_TABLES,
};

struct dps_record {
	struct dps_record *next; /* in its bucket */
	int64_t seq;             /* order of creation; a query pages by it */
	char id[DPS_ID_MAX + 1]; /* lower case */
	char etag[DPS_ETAG_MAX];
	char *text; /* the whole record, compact JSON */
};

struct dps_store;

/*
 * With a path every change is also a line of that journal; it is replayed here.
 * ERR_OPERATOR if the file is in use by another or not a journal.
 */
MUST_USE int dps_store_open(const char *path, struct dps_store **ret_store, struct err *err);
void dps_store_close(struct dps_store *store);
DEFINE_CLEANUP(dps_store_closep, struct dps_store, dps_store_close)

/* Ids are compared without case. NULL if there is none; borrowed until the next change. */
const struct dps_record *dps_store_find(const struct dps_store *store, enum dps_table table, const char *id);
/* The first record created after seq (0: the first of all), or NULL. */
const struct dps_record *dps_store_after(const struct dps_store *store, enum dps_table table, int64_t seq);
size_t dps_store_count(const struct dps_store *store, enum dps_table table);
/* Adds or replaces; doc has the id and its "etag". */
MUST_USE int dps_store_put(struct dps_store *store, enum dps_table table, const char *id, const json_t *doc,
			   struct err *err);
/* Forgetting what is not there is no error. */
MUST_USE int dps_store_delete(struct dps_store *store, enum dps_table table, const char *id, struct err *err);
/* Returns when the changes are on disk; after a failure every further change fails too. */
MUST_USE int dps_store_sync(struct dps_store *store, struct err *err);

/* --- The journal file under a store ------------------------------------------------------------------------ */

struct dps_journal;
typedef int dps_journal_fn(void *arg, enum dps_table table, const char *id, const json_t *doc,
			   struct err *err); /* doc NULL: deleted */

/* Opens and locks the file, and calls replay for each change in it. A line torn by a crash is cut off. */
MUST_USE int dps_journal_open(const char *path, dps_journal_fn *replay, void *arg,
			      struct dps_journal **ret_journal, struct err *err);
void dps_journal_close(struct dps_journal *journal);
/* Adds a change, in memory; doc NULL: deleted. */
MUST_USE int dps_journal_add(struct dps_journal *journal, enum dps_table table, const char *id,
			     const json_t *doc, struct err *err);
/* Writes what was added and waits for the disk. */
MUST_USE int dps_journal_sync(struct dps_journal *journal, struct err *err);

/* --- Enrollments and groups ---------------------------------------------------------------------------------- */

struct dps_kind {
	enum dps_table table;
	bool individual;
	const char *id_key;    /* "registrationId"  */
	const char *list_key;  /* "enrollments"     */
	const char *item_type; /* of a query's page */
	int missing_code, exists_code;
	const char *missing_text, *exists_text;
};
extern const struct dps_kind dps_enrollments, dps_groups;

/* dps-api section 2: 1 to 128 of letters, digits and "-._:"; first and last are a letter, a digit or '-'. */
bool dps_id_valid(const char *id);
/* A host name with a dot in it. */
bool dps_hub_valid(const char *host);
/* Checks the optional members and copies those it knows into doc. */
MUST_USE int dps_fields_take(const struct dps_kind *kind, const json_t *in, json_t *doc, struct err *err);
/* Checks an attestation and returns it in the form the service keeps. */
MUST_USE int dps_attestation_take(const struct dps_kind *kind, const json_t *in, json_t **ret_attestation,
				  struct err *err);
/* PEM, base64 of DER, or base64 of PEM: X509CertificateInfo (1.3). */
MUST_USE int dps_cert_info(const char *certificate, json_t **ret_info, bool *ret_ca, struct err *err);
/* A certificate that dps_cert_info has taken, as a JSON string: base64 of DER. */
MUST_USE int dps_cert_der(const char *certificate, json_t **ret_der, struct err *err);
/* Whether an If-Match value (raw, quoted, weak, list, "*") names etag. */
bool dps_etag_matches(const char *if_match, const char *etag);
/* base64 of quoted text: clients have to take it as opaque. */
MUST_USE int dps_etag_new(char out[DPS_ETAG_MAX], struct err *err);
/* Takes out what no answer shows: the signing certificates that are kept to judge chains. */
void dps_attestation_hide(json_t *attestation);
/* A record that was sent back with thumbprints alone keeps the certificates of before; others are refused. */
MUST_USE int dps_attestation_keep(json_t *attestation, const json_t *before, struct err *err);

/* --- The service --------------------------------------------------------------------------------------------- */

/* The application that Entra ID knows. */
struct dps_entra {
	char tenant[64], client[64];
	char secret[256];      /* "": none   */
	char *certificate_pem; /* NULL: none */
};

struct dps_conf {
	const char *const *hosts; /* names that it answers to, NULL at the end */
	char id_scope[32];
	char policy[128];
	uint8_t key[DPS_KEY_LEN]; /* of the policy; this service guards nothing */
	struct dps_knobs knobs;
	struct dps_entra entra;
	char key_dir[1024];      /* where a managed identity's key files go */
	const char *const *hubs; /* linked IoT hubs, NULL at the end; NULL: none */
};

struct dps;

/* Borrows conf and store; changes conf's knobs when a client asks for it. */
MUST_USE int dps_new(struct dps_conf *conf, struct dps_store *store, struct dps **ret_dps, struct err *err);
void dps_free(struct dps *dps);
DEFINE_CLEANUP(dps_freep, struct dps, dps_free)
/* Answers one request; any thread, one at a time inside. res is initialised and always gets a status. */
void dps_handle(struct dps *dps, const struct dps_request *req, struct dps_response *res);

/* As they are at this moment. */
void dps_knobs_now(struct dps *dps, struct dps_knobs *ret_knobs);

/* What a handler of the routes table works on. */
struct dps_call {
	const struct dps_conf *conf;
	struct dps_store *store;
	struct dps_pace *pace;
	const struct dps_request *req;
	struct dps_response *res;
	const struct dps_kind *kind;
	char id[DPS_ID_MAX + 1];           /* from the path; "" where the route has none */
	char operation[DPS_OPERATION_MAX]; /* the same */
	bool changed;                      /* a record was written or deleted            */
};

MUST_USE int dps_enrollment_get(struct dps_call *call, struct err *err);
MUST_USE int dps_enrollment_put(struct dps_call *call, struct err *err);
MUST_USE int dps_enrollment_delete(struct dps_call *call, struct err *err);
MUST_USE int dps_enrollment_attestation(struct dps_call *call, struct err *err);
MUST_USE int dps_bulk(struct dps_call *call, struct err *err);
MUST_USE int dps_query(struct dps_call *call, struct err *err);

/* One page of a table, as the call's headers ask for it (1.7). */
struct dps_listing {
	enum dps_table table;
	const char *item_type;
	/* What a page shows of the record; *ret_doc stays NULL for one that is not in the list. */
	int (*show)(const struct dps_record *record, const char *of, json_t **ret_doc, struct err *err);
	const char *of; /* whatever show wants to know */
};
MUST_USE int dps_list(const struct dps_call *call, const struct dps_listing *listing, struct err *err);

/* The request's body as a JSON object; 400004 otherwise. */
MUST_USE int dps_call_json(const struct dps_call *call, json_t **ret_body, struct err *err);
/* PUT: creates without if_match, replaces with it. *ret_doc is the record with its keys. */
MUST_USE int dps_record_write(struct dps_call *call, const char *id, const json_t *in, const char *if_match,
			      json_t **ret_doc, struct err *err);
MUST_USE int dps_record_delete(struct dps_call *call, const char *id, const char *if_match, struct err *err);
/* As GET and query show it: without symmetric keys. */
MUST_USE int dps_record_public(const struct dps_record *record, json_t **ret_doc, struct err *err);

/* A SAS token as written (4.3, 5.2): only what is compared is percent-decoded. */
#define DPS_TOKEN_FIELD 512
struct dps_token {
	char sr[DPS_TOKEN_FIELD], sig[DPS_TOKEN_FIELD], se[DPS_TOKEN_FIELD], skn[DPS_TOKEN_FIELD];
};
MUST_USE int dps_token_parse(const char *header, struct dps_token *ret_token);
/* HMAC-SHA256 over sr and se exactly as they stand there. */
bool dps_token_signed(const struct dps_token *token, struct bytes key);
/* With five minutes of grace. */
bool dps_token_expired(const struct dps_token *token, int64_t at_ticks);
/* 401002 "Unauthorized", and why in the answer's info. Returns -1. */
int dps_unauthorized(const char *why, struct err *err);

/* The host that the request names, if it is one of ours; else NULL. */
const char *dps_request_host(const struct dps_conf *conf, const struct dps_request *req);
/* The Authorization header of the service API (4.3); 401002. */
MUST_USE int dps_sas_check(const struct dps_conf *conf, const struct dps_request *req, struct err *err);

/* --- Small things --------------------------------------------------------------------------------------------- */

/* %XX with either hex case; -1 on a bad escape, a NUL, or too little room. */
MUST_USE int dps_percent_decode(struct bytes in, char *out, size_t cap);
/* 2026-11-22T02:20:13.1234567Z */
#define DPS_TIME_LEN 28
void dps_time_text(int64_t ticks, char out[DPS_TIME_LEN + 1]);
/* Sun, 22 Nov 2026 02:20:13 GMT: RFC 9110 5.6.7 */
#define DPS_HTTP_DATE_LEN 29
void dps_http_date(int64_t ticks, char out[DPS_HTTP_DATE_LEN + 1]);
int64_t dps_time_now(void);
MUST_USE int dps_uuid(char out[DPS_UUID_LEN + 1], struct err *err);

/* --- The program ---------------------------------------------------------------------------------------------- */

struct dps_options {
	const char *dir;
	const char *state_file; /* NULL: in memory only */
	char address[16];       /* IPv4 of 127.0.0.0/8  */
	uint16_t port;          /* 0: any               */
	uint16_t mqtt_port;     /* 0: any               */
	uint16_t identity_port; /* 0: any               */
	bool identity;          /* whether managed identities are given at all */
	const char *entra_tenant, *entra_client, *entra_certificate, *entra_secret_file;
	const char *id_scope; /* NULL: kept or made   */
	const char *policy;
	const char *hubs[DPS_HUBS_MAX + 1]; /* NULL at the end */
	struct dps_knobs knobs;
	bool stay;
};

/* ERR_OPERATOR names the option. *ret_help true when only help was asked for. */
MUST_USE int dps_options_parse(int argc, char **argv, struct dps_options *ret_options, bool *ret_help,
			       struct err *err);
extern const char dps_usage[];

#define DPS_PATH_MAX 1024
#define DPS_PEM_MAX  2048
/* Who the service is: made once, kept beside the state file so that a restart is the same service. */
struct dps_identity {
	char id_scope[32];
	char policy[128];
	uint8_t key[DPS_KEY_LEN];
	uint16_t port; /* of the last run, 0 if none */
	char ca_pem[DPS_PEM_MAX];
	char ca_key_pem[DPS_PEM_MAX];
	struct {
		char cert_pem[DPS_PEM_MAX];
		char key_pem[DPS_PEM_MAX];
	} server[DPS_TLS_N]; /* made at each start */
};

/* Loads FILE.identity or makes a new one; then a server certificate for the hosts. */
MUST_USE int dps_identity_open(const struct dps_options *options, const char *const *hosts,
			       struct dps_identity **ret_identity, struct err *err);
void dps_identity_free(struct dps_identity *identity);
DEFINE_CLEANUP(dps_identity_freep, struct dps_identity, dps_identity_free)
/* Keeps it (0600) if there is a state file. */
MUST_USE int dps_identity_save(const struct dps_options *options, const struct dps_identity *identity,
			       struct err *err);
/* A new CA; and server certificates under it, one for each value of the knob. */
MUST_USE int dps_ca_make(struct dps_identity *identity, struct err *err);
MUST_USE int dps_server_certs_make(struct dps_identity *identity, const char *const *hosts, struct err *err);

/* Reads the files that the options name. */
MUST_USE int dps_entra_open(const struct dps_options *options, struct dps_entra *entra, struct err *err);
void dps_entra_close(struct dps_entra *entra);

/* The listening socket; *ret_port is the one it got. -1; ERR_RETRY if the port is taken. */
MUST_USE int dps_listen(const char *address, uint16_t port, uint16_t *ret_port, struct err *err);

/* Ends a connection by TCP reset; fd stays to be closed. */
void dps_reset(int fd);

struct dps_server;
/* Listens on address:port, without TLS if identity is NULL; *ret_port is the one it got. ERR_RETRY if it is taken. */
MUST_USE int dps_server_start(struct dps *dps, const struct dps_identity *identity, const char *address,
			      uint16_t port, struct dps_server **ret_server, uint16_t *ret_port,
			      struct err *err);
/* Ends all connections. */
void dps_server_stop(struct dps_server *server);
DEFINE_CLEANUP(dps_server_stopp, struct dps_server, dps_server_stop)

#endif
