/* The outbox drained into dps-emulator: what is there is there once, and what is wrong is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/emulated.h"

static void queue_many(struct emulated *e, int n)
{
	char id[16];

	for (int i = 0; i < n; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%03d", i), 0);
		queue_tpm(e->world, id, (uint8_t)i);
	}
}

static void queue_again(struct emulated *e, const char *job, const char *id, uint8_t seed)
{
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record record = { .job = job,
					      .registration_id = id,
					      .endorsement_key = test_ek(seed, ek) };
	struct err err = { 0 };

	assert_int_equal(enqueue(e->world->db, &record, &err), 0);
}

static void queue_leaf(struct emulated *e, const char *job, const char *pem)
{
	const struct enroll_record record = { .job = job,
					      .registration_id = "leaf",
					      .certificate_pem = bytes_str(pem) };
	struct err err = { 0 };

	assert_int_equal(enqueue(e->world->db, &record, &err), 0);
}

/* By somebody else than this station. */
static void put_leaf(struct emulated *e, const char *pem)
{
	static const char path[] = "/enrollments/leaf?api-version=" ENROLL_API_VERSION;
	const struct enroll_record record = { .registration_id = "leaf", .certificate_pem = bytes_str(pem) };
	struct http_request put = { "PUT", path, BYTES_NONE };
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);
	uint8_t key[SHA256_LEN];
	struct err err = { 0 };
	bool has_key;
	ANSWER_AUTO(answer);

	assert_int_equal(payload_build(&record, &json, key, &has_key, &err), 0);
	put.body = buf_bytes(&json);
	assert_int_equal(service_call(e->service, e->now_ms, &put, &answer, &err), 0);
}

static void queue_symmetric(struct emulated *e, const char *job, const struct macer *keys)
{
	SECRET_AUTO key = { NULL, 0 };
	const struct enroll_record record = { .job = job, .registration_id = "sym", .symmetric_key = &key };
	struct err err = { 0 };

	assert_int_equal(secret_new(SHA256_LEN, &key, &err), 0);
	assert_int_equal(keys->mac(keys->key, BYTES_LIT("sym"), key.p, &err), 0);
	assert_int_equal(enqueue(e->world->db, &record, &err), 0);
}

static void test_send_25_rows_in_three_calls(void **state)
{
	struct emulated *e = *state;

	EMULATE(e);
	queue_many(e, 25);
	assert_int_equal(drain(e), 3);
	assert_int_equal(counts(e->world).enrolled, 25);
	assert_true(service_has(e, "unit-024"));
	assert_false(service_has(e, "unit-025"));
}

static void test_send_existing_equal_is_enrolled(void **state)
{
	struct emulated *e = *state;

	EMULATE(e);
	queue_tpm(e->world, "unit-1", 1);
	queue_again(e, "second", "UNIT-1", 1);
	queue_leaf(e, "leaf-1", certificate_a);
	queue_leaf(e, "leaf-2", certificate_a);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 4);
}

static void test_send_existing_different_is_quarantined_by_name(void **state)
{
	struct emulated *e = *state;

	EMULATE(e);
	put_leaf(e, certificate_a);
	queue_leaf(e, "leaf-2", certificate_b);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 0);
	assert_int_equal(counts(e->world).quarantined, 1);
	assert_non_null(strstr(row_of(e->world, "leaf").reason, "sha256Thumbprint: ours is"));
}

static void test_send_symmetric_equal_and_different(void **state)
{
	struct emulated *e = *state;

	EMULATE(e);
	enroll_service_set_device_keys(e->service, &world_macer);
	queue_symmetric(e, "one", &world_macer);
	queue_symmetric(e, "two", &world_macer);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 2);
	enroll_service_set_device_keys(e->service, &other_macer);
	queue_symmetric(e, "three", &other_macer);
	(void)drain(e);
	assert_int_equal(counts(e->world).quarantined, 1);
	assert_non_null(strstr(row_of(e->world, "sym").reason, "symmetricKey.primaryKey"));
}

