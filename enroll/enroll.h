/*
 * Enrollment in the Azure IoT Hub Device Provisioning Service. Records wait in
 * the outbox, written in the job's own transaction; a sender drains it in bulk
 * calls of at most 10, judges each item by itself, and loses nothing. The
 * sections named are those of the service's documentation as docs/DPS.md cites it.
 *
 * Errors: the service unreachable or refusing the login is ERR_OPERATOR; a
 * throttle or a broken answer is ERR_RETRY; a broken outbox is ERR_STATION. A
 * record that the service refuses is no error: it is quarantined, and named.
 */
#ifndef ENROLL_ENROLL_H
#define ENROLL_ENROLL_H

#include <stdatomic.h>

#include "base/db.h"
#include "base/deadline.h"
#include "base/secret.h"
#include "base/signer.h"

#define ENROLL_ID_MAX      128
#define ENROLL_BULK_MAX    10
#define ENROLL_BODY_MAX    (96 * 1024) /* the service's message limit  */
#define ENROLL_REPLY_MAX   (1024 * 1024)
#define ENROLL_PAYLOAD_MAX (9 * 1024) /* so that ten always fit in a call */

/* --- The outbox ------------------------------------------------------------------------------------ */

enum enroll_state {
	ENROLL_QUEUED,
	ENROLL_SENDING,     /* in a call whose outcome is not known yet */
	ENROLL_ENROLLED,    /* the service holds exactly this record    */
	ENROLL_RETRY,       /* waits until not_before                   */
	ENROLL_QUARANTINED, /* refused, or different in the service     */
	ENROLL_DROPPED,     /* quarantined, and given up by a person    */
};
const char *enroll_state_name(enum enroll_state state);

enum enroll_allocation {
	ENROLL_ALLOCATION_UNSET, /* the service's own */
	ENROLL_ALLOCATION_HASHED,
	ENROLL_ALLOCATION_GEO_LATENCY,
	ENROLL_ALLOCATION_STATIC,
	ENROLL_ALLOCATION_CUSTOM, /* a webhook decides */
};

/* What becomes of the device's twin when it registers again (reprovisionPolicy, dps-api 1.3). */
enum enroll_reprovision {
	ENROLL_REPROVISION_UNSET,   /* the service's own */
	ENROLL_REPROVISION_MIGRATE, /* another hub perhaps, with its data   */
	ENROLL_REPROVISION_RESET,   /* another hub perhaps, as at the start */
	ENROLL_REPROVISION_NEVER,   /* it stays where it is                 */
};

/*
 * What the cloud's operator wants beside the attestation (dps-api 1.3). All zero: nothing is sent of it.
 * Of the twin: NAME=VALUE, or NAME="TEXT" with \" and \\ in it, separated by blanks; NULL or "": none.
 */
struct enroll_terms {
	const char *tags;    /* texts all */
	const char *desired; /* a VALUE that is a JSON number, true or false goes as such */
	enum enroll_allocation allocation;
	const char *hubs; /* host names, separated by blanks; they need an allocation */
	const char *webhook;
	enum enroll_reprovision reprovision;
	bool iot_edge;
	bool disabled;
};

/* What the service is told about one device; exactly one attestation is set. */
struct enroll_record {
	const char *job; /* unique: a second enqueue of the same job changes nothing, dropped or not */
	const char *registration_id;
	const char *device_id;        /* NULL: the service takes the registration ID */
	struct bytes endorsement_key; /* TPM2B_PUBLIC                                */
	struct bytes certificate_pem; /* the leaf, for an individual X.509 enrollment */
	/*
	 * A symmetric individual enrollment. No key is ever on disk: the outbox keeps its
	 * SHA-256, and the sender derives it again (enroll_service_set_device_keys).
	 */
	const struct secret *symmetric_key;
	struct enroll_terms terms;
};

/*
 * Whether the service, and the hub behind it, take these terms and this device ID (NULL: none); dps-api 2.
 * ERR_UNIT that says what is wrong. For a configuration, before there is a record; records are checked the same way.
 */
MUST_USE int enroll_terms_check(const char *device_id, const struct enroll_terms *terms, struct err *err);

