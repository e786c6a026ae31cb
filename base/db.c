/*
 * Two connections, each behind its lock: writers never wait for readers, nor
 * readers for a sync. Group commit: whoever commits while another thread
 * waits for the lock leaves the common transaction open and sleeps; the last
 * one (or the one that fills the group) commits for all. A failed common
 * commit fails every transaction in it.
 */
#include "base/db.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/db_internal.h"

#define BUSY_MS   20000 /* a backup or another command may hold the database for a while */
#define GROUP_MAX 64

/*
 * A common transaction. Who sleeps in it waits for its own lock, not for the
 * database's: woken, a dozen threads would otherwise queue up before the next
 * transaction. Freed by the last who leaves it.
 */
struct group {
	unsigned released_n;  /* transactions released into it; under the database's lock */
	pthread_mutex_t lock; /* owns everything below */
	pthread_cond_t over;
	unsigned users_n; /* its sleepers, and the database while it is open */
	bool settled;
	bool lost;
	struct err why; /* when lost */
};

struct db {
	pthread_mutex_t read_lock; /* owns reader */
	struct db_conn reader;
	pthread_mutex_t lock; /* owns everything below */
	struct db_conn writer;
	_Atomic unsigned waiting; /* threads inside db_begin that do not have the lock yet */
	struct group *group;      /* the open one, or NULL */
};

static int exec(struct db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->writer.sq, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_conn_err(&db->writer, err, rc, sql);
}

/* The statements of every transaction, prepared once: parsing them again costs as much as a row. */
static int control(struct db *db, const char *sql, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { 0 };
	struct db_tx tx = { db, &db->writer, false };
	bool row;

	if (db_query(&tx, &query, sql, DB_NO_VALUES, err) < 0)
		return -1;
	return db_next(&query, &row, err);
}

static int open_conn(struct db_conn *conn, const char *path, int flags, struct err *err)
{
	int rc = sqlite3_open_v2(path, &conn->sq, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc != SQLITE_OK)
		return db_conn_err(conn, err, rc, path);
	(void)sqlite3_busy_timeout(conn->sq, BUSY_MS);
	return 0;
}

static int db_new(const char *path, int flags, struct db **ret_db, struct err *err)
{
	CLEANUP(db_closep) struct db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	(void)pthread_mutex_init(&db->lock, NULL);
	(void)pthread_mutex_init(&db->read_lock, NULL);
	if (open_conn(&db->writer, path, flags, err) < 0)
		return -1;
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
	    /* Savepoints would make temporary files; and a longer log means fewer checkpoints' syncs. */
	    exec(db, "PRAGMA temp_store=MEMORY", err) < 0 ||
	    exec(db, "PRAGMA wal_autocheckpoint=4000", err) < 0 ||
	    exec(db,
		 "CREATE TABLE IF NOT EXISTS schema_version("
		 "area TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
		 err) < 0 ||
	    open_conn(&db->reader, path, SQLITE_OPEN_READONLY, err) < 0)
		return err_raise(err, ERR_STATION);
	*ret_db = db;
	db = NULL;
	return 0;
}

