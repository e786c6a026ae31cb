/* Batches with symmetric keys, which are derived when they are sent; and a login whose key fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "base/encode.h"
#include "tests/unit/enroll/script.h"

static void queue_symmetric(struct script *script, const struct macer *keys)
{
	SECRET_AUTO key = { NULL, 0 };
	const struct enroll_record record = { .job = "s",
					      .registration_id = "unit-s",
					      .symmetric_key = &key };
	struct err err = { 0 };

	assert_int_equal(secret_new(SHA256_LEN, &key, &err), 0);
	assert_int_equal(keys->mac(keys->key, BYTES_LIT("unit-s"), key.p, &err), 0);
	assert_int_equal(enqueue(script->world->db, &record, &err), 0);
}

static void test_batch_symmetric_key_is_derived_for_the_wire(void **state)
{
	struct script *script = *state;
	uint8_t key[SHA256_LEN];
	char wanted[200], text[64];
	struct err err = { 0 };

	queue_symmetric(script, &other_macer);
	enroll_service_set_device_keys(script->service, &other_macer);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).enrolled, 1);
	assert_int_equal(other_macer.mac(other_macer.key, BYTES_LIT("unit-s"), key, &err), 0);
	assert_int_equal(base64_encode(BYTES_ARRAY(key), text, sizeof(text)), 0);
	assert_int_equal(str_format(wanted, sizeof(wanted), "\"primaryKey\":\"%s\",\"secondaryKey\":\"%s\"",
				    text, text),
			 0);
	assert_non_null(memmem(script->last_body.p, script->last_body.len, wanted, strlen(wanted)));
}

static void test_batch_symmetric_key_that_cannot_be_had_is_quarantined(void **state)
{
	struct script *script = *state;

	queue_symmetric(script, &other_macer);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).quarantined, 1);
	assert_int_equal(script->calls, 0);
	enroll_service_set_device_keys(script->service, &world_macer);
	release(script->world, "unit-s");
	assert_int_equal(send_well(script).quarantined, 1);
	assert_non_null(strstr(row_of(script->world, "unit-s").reason, "another group key"));
	assert_int_equal(script->calls, 0);
}

/* A key in a device that may fail: class ERR_NONE means that it works. */
struct failing_key {
	enum err_class class;
	long code;
};

static int mac_failing(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err)
{
	const struct failing_key *failing = key;

	if (failing->class != ERR_NONE)
		return err_set(err, failing->class, failing->code, "the token has no such key");
	return world_macer.mac(world_macer.key, message, ret_mac, err);
}

static void test_batch_group_key_is_gone_stops_only_its_record(void **state)
{
	struct script *script = *state;
	struct failing_key gone = { ERR_OPERATOR, 0 };
	const struct macer keys = { mac_failing, &gone };

	queue_symmetric(script, &other_macer);
	queue_tpm(script->world, "unit-1", 1);
	enroll_service_set_device_keys(script->service, &keys);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).enrolled, 1);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_ENROLLED);
	assert_int_equal(row_of(script->world, "unit-s").state, ENROLL_QUARANTINED);
	assert_non_null(strstr(row_of(script->world, "unit-s").reason, "the token has no such key"));
}

static void test_batch_group_key_fails_for_now_keeps_its_record(void **state)
{
	struct script *script = *state;
	struct failing_key failing = { ERR_RETRY, 0 };
	const struct macer keys = { mac_failing, &failing };

	queue_symmetric(script, &other_macer);
	enroll_service_set_device_keys(script->service, &keys);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(row_of(script->world, "unit-s").state, ENROLL_RETRY);
	failing.class = ERR_STATION;
	script_open(script, &world_macer);
	enroll_service_set_device_keys(script->service, &keys);
	assert_int_equal(
		enroll_requeue(script->world->db, WORLD_NOW_MS, NULL, &(int64_t){ 0 }, &(struct err){ 0 }),
		0);
	send_badly(script, ERR_STATION);
	assert_int_equal(counts(script->world).queued, 1);
}

