/*
 * Results. A row is written with the unit's end and never changes; reading goes
 * by time through an index, a page at a time, so that a report over a long day
 * never keeps a worker's read waiting.
 */
#include "station/results.h"

#define PAGE 256

static const char *const migrations[] = {
	"CREATE TABLE result("
	" id INTEGER PRIMARY KEY,"
	" at_ms INTEGER NOT NULL,"
	" slot TEXT NOT NULL,"
	" operator TEXT,"
	" step TEXT,"  /* NULL for a pass */
	" class TEXT," /* NULL for a pass */
	" elapsed_ms INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX result_at ON result(at_ms);",
};

int results_init(struct db *db, struct err *err)
{
	const struct db_migrations results = { "results", migrations, ARRAY_LEN(migrations) };

	return db_migrate(db, &results, err);
}

int results_add(struct db_tx *tx, const struct result *result, struct err *err)
{
	bool nobody = result->operator_id == NULL || result->operator_id[0] == '\0';

	if (db_run(tx,
		   "INSERT INTO result(at_ms, slot, operator, step, class, elapsed_ms)"
		   " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
		   DB_VALUES(db_int(result->at_ms), db_text(result->slot),
			     db_text(nobody ? NULL : result->operator_id), db_text(result->step),
			     db_text(result->class != ERR_NONE ? err_class_name(result->class) : NULL),
			     db_int(result->elapsed_ms)),
		   err) < 0)
		return err_wrap(err, "writing the result");
	return 0;
}

static int class_parse(const char *name, enum err_class *ret, struct err *err)
{
	static const enum err_class classes[] = { ERR_RETRY, ERR_UNIT, ERR_OPERATOR, ERR_STATION, ERR_BUG };

	if (name == NULL) {
		*ret = ERR_NONE;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (strcmp(name, err_class_name(classes[i])) == 0) {
			*ret = classes[i];
			return 0;
		}
	return err_set(err, ERR_STATION, 0, "the results hold an unknown class: %s", name);
}

/* Where a walk stands: behind this row. */
struct place {
	int64_t at_ms, id;
};

static int visit_row(struct db_query *q, results_visit_fn *visit, void *arg, struct place *place,
		     struct err *err)
{
	struct result result = {
		.at_ms = db_column_int(q, 0),
		.slot = db_column_text(q, 2),
		.operator_id = db_column_text(q, 3),
		.step = db_column_text(q, 4),
		.elapsed_ms = db_column_int(q, 6),
	};

	if (class_parse(db_column_text(q, 5), &result.class, err) < 0)
		return -1;
	*place = (struct place){ result.at_ms, db_column_int(q, 1) };
	return visit(arg, &result, err);
}

static int visit_page(struct db *db, struct place *place, int64_t until_ms, results_visit_fn *visit,
		      void *arg, bool *ret_more, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;
	int n = 0;

	db_read_begin(db, &tx);
	if (db_query(&tx, &q,
		     "SELECT at_ms, id, slot, operator, step, class, elapsed_ms FROM result"
		     " WHERE (at_ms, id) > (?1, ?2) AND at_ms < ?3 ORDER BY at_ms, id LIMIT ?4",
		     DB_VALUES(db_int(place->at_ms), db_int(place->id), db_int(until_ms), db_int(PAGE)),
		     err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	for (; row; n++)
		if (visit_row(&q, visit, arg, place, err) < 0 || db_next(&q, &row, err) < 0)
			return -1;
	*ret_more = n == PAGE;
	return 0;
}

int results_each(struct db *db, int64_t from_ms, int64_t until_ms, results_visit_fn *visit, void *arg,
		 struct err *err)
{
	struct place place = { from_ms, -1 };
	bool more = true;

	while (more)
		if (visit_page(db, &place, until_ms, visit, arg, &more, err) < 0)
			return -1;
	return 0;
}
