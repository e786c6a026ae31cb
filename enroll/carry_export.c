/*
 * A batch leaves. Its rows are noted first, in small transactions: alone that means nothing.
 * Then the file is whole and on the disk under a passing name, then one transaction holds the
 * rows and writes the log, then the file gets its name. A crash before that transaction leaves
 * all as it was; one after it a batch that is held, and that can be cancelled.
 */
#include "enroll/carry.h"

#define SELECT_FREE                                                                                          \
	"SELECT id, job, registration_id, payload, key_sha256 FROM outbox"                                   \
	" WHERE" CARRY_FREE "AND id > ?1"                                                                    \
	" AND substr(job, 1, length(?3) + 1) = ?3 || '/' ORDER BY id LIMIT ?2"

static int uuid_make(char ret[ENROLL_BATCH_ID_LEN + 1], struct err *err)
{
	SECRET_AUTO random = { NULL, 0 };
	const uint8_t *r;

	if (secret_random(16, &random, err) < 0)
		return -1;
	random.p[6] = (uint8_t)((random.p[6] & 0x0f) | 0x40); /* RFC 9562 5.4 */
	random.p[8] = (uint8_t)((random.p[8] & 0x3f) | 0x80);
	r = random.p;
	if (str_format(ret, ENROLL_BATCH_ID_LEN + 1,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
		       r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
		       r[15]) < 0)
		return err_set(err, ERR_BUG, 0, "a batch's ID does not fit");
	return 0;
}

int carry_row_read(struct db_query *q, struct carry_row *row, struct err *err)
{
	struct carry_record *record = &row->record;
	struct bytes key = db_column_blob(q, 4);

	row->id = db_column_int(q, 0);
	record->has_key = key.len == SHA256_LEN;
	if (record->has_key)
		memcpy(record->key_sha256, key.p, SHA256_LEN);
	if (bytes_to_str(bytes_str(db_column_text(q, 1)), record->job, sizeof(record->job)) < 0 ||
	    bytes_to_str(bytes_str(db_column_text(q, 2)), record->registration_id,
			 sizeof(record->registration_id)) < 0 ||
	    buf_set(&record->payload, db_column_blob(q, 3)) < 0)
		return err_set(err, ERR_STATION, 0, "outbox row %lld is broken", (long long)row->id);
	return 0;
}

/* What one batch is being made with. */
struct export
{
	const struct enroll_carrier *carrier;
	struct carry_out out;
	int64_t batch; /* its row in carry_out */
	int64_t last;  /* outbox row written last */
	int64_t ids[CARRY_CHUNK];
	size_t ids_n;
};

static void export_deinit(struct export *export)
{
	carry_out_close(&export->out);
}

static int begin_batch(struct export *export, const struct enroll_batch *batch, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(export->carrier->db, &tx, err) < 0 ||
	    db_run(&tx, "INSERT INTO carry_out(batch, made_ms, n) VALUES(?1, ?2, 0)",
		   DB_VALUES(db_text(batch->id), db_int(batch->made_ms)), err) < 0)
		return -1;
	export->batch = db_last_id(&tx);
	return db_commit(&tx, err);
}

static int write_row(struct export *export, struct db_query *q, struct carry_row *row, struct buf *line,
		     struct err *err)
{
	if (carry_row_read(q, row, err) < 0 || carry_record_line(&row->record, line, err) < 0 ||
	    carry_out_line(&export->out, buf_bytes(line), err) < 0)
		return -1;
	export->ids[export->ids_n++] = export->last = row->id;
	return 0;
}

static int write_chunk(struct export *export, struct carry_row *row, struct err *err)
{
	const struct enroll_carrier *carrier = export->carrier;
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	BUF_AUTO(line, CARRY_LINE_MAX + 1);
	bool more = false;

	export->ids_n = 0;
	db_read_begin(carrier->db, &tx);
	if (db_query(&tx, &q, SELECT_FREE,
		     DB_VALUES(db_int(export->last), db_int(CARRY_CHUNK), db_text(carrier->station)),
		     err) < 0 ||
	    db_next(&q, &more, err) < 0)
		return -1;
	while (more && export->out.n < ENROLL_CARRY_MAX)
		if (write_row(export, &q, row, &line, err) < 0 || db_next(&q, &more, err) < 0)
			return -1;
	return 0;
}

static int note_chunk(struct export *export, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(export->carrier->db, &tx, err) < 0)
		return -1;
	for (size_t i = 0; i < export->ids_n; i++)
		if (db_run(&tx, "INSERT INTO carry_out_row(batch, row) VALUES(?1, ?2)",
			   DB_VALUES(db_int(export->batch), db_int(export->ids[i])), err) < 0)
			return -1;
	return db_commit(&tx, err);
}

