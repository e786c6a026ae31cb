/* The sender's thread: it sends when woken, says once that nobody is there, and stops in the middle of a call. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/emulated.h"

#define PATIENCE_MS 20000
#define CONNECTIONS 4

struct watch {
	pthread_mutex_t lock;
	unsigned reports, unreachable, enrolled;
	enum err_class class;
};

static void on_status(void *arg, const struct enroll_sender_status *status)
{
	struct watch *watch = arg;

	(void)pthread_mutex_lock(&watch->lock);
	watch->reports++;
	watch->unreachable += !status->reachable;
	watch->enrolled += status->progress.enrolled;
	watch->class = status->err != NULL ? status->err->class : ERR_NONE;
	(void)pthread_mutex_unlock(&watch->lock);
}

static struct watch seen(struct watch *watch)
{
	struct watch copy;

	(void)pthread_mutex_lock(&watch->lock);
	copy = *watch;
	(void)pthread_mutex_unlock(&watch->lock);
	return copy;
}

static struct enroll_sender *start_with(struct emulated *e, struct enroll_service *const *services, size_t n,
					struct watch *watch)
{
	const struct enroll_sender_conf conf = {
		.services = services, .n = n, .db = e->world->db, .status = on_status, .status_arg = watch
	};
	struct enroll_sender *sender = NULL;
	struct err err = { 0 };

	assert_int_equal(enroll_sender_start(&conf, &sender, &err), 0);
	return sender;
}

static struct enroll_sender *start(struct emulated *e, struct watch *watch)
{
	return start_with(e, &e->service, 1, watch);
}

static void test_sender_sends_what_is_queued_later(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	struct enroll_sender *sender;

	EMULATE(e);
	sender = start(e, &watch);
	deadline_sleep(&dl, 50);
	queue_tpm(e->world, "unit-1", 1);
	enroll_sender_wake(sender);
	while (seen(&watch).enrolled == 0 && !deadline_passed(&dl))
		deadline_sleep(&dl, 10);
	enroll_sender_stop(sender);
	assert_int_equal(watch.enrolled, 1);
	assert_int_equal(watch.unreachable, 0);
	assert_true(service_has(e, "unit-1"));
}

/* The last call of the first batch is refused; what the calls before it have settled is told all the same. */
static void test_sender_tells_what_a_batch_settled_before_it_was_lost(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record again = { .job = "again",
					     .registration_id = "unit-1",
					     .endorsement_key = test_ek(1, ek) };
	struct enroll_sender *sender;
	struct err err = { 0 };

	EMULATE(e, "--fail-every", "4", "--fail-status", "503");
	queue_tpm(e->world, "unit-1", 1);
	assert_int_equal(send_one(e).enrolled, 1);
	assert_int_equal(enqueue(e->world->db, &again, &err), 0);
	queue_tpm(e->world, "unit-2", 1);
	sender = start(e, &watch);
	while (counts(e->world).enrolled < 3 && !deadline_passed(&dl))
		deadline_sleep(&dl, 10);
	enroll_sender_stop(sender);
	assert_int_equal(counts(e->world).enrolled, 3);
	assert_int_equal(watch.enrolled, 2);
}

static void test_sender_unreachable_is_said_once(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	struct enroll_sender *sender;

	EMULATE(e);
	fake_dps_stop(&e->dps);
	queue_tpm(e->world, "unit-1", 1);
	e->conf.host = "127.0.0.1:9";
	e->login.policy = "test";
	e->conf.network.ca_file = NULL;
	emulated_open(e, &world_macer);
	sender = start(e, &watch);
	while (seen(&watch).reports == 0 && !deadline_passed(&dl))
		deadline_sleep(&dl, 10);
	for (int i = 0; i < 5; i++) {
		enroll_sender_wake(sender);
		deadline_sleep(&dl, 300);
	}
	enroll_sender_stop(sender);
	assert_int_equal(watch.reports, 1);
	assert_int_equal(watch.unreachable, 1);
	assert_int_equal(watch.class, ERR_OPERATOR);
	assert_int_equal(counts(e->world).queued + counts(e->world).retry, 1);
}

/* The login's key fails in the ways that a test sets while the sender runs. */
struct failing_key {
	atomic_int class;
	atomic_long code;
};