MUST_USE int enroll_init(struct db *db, struct err *err);
/*
 * Adds the record as queued, in the caller's transaction. The payload is made and stored here.
 * ERR_UNIT if the service could never take it; ERR_STATION if the job is there with another content.
 */
MUST_USE int enroll_enqueue(struct db_tx *tx, int64_t at_ms, const struct enroll_record *record,
			    struct err *err);

struct enroll_counts {
	int64_t queued, sending, enrolled, retry, quarantined, dropped;
	int64_t carried; /* of the queued ones: in a batch whose receipt has not come */
};
MUST_USE int enroll_count(struct db *db, struct enroll_counts *ret_counts, struct err *err);

struct enroll_row {
	const char *job;
	const char *registration_id;
	enum enroll_state state;
	int64_t attempts;
	int64_t changed_ms;
	int64_t next_ms;    /* when it is tried again, if it is retry; else 0 */
	const char *reason; /* why it waits or was refused; NULL if nothing is wrong */
	/* Of a record that differs in the service: JSON, [{"field", "ours", "service"}..., {"more": N}]; or NULL. */
	const char *difference;
	/* Of a dropped one: who gave it up (NULL: a station without operators), and why. */
	const char *dropped_by, *dropped_why;
};
typedef int enroll_visit_fn(void *arg, const struct enroll_row *row, struct err *err);
/* Every row that is not enrolled when pending_only, else all; oldest first. Dropped ones are in neither. */
MUST_USE int enroll_each(struct db *db, bool pending_only, enroll_visit_fn *visit, void *arg,
			 struct err *err);
/*
 * At most n rows that are not enrolled: the quarantined ones first, then the others; oldest first
 * each. However many rows there are, the cost is that of the rows visited.
 */
MUST_USE int enroll_each_waiting(struct db *db, size_t n, enroll_visit_fn *visit, void *arg, struct err *err);
/* Queued or retry rows, at most n (32) of them: the oldest, or those that are tried again first. */
MUST_USE int enroll_each_next(struct db *db, enum enroll_state state, size_t n, enroll_visit_fn *visit,
			      void *arg, struct err *err);
MUST_USE int enroll_each_dropped(struct db *db, enroll_visit_fn *visit, void *arg, struct err *err);
/* Puts retry rows back to queued; registration_id NULL means all. *ret_n of them. */
MUST_USE int enroll_requeue(struct db *db, int64_t at_ms, const char *registration_id, int64_t *ret_n,
			    struct err *err);

/*
 * The record as it was or will be sent, without a symmetric key: of this registration ID's last job. *ret_found false:
 * the outbox has none.
 */
MUST_USE int enroll_payload(struct db *db, const char *registration_id, struct buf *ret_json,
			    enum enroll_state *ret_state, bool *ret_found, struct err *err);

/* --- Quarantine: what a person decides ------------------------------------------------------------- */

struct enroll_decision {
	const char *registration_id;
	int64_t at_ms;   /* wall clock */
	const char *by;  /* operator ID; NULL in a station without operators */
	const char *why; /* 1 to 300 characters */
};
/* The record that was decided about, for the caller's log. */
struct enroll_decided {
	char job[129];
	char registration_id[ENROLL_ID_MAX + 1];
	char reason[256]; /* why it was quarantined */
};
/*
 * Queues a quarantined record again, in the caller's transaction: the unit's last one. ERR_OPERATOR if none is
 * quarantined, or if a later job of the unit has a record: an earlier one may not be sent after it.
 */
MUST_USE int enroll_release(struct db_tx *tx, const struct enroll_decision *decision,
			    struct enroll_decided *ret_decided, struct err *err);
/* Gives up a quarantined record, in the caller's transaction: the unit's first one. ERR_OPERATOR if none is. */
MUST_USE int enroll_drop(struct db_tx *tx, const struct enroll_decision *decision,
			 struct enroll_decided *ret_decided, struct err *err);

/* --- Days without a network: batches of records that travel by hand, and receipts for them --------------- */

#define ENROLL_STATION_MAX  32
#define ENROLL_BATCH_ID_LEN 36     /* a UUID */
#define ENROLL_CARRY_MAX    100000 /* records of a batch: then it fits in the largest file that is read */