static void test_send_throttled_obeys_retry_after_and_loses_nothing(void **state)
{
	struct emulated *e = *state;
	struct enroll_progress progress;

	EMULATE(e, "--operations-per-minute", "2", "--retry-after", "9");
	queue_many(e, 30);
	assert_int_equal(send_one(e).enrolled, 10);
	assert_int_equal(send_one(e).enrolled, 10);
	progress = send_one(e);
	assert_int_equal(progress.retried, 10);
	assert_true(progress.next_due_ms >= e->now_ms + 9000);
	assert_int_equal(send_one(e).calls, 0);
	assert_int_equal(counts(e->world).retry, 10);
	assert_int_equal(row_of(e->world, "unit-029").attempts, 0);
}

/* What a command does: at the real time, as long as it is told that there is more. */
static void test_send_while_more_drains_at_the_budgets_pace(void **state)
{
	struct emulated *e = *state;
	struct enroll_progress progress = { .more = true };
	unsigned rounds = 0;

	EMULATE(e);
	e->operations_per_minute = 600;
	emulated_open(e, &e->macer);
	queue_many(e, 100);
	for (; progress.more && rounds < 50; rounds++) {
		e->now_ms = clock_wall_ms();
		progress = send_one(e);
	}
	assert_int_equal(counts(e->world).enrolled, 100);
	assert_int_equal(rounds, 10);
}

static void test_send_every_call_fails_keeps_all_rows(void **state)
{
	struct emulated *e = *state;

	EMULATE(e, "--fail-every", "1");
	queue_many(e, 12);
	for (int i = 0; i < 30; i++, e->now_ms += 120000)
		(void)send_one(e);
	assert_int_equal(counts(e->world).queued + counts(e->world).retry, 12);
	assert_int_equal(row_of(e->world, "unit-000").attempts, 0);
}

static void test_send_every_second_call_fails_ends_with_all_enrolled(void **state)
{
	struct emulated *e = *state;

	EMULATE(e, "--fail-every", "2");
	queue_many(e, 25);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 25);
}

static void test_send_reply_dropped_after_commit_is_enrolled_once(void **state)
{
	struct emulated *e = *state;

	EMULATE(e, "--drop-reply-every", "1");
	queue_many(e, 12);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 12);
	assert_true(service_has(e, "unit-011"));
}

/* Whatever the service's answers are spoilt to, no record is refused; those that can be read are done. */
static void test_send_spoilt_answers_refuse_no_record(void **state)
{
	static const struct {
		const char *as;
		int64_t enrolled;
	} table[] = {
		{ "portal", 0 }, { "text", 0 }, { "duplicate", 0 }, { "unknown-field", 3 }, { "huge", 0 }
	};
	struct emulated *e = *state;
	char id[16];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct enroll_counts before = counts(e->world);

		fake_dps_stop(&e->dps);
		EMULATE(e, "--garble-every", "1", "--garble-as", table[i].as);
		for (int n = 0; n < 3; n++) {
			assert_int_equal(str_format(id, sizeof(id), "%s-%d", table[i].as, n), 0);
			queue_tpm(e->world, id, 1);
		}
		e->now_ms += 7200000;
		for (int n = 0; n < 3; n++, e->now_ms += 120000) {
			struct enroll_progress progress = { 0 };
			struct err err = { 0 };

			if (enroll_send_batch(e->service, e->world->db, e->now_ms, &progress, &err) < 0)
				assert_true(err.class < ERR_STATION);
		}
		assert_int_equal(counts(e->world).quarantined, 0);
		assert_true(counts(e->world).enrolled - before.enrolled >= table[i].enrolled);
		assert_true(table[i].enrolled > 0 || counts(e->world).enrolled == before.enrolled);
	}
	fake_dps_stop(&e->dps);
	EMULATE(e);
	e->now_ms += 7200000;
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 15);
}

static void test_send_every_third_item_fails_ends_with_all_enrolled(void **state)
{
	struct emulated *e = *state;

	EMULATE(e, "--fail-item-every", "3");
	queue_many(e, 25);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 25);
}