static int write_rows(struct export *export, struct err *err)
{
	CARRY_ROW_AUTO(row);

	do {
		if (write_chunk(export, &row, err) < 0 || note_chunk(export, err) < 0)
			return -1;
	} while (export->ids_n == CARRY_CHUNK && export->out.n < ENROLL_CARRY_MAX);
	return 0;
}

/* Those that were sent in the meantime are not held; the carrier will find them in the service. */
static int hold(struct export *export, const struct enroll_batch *batch, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	char reason[REASON_MAX];

	if (str_format(reason, sizeof(reason), "with a carrier: batch %s", batch->id) < 0)
		return err_set(err, ERR_BUG, 0, "a reason does not fit");
	if (db_begin(export->carrier->db, &tx, err) < 0 ||
	    db_run(&tx,
		   "UPDATE outbox SET carried_by = ?1, state = 'queued', not_before_ms = 0, changed_ms = ?2,"
		   " reason = ?3 WHERE id IN (SELECT row FROM carry_out_row WHERE batch = ?1) AND" CARRY_FREE,
		   DB_VALUES(db_int(export->batch), db_int(batch->made_ms), db_text(reason)), err) < 0 ||
	    db_run(&tx, "UPDATE carry_out SET n = ?2 WHERE id = ?1",
		   DB_VALUES(db_int(export->batch), db_int(batch->n)), err) < 0 ||
	    export->carrier->note(export->carrier->arg, &tx, "batch-exported", batch, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

static int release(struct db_tx *tx, int64_t at_ms, int64_t batch, int64_t *ret_n, struct err *err)
{
	if (db_run(tx,
		   "UPDATE outbox SET carried_by = NULL, reason = NULL, changed_ms = ?2 WHERE carried_by = "
		   "?1",
		   DB_VALUES(db_int(batch), db_int(at_ms)), err) < 0)
		return -1;
	*ret_n = db_changes(tx);
	return 0;
}

/* The file did not get its name: the batch is cancelled at once, and the first failure is the one to tell. */
static int undo(const struct enroll_carrier *carrier, const struct enroll_batch *batch)
{
	struct enroll_batch cancelled;
	struct err ignored = { 0 };

	(void)(enroll_cancel_batch(carrier, batch->id, &cancelled, &ignored) < 0);
	return -1;
}

int enroll_export_batch(const struct enroll_carrier *carrier, const char *path,
			struct enroll_batch *ret_batch, struct err *err)
{
	CLEANUP(export_deinit) struct export export = { .carrier = carrier };
	struct enroll_batch batch = { .ours = true, .made_ms = carrier->now_ms };
	struct carry_manifest manifest = { .kind = ENROLL_CARRIED_BATCH };

	str_clip(batch.station, sizeof(batch.station), carrier->station);
	str_clip(manifest.station, sizeof(manifest.station), carrier->station);
	if (uuid_make(batch.id, err) < 0 || carry_time(batch.made_ms, manifest.created, err) < 0 ||
	    carry_out_open(path, &export.out, err) < 0 || begin_batch(&export, &batch, err) < 0 ||
	    write_rows(&export, err) < 0)
		return -1;
	if (export.out.n == 0)
		return err_set(err, ERR_OPERATOR, 0, "nothing waits that could be carried");
	str_clip(manifest.batch, sizeof(manifest.batch), batch.id);
	batch.n = batch.waiting = export.out.n;
	if (carry_out_seal(&export.out, carrier, &manifest, err) < 0 || hold(&export, &batch, err) < 0)
		return -1;
	if (carry_out_publish(&export.out, err) < 0)
		return undo(carrier, &batch);
	*ret_batch = batch;
	return 0;
}

int enroll_cancel_batch(const struct enroll_carrier *carrier, const char *id, struct enroll_batch *ret_batch,
			struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct enroll_batch batch = { .ours = true };
	int64_t row = 0;
	bool found = false;

	if (db_begin(carrier->db, &tx, err) < 0 ||
	    db_get_int(&tx, "SELECT id FROM carry_out WHERE batch = ?1 AND n > 0", DB_VALUES(db_text(id)),
		       &row, &found, err) < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_OPERATOR, 0, "this station has made no batch %.40s", id);
	if (release(&tx, carrier->now_ms, row, &batch.waiting, err) < 0 ||
	    db_get_int(&tx, "SELECT n FROM carry_out WHERE id = ?1", DB_VALUES(db_int(row)), &batch.n, &found,
		       err) < 0)
		return -1;
	str_clip(batch.id, sizeof(batch.id), id);
	str_clip(batch.station, sizeof(batch.station), carrier->station);
	batch.again = batch.waiting == 0;
	if ((!batch.again && carrier->note(carrier->arg, &tx, "batch-cancelled", &batch, err) < 0) ||
	    db_commit(&tx, err) < 0)
		return -1;
	*ret_batch = batch;
	return 0;
}