int db_open_readonly(const char *path, struct db **ret_db, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;

	if (db_new(path, SQLITE_OPEN_READONLY, &db, err) < 0 ||
	    open_conn(&db->reader, path, SQLITE_OPEN_READONLY, err) < 0)
		return -1;
	*ret_db = db;
	db = NULL;
	return 0;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	db_conn_close(&db->reader);
	db_conn_close(&db->writer);
	(void)pthread_mutex_destroy(&db->read_lock);
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

static struct group *group_new(void)
{
	struct group *group = calloc(1, sizeof(*group));

	if (group == NULL)
		return NULL;
	(void)pthread_mutex_init(&group->lock, NULL);
	(void)pthread_cond_init(&group->over, NULL);
	group->users_n = 1;
	return group;
}

/* Called with the group's lock, returns without it. */
static void group_leave(struct group *group)
{
	bool last = --group->users_n == 0;

	(void)pthread_mutex_unlock(&group->lock);
	if (!last)
		return;
	(void)pthread_cond_destroy(&group->over);
	(void)pthread_mutex_destroy(&group->lock);
	free(group);
}

static int open_group(struct db *db, struct err *err)
{
	struct group *group;

	if (db->group != NULL)
		return 0;
	if (control(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	group = group_new();
	if (group == NULL) {
		(void)sqlite3_exec(db->writer.sq, "ROLLBACK", NULL, NULL, NULL);
		return err_set(err, ERR_STATION, 0, "out of memory");
	}
	db->group = group;
	return 0;
}

/*
 * The open group is over: kept, or lost when why is given. Its outcome stays with
 * it, since the next group may be over too before a sleeper looks.
 */
static void settle(struct db *db, const struct err *why)
{
	struct group *group = db->group;

	if (group == NULL)
		return;
	db->group = NULL;
	(void)pthread_mutex_lock(&group->lock);
	group->settled = true;
	group->lost = why != NULL;
	if (why != NULL)
		group->why = *why;
	(void)pthread_cond_broadcast(&group->over);
	group_leave(group);
}

static void lose_group(struct db *db, const struct err *why)
{
	if (sqlite3_get_autocommit(db->writer.sq) == 0)
		(void)sqlite3_exec(db->writer.sq, "ROLLBACK", NULL, NULL, NULL);
	settle(db, why);
}

static int commit_group(struct db *db, struct err *err)
{
	if (control(db, "COMMIT", err) < 0) {
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
	if (open_group(db, err) < 0 || control(db, "SAVEPOINT tx", err) < 0) {
		/* Others may sleep in this group, counting on us to settle it. */
		lose_group(db, err);
		(void)pthread_mutex_unlock(&db->lock);
		return -1;
	}
	*ret_tx = (struct db_tx){ db, &db->writer, false };
	return 0;
}

/* Called with the database's lock, which it gives up; returns when somebody has settled the caller's group. */
static int sleep_in_group(struct db *db, struct err *err)
{
	struct group *group = db->group;
	int ret;

	(void)pthread_mutex_lock(&group->lock);
	group->users_n++;
	(void)pthread_mutex_unlock(&db->lock);
	while (!group->settled)
		(void)pthread_cond_wait(&group->over, &group->lock);
	if (group->lost)
		*err = group->why;
	ret = group->lost ? -1 : 0;
	group_leave(group);
	return ret;
}

int db_commit(struct db_tx *tx, struct err *err)
{
	struct db *db = tx->db;
	int ret;

	base_assert(db != NULL && !tx->reading);
	if (control(db, "RELEASE tx", err) < 0) {
		(void)err_raise(err, ERR_STATION);
		db_rollback(tx);
		return -1;
	}
	tx->db = NULL;
	db->group->released_n++;
	if (atomic_load(&db->waiting) > 0 && db->group->released_n < GROUP_MAX)
		return sleep_in_group(db, err);
	ret = commit_group(db, err);
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
	if (sqlite3_get_autocommit(db->writer.sq) != 0)
		lose_group(db, &lost);
	else if (sqlite3_exec(db->writer.sq, "ROLLBACK TO tx; RELEASE tx", NULL, NULL, NULL) != SQLITE_OK)
		lose_group(db, &lost);
	else if (atomic_load(&db->waiting) == 0)
		commit_for_sleepers(db);
	(void)pthread_mutex_unlock(&db->lock);
}

/* In WAL mode a commit shows to readers after its sync, so what is read here can't be lost any more. */
void db_read_begin(struct db *db, struct db_tx *ret_tx)
{
	(void)pthread_mutex_lock(&db->read_lock);
	*ret_tx = (struct db_tx){ db, &db->reader, true };
}

void db_read_end(struct db_tx *tx)
{
	struct db *db = tx->db;

	if (db == NULL)
		return;
	tx->db = NULL;
	(void)pthread_mutex_unlock(&db->read_lock);
}