static void test_send_one_poison_among_ten_stops_alone(void **state)
{
	static const uint8_t no_ek[] = { 0 };
	struct emulated *e = *state;
	const struct enroll_record poison = { .job = "p",
					      .registration_id = "poison",
					      .endorsement_key = BYTES_ARRAY(no_ek) };
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(enqueue(e->world->db, &poison, &err), 0);
	queue_many(e, 9);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 9);
	assert_int_equal(counts(e->world).quarantined, 1);
	assert_non_null(strstr(row_of(e->world, "poison").reason, "400004"));
}

static void test_send_wrong_key_is_the_operators_and_rows_stay(void **state)
{
	struct emulated *e = *state;
	struct enroll_progress progress = { 0 };
	struct err err = { 0 };

	EMULATE(e);
	emulated_open(e, &other_macer);
	queue_many(e, 3);
	/* at the real time, or the clock would be to blame */
	assert_int_equal(enroll_send_batch(e->service, e->world->db, clock_wall_ms(), &progress, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "check policy and key"));
	assert_int_equal(counts(e->world).queued, 3);
	assert_int_equal(row_of(e->world, "unit-000").attempts, 0);
}

static void test_send_wrong_clock_is_named(void **state)
{
	struct emulated *e = *state;
	struct enroll_progress progress = { 0 };
	struct err err = { 0 };

	EMULATE(e);
	queue_many(e, 1);
	assert_int_equal(
		enroll_send_batch(e->service, e->world->db, clock_wall_ms() - 86400000, &progress, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "behind"));
}

static int put_x509(struct emulated *e, const char *id, struct bytes pem, struct err *err)
{
	const struct enroll_group group = { .id = id, .primary_pem = pem };

	return enroll_group_put_x509(e->service, &group, err);
}

static int put_symmetric(struct emulated *e, const char *id, struct secret *key, struct err *err)
{
	const struct enroll_group group = { .id = id };

	return enroll_group_put_symmetric(e->service, &group, key, err);
}

static void test_group_x509_equal_is_done_and_different_is_refused(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(put_x509(e, "Line-7", bytes_str(certificate_ca), &err), 0);
	assert_int_equal(put_x509(e, "line-7", bytes_str(certificate_ca), &err), 0);
	assert_int_equal(put_x509(e, "Line-7", bytes_str(certificate_a), &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "sha256Thumbprint"));
}

static void test_group_symmetric_gives_the_same_key_again(void **state)
{
	struct emulated *e = *state;
	SECRET_AUTO one = { NULL, 0 };
	SECRET_AUTO two = { NULL, 0 };
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(put_symmetric(e, "sensors", &one, &err), 0);
	assert_int_equal(one.len, 64);
	assert_int_equal(put_symmetric(e, "sensors", &two, &err), 0);
	assert_int_equal(two.len, 64);
	assert_memory_equal(one.p, two.p, 64);
	assert_int_equal(put_x509(e, "x", bytes_str(certificate_ca), &err), 0);
	assert_int_equal(put_symmetric(e, "x", &two, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
}

static void test_group_id_that_is_none_is_refused(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(put_x509(e, "..", bytes_str(certificate_ca), &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(put_x509(e, "g", BYTES_LIT("no PEM"), &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, emulated_setup, emulated_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_send_25_rows_in_three_calls),
		TEST(test_send_existing_equal_is_enrolled),
		TEST(test_send_existing_different_is_quarantined_by_name),
		TEST(test_send_symmetric_equal_and_different),
		TEST(test_send_throttled_obeys_retry_after_and_loses_nothing),
		TEST(test_send_while_more_drains_at_the_budgets_pace),
		TEST(test_send_every_call_fails_keeps_all_rows),
		TEST(test_send_every_second_call_fails_ends_with_all_enrolled),
		TEST(test_send_reply_dropped_after_commit_is_enrolled_once),
		TEST(test_send_spoilt_answers_refuse_no_record),
		TEST(test_send_every_third_item_fails_ends_with_all_enrolled),
		TEST(test_send_one_poison_among_ten_stops_alone),
		TEST(test_send_wrong_key_is_the_operators_and_rows_stay),
		TEST(test_send_wrong_clock_is_named),
		TEST(test_group_x509_equal_is_done_and_different_is_refused),
		TEST(test_group_symmetric_gives_the_same_key_again),
		TEST(test_group_id_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