enum enroll_carried {
	ENROLL_CARRIED_BATCH,
	ENROLL_CARRIED_RECEIPT,
};

/* A batch, and what became of its records. */
struct enroll_batch {
	char id[ENROLL_BATCH_ID_LEN + 1];
	char station[ENROLL_STATION_MAX + 1]; /* whose records they are; of a receipt: who wrote it */
	bool ours;                            /* it was made here */
	int64_t made_ms;                      /* or imported */
	int64_t n;
	int64_t waiting, enrolled, quarantined;
	int64_t returned; /* not to be sent by whoever imported it: for want of their master key */
	bool again;       /* this import changed nothing */
};

/*
 * Who makes and reads such files. signer is the station's key (P-256), check says whether a
 * signature is that of a trusted station (ERR_OPERATOR: by whom it is not). note writes the
 * log's entry in the transaction that makes the fact; kind is batch-exported, batch-cancelled,
 * batch-imported, receipt-written or receipt-imported. left_out is told of each record that a
 * file or an import has no place for; NULL: nobody is. All is borrowed.
 */
struct enroll_carrier {
	struct db *db;
	const char *station;
	int64_t now_ms;
	const char *scratch; /* a folder for unnamed copies of what is read */
	const struct signer *signer;
	uint8_t key_sha256[SHA256_LEN];  /* of the signer's SubjectPublicKeyInfo */
	const struct macer *device_keys; /* the master key of symmetric enrollments, or NULL */
	int (*check)(void *arg, const char *station, const uint8_t key_sha256[SHA256_LEN],
		     struct bytes message, struct bytes sig, struct err *err);
	int (*note)(void *arg, struct db_tx *tx, const char *kind, const struct enroll_batch *batch,
		    struct err *err);
	void (*left_out)(void *arg, const char *registration_id, const char *why);
	void *arg;
};

/*
 * Writes what waits, at most ENROLL_CARRY_MAX records, as a signed batch to path, whole or not
 * at all and never over another file. The rows stay queued and are held: this station does not
 * send them until a receipt settles them or the batch is cancelled. ERR_OPERATOR if nothing waits.
 */
MUST_USE int enroll_export_batch(const struct enroll_carrier *carrier, const char *path,
				 struct enroll_batch *ret_batch, struct err *err);
/* This station sends the batch's open rows itself again; they are ret_batch->waiting. */
MUST_USE int enroll_cancel_batch(const struct enroll_carrier *carrier, const char *id,
				 struct enroll_batch *ret_batch, struct err *err);
/*
 * Reads a file of one of the kinds (a set of 1 << ENROLL_CARRIED_...): verifies all of it, then
 * takes a batch's records into the outbox, or settles the rows of a receipt. Doing it twice
 * changes nothing. ERR_OPERATOR that says what is wrong with the file, and where.
 */
MUST_USE int enroll_import(const struct enroll_carrier *carrier, const char *path, unsigned kinds,
			   enum enroll_carried *ret_kind, struct enroll_batch *ret_batch, struct err *err);
/* Writes what became of an imported batch so far, signed, to path, as enroll_export_batch does. */
MUST_USE int enroll_write_receipt(const struct enroll_carrier *carrier, const char *id, const char *path,
				  struct enroll_batch *ret_batch, struct err *err);
typedef int enroll_batch_fn(void *arg, const struct enroll_batch *batch, struct err *err);
/* Every batch made or imported here, oldest first; those made here before the others. */
MUST_USE int enroll_each_batch(struct db *db, enroll_batch_fn *visit, void *arg, struct err *err);

/* One-way forms of what waits, for the tools of the cloud (dps-api 1.6, 9.1); nothing comes back from there. */
enum enroll_format {
	ENROLL_FORMAT_DPS_JSON,       /* a line is the body of one bulk call    */
	ENROLL_FORMAT_IOTHUB_DEVICES, /* devices.txt of an IoT Hub's import job */
	ENROLL_FORMAT_CSV,            /* RFC 4180 */
};
/* Writes as enroll_export_batch does. The rows stay as they are; what has no such form is told to left_out. */
MUST_USE int enroll_export_format(const struct enroll_carrier *carrier, enum enroll_format format,
				  const char *path, int64_t *ret_n, struct err *err);

