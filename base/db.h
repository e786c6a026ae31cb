/*
 * The station's database: one connection for writers and one for readers, each
 * behind its lock; short transactions.
 * WAL, synchronous=FULL, foreign keys on. All SQL is a literal next to the
 * function that runs it; sqlite3.h stays inside db.c.
 *
 * Threads that commit at the same time share one sync: a transaction is a
 * savepoint inside a common BEGIN IMMEDIATE, and db_commit returns only when
 * that common transaction is durable.
 */
#ifndef BASE_DB_H
#define BASE_DB_H

#include "base/bytes.h"
#include "base/err.h"

struct db;
struct db_conn;
struct sqlite3_stmt;

/* One transaction, or one read. Holds the writers' or the readers' lock until it ends. */
struct db_tx {
	struct db *db; /* NULL when it has ended */
	struct db_conn *conn;
	bool reading;
};

/* Forward-only: step n of an area takes it from version n to n + 1. */
struct db_migrations {
	const char *area; /* "audit", "outbox", "station" */
	const char *const *steps;
	size_t steps_n;
};

/* Opens or makes the database. ERR_STATION if it can't be trusted (no disk, not a database, no WAL). */
MUST_USE int db_open(const char *path, struct db **ret_db, struct err *err);
/* For status commands beside a running station; every write fails. */
MUST_USE int db_open_readonly(const char *path, struct db **ret_db, struct err *err);
void db_close(struct db *db);
DEFINE_CLEANUP(db_closep, struct db, db_close)

/* Brings an area up to date. ERR_OPERATOR if the database is newer than this program. */
MUST_USE int db_migrate(struct db *db, const struct db_migrations *migrations, struct err *err);

/* Takes the lock. End with commit, or let the scope roll back: CLEANUP(db_rollback) struct db_tx tx = { 0 }; */
MUST_USE int db_begin(struct db *db, struct db_tx *ret_tx, struct err *err);
/* Returns when the changes are on disk. On failure nothing was kept (ERR_STATION). */
MUST_USE int db_commit(struct db_tx *tx, struct err *err);
/* Undoes; does nothing after commit. */
void db_rollback(struct db_tx *tx);
/* For reading only, of what is durable: no savepoint. End with db_read_end, or by scope. */
void db_read_begin(struct db *db, struct db_tx *ret_tx);
void db_read_end(struct db_tx *tx);

/* A value bound to a parameter. Text and blobs must live until the call that takes them returns. */
struct db_value {
	enum { DB_NULL, DB_INT, DB_TEXT, DB_BLOB } type;
	int64_t integer;
	struct bytes data;
};
static inline struct db_value db_int(int64_t value)
{
	return (struct db_value){ DB_INT, value, BYTES_NONE };
}
/* NULL binds SQL NULL. */
static inline struct db_value db_text(const char *text)
{
	return (struct db_value){ text != NULL ? DB_TEXT : DB_NULL, 0, bytes_str(text) };
}
/* No bytes (p == NULL) binds SQL NULL. */
static inline struct db_value db_blob(struct bytes data)
{
	return (struct db_value){ data.p != NULL ? DB_BLOB : DB_NULL, 0, data };
}
#define DB_NO_VALUES NULL, 0
#define DB_VALUES(...)                                                                                       \
	(const struct db_value[]){ __VA_ARGS__ },                                                            \
		sizeof((const struct db_value[]){ __VA_ARGS__ }) / sizeof(struct db_value)

/* Runs one statement that returns no rows: db_run(&tx, "INSERT …", DB_VALUES(db_int(1)), err). */
MUST_USE int db_run(struct db_tx *tx, const char *sql, const struct db_value *values, size_t values_n,
		    struct err *err);
/* How many rows the last db_run of this transaction changed; the id its INSERT made. */
int64_t db_changes(const struct db_tx *tx);
int64_t db_last_id(const struct db_tx *tx);

/*
 * Reading rows:
 *     CLEANUP(db_query_end) struct db_query q = { 0 };
 *     if (db_query(&tx, &q, "SELECT …", DB_VALUES(…), err) < 0) return -1;
 *     while (db_next(&q, &row, err) == 0 && row) … ;
 * Values and their texts must live until db_query_end: they are not copied.
 */
struct db_query {
	struct sqlite3_stmt *stmt;
	struct db_conn *conn;
};
MUST_USE int db_query(struct db_tx *tx, struct db_query *ret_query, const char *sql,
		      const struct db_value *values, size_t values_n, struct err *err);
/* Steps to the next row; *ret_row false after the last. */
MUST_USE int db_next(struct db_query *query, bool *ret_row, struct err *err);
void db_query_end(struct db_query *query);

/* Columns of the current row, from 0. Borrowed until the next db_next; NULL and NONE for SQL NULL. */
int64_t db_column_int(struct db_query *query, int column);
const char *db_column_text(struct db_query *query, int column);
struct bytes db_column_blob(struct db_query *query, int column);

/* One row with one integer; *ret_found false (and the value untouched) without a row or with NULL. */
MUST_USE int db_get_int(struct db_tx *tx, const char *sql, const struct db_value *values, size_t values_n,
			int64_t *ret_value, bool *ret_found, struct err *err);

#endif
