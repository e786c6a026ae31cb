/*
 * SQLite behind one lock. Group commit: whoever commits while another thread
 * waits for the lock leaves the common transaction open and sleeps; the last
 * one (or the one that fills the group) commits for all. A failed common
 * commit fails every transaction in it.
 */
#include "base/db.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <sqlite3.h>

#define BUSY_MS   5000
#define GROUP_MAX 64
#define CACHE_MAX 96

/* A common transaction. Freed when it is over and its last sleeper has heard how it ended. */
struct group {
	unsigned released_n; /* transactions released into it */
	unsigned sleepers_n; /* threads in db_commit that wait for its end */
	bool settled;
	bool lost;
	struct err why; /* when lost */
};

struct db {
	sqlite3 *sq;
	pthread_mutex_t lock; /* owns everything below */
	pthread_cond_t settled;
	_Atomic unsigned waiting; /* threads inside db_begin that do not have the lock yet */
	struct group *group;      /* the open one, or NULL */
	sqlite3_stmt *cache[CACHE_MAX];
	const char *cache_sql[CACHE_MAX]; /* literals: compared by address */
	size_t cache_n;
};

/* The one table from SQLite's codes to what the station does. */
static enum err_class class_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_RETRY;
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_ERROR:
		return ERR_BUG;
	default:
		return ERR_STATION;
	}
}

static const char *advice_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return "; free disk space, then start again";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "; keep the file and restore a copy";
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return "; check the folder's owner and mode";
	default:
		return "";
	}
}

static int db_err(struct db *db, struct err *err, int rc, const char *doing)
{
	return err_set(err, class_of(rc), rc, "database: %s: %s%s", doing,
		       db->sq != NULL ? sqlite3_errmsg(db->sq) : sqlite3_errstr(rc), advice_of(rc));
}

static int exec(struct db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->sq, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_err(db, err, rc, sql);
}

static int db_new(const char *path, int flags, struct db **ret_db, struct err *err)
{
	CLEANUP(db_closep) struct db *db = calloc(1, sizeof(*db));
	int rc;

	if (db == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	(void)pthread_mutex_init(&db->lock, NULL);
	(void)pthread_cond_init(&db->settled, NULL);
	rc = sqlite3_open_v2(path, &db->sq, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK)
		return db_err(db, err, rc, path);
	(void)sqlite3_busy_timeout(db->sq, BUSY_MS);
	*ret_db = db;
	db = NULL;
	return 0;
}

int db_open(const char *path, struct db **ret_db, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;

	if (db_new(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, err) < 0)
		return -1;
	if (exec(db, "PRAGMA journal_mode=WAL", err) < 0 || exec(db, "PRAGMA synchronous=FULL", err) < 0 ||
	    exec(db, "PRAGMA foreign_keys=ON", err) < 0 || exec(db, "PRAGMA trusted_schema=OFF", err) < 0 ||
	    exec(db,
		 "CREATE TABLE IF NOT EXISTS schema_version("
		 "area TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
		 err) < 0)
		return err_raise(err, ERR_STATION);
	*ret_db = db;
	db = NULL;
	return 0;
}

int db_open_readonly(const char *path, struct db **ret_db, struct err *err)
{
	return db_new(path, SQLITE_OPEN_READONLY, ret_db, err);
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; i < db->cache_n; i++)
		(void)sqlite3_finalize(db->cache[i]);
	(void)sqlite3_close_v2(db->sq);
	(void)pthread_cond_destroy(&db->settled);
	(void)pthread_mutex_destroy(&db->lock);
	free(db);
}

static int migrate_in(struct db_tx *tx, const struct db_migrations *m, struct err *err)
{
	int64_t version = 0;
	bool found = false;

	if (db_get_int(tx, "SELECT version FROM schema_version WHERE area = ?1", DB_VALUES(db_text(m->area)),
		       &version, &found, err) < 0)
		return -1;
	if (version < 0 || (size_t)version > m->steps_n)
		return err_set(
			err, ERR_OPERATOR, 0,
			"the database was written by a newer program (%s version %lld, this one knows %zu)",
			m->area, (long long)version, m->steps_n);
	for (size_t i = (size_t)version; i < m->steps_n; i++)
		if (exec(tx->db, m->steps[i], err) < 0)
			return err_wrap(err, "migrating %s to version %zu", m->area, i + 1);
	return db_run(tx,
		      "INSERT INTO schema_version VALUES(?1, ?2) "
		      "ON CONFLICT(area) DO UPDATE SET version = excluded.version",
		      DB_VALUES(db_text(m->area), db_int((int64_t)m->steps_n)), err);
}

int db_migrate(struct db *db, const struct db_migrations *migrations, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0 || migrate_in(&tx, migrations, err) < 0 || db_commit(&tx, err) < 0)
		return -1;
	return 0;
}

