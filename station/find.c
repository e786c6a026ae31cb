/*
 * Each way to a job has an index of its own. A released job is found last: its serial or its ID may be a later job's,
 * but the record that it left in the service is under its own ID (a unit whose TPM was replaced has another since).
 */
#include "station/find.h"

#include <string.h>

void found_unit_deinit(struct found_unit *unit)
{
	buf_deinit(&unit->leaf_pem);
}

#define JOB  "SELECT id, serial, registration_id, profile, attest, leaf FROM job WHERE "
#define LAST " ORDER BY id DESC LIMIT 1"
static const char *const ways[] = {
	JOB "serial = ?1 AND state <> 'released' AND state = 'passed'" LAST,
	JOB "registration_id = ?1 AND state <> 'released' AND state = 'passed'" LAST,
	JOB "serial = ?1 AND state = 'released' AND registration_id IS NOT NULL" LAST,
	JOB "registration_id = ?1 AND state = 'released'" LAST,
};

static int read_unit(struct db_query *q, struct found_unit *ret, struct err *err)
{
	struct bytes leaf = db_column_blob(q, 5);

	ret->job = db_column_int(q, 0);
	str_clip(ret->serial, sizeof(ret->serial), db_column_text(q, 1));
	str_clip(ret->registration_id, sizeof(ret->registration_id), db_column_text(q, 2));
	str_clip(ret->profile, sizeof(ret->profile), db_column_text(q, 3));
	str_clip(ret->attest, sizeof(ret->attest), db_column_text(q, 4));
	sha256(leaf, ret->leaf_sha256);
	return leaf.len > 0 ? pki_pem_append(leaf, &ret->leaf_pem, err) : 0;
}

int unit_find(struct db *db, const char *name, struct found_unit *ret_unit, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };

	db_read_begin(db, &tx);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		CLEANUP(db_query_end) struct db_query q = { 0 };
		bool row = false;

		if (db_query(&tx, &q, ways[i], DB_VALUES(db_text(name)), err) < 0 ||
		    db_next(&q, &row, err) < 0)
			return -1;
		if (row)
			return read_unit(&q, ret_unit, err);
	}
	return err_set(err, ERR_OPERATOR, 0, "no unit %.100s has passed here", name);
}