static int mac_failing(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err)
{
	struct failing_key *failing = key;

	(void)message, (void)ret_mac;
	return err_set(err, (enum err_class)atomic_load(&failing->class), atomic_load(&failing->code),
		       "the key fails");
}

/* Wakes the sender until it has reported so often; false if that does not come. */
static bool wait_for_reports(struct enroll_sender *sender, struct watch *watch, unsigned reports)
{
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);

	while (seen(watch).reports < reports && !deadline_passed(&dl)) {
		enroll_sender_wake(sender);
		deadline_sleep(&dl, 20);
	}
	return seen(watch).reports >= reports;
}

static void test_sender_new_kind_of_trouble_is_said_again(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct failing_key failing = { ERR_OPERATOR, 1 };
	const struct macer macer = { mac_failing, &failing };
	struct enroll_sender *sender;
	bool code, class, again;

	EMULATE(e);
	queue_tpm(e->world, "unit-1", 1);
	emulated_open(e, &macer);
	sender = start(e, &watch);
	assert_true(wait_for_reports(sender, &watch, 1));
	atomic_store(&failing.code, 2);
	code = wait_for_reports(sender, &watch, 2);
	atomic_store(&failing.class, ERR_STATION);
	class = wait_for_reports(sender, &watch, 3);
	again = wait_for_reports(sender, &watch, 4);
	enroll_sender_stop(sender);
	assert_true(code && class && again);
	assert_int_equal(watch.class, ERR_STATION);
	assert_int_equal(watch.unreachable, watch.reports);
}

static void test_sender_stops_in_the_middle_of_a_call(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	struct enroll_sender *sender;
	int64_t began_ms;

	EMULATE(e, "--latency-ms", "4000");
	e->conf.timeout_ms = 60000;
	queue_tpm(e->world, "unit-1", 1);
	sender = start(e, &watch);
	while (counts(e->world).sending == 0 && !deadline_passed(&dl))
		deadline_sleep(&dl, 10);
	began_ms = deadline_now_ms();
	enroll_sender_stop(sender);
	assert_true(deadline_now_ms() - began_ms < 3000);
	assert_int_equal(counts(e->world).sending, 0);
	assert_int_equal(counts(e->world).retry, 1);
	assert_false(atomic_load(&e->service->abort));
}

/* Three more connections beside the emulated one; the same gate. */
static void open_more(struct emulated *e, struct enroll_service *services[CONNECTIONS])
{
	struct err err = { 0 };

	services[0] = e->service;
	for (size_t i = 1; i < CONNECTIONS; i++)
		assert_int_equal(enroll_service_open(&e->conf, &e->login, e->gate, &services[i], &err), 0);
}

static void close_more(struct enroll_service *services[CONNECTIONS])
{
	for (size_t i = 1; i < CONNECTIONS; i++)
		enroll_service_close(services[i]);
}

static void queue_many(struct emulated *e, int n)
{
	char id[16];

	for (int i = 0; i < n; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%03d", i), 0);
		queue_tpm(e->world, id, (uint8_t)i);
	}
}

static void test_sender_connections_call_at_the_same_time_and_lose_nothing(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	struct enroll_service *services[CONNECTIONS];
	struct enroll_sender *sender;
	int64_t most = 0;

	EMULATE(e, "--latency-ms", "200");
	open_more(e, services);
	queue_many(e, 80);
	sender = start_with(e, services, CONNECTIONS, &watch);
	while (seen(&watch).enrolled < 80 && !deadline_passed(&dl)) {
		int64_t sending = counts(e->world).sending;

		most = sending > most ? sending : most;
		deadline_sleep(&dl, 5);
	}
	enroll_sender_stop(sender);
	close_more(services);
	assert_int_equal(watch.enrolled, 80);
	assert_int_equal(watch.unreachable, 0);
	assert_true(most > ENROLL_BULK_MAX);
	assert_int_equal(counts(e->world).enrolled, 80);
	assert_true(service_has(e, "unit-079"));
}