static int open_group(struct db *db, struct err *err)
{
	struct group *group;

	if (db->group != NULL)
		return 0;
	group = calloc(1, sizeof(*group));
	if (group == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (exec(db, "BEGIN IMMEDIATE", err) < 0) {
		free(group);
		return -1;
	}
	db->group = group;
	return 0;
}

/*
 * The open group is over: kept, or lost when why is given. Its outcome stays with
 * it, since the next group may be over too before a sleeper has the lock again.
 */
static void settle(struct db *db, const struct err *why)
{
	struct group *group = db->group;

	if (group == NULL)
		return;
	db->group = NULL;
	group->settled = true;
	group->lost = why != NULL;
	if (why != NULL)
		group->why = *why;
	if (group->sleepers_n == 0)
		free(group);
	(void)pthread_cond_broadcast(&db->settled);
}

static void lose_group(struct db *db, const struct err *why)
{
	if (sqlite3_get_autocommit(db->sq) == 0)
		(void)sqlite3_exec(db->sq, "ROLLBACK", NULL, NULL, NULL);
	settle(db, why);
}

static int commit_group(struct db *db, struct err *err)
{
	if (exec(db, "COMMIT", err) < 0) {
		(void)err_raise(err, ERR_STATION);
		lose_group(db, err);
		return -1;
	}
	settle(db, NULL);
	return 0;
}

/* Commits on behalf of those who sleep; they hear of a failure themselves. */
static void commit_for_sleepers(struct db *db)
{
	struct err err = { 0 };

	(void)commit_group(db, &err);
}

int db_begin(struct db *db, struct db_tx *ret_tx, struct err *err)
{
	(void)atomic_fetch_add(&db->waiting, 1);
	(void)pthread_mutex_lock(&db->lock);
	(void)atomic_fetch_sub(&db->waiting, 1);
	if (open_group(db, err) < 0 || exec(db, "SAVEPOINT tx", err) < 0) {
		/* Others may sleep in this group, counting on us to settle it. */
		lose_group(db, err);
		(void)pthread_mutex_unlock(&db->lock);
		return -1;
	}
	*ret_tx = (struct db_tx){ db, false };
	return 0;
}

/* Called with the lock, returns with it, when somebody has settled the group of the caller. */
static int sleep_in_group(struct db *db, struct err *err)
{
	struct group *group = db->group;
	int ret;

	group->sleepers_n++;
	while (!group->settled)
		(void)pthread_cond_wait(&db->settled, &db->lock);
	if (group->lost)
		*err = group->why;
	ret = group->lost ? -1 : 0;
	if (--group->sleepers_n == 0)
		free(group);
	return ret;
}

int db_commit(struct db_tx *tx, struct err *err)
{
	struct db *db = tx->db;
	int ret;

	base_assert(db != NULL && !tx->reading);
	if (exec(db, "RELEASE tx", err) < 0) {
		(void)err_raise(err, ERR_STATION);
		db_rollback(tx);
		return -1;
	}
	tx->db = NULL;
	db->group->released_n++;
	if (atomic_load(&db->waiting) == 0 || db->group->released_n >= GROUP_MAX)
		ret = commit_group(db, err);
	else
		ret = sleep_in_group(db, err);
	(void)pthread_mutex_unlock(&db->lock);
	return ret;
}

void db_rollback(struct db_tx *tx)
{
	struct db *db = tx->db;
	const struct err lost = { .class = ERR_STATION, .what = "database: the shared transaction was lost" };

	if (db == NULL)
		return;
	tx->db = NULL;
	/* A full disk makes SQLite end the whole transaction by itself: then the others in it are lost too. */
	if (sqlite3_get_autocommit(db->sq) != 0)
		lose_group(db, &lost);
	else if (sqlite3_exec(db->sq, "ROLLBACK TO tx; RELEASE tx", NULL, NULL, NULL) != SQLITE_OK)
		lose_group(db, &lost);
	else if (atomic_load(&db->waiting) == 0)
		commit_for_sleepers(db);
	(void)pthread_mutex_unlock(&db->lock);
}

void db_read_begin(struct db *db, struct db_tx *ret_tx)
{
	(void)pthread_mutex_lock(&db->lock);
	/* What a reader sees it may act upon, so it must not be lost afterwards: settle it first. */
	if (db->group != NULL)
		commit_for_sleepers(db);
	*ret_tx = (struct db_tx){ db, true };
}

void db_read_end(struct db_tx *tx)
{
	struct db *db = tx->db;

	if (db == NULL)
		return;
	tx->db = NULL;
	(void)pthread_mutex_unlock(&db->lock);
}

static int bind(sqlite3_stmt *stmt, int at, const struct db_value *value)
{
	switch (value->type) {
	case DB_INT:
		return sqlite3_bind_int64(stmt, at, value->integer);
	case DB_TEXT:
		return sqlite3_bind_text64(stmt, at, (const char *)value->data.p, value->data.len,
					   SQLITE_STATIC, SQLITE_UTF8);
	case DB_BLOB:
		return sqlite3_bind_blob64(stmt, at, value->data.p, value->data.len, SQLITE_STATIC);
	case DB_NULL:
		break;
	}
	return sqlite3_bind_null(stmt, at);
}

/* Statements are literals, so the address names the text; a statement in use is never shared. */
static sqlite3_stmt *cached(struct db *db, const char *sql)
{
	for (size_t i = 0; i < db->cache_n; i++)
		if (db->cache_sql[i] == sql && sqlite3_stmt_busy(db->cache[i]) == 0 &&
		    strcmp(sqlite3_sql(db->cache[i]), sql) == 0)
			return db->cache[i];
	return NULL;
}

static int prepare(struct db *db, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	int rc;

	*ret = cached(db, sql);
	if (*ret != NULL)
		return 0;
	rc = sqlite3_prepare_v3(db->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	if (rc != SQLITE_OK)
		return db_err(db, err, rc, sql);
	if (db->cache_n < CACHE_MAX) {
		db->cache[db->cache_n] = *ret;
		db->cache_sql[db->cache_n++] = sql;
	}
	return 0;
}

static bool is_cached(const struct db *db, const sqlite3_stmt *stmt)
{
	for (size_t i = 0; i < db->cache_n; i++)
		if (db->cache[i] == stmt)
			return true;
	return false;
}

int db_query(struct db_tx *tx, struct db_query *ret_query, const char *sql, const struct db_value *values,
	     size_t values_n, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { NULL, tx->db };

	base_assert(tx->db != NULL);
	if (prepare(tx->db, sql, &query.stmt, err) < 0)
		return -1;
	for (size_t i = 0; i < values_n; i++) {
		int rc = bind(query.stmt, (int)i + 1, &values[i]);

		if (rc != SQLITE_OK)
			return db_err(tx->db, err, rc, sql);
	}
	*ret_query = query;
	query.stmt = NULL;
	return 0;
}

int db_next(struct db_query *query, bool *ret_row, struct err *err)
{
	int rc = sqlite3_step(query->stmt);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_err(query->db, err, rc, sqlite3_sql(query->stmt));
	*ret_row = rc == SQLITE_ROW;
	return 0;
}

void db_query_end(struct db_query *query)
{
	if (query->stmt == NULL)
		return;
	(void)sqlite3_reset(query->stmt);
	(void)sqlite3_clear_bindings(query->stmt);
	if (!is_cached(query->db, query->stmt))
		(void)sqlite3_finalize(query->stmt);
	query->stmt = NULL;
}

int db_run(struct db_tx *tx, const char *sql, const struct db_value *values, size_t values_n, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { 0 };
	bool row = false;

	base_assert(!tx->reading);
	/* A full disk can end the transaction early; what follows must not commit by itself. */
	if (sqlite3_get_autocommit(tx->db->sq) != 0)
		return err_set(err, ERR_STATION, 0, "database: the transaction was lost: %s", sql);
	if (db_query(tx, &query, sql, values, values_n, err) < 0 || db_next(&query, &row, err) < 0)
		return -1;
	if (row)
		return err_set(err, ERR_BUG, 0, "database: a statement that returns rows was run: %s", sql);
	return 0;
}

int64_t db_changes(const struct db_tx *tx)
{
	return sqlite3_changes64(tx->db->sq);
}

int64_t db_last_id(const struct db_tx *tx)
{
	return sqlite3_last_insert_rowid(tx->db->sq);
}

int64_t db_column_int(struct db_query *query, int column)
{
	return sqlite3_column_int64(query->stmt, column);
}

const char *db_column_text(struct db_query *query, int column)
{
	return (const char *)sqlite3_column_text(query->stmt, column);
}

struct bytes db_column_blob(struct db_query *query, int column)
{
	const void *p = sqlite3_column_blob(query->stmt, column);

	return bytes_of(p, p != NULL ? (size_t)sqlite3_column_bytes(query->stmt, column) : 0);
}

int db_get_int(struct db_tx *tx, const char *sql, const struct db_value *values, size_t values_n,
	       int64_t *ret_value, bool *ret_found, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { 0 };
	bool row = false;

	if (db_query(tx, &query, sql, values, values_n, err) < 0 || db_next(&query, &row, err) < 0)
		return -1;
	*ret_found = row && sqlite3_column_type(query.stmt, 0) != SQLITE_NULL;
	if (*ret_found)
		*ret_value = db_column_int(&query, 0);
	return 0;
}
