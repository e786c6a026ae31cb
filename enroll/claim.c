/*
 * Which rows go into a batch, and what became of them. Both are one transaction
 * each: a crash in between leaves rows as sending, which enroll_recover makes
 * due again, and 409201 then settles.
 */
#include "enroll/enroll_internal.h"

#include <stdlib.h>

#define SCAN_MAX 256

#define COLUMNS "SELECT id, registration_id, payload, key_sha256, next, attempts, lost FROM outbox o WHERE "
/* A unit's records go in the order of its jobs: the service must end with the last one. */
#define IN_ORDER                                                                                             \
	" AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.registration_id = o.registration_id"                \
	" AND e.id < o.id AND e.state IN ('queued', 'sending', 'retry'))"
/* Not in a call of another connection; outbox_flying makes it one look-up a row. */
#define FREE                                                                                                 \
	" AND NOT EXISTS (SELECT 1 FROM outbox s WHERE s.state = 'sending'"                                  \
	" AND s.registration_id = o.registration_id)" IN_ORDER " "

#define RETRY_DUE   COLUMNS "state = 'retry' AND not_before_ms <= ?1" FREE "ORDER BY not_before_ms LIMIT ?3"
#define RETRY_STUCK COLUMNS "state = 'retry' AND not_before_ms > ?2" FREE "ORDER BY not_before_ms LIMIT ?3"
#define QUEUED      COLUMNS "state = 'queued' AND carried_by IS NULL" FREE "ORDER BY id LIMIT ?3"

/*
 * In this order, each until the batch has so many. Rows that failed before get
 * only half of a batch while others wait: they may fail again, and must not hold
 * the others up. A row waits an hour and a minute at most, so one that is due
 * much later was stored before the clock was set back, and is due.
 */
static const struct {
	const char *sql;
	size_t fill;
} due_queries[] = {
	{ RETRY_DUE, ENROLL_BULK_MAX / 2 }, { RETRY_STUCK, ENROLL_BULK_MAX / 2 }, { QUEUED, ENROLL_BULK_MAX },
	{ RETRY_DUE, ENROLL_BULK_MAX },     { RETRY_STUCK, ENROLL_BULK_MAX },
};

static const char *const next_names[] = {
	[NEXT_BULK] = "bulk", [NEXT_PUT] = "put",    [NEXT_GET] = "get",
	[NEXT_KEYS] = "keys", [NEXT_UPDATE] = "get",
};

static int64_t too_late(int64_t now_ms)
{
	return now_ms + PACE_HOLD_MAX_MS + PACE_BACKOFF_MAX_MS;
}

int batch_new(struct batch **ret_batch, struct err *err)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	for (size_t i = 0; i < ENROLL_BULK_MAX; i++) {
		buf_init(&batch->items[i].payload, ENROLL_PAYLOAD_MAX);
		buf_init(&batch->items[i].update, ENROLL_BODY_MAX);
	}
	*ret_batch = batch;
	return 0;
}

void batch_free(struct batch *batch)
{
	if (batch == NULL)
		return;
	for (size_t i = 0; i < ENROLL_BULK_MAX; i++) {
		buf_deinit(&batch->items[i].payload);
		buf_deinit(&batch->items[i].update);
	}
	free(batch);
}

static int next_from_name(const char *name, enum row_next *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(next_names); i++)
		if (name != NULL && strcmp(name, next_names[i]) == 0) {
			*ret = (enum row_next)i;
			return 0;
		}
	return -1;
}

static int read_item(struct db_query *q, struct item *item, struct err *err)
{
	struct bytes key_sha256 = db_column_blob(q, 3);

	item->id = db_column_int(q, 0);
	item->attempts = db_column_int(q, 5);
	item->lost = db_column_int(q, 6);
	item->has_key = key_sha256.len == SHA256_LEN;
	if (item->has_key)
		memcpy(item->key_sha256, key_sha256.p, SHA256_LEN);
	if (bytes_to_str(bytes_str(db_column_text(q, 1)), item->registration_id,
			 sizeof(item->registration_id)) < 0 ||
	    buf_set(&item->payload, db_column_blob(q, 2)) < 0 ||
	    next_from_name(db_column_text(q, 4), &item->next) < 0)
		return err_set(err, ERR_STATION, 0, "outbox row %lld is broken", (long long)item->id);
	item->verdict = ITEM_OPEN;
	item->reason[0] = '\0';
	item->difference = (struct difference){ 0 };
	item->etag[0] = '\0';
	item->not_before_ms = 0;
	return 0;
}

/* Two records of one ID never share a call: the service would take either (dps-api 11). */
static bool id_in_batch(const struct batch *batch, const char *id)
{
	for (size_t i = 0; i < batch->n; i++)
		if (id == NULL || same_id(batch->items[i].registration_id, id))
			return true;
	return false;
}

