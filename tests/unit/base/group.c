/* Group commit: threads that commit together share a sync, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <pthread.h>

#include <cmocka.h>

#include "tests/fakes/vfs.h"
#include "tests/unit/base/db_fixture.h"

#define THREADS   8
#define EACH      200
#define ROLL_BACK 5 /* every fifth transaction of a thread */

struct worker {
	pthread_t thread;
	struct db *db;
	int kept, lost;
	enum err_class class; /* of the last failure */
};

static void run_workers(struct db *db, void *(*run)(void *), struct worker workers[THREADS])
{
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .db = db };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
}

static void *add_notes(void *arg)
{
	struct worker *worker = arg;
	struct err err = { 0 };

	for (int i = 0; i < EACH; i++) {
		if (note_add(worker->db, "kept", &err) == 0) {
			worker->kept++;
			continue;
		}
		worker->lost++;
		worker->class = err.class;
	}
	return NULL;
}

/* Some are rolled back by scope after their write. */
static void *add_some_notes(void *arg)
{
	struct worker *worker = arg;
	struct err err = { 0 };

	for (int i = 0; i < EACH; i++) {
		CLEANUP(db_rollback) struct db_tx tx = { 0 };

		if (i % ROLL_BACK != 0) {
			worker->kept += note_add(worker->db, "kept", &err) == 0;
			continue;
		}
		if (db_begin(worker->db, &tx, &err) == 0 &&
		    db_run(&tx, "INSERT INTO t(note) VALUES('undone')", DB_NO_VALUES, &err) == 0)
			worker->lost++;
	}
	return NULL;
}

static void test_group_8_threads_all_transactions_durable(void **state)
{
	struct db_fixture *fixture = *state;
	struct worker workers[THREADS];
	long before = vfs_syncs();

	run_workers(fixture->db, add_notes, workers);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(workers[i].kept, EACH);
	/* Shared, or there would be one sync for each. */
	assert_true(vfs_syncs() - before < THREADS * EACH);
	db_reopen(fixture);
	assert_int_equal(notes_n(fixture->db), THREADS * EACH);
}

static void test_group_one_rolls_back_others_keep_their_work(void **state)
{
	struct db_fixture *fixture = *state;
	const int undone = EACH / ROLL_BACK;
	struct worker workers[THREADS];

	run_workers(fixture->db, add_some_notes, workers);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(workers[i].kept, EACH - undone);
		assert_int_equal(workers[i].lost, undone);
	}
	db_reopen(fixture);
	assert_int_equal(notes_n(fixture->db), THREADS * (EACH - undone));
}

static void test_group_every_sync_fails_no_commit_succeeds(void **state)
{
	struct db_fixture *fixture = *state;
	struct worker workers[THREADS];

	vfs_sync_fails_after(0);
	run_workers(fixture->db, add_notes, workers);
	vfs_sync_fails_after(-1);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(workers[i].kept, 0);
		assert_int_equal(workers[i].lost, EACH);
		assert_int_equal(workers[i].class, ERR_STATION);
	}
	db_reopen(fixture);
	assert_int_equal(notes_n(fixture->db), 0);
}

/* Fails one sync in two, so that lost and kept groups follow each other closely. */
static void fail_every_other(void *arg, enum vfs_event event)
{
	long *n = arg;

	if (event == VFS_SYNC)
		vfs_sync_fails_after(++*n % 2 == 0 ? 0 : -1);
}

static void test_group_syncs_fail_at_times_reported_is_what_is_kept(void **state)
{
	struct db_fixture *fixture = *state;
	struct worker workers[THREADS];
	int64_t kept = 0, lost = 0;
	long n = 0;

	vfs_on_event(fail_every_other, &n);
	run_workers(fixture->db, add_notes, workers);
	vfs_on_event(NULL, NULL);
	vfs_sync_fails_after(-1);
	for (int i = 0; i < THREADS; i++) {
		kept += workers[i].kept;
		lost += workers[i].lost;
	}
	assert_true(kept > 0 && lost > 0);
	db_reopen(fixture);
	assert_int_equal(notes_n(fixture->db), kept);
}

struct reader {
	struct db *db;
	_Atomic bool stop;
	int64_t most; /* rows seen at once */
};

static void *read_on(void *arg)
{
	struct reader *reader = arg;

	while (!reader->stop) {
		int64_t n = notes_n(reader->db);

		if (n > reader->most)
			reader->most = n;
	}
	return NULL;
}

static void test_group_reader_never_sees_what_is_lost_later(void **state)
{
	struct db_fixture *fixture = *state;
	struct worker workers[THREADS];
	struct reader reader = { .db = fixture->db };
	pthread_t thread;

	vfs_sync_fails_after(0);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	run_workers(fixture->db, add_notes, workers);
	reader.stop = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	vfs_sync_fails_after(-1);
	assert_int_equal(reader.most, 0);
}

#define DB_TEST(f) cmocka_unit_test_setup_teardown(f, db_setup, db_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DB_TEST(test_group_8_threads_all_transactions_durable),
		DB_TEST(test_group_one_rolls_back_others_keep_their_work),
		DB_TEST(test_group_every_sync_fails_no_commit_succeeds),
		DB_TEST(test_group_syncs_fail_at_times_reported_is_what_is_kept),
		DB_TEST(test_group_reader_never_sees_what_is_lost_later),
	};

	if (vfs_install() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
