/*
 * What the files of enroll/ share among themselves. Everything here is plain C:
 * the headers of curl and jansson stay in the .c files that use them.
 */
#ifndef ENROLL_ENROLL_INTERNAL_H
#define ENROLL_ENROLL_INTERNAL_H

#include "enroll/enroll.h"

#define ENROLL_API_VERSION "2021-10-01"
#define REASON_MAX         256
#define PATH_CAP           512
#define ETAG_MAX           256

/* The registration ID is case-insensitive for the service (dps-api 2). */
bool same_id(const char *a, const char *b);

/* --- pace.c: how often the service is called; time and chance are arguments ------------------------- */

#define PACE_HOLD_MAX_MS    (60 * 60 * 1000)
#define PACE_BACKOFF_MAX_MS (60 * 1000)

/* A token bucket, and a pause that the service asked for or earned. */
struct pace {
	int64_t level; /* in sixty-thousandths of a call, so that refilling needs no fractions */
	int64_t at_ms;
	unsigned per_minute;
	int64_t hold_until_ms;
	unsigned failures; /* in a row */
};

void pace_init(struct pace *pace, unsigned per_minute, int64_t now_ms);
/* How long until a call may be made; 0: now. */
int64_t pace_wait_ms(struct pace *pace, int64_t now_ms);
/* A call is made now; it counts whatever becomes of it. */
void pace_take(struct pace *pace, int64_t now_ms);
/* The call that was taken is not made. */
void pace_give_back(struct pace *pace);
void pace_succeeded(struct pace *pace);
/* A call failed: holds for the longer of the backoff and asked_ms (-1: nothing was asked). */
void pace_failed(struct pace *pace, int64_t now_ms, int64_t asked_ms, uint32_t chance);
/* The pause in hand lasts at least asked_ms more; -1: nothing was asked. */
void pace_hold(struct pace *pace, int64_t now_ms, int64_t asked_ms);
/* Exponential with full jitter: anything from 0 to what failures in a row have earned. */
int64_t pace_backoff_ms(unsigned failures, uint32_t chance);
/* Retry-After (RFC 9110 10.2.3): seconds or a date; at most an hour. -1 if it is neither. */
int64_t pace_retry_after_ms(const char *value, int64_t now_ms);

/* --- gate.c: the pace that all connections keep ------------------------------------------------------- */

/* The right to make one call. Whoever took it ends it once: the call succeeded, failed, or was not made. */
struct leave {
	bool held;
	bool probe;   /* the one call that shows whether the service is back */
	uint64_t era; /* of failures, at its time */
};
/* How long until a call may be made; 0: now, unless another thread is faster. */
int64_t gate_wait_ms(struct enroll_gate *gate, int64_t now_ms);
/* 0: *ret_leave is held, and counted in the budget. Else how long to wait; one step, whoever races for it. */
int64_t gate_take(struct enroll_gate *gate, int64_t now_ms, struct leave *ret_leave);
void gate_give_back(struct enroll_gate *gate, struct leave *leave);
void gate_succeeded(struct enroll_gate *gate, struct leave *leave);
/* Also for a failure outside of a call, with a leave that is not held. */
void gate_failed(struct enroll_gate *gate, struct leave *leave, int64_t now_ms, int64_t asked_ms);
unsigned gate_failures(struct enroll_gate *gate);

/* --- payload*.c and certificate.c: what we send ------------------------------------------------------- */

/* Letters, digits and - . _ : with a letter, digit or - at both ends, 1..128 (dps-api 2). ERR_UNIT. */
MUST_USE int registration_id_check(const char *id, struct err *err);
/*
 * The enrollment's JSON. A symmetric key is never in it: ret_key_sha256 gets
 * the key's digest and *ret_has_key is true. ERR_UNIT if the record can't be sent.
 */
MUST_USE int payload_build(const struct enroll_record *record, struct buf *ret_json,
			   uint8_t ret_key_sha256[SHA256_LEN], bool *ret_has_key, struct err *err);
/* The JSON of a symmetric one as it goes over the wire: key becomes both its keys. */
#define PAYLOAD_KEY_ROOM 512 /* how much longer that is at most */
MUST_USE int payload_with_key(struct bytes payload, const struct secret *key, struct secret *ret_json,
			      struct err *err);
