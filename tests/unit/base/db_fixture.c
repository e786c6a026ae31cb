/* A real database on a real disk, with one table to write to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/base/db_fixture.h"

void db_reopen(struct db_fixture *fixture)
{
	static const char *const steps[] = {
		"CREATE TABLE t(id INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT"
	};
	const struct db_migrations migrations = { "test", steps, ARRAY_LEN(steps) };
	struct err err = { 0 };

	db_close(fixture->db);
	assert_int_equal(db_open(fixture->path, &fixture->db, &err), 0);
	assert_int_equal(db_migrate(fixture->db, &migrations, &err), 0);
}

int db_setup(void **state)
{
	struct db_fixture *fixture = calloc(1, sizeof(*fixture));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(fixture);
	assert_int_equal(
		str_format(fixture->dir, sizeof(fixture->dir), "%s/db.XXXXXX", tmp != NULL ? tmp : "/tmp"),
		0);
	assert_non_null(mkdtemp(fixture->dir));
	assert_int_equal(str_format(fixture->path, sizeof(fixture->path), "%s/test.db", fixture->dir), 0);
	db_reopen(fixture);
	*state = fixture;
	return 0;
}

int db_teardown(void **state)
{
	struct db_fixture *fixture = *state;
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char path[200];

	db_close(fixture->db);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_format(path, sizeof(path), "%s%s", fixture->path, ends[i]) == 0)
			(void)unlink(path);
	(void)rmdir(fixture->dir);
	free(fixture);
	return 0;
}

int note_add(struct db *db, const char *note, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0 ||
	    db_run(&tx, "INSERT INTO t(note) VALUES(?1)", DB_VALUES(db_text(note)), err) < 0 ||
	    db_commit(&tx, err) < 0)
		return -1;
	return 0;
}

int64_t notes_n(struct db *db)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct err err = { 0 };
	bool found = false;
	int64_t n = -1;

	db_read_begin(db, &tx);
	assert_int_equal(db_get_int(&tx, "SELECT count(*) FROM t", DB_NO_VALUES, &n, &found, &err), 0);
	assert_true(found);
	return n;
}