/* --- The service ----------------------------------------------------------------------------------- */

/* How calls are authenticated. */
enum enroll_auth {
	ENROLL_AUTH_SAS,               /* signed with a policy's key (dps-api 4.3)      */
	ENROLL_AUTH_ENTRA_CERTIFICATE, /* Entra ID, an assertion that a certificate's key signs (4.4) */
	ENROLL_AUTH_ENTRA_SECRET,      /* Entra ID, a client secret (4.4)               */
	ENROLL_AUTH_MANAGED_IDENTITY,  /* the identity of this machine (4.5)            */
};

enum enroll_assertion {
	ENROLL_ASSERTION_PS256, /* with x5t#S256 */
	ENROLL_ASSERTION_RS256, /* with x5t      */
};

enum enroll_identity {
	ENROLL_IDENTITY_AZURE_VM,
	ENROLL_IDENTITY_AZURE_ARC,
};

/* Who the station is to the service. Each kind reads its own members; all are borrowed. */
struct enroll_login {
	enum enroll_auth auth;
	/* SAS */
	const char *policy;
	const struct macer *macer; /* belongs to the service's thread */
	/* Entra ID */
	const char *login_host; /* login.microsoftonline.com, or host:port */
	const char *tenant, *client_id;
	struct bytes certificate_pem;
	const struct signer *signer; /* RSA; belongs to the service's thread */
	enum enroll_assertion assertion;
	const struct secret *client_secret;
	/* managed identity; client_id chooses one of several */
	enum enroll_identity identity;
	const char *identity_endpoint; /* http://ADDRESS[:PORT]; NULL: where Azure has it */
	const char *identity_keys;     /* folder of the Arc agent's key files; NULL: where Azure has it */
};

#define ENROLL_RESOLVE_MAX 16
/* How the service is reached; NULL and 0 where nothing is special. */
struct enroll_network {
	const char *ca_file;       /* PEM bundle instead of the system's  */
	const char *extra_ca_file; /* PEM bundle beside the system's: of a TLS-inspecting proxy */
	const char *proxy;         /* http://host:port */
	const char *proxy_user;
	const struct secret *proxy_password;
	const char *const *resolve; /* "host:port:address", answered without DNS */
	size_t resolve_n;
	const char *bind_address; /* of the network card that reaches the service */
};

struct enroll_conf {
	const char *host; /* contoso.azure-devices-provisioning.net, or host:port */
	struct enroll_network network;
	unsigned attempts_max; /* transient refusals of one record before quarantine */
	unsigned timeout_ms;   /* of one call                                        */
};

/*
 * What all connections of a station share: the budget in operations per minute, and the pause
 * after a throttle or a failure. Any thread.
 */
struct enroll_gate;
MUST_USE int enroll_gate_new(unsigned operations_per_minute, struct enroll_gate **ret_gate, struct err *err);
void enroll_gate_free(struct enroll_gate *gate);
DEFINE_CLEANUP(enroll_gate_freep, struct enroll_gate, enroll_gate_free)

/* One thread's connection: curl handle and token. */
struct enroll_service;
/* All are borrowed. */
MUST_USE int enroll_service_open(const struct enroll_conf *conf, const struct enroll_login *login,
				 struct enroll_gate *gate, struct enroll_service **ret_service,
				 struct err *err);
void enroll_service_close(struct enroll_service *service);
DEFINE_CLEANUP(enroll_service_closep, struct enroll_service, enroll_service_close)
/*
 * Symmetric individual enrollments need their device key once more when they are
 * sent: HMAC-SHA256 of the registration ID under the group's key, which this macer
 * holds. Borrowed, and used by the service's thread. Without it, or with another
 * key than the unit got, such a record is quarantined.
 */
void enroll_service_set_device_keys(struct enroll_service *service, const struct macer *device_keys);

