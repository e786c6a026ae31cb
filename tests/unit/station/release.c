/* Tests station/release.c and what the journal makes of released jobs, on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "station/journal.h"
#include "tests/unit/station/watch.h"
#include "tests/unit/station/world.h"

static const struct step issue = { "issue", EFFECT_ONCE, 1, false, NULL, NULL, journal_take_serial };

static void make_job(struct world *w, struct job *job, const char *serial, const char *hwid, uint8_t key)
{
	struct unit_info unit = { 0 };
	struct err err = { 0 };

	str_clip(unit.serial, sizeof(unit.serial), serial);
	str_clip(unit.hwid, sizeof(unit.hwid), hwid);
	job_init(job, &w->st, &w->tools, &w->slot, NULL, &unit);
	assert_int_equal(job_choose_profile(job, &err), 0);
	str_clip(job->registration_id, sizeof(job->registration_id), serial);
	memset(job->key_sha256, key, sizeof(job->key_sha256));
	job->has_key_sha256 = true;
	memset(job->cert_serial, key, sizeof(job->cert_serial));
	job->next = 2;
}

static void begin(struct world *w, struct job *job, const char *serial, const char *hwid, uint8_t key)
{
	struct err err = { 0 };

	make_job(w, job, serial, hwid, key);
	if (journal_intend(job, &issue, &err) < 0)
		fail_msg("%s", err.what);
}

static int release(struct world *w, const char *serial, const char *reason, struct err *err)
{
	const struct witnesses two = { "ada", "bob" };
	const struct journal_release release = { serial, reason, "line-01", 1000, &two };
	int64_t job = 0;

	return journal_release(w->st.db, &release, &job, err);
}

static int64_t number(struct world *w, const char *sql)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct err err = { 0 };
	int64_t n = -1;
	bool found;

	db_read_begin(w->st.db, &tx);
	if (db_get_int(&tx, sql, DB_NO_VALUES, &n, &found, &err) < 0)
		fail_msg("%s", err.what);
	return n;
}

static void test_release_unit_begins_a_new_job_with_all_its_claims(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct job job, again;

	begin(w, &job, "a1", "h1", 1);
	assert_int_equal(release(w, "a1", "lost its key", &err), 0);
	make_job(w, &again, "a1", "h1", 1);
	assert_int_equal(journal_load(&again, &err), 0);
	assert_int_equal(again.id, 0);
	assert_int_equal(again.intended, -1);
	memset(again.cert_serial, 7, sizeof(again.cert_serial));
	assert_int_equal(journal_intend(&again, &issue, &err), 0);
	assert_int_not_equal(again.id, job.id);
	assert_int_equal(number(w, "SELECT n FROM job_count WHERE state = 'released'"), 1);
	assert_int_equal(number(w, "SELECT n FROM job_count WHERE state = 'open'"), 1);
	job_deinit(&job);
	job_deinit(&again);
}

static void test_release_key_stays_known_and_names_its_unit(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct job job, other;

	begin(w, &job, "a1", "h1", 1);
	assert_int_equal(release(w, "a1", "lost its key", &err), 0);
	make_job(w, &other, "b1", "h2", 1);
	assert_int_equal(journal_check_unique(&other, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_non_null(strstr(err.what, "this key already belongs to unit a1"));
	err_clear(&err);
	assert_int_equal(journal_intend(&other, &issue, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	job_deinit(&job);
	job_deinit(&other);
}

static void test_release_certificate_serial_stays_taken(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct job job, again;

	begin(w, &job, "a1", "h1", 1);
	assert_int_equal(release(w, "a1", "lost its key", &err), 0);
	make_job(w, &again, "a1", "h1", 2);
	memcpy(again.cert_serial, job.cert_serial, sizeof(again.cert_serial));
	assert_int_equal(journal_intend(&again, &issue, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
	job_deinit(&job);
	job_deinit(&again);
}

static void test_release_passed_unit_is_passed_no_more(void **state)
{
	struct world *w = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };
	bool passed = false;
	struct job job;

	begin(w, &job, "a1", "h1", 1);
	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(journal_pass(&job, &tx, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_int_equal(journal_passed(&job, &passed, &err), 0);
	assert_true(passed);
	assert_int_equal(release(w, "a1", "board replaced", &err), 0);
	assert_int_equal(journal_passed(&job, &passed, &err), 0);
	assert_false(passed);
	job_deinit(&job);
}

static void test_release_while_the_unit_is_served_nothing_more_is_written(void **state)
{
	static const struct step inject = { "inject", EFFECT_ONCE, 1, false, NULL, NULL, NULL };
	struct world *w = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 }, why = { 0 };
	struct job job;

	begin(w, &job, "a1", "h1", 1);
	assert_int_equal(release(w, "a1", "by mistake", &err), 0);
	job.next = 3;
	assert_int_equal(journal_intend(&job, &inject, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "was released meanwhile"));
	job.claimed = false;
	err_clear(&err);
	assert_int_equal(journal_intend(&job, &inject, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	err_clear(&err);
	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(journal_pass(&job, &tx, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	db_rollback(&tx);
	(void)err_set(&why, ERR_UNIT, 0, "it said no");
	assert_int_equal(journal_fail(&job, &why, &err), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM job WHERE state = 'released' AND cause IS NULL"), 1);
	job_deinit(&job);
}

static void test_release_unknown_or_released_unit_or_no_reason_refused(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	char longest[302];
	struct job job;

	begin(w, &job, "a1", "h1", 1);
	assert_int_equal(release(w, "b1", "why", &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(release(w, "a1", "", &err), -1);
	assert_int_equal(release(w, "a1", "a\x1b[2J", &err), -1);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(release(w, "a1", longest, &err), -1);
	assert_int_equal(number(w, "SELECT count(*) FROM audit_entry"), 0);
	assert_int_equal(release(w, "a1", "why", &err), 0);
	err_clear(&err);
	assert_int_equal(release(w, "a1", "why", &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	job_deinit(&job);
}

/* Whom the command asked is no matter: the two must be two who may, when it happens. */
static void test_release_without_two_who_may_is_refused(void **state)
{
	const struct people_change change = { .by = "setup", .at_ms = 1, .station = "line-01" };
	const struct person ada = { .id = "ada", .role = ROLE_OFFICER };
	const struct secret none = { NULL, 0 };
	SECRET_AUTO badge = { NULL, 0 };
	struct world *w = *state;
	struct err err = { 0 };
	struct job job;

	begin(w, &job, "a1", "h1", 1);
	assert_int_equal(secret_copy(bytes_str("badge-ada"), &badge, &err), 0);
	assert_int_equal(people_add(w->st.db, &change, &ada, &badge, &none, &err), 0);
	assert_int_equal(release(w, "a1", "lost its key", &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(number(w, "SELECT count(*) FROM job WHERE state = 'released'"), 0);
	job_deinit(&job);
}

static void test_release_entry_names_job_certificate_reason_and_people(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct job job;

	begin(w, &job, "a1", "h1", 0x41);
	assert_int_equal(release(w, "a1", "lost its key", &err), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM audit_entry"
				   " WHERE json_extract(entry, '$.kind') = 'unit-released'"
				   " AND json_extract(entry, '$.unit') = 'a1'"
				   " AND json_extract(entry, '$.job') = '1'"
				   " AND json_extract(entry, '$.state') = 'open'"
				   " AND json_extract(entry, '$.cert_serial') ="
				   " (SELECT lower(hex(serial)) FROM cert_serial)"
				   " AND json_extract(entry, '$.reason') = 'lost its key'"
				   " AND json_extract(entry, '$.witness_1') = 'ada'"
				   " AND json_extract(entry, '$.witness_2') = 'bob'"),
			 1);
	job_deinit(&job);
}

static int keep_state(void *arg, const struct journal_unit *unit, struct err *err)
{
	char *text = arg;
	size_t n = strlen(text);

	(void)err;
	return str_format(text + n, 64 - n, "%s ", unit->state);
}

static void test_release_both_jobs_are_told_oldest_first(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct job job, again;
	char text[64] = "";
	int64_t n = 0;

	begin(w, &job, "a1", "h1", 1);
	assert_int_equal(release(w, "a1", "why", &err), 0);
	begin(w, &again, "a1", "h1", 2);
	assert_int_equal(journal_each(w->st.db, "a1", keep_state, text, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(text, "released open ");
	job_deinit(&job);
	job_deinit(&again);
}

/* --- What the intent logs is the same whoever repeats it ----------------------------------------------- */

static void test_release_operator_is_who_began_the_step(void **state)
{
	static const struct step inject = { "inject", EFFECT_ONCE, 1, false, NULL, NULL, NULL };
	struct world *w = *state;
	struct err err = { 0 };
	struct job job, again;

	make_job(w, &job, "a1", "h1", 1);
	str_clip(job.seating.operator_id, sizeof(job.seating.operator_id), "tim");
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	assert_string_equal(job.intended_by, "tim");
	make_job(w, &again, "a1", "h1", 1);
	str_clip(again.seating.operator_id, sizeof(again.seating.operator_id), "tom");
	assert_int_equal(journal_load(&again, &err), 0);
	assert_string_equal(again.intended_by, "tim");
	assert_int_equal(journal_intend(&again, &(struct step){ .name = "issue" }, &err), 0);
	assert_string_equal(again.intended_by, "tim");
	again.next = 3;
	assert_int_equal(journal_intend(&again, &inject, &err), 0);
	assert_string_equal(again.intended_by, "tom");
	assert_int_equal(number(w, "SELECT count(*) FROM job WHERE operator = 'tom'"), 1);
	job_deinit(&job);
	job_deinit(&again);
}

/* --- A database from before, and a full one ----------------------------------------------------------- */

static void sql(struct world *w, const char *text)
{
	sqlite3 *raw = NULL;
	char *why = NULL;

	assert_int_equal(sqlite3_open(w->path, &raw), SQLITE_OK);
	if (sqlite3_exec(raw, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s", why);
	(void)sqlite3_close(raw);
}

/* The tables as the first version made them, with units in each state. */
static const char before[] =
	"DROP TABLE cert_serial; DROP TABLE job; DROP TABLE job_count;"
	"UPDATE schema_version SET version = 1 WHERE area = 'station';"
	"CREATE TABLE job(id INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE, hwid TEXT NOT NULL UNIQUE,"
	" model TEXT NOT NULL, registration_id TEXT UNIQUE COLLATE NOCASE, key_sha256 BLOB UNIQUE,"
	" profile TEXT NOT NULL, attest TEXT NOT NULL, pipeline TEXT NOT NULL, version INTEGER NOT NULL,"
	" slot TEXT NOT NULL, state TEXT NOT NULL CHECK(state IN ('open', 'failed', 'passed')),"
	" step TEXT NOT NULL, intended INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
	" started_ms INTEGER NOT NULL, finished_ms INTEGER, class TEXT, cause TEXT, csr BLOB,"
	" cert_serial BLOB, leaf BLOB) STRICT;"
	"CREATE TABLE cert_serial(serial BLOB PRIMARY KEY, job INTEGER NOT NULL REFERENCES job(id))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE job_count(state TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO job_count VALUES('open', 0), ('failed', 0), ('passed', 0);"
	"CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;"
	"CREATE TRIGGER job_count_update AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN"
	" UPDATE job_count SET n = n - 1 WHERE state = old.state;"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;"
	"INSERT INTO job(id, serial, hwid, model, registration_id, key_sha256, profile, attest, pipeline,"
	" version, slot, state, step, intended, started_ms, cert_serial) VALUES"
	" (3, 'a1', 'h1', 'm', 'a1', zeroblob(32), 'sensor', 'x509', 'x509', 1, '1', 'passed', 'record', 3,"
	" 5, x'41'), (9, 'b1', 'h2', 'm', NULL, NULL, 'sensor', 'x509', 'x509', 1, '1', 'open', 'issue', 2,"
	" 6, NULL);"
	"INSERT INTO cert_serial VALUES(x'41', 3), (x'42', 9);";

static void test_release_database_from_before_is_migrated_whole(void **state)
{
	struct world *w = *state;
	struct journal_counts counts;
	struct err err = { 0 };
	struct job job;

	db_close(w->st.db);
	sql(w, before);
	assert_int_equal(db_open(w->path, &w->st.db, &err), 0);
	if (journal_init(w->st.db, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(number(w, "SELECT count(*) FROM job"), 2);
	assert_int_equal(number(w, "SELECT count(*) FROM cert_serial JOIN job ON job.id = cert_serial.job"),
			 2);
	assert_int_equal(number(w, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%job_new%'"), 0);
	assert_int_equal(journal_count(w->st.db, &counts, &err), 0);
	assert_int_equal(counts.passed * 10 + counts.open, 11);
	make_job(w, &job, "b1", "h2", 5);
	assert_int_equal(journal_load(&job, &err), 0);
	assert_int_equal(job.id, 9);
	job_deinit(&job);
	assert_int_equal(release(w, "a1", "why", &err), 0);
	begin(w, &job, "a1", "h1", 6);
	assert_int_equal(job.id, 10);
	job_deinit(&job);
}

static void fill(struct world *w)
{
	sql(w,
	    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
	    " INSERT INTO job(serial, hwid, model, registration_id, key_sha256, profile, attest,"
	    " pipeline, version, slot, state, step, intended, started_ms)"
	    " SELECT 's' || i, 'h' || i, 'm', 'r' || i, CAST(printf('%032d', i) AS BLOB), 'sensor', 'x509',"
	    " 'x509', 1, '1', CASE WHEN i % 2 THEN 'passed' ELSE 'released' END, 'record', 3, 5 FROM n");
}

/* A million units must not slow a line down: nothing that a seated unit asks walks the table. */
static void test_release_full_table_is_never_walked(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	bool passed = true;
	char text[64] = "";
	int64_t n = 0;
	struct job job;

	db_close(w->st.db);
	fill(w);
	watch_start();
	assert_int_equal(db_open(w->path, &w->st.db, &err), 0);
	watch_reset();
	make_job(w, &job, "a1", "h-new", 1);
	assert_int_equal(journal_load(&job, &err), 0);
	assert_int_equal(journal_passed(&job, &passed, &err), 0);
	assert_int_equal(journal_check_unique(&job, &err), 0);
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	assert_int_equal(journal_each(w->st.db, "s1000", keep_state, text, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(release(w, "a1", "why", &err), 0);
	assert_int_equal(watch_scans(), 0);
	assert_true(watch_steps() < 5000);
	watch_stop();
	job_deinit(&job);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_release_unit_begins_a_new_job_with_all_its_claims),
		T(test_release_key_stays_known_and_names_its_unit),
		T(test_release_certificate_serial_stays_taken),
		T(test_release_passed_unit_is_passed_no_more),
		T(test_release_while_the_unit_is_served_nothing_more_is_written),
		T(test_release_unknown_or_released_unit_or_no_reason_refused),
		T(test_release_without_two_who_may_is_refused),
		T(test_release_entry_names_job_certificate_reason_and_people),
		T(test_release_both_jobs_are_told_oldest_first),
		T(test_release_operator_is_who_began_the_step),
		T(test_release_database_from_before_is_migrated_whole),
		T(test_release_full_table_is_never_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
