/*
 * Receipts: what became of a batch's records, so far. Writing one changes nothing but the log.
 * Reading one settles rows of its own station, each by its job and its content, and never undoes
 * what was settled: an older receipt that comes late does no harm.
 */
#include "enroll/carry.h"

#define DROPPED_REASON  "given up by a person at the carrier's station"
#define RETURNED_REASON "the carrier's station has not the master key of this record"

static void outcome_deinit(struct carry_outcome *outcome)
{
	buf_deinit(&outcome->difference);
}

/* Text for a line and a list; what the service said may hold anything. */
static void set_reason(struct carry_outcome *outcome, const char *text)
{
	str_clip(outcome->reason, sizeof(outcome->reason), text);
	for (char *p = outcome->reason; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

/* The row under the cursor: line, job, content, row, state, reason, difference. */
static int read_outcome(struct db_query *q, struct carry_outcome *ret, struct err *err)
{
	const char *state = db_column_text(q, 4), *reason = db_column_text(q, 5);
	struct bytes content = db_column_blob(q, 2);

	ret->reason[0] = '\0';
	buf_clear(&ret->difference);
	if (content.len != SHA256_LEN ||
	    bytes_to_str(bytes_str(db_column_text(q, 1)), ret->job, sizeof(ret->job)) < 0)
		return err_set(err, ERR_STATION, 0, "an imported record is broken");
	memcpy(ret->content, content.p, SHA256_LEN);
	if (state == NULL && db_column_int(q, 3) != 0) {
		ret->state = CARRY_QUARANTINED;
		set_reason(ret, DROPPED_REASON);
		return 0;
	}
	if (state == NULL) {
		ret->state = CARRY_RETURNED;
		set_reason(ret, RETURNED_REASON);
		return 0;
	}
	ret->state = strcmp(state, "enrolled") == 0      ? CARRY_ENROLLED
		     : strcmp(state, "quarantined") == 0 ? CARRY_QUARANTINED
							 : CARRY_WAITING;
	if (reason != NULL && ret->state != CARRY_ENROLLED)
		set_reason(ret, reason);
	if (ret->state == CARRY_QUARANTINED && buf_set(&ret->difference, bytes_str(db_column_text(q, 6))) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

static void count_outcome(struct enroll_batch *batch, enum carry_state state)
{
	switch (state) {
	case CARRY_WAITING:
		batch->waiting++;
		return;
	case CARRY_ENROLLED:
		batch->enrolled++;
		return;
	case CARRY_QUARANTINED:
		batch->quarantined++;
		return;
	case CARRY_RETURNED:
		batch->returned++;
		return;
	}
}

static int write_outcomes(struct db *db, struct enroll_batch *batch, struct carry_out *out, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	CLEANUP(outcome_deinit) struct carry_outcome outcome = { .difference.max = DIFFERENCE_JSON_MAX };
	BUF_AUTO(line, CARRY_LINE_MAX + 1);
	bool row = false;

	db_read_begin(db, &tx);
	if (db_query(&tx, &q,
		     "SELECT r.line, r.job, r.content, r.row, o.state, o.reason, o.difference FROM carry_in b"
		     " JOIN carry_in_row r ON r.batch = b.id LEFT JOIN outbox o ON o.id = r.row AND o.job = "
		     "r.job"
		     " WHERE b.batch = ?1 AND b.whole ORDER BY r.line",
		     DB_VALUES(db_text(batch->id)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	while (row) {
		if (read_outcome(&q, &outcome, err) < 0 || carry_outcome_line(&outcome, &line, err) < 0 ||
		    carry_out_line(out, buf_bytes(&line), err) < 0 || db_next(&q, &row, err) < 0)
			return -1;
		count_outcome(batch, outcome.state);
	}
	return 0;
}

static int note_receipt(const struct enroll_carrier *carrier, const struct enroll_batch *batch,
			struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(carrier->db, &tx, err) < 0 ||
	    carrier->note(carrier->arg, &tx, "receipt-written", batch, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

int enroll_write_receipt(const struct enroll_carrier *carrier, const char *id, const char *path,
			 struct enroll_batch *ret_batch, struct err *err)
{
	CLEANUP(carry_out_close) struct carry_out out = { .n = 0 };
	struct carry_manifest manifest = { .kind = ENROLL_CARRIED_RECEIPT };
	struct enroll_batch batch;

	if (carry_batch_find(carrier->db, id, &batch, err) < 0 || carry_out_open(path, &out, err) < 0)
		return -1;
	batch.waiting = batch.enrolled = batch.quarantined = batch.returned = 0;
	if (write_outcomes(carrier->db, &batch, &out, err) < 0)
		return -1;
	if (out.n != batch.n)
		return err_set(err, ERR_OPERATOR, 0, "batch %s came in part only: import it once more", id);
	str_clip(manifest.station, sizeof(manifest.station), carrier->station);
	str_clip(manifest.origin, sizeof(manifest.origin), batch.station);
	str_clip(manifest.batch, sizeof(manifest.batch), batch.id);
	if (carry_time(carrier->now_ms, manifest.created, err) < 0 ||
	    carry_out_seal(&out, carrier, &manifest, err) < 0 || note_receipt(carrier, &batch, err) < 0 ||
	    carry_out_publish(&out, err) < 0)
		return -1;
	*ret_batch = batch;
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

struct settling {
	const struct enroll_carrier *carrier;
	const struct carry_manifest *manifest;
	int64_t batch; /* its row in carry_out */
	struct enroll_batch told;
	int64_t changes;
};

/* The row that an outcome is about, if it is one of this batch and of this content. */
static int find_row(struct settling *settling, struct db_tx *tx, const struct carry_outcome *outcome,
		    int64_t *ret_row, bool *ret_changes, struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	uint8_t content[SHA256_LEN];
	bool row = false, held;

	if (db_query(tx, &q,
		     "SELECT o.id, o.payload, o.key_sha256, o.state = 'enrolled', o.carried_by = ?2"
		     " FROM outbox o JOIN carry_out_row r ON r.row = o.id AND r.batch = ?2 WHERE o.job = ?1",
		     DB_VALUES(db_text(outcome->job), db_int(settling->batch)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (!row)
		return err_set(err, ERR_OPERATOR, 0, "%s was not in the batch", outcome->job);
	carry_content(db_column_blob(&q, 1), db_column_blob(&q, 2), content);
	if (!bytes_equal(BYTES_ARRAY(content), BYTES_ARRAY(outcome->content)))
		return err_set(err, ERR_OPERATOR, 0, "it is about another content of %s", outcome->job);
	held = db_column_int(&q, 4) == 1;
	*ret_row = db_column_int(&q, 0);
	*ret_changes = outcome->state == CARRY_ENROLLED  ? db_column_int(&q, 3) == 0
		       : outcome->state == CARRY_WAITING ? false
							 : held;
	return 0;
}

static int settle_row(struct settling *settling, struct db_tx *tx, int64_t row,
		      const struct carry_outcome *outcome, struct err *err)
{
	const struct db_value values[] = {
		db_int(row),
		db_int(settling->carrier->now_ms),
		db_text(outcome->reason[0] != '\0' ? outcome->reason : NULL),
		db_blob(BYTES_NONE),
	};
	BUF_AUTO(difference, DIFFERENCE_JSON_MAX + 1);

	switch (outcome->state) {
	case CARRY_WAITING:
		return 0;
	case CARRY_ENROLLED:
		return db_run(tx,
			      "UPDATE outbox SET state = 'enrolled', carried_by = NULL, changed_ms = ?2,"
			      " reason = NULL, difference = NULL WHERE id = ?1",
			      values, 2, err);
	case CARRY_RETURNED:
		return db_run(
			tx, "UPDATE outbox SET carried_by = NULL, changed_ms = ?2, reason = ?3 WHERE id = ?1",
			values, 3, err);
	case CARRY_QUARANTINED:
		break;
	}
	if (buf_set(&difference, buf_bytes(&outcome->difference)) < 0 || buf_append_u8(&difference, 0) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return db_run(
		tx,
		"UPDATE outbox SET state = 'quarantined', carried_by = NULL, changed_ms = ?2, reason = ?3,"
		" difference = ?4 WHERE id = ?1",
		DB_VALUES(values[0], values[1], values[2],
			  db_text(difference.len > 1 ? (const char *)difference.p : NULL)),
		err);
}

/* Everything is looked at before anything is changed. */
static int check_outcomes(struct settling *settling, struct bytes rest, struct err *err)
{
	CLEANUP(outcome_deinit) struct carry_outcome outcome = { .difference.max = DIFFERENCE_JSON_MAX };
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct bytes line;

	db_read_begin(settling->carrier->db, &tx);
	for (int64_t n = 2; rest.len > 0; n++) {
		int64_t row = 0;
		bool changes = false;

		if (carry_take_line(&rest, n, &line, err) < 0)
			return -1;
		if (carry_outcome_parse(line, &outcome, err) < 0 ||
		    find_row(settling, &tx, &outcome, &row, &changes, err) < 0)
			return err_wrap(err, "line %lld", (long long)n);
		count_outcome(&settling->told, outcome.state);
		settling->changes += changes;
	}
	return 0;
}

static int settle_chunk(struct settling *settling, struct bytes *rest, bool first, struct err *err)
{
	const struct enroll_carrier *carrier = settling->carrier;
	CLEANUP(outcome_deinit) struct carry_outcome outcome = { .difference.max = DIFFERENCE_JSON_MAX };
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct bytes line;

	if (db_begin(carrier->db, &tx, err) < 0 ||
	    (first && carrier->note(carrier->arg, &tx, "receipt-imported", &settling->told, err) < 0))
		return -1;
	for (int i = 0; i < CARRY_CHUNK && rest->len > 0; i++) {
		int64_t row = 0;
		bool changes = false;

		if (carry_take_line(rest, 0, &line, err) < 0 ||
		    carry_outcome_parse(line, &outcome, err) < 0 ||
		    find_row(settling, &tx, &outcome, &row, &changes, err) < 0 ||
		    (changes && settle_row(settling, &tx, row, &outcome, err) < 0))
			return -1;
	}
	return db_commit(&tx, err);
}

/* It must be for us, about a batch of ours, and about all of it. */
static int find_batch(struct settling *settling, struct err *err)
{
	const struct carry_manifest *manifest = settling->manifest;
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	int64_t n = 0;
	bool found = false;

	if (strcmp(manifest->origin, settling->carrier->station) != 0)
		return err_set(err, ERR_OPERATOR, 0, "it is a receipt for station %s, and this is %s",
			       manifest->origin, settling->carrier->station);
	db_read_begin(settling->carrier->db, &tx);
	if (db_get_int(&tx, "SELECT id FROM carry_out WHERE batch = ?1", DB_VALUES(db_text(manifest->batch)),
		       &settling->batch, &found, err) < 0 ||
	    db_get_int(&tx, "SELECT n FROM carry_out WHERE batch = ?1", DB_VALUES(db_text(manifest->batch)),
		       &n, &found, err) < 0)
		return -1;
	if (!found || n == 0)
		return err_set(err, ERR_OPERATOR, 0, "this station has made no batch %s", manifest->batch);
	if (n != manifest->count)
		return err_set(err, ERR_OPERATOR, 0, "it tells of %lld records, and batch %s has %lld",
			       (long long)manifest->count, manifest->batch, (long long)n);
	return 0;
}

int carry_import_receipt(const struct enroll_carrier *carrier, const struct carry_file *file,
			 struct enroll_batch *ret, struct err *err)
{
	struct settling settling = { .carrier = carrier, .manifest = &file->manifest };
	struct bytes rest = file->lines;

	settling.told.made_ms = carrier->now_ms;
	settling.told.n = file->manifest.count;
	str_clip(settling.told.id, sizeof(settling.told.id), file->manifest.batch);
	str_clip(settling.told.station, sizeof(settling.told.station), file->manifest.station);
	if (find_batch(&settling, err) < 0 || check_outcomes(&settling, rest, err) < 0)
		return -1;
	settling.told.again = settling.changes == 0;
	for (bool first = true; settling.changes > 0 && rest.len > 0; first = false)
		if (settle_chunk(&settling, &rest, first, err) < 0)
			return -1;
	*ret = settling.told;
	return 0;
}
