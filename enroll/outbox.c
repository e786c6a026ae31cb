/*
 * The outbox: one row per record, and a table of counts that triggers keep, so
 * that a million rows cost the line nothing. The indexes are partial: a row
 * that is enrolled is in none of them.
 */
#include "enroll/enroll_internal.h"

#include <stdlib.h>

#define JOB_MAX   128
#define PAGE_ROWS 32
/* by whom and why a record was dropped */
#define PERSON_MAX 64
#define WHY_MAX    304

/* The columns of copy_row, in order. */
#define ROW                                                                                                  \
	"id, job, registration_id, state, attempts, changed_ms, reason, difference, not_before_ms, NULL, "   \
	"NULL"
#define ROW_DROPPED                                                                                          \
	"id, job, registration_id, 'dropped', attempts, changed_ms, reason, difference, 0, dropped_by,"      \
	" dropped_why"

static const char *const steps[] = {
	"CREATE TABLE outbox("
	" id INTEGER PRIMARY KEY,"
	" job TEXT NOT NULL UNIQUE,"
	" registration_id TEXT NOT NULL COLLATE NOCASE,"
	" payload BLOB NOT NULL,"
	" key_sha256 BLOB," /* of a symmetric key, which is not stored */
	" state TEXT NOT NULL DEFAULT 'queued'"
	"  CHECK(state IN ('queued','sending','enrolled','retry','quarantined')),"
	" next TEXT NOT NULL DEFAULT 'bulk' CHECK(next IN ('bulk','put','get','keys')),"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" lost INTEGER NOT NULL DEFAULT 0,"
	" not_before_ms INTEGER NOT NULL DEFAULT 0,"
	" changed_ms INTEGER NOT NULL,"
	" reason TEXT) STRICT;"
	"CREATE INDEX outbox_queued ON outbox(id) WHERE state = 'queued';"
	"CREATE INDEX outbox_sending ON outbox(id) WHERE state = 'sending';"
	"CREATE INDEX outbox_retry ON outbox(not_before_ms) WHERE state = 'retry';"
	"CREATE INDEX outbox_pending ON outbox(id) WHERE state <> 'enrolled';"
	"CREATE INDEX outbox_stuck ON outbox(registration_id) WHERE state IN ('retry','quarantined');"
	"CREATE TABLE outbox_count(state TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO outbox_count VALUES"
	" ('queued',0),('sending',0),('enrolled',0),('retry',0),('quarantined',0);"
	"CREATE TRIGGER outbox_insert AFTER INSERT ON outbox BEGIN"
	" UPDATE outbox_count SET n = n + 1 WHERE state = NEW.state; END;"
	"CREATE TRIGGER outbox_delete AFTER DELETE ON outbox BEGIN"
	" UPDATE outbox_count SET n = n - 1 WHERE state = OLD.state; END;"
	"CREATE TRIGGER outbox_update AFTER UPDATE OF state ON outbox WHEN OLD.state <> NEW.state BEGIN"
	" UPDATE outbox_count SET n = n - 1 WHERE state = OLD.state;"
	" UPDATE outbox_count SET n = n + 1 WHERE state = NEW.state; END;",
	/* For lists that begin with what a person must look at. */
	"CREATE INDEX outbox_quarantined ON outbox(id) WHERE state = 'quarantined';",
	/* What several connections have in hand, by ID; and all that differs in a quarantined record, as JSON. */
	("CREATE INDEX outbox_flying ON outbox(registration_id) WHERE state = 'sending';"
	 "ALTER TABLE outbox ADD COLUMN difference TEXT;"),
	/* All records of one unit, in the order of its jobs. */
	("CREATE INDEX outbox_registration ON outbox(registration_id);"
	 "DROP INDEX outbox_stuck;"),
	/* What a person has given up: never sent, never forgotten. */
	("CREATE TABLE outbox_dropped("
	 " id INTEGER PRIMARY KEY,"
	 " job TEXT NOT NULL UNIQUE,"
	 " registration_id TEXT NOT NULL COLLATE NOCASE,"
	 " payload BLOB NOT NULL,"
	 " key_sha256 BLOB,"
	 " attempts INTEGER NOT NULL,"
	 " changed_ms INTEGER NOT NULL,"
	 " reason TEXT,"
	 " difference TEXT,"
	 " dropped_by TEXT," /* NULL in a station without operators */
	 " dropped_why TEXT NOT NULL) STRICT;"
	 "INSERT INTO outbox_count VALUES('dropped', 0);"
	 "CREATE TRIGGER outbox_dropped_insert AFTER INSERT ON outbox_dropped BEGIN"
	 " UPDATE outbox_count SET n = n + 1 WHERE state = 'dropped'; END;"),
	/*
	 * Batches that travel by hand (carry_export.c, carry_import.c). A row that is carried waits as queued, but
	 * is not sent from here, so the index of what is to be sent next leaves it out.
	 */
	("ALTER TABLE outbox ADD COLUMN carried_by INTEGER;"
	 "DROP INDEX outbox_queued;"
	 "CREATE INDEX outbox_queued ON outbox(id) WHERE state = 'queued' AND carried_by IS NULL;"
	 "CREATE INDEX outbox_carried ON outbox(carried_by) WHERE carried_by IS NOT NULL;"
	 "INSERT INTO outbox_count VALUES('carried', 0);"
	 "CREATE TRIGGER outbox_carry AFTER UPDATE OF carried_by ON outbox"
	 " WHEN (OLD.carried_by IS NULL) <> (NEW.carried_by IS NULL) BEGIN"
	 " UPDATE outbox_count SET n = n + iif(NEW.carried_by IS NULL, -1, 1) WHERE state = 'carried'; END;"
	 "CREATE TRIGGER outbox_carry_delete AFTER DELETE ON outbox WHEN OLD.carried_by IS NOT NULL BEGIN"
	 " UPDATE outbox_count SET n = n - 1 WHERE state = 'carried'; END;"
	 "CREATE TABLE carry_out(id INTEGER PRIMARY KEY, batch TEXT NOT NULL UNIQUE, made_ms INTEGER NOT "
	 "NULL,"
	 " n INTEGER NOT NULL) STRICT;"
	 "CREATE TABLE carry_out_row(batch INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY(batch, row))"
	 " STRICT, WITHOUT ROWID;"
	 "CREATE TABLE carry_in(id INTEGER PRIMARY KEY, batch TEXT NOT NULL UNIQUE, station TEXT NOT NULL,"
	 " sha256 BLOB NOT NULL, n INTEGER NOT NULL, made_ms INTEGER NOT NULL,"
	 " whole INTEGER NOT NULL DEFAULT 0) STRICT;"
	 /* row is NULL for a record that was not taken: it goes back */
	 "CREATE TABLE carry_in_row(batch INTEGER NOT NULL, line INTEGER NOT NULL, job TEXT NOT NULL,"
	 " content BLOB NOT NULL, row INTEGER, PRIMARY KEY(batch, line)) STRICT, WITHOUT ROWID;"),
};

