/* The database handle: migrations, transactions, failing disks. Group commit is in group.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fakes/vfs.h"
#include "tests/unit/base/db_fixture.h"

static const char *const three_steps[] = {
	"CREATE TABLE m(a INTEGER)",
	"ALTER TABLE m ADD COLUMN b INTEGER",
	"ALTER TABLE m ADD COLUMN c INTEGER",
};

static int migrate(struct db *db, const char *const *steps, size_t n, struct err *err)
{
	const struct db_migrations migrations = { "area", steps, n };

	return db_migrate(db, &migrations, err);
}

static int64_t version_of(struct db *db, const char *area)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct err err = { 0 };
	int64_t version = 0;
	bool found = false;

	db_read_begin(db, &tx);
	assert_int_equal(db_get_int(&tx, "SELECT version FROM schema_version WHERE area = ?1",
				    DB_VALUES(db_text(area)), &version, &found, &err),
			 0);
	return found ? version : -1;
}

static void test_migrate_again_runs_only_new_steps(void **state)
{
	struct db_fixture *fixture = *state;
	struct err err = { 0 };

	assert_int_equal(migrate(fixture->db, three_steps, 1, &err), 0);
	assert_int_equal(version_of(fixture->db, "area"), 1);
	assert_int_equal(migrate(fixture->db, three_steps, 3, &err), 0);
	assert_int_equal(migrate(fixture->db, three_steps, 3, &err), 0);
	assert_int_equal(version_of(fixture->db, "area"), 3);
}

static void test_migrate_database_newer_than_program_refused(void **state)
{
	struct db_fixture *fixture = *state;
	struct err err = { 0 };

	assert_int_equal(migrate(fixture->db, three_steps, 3, &err), 0);
	assert_int_equal(migrate(fixture->db, three_steps, 2, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "newer program"));
	assert_int_equal(version_of(fixture->db, "area"), 3);
}

static void test_migrate_step_fails_none_is_kept(void **state)
{
	struct db_fixture *fixture = *state;
	static const char *const steps[] = { "CREATE TABLE m(a INTEGER)", "ALTER TABLE absent ADD COLUMN b" };
	struct err err = { 0 };

	assert_int_equal(migrate(fixture->db, steps, 2, &err), -1);
	assert_non_null(strstr(err.where, "migrating area to version 2"));
	assert_int_equal(version_of(fixture->db, "area"), -1);
	assert_int_equal(migrate(fixture->db, three_steps, 3, &err), 0);
}

static void test_open_file_that_is_no_database_refused(void **state)
{
	struct db_fixture *fixture = *state;
	char path[200];
	struct db *db = NULL;
	struct err err = { 0 };
	FILE *file;

	assert_int_equal(str_format(path, sizeof(path), "%s/text", fixture->dir), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 200; i++)
		(void)fputs("this is not a database\n", file);
	(void)fclose(file);
	assert_int_equal(db_open(path, &db, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
	assert_null(db);
	(void)unlink(path);
}

static void test_open_folder_missing_names_the_path(void **state)
{
	struct db *db = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(db_open("/nonexistent/station.db", &db, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
	assert_non_null(strstr(err.what, "/nonexistent/station.db"));
}

static void test_readonly_write_refused_read_works(void **state)
{
	struct db_fixture *fixture = *state;
	CLEANUP(db_closep) struct db *reader = NULL;
	struct err err = { 0 };

	assert_int_equal(note_add(fixture->db, "one", &err), 0);
	assert_int_equal(db_open_readonly(fixture->path, &reader, &err), 0);
	assert_int_equal(notes_n(reader), 1);
	assert_int_equal(note_add(reader, "two", &err), -1);
	assert_int_equal(notes_n(fixture->db), 1);
	/* It sees what the station writes beside it. */
	assert_int_equal(note_add(fixture->db, "two", &err), 0);
	assert_int_equal(notes_n(reader), 2);
}

