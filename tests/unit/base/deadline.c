/* Deadlines and the form of times. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/deadline.h"

static void test_left_counts_down_and_stops_at_zero(void **state)
{
	struct deadline soon = deadline_in_ms(20), past = { deadline_now_ms() - 1000 };

	(void)state;
	assert_in_range(deadline_left_ms(&soon), 1, 20);
	assert_false(deadline_passed(&soon));
	assert_int_equal(deadline_left_ms(&past), 0);
	assert_true(deadline_passed(&past));
}

static void test_left_never_over_what_poll_takes(void **state)
{
	struct deadline far = { INT64_MAX / 2 };

	(void)state;
	assert_int_equal(deadline_left_ms(&far), INT_MAX);
}

static void test_within_is_the_earlier_one(void **state)
{
	struct deadline parent = deadline_in_ms(1000), child;

	(void)state;
	child = deadline_within(&parent, 10);
	assert_true(child.at_ms < parent.at_ms);
	child = deadline_within(&parent, 100000);
	assert_true(child.at_ms == parent.at_ms);
}

static void test_sleep_ends_at_the_deadline(void **state)
{
	struct deadline dl = deadline_in_ms(20);
	int64_t start = deadline_now_ms();

	(void)state;
	deadline_sleep(&dl, 10000);
	assert_true(deadline_passed(&dl));
	assert_in_range(deadline_now_ms() - start, 15, 5000);
}

static void test_sleep_lasts_its_time(void **state)
{
	struct deadline dl = deadline_in_ms(10000);
	int64_t start = deadline_now_ms();

	(void)state;
	deadline_sleep(&dl, 20);
	assert_in_range(deadline_now_ms() - start, 19, 5000);
	assert_false(deadline_passed(&dl));
}

static void test_iso8601_known_times(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} times[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 951782400001, "2000-02-29T00:00:00.001Z" },
		{ 1795312813123, "2026-11-22T02:00:13.123Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		char text[CLOCK_ISO_LEN + 1];

		clock_iso8601(times[i].ms, text);
		assert_string_equal(text, times[i].text);
	}
}

static void test_local_time_is_the_plants(void **state)
{
	char text[CLOCK_LOCAL_LEN + 1];

	(void)state;
	(void)setenv("TZ", "ICT-7", 1); /* seven hours ahead of UTC, without a time zone database */
	tzset();
	clock_local(1795312813123, text);
	assert_string_equal(text, "2026-11-22 09:00:13");
	clock_local(clock_local_midnight_ms(1795312813123), text);
	assert_string_equal(text, "2026-11-22 00:00:00");
	clock_local(clock_local_midnight_ms(1795312813123) - 1, text);
	assert_string_equal(text, "2026-11-21 23:59:59");
}

static void test_a_condition_waits_until_its_deadline(void **state)
{
	const struct deadline dl = deadline_in_ms(30);
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond;

	(void)state;
	assert_int_equal(deadline_cond_init(&cond), 0);
	(void)pthread_mutex_lock(&lock);
	while (deadline_cond_wait(&cond, &lock, &dl)) /* may wake for no reason */
		continue;
	(void)pthread_mutex_unlock(&lock);
	assert_true(deadline_passed(&dl)); /* on a condition of the wall clock it would not have */
	(void)pthread_cond_destroy(&cond);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_counts_down_and_stops_at_zero),
		cmocka_unit_test(test_left_never_over_what_poll_takes),
		cmocka_unit_test(test_within_is_the_earlier_one),
		cmocka_unit_test(test_sleep_ends_at_the_deadline),
		cmocka_unit_test(test_sleep_lasts_its_time),
		cmocka_unit_test(test_a_condition_waits_until_its_deadline),
		cmocka_unit_test(test_iso8601_known_times),
		cmocka_unit_test(test_local_time_is_the_plants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
