/*
 * Reading the journal: what is known of the unit that sits there, who else has what it claims, and
 * all jobs and their counts for lists. The first two come before anything is written (journal.c).
 */
#include <inttypes.h>

#include "station/journal_internal.h"

static int load_buf(struct buf *buf, struct bytes from, struct err *err)
{
	if (buf_set(buf, from) < 0)
		return err_set(err, ERR_STATION, 0, "the journal holds %zu bytes where %zu are the most",
			       from.len, buf->max);
	return 0;
}

/* The columns of load_row, in order. */
#define LOAD_SQL                                                                                             \
	"SELECT id, hwid, state, pipeline, version, intended, attempts, registration_id, key_sha256, csr,"   \
	" cert_serial, leaf, profile, operator, key_item_sha256 FROM job WHERE serial = ?1 AND state <> "    \
	"'released'"

static int load_fields(struct job *job, struct db_query *row, struct err *err)
{
	struct bytes key = db_column_blob(row, 8), serial = db_column_blob(row, 10);
	struct bytes key_item = db_column_blob(row, 14);
	const char *registration_id = db_column_text(row, 7);

	job->id = db_column_int(row, 0);
	job->intended = (int)db_column_int(row, 5);
	job->attempts = db_column_int(row, 6);
	str_clip(job->intended_by, sizeof(job->intended_by),
		 db_column_text(row, 13) != NULL ? db_column_text(row, 13) : "");
	if (registration_id != NULL &&
	    str_format(job->registration_id, sizeof(job->registration_id), "%s", registration_id) < 0)
		return err_set(err, ERR_STATION, 0, "the journal's registration ID is too long");
	job->has_key_sha256 = key.len == SHA256_LEN;
	if (job->has_key_sha256)
		memcpy(job->key_sha256, key.p, SHA256_LEN);
	job->has_key_item_sha256 = key_item.len == SHA256_LEN;
	if (job->has_key_item_sha256)
		memcpy(job->key_item_sha256, key_item.p, SHA256_LEN);
	if (serial.len == PKI_SERIAL_LEN)
		memcpy(job->cert_serial, serial.p, PKI_SERIAL_LEN);
	if (load_buf(&job->csr, db_column_blob(row, 9), err) < 0 ||
	    load_buf(&job->leaf, db_column_blob(row, 11), err) < 0)
		return -1;
	return 0;
}

static int load_row(struct job *job, struct db_query *row, struct err *err)
{
	if (strcmp(db_column_text(row, 1), job->unit.hwid) != 0)
		return err_set(err, ERR_UNIT, 0,
			       "serial %s is already known with hardware ID %s (job %" PRId64
			       "); this unit reports %s",
			       job->unit.serial, db_column_text(row, 1), db_column_int(row, 0),
			       job->unit.hwid);
	if (strcmp(db_column_text(row, 3), job->pipeline->name) != 0 ||
	    db_column_int(row, 4) != PIPELINE_VERSION)
		return err_set(err, ERR_OPERATOR, 0,
			       "job %" PRId64 " was begun by pipeline %s, version %" PRId64
			       "; the profile now says %s",
			       db_column_int(row, 0), db_column_text(row, 3), db_column_int(row, 4),
			       job->pipeline->name);
	/* What was begun under one profile is not finished under another, with its group, CA and validity. */
	if (strcmp(db_column_text(row, 2), "passed") != 0 &&
	    strcmp(db_column_text(row, 12), job->profile->name) != 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "job %" PRId64
			       " was begun under profile %s; this slot takes the unit under %s",
			       db_column_int(row, 0), db_column_text(row, 12), job->profile->name);
	return load_fields(job, row, err);
}

