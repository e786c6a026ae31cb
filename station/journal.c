/*
 * The journal. A unit has at most one job that is not released; its row claims serial,
 * hardware ID, registration ID and key, so the database itself refuses a second unit
 * with any of them, whatever the threads do. The indexes are partial, so every query
 * says state <> 'released'. Counts are kept by triggers, since `station status` must not
 * walk a million rows.
 */
#include "station/journal.h"

#include <inttypes.h>

#include "base/encode.h"
#include "station/journal_internal.h"
#include "station/results.h"

static const char *const migrations[] = {
	"CREATE TABLE job("
	" id INTEGER PRIMARY KEY,"
	" serial TEXT NOT NULL UNIQUE,"
	" hwid TEXT NOT NULL UNIQUE,"
	" model TEXT NOT NULL,"
	" registration_id TEXT UNIQUE COLLATE NOCASE,"
	" key_sha256 BLOB UNIQUE,"
	" profile TEXT NOT NULL,"
	" attest TEXT NOT NULL,"
	" pipeline TEXT NOT NULL,"
	" version INTEGER NOT NULL,"
	" slot TEXT NOT NULL,"
	" state TEXT NOT NULL CHECK(state IN ('open', 'failed', 'passed')),"
	" step TEXT NOT NULL," /* the last step whose intent is durable, or that failed */
	" intended INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" started_ms INTEGER NOT NULL,"
	" finished_ms INTEGER,"
	" class TEXT,"
	" cause TEXT,"
	" csr BLOB,"
	" cert_serial BLOB,"
	" leaf BLOB"
	") STRICT;"
	/* A serial number is taken for ever, even when a crash wasted it. */
	"CREATE TABLE cert_serial("
	" serial BLOB PRIMARY KEY,"
	" job INTEGER NOT NULL REFERENCES job(id)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE job_count(state TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO job_count VALUES('open', 0), ('failed', 0), ('passed', 0);"
	"CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;"
	"CREATE TRIGGER job_count_update AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN"
	" UPDATE job_count SET n = n - 1 WHERE state = old.state;"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;",
	/*
	 * A released job stays and claims nothing but its key: a unit has one job that is not released.
	 * Constraints can't be changed in place; cert_serial moves along, since it refers to job.
	 */
	"CREATE TABLE job_new("
	" id INTEGER PRIMARY KEY,"
	" serial TEXT NOT NULL,"
	" hwid TEXT NOT NULL,"
	" model TEXT NOT NULL,"
	" registration_id TEXT COLLATE NOCASE,"
	" key_sha256 BLOB,"
	" profile TEXT NOT NULL,"
	" attest TEXT NOT NULL,"
	" pipeline TEXT NOT NULL,"
	" version INTEGER NOT NULL,"
	" slot TEXT NOT NULL,"
	" state TEXT NOT NULL CHECK(state IN ('open', 'failed', 'passed', 'released')),"
	" step TEXT NOT NULL,"
	" intended INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" started_ms INTEGER NOT NULL,"
	" finished_ms INTEGER,"
	" class TEXT,"
	" cause TEXT,"
	" csr BLOB,"
	" cert_serial BLOB,"
	" leaf BLOB,"
	" operator TEXT" /* under whom the step was begun; NULL in a station without operators */
	") STRICT;"
	"INSERT INTO job_new SELECT id, serial, hwid, model, registration_id, key_sha256, profile, attest,"
	" pipeline, version, slot, state, step, intended, attempts, started_ms, finished_ms, class, cause,"
	" csr, cert_serial, leaf, NULL FROM job;"
	"CREATE TABLE cert_serial_new("
	" serial BLOB PRIMARY KEY,"
	" job INTEGER NOT NULL REFERENCES job_new(id)"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO cert_serial_new SELECT serial, job FROM cert_serial;"
	"DROP TABLE cert_serial;"
	"DROP TABLE job;"
	"ALTER TABLE job_new RENAME TO job;"
	"ALTER TABLE cert_serial_new RENAME TO cert_serial;"
	"CREATE UNIQUE INDEX job_serial ON job(serial) WHERE state <> 'released';"
	"CREATE UNIQUE INDEX job_hwid ON job(hwid) WHERE state <> 'released';"
	"CREATE UNIQUE INDEX job_registration_id ON job(registration_id) WHERE state <> 'released';"
	"CREATE UNIQUE INDEX job_key ON job(key_sha256) WHERE state <> 'released';"
	"CREATE INDEX job_released_serial ON job(serial) WHERE state = 'released';"
	"CREATE INDEX job_released_key ON job(key_sha256) WHERE state = 'released';"
	"INSERT INTO job_count VALUES('released', 0);"
	"CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;"
	"CREATE TRIGGER job_count_update AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN"
	" UPDATE job_count SET n = n - 1 WHERE state = old.state;"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;",
	/* Of the key as it was put, for a unit that can't prove it; gone when the job has passed. */
	"ALTER TABLE job ADD COLUMN key_item_sha256 BLOB;",
	/* For recalls; the times grow with the rows, so both cost a job next to nothing. */
	("CREATE INDEX job_time ON job(coalesce(finished_ms, started_ms));"
	 "CREATE INDEX job_operator ON job(operator) WHERE operator IS NOT NULL;"),
};

