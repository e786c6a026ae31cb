/*
 * Releasing a unit: two people decide that it may get a new identity, because it
 * failed for good or was repaired. Nothing of the old job is lost: row, certificate,
 * its serial number and its key stay; only its claims end.
 */
#include <inttypes.h>

#include "base/encode.h"
#include "station/journal.h"
#include "station/people/people.h"

#define REASON_MAX 300

/* Borrowed from the row that holds them. */
struct held {
	int64_t job;
	const char *state, *hwid, *registration_id;
	struct bytes cert_serial;
};

static int append(struct db_tx *tx, const struct journal_release *release, const struct held *held,
		  struct err *err)
{
	char key[64], id[24], serial[HEX_LEN(PKI_SERIAL_LEN) + 1];
	const struct audit_field fields[] = {
		{ "unit", release->serial },
		{ "hwid", held->hwid },
		{ "registration_id", held->registration_id },
		{ "job", id },
		{ "state", held->state },
		{ "cert_serial", held->cert_serial.len > 0 ? serial : NULL },
		{ "reason", release->reason },
		{ "witness_1", release->witnesses->first[0] != '\0' ? release->witnesses->first : NULL },
		{ "witness_2", release->witnesses->second[0] != '\0' ? release->witnesses->second : NULL },
		{ "station", release->station },
	};
	const struct audit_event event = { "unit-released", key, fields, ARRAY_LEN(fields) };

	if (hex_encode(held->cert_serial, serial, sizeof(serial)) < 0 ||
	    str_format(id, sizeof(id), "%" PRId64, held->job) < 0 ||
	    str_format(key, sizeof(key), "job-%" PRId64 "/released", held->job) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	return audit_append(tx, release->at_ms, &event, err);
}

int journal_check_reason(const char *reason, struct err *err)
{
	size_t n = strlen(reason);

	if (n == 0 || n > REASON_MAX)
		return err_set(err, ERR_OPERATOR, 0, "a reason has 1 to %d characters", REASON_MAX);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)reason[i] < 0x20 || reason[i] == 0x7f)
			return err_set(err, ERR_OPERATOR, 0, "the reason holds control characters");
	return 0;
}

/* The row stays open, since the entry is made of what it holds; then its state changes. */
static int log_release(struct db_tx *tx, const struct journal_release *release, int64_t *ret_job,
		       struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct held held;
	bool row = false;

	if (db_query(tx, &q,
		     "SELECT id, state, hwid, registration_id, cert_serial FROM job"
		     " WHERE serial = ?1 AND state <> 'released'",
		     DB_VALUES(db_text(release->serial)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (!row)
		return err_set(err, ERR_OPERATOR, 0, "unit %s has no job here that could be released",
			       release->serial);
	held = (struct held){ db_column_int(&q, 0), db_column_text(&q, 1), db_column_text(&q, 2),
			      db_column_text(&q, 3), db_column_blob(&q, 4) };
	*ret_job = held.job;
	return append(tx, release, &held, err);
}

int journal_release(struct db *db, const struct journal_release *release, int64_t *ret_job, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	int64_t job = 0;

	if (journal_check_reason(release->reason, err) < 0 || db_begin(db, &tx, err) < 0 ||
	    people_check_witnesses(&tx, ACT_RELEASE, release->witnesses, err) < 0 ||
	    log_release(&tx, release, &job, err) < 0 ||
	    db_run(&tx, "UPDATE job SET state = 'released', key_item_sha256 = NULL WHERE id = ?1",
		   DB_VALUES(db_int(job)), err) < 0 ||
	    db_commit(&tx, err) < 0)
		return -1;
	*ret_job = job;
	return 0;
}
