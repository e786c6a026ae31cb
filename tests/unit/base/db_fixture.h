/* A database in a temporary folder, for the tests of base/db. */
#ifndef TESTS_UNIT_BASE_DB_FIXTURE_H
#define TESTS_UNIT_BASE_DB_FIXTURE_H

#include "base/db.h"

struct db_fixture {
	char dir[128];
	char path[160];
	struct db *db;
};

/* cmocka setup and teardown; *state is a struct db_fixture with an empty table t(id, note). */
int db_setup(void **state);
int db_teardown(void **state);
void db_reopen(struct db_fixture *fixture);

/* INSERT INTO t(note) in a transaction of its own: what db_begin, db_run or db_commit returned. */
int note_add(struct db *db, const char *note, struct err *err);
/* How many rows t has. */
int64_t notes_n(struct db *db);

#endif