static int check_other(struct db_tx *tx, const char *sql, struct db_value value, const struct job *job,
		       const char *what, struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	if (db_query(tx, &q, sql, DB_VALUES(value, db_text(job->unit.serial)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (row)
		return err_set(err, ERR_UNIT, 0, "%s already belongs to unit %s (job %" PRId64 ", slot %s)",
			       what, db_column_text(&q, 0), db_column_int(&q, 1), db_column_text(&q, 2));
	return 0;
}

int journal_check_claims(struct db_tx *tx, const struct job *job, struct err *err)
{
	if (check_other(tx,
			"SELECT serial, id, slot FROM job WHERE hwid = ?1 AND serial <> ?2"
			" AND state <> 'released'",
			db_text(job->unit.hwid), job, "this hardware ID", err) < 0)
		return -1;
	/* Before the registration ID, which for a TPM follows from its key: the key is the cause. */
	if (job->has_key_sha256 &&
	    check_other(tx,
			"SELECT serial, id, slot FROM job WHERE key_sha256 = ?1 AND serial <> ?2"
			" AND state <> 'released' UNION ALL"
			" SELECT serial, id, slot FROM job WHERE key_sha256 = ?1 AND serial <> ?2"
			" AND state = 'released'",
			db_blob(BYTES_ARRAY(job->key_sha256)), job,
			job->profile->attest == ATTEST_TPM ? "this endorsement key" : "this key", err) < 0)
		return -1;
	if (job->registration_id[0] != '\0' &&
	    check_other(tx,
			"SELECT serial, id, slot FROM job WHERE registration_id = ?1 AND serial <> ?2"
			" AND state <> 'released'",
			db_text(job->registration_id), job, "this registration ID", err) < 0)
		return -1;
	return 0;
}

int journal_check_unique(struct job *job, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };

	db_read_begin(job->st->db, &tx);
	return journal_check_claims(&tx, job, err);
}

int journal_load(struct job *job, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	db_read_begin(job->st->db, &tx);
	if (db_query(&tx, &q, LOAD_SQL, DB_VALUES(db_text(job->unit.serial)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (row)
		return load_row(job, &q, err);
	return journal_check_claims(&tx, job, err);
}

int journal_passed(struct job *job, bool *ret_passed, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	db_read_begin(job->st->db, &tx);
	if (db_query(&tx, &q,
		     "SELECT registration_id FROM job WHERE serial = ?1 AND hwid = ?2 AND state = 'passed'"
		     " AND state <> 'released'",
		     DB_VALUES(db_text(job->unit.serial), db_text(job->unit.hwid)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (row)
		str_clip(job->registration_id, sizeof(job->registration_id), db_column_text(&q, 0));
	*ret_passed = row;
	return 0;
}

static void unit_of_row(struct db_query *q, struct journal_unit *ret)
{
	*ret = (struct journal_unit){
		.serial = db_column_text(q, 0),
		.model = db_column_text(q, 1),
		.hwid = db_column_text(q, 2),
		.registration_id = db_column_text(q, 3),
		.profile = db_column_text(q, 4),
		.attest = db_column_text(q, 5),
		.slot = db_column_text(q, 6),
		.state = db_column_text(q, 7),
		.step = db_column_text(q, 8),
		.cause = db_column_text(q, 9),
		.job = db_column_int(q, 10),
		.attempts = db_column_int(q, 11),
		.started_ms = db_column_int(q, 12),
		.finished_ms = db_column_int(q, 13),
		.leaf = db_column_blob(q, 14),
		.operator_id = db_column_text(q, 15),
	};
}

int journal_visit_rows(struct db_query *q, journal_visit_fn *visit, void *arg, int64_t *ret_n,
		       struct err *err)
{
	struct journal_unit unit;
	bool row = false;
	int64_t n = 0;

	for (;;) {
		if (db_next(q, &row, err) < 0)
			return -1;
		if (!row)
			break;
		unit_of_row(q, &unit);
		if (visit(arg, &unit, err) < 0)
			return -1;
		n++;
	}
	*ret_n = n;
	return 0;
}

int journal_each(struct db *db, const char *serial, journal_visit_fn *visit, void *arg, int64_t *ret_n,
		 struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };

	db_read_begin(db, &tx);
	/* Two statements: "?1 IS NULL OR serial = ?1" would walk all rows to find one. */
	if (serial != NULL ? db_query(&tx, &q,
				      JOURNAL_UNIT_SQL
				      " WHERE serial = ?1 AND state = 'released' UNION ALL " JOURNAL_UNIT_SQL
				      " WHERE serial = ?1 AND state <> 'released' ORDER BY id",
				      DB_VALUES(db_text(serial)), err) < 0
			   : db_query(&tx, &q, JOURNAL_UNIT_SQL " ORDER BY id", DB_NO_VALUES, err) < 0)
		return -1;
	return journal_visit_rows(&q, visit, arg, ret_n, err);
}

int journal_count(struct db *db, struct journal_counts *ret_counts, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct journal_counts counts = { 0 };
	bool found;

	db_read_begin(db, &tx);
	if (db_get_int(&tx, "SELECT n FROM job_count WHERE state = 'passed'", DB_NO_VALUES, &counts.passed,
		       &found, err) < 0 ||
	    db_get_int(&tx, "SELECT n FROM job_count WHERE state = 'open'", DB_NO_VALUES, &counts.open,
		       &found, err) < 0 ||
	    db_get_int(&tx, "SELECT n FROM job_count WHERE state = 'failed'", DB_NO_VALUES, &counts.failed,
		       &found, err) < 0)
		return -1;
	*ret_counts = counts;
	return 0;
}
