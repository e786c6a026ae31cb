/* station/contact.c: how long a unit has to stay, and to be gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "station/contact.h"

#define SETTLE 300

/* Seated and taken out again, so long each; returns when. */
static int64_t flap(struct contact *contact, const char *serial, int64_t now_ms, int64_t stay_ms)
{
	contact_came(contact, serial, now_ms);
	contact_went(contact, now_ms + stay_ms);
	return now_ms + stay_ms + 500;
}

static void test_settle_of_a_steady_hand_is_the_links_own(void **state)
{
	struct contact contact;
	int64_t now = 1000;

	(void)state;
	contact_init(&contact, SETTLE);
	assert_int_equal(contact_settle_ms(&contact), SETTLE);
	for (int i = 0; i < 3; i++)
		now = flap(&contact, "a", now, 200);
	assert_int_equal(contact_settle_ms(&contact), SETTLE);
}

static void test_settle_when_the_same_unit_comes_and_goes_grows_to_its_limit(void **state)
{
	unsigned last = SETTLE;
	struct contact contact;
	int64_t now = 1000;

	(void)state;
	contact_init(&contact, SETTLE);
	for (int i = 0; i < 3; i++)
		now = flap(&contact, "a", now, 200);
	for (int i = 0; i < 40; i++) {
		now = flap(&contact, "a", now + contact_settle_ms(&contact), 200);
		assert_true(contact_settle_ms(&contact) >= last);
		last = contact_settle_ms(&contact);
	}
	assert_int_equal(last, CONTACT_SETTLE_MAX_MS);
}

static void test_settle_of_other_units_in_quick_turn_stays(void **state)
{
	static const char *const serials[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct contact contact;
	int64_t now = 1000;

	(void)state;
	contact_init(&contact, 0);
	for (size_t i = 0; i < ARRAY_LEN(serials); i++)
		now = flap(&contact, serials[i], now, 100);
	assert_int_equal(contact_settle_ms(&contact), 0);
}

static void test_settle_of_a_pseudo_terminal_that_flaps_grows_too(void **state)
{
	struct contact contact;
	int64_t now = 1000;

	(void)state;
	contact_init(&contact, 0);
	for (int i = 0; i < 5; i++)
		now = flap(&contact, "a", now, 100);
	assert_true(contact_settle_ms(&contact) >= SETTLE);
}

static void test_settle_after_a_long_stay_or_absence_is_forgiven(void **state)
{
	struct contact contact;
	int64_t now = 1000;

	(void)state;
	contact_init(&contact, SETTLE);
	for (int i = 0; i < 10; i++)
		now = flap(&contact, "a", now, 200);
	assert_true(contact_settle_ms(&contact) > SETTLE);
	contact_came(&contact, "a", now + 60000);
	assert_int_equal(contact_settle_ms(&contact), SETTLE);
	for (int i = 0; i < 10; i++)
		now = flap(&contact, "a", now, 200);
	contact_came(&contact, "a", now);
	contact_went(&contact, now + 3600000);
	assert_int_equal(contact_settle_ms(&contact), SETTLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settle_of_a_steady_hand_is_the_links_own),
		cmocka_unit_test(test_settle_when_the_same_unit_comes_and_goes_grows_to_its_limit),
		cmocka_unit_test(test_settle_of_other_units_in_quick_turn_stays),
		cmocka_unit_test(test_settle_of_a_pseudo_terminal_that_flaps_grows_too),
		cmocka_unit_test(test_settle_after_a_long_stay_or_absence_is_forgiven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
