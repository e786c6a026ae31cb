/*
 * Files that are carried by hand: batches of records and receipts for them. Lines of
 * canonical JSON; the first is the manifest, the last the signature over every byte before
 * it. docs/decisions/0006-offline-batches.md has the reasons, docs/enrollment.md the format.
 */
#ifndef ENROLL_CARRY_H
#define ENROLL_CARRY_H

#include "enroll/enroll_internal.h"

#define CARRY_FILE_MAX (INT64_C(1024) * 1024 * 1024)
#define CARRY_LINE_MAX (16 * 1024)
#define CARRY_JOB_MAX  128
#define CARRY_TIME_LEN 20  /* 2026-11-22T10:27:00Z */
#define CARRY_SIG_MAX  80  /* DER ECDSA-Sig-Value of P-256: 72 */
#define CARRY_CHUNK    128 /* rows a transaction, so that a line that works beside it never waits long */

/* --- carry_read.c: what a file says; nothing of it is trusted before carry_verify ---------------------- */

struct carry_manifest {
	enum enroll_carried kind;
	char station[ENROLL_STATION_MAX + 1]; /* who signs */
	char origin[ENROLL_STATION_MAX + 1];  /* whose records they are; of a batch the same */
	char batch[ENROLL_BATCH_ID_LEN + 1];
	char created[CARRY_TIME_LEN + 1];
	int64_t count;
	uint8_t sha256[SHA256_LEN]; /* of all lines between the first and the last */
};

struct carry_file {
	struct carry_manifest manifest;
	struct bytes lines; /* between the first and the last */
	struct bytes before_signature;
	uint8_t key_sha256[SHA256_LEN];
	uint8_t sig[CARRY_SIG_MAX];
	size_t sig_len;
};
/* Shape, count and digest. ERR_OPERATOR that says what is wrong and in which line. Slices borrow from file. */
MUST_USE int carry_parse(struct bytes file, struct carry_file *ret, struct err *err);
MUST_USE int carry_verify(const struct carry_file *file, const struct enroll_carrier *carrier,
			  struct err *err);
/* One line without its end; line_no is for the message. */
MUST_USE int carry_take_line(struct bytes *in, int64_t line_no, struct bytes *ret, struct err *err);

struct carry_record {
	char job[CARRY_JOB_MAX + 1];
	char registration_id[ENROLL_ID_MAX + 1];
	bool has_key;
	uint8_t key_sha256[SHA256_LEN];
	struct buf payload; /* owned: buf_init with ENROLL_PAYLOAD_MAX before the first use */
};
/* A line of a batch of this station. ERR_OPERATOR. */
MUST_USE int carry_record_parse(struct bytes line, const char *station, struct carry_record *ret,
				struct err *err);
/* What a receipt names a record by, beside its job: SHA-256 of payload and key's digest. */
void carry_content(struct bytes payload, struct bytes key_sha256, uint8_t ret[SHA256_LEN]);

enum carry_state {
	CARRY_WAITING,     /* still on its way, with the carrier */
	CARRY_ENROLLED,    /* the service holds it */
	CARRY_QUARANTINED, /* refused, or different in the service */
	CARRY_RETURNED,    /* the carrier can't send it: it is its own station's again */
};
struct carry_outcome {
	char job[CARRY_JOB_MAX + 1];
	uint8_t content[SHA256_LEN];
	enum carry_state state;
	char reason[REASON_MAX]; /* printable; empty if there is none */
	struct buf difference;   /* as in the outbox, or empty; buf_init with DIFFERENCE_JSON_MAX before */
};
MUST_USE int carry_outcome_parse(struct bytes line, struct carry_outcome *ret, struct err *err);

/* --- carry_write.c: the same lines, each with its end; ret is replaced ----------------------------------- */

MUST_USE int carry_manifest_line(const struct carry_manifest *manifest, struct buf *ret, struct err *err);
MUST_USE int carry_record_line(const struct carry_record *record, struct buf *ret, struct err *err);
MUST_USE int carry_outcome_line(const struct carry_outcome *outcome, struct buf *ret, struct err *err);
MUST_USE int carry_signature_line(const struct enroll_carrier *carrier, struct bytes message, struct buf *ret,
				  struct err *err);
MUST_USE int carry_time(int64_t at_ms, char ret[CARRY_TIME_LEN + 1], struct err *err);

/* --- carry_file.c ------------------------------------------------------------------------------------------ */

/* A whole file in memory, read-only. */
struct carry_map {
	void *p; /* NULL when empty */
	size_t len;
};
void carry_map_deinit(struct carry_map *map);
static inline struct bytes carry_map_bytes(const struct carry_map *map)
{
	return bytes_of(map->p, map->len);
}
/*
 * Reads path by way of a copy without a name in the folder scratch: whoever changes the file
 * afterwards, or pulls the stick it is on, changes nothing here. ERR_OPERATOR.
 */
MUST_USE int carry_map_file(const char *path, const char *scratch, struct carry_map *ret, struct err *err);

/* A file that is being made: its lines wait in one without a name, until it is written and published. */
struct carry_out {
	char path[512];
	char temporary[520]; /* beside path; empty: there is none */
	FILE *spool;
	int64_t n; /* lines */
};
/* ERR_OPERATOR if there is a file of this name. */
MUST_USE int carry_out_open(const char *path, struct carry_out *ret, struct err *err);
MUST_USE int carry_out_line(struct carry_out *out, struct bytes line, struct err *err);
/* Manifest (its count and digest are filled in), lines, signature: all on the disk, without its name. */
MUST_USE int carry_out_seal(struct carry_out *out, const struct enroll_carrier *carrier,
			    struct carry_manifest *manifest, struct err *err);
/* A head, which may be empty, and the lines; nothing is signed. */
MUST_USE int carry_out_plain(struct carry_out *out, struct bytes head, struct err *err);
/* It gets its name, unless another file has it by now. */
MUST_USE int carry_out_publish(struct carry_out *out, struct err *err);
/* What was not published goes away. */
void carry_out_close(struct carry_out *out);

/* --- carry_export.c, carry_import.c, carry_receipt.c ----------------------------------------------------- */

/* Rows that may leave this station: they wait, nobody carries them, and no call is under way. */
#define CARRY_FREE " state IN ('queued','retry') AND carried_by IS NULL "
struct carry_row {
	int64_t id;
	struct carry_record record;
};
#define CARRY_ROW_AUTO(name)                                                                                 \
	CLEANUP(carry_row_deinit)                                                                            \
	struct carry_row name = { .record = { .payload = { NULL, 0, 0, ENROLL_PAYLOAD_MAX } } }
static inline void carry_row_deinit(struct carry_row *row)
{
	buf_deinit(&row->record.payload);
}
/* The row under the cursor: id, job, registration_id, payload, key_sha256. */
MUST_USE int carry_row_read(struct db_query *q, struct carry_row *row, struct err *err);

/* An imported batch and its counts; ERR_OPERATOR if there is none. (carry_batches.c) */
MUST_USE int carry_batch_find(struct db *db, const char *id, struct enroll_batch *ret, struct err *err);

MUST_USE int carry_import_batch(const struct enroll_carrier *carrier, const struct carry_file *file,
				struct enroll_batch *ret, struct err *err);
MUST_USE int carry_import_receipt(const struct enroll_carrier *carrier, const struct carry_file *file,
				  struct enroll_batch *ret, struct err *err);

#endif