struct json_t;
/* payload_group.c: a new group's JSON. ERR_OPERATOR. */
MUST_USE int payload_group(const struct enroll_group *group, struct buf *ret_json, struct err *err);
/* The attestation of a group: certificates of its own, secondary_pem may be empty; or names of the service's. NULL: err. */
struct json_t *group_certificates_json(struct bytes primary_pem, struct bytes secondary_pem, struct err *err);
struct json_t *group_references_json(const char *primary, const char *secondary, struct err *err);
/* payload_group_change.c: whether the service's JSON of a group is of one with symmetric keys. */
bool payload_group_has_keys(struct bytes group);
/*
 * group, as the service has it, changed to be sent back if its ETag still is ret_etag; mechanism is
 * attestationmechanism's answer if it has keys. ret_json stays empty if there is nothing to change.
 */
MUST_USE int payload_group_change(struct bytes group, struct bytes mechanism,
				  const struct enroll_group_change *change, struct secret *ret_json,
				  char ret_etag[ETAG_MAX], struct err *err);
/* 1..128 of the characters of an IoT Hub device ID (dps-api 2). ERR_UNIT. */
MUST_USE int device_id_check(const char *id, struct err *err);
/* Adds what the terms say to an enrollment or a group, and provisioningStatus. ERR_UNIT if the service would refuse it. */
MUST_USE int terms_put(const struct enroll_terms *terms, struct json_t *json, struct err *err);
/* payload_twin.c: NAME=VALUE NAME="a text"... as the object that a twin has there. ERR_UNIT if a hub would refuse it. */
MUST_USE int twin_tags(const char *text, struct json_t **ret_tags, struct err *err);
MUST_USE int twin_desired(const char *text, struct json_t **ret_desired, struct err *err);
/* Makes JSON memory be wiped when it is freed, since replies hold keys. Any number of times. */
void payload_guard_memory(void);

/* SHA-256 over the DER of exactly one PEM certificate: the service's sha256Thumbprint. */
MUST_USE int certificate_sha256(struct bytes pem, uint8_t ret[SHA256_LEN]);
/* The same with SHA-1, as x5t of a JWT names it (RFC 7515 4.1.7). */
MUST_USE int certificate_sha1(struct bytes pem, uint8_t ret[SHA1_LEN]);

/* --- compare*.c: what the service holds, against what we wanted -------------------------------------- */

/* difference.c */
#define DIFFERENCE_FIELDS   8
#define DIFFERENCE_JSON_MAX 8192
struct difference {
	bool differs;
	char text[220]; /* the first field that differs, with both values */
	size_t n, more; /* fields kept, and how many there are beside them */
	struct field_difference {
		char field[96];
		char ours[44], theirs[44];
	} fields[DIFFERENCE_FIELDS];
};
void difference_add(struct difference *difference, const char *field, const char *ours, const char *theirs);
/* [{"field", "ours", "service"}..., {"more": N}], with a NUL behind it; empty if nothing differs. */
MUST_USE int difference_json(const struct difference *difference, struct buf *ret_json, struct err *err);

/*
 * ours is our payload, theirs the service's JSON. Every field that we send is
 * compared; what we never send is the cloud operator's, but for a second
 * certificate, a device ID or a status, which change who may log in. Keys are
 * not looked at here. ERR_RETRY if theirs is no enrollment.
 */
MUST_USE int compare_enrollment(struct bytes ours, struct bytes theirs, struct difference *ret,
				struct err *err);
MUST_USE int compare_group(struct bytes ours, struct bytes theirs, struct difference *ret, struct err *err);
/* theirs is the reply of attestationmechanism; both keys must be there and have this digest. */
MUST_USE int compare_keys(const uint8_t key_sha256[SHA256_LEN], struct bytes theirs, struct difference *ret,
			  struct err *err);
/* The primary key of an AttestationMechanism, or of a group that carries one. ERR_OPERATOR if none can be read. */
MUST_USE int symmetric_key_of(struct bytes json, struct secret *ret_key, struct err *err);

/* --- revise.c: what is put in place of a record that the service holds -------------------------------- */

/* Of an enrollment as it was fetched. ERR_RETRY if it is none, or has no ETag. */
MUST_USE int revise_etag(struct bytes theirs, char ret_etag[ETAG_MAX], struct err *err);
/*
 * theirs as it was fetched, without what before says and with what ours says; *ret_etag is its ETag.
 * Both are our payloads. ERR_RETRY if theirs is no enrollment with an ETag.
 */