/* Records of one ID, all due at once: never two in calls at the same time, so none meets a conflict. */
static void test_sender_connections_never_send_one_id_twice_at_once(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	struct enroll_service *services[CONNECTIONS];
	struct enroll_sender *sender;
	struct err err = { 0 };
	bool twice = false;
	char job[16];

	EMULATE(e, "--latency-ms", "50");
	open_more(e, services);
	for (int i = 0; i < 8; i++) {
		uint8_t ek[TEST_EK_LEN];
		const struct enroll_record record = { .job = job,
						      .registration_id = "same",
						      .endorsement_key = test_ek(1, ek) };

		assert_int_equal(str_format(job, sizeof(job), "job-%d", i), 0);
		assert_int_equal(enqueue(e->world->db, &record, &err), 0);
	}
	sender = start_with(e, services, CONNECTIONS, &watch);
	while (seen(&watch).enrolled < 8 && !deadline_passed(&dl)) {
		twice |= counts(e->world).sending > 1;
		deadline_sleep(&dl, 2);
	}
	enroll_sender_stop(sender);
	close_more(services);
	assert_false(twice);
	assert_int_equal(watch.enrolled, 8);
}

static void test_sender_connections_all_stop_in_the_middle_of_a_call(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	struct enroll_service *services[CONNECTIONS];
	struct enroll_sender *sender;
	int64_t began_ms;

	EMULATE(e, "--latency-ms", "6000");
	e->conf.timeout_ms = 60000;
	open_more(e, services);
	queue_many(e, 40);
	sender = start_with(e, services, CONNECTIONS, &watch);
	while (counts(e->world).sending < 40 && !deadline_passed(&dl))
		deadline_sleep(&dl, 10);
	began_ms = deadline_now_ms();
	enroll_sender_stop(sender);
	assert_true(deadline_now_ms() - began_ms < 4000);
	close_more(services);
	assert_int_equal(counts(e->world).sending, 0);
	assert_int_equal(counts(e->world).retry, 40);
}

/* Another process drains until the test says otherwise. */
static int ask_test(void *arg, bool *ret_mine, struct err *err)
{
	atomic_int *mine = arg;

	(void)err;
	*ret_mine = atomic_load(mine) != 0;
	return 0;
}

static void test_sender_waits_for_its_turn_and_recovers_what_was_in_hand(void **state)
{
	struct emulated *e = *state;
	struct watch watch = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct deadline dl = deadline_in_ms(PATIENCE_MS);
	CLEANUP(batch_freep) struct batch *batch = NULL;
	struct enroll_sender *sender = NULL;
	atomic_int mine = 0;
	struct err err = { 0 };
	const struct enroll_sender_conf conf = { &e->service, 1,         e->world->db, ask_test,
						 &mine,       on_status, &watch };

	EMULATE(e);
	queue_tpm(e->world, "unit-1", 1);
	assert_int_equal(batch_new(&batch, &err), 0);
	assert_int_equal(outbox_claim(e->world->db, clock_wall_ms(), batch, &err), 0);
	queue_tpm(e->world, "unit-2", 1);
	assert_int_equal(enroll_sender_start(&conf, &sender, &err), 0);
	for (int i = 0; i < 5; i++) {
		enroll_sender_wake(sender);
		deadline_sleep(&dl, 50);
	}
	assert_int_equal(counts(e->world).sending, 1);
	assert_int_equal(counts(e->world).queued, 1);
	atomic_store(&mine, 1);
	enroll_sender_wake(sender);
	while (seen(&watch).enrolled < 2 && !deadline_passed(&dl))
		deadline_sleep(&dl, 10);
	enroll_sender_stop(sender);
	assert_int_equal(counts(e->world).enrolled, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, emulated_setup, emulated_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sender_sends_what_is_queued_later),
		TEST(test_sender_tells_what_a_batch_settled_before_it_was_lost),
		TEST(test_sender_unreachable_is_said_once),
		TEST(test_sender_new_kind_of_trouble_is_said_again),
		TEST(test_sender_stops_in_the_middle_of_a_call),
		TEST(test_sender_waits_for_its_turn_and_recovers_what_was_in_hand),
		TEST(test_sender_connections_call_at_the_same_time_and_lose_nothing),
		TEST(test_sender_connections_never_send_one_id_twice_at_once),
		TEST(test_sender_connections_all_stop_in_the_middle_of_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
