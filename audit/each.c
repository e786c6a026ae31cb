/*
 * Walking the log. The lock is held for one page only, so that a walk over a
 * million entries costs the line nothing that it would notice.
 */
#include "audit/audit_internal.h"

#define PAGE 256

int rows_page(struct db_tx *tx, int64_t first, row_fn *visit, void *arg, int64_t *ret_next, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { 0 };
	int64_t next = -1;
	int seen = 0;
	bool more = false;

	if (db_query(tx, &query,
		     "SELECT idx, key, entry, nodes FROM audit_entry WHERE idx >= ?1 ORDER BY idx LIMIT ?2",
		     DB_VALUES(db_int(first), db_int(PAGE)), err) < 0)
		return -1;
	while (db_next(&query, &more, err) == 0) {
		struct row row;

		if (!more) {
			*ret_next = seen == PAGE ? next : -1;
			return 0;
		}
		row = (struct row){ db_column_int(&query, 0), db_column_blob(&query, 1),
				    db_column_blob(&query, 2), db_column_blob(&query, 3) };
		if (visit(arg, &row, err) < 0)
			return -1;
		next = row.index < INT64_MAX ? row.index + 1 : -1;
		seen++;
	}
	return -1;
}

struct each {
	audit_visit_fn *visit;
	void *arg;
};

static int visit_entry(void *arg, const struct row *row, struct err *err)
{
	const struct each *each = arg;

	return each->visit(each->arg, row->index, row->entry, err);
}

int audit_each(struct db *db, int64_t first, audit_visit_fn *visit, void *arg, struct err *err)
{
	struct each each = { visit, arg };

	for (int64_t next = first < 0 ? 0 : first; next >= 0;) {
		CLEANUP(db_read_end) struct db_tx tx = { 0 };

		db_read_begin(db, &tx);
		if (rows_page(&tx, next, visit_entry, &each, &next, err) < 0)
			return -1;
	}
	return 0;
}