static const char *const state_names[] = {
	[ENROLL_QUEUED] = "queued", [ENROLL_SENDING] = "sending",         [ENROLL_ENROLLED] = "enrolled",
	[ENROLL_RETRY] = "retry",   [ENROLL_QUARANTINED] = "quarantined", [ENROLL_DROPPED] = "dropped",
};

const char *enroll_state_name(enum enroll_state state)
{
	return (size_t)state < ARRAY_LEN(state_names) ? state_names[state] : "unknown";
}

static int state_from_name(const char *name, enum enroll_state *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
		if (name != NULL && strcmp(name, state_names[i]) == 0) {
			*ret = (enum enroll_state)i;
			return 0;
		}
	return err_set(err, ERR_STATION, 0, "the outbox holds an unknown state: %s", name);
}

int enroll_init(struct db *db, struct err *err)
{
	const struct db_migrations migrations = { "outbox", steps, ARRAY_LEN(steps) };

	return db_migrate(db, &migrations, err);
}

/* What a person has given up is not queued again by who brings it once more. */
int outbox_insert(struct db_tx *tx, int64_t at_ms, const struct outbox_new *new, int64_t *ret_row,
		  bool *ret_same, struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	if (db_run(tx,
		   "INSERT INTO outbox(job, registration_id, payload, key_sha256, changed_ms)"
		   " SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM outbox_dropped WHERE job = ?1)"
		   " ON CONFLICT(job) DO NOTHING",
		   DB_VALUES(db_text(new->job), db_text(new->registration_id), db_blob(new->payload),
			     db_blob(new->key_sha256), db_int(at_ms)),
		   err) < 0)
		return -1;
	if (db_changes(tx) == 1) {
		*ret_row = db_last_id(tx);
		*ret_same = true;
		return 0;
	}
	if (db_query(tx, &q,
		     "SELECT id, payload, key_sha256 FROM outbox WHERE job = ?1 UNION ALL"
		     " SELECT id, payload, key_sha256 FROM outbox_dropped WHERE job = ?1",
		     DB_VALUES(db_text(new->job)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	*ret_row = row ? db_column_int(&q, 0) : 0;
	*ret_same = row && bytes_equal(db_column_blob(&q, 1), new->payload) &&
		    bytes_equal(db_column_blob(&q, 2), new->key_sha256);
	return 0;
}

int enroll_enqueue(struct db_tx *tx, int64_t at_ms, const struct enroll_record *record, struct err *err)
{
	BUF_AUTO(payload, ENROLL_PAYLOAD_MAX);
	struct outbox_new new = { .job = record->job, .registration_id = record->registration_id };
	uint8_t digest[SHA256_LEN];
	bool has_key = false, same = false;
	int64_t row;

	if (record->job == NULL || record->job[0] == '\0' || strlen(record->job) > JOB_MAX)
		return err_set(err, ERR_BUG, 0, "an enrollment needs a job ID of 1 to %d characters",
			       JOB_MAX);
	if (payload_build(record, &payload, digest, &has_key, err) < 0)
		return err_wrap(err, "enrollment of %s", record->registration_id);
	new.payload = buf_bytes(&payload);
	new.key_sha256 = has_key ? BYTES_ARRAY(digest) : BYTES_NONE;
	if (outbox_insert(tx, at_ms, &new, &row, &same, err) < 0)
		return -1;
	if (!same)
		return err_set(err, ERR_STATION, 0, "job %s is in the outbox with another content",
			       record->job);
	return 0;
}

int enroll_count(struct db *db, struct enroll_counts *ret_counts, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	int64_t n[ARRAY_LEN(state_names)] = { 0 }, carried = 0;
	bool row = false;

	db_read_begin(db, &tx);
	if (db_get_int(&tx, "SELECT n FROM outbox_count WHERE state = 'carried'", DB_NO_VALUES, &carried,
		       &row, err) < 0 ||
	    db_query(&tx, &q, "SELECT state, n FROM outbox_count WHERE state <> 'carried'", DB_NO_VALUES,
		     err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	while (row) {
		enum enroll_state state = ENROLL_QUEUED;

		if (state_from_name(db_column_text(&q, 0), &state, err) < 0)
			return -1;
		n[state] = db_column_int(&q, 1);
		if (db_next(&q, &row, err) < 0)
			return -1;
	}
	*ret_counts = (struct enroll_counts){ .queued = n[ENROLL_QUEUED],
					      .sending = n[ENROLL_SENDING],
					      .enrolled = n[ENROLL_ENROLLED],
					      .retry = n[ENROLL_RETRY],
					      .quarantined = n[ENROLL_QUARANTINED],
					      .dropped = n[ENROLL_DROPPED],
					      .carried = carried };
	return 0;
}

/* Rows are copied page by page, so that a slow reader of the list never holds the database's lock. */
struct page {
	size_t n;
	int64_t last;
	struct page_row {
		char job[JOB_MAX + 1];
		char registration_id[ENROLL_ID_MAX + 1];
		char reason[REASON_MAX];
		char difference[DIFFERENCE_JSON_MAX];
		char dropped_by[PERSON_MAX];
		char dropped_why[WHY_MAX];
		bool has_reason, differs, has_by, has_why;
		enum enroll_state state;
		int64_t attempts, changed_ms, not_before_ms;
	} rows[PAGE_ROWS];
};
DEFINE_CLEANUP(page_freep, struct page, free)

static int copy_row(struct db_query *q, struct page *page, struct err *err)
{
	struct page_row *row = &page->rows[page->n];
	struct bytes reason = bytes_str(db_column_text(q, 6));
	struct bytes difference = bytes_str(db_column_text(q, 7));
	struct bytes by = bytes_str(db_column_text(q, 9)), why = bytes_str(db_column_text(q, 10));

	page->last = db_column_int(q, 0);
	row->has_reason = reason.p != NULL;
	row->differs = difference.p != NULL;
	row->attempts = db_column_int(q, 4);
	row->changed_ms = db_column_int(q, 5);
	row->not_before_ms = db_column_int(q, 8);
	row->has_by = by.p != NULL;
	row->has_why = why.p != NULL;
	if (bytes_to_str(bytes_str(db_column_text(q, 1)), row->job, sizeof(row->job)) < 0 ||
	    bytes_to_str(bytes_str(db_column_text(q, 2)), row->registration_id,
			 sizeof(row->registration_id)) < 0 ||
	    bytes_to_str(reason, row->reason, sizeof(row->reason)) < 0 ||
	    bytes_to_str(difference, row->difference, sizeof(row->difference)) < 0 ||
	    bytes_to_str(by, row->dropped_by, sizeof(row->dropped_by)) < 0 ||
	    bytes_to_str(why, row->dropped_why, sizeof(row->dropped_why)) < 0)
		return err_set(err, ERR_STATION, 0, "outbox row %lld is broken", (long long)page->last);
	page->n++;
	return state_from_name(db_column_text(q, 3), &row->state, err);
}

/* Reads up to n rows behind page->last. */
static int read_page(struct db *db, const char *sql, size_t n, struct page *page, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	page->n = 0;
	db_read_begin(db, &tx);
	if (db_query(&tx, &q, sql, DB_VALUES(db_int(page->last), db_int((int64_t)n)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	while (row && page->n < n)
		if (copy_row(&q, page, err) < 0 || db_next(&q, &row, err) < 0)
			return -1;
	return 0;
}

static int visit_page(const struct page *page, enroll_visit_fn *visit, void *arg, struct err *err)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct page_row *from = &page->rows[i];
		const struct enroll_row row = {
			.job = from->job,
			.registration_id = from->registration_id,
			.state = from->state,
			.attempts = from->attempts,
			.changed_ms = from->changed_ms,
			.next_ms = from->state == ENROLL_RETRY ? from->not_before_ms : 0,
			.reason = from->has_reason ? from->reason : NULL,
			.difference = from->differs ? from->difference : NULL,
			.dropped_by = from->has_by ? from->dropped_by : NULL,
			.dropped_why = from->has_why ? from->dropped_why : NULL,
		};

		if (visit(arg, &row, err) < 0)
			return -1;
	}
	return 0;
}

static int visit_all(struct db *db, const char *sql, enroll_visit_fn *visit, void *arg, struct err *err)
{
	CLEANUP(page_freep) struct page *page = calloc(1, sizeof(*page));

	if (page == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	do {
		if (read_page(db, sql, PAGE_ROWS, page, err) < 0 || visit_page(page, visit, arg, err) < 0)
			return -1;
	} while (page->n == PAGE_ROWS);
	return 0;
}

int enroll_each(struct db *db, bool pending_only, enroll_visit_fn *visit, void *arg, struct err *err)
{
	static const char all[] = "SELECT " ROW " FROM outbox WHERE id > ?1 ORDER BY id LIMIT ?2";
	static const char pending[] = "SELECT " ROW " FROM outbox"
				      " WHERE state <> 'enrolled' AND id > ?1 ORDER BY id LIMIT ?2";

	return visit_all(db, pending_only ? pending : all, visit, arg, err);
}

int enroll_each_dropped(struct db *db, enroll_visit_fn *visit, void *arg, struct err *err)
{
	static const char dropped[] =
		"SELECT " ROW_DROPPED " FROM outbox_dropped WHERE id > ?1 ORDER BY id LIMIT ?2";

	return visit_all(db, dropped, visit, arg, err);
}

/* Visits up to n rows; *ret_n of them are left to visit. */
static int visit_rows(struct db *db, const char *sql, size_t n, size_t *ret_left, enroll_visit_fn *visit,
		      void *arg, struct err *err)
{
	CLEANUP(page_freep) struct page *page = calloc(1, sizeof(*page));

	if (page == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	while (n > 0) {
		size_t asked = n < PAGE_ROWS ? n : PAGE_ROWS;

		if (read_page(db, sql, asked, page, err) < 0 || visit_page(page, visit, arg, err) < 0)
			return -1;
		n -= page->n;
		if (page->n < asked)
			break;
	}
	*ret_left = n;
	return 0;
}

int enroll_each_waiting(struct db *db, size_t n, enroll_visit_fn *visit, void *arg, struct err *err)
{
	static const char quarantined[] = "SELECT " ROW " FROM outbox"
					  " WHERE state = 'quarantined' AND id > ?1 ORDER BY id LIMIT ?2";
	/* Only when fewer than n are quarantined, so it steps over fewer than n of them. */
	static const char others[] =
		"SELECT " ROW " FROM outbox"
		" WHERE state <> 'enrolled' AND state <> 'quarantined' AND id > ?1 ORDER BY id LIMIT ?2";

	if (visit_rows(db, quarantined, n, &n, visit, arg, err) < 0)
		return -1;
	return visit_rows(db, others, n, &n, visit, arg, err);
}

int enroll_each_next(struct db *db, enum enroll_state state, size_t n, enroll_visit_fn *visit, void *arg,
		     struct err *err)
{
	static const char queued[] =
		"SELECT " ROW " FROM outbox WHERE state = 'queued' AND id > ?1 ORDER BY id LIMIT ?2";
	static const char retry[] = "SELECT " ROW " FROM outbox WHERE state = 'retry' AND not_before_ms >= ?1"
				    " ORDER BY not_before_ms LIMIT ?2";
	size_t left;

	base_assert(n <= PAGE_ROWS && (state == ENROLL_QUEUED || state == ENROLL_RETRY));
	return visit_rows(db, state == ENROLL_RETRY ? retry : queued, n, &left, visit, arg, err);
}

int enroll_payload(struct db *db, const char *registration_id, struct buf *ret_json,
		   enum enroll_state *ret_state, bool *ret_found, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	enum enroll_state state = ENROLL_QUEUED;
	bool row = false;

	db_read_begin(db, &tx);
	if (db_query(&tx, &q,
		     "SELECT payload, state FROM outbox WHERE registration_id = ?1 ORDER BY id DESC LIMIT 1",
		     DB_VALUES(db_text(registration_id)), err) < 0 ||
	    db_next(&q, &row, err) < 0 || (row && state_from_name(db_column_text(&q, 1), &state, err) < 0))
		return -1;
	if (row && buf_set(ret_json, db_column_blob(&q, 0)) < 0)
		return err_set(err, ERR_STATION, 0, "the record of %.60s is broken", registration_id);
	*ret_state = state;
	*ret_found = row;
	return 0;
}

/* The row's next step is kept: what may be in the service is still fetched first. */
int enroll_requeue(struct db *db, int64_t at_ms, const char *registration_id, int64_t *ret_n, struct err *err)
{
	static const char all[] =
		"UPDATE outbox SET state = 'queued', attempts = 0, lost = 0, not_before_ms = 0,"
		" changed_ms = ?1, reason = NULL, difference = NULL WHERE state = 'retry'";
	static const char one[] =
		"UPDATE outbox SET state = 'queued', attempts = 0, lost = 0, not_before_ms = 0,"
		" changed_ms = ?1, reason = NULL, difference = NULL WHERE state = 'retry'"
		" AND registration_id = ?2";
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	int64_t n;

	if (db_begin(db, &tx, err) < 0)
		return -1;
	if (registration_id == NULL
		    ? db_run(&tx, all, DB_VALUES(db_int(at_ms)), err) < 0
		    : db_run(&tx, one, DB_VALUES(db_int(at_ms), db_text(registration_id)), err) < 0)
		return -1;
	n = db_changes(&tx);
	if (db_commit(&tx, err) < 0)
		return -1;
	*ret_n = n;
	return 0;
}

int enroll_recover(struct db *db, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0 ||
	    db_run(&tx,
		   "UPDATE outbox SET state = 'retry', not_before_ms = 0,"
		   " reason = 'the station stopped before the answer came' WHERE state = 'sending'",
		   DB_NO_VALUES, err) < 0 ||
	    db_commit(&tx, err) < 0)
		return -1;
	return 0;
}
