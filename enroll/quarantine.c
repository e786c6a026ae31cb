/*
 * What a person decides about a record that the service refused: it is tried again, or given up. A record
 * that is given up moves to a table of its own: no query of the queue meets it, and it stays readable.
 */
#include "enroll/enroll_internal.h"

struct quarantined {
	int64_t id;
	struct enroll_decided decided;
};

static int find(struct db_tx *tx, const char *sql, const char *registration_id, struct quarantined *ret,
		struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	if (db_query(tx, &q, sql, DB_VALUES(db_text(registration_id)), err) < 0 || db_next(&q, &row, err) < 0)
		return -1;
	if (!row)
		return err_set(err, ERR_OPERATOR, 0, "no record of %.128s is quarantined", registration_id);
	ret->id = db_column_int(&q, 0);
	str_clip(ret->decided.job, sizeof(ret->decided.job), db_column_text(&q, 1));
	str_clip(ret->decided.registration_id, sizeof(ret->decided.registration_id), db_column_text(&q, 2));
	str_clip(ret->decided.reason, sizeof(ret->decided.reason),
		 db_column_text(&q, 3) != NULL ? db_column_text(&q, 3) : "");
	return 0;
}

static int check_last(struct db_tx *tx, const struct quarantined *found, struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	if (db_query(tx, &q,
		     "SELECT job FROM outbox WHERE registration_id = ?1 AND id > ?2 ORDER BY id DESC LIMIT 1",
		     DB_VALUES(db_text(found->decided.registration_id), db_int(found->id)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (row)
		return err_set(
			err, ERR_OPERATOR, 0,
			"%.60s has a later record, of job %.40s; the one of job %.40s can only be dropped",
			found->decided.registration_id, db_column_text(&q, 0), found->decided.job);
	return 0;
}

/* The row's next step is kept: what may be in the service is still fetched first. */
int enroll_release(struct db_tx *tx, const struct enroll_decision *decision,
		   struct enroll_decided *ret_decided, struct err *err)
{
	struct quarantined found;

	if (find(tx,
		 "SELECT id, job, registration_id, reason FROM outbox WHERE registration_id = ?1"
		 " AND state = 'quarantined' ORDER BY id DESC LIMIT 1",
		 decision->registration_id, &found, err) < 0 ||
	    check_last(tx, &found, err) < 0 ||
	    db_run(tx,
		   "UPDATE outbox SET state = 'queued', attempts = 0, lost = 0, not_before_ms = 0,"
		   " changed_ms = ?2, reason = NULL, difference = NULL WHERE id = ?1",
		   DB_VALUES(db_int(found.id), db_int(decision->at_ms)), err) < 0)
		return -1;
	*ret_decided = found.decided;
	return 0;
}

int enroll_drop(struct db_tx *tx, const struct enroll_decision *decision, struct enroll_decided *ret_decided,
		struct err *err)
{
	struct quarantined found;

	if (find(tx,
		 "SELECT id, job, registration_id, reason FROM outbox WHERE registration_id = ?1"
		 " AND state = 'quarantined' ORDER BY id LIMIT 1",
		 decision->registration_id, &found, err) < 0 ||
	    db_run(tx,
		   "INSERT INTO outbox_dropped(job, registration_id, payload, key_sha256, attempts,"
		   " changed_ms, reason, difference, dropped_by, dropped_why)"
		   " SELECT job, registration_id, payload, key_sha256, attempts, ?2, reason, difference,"
		   " ?3, ?4 FROM outbox WHERE id = ?1",
		   DB_VALUES(db_int(found.id), db_int(decision->at_ms), db_text(decision->by),
			     db_text(decision->why)),
		   err) < 0 ||
	    db_run(tx, "DELETE FROM outbox WHERE id = ?1", DB_VALUES(db_int(found.id)), err) < 0)
		return -1;
	*ret_decided = found.decided;
	return 0;
}
