/*
 * Statements of a connection: prepared once per literal, bound by type, reset
 * when their scope ends. Here is also the one table of SQLite's codes.
 */
#include "base/db.h"

#include <sqlite3.h>

#include "base/db_internal.h"

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

int db_conn_err(const struct db_conn *conn, struct err *err, int rc, const char *doing)
{
	return err_set(err, class_of(rc), rc, "database: %s: %s%s", doing,
		       conn->sq != NULL ? sqlite3_errmsg(conn->sq) : sqlite3_errstr(rc), advice_of(rc));
}

void db_conn_close(struct db_conn *conn)
{
	for (size_t i = 0; i < conn->cache_n; i++)
		(void)sqlite3_finalize(conn->cache[i]);
	(void)sqlite3_close_v2(conn->sq);
	*conn = (struct db_conn){ 0 };
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
static sqlite3_stmt *cached(struct db_conn *conn, const char *sql)
{
	for (size_t i = 0; i < conn->cache_n; i++)
		if (conn->cache_sql[i] == sql && sqlite3_stmt_busy(conn->cache[i]) == 0 &&
		    strcmp(sqlite3_sql(conn->cache[i]), sql) == 0)
			return conn->cache[i];
	return NULL;
}

static int prepare(struct db_conn *conn, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	int rc;

	*ret = cached(conn, sql);
	if (*ret != NULL)
		return 0;
	rc = sqlite3_prepare_v3(conn->sq, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	if (rc != SQLITE_OK)
		return db_conn_err(conn, err, rc, sql);
	if (conn->cache_n < DB_CACHE_MAX) {
		conn->cache[conn->cache_n] = *ret;
		conn->cache_sql[conn->cache_n++] = sql;
	}
	return 0;
}

static bool is_cached(const struct db_conn *conn, const sqlite3_stmt *stmt)
{
	for (size_t i = 0; i < conn->cache_n; i++)
		if (conn->cache[i] == stmt)
			return true;
	return false;
}

int db_query(struct db_tx *tx, struct db_query *ret_query, const char *sql, const struct db_value *values,
	     size_t values_n, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { NULL, tx->conn };

	base_assert(tx->db != NULL);
	if (prepare(tx->conn, sql, &query.stmt, err) < 0)
		return -1;
	for (size_t i = 0; i < values_n; i++) {
		int rc = bind(query.stmt, (int)i + 1, &values[i]);

		if (rc != SQLITE_OK)
			return db_conn_err(tx->conn, err, rc, sql);
	}
	*ret_query = query;
	query.stmt = NULL;
	return 0;
}

int db_next(struct db_query *query, bool *ret_row, struct err *err)
{
	int rc = sqlite3_step(query->stmt);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return db_conn_err(query->conn, err, rc, sqlite3_sql(query->stmt));
	*ret_row = rc == SQLITE_ROW;
	return 0;
}

void db_query_end(struct db_query *query)
{
	if (query->stmt == NULL)
		return;
	(void)sqlite3_reset(query->stmt);
	(void)sqlite3_clear_bindings(query->stmt);
	if (!is_cached(query->conn, query->stmt))
		(void)sqlite3_finalize(query->stmt);
	query->stmt = NULL;
}

int db_run(struct db_tx *tx, const char *sql, const struct db_value *values, size_t values_n, struct err *err)
{
	CLEANUP(db_query_end) struct db_query query = { 0 };
	bool row = false;

	base_assert(!tx->reading);
	/* A full disk can end the transaction early; what follows must not commit by itself. */
	if (sqlite3_get_autocommit(tx->conn->sq) != 0)
		return err_set(err, ERR_STATION, 0, "database: the transaction was lost: %s", sql);
	if (db_query(tx, &query, sql, values, values_n, err) < 0 || db_next(&query, &row, err) < 0)
		return -1;
	if (row)
		return err_set(err, ERR_BUG, 0, "database: a statement that returns rows was run: %s", sql);
	return 0;
}

int64_t db_changes(const struct db_tx *tx)
{
	return sqlite3_changes64(tx->conn->sq);
}

int64_t db_last_id(const struct db_tx *tx)
{
	return sqlite3_last_insert_rowid(tx->conn->sq);
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
