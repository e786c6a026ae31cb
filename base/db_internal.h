/* Shared by db.c (transactions) and db_query.c (statements). */
#ifndef BASE_DB_INTERNAL_H
#define BASE_DB_INTERNAL_H

#include "base/db.h"

struct sqlite3;

#define DB_CACHE_MAX 96

/* A connection and its prepared statements; used under the lock of its struct db. */
struct db_conn {
	struct sqlite3 *sq;
	struct sqlite3_stmt *cache[DB_CACHE_MAX];
	const char *cache_sql[DB_CACHE_MAX]; /* literals: compared by address */
	size_t cache_n;
};

/* Accepts one that never opened. */
void db_conn_close(struct db_conn *conn);
/* Sets err from SQLite's code, with class, cause and advice. Returns -1. */
int db_conn_err(const struct db_conn *conn, struct err *err, int rc, const char *doing);

#endif