int journal_init(struct db *db, struct err *err)
{
	const struct db_migrations station = { "station", migrations, ARRAY_LEN(migrations) };

	return db_migrate(db, &station, err);
}

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

static int check_unique(struct db_tx *tx, const struct job *job, struct err *err)
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
	return check_unique(&tx, job, err);
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
	return check_unique(&tx, job, err);
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

/* A buffer that was loaded empty has memory, too: what the unit does not have stays NULL. */
static struct db_value blob_of(const struct buf *buf)
{
	return db_blob(buf->len > 0 ? buf_bytes(buf) : BYTES_NONE);
}

static struct db_value registration_id_of(const struct job *job)
{
	return db_text(job->registration_id[0] != '\0' ? job->registration_id : NULL);
}

static struct db_value key_of(const struct job *job)
{
	return db_blob(job->has_key_sha256 ? BYTES_ARRAY(job->key_sha256) : BYTES_NONE);
}

static struct db_value key_item_of(const struct job *job)
{
	return db_blob(job->has_key_item_sha256 ? BYTES_ARRAY(job->key_item_sha256) : BYTES_NONE);
}

static struct db_value operator_of(const char *id)
{
	return db_text(id[0] != '\0' ? id : NULL);
}

static int insert_job(struct job *job, const char *step, struct db_tx *tx, struct err *err)
{
	if (db_run(tx,
		   "INSERT INTO job(serial, hwid, model, registration_id, key_sha256, profile, attest,"
		   " pipeline, version, slot, state, step, intended, started_ms, csr, leaf, operator,"
		   " key_item_sha256)"
		   " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,'open',?11,?12,?13,?14,?15,?16,?17)",
		   DB_VALUES(db_text(job->unit.serial), db_text(job->unit.hwid), db_text(job->unit.model),
			     registration_id_of(job), key_of(job), db_text(job->profile->name),
			     db_text(attest_name(job->profile->attest)), db_text(job->pipeline->name),
			     db_int(PIPELINE_VERSION), db_text(job->slot->name), db_text(step),
			     db_int((int64_t)job->next), db_int(clock_wall_ms()), blob_of(&job->csr),
			     blob_of(&job->leaf), operator_of(job->intended_by), key_item_of(job)),
		   err) < 0)
		return -1;
	job->id = db_last_id(tx);
	return 0;
}

/*
 * Two people may release a job while its unit is served. Then nothing more is written to it, and
 * no try helps: the unit fails at once, and begins a new job when a person seats it again.
 */
static int check_not_released(const struct job *job, const struct db_tx *tx, struct err *err)
{
	if (db_changes(tx) == 1)
		return 0;
	return err_set(err, ERR_OPERATOR, 0, "job %" PRId64 " was released meanwhile; seat the unit again",
		       job->id);
}

/* Before its certificate exists a unit may come back with a fresh key; the claim moves with it. */
static int update_claims(const struct job *job, struct db_tx *tx, struct err *err)
{
	if (db_run(tx,
		   "UPDATE job SET registration_id = ?1, key_sha256 = ?2 WHERE id = ?3"
		   " AND state <> 'released'",
		   DB_VALUES(registration_id_of(job), key_of(job), db_int(job->id)), err) < 0)
		return -1;
	return check_not_released(job, tx, err);
}

static int update_progress(const struct job *job, const char *step, struct db_tx *tx, struct err *err)
{
	if (db_run(tx,
		   "UPDATE job SET slot = ?1, step = ?2, intended = max(intended, ?3), csr = ?4, leaf = ?5,"
		   " operator = ?7, key_item_sha256 = ?8, state = 'open', class = NULL, cause = NULL"
		   " WHERE id = ?6 AND state <> 'released'",
		   DB_VALUES(db_text(job->slot->name), db_text(step), db_int((int64_t)job->next),
			     blob_of(&job->csr), blob_of(&job->leaf), db_int(job->id),
			     operator_of(job->intended_by), key_item_of(job)),
		   err) < 0)
		return -1;
	return check_not_released(job, tx, err);
}

/* Claims are checked and written once per seating: nothing in a job changes them afterwards. */
static int claim(struct job *job, const char *step, struct db_tx *tx, struct err *err)
{
	if (check_unique(tx, job, err) < 0)
		return -1;
	return job->id == 0 ? insert_job(job, step, tx, err) : update_claims(job, tx, err);
}