MUST_USE int revise_update(struct bytes theirs, struct bytes before, struct bytes ours, struct buf *ret_json,
			   char ret_etag[ETAG_MAX], struct err *err);
/* What a fetched record lacks and a PUT needs, so that nothing but the status changes. */
struct revise_proof {
	struct bytes mechanism;       /* of a symmetric one: the reply of attestationmechanism */
	struct bytes certificate_pem; /* of an X.509 one                                       */
};
/* theirs with another provisioningStatus. ERR_OPERATOR if what it needs is not in proof. */
MUST_USE int revise_status(struct bytes theirs, const struct revise_proof *proof, const char *status,
			   struct secret *ret_json, char ret_etag[ETAG_MAX], struct err *err);

/* --- reply.c: what the service says ----------------------------------------------------------------- */

struct item_error {
	char registration_id[ENROLL_ID_MAX + 1];
	int64_t code; /* HTTP status * 1000 + number; 0 if none was given */
	char text[160];
};
struct bulk_reply {
	bool successful; /* it says so, and it names no error */
	size_t errors_n;
	struct item_error errors[ENROLL_BULK_MAX];
};
/* The body of a bulk call with status 200 (dps-api 1.6). ERR_RETRY if it is anything else. */
MUST_USE int bulk_reply_parse(struct bytes body, struct bulk_reply *ret, struct err *err);
/* The body of an error (dps-api 1.8); false if it is not one, so that somebody else answered. */
bool error_reply_parse(struct bytes body, struct item_error *ret);

/* What a refusal of one record means. */
enum refusal {
	REFUSAL_EXISTS,    /* fetch it and compare */
	REFUSAL_TRANSIENT, /* the same record may pass later */
	REFUSAL_FINAL,     /* it never will */
};
enum refusal refusal_of(int64_t code);

/* --- auth.c: who we are to the service -------------------------------------------------------------- */

struct auth_token {
	struct secret header; /* the Authorization header, NUL-terminated */
	int64_t made_s, refresh_s, expires_s;
};
void auth_token_deinit(struct auth_token *token);

struct auth {
	const struct enroll_login *login;
	const char *host; /* of the service, which a signature is for */
	struct auth_token token;
	unsigned made; /* tokens so far */
	/* Where tokens are given; all NULL and zero for a kind that makes its own. */
	struct http *issuer;
	struct enroll_conf issuer_conf;
	char issuer_host[256];
	bool asked; /* the issuer, by the last auth_refresh */
	char retry_after[64];
	const atomic_bool *abort;
};
/* Checks that the login is whole, and opens the way to whoever gives its tokens. All is borrowed. ERR_OPERATOR. */
MUST_USE int auth_open(struct auth *auth, const struct enroll_conf *conf, atomic_bool *abort,
		       struct err *err);
void auth_close(struct auth *auth);
/*
 * Makes or fetches a token, or keeps the one that is there until four fifths of its life have
 * passed; if a new one is not to be had then, the old one serves to its end (dps-api 4.3, 4.4).
 */
MUST_USE int auth_refresh(struct auth *auth, int64_t now_ms, struct err *err);
void auth_forget(struct auth *auth);
/* The service refused the token: what to check, for 401 or 403. */
const char *auth_advice(const struct auth *auth, long status);
/* By how much this computer's clock is ahead of a Date header, if that is too much for logins; else 0. */
int64_t auth_clock_off_s(const char *date, int64_t now_ms);
/* Upper-case percent-encoding of everything but RFC 3986's unreserved characters. */
MUST_USE int percent_encode(const char *in, char *out, size_t cap);

/* A kind of login: auth_sas.c, auth_entra.c, auth_identity.c. */
struct auth_kind {
	int (*open)(struct auth *auth, const struct enroll_conf *conf, atomic_bool *abort, struct err *err);
	/* refresh_s may be 0: at four fifths. */
	int (*make)(struct auth *auth, int64_t now_s, struct auth_token *ret, struct err *err);
	const char *advice_401, *advice_403;
};
extern const struct auth_kind auth_sas, auth_entra_certificate, auth_entra_secret, auth_identity;

