/* Both names have indexes of their own; a released job is found by its serial alone. */
#include "station/find.h"

#include <string.h>

void found_unit_deinit(struct found_unit *unit)
{
	buf_deinit(&unit->leaf_pem);
}

#define JOB "SELECT id, serial, registration_id, profile, attest, leaf, state FROM job WHERE "

int unit_find(struct db *db, const char *name, struct found_unit *ret_unit, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct bytes leaf;
	bool row = false;

	db_read_begin(db, &tx);
	if (db_query(&tx, &q,
		     JOB "serial = ?1 AND state <> 'released' AND state = 'passed' UNION ALL " JOB
			 "registration_id = ?1 AND state <> 'released' AND state = 'passed' UNION ALL " JOB
			 "serial = ?1 AND state = 'released' AND registration_id IS NOT NULL"
			 " ORDER BY state, id DESC LIMIT 1",
		     DB_VALUES(db_text(name)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (!row)
		return err_set(err, ERR_OPERATOR, 0, "no unit %.100s has passed here", name);
	leaf = db_column_blob(&q, 5);
	ret_unit->job = db_column_int(&q, 0);
	str_clip(ret_unit->serial, sizeof(ret_unit->serial), db_column_text(&q, 1));
	str_clip(ret_unit->registration_id, sizeof(ret_unit->registration_id), db_column_text(&q, 2));
	str_clip(ret_unit->profile, sizeof(ret_unit->profile), db_column_text(&q, 3));
	str_clip(ret_unit->attest, sizeof(ret_unit->attest), db_column_text(&q, 4));
	sha256(leaf, ret_unit->leaf_sha256);
	return leaf.len > 0 ? pki_pem_append(leaf, &ret_unit->leaf_pem, err) : 0;
}