static int intend(struct job *job, const struct step *step, struct db_tx *tx, struct err *err)
{
	bool fresh = job->id == 0;

	/* Who repeats a step after a restart did not begin it: what its intent logs must say the same again. */
	if ((int)job->next > job->intended)
		str_clip(job->intended_by, sizeof(job->intended_by), job->seating.operator_id);
	if (!job->claimed && claim(job, step->name, tx, err) < 0)
		return -1;
	if (!fresh && update_progress(job, step->name, tx, err) < 0)
		return -1;
	return step->intend != NULL ? step->intend(job, tx, err) : 0;
}

int journal_intend(struct job *job, const struct step *step, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	int64_t id = job->id;

	if (db_begin(job->st->db, &tx, err) < 0)
		return -1;
	if (intend(job, step, &tx, err) < 0 || db_commit(&tx, err) < 0) {
		job->id = id; /* an insert that did not last never was */
		return -1;
	}
	job->claimed = true;
	if (job->intended < (int)job->next)
		job->intended = (int)job->next;
	return 0;
}

int journal_take_serial(struct job *job, struct db_tx *tx, struct err *err)
{
	if (db_run(tx, "INSERT INTO cert_serial(serial, job) VALUES(?1, ?2)",
		   DB_VALUES(db_blob(BYTES_ARRAY(job->cert_serial)), db_int(job->id)), err) < 0 ||
	    db_run(tx, "UPDATE job SET cert_serial = ?1 WHERE id = ?2",
		   DB_VALUES(db_blob(BYTES_ARRAY(job->cert_serial)), db_int(job->id)), err) < 0) {
		(void)err_raise(err, ERR_STATION);
		return err_wrap(err, "reserving the certificate's serial number");
	}
	return 0;
}

/* For the shift report: the end of this seating, whatever earlier ones were. */
static int add_result(const struct job *job, const char *step, enum err_class class, struct db_tx *tx,
		      struct err *err)
{
	const struct result result = {
		.slot = job->slot->name,
		.operator_id = job->seating.operator_id,
		.step = step,
		.class = class,
		.at_ms = clock_wall_ms(),
		.elapsed_ms = deadline_now_ms() - job->started_ms,
	};

	return results_add(tx, &result, err);
}

int journal_pass(struct job *job, struct db_tx *tx, struct err *err)
{
	if (db_run(tx,
		   "UPDATE job SET state = 'passed', step = 'record', finished_ms = ?2, class = NULL,"
		   " cause = NULL, key_item_sha256 = NULL, operator = ?3 WHERE id = ?1 AND state <> "
		   "'released'",
		   DB_VALUES(db_int(job->id), db_int(clock_wall_ms()), db_text(job_operator(job))),
		   err) < 0 ||
	    check_not_released(job, tx, err) < 0)
		return -1;
	return add_result(job, NULL, ERR_NONE, tx, err);
}

static int audit_failure(const struct job *job, const struct err *why, const char *step, struct db_tx *tx,
			 struct err *err)
{
	struct audit_head head;
	char key[96], id[24], text[sizeof(why->what) + sizeof(why->where) + 3];
	const struct audit_field fields[] = {
		{ "unit", job->unit.serial },
		{ "hwid", job->unit.hwid },
		{ "model", job->unit.model },
		{ "slot", job->slot->name },
		{ "step", step },
		{ "class", err_class_name(why->class) },
		{ "cause", err_text(why, text, sizeof(text)) },
		{ "job", job->id != 0 ? id : NULL },
		{ "operator", job_operator(job) },
	};
	const struct audit_event event = { "unit-failed", key, fields, ARRAY_LEN(fields) };

	/* A refused unit has no job; the log's own size names the refusal, whatever the clock says. */
	if (audit_head(tx, &head, err) < 0)
		return -1;
	if (str_format(id, sizeof(id), "%" PRId64, job->id) < 0)
		return err_set(err, ERR_BUG, 0, "job number does not fit");
	if (job->id != 0 ? str_format(key, sizeof(key), "job-%" PRId64 "/failed-%" PRId64, job->id,
				      job->attempts) < 0
			 : str_format(key, sizeof(key), "refused-%" PRId64, head.size) < 0)
		return err_set(err, ERR_BUG, 0, "audit key does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}

int journal_fail(struct job *job, const struct err *why, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	const char *step = job->pipeline != NULL && job->next < job->pipeline->steps_n
				   ? job->pipeline->steps[job->next].name
				   : "seat";

	job->attempts++;
	if (db_begin(job->st->db, &tx, err) < 0 || audit_failure(job, why, step, &tx, err) < 0 ||
	    add_result(job, step, why->class, &tx, err) < 0)
		return err_wrap(err, "recording a failed unit");
	if (job->id != 0 &&
	    db_run(&tx,
		   "UPDATE job SET state = 'failed', step = ?2, attempts = ?3, class = ?4, cause = ?5"
		   " WHERE id = ?1 AND state NOT IN ('passed', 'released')",
		   DB_VALUES(db_int(job->id), db_text(step), db_int(job->attempts),
			     db_text(err_class_name(why->class)), db_text(why->what)),
		   err) < 0)
		return err_wrap(err, "recording a failed unit");
	return db_commit(&tx, err);
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