#define AUTH_RESOURCE         "https://azure-devices-provisioning.net"
#define AUTH_RESOURCE_ENCODED "https%3A%2F%2Fazure-devices-provisioning.net"
#define AUTH_ADVICE_ROLE                                                                                     \
	"give it the role Device Provisioning Service Data Contributor on the service; a new role takes "    \
	"minutes"

/* auth_assertion.c: a JWT that the certificate's key signed (RFC 7523), as dps-api 4.4 has it. */
#define ASSERTION_MAX 4096
#define GUID_LEN      36
MUST_USE int assertion_make(const struct enroll_login *login, const char *audience, const char *jti,
			    int64_t now_s, struct secret *ret_jwt, struct err *err);
MUST_USE int guid_make(char out[GUID_LEN + 1], struct err *err);

/* auth_reply.c: what Entra ID and the identity's agent say. */
#define TOKEN_REPLY_MAX (64 * 1024)
#define TOKEN_MAX       (16 * 1024)
MUST_USE int token_reply_parse(struct bytes body, int64_t now_s, struct auth_token *ret, struct err *err);
struct token_error {
	char error[48];
	int64_t code; /* the first of error_codes; 0 if there is none */
};
/* false if it is none of theirs, so that somebody else answered. */
bool token_error_parse(struct bytes body, struct token_error *ret);

/* auth_identity.c */
/* How long to wait before asking again after the n-th refusal, from 0; -1: it is final (dps-api 4.5). */
int identity_wait_s(long status, unsigned n);

/* auth_key_file.c: the Arc agent's challenge, "Basic realm=PATH". ERR_OPERATOR. */
#define ARC_KEY_DIR "/var/opt/azcmagent/tokens"
MUST_USE int arc_key_read(const char *challenge, const char *dir, struct secret *ret_key, struct err *err);

/* --- http.c and http_status.c ------------------------------------------------------------------------- */

enum reply_kind {
	REPLY_DONE,    /* 2xx                                                    */
	REPLY_REFUSED, /* 400, 412, 413: this request, by the service itself     */
	REPLY_EXISTS,  /* 409                                                    */
	REPLY_ABSENT,  /* 404                                                    */
	REPLY_BUSY,    /* 429, 5xx: later                                        */
	REPLY_LOGIN,   /* 401, 403                                               */
	REPLY_STRANGE, /* anything else: a portal, a proxy, another service      */
};

struct http_request {
	const char *method; /* "GET", "PUT", "POST" */
	const char *path;   /* from the first slash, encoded, with its query */
	struct bytes body;  /* none for GET */
};
/* What requests for tokens differ in. */
struct http_extra {
	const char *type;   /* of the body; NULL: JSON */
	const char *header; /* one more line, or NULL  */
};
struct http_reply {
	long status;
	enum reply_kind kind;
	struct buf body;
	char retry_after[64];
	char content_type[64];
	char date[64];
	char challenge[1100]; /* WWW-Authenticate */
};

struct http;
MUST_USE int http_open(const struct enroll_conf *conf, atomic_bool *abort, struct http **ret_http,
		       struct err *err);
/* The same over plain HTTP and past every proxy: for an agent at an address of this machine's own. */
MUST_USE int http_open_plain(const struct enroll_conf *conf, atomic_bool *abort, struct http **ret_http,
			     struct err *err);
void http_close(struct http *http);
DEFINE_CLEANUP(http_closep, struct http, http_close)
void http_reply_deinit(struct http_reply *reply);
/*
 * One request; auth_header may be NULL. ERR_OPERATOR: it did not reach the service. ERR_RETRY: it
 * may have. 0: an HTTP status came, whichever; kind says what it means.
 */
MUST_USE int http_perform(struct http *http, const struct http_request *request,
			  const struct secret *auth_header, struct http_reply *ret, struct err *err);
MUST_USE int http_perform_extra(struct http *http, const struct http_request *request,
				const struct http_extra *extra, const struct secret *auth_header,
				struct http_reply *ret, struct err *err);
/* http_status.c */
/* Of status and content type: what is no JSON where JSON is due is REPLY_STRANGE. */
enum reply_kind http_kind_of(const struct http_reply *reply);
/* Turns a status that no caller can use into the error it stands for. */
int http_status_error(const struct http_reply *reply, struct err *err);

/* --- service.c --------------------------------------------------------------------------------------- */

