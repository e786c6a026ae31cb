/* The gate: no overdraft by threads that race, one failure for all that were under way, one probe. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/world.h"

#define THREADS 8

static int gate_setup(void **state)
{
	struct enroll_gate *gate = NULL;
	struct err err = { 0 };

	assert_int_equal(enroll_gate_new(900, &gate, &err), 0);
	*state = gate;
	return 0;
}

static int gate_teardown(void **state)
{
	enroll_gate_free(*state);
	return 0;
}

/* A leave that must be had. */
static struct leave take_leave(struct enroll_gate *gate, int64_t now_ms)
{
	struct leave leave = { 0 };

	assert_int_equal(gate_take(gate, now_ms, &leave), 0);
	assert_true(leave.held);
	return leave;
}

static unsigned takes_now(struct enroll_gate *gate, int64_t now_ms)
{
	struct leave leave = { 0 };
	unsigned n = 0;

	while (gate_take(gate, now_ms, &leave) == 0)
		n++;
	return n;
}

static void *grab(void *arg)
{
	return (void *)(uintptr_t)takes_now(arg, WORLD_NOW_MS);
}

static void test_gate_threads_that_race_take_the_burst_and_no_more(void **state)
{
	struct enroll_gate *gate = *state;
	pthread_t threads[THREADS];
	uintptr_t total = 0;

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, grab, gate), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *n = NULL;

		assert_int_equal(pthread_join(threads[i], &n), 0);
		total += (uintptr_t)n;
	}
	/* 900 per minute: a burst of ten */
	assert_int_equal(total, 10);
}

static void test_gate_leave_given_back_is_there_again(void **state)
{
	struct enroll_gate *gate = *state;
	struct leave leave = take_leave(gate, WORLD_NOW_MS);

	assert_int_equal(takes_now(gate, WORLD_NOW_MS), 9);
	gate_give_back(gate, &leave);
	assert_false(leave.held);
	gate_give_back(gate, &leave);
	assert_int_equal(takes_now(gate, WORLD_NOW_MS), 1);
}

/* Four connections meet the same outage: that is one failure, not four. */
static void test_gate_failures_under_way_together_count_once(void **state)
{
	struct enroll_gate *gate = *state;
	struct leave leaves[4];

	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		leaves[i] = take_leave(gate, WORLD_NOW_MS);
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		gate_failed(gate, &leaves[i], WORLD_NOW_MS, -1);
	assert_int_equal(gate_failures(gate), 1);
}

static void test_gate_success_that_began_before_does_not_lift_a_pause(void **state)
{
	struct enroll_gate *gate = *state;
	struct leave one = take_leave(gate, WORLD_NOW_MS), other = take_leave(gate, WORLD_NOW_MS);

	gate_failed(gate, &one, WORLD_NOW_MS, 7000);
	gate_succeeded(gate, &other);
	assert_int_equal(gate_wait_ms(gate, WORLD_NOW_MS), 7000);
	assert_int_equal(gate_failures(gate), 1);
}

static void test_gate_later_retry_after_makes_the_pause_longer(void **state)
{
	struct enroll_gate *gate = *state;
	struct leave one = take_leave(gate, WORLD_NOW_MS), other = take_leave(gate, WORLD_NOW_MS);

	gate_failed(gate, &one, WORLD_NOW_MS, 7000);
	gate_failed(gate, &other, WORLD_NOW_MS, 9000);
	assert_int_equal(gate_wait_ms(gate, WORLD_NOW_MS), 9000);
}

/* After so many failures that the circuit is open; the time when a probe may be made. */
static int64_t open_circuit(struct enroll_gate *gate)
{
	int64_t now = WORLD_NOW_MS;

	for (int i = 0; i < 3; i++, now += PACE_BACKOFF_MAX_MS) {
		struct leave leave = take_leave(gate, now);

		gate_failed(gate, &leave, now, -1);
	}
	return now;
}

static void test_gate_open_circuit_lets_one_call_probe(void **state)
{
	struct enroll_gate *gate = *state;
	int64_t now = open_circuit(gate);
	struct leave probe = take_leave(gate, now);

	assert_true(probe.probe);
	assert_int_equal(takes_now(gate, now + 5000), 0);
	gate_succeeded(gate, &probe);
	assert_true(takes_now(gate, now + 5000) > 1);
}

static void test_gate_failed_probe_waits_for_the_next(void **state)
{
	struct enroll_gate *gate = *state;
	int64_t now = open_circuit(gate);
	struct leave probe = take_leave(gate, now);

	gate_failed(gate, &probe, now, 4000);
	assert_true(gate_wait_ms(gate, now) >= 4000);
	now += PACE_BACKOFF_MAX_MS;
	assert_int_equal(takes_now(gate, now), 1);
}

static void test_gate_probe_that_is_not_made_is_left_to_another(void **state)
{
	struct enroll_gate *gate = *state;
	int64_t now = open_circuit(gate);
	struct leave probe = take_leave(gate, now);

	gate_give_back(gate, &probe);
	assert_int_equal(takes_now(gate, now), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_setup, gate_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_gate_threads_that_race_take_the_burst_and_no_more),
		TEST(test_gate_leave_given_back_is_there_again),
		TEST(test_gate_failures_under_way_together_count_once),
		TEST(test_gate_success_that_began_before_does_not_lift_a_pause),
		TEST(test_gate_later_retry_after_makes_the_pause_longer),
		TEST(test_gate_open_circuit_lets_one_call_probe),
		TEST(test_gate_failed_probe_waits_for_the_next),
		TEST(test_gate_probe_that_is_not_made_is_left_to_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