static void test_readonly_absent_file_is_not_made(void **state)
{
	struct db_fixture *fixture = *state;
	struct db *db = NULL;
	char path[200];
	struct err err = { 0 };

	assert_int_equal(str_format(path, sizeof(path), "%s/absent.db", fixture->dir), 0);
	assert_int_equal(db_open_readonly(path, &db, &err), -1);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_rollback_by_scope_undoes(void **state)
{
	struct db_fixture *fixture = *state;
	struct err err = { 0 };

	{
		CLEANUP(db_rollback) struct db_tx tx = { 0 };

		assert_int_equal(db_begin(fixture->db, &tx, &err), 0);
		assert_int_equal(db_run(&tx, "INSERT INTO t(note) VALUES('x')", DB_NO_VALUES, &err), 0);
		assert_int_equal(db_changes(&tx), 1);
	}
	assert_int_equal(notes_n(fixture->db), 0);
	assert_int_equal(note_add(fixture->db, "after", &err), 0);
	assert_int_equal(notes_n(fixture->db), 1);
}

static void test_rollback_after_commit_does_nothing(void **state)
{
	struct db_fixture *fixture = *state;
	struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(fixture->db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, "INSERT INTO t(note) VALUES('x')", DB_NO_VALUES, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_null(tx.db);
	db_rollback(&tx);
	assert_int_equal(notes_n(fixture->db), 1);
}

static void test_run_constraint_broken_rest_of_transaction_usable(void **state)
{
	struct db_fixture *fixture = *state;
	struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(fixture->db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, "INSERT INTO t(note) VALUES(NULL)", DB_NO_VALUES, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
	assert_int_equal(db_run(&tx, "INSERT INTO t(note) VALUES('x')", DB_NO_VALUES, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_int_equal(notes_n(fixture->db), 1);
}

static void test_run_statement_with_rows_is_a_bug(void **state)
{
	struct db_fixture *fixture = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(fixture->db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, "SELECT 1", DB_NO_VALUES, &err), -1);
	assert_int_equal(err.class, ERR_BUG);
}

static void test_values_of_each_type_come_back(void **state)
{
	struct db_fixture *fixture = *state;
	static const uint8_t blob[] = { 0, 1, 255 };
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query query = { 0 };
	struct err err = { 0 };
	bool row = false;

	assert_int_equal(db_begin(fixture->db, &tx, &err), 0);
	assert_int_equal(db_query(&tx, &query, "SELECT ?1, ?2, ?3, ?4",
				  DB_VALUES(db_int(INT64_MIN), db_text("t\xc3\xa4xt"),
					    db_blob(BYTES_ARRAY(blob)), db_text(NULL)),
				  &err),
			 0);
	assert_int_equal(db_next(&query, &row, &err), 0);
	assert_true(row);
	assert_true(db_column_int(&query, 0) == INT64_MIN);
	assert_string_equal(db_column_text(&query, 1), "t\xc3\xa4xt");
	assert_true(bytes_equal(db_column_blob(&query, 2), BYTES_ARRAY(blob)));
	assert_null(db_column_text(&query, 3));
	assert_null(db_column_blob(&query, 3).p);
	assert_int_equal(db_next(&query, &row, &err), 0);
	assert_false(row);
}

static void test_get_int_no_row_or_null_is_not_found(void **state)
{
	struct db_fixture *fixture = *state;
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct err err = { 0 };
	int64_t value = 7;
	bool found = true;

	db_read_begin(fixture->db, &tx);
	assert_int_equal(db_get_int(&tx, "SELECT id FROM t", DB_NO_VALUES, &value, &found, &err), 0);
	assert_false(found);
	found = true;
	assert_int_equal(db_get_int(&tx, "SELECT max(id) FROM t", DB_NO_VALUES, &value, &found, &err), 0);
	assert_false(found);
	assert_int_equal(value, 7);
}

static void test_disk_full_commit_fails_and_says_what_to_do(void **state)
{
	struct db_fixture *fixture = *state;
	struct err err = { 0 };

	assert_int_equal(note_add(fixture->db, "before", &err), 0);
	vfs_full_after(0);
	assert_int_equal(note_add(fixture->db, "lost", &err), -1);
	vfs_full_after(-1);
	assert_int_equal(err.class, ERR_STATION);
	assert_non_null(strstr(err.what, "free disk space"));
	assert_int_equal(notes_n(fixture->db), 1);
	assert_int_equal(note_add(fixture->db, "after", &err), 0);
	db_reopen(fixture);
	assert_int_equal(notes_n(fixture->db), 2);
}

/* Whatever write the disk ends at, a commit either is there after a restart or said that it failed. */
static void test_disk_full_at_any_write_commits_are_all_or_nothing(void **state)
{
	struct db_fixture *fixture = *state;
	int64_t kept = 0;

	for (long k = 0; k < 12; k++) {
		struct err err = { 0 };

		vfs_full_after(k);
		kept += note_add(fixture->db, "a", &err) == 0;
		kept += note_add(fixture->db, "b", &err) == 0;
		vfs_full_after(-1);
		db_reopen(fixture);
		assert_int_equal(notes_n(fixture->db), kept);
	}
	assert_true(kept > 0 && kept < 24);
}

static void test_sync_fails_commit_fails_work_goes_on_after(void **state)
{
	struct db_fixture *fixture = *state;
	struct err err = { 0 };

	vfs_sync_fails_after(0);
	assert_int_equal(note_add(fixture->db, "lost", &err), -1);
	vfs_sync_fails_after(-1);
	assert_int_equal(err.class, ERR_STATION);
	assert_int_equal(note_add(fixture->db, "kept", &err), 0);
	db_reopen(fixture);
	assert_int_equal(notes_n(fixture->db), 1);
}

static void test_commit_is_synced(void **state)
{
	struct db_fixture *fixture = *state;
	struct err err = { 0 };
	long before = vfs_syncs();

	assert_int_equal(note_add(fixture->db, "x", &err), 0);
	assert_true(vfs_syncs() > before);
}

#define DB_TEST(f) cmocka_unit_test_setup_teardown(f, db_setup, db_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DB_TEST(test_migrate_again_runs_only_new_steps),
		DB_TEST(test_migrate_database_newer_than_program_refused),
		DB_TEST(test_migrate_step_fails_none_is_kept),
		DB_TEST(test_open_file_that_is_no_database_refused),
		DB_TEST(test_open_folder_missing_names_the_path),
		DB_TEST(test_readonly_write_refused_read_works),
		DB_TEST(test_readonly_absent_file_is_not_made),
		DB_TEST(test_rollback_by_scope_undoes),
		DB_TEST(test_rollback_after_commit_does_nothing),
		DB_TEST(test_run_constraint_broken_rest_of_transaction_usable),
		DB_TEST(test_run_statement_with_rows_is_a_bug),
		DB_TEST(test_values_of_each_type_come_back),
		DB_TEST(test_get_int_no_row_or_null_is_not_found),
		DB_TEST(test_disk_full_commit_fails_and_says_what_to_do),
		DB_TEST(test_disk_full_at_any_write_commits_are_all_or_nothing),
		DB_TEST(test_sync_fails_commit_fails_work_goes_on_after),
		DB_TEST(test_commit_is_synced),
	};

	if (vfs_install() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