struct enroll_service {
	const struct enroll_conf *conf;
	struct auth auth;
	char host[256]; /* without the port: what a token is for */
	const struct macer *device_keys;
	struct http *http;
	struct enroll_gate *gate;
	struct leave leave;                 /* for the next call */
	bool answering;                     /* the last call about a record got a usable answer */
	unsigned postponed;                 /* batches in a row that ended with ERR_RETRY */
	int64_t unsettled[ENROLL_BULK_MAX]; /* rows that may have been left as sending: due first */
	size_t unsettled_n;
	atomic_bool abort; /* set by enroll_sender_stop, read while a call runs */
};

/* What a call came to: REPLY_DONE, _REFUSED, _EXISTS or _ABSENT; error is filled for all but the first. */
struct answer {
	struct http_reply http;
	struct item_error error;
	bool sent; /* somebody was called, whatever came of it */
};
#define ANSWER_AUTO(name)                                                                                    \
	CLEANUP(answer_deinit) struct answer name = { .http = { .body = { NULL, 0, 0, ENROLL_REPLY_MAX } } }
void answer_deinit(struct answer *answer);
/* Takes the leave for one call, or keeps the one in hand; 0: it is there, else how long to wait. */
int64_t service_leave(struct enroll_service *service, int64_t now_ms);
/* The leave in hand, if there is one, is not used. */
void service_give_back(struct enroll_service *service);
/*
 * One call with login, for the leave in hand; without one, ERR_RETRY if none is
 * to be had now. Everything else than the four
 * kinds is -1: ERR_OPERATOR (a person must act), ERR_RETRY (later; the outcome
 * may be unknown), ERR_STATION. After a failure the pace holds, but not after an
 * ERR_RETRY of the login's key, which comes before anything is sent.
 * A kept token that is refused with 401 is replaced, and the call made once more, for a leave of its own.
 */
MUST_USE int service_call(struct enroll_service *service, int64_t now_ms, const struct http_request *request,
			  struct answer *ret, struct err *err);
/* The same, if the record's ETag still is etag (dps-api 1.5); if not: REPLY_REFUSED, HTTP status 412. NULL: whatever it is. */
MUST_USE int service_call_if(struct enroll_service *service, int64_t now_ms,
			     const struct http_request *request, const char *etag, struct answer *ret,
			     struct err *err);
/* group.c: service_call_if, which first waits for its leave as long as a call may last; ERR_RETRY after that. */
MUST_USE int call_when_allowed(struct enroll_service *service, const struct http_request *request,
			       const char *etag, struct answer *ret, struct err *err);
/* "/enrollments/ID?api-version=…" with folder "enrollments" and tail "", or "/attestationmechanism". */
MUST_USE int service_path(const char *folder, const char *id, const char *tail, char out[PATH_CAP],
			  struct err *err);
uint32_t service_chance(void);

/* --- outbox.c and claim.c ----------------------------------------------------------------------------- */

struct outbox_new {
	const char *job, *registration_id;
	struct bytes payload, key_sha256; /* no key: BYTES_NONE */
};
/*
 * Adds it as queued, unless its job has a record, be it one that a person gave up; *ret_row is that one's then, of
 * its table, and *ret_same whether it has this content.
 */
MUST_USE int outbox_insert(struct db_tx *tx, int64_t at_ms, const struct outbox_new *new, int64_t *ret_row,
			   bool *ret_same, struct err *err);

/* The next single step that settles a row. */
enum row_next {
	NEXT_BULK, /* create, together with others       */
	NEXT_PUT,  /* create, alone: a call with it was refused or lost too often */
	NEXT_GET,  /* it may be there: fetch and compare */
	NEXT_KEYS, /* it is there; its keys are compared */
	/*
	 * It replaces our own earlier record, as fetched just now. Stored as NEXT_GET: after a lost answer
	 * it is looked at again.
	 */
	NEXT_UPDATE,
};

enum item_verdict {
	ITEM_OPEN, /* not settled in this batch */
	ITEM_ENROLLED,
	ITEM_RETRY,
	ITEM_QUARANTINED,
};

struct item {
	int64_t id;
	char registration_id[ENROLL_ID_MAX + 1];
	struct buf payload;
	bool has_key;
	uint8_t key_sha256[SHA256_LEN];
	enum row_next next;
	int64_t attempts; /* refusals of this very record, and calls that broke on it */
	int64_t lost;     /* calls with it that got no usable answer */
	/* the outcome */
	enum item_verdict verdict;
	int64_t not_before_ms;
	char reason[REASON_MAX];
	struct difference difference; /* why it is quarantined, if that is why */
	/* for NEXT_UPDATE */
	struct buf update;
	char etag[ETAG_MAX];
};