/* What one pass did. */
struct enroll_progress {
	unsigned enrolled, retried, quarantined;
	unsigned calls;
	bool more;           /* a call can be made within two seconds: call again, it waits by itself */
	int64_t next_due_ms; /* wall clock when the next call can be made; 0: no row waits            */
};
/*
 * Sends one batch of due rows: marks them sending, calls, judges each item,
 * stores each outcome. 409201 and unknown outcomes are fetched and compared:
 * equal means enrolled, different means quarantined with the difference.
 * ERR_OPERATOR when unreachable or refused (401): the rows stay queued. A throttle,
 * a 5xx or a lost answer is no failure: its rows are counted as retried. If the
 * budget, Retry-After or a backoff forbid a call for longer than two seconds, none is made.
 */
MUST_USE int enroll_send_batch(struct enroll_service *service, struct db *db, int64_t now_ms,
			       struct enroll_progress *ret_progress, struct err *err);

/* Rows that a crash left as sending are due again; only for the process that drains the outbox, before it does. */
MUST_USE int enroll_recover(struct db *db, struct err *err);

/*
 * When the next call can be made: when a row is due and the pace allows it; 0: no row
 * waits. Any thread.
 */
MUST_USE int enroll_next_call(struct enroll_service *service, struct db *db, int64_t now_ms,
			      int64_t *ret_at_ms, struct err *err);

#define ENROLL_CONNECTIONS_MAX 16
struct enroll_sender_status {
	bool reachable;
	struct enroll_progress progress; /* of one batch: add them up */
	const struct err *err;           /* why not reachable; NULL if reachable */
};
typedef void enroll_status_fn(void *arg, const struct enroll_sender_status *status);
/* Whether this process is the one that drains the outbox. */
typedef int enroll_turn_fn(void *arg, bool *ret_mine, struct err *err);
/* All are borrowed but the array itself. */
struct enroll_sender_conf {
	struct enroll_service *const *services; /* they share a gate */
	size_t n;
	struct db *db;
	enroll_turn_fn *turn; /* NULL: nobody else drains it, and enroll_recover has been called */
	void *turn_arg;
	enroll_status_fn *status;
	void *status_arg;
};
/*
 * Threads that send while the station works, one for each service. Nothing is sent until turn
 * has said yes, once: it is asked now and then, and rows that the process before left as sending
 * are recovered then. status is called after each batch, each change between reachable and not,
 * and each new class or code of err; ERR_STATION and ERR_BUG are told each time. Both are called
 * by one thread at a time.
 */
struct enroll_sender;
MUST_USE int enroll_sender_start(const struct enroll_sender_conf *conf, struct enroll_sender **ret_sender,
				 struct err *err);
/* Something was queued: look now. */
void enroll_sender_wake(struct enroll_sender *sender);
/* Breaks off the calls in hand (their rows are due again), ends within a second or two; the services stay the caller's. */
void enroll_sender_stop(struct enroll_sender *sender);

/* --- Single calls, for setting up and checking ------------------------------------------------------ */

/* An enrollment group as it is wanted: with certificates, or with names of some, else with symmetric keys. */
struct enroll_group {
	const char *id;
	/* One CA certificate each; their devices bring a chain to one of them. */
	struct bytes primary_pem, secondary_pem;
	/* Names of CA certificates that the service has (dps-api 8), instead; NULL: none. */
	const char *primary_ca, *secondary_ca;
	struct enroll_terms terms;
};
/* Equal existing group: done. ERR_OPERATOR if it exists and differs, and says in what. */
MUST_USE int enroll_group_put_x509(struct enroll_service *service, const struct enroll_group *group,
				   struct err *err);
/*
 * A symmetric group. A new one's key is made by the service and returned once,
 * base64-decoded, in ret_key; of an existing equal one it is fetched (attestationmechanism).
 */
MUST_USE int enroll_group_put_symmetric(struct enroll_service *service, const struct enroll_group *group,
					struct secret *ret_key, struct err *err);
/* GET of a group's JSON; *ret_found false on 404. No key is in it. */
MUST_USE int enroll_group_get(struct enroll_service *service, const char *id, struct buf *ret_json,
			      bool *ret_found, struct err *err);