static int select_due(struct db_tx *tx, size_t query, int64_t now_ms, struct batch *batch, struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	if (db_query(tx, &q, due_queries[query].sql,
		     DB_VALUES(db_int(now_ms), db_int(too_late(now_ms)), db_int(SCAN_MAX)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	while (row && batch->n < due_queries[query].fill) {
		if (!id_in_batch(batch, db_column_text(&q, 1))) {
			if (read_item(&q, &batch->items[batch->n], err) < 0)
				return -1;
			batch->n++;
		}
		if (db_next(&q, &row, err) < 0)
			return -1;
	}
	return 0;
}

static int mark_sending(struct db_tx *tx, int64_t now_ms, const struct batch *batch, struct err *err)
{
	for (size_t i = 0; i < batch->n; i++)
		if (db_run(tx, "UPDATE outbox SET state = 'sending', changed_ms = ?2 WHERE id = ?1",
			   DB_VALUES(db_int(batch->items[i].id), db_int(now_ms)), err) < 0)
			return -1;
	return 0;
}

int outbox_release(struct db *db, const int64_t *ids, size_t n, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (db_run(&tx,
			   "UPDATE outbox SET state = 'retry', not_before_ms = 0"
			   " WHERE id = ?1 AND state = 'sending'",
			   DB_VALUES(db_int(ids[i])), err) < 0)
			return -1;
	return db_commit(&tx, err);
}

int outbox_claim(struct db *db, int64_t now_ms, struct batch *batch, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	batch->n = 0;
	if (db_begin(db, &tx, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(due_queries) && batch->n < ENROLL_BULK_MAX; i++)
		if (select_due(&tx, i, now_ms, batch, err) < 0)
			return -1;
	if (batch->n == 0)
		return 0;
	if (mark_sending(&tx, now_ms, batch, err) < 0 || db_commit(&tx, err) < 0)
		return -1;
	return 0;
}

static const char *state_after(enum item_verdict verdict)
{
	switch (verdict) {
	case ITEM_OPEN:
		return "queued";
	case ITEM_ENROLLED:
		return "enrolled";
	case ITEM_RETRY:
		return "retry";
	case ITEM_QUARANTINED:
		return "quarantined";
	}
	return "queued";
}

void earlier_deinit(struct earlier *earlier)
{
	buf_deinit(&earlier->payload);
}

int outbox_earlier(struct db *db, const struct item *item, struct earlier *ret, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	db_read_begin(db, &tx);
	if (db_query(&tx, &q,
		     "SELECT payload, key_sha256 FROM outbox WHERE registration_id = ?1 AND id < ?2"
		     " AND state = 'enrolled' ORDER BY id DESC LIMIT 1",
		     DB_VALUES(db_text(item->registration_id), db_int(item->id)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (row && buf_set(&ret->payload, db_column_blob(&q, 0)) < 0)
		return err_set(err, ERR_STATION, 0, "a record before outbox row %lld is broken",
			       (long long)item->id);
	ret->has_key = row && db_column_blob(&q, 1).len == SHA256_LEN;
	if (ret->has_key)
		memcpy(ret->key_sha256, db_column_blob(&q, 1).p, SHA256_LEN);
	ret->found = row;
	return 0;
}

static int settle_one(struct db_tx *tx, int64_t now_ms, const struct item *item, struct err *err)
{
	BUF_AUTO(difference, DIFFERENCE_JSON_MAX);

	if (item->verdict == ITEM_QUARANTINED && difference_json(&item->difference, &difference, err) < 0)
		return -1;
	return db_run(tx,
		      "UPDATE outbox SET state = ?2, next = ?3, attempts = ?4, lost = ?5, not_before_ms = ?6,"
		      " changed_ms = ?7, reason = ?8, difference = ?9 WHERE id = ?1 AND state = 'sending'",
		      DB_VALUES(db_int(item->id), db_text(state_after(item->verdict)),
				db_text(next_names[item->next]), db_int(item->attempts), db_int(item->lost),
				db_int(item->not_before_ms), db_int(now_ms),
				db_text(item->reason[0] != '\0' ? item->reason : NULL),
				db_text(difference.len > 0 ? (const char *)difference.p : NULL)),
		      err);
}

int outbox_settle(struct db *db, int64_t now_ms, const struct batch *batch, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (batch->n == 0)
		return 0;
	if (db_begin(db, &tx, err) < 0)
		return -1;
	for (size_t i = 0; i < batch->n; i++)
		if (settle_one(&tx, now_ms, &batch->items[i], err) < 0)
			return -1;
	return db_commit(&tx, err);
}

int outbox_outlook(struct db *db, int64_t now_ms, bool *ret_due, int64_t *ret_next_ms, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	int64_t queued = 0, first = 0, last = 0;
	bool any_queued = false, any_retry = false;

	db_read_begin(db, &tx);
	if (db_get_int(&tx,
		       "SELECT id FROM outbox o WHERE state = 'queued' AND carried_by IS NULL" IN_ORDER
		       " LIMIT 1",
		       DB_NO_VALUES, &queued, &any_queued, err) < 0 ||
	    db_get_int(&tx,
		       "SELECT not_before_ms FROM outbox o WHERE state = 'retry'" IN_ORDER
		       " ORDER BY not_before_ms LIMIT 1",
		       DB_NO_VALUES, &first, &any_retry, err) < 0 ||
	    db_get_int(&tx,
		       "SELECT not_before_ms FROM outbox WHERE state = 'retry' ORDER BY not_before_ms DESC "
		       "LIMIT 1",
		       DB_NO_VALUES, &last, &any_retry, err) < 0)
		return -1;
	*ret_due = any_queued || (any_retry && (first <= now_ms || last > too_late(now_ms)));
	*ret_next_ms = any_retry && first > now_ms ? first : 0;
	return 0;
}
