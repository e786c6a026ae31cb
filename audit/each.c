/*
 * Walking the log. The lock is held for one page only, so that a walk over a
 * million entries costs the line nothing that it would notice.
 */
#include "audit/audit_internal.h"

int rows_page(struct db_tx *tx, int64_t first, row_fn *visit, void *arg, int64_t *ret_next, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { 0 };
	int64_t next = -1;
	int seen = 0;
	bool more = false;

	if (db_query(tx, &query,
		     "SELECT idx, key, entry, nodes FROM audit_entry WHERE idx >= ?1 ORDER BY idx LIMIT ?2",
		     DB_VALUES(db_int(first), db_int(AUDIT_PAGE_MAX)), err) < 0)
		return -1;
	while (db_next(&query, &more, err) == 0) {
		struct row row;

		if (!more) {
			*ret_next = seen == AUDIT_PAGE_MAX ? next : -1;
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

static int visit_query(struct db_query *query, audit_visit_fn *visit, void *arg, struct err *err)
{
	bool row = false;

	if (db_next(query, &row, err) < 0)
		return -1;
	while (row)
		if (visit(arg, db_column_int(query, 0), db_column_blob(query, 1), err) < 0 ||
		    db_next(query, &row, err) < 0)
			return -1;
	return 0;
}

int audit_each_before(struct db *db, int64_t before, int n, audit_visit_fn *visit, void *arg, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query query = { 0 };

	base_assert(n >= 0 && n <= AUDIT_PAGE_MAX);
	db_read_begin(db, &tx);
	if (db_query(&tx, &query,
		     "SELECT idx, entry FROM audit_entry WHERE idx < ?1 ORDER BY idx DESC LIMIT ?2",
		     DB_VALUES(db_int(before), db_int(n)), err) < 0)
		return -1;
	return visit_query(&query, visit, arg, err);
}

/*
 * The first key behind all that begin with prefix. Keys are compared byte by byte, and no UTF-8
 * text holds the byte 0xff; a plain range finds them through the index, which LIKE would not.
 */
static int key_end(const char *prefix, char *out, size_t cap, struct err *err)
{
	if (str_format(out, cap, "%s\xff", prefix) < 0)
		return err_set(err, ERR_BUG, 0, "audit: a key's beginning is too long");
	return 0;
}

int audit_each_key(struct db *db, const char *prefix, int n, audit_visit_fn *visit, void *arg,
		   struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query query = { 0 };
	char end[160];

	base_assert(n >= 0 && n <= AUDIT_PAGE_MAX);
	if (key_end(prefix, end, sizeof(end), err) < 0)
		return -1;
	db_read_begin(db, &tx);
	if (db_query(&tx, &query,
		     "SELECT idx, entry FROM audit_entry WHERE key >= ?1 AND key < ?2"
		     " ORDER BY idx DESC LIMIT ?3",
		     DB_VALUES(db_text(prefix), db_text(end), db_int(n)), err) < 0)
		return -1;
	return visit_query(&query, visit, arg, err);
}
