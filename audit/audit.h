/*
 * The audit log: append-only entries in the station's database, each the
 * canonical bytes of one event, leaves of an RFC 6962 Merkle tree whose root is
 * kept incrementally. If an entry can't be written, nothing is issued.
 *
 * Checkpoints (C2SP tlog-checkpoint, signed in the HSM) build on audit_head.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "base/db.h"
#include "base/digest.h"

#define AUDIT_ENTRY_MAX  4096
#define AUDIT_FIELDS_MAX 24

/* One fact of an event: a name of [a-z0-9_] and a text. Names are stored data: never renamed, only added. */
struct audit_field {
	const char *name;
	const char *text; /* UTF-8 (else each byte above 0x7f becomes '?'); NULL leaves the field out */
};

/*
 * An event. key makes it unique ("job-17/record"): appending the same key with
 * the same content again changes nothing, with other content is ERR_STATION.
 */
struct audit_event {
	const char *kind; /* "unit-provisioned", "certificate-issued", "unit-failed", "station-started" … */
	const char *key;
	const struct audit_field *fields;
	size_t fields_n;
};

/* Makes or migrates the tables. */
MUST_USE int audit_init(struct db *db, struct err *err);

/*
 * Appends one event inside the caller's transaction, at wall-clock time at_ms.
 * The entry is JSON with sorted names, no white space: {"at":…,"index":…,"key":…,"kind":…,…}.
 */
MUST_USE int audit_append(struct db_tx *tx, int64_t at_ms, const struct audit_event *event, struct err *err);

/* The log's size and RFC 6962 root. */
struct audit_head {
	int64_t size;
	uint8_t root[SHA256_LEN];
};
MUST_USE int audit_head(struct db_tx *tx, struct audit_head *ret_head, struct err *err);

/*
 * The time that the log knows: the latest of its entries, leaving out those that contradicted
 * the ones before them, being BACK earlier or AHEAD later. So a clock that is wrong can't make itself
 * right by what it dates; only an entry of the kind ACCEPTED sets the time whatever it was.
 * *ret_known false while the log is empty.
 */
#define AUDIT_CLOCK_BACK_MS  (INT64_C(2) * 60 * 1000)
#define AUDIT_CLOCK_AHEAD_MS (INT64_C(400) * 24 * 3600 * 1000)
#define AUDIT_CLOCK_ACCEPTED "clock-accepted"
MUST_USE int audit_clock(struct db_tx *tx, int64_t *ret_ms, bool *ret_known, struct err *err);
bool audit_clock_contradicts(int64_t log_ms, int64_t now_ms);

/*
 * Called with each entry's index and canonical bytes, oldest first; -1 stops.
 * The database is locked meanwhile, so it must neither use it nor block.
 */
typedef int audit_visit_fn(void *arg, int64_t index, struct bytes entry, struct err *err);
/* The entries from index first on. */
MUST_USE int audit_each(struct db *db, int64_t first, audit_visit_fn *visit, void *arg, struct err *err);

#define AUDIT_PAGE_MAX 256
/*
 * The at most n (AUDIT_PAGE_MAX) entries before index before, newest first: indexes run from 0
 * to size - 1 without a gap. However long the log is, the cost is that of the entries visited.
 */
MUST_USE int audit_each_before(struct db *db, int64_t before, int n, audit_visit_fn *visit, void *arg,
			       struct err *err);
/* The newest n (AUDIT_PAGE_MAX) entries whose key begins with prefix ("job-17/"), newest first. */
MUST_USE int audit_each_key(struct db *db, const char *prefix, int n, audit_visit_fn *visit, void *arg,
			    struct err *err);

/* What audit_verify found. bad_index is -1 when all is well; a bad head is named by the log's size. */
struct audit_verdict {
	struct audit_head head; /* recomputed from the entries */
	int64_t bad_index;
	char reason[120];
};
/*
 * Recomputes everything from the entries: their order, canonical form, leaf
 * hashes, the tree's stored nodes and head. A log that does not verify is
 * an answer (bad_index), not an error.
 */
MUST_USE int audit_verify(struct db *db, struct audit_verdict *ret_verdict, struct err *err);

#endif
