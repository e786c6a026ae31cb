/* The batches that were made and imported here, and how far their records are. */
#include "enroll/carry.h"

/* Columns as read_batch takes them; "more" narrows it down. */
#define OURS(more)                                                                                           \
	"SELECT b.batch, '', b.made_ms, b.n, (SELECT count(*) FROM outbox WHERE carried_by = b.id),"         \
	" (SELECT count(*) FROM carry_out_row r JOIN outbox o ON o.id = r.row"                               \
	"  WHERE r.batch = b.id AND o.state = 'enrolled'),"                                                  \
	" (SELECT count(*) FROM carry_out_row r JOIN outbox o ON o.id = r.row"                               \
	"  WHERE r.batch = b.id AND o.state = 'quarantined'), 0 FROM carry_out b WHERE b.n > 0 " more
#define THEIRS(more)                                                                                         \
	"SELECT b.batch, b.station, b.made_ms, b.n,"                                                         \
	" (SELECT count(*) FROM carry_in_row r JOIN outbox o ON o.id = r.row AND o.job = r.job"              \
	"  WHERE r.batch = b.id AND o.state NOT IN ('enrolled','quarantined')),"                             \
	" (SELECT count(*) FROM carry_in_row r JOIN outbox o ON o.id = r.row AND o.job = r.job"              \
	"  WHERE r.batch = b.id AND o.state = 'enrolled'),"                                                  \
	" (SELECT count(*) FROM carry_in_row r JOIN outbox o ON o.id = r.row AND o.job = r.job"              \
	"  WHERE r.batch = b.id AND o.state = 'quarantined'),"                                               \
	" (SELECT count(*) FROM carry_in_row r WHERE r.batch = b.id AND r.row IS NULL)"                      \
	" FROM carry_in b WHERE 1 " more

static int read_batch(struct db_query *q, struct enroll_batch *ret, struct err *err)
{
	*ret = (struct enroll_batch){
		.made_ms = db_column_int(q, 2),
		.n = db_column_int(q, 3),
		.waiting = db_column_int(q, 4),
		.enrolled = db_column_int(q, 5),
		.quarantined = db_column_int(q, 6),
		.returned = db_column_int(q, 7),
	};
	if (bytes_to_str(bytes_str(db_column_text(q, 0)), ret->id, sizeof(ret->id)) < 0 ||
	    bytes_to_str(bytes_str(db_column_text(q, 1)), ret->station, sizeof(ret->station)) < 0)
		return err_set(err, ERR_STATION, 0, "a carried batch in the outbox is broken");
	ret->ours = ret->station[0] == '\0';
	return 0;
}

int carry_batch_find(struct db *db, const char *id, struct enroll_batch *ret, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	db_read_begin(db, &tx);
	if (db_query(&tx, &q, THEIRS("AND b.batch = ?1"), DB_VALUES(db_text(id)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (!row)
		return err_set(err, ERR_OPERATOR, 0, "no batch %.40s was imported here", id);
	return read_batch(&q, ret, err);
}

static int each_of(struct db *db, const char *sql, enroll_batch_fn *visit, void *arg, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct enroll_batch batch;
	bool row = false;

	db_read_begin(db, &tx);
	if (db_query(&tx, &q, sql, DB_NO_VALUES, err) < 0 || db_next(&q, &row, err) < 0)
		return -1;
	while (row)
		if (read_batch(&q, &batch, err) < 0 || visit(arg, &batch, err) < 0 ||
		    db_next(&q, &row, err) < 0)
			return -1;
	return 0;
}

int enroll_each_batch(struct db *db, enroll_batch_fn *visit, void *arg, struct err *err)
{
	if (each_of(db, OURS("ORDER BY b.id"), visit, arg, err) < 0)
		return -1;
	return each_of(db, THEIRS("ORDER BY b.id"), visit, arg, err);
}
