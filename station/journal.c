/*
 * Writing the journal: the intent of a step, together with all that is known so far, and how a seating
 * ended. An intent and a failure are transactions of their own; a pass is part of record's. The tables
 * stand in journal_schema.c, reading in journal_read.c.
 */
#include "station/journal.h"

#include <inttypes.h>

#include "station/journal_internal.h"
#include "station/results.h"

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
	if (journal_check_claims(tx, job, err) < 0)
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