enum enroll_group_act {
	ENROLL_GROUP_ENABLE,
	ENROLL_GROUP_DISABLE, /* its devices register no more; their hubs don't notice */
	ENROLL_GROUP_ROLL,    /* the new CA becomes the secondary: both are good       */
	ENROLL_GROUP_FINISH,  /* the secondary becomes the primary: the old one is out */
	ENROLL_GROUP_CANCEL,  /* the secondary goes: its devices are out, and the old one stays */
};
struct enroll_group_change {
	enum enroll_group_act act;
	/* Every CA certificate at hand: the service gives none back, and those that stay must be sent again. */
	struct bytes known_pem;
	struct bytes new_pem; /* to roll to, or by its name in the service: */
	const char *new_ca;
};
/*
 * Reads the group, changes it and writes it if nobody else did meanwhile (ERR_RETRY). All that is not changed is
 * sent back as it was, keys too. *ret_changed false: it was so already. ERR_OPERATOR if it can't be changed so.
 */
MUST_USE int enroll_group_change(struct enroll_service *service, const char *id,
				 const struct enroll_group_change *change, bool *ret_changed,
				 struct err *err);
/* GET of one enrollment's JSON; *ret_found false on 404. */
MUST_USE int enroll_get(struct enroll_service *service, const char *registration_id, struct buf *ret_json,
			bool *ret_found, struct err *err);

/* --- After enrollment: one device's record, by hand --------------------------------------------------- */

enum enroll_status {
	ENROLL_STATUS_ENABLED,
	ENROLL_STATUS_DISABLED, /* it registers no more; what its hub knows of it stays */
};
/* A device whose record is in the service. */
struct enroll_device {
	const char *registration_id;
	struct bytes certificate_pem; /* its leaf, if it has one: answers don't show it, and a PUT needs it */
	bool newer_waits;             /* the outbox has a record of it that is not sent yet: errors say so */
};
/*
 * Sets the provisioningStatus and nothing else, if the record still is as it was fetched; one that changed
 * meanwhile is fetched once more. *ret_found false: the service has no record. ERR_OPERATOR if it was put there
 * with another certificate than the device's, with a second one, or changed twice; ERR_RETRY if the outcome
 * is not known: the same again settles it.
 */
MUST_USE int enroll_set_status(struct enroll_service *service, const struct enroll_device *device,
			       enum enroll_status status, bool *ret_found, struct err *err);
/* Deletes the record, and with it the device's registration, under the same condition. */
MUST_USE int enroll_delete(struct enroll_service *service, const char *registration_id, bool *ret_found,
			   struct err *err);
/*
 * Makes a disabled record for a device that has none, being one of a group: an individual record
 * comes before the group's (dps-api 5.2, 5.3). ERR_OPERATOR if it has got one meanwhile.
 */
MUST_USE int enroll_block(struct enroll_service *service, const struct enroll_device *device,
			  struct err *err);

/* --- Checking the way to the service ---------------------------------------------------------------- */

enum enroll_verdict {
	ENROLL_CHECK_GOOD,
	ENROLL_CHECK_DOUBT, /* it works, but look at it */
	ENROLL_CHECK_BAD,
	ENROLL_CHECK_LEFT_OUT, /* what came before has to work first, or it is somebody else's */
};
struct enroll_check_result {
	const char *check; /* "names", "tcp", "tls", "cipher", "certificate", "issuer", "answer", ... */
	const char *role;  /* "service", "devices", "login" */
	const char *host;
	enum enroll_verdict verdict;
	const char *found;
	const char *advice; /* NULL: nothing is to be done */
};
typedef void enroll_check_fn(void *arg, const struct enroll_check_result *result);
struct enroll_check_conf {
	const char *device_host; /* HOST or HOST:PORT, as the devices get it */
	const char *login_host;  /* the same; NULL: tokens come from nowhere else over TLS */
	const char *id_scope;
	enroll_check_fn *tell;
	void *arg;
};
/*
 * Tests everything between here and the service, in the order in which it is needed, the way calls
 * take: names, TCP, TLS, certificates, clock, login, rights. Nothing is changed in the service.
 * Results are told one by one; true if none is bad.
 */
bool enroll_check(struct enroll_service *service, const struct enroll_check_conf *conf, int64_t now_ms);

#endif
