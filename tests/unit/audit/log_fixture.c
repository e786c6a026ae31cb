/* The log under test is a real database in a folder of its own; tampering goes round base/db with raw SQLite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/unit/audit/log_fixture.h"

static void open_log(struct log_fixture *log)
{
	struct err err = { 0 };

	assert_int_equal(db_open(log->path, &log->db, &err), 0);
	assert_int_equal(audit_init(log->db, &err), 0);
}

int log_setup(void **state)
{
	struct log_fixture *log = calloc(1, sizeof(*log));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(log);
	assert_int_equal(
		str_format(log->dir, sizeof(log->dir), "%s/audit.XXXXXX", tmp != NULL ? tmp : "/tmp"), 0);
	assert_non_null(mkdtemp(log->dir));
	assert_int_equal(str_format(log->path, sizeof(log->path), "%s/log.db", log->dir), 0);
	open_log(log);
	*state = log;
	return 0;
}

int log_teardown(void **state)
{
	struct log_fixture *log = *state;
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[200];

	db_close(log->db);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_format(path, sizeof(path), "%s%s", log->path, ends[i]) == 0)
			(void)unlink(path);
	(void)rmdir(log->dir);
	free(log);
	return 0;
}

void log_append(struct db *db, int n)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };
	char key[32], serial[32];
	const struct audit_field fields[] = { { "serial", serial } };
	const struct audit_event event = { "unit-provisioned", key, fields, ARRAY_LEN(fields) };

	assert_int_equal(str_format(key, sizeof(key), "key-%d", n), 0);
	assert_int_equal(str_format(serial, sizeof(serial), "SN%06d", n), 0);
	assert_int_equal(db_begin(db, &tx, &err), 0);
	assert_int_equal(audit_append(&tx, 1795312813123 + n, &event, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

void log_fill(struct db *db, int first, int last)
{
	for (int i = first; i < last; i++)
		log_append(db, i);
}

struct audit_head log_head_of(struct db *db)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct audit_head head = { 0 };
	struct err err = { 0 };

	db_read_begin(db, &tx);
	assert_int_equal(audit_head(&tx, &head, &err), 0);
	return head;
}

void log_tamper(struct log_fixture *log, const char *sql)
{
	static const char drop[] = "DROP TRIGGER audit_entry_no_update; DROP TRIGGER audit_entry_no_delete;"
				   "DROP TRIGGER audit_head_forward; DROP TRIGGER audit_head_no_delete;";
	sqlite3 *sq = NULL;

	db_close(log->db);
	log->db = NULL;
	assert_int_equal(sqlite3_open(log->path, &sq), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sq, drop, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sq, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(sq), SQLITE_OK);
	open_log(log);
}