/* Nothing was sent: neither the record nor the service is to blame. */
static void test_batch_login_key_hiccup_is_no_lost_call(void **state)
{
	struct script *script = *state;
	struct failing_key failing = { ERR_RETRY, 0 };
	const struct macer macer = { mac_failing, &failing };

	script_open(script, &macer);
	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(script->calls, 0);
	assert_int_equal(lost_of(script, "unit-1"), 0);
	assert_int_equal(gate_failures(script->gate), 0);
	assert_int_equal(script->service->postponed, 1);
	assert_false(script->service->leave.held);
	failing.class = ERR_NONE;
	send_until_calls(script, 1);
	assert_int_equal(counts(script->world).enrolled, 1);
	assert_int_equal(script->service->postponed, 0);
}

/* Outside of a batch too: the one probe that others wait for must not be kept by who makes no call. */
static void test_batch_login_key_hiccup_keeps_no_leave(void **state)
{
	struct script *script = *state;
	struct failing_key failing = { ERR_RETRY, 0 };
	const struct macer macer = { mac_failing, &failing };
	BUF_AUTO(json, ENROLL_REPLY_MAX);
	struct err err = { 0 };
	bool found = false;

	script_open(script, &macer);
	assert_int_equal(enroll_get(script->service, "unit-1", &json, &found, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_false(script->service->leave.held);
}

/* The secure heap is locked memory that all threads share: a call takes no more of it than its keys need. */
static void test_batch_fits_a_small_secure_heap(void **state)
{
	struct script *script = *state;
	struct enroll_progress progress;
	char id[16];

	assert_int_not_equal(CRYPTO_secure_malloc_init(16384, 16), 0);
	for (int i = 0; i < ENROLL_BULK_MAX; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%d", i), 0);
		queue_tpm(script->world, id, 1);
	}
	queue_symmetric(script, &other_macer);
	enroll_service_set_device_keys(script->service, &other_macer);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	progress = send_well(script);
	assert_int_equal(progress.enrolled, 10);
	assert_int_equal(send_well(script).enrolled, 1);
	enroll_service_close(script->service);
	script->service = NULL;
	assert_int_equal(CRYPTO_secure_used(), 0);
	assert_int_equal(CRYPTO_secure_malloc_done(), 1);
}

static void test_batch_symmetric_key_is_not_in_the_database(void **state)
{
	struct script *script = *state;
	uint8_t key[SHA256_LEN];
	char text[64];
	static char file[1 << 20];
	struct err err = { 0 };

	queue_symmetric(script, &other_macer);
	assert_int_equal(other_macer.mac(other_macer.key, BYTES_LIT("unit-s"), key, &err), 0);
	assert_int_equal(base64_encode(BYTES_ARRAY(key), text, sizeof(text)), 0);
	for (int i = 0; i < 2; i++) {
		char path[200];
		CLEANUP(file_closep) FILE *db = NULL;
		size_t n;

		assert_int_equal(
			str_format(path, sizeof(path), "%s%s", script->world->db_path, i == 0 ? "" : "-wal"),
			0);
		db = fopen(path, "rb");
		assert_non_null(db);
		n = fread(file, 1, sizeof(file), db);
		assert_true(n > 0);
		assert_null(memmem(file, n, text, strlen(text)));
		assert_null(memmem(file, n, key, sizeof(key)));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_batch_symmetric_key_is_derived_for_the_wire),
		TEST(test_batch_symmetric_key_that_cannot_be_had_is_quarantined),
		TEST(test_batch_group_key_is_gone_stops_only_its_record),
		TEST(test_batch_group_key_fails_for_now_keeps_its_record),
		TEST(test_batch_login_key_hiccup_is_no_lost_call),
		TEST(test_batch_login_key_hiccup_keeps_no_leave),
		TEST(test_batch_fits_a_small_secure_heap),
		TEST(test_batch_symmetric_key_is_not_in_the_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
