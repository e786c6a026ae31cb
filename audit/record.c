/*
 * Appending: one row for the entry, one update of the head, both in the
 * caller's transaction. The triggers keep honest programs honest; what a
 * dishonest one does is found by audit_verify and by the signed checkpoints.
 */
#include "audit/audit_internal.h"

static const char *const steps[] = {
	"CREATE TABLE audit_entry("
	" idx INTEGER PRIMARY KEY CHECK(idx >= 0), key TEXT NOT NULL UNIQUE,"
	" entry TEXT NOT NULL, nodes BLOB NOT NULL) STRICT;"
	"CREATE TABLE audit_head("
	" id INTEGER PRIMARY KEY CHECK(id = 1), size INTEGER NOT NULL,"
	" root BLOB NOT NULL, peaks BLOB NOT NULL) STRICT;"
	/* RFC 6962 2.1: the root of no entries is SHA-256 of nothing. */
	"INSERT INTO audit_head VALUES(1, 0,"
	" X'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', X'');"
	"CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry"
	" BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
	"CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry"
	" BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
	"CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head"
	" BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
	"CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head WHEN NEW.size <> OLD.size + 1"
	" BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;",
	/* The time that the log knows; of a log that was there before, the last entry's. */
	"ALTER TABLE audit_head ADD COLUMN clock_ms INTEGER;"
	"DROP TRIGGER audit_head_forward;"
	"UPDATE audit_head SET clock_ms = (SELECT unixepoch(json_extract(entry, '$.at')) * 1000"
	" FROM audit_entry WHERE idx = audit_head.size - 1 AND json_valid(entry));"
	"CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head WHEN NEW.size <> OLD.size + 1"
	" BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;",
};

int audit_init(struct db *db, struct err *err)
{
	const struct db_migrations migrations = { "audit", steps, ARRAY_LEN(steps) };

	return db_migrate(db, &migrations, err);
}

static void head_parse(struct db_query *row, struct log_head *ret)
{
	int64_t size = db_column_int(row, 0);
	struct bytes root = db_column_blob(row, 1), peaks = db_column_blob(row, 2);

	if (size < 0 || size >= TREE_SIZE_MAX || root.len != SHA256_LEN ||
	    peaks.len != tree_peaks_n(size) * SHA256_LEN)
		return;
	ret->tree.size = size;
	memcpy(ret->root, root.p, SHA256_LEN);
	if (peaks.len > 0)
		memcpy(ret->tree.peaks, peaks.p, peaks.len);
	ret->sound = true;
}

int head_open(struct db_tx *tx, struct db_query *ret_query, struct log_head *ret_head, struct err *err)
{
	bool row = false;

	ret_head->sound = false;
	if (db_query(tx, ret_query, "SELECT size, root, peaks FROM audit_head", DB_NO_VALUES, err) < 0 ||
	    db_next(ret_query, &row, err) < 0)
		return err_wrap(err, "reading the audit log's head");
	if (row)
		head_parse(ret_query, ret_head);
	return 0;
}

static int head_read(struct db_tx *tx, struct log_head *ret, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { 0 };

	if (head_open(tx, &query, ret, err) < 0)
		return -1;
	if (!ret->sound)
		return err_set(err, ERR_STATION, 0,
			       "the audit log's head is malformed; run: station audit verify");
	return 0;
}

/* clock_ms moves as audit_clock says. */
static int head_write(struct db_tx *tx, const struct tree *tree, int64_t at_ms, const char *kind,
		      struct err *err)
{
	bool accepted = strcmp(kind, AUDIT_CLOCK_ACCEPTED) == 0;
	uint8_t root[SHA256_LEN];

	tree_root(tree, root);
	return db_run(tx,
		      "UPDATE audit_head SET size = ?1, root = ?2, peaks = ?3, clock_ms = CASE"
		      " WHEN ?5 OR clock_ms IS NULL THEN ?4"
		      " WHEN ?4 < clock_ms - ?6 OR ?4 > clock_ms + ?7 THEN clock_ms"
		      " ELSE max(clock_ms, ?4) END",
		      DB_VALUES(db_int(tree->size), db_blob(BYTES_ARRAY(root)),
				db_blob(bytes_of(tree->peaks, tree_peaks_n(tree->size) * SHA256_LEN)),
				db_int(at_ms), db_int(accepted ? 1 : 0), db_int(AUDIT_CLOCK_BACK_MS),
				db_int(AUDIT_CLOCK_AHEAD_MS)),
		      err);
}

/* *ret_known: the key is in the log already, and nothing was written. */
static int entry_insert(struct db_tx *tx, struct tree *tree, const char *key, struct bytes entry,
			bool *ret_known, struct err *err)
{
	uint8_t nodes[TREE_LEVELS][SHA256_LEN];
	int64_t index = tree->size;
	size_t n = tree_push(tree, entry, nodes);
	const struct db_value text = { DB_TEXT, 0, entry };

	if (db_run(tx,
		   "INSERT INTO audit_entry(idx, key, entry, nodes) VALUES(?1, ?2, ?3, ?4) "
		   "ON CONFLICT(key) DO NOTHING",
		   DB_VALUES(db_int(index), db_text(key), text, db_blob(bytes_of(nodes, n * SHA256_LEN))),
		   err) < 0)
		return -1;
	*ret_known = db_changes(tx) == 0;
	return 0;
}

static int check_same(struct db_tx *tx, const char *key, struct bytes entry, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { 0 };
	bool row = false;

	if (db_query(tx, &query, "SELECT entry FROM audit_entry WHERE key = ?1", DB_VALUES(db_text(key)),
		     err) < 0 ||
	    db_next(&query, &row, err) < 0)
		return -1;
	if (!row || !entry_same(db_column_blob(&query, 0), entry))
		return err_set(err, ERR_STATION, 0, "the audit log holds '%s' already, with other content",
			       key);
	return 0;
}

int audit_append(struct db_tx *tx, int64_t at_ms, const struct audit_event *event, struct err *err)
{
	BUF_AUTO(entry, AUDIT_ENTRY_MAX);
	struct log_head head;
	bool known = false;

	if (head_read(tx, &head, err) < 0 || entry_make(event, at_ms, head.tree.size, &entry, err) < 0 ||
	    entry_insert(tx, &head.tree, event->key, buf_bytes(&entry), &known, err) < 0)
		return err_wrap(err, "audit entry");
	if (known)
		return check_same(tx, event->key, buf_bytes(&entry), err);
	return head_write(tx, &head.tree, at_ms, event->kind, err);
}

int audit_head(struct db_tx *tx, struct audit_head *ret_head, struct err *err)
{
	struct log_head head;

	if (head_read(tx, &head, err) < 0)
		return -1;
	ret_head->size = head.tree.size;
	memcpy(ret_head->root, head.root, SHA256_LEN);
	return 0;
}