struct batch {
	struct item items[ENROLL_BULK_MAX];
	size_t n;
	struct bulk_reply reply;
};
MUST_USE int batch_new(struct batch **ret_batch, struct err *err);
void batch_free(struct batch *batch);
DEFINE_CLEANUP(batch_freep, struct batch, batch_free)

/*
 * Takes up to ten due rows of different registration IDs and marks them sending,
 * durably. A row whose ID is in a call of another connection is left (dps-api 11).
 */
MUST_USE int outbox_claim(struct db *db, int64_t now_ms, struct batch *batch, struct err *err);
/* Makes rows due that were left as sending. */
MUST_USE int outbox_release(struct db *db, const int64_t *ids, size_t n, struct err *err);
/* Stores what became of them in one transaction; open ones are queued again. */
MUST_USE int outbox_settle(struct db *db, int64_t now_ms, const struct batch *batch, struct err *err);
/* The last record of the item's registration ID before it that the service took. */
struct earlier {
	bool found;
	struct buf payload;
	bool has_key;
	uint8_t key_sha256[SHA256_LEN];
};
#define EARLIER_AUTO(name)                                                                                   \
	CLEANUP(earlier_deinit) struct earlier name = { .payload = { NULL, 0, 0, ENROLL_PAYLOAD_MAX } }
void earlier_deinit(struct earlier *earlier);
MUST_USE int outbox_earlier(struct db *db, const struct item *item, struct earlier *ret, struct err *err);
/* Whether a row is due, and if not, when the first will be (0: never). */
MUST_USE int outbox_outlook(struct db *db, int64_t now_ms, bool *ret_due, int64_t *ret_next_ms,
			    struct err *err);

/* --- item.c: settling one record ---------------------------------------------------------------------- */

/* What the calls of one batch share. */
struct run {
	struct enroll_service *service;
	struct db *db;
	struct batch *batch;
	int64_t now_ms, started_ms;
	unsigned calls;
	bool blocked; /* what is due is in the hands of another connection */
};
/* The caller's clock, moved on by the time that the calls took. */
int64_t run_now(const struct run *run);
/* service_call, counted if it was sent. */
MUST_USE int run_call(struct run *run, const struct http_request *request, struct answer *ret,
		      struct err *err);
/* service_call_if, the same way. */
MUST_USE int run_call_if(struct run *run, const struct http_request *request, const char *etag,
			 struct answer *ret, struct err *err);
/* 404 to a bulk call: this is not the service, and it is not asked every moment. Returns -1. */
int run_wrong_host(struct run *run, const struct answer *answer, struct err *err);

void item_set_reason(struct item *item, const char *text);
void item_enrolled(struct item *item);
/* The service refused this very record: fetched next, retried a limited number of times, or quarantined. */
void item_refused(const struct run *run, struct item *item, int64_t code, const char *text);
/* A call with it got no usable answer: it travels alone if that happens often, and alone it ends in quarantine. */
void item_lost(const struct run *run, struct item *item, const struct err *why);
/*
 * What goes over the wire: the item's payload itself, or what is made in
 * with_key, for which a symmetric key is derived. Borrowed from either.
 * If the item is settled then, because its key can't be had, there is nothing to send.
 */
MUST_USE int item_wire_payload(const struct run *run, struct item *item, struct secret *with_key,
			       struct bytes *ret, struct err *err);
/* The same for another payload of the item. */
MUST_USE int item_wire(const struct run *run, struct item *item, struct bytes payload,
		       struct secret *with_key, struct bytes *ret, struct err *err);
/*
 * theirs differs from the item. If it is what this station enrolled for an earlier job of the unit, the
 * item's next step is to replace it; else the item is left as it is.
 */
MUST_USE int item_consider_update(struct run *run, struct item *item, struct bytes theirs, struct err *err);
MUST_USE int item_update(struct run *run, struct item *item, struct answer *answer, struct err *err);
void item_quarantine(struct item *item, const char *reason);
/* Single calls until it is settled or the budget is used up; then it waits, and no attempt is counted. */
MUST_USE int item_settle(struct run *run, struct item *item, struct err *err);

#endif
