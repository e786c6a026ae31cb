/* The outbox: what goes in, what comes out, and that counting does not depend on how much is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/world.h"

#define MANY 100000

static void claim(struct world *world, int64_t now_ms, struct batch *batch)
{
	struct err err = { 0 };

	assert_int_equal(outbox_claim(world->db, now_ms, batch, &err), 0);
}

static void settle_all(struct world *world, struct batch *batch, enum item_verdict verdict,
		       int64_t not_before_ms)
{
	struct err err = { 0 };

	for (size_t i = 0; i < batch->n; i++) {
		batch->items[i].verdict = verdict;
		batch->items[i].not_before_ms = not_before_ms;
	}
	assert_int_equal(outbox_settle(world->db, WORLD_NOW_MS, batch, &err), 0);
}

static struct batch *new_batch(void)
{
	struct batch *batch = NULL;
	struct err err = { 0 };

	assert_int_equal(batch_new(&batch, &err), 0);
	return batch;
}

static void test_enqueue_again_changes_nothing(void **state)
{
	struct world *world = *state;

	queue_tpm(world, "unit-1", 1);
	queue_tpm(world, "unit-1", 1);
	assert_int_equal(counts(world).queued, 1);
}

static void test_enqueue_same_job_other_content_stops_the_station(void **state)
{
	struct world *world = *state;
	uint8_t ek[TEST_EK_LEN];
	struct enroll_record record = { .job = "unit-1", .registration_id = "unit-1" };
	struct err err = { 0 };

	queue_tpm(world, "unit-1", 1);
	record.endorsement_key = test_ek(2, ek);
	assert_int_equal(enqueue(world->db, &record, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
	assert_int_equal(counts(world).queued, 1);
}

static void test_enqueue_same_job_other_key_stops_the_station(void **state)
{
	struct world *world = *state;
	SECRET_AUTO key = { NULL, 0 };
	struct enroll_record record = { .job = "j", .registration_id = "u", .symmetric_key = &key };
	struct err err = { 0 };

	assert_int_equal(secret_new(32, &key, &err), 0);
	assert_int_equal(enqueue(world->db, &record, &err), 0);
	assert_int_equal(enqueue(world->db, &record, &err), 0);
	key.p[0] = 1;
	assert_int_equal(enqueue(world->db, &record, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
}

static void test_enqueue_rolled_back_leaves_nothing(void **state)
{
	struct world *world = *state;
	struct db_tx tx = { 0 };
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record record = { .job = "j",
					      .registration_id = "u",
					      .endorsement_key = test_ek(1, ek) };
	struct err err = { 0 };

	assert_int_equal(db_begin(world->db, &tx, &err), 0);
	assert_int_equal(enroll_enqueue(&tx, WORLD_NOW_MS, &record, &err), 0);
	db_rollback(&tx);
	assert_int_equal(counts(world).queued, 0);
}

static void test_claim_takes_ten_oldest_and_marks_them(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	char id[16];

	for (int i = 0; i < 13; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%02d", i), 0);
		queue_tpm(world, id, 1);
	}
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(batch->n, 10);
	assert_string_equal(batch->items[0].registration_id, "unit-00");
	assert_string_equal(batch->items[9].registration_id, "unit-09");
	assert_int_equal(counts(world).sending, 10);
	assert_int_equal(counts(world).queued, 3);
}

static void test_claim_never_takes_two_of_one_id(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	uint8_t ek[TEST_EK_LEN];
	struct enroll_record record = { .job = "second",
					.registration_id = "UNIT-1",
					.endorsement_key = test_ek(2, ek) };
	struct err err = { 0 };

	queue_tpm(world, "unit-1", 1);
	assert_int_equal(enqueue(world->db, &record, &err), 0);
	queue_tpm(world, "unit-2", 1);
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(batch->n, 2);
	assert_string_equal(batch->items[1].registration_id, "unit-2");
	assert_int_equal(counts(world).queued, 1);
}

/* Two connections: an ID that one has in a call is not for the other, in any case of letters. */
static void test_claim_leaves_an_id_that_is_in_another_call(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *one = new_batch();
	CLEANUP(batch_freep) struct batch *other = new_batch();
	const struct enroll_record again = { .job = "second",
					     .registration_id = "UNIT-1",
					     .endorsement_key = BYTES_LIT("some") };
	struct err err = { 0 };

	queue_tpm(world, "unit-1", 1);
	claim(world, WORLD_NOW_MS, one);
	assert_int_equal(enqueue(world->db, &again, &err), 0);
	queue_tpm(world, "unit-2", 1);
	claim(world, WORLD_NOW_MS, other);
	assert_int_equal(other->n, 1);
	assert_string_equal(other->items[0].registration_id, "unit-2");
	settle_all(world, one, ITEM_ENROLLED, 0);
	claim(world, WORLD_NOW_MS, one);
	assert_int_equal(one->n, 1);
	assert_string_equal(one->items[0].registration_id, "UNIT-1");
}

