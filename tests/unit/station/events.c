/* Tests station/events.c and station/seats.c: nothing is lost, and nobody sits twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "station/events.h"
#include "station/seats.h"

#define EACH 1000

static void *post_many(void *arg)
{
	for (unsigned i = 0; i < EACH; i++) {
		const struct event event = { .kind = EVENT_STEP, .elapsed_ms = i };

		mailbox_post(arg, &event);
	}
	return NULL;
}

static void test_mailbox_more_than_it_holds_nothing_lost(void **state)
{
	struct mailbox *mailbox;
	struct err err = { 0 };
	struct event event;
	pthread_t threads[2];
	unsigned n = 0;

	(void)state;
	assert_int_equal(mailbox_new(&mailbox, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, mailbox), 0);
	while (n < EACH * ARRAY_LEN(threads)) {
		struct pollfd p = { .fd = mailbox_fd(mailbox), .events = POLLIN };

		assert_int_equal(poll(&p, 1, 10000), 1);
		while (mailbox_take(mailbox, &event))
			n++;
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_false(mailbox_take(mailbox, &event));
	mailbox_free(mailbox);
}

/* A full mailbox that nobody reads must not keep the station from ending. */
static void test_mailbox_closed_frees_who_waits(void **state)
{
	struct mailbox *mailbox;
	struct err err = { 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(mailbox_new(&mailbox, &err), 0);
	assert_int_equal(pthread_create(&thread, NULL, post_many, mailbox), 0);
	mailbox_close(mailbox);
	assert_int_equal(pthread_join(thread, NULL), 0);
	mailbox_free(mailbox);
}

static void test_seats_same_serial_on_two_slots_refused(void **state)
{
	struct seats *seats;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(seats_new(&seats, &err), 0);
	assert_int_equal(seats_take(seats, "1", "a", "h1", &err), 0);
	assert_int_equal(seats_take(seats, "1", "a", "h1", &err), 0);
	assert_int_equal(seats_take(seats, "2", "a", "h2", &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_non_null(strstr(err.what, "slot 1"));
	assert_int_equal(seats_take(seats, "2", "b", "h1", &err), -1);
	seats_leave(seats, "1");
	assert_int_equal(seats_take(seats, "2", "a", "h2", &err), 0);
	seats_free(seats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailbox_more_than_it_holds_nothing_lost),
		cmocka_unit_test(test_mailbox_closed_frees_who_waits),
		cmocka_unit_test(test_seats_same_serial_on_two_slots_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