/* What one connection could not store is due again; what another has in hand is not touched. */
static void test_release_touches_only_its_own_rows(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *one = new_batch();
	CLEANUP(batch_freep) struct batch *other = new_batch();
	struct err err = { 0 };

	queue_tpm(world, "unit-1", 1);
	claim(world, WORLD_NOW_MS, one);
	queue_tpm(world, "unit-2", 1);
	claim(world, WORLD_NOW_MS, other);
	assert_int_equal(outbox_release(world->db, &one->items[0].id, 1, &err), 0);
	assert_int_equal(row_of(world, "unit-1").state, ENROLL_RETRY);
	assert_int_equal(row_of(world, "unit-2").state, ENROLL_SENDING);
}

static void test_claim_retry_waits_for_its_time(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	struct err err = { 0 };
	bool due = true;
	int64_t next = 0;

	queue_tpm(world, "unit-1", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_RETRY, WORLD_NOW_MS + 5000);
	claim(world, WORLD_NOW_MS + 4999, batch);
	assert_int_equal(batch->n, 0);
	assert_int_equal(outbox_outlook(world->db, WORLD_NOW_MS, &due, &next, &err), 0);
	assert_false(due);
	assert_int_equal(next, WORLD_NOW_MS + 5000);
	claim(world, WORLD_NOW_MS + 5000, batch);
	assert_int_equal(batch->n, 1);
}

static void test_claim_retry_of_a_clock_set_back_is_due(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();

	queue_tpm(world, "unit-1", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_RETRY, WORLD_NOW_MS + 5000);
	claim(world, WORLD_NOW_MS - INT64_C(86400000), batch);
	assert_int_equal(batch->n, 1);
}

/* Ten records that break every call they are in must not keep all others out of the batches. */
static void test_claim_rows_that_failed_leave_half_to_the_others(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	char id[16];

	for (int i = 0; i < 24; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%02d", i), 0);
		queue_tpm(world, id, 1);
		if (i != 9)
			continue;
		claim(world, WORLD_NOW_MS, batch);
		settle_all(world, batch, ITEM_RETRY, WORLD_NOW_MS);
	}
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(batch->n, 10);
	assert_string_equal(batch->items[5].registration_id, "unit-10");
	settle_all(world, batch, ITEM_ENROLLED, 0);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_ENROLLED, 0);
	assert_int_equal(counts(world).retry, 0);
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(batch->n, 4);
}

static void test_claim_retry_rows_fill_the_batch_when_nothing_else_waits(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	char id[16];

	for (int i = 0; i < 10; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%02d", i), 0);
		queue_tpm(world, id, 1);
	}
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_RETRY, WORLD_NOW_MS);
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(batch->n, 10);
}

static void test_settle_moves_rows_and_counts(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	struct enroll_counts n;

	queue_tpm(world, "unit-1", 1);
	queue_tpm(world, "unit-2", 1);
	queue_tpm(world, "unit-3", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_OPEN, 0);
	assert_int_equal(counts(world).queued, 3);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_QUARANTINED, 0);
	n = counts(world);
	assert_int_equal(n.queued + n.sending + n.retry + n.enrolled, 0);
	assert_int_equal(n.quarantined, 3);
}

static void test_recover_makes_sending_due_again(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	struct err err = { 0 };

	queue_tpm(world, "unit-1", 1);
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(enroll_recover(world->db, &err), 0);
	assert_int_equal(counts(world).retry, 1);
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(batch->n, 1);
}

static void test_requeue_one_or_all_but_never_enrolled(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	struct err err = { 0 };
	int64_t n = 0;

	queue_tpm(world, "done", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_ENROLLED, 0);
	queue_tpm(world, "unit-1", 1);
	queue_tpm(world, "unit-2", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_RETRY, WORLD_NOW_MS + 1000);
	queue_tpm(world, "unit-3", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_QUARANTINED, 0);
	assert_int_equal(enroll_requeue(world->db, WORLD_NOW_MS, "unit-3", &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(enroll_requeue(world->db, WORLD_NOW_MS, "UNIT-2", &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(row_of(world, "unit-2").state, ENROLL_QUEUED);
	assert_int_equal(enroll_requeue(world->db, WORLD_NOW_MS, "done", &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(enroll_requeue(world->db, WORLD_NOW_MS, NULL, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(counts(world).enrolled, 1);
	assert_int_equal(counts(world).queued, 2);
	assert_int_equal(counts(world).quarantined, 1);
}

static int decide(struct world *world, const char *id,
		  int (*act)(struct db_tx *tx, const struct enroll_decision *decision,
			     struct enroll_decided *ret_decided, struct err *err),
		  struct enroll_decided *ret, struct err *err)
{
	const struct enroll_decision decision = { id, WORLD_NOW_MS, "lea", "scrapped" };
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	assert_int_equal(db_begin(world->db, &tx, err), 0);
	if (act(&tx, &decision, ret, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

static int see_dropped(void *arg, const struct enroll_row *row, struct err *err)
{
	(void)err;
	assert_int_equal(row->state, ENROLL_DROPPED);
	assert_string_equal(row->dropped_by, "lea");
	assert_string_equal(row->dropped_why, "scrapped");
	(void)snprintf(arg, 40, "%s", row->registration_id);
	return 0;
}

static void test_release_and_drop_only_what_is_quarantined(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	struct enroll_decided decided;
	struct err err = { 0 };
	char seen[40] = "";

	queue_tpm(world, "unit-1", 1);
	queue_tpm(world, "unit-2", 1);
	assert_int_equal(decide(world, "unit-1", enroll_release, &decided, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(decide(world, "unit-1", enroll_drop, &decided, &err), -1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_QUARANTINED, 0);
	assert_int_equal(decide(world, "UNIT-1", enroll_release, &decided, &err), 0);
	assert_string_equal(decided.registration_id, "unit-1");
	assert_int_equal(decide(world, "unit-2", enroll_drop, &decided, &err), 0);
	assert_int_equal(counts(world).queued, 1);
	assert_int_equal(counts(world).quarantined, 0);
	assert_int_equal(counts(world).dropped, 1);
	assert_int_equal(enroll_each_dropped(world->db, see_dropped, seen, &err), 0);
	assert_string_equal(seen, "unit-2");
	assert_int_equal(decide(world, "unit-2", enroll_drop, &decided, &err), -1);
}

static void test_enqueue_of_what_was_given_up_changes_nothing(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record other = { .job = "unit-1",
					     .registration_id = "unit-1",
					     .endorsement_key = test_ek(2, ek) };
	struct enroll_decided decided;
	struct err err = { 0 };

	queue_tpm(world, "unit-1", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_QUARANTINED, 0);
	assert_int_equal(decide(world, "unit-1", enroll_drop, &decided, &err), 0);
	queue_tpm(world, "unit-1", 1);
	assert_int_equal(counts(world).queued, 0);
	assert_int_equal(counts(world).dropped, 1);
	assert_int_equal(enqueue(world->db, &other, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
}

/* The unit was reworked meanwhile: its first record can't come after the second. */
static void test_release_refuses_what_a_later_job_has_replaced(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record second = { .job = "second",
					      .registration_id = "unit-1",
					      .endorsement_key = test_ek(2, ek) };
	struct enroll_decided decided;
	struct err err = { 0 };

	queue_tpm(world, "unit-1", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_QUARANTINED, 0);
	assert_int_equal(enqueue(world->db, &second, &err), 0);
	assert_int_equal(decide(world, "unit-1", enroll_release, &decided, &err), -1);
	assert_non_null(strstr(err.what, "can only be dropped"));
	assert_int_equal(decide(world, "unit-1", enroll_drop, &decided, &err), 0);
	assert_string_equal(decided.job, "unit-1");
	assert_int_equal(counts(world).queued, 1);
}

static int count_row(void *arg, const struct enroll_row *row, struct err *err)
{
	int64_t *n = arg;

	(void)row, (void)err;
	(*n)++;
	return 0;
}

static int stop_at_once(void *arg, const struct enroll_row *row, struct err *err)
{
	(void)arg;
	return err_set(err, ERR_OPERATOR, 0, "enough at %s", row->registration_id);
}

static void test_each_visits_over_pages_and_stops_when_told(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	struct err err = { 0 };
	int64_t n = 0;
	char id[16];

	for (int i = 0; i < 130; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%03d", i), 0);
		queue_tpm(world, id, 1);
	}
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_ENROLLED, 0);
	assert_int_equal(enroll_each(world->db, false, count_row, &n, &err), 0);
	assert_int_equal(n, 130);
	n = 0;
	assert_int_equal(enroll_each(world->db, true, count_row, &n, &err), 0);
	assert_int_equal(n, 120);
	assert_int_equal(enroll_each(world->db, false, stop_at_once, NULL, &err), -1);
	assert_string_equal(err.what, "enough at unit-000");
}

static void fill(struct db *db)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	uint8_t ek[TEST_EK_LEN];
	struct enroll_record record = { .endorsement_key = test_ek(1, ek) };
	struct err err = { 0 };
	char id[16];

	assert_int_equal(db_begin(db, &tx, &err), 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%06d", i), 0);
		record.job = record.registration_id = id;
		assert_int_equal(enroll_enqueue(&tx, WORLD_NOW_MS, &record, &err), 0);
	}
	assert_int_equal(db_commit(&tx, &err), 0);
}

/* Whether SQLite would go through the table row by row. */
static bool scans(struct db *db, const char *sql)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct err err = { 0 };
	bool row = false, found = false;

	db_read_begin(db, &tx);
	assert_int_equal(db_query(&tx, &q, sql, DB_NO_VALUES, &err), 0);
	assert_int_equal(db_next(&q, &row, &err), 0);
	while (row) {
		const char *detail = db_column_text(&q, 3);

		found = found || (strstr(detail, "SCAN outbox") != NULL && strstr(detail, "INDEX") == NULL) ||
			strstr(detail, "TEMP B-TREE") != NULL;
		assert_int_equal(db_next(&q, &row, &err), 0);
	}
	return found;
}

static void test_a_hundred_thousand_rows_are_counted_and_claimed_by_index(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();

	fill(world->db);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(counts(world).queued, MANY);
	for (int i = 0; i < 100; i++) {
		claim(world, WORLD_NOW_MS, batch);
		settle_all(world, batch, ITEM_ENROLLED, 0);
	}
	assert_int_equal(counts(world).enrolled, 1000);
	assert_false(scans(world->db, "EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE state = 'retry' AND"
				      " not_before_ms <= 5 ORDER BY not_before_ms LIMIT 9"));
	assert_false(scans(world->db,
			   "EXPLAIN QUERY PLAN SELECT id FROM outbox o WHERE state = 'queued' AND carried_by "
			   "IS NULL AND NOT EXISTS"
			   " (SELECT 1 FROM outbox e WHERE e.registration_id = o.registration_id AND e.id <"
			   " o.id AND e.state IN ('queued', 'sending', 'retry')) ORDER BY id LIMIT 9"));
	assert_false(scans(world->db,
			   "EXPLAIN QUERY PLAN UPDATE outbox SET state = 'retry' WHERE state = 'sending'"));
	assert_false(scans(world->db, "EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE state = 'quarantined'"
				      " AND id > 0 ORDER BY id LIMIT 9"));
	assert_false(scans(world->db, "EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE state <> 'enrolled'"
				      " AND state <> 'quarantined' AND id > 0 ORDER BY id LIMIT 9"));
	assert_false(scans(world->db, "EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE state IN"
				      " ('retry','quarantined') AND registration_id = 'u'"));
	assert_false(scans(world->db, "EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE registration_id = 'u'"
				      " AND state = 'quarantined' ORDER BY id LIMIT 1"));
	assert_false(scans(world->db, "EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE registration_id = 'u'"
				      " AND id < 5 AND state = 'enrolled' ORDER BY id DESC LIMIT 1"));
}

/* The unit was reworked while its first record waited: the second one waits for that, however long it is. */
static void test_claim_keeps_the_order_of_a_units_jobs(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record second = { .job = "second",
					      .registration_id = "UNIT-1",
					      .endorsement_key = test_ek(2, ek) };
	struct err err = { 0 };
	int64_t next = 0;
	bool due = true;

	queue_tpm(world, "unit-1", 1);
	assert_int_equal(enqueue(world->db, &second, &err), 0);
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(batch->n, 1);
	settle_all(world, batch, ITEM_RETRY, WORLD_NOW_MS + 60000);
	claim(world, WORLD_NOW_MS, batch);
	assert_int_equal(batch->n, 0);
	assert_int_equal(outbox_outlook(world->db, WORLD_NOW_MS, &due, &next, &err), 0);
	assert_false(due);
	assert_int_equal(next, WORLD_NOW_MS + 60000);
	claim(world, WORLD_NOW_MS + 60000, batch);
	assert_int_equal(batch->n, 1);
	assert_string_equal(batch->items[0].registration_id, "unit-1");
	settle_all(world, batch, ITEM_ENROLLED, 0);
	claim(world, WORLD_NOW_MS + 60000, batch);
	assert_int_equal(batch->n, 1);
	assert_string_equal(batch->items[0].registration_id, "UNIT-1");
}

/* What a walk saw: how many rows, and the first and the last. */
struct walk {
	int n;
	char first[40], last[40];
};

static int see_row(void *arg, const struct enroll_row *row, struct err *err)
{
	struct walk *walk = arg;

	(void)err;
	if (walk->n++ == 0)
		str_clip(walk->first, sizeof(walk->first), row->registration_id);
	str_clip(walk->last, sizeof(walk->last), row->registration_id);
	return 0;
}

static struct walk walk_waiting(struct world *world, size_t n)
{
	struct walk walk = { .n = 0 };
	struct err err = { 0 };

	assert_int_equal(enroll_each_waiting(world->db, n, see_row, &walk, &err), 0);
	return walk;
}

/* 150 rows: the oldest ten enrolled, the next ten quarantined. */
static void test_each_waiting_shows_quarantined_first_and_no_more_than_asked(void **state)
{
	struct world *world = *state;
	CLEANUP(batch_freep) struct batch *batch = new_batch();
	struct err err = { 0 };
	struct walk walk;
	char id[16];

	assert_int_equal(walk_waiting(world, 10).n, 0);
	for (int i = 0; i < 150; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%03d", i), 0);
		queue_tpm(world, id, 1);
	}
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_ENROLLED, 0);
	queue_tpm(world, "unit-new", 1);
	claim(world, WORLD_NOW_MS, batch);
	settle_all(world, batch, ITEM_QUARANTINED, 0);
	walk = walk_waiting(world, 100);
	assert_int_equal(walk.n, 100);
	assert_string_equal(walk.first, "unit-010");
	assert_string_equal(walk.last, "unit-109");
	assert_int_equal(walk_waiting(world, 5).n, 5);
	assert_int_equal(walk_waiting(world, 1000).n, 141);
	assert_string_equal(walk_waiting(world, 1000).last, "unit-new");
	assert_int_equal(enroll_each_waiting(world->db, 9, stop_at_once, NULL, &err), -1);
	assert_string_equal(err.what, "enough at unit-010");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_enqueue_again_changes_nothing),
		TEST(test_enqueue_same_job_other_content_stops_the_station),
		TEST(test_enqueue_same_job_other_key_stops_the_station),
		TEST(test_enqueue_rolled_back_leaves_nothing),
		TEST(test_claim_takes_ten_oldest_and_marks_them),
		TEST(test_claim_never_takes_two_of_one_id),
		TEST(test_claim_leaves_an_id_that_is_in_another_call),
		TEST(test_release_touches_only_its_own_rows),
		TEST(test_claim_keeps_the_order_of_a_units_jobs),
		TEST(test_claim_retry_waits_for_its_time),
		TEST(test_claim_retry_of_a_clock_set_back_is_due),
		TEST(test_claim_rows_that_failed_leave_half_to_the_others),
		TEST(test_claim_retry_rows_fill_the_batch_when_nothing_else_waits),
		TEST(test_settle_moves_rows_and_counts),
		TEST(test_recover_makes_sending_due_again),
		TEST(test_requeue_one_or_all_but_never_enrolled),
		TEST(test_release_and_drop_only_what_is_quarantined),
		TEST(test_enqueue_of_what_was_given_up_changes_nothing),
		TEST(test_release_refuses_what_a_later_job_has_replaced),
		TEST(test_each_visits_over_pages_and_stops_when_told),
		TEST(test_each_waiting_shows_quarantined_first_and_no_more_than_asked),
		TEST(test_a_hundred_thousand_rows_are_counted_and_claimed_by_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
