/* Tests station/pairing.c: every order of scans and seats, what expires, and that nothing is bound by guess. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/pairing.h"

#define SLOTS 4

static const struct label_rules any = { 0 };

static void assert_answer(struct pairing_answer got, enum scan_fate fate, int slot, const char *label)
{
	assert_string_equal(scan_fate_name(got.fate), scan_fate_name(fate));
	assert_int_equal(got.has_slot ? (int)got.slot : -1, slot);
	assert_string_equal(got.label, label);
}

static void assert_next(struct pairing *p, int64_t now_ms, enum scan_fate fate, int slot, const char *label)
{
	struct pairing_answer told;

	assert_true(pairing_next(p, now_ms, &told));
	assert_answer(told, fate, slot, label);
}

static void assert_no_more(struct pairing *p, int64_t now_ms)
{
	struct pairing_answer told;

	assert_false(pairing_next(p, now_ms, &told));
}

static void test_pairing_seated_then_label_matches(void **state)
{
	struct pairing *p = *state;

	assert_string_equal(pairing_sit(p, 2, "A", &any), "");
	assert_answer(pairing_label(p, "A", 0), SCAN_MATCHED, 2, "A");
	assert_string_equal(pairing_sit(p, 2, "A", &any), "A");
	assert_no_more(p, PAIRING_MS * 2);
}

static void test_pairing_label_then_seated_matches_and_is_told(void **state)
{
	struct pairing *p = *state;

	assert_answer(pairing_label(p, "A", 0), SCAN_HELD, -1, "A");
	assert_answer(pairing_label(p, "B", 1), SCAN_HELD, -1, "B");
	assert_string_equal(pairing_sit(p, 1, "C", &any), "");
	assert_string_equal(pairing_sit(p, 3, "A", &any), "A");
	assert_string_equal(pairing_sit(p, 0, "B", &any), "B");
	assert_next(p, 2, SCAN_MATCHED, 0, "B");
	assert_next(p, 2, SCAN_MATCHED, 3, "A");
	assert_no_more(p, 2);
}

static void test_pairing_label_and_slot_in_either_order_bind(void **state)
{
	struct pairing *p = *state;

	(void)pairing_sit(p, 0, "A", &any);
	(void)pairing_sit(p, 1, "B", &any);
	assert_answer(pairing_slot(p, 0, 0), SCAN_SLOT, 0, "");
	assert_answer(pairing_label(p, "A", 1), SCAN_MATCHED, 0, "A");
	assert_answer(pairing_label(p, "B", 2), SCAN_MATCHED, 1, "B");
	assert_answer(pairing_slot(p, 1, 3), SCAN_MATCHED, 1, "B");
	assert_answer(pairing_slot(p, 2, 4), SCAN_SLOT, 2, "");
	assert_answer(pairing_label(p, "C", 5), SCAN_HELD, 2, "C");
	assert_string_equal(pairing_sit(p, 2, "C", &any), "C");
	assert_next(p, 6, SCAN_MATCHED, 2, "C");
}

/* Who scans slots after labels: the slot's barcode must not wait for the next unit's label. */
static void test_pairing_slot_after_its_matched_label_takes_no_other(void **state)
{
	struct pairing *p = *state;

	(void)pairing_sit(p, 0, "A", &any);
	(void)pairing_sit(p, 1, "B", &any);
	(void)pairing_label(p, "A", 0);
	pairing_begin(p, 0);
	assert_answer(pairing_slot(p, 0, 1), SCAN_MATCHED, 0, "A");
	assert_answer(pairing_label(p, "B", 2), SCAN_MATCHED, 1, "B");
	assert_answer(pairing_slot(p, 1, 3), SCAN_MATCHED, 1, "B");
}

/* A label, its unit seated, and then another slot: a new pair begins with that slot. */
static void test_pairing_label_that_found_its_unit_is_no_half_of_another_pair(void **state)
{
	struct pairing *p = *state;

	(void)pairing_label(p, "A", 0);
	(void)pairing_sit(p, 0, "A", &any);
	assert_next(p, 1, SCAN_MATCHED, 0, "A");
	(void)pairing_sit(p, 1, "B", &any);
	assert_answer(pairing_slot(p, 1, 2), SCAN_SLOT, 1, "");
	assert_string_equal(pairing_sit(p, 1, "B", &any), "");
	assert_answer(pairing_label(p, "B", 3), SCAN_MATCHED, 1, "B");
}

/* The same when the unit is done and gone before the next slot is scanned. */
static void test_pairing_label_of_a_unit_that_left_is_no_half_of_another_pair(void **state)
{
	struct pairing *p = *state;

	(void)pairing_sit(p, 0, "A", &any);
	(void)pairing_label(p, "A", 0);
	pairing_begin(p, 0);
	pairing_leave(p, 0);
	(void)pairing_sit(p, 1, "B", &any);
	assert_answer(pairing_slot(p, 1, 1), SCAN_SLOT, 1, "");
	assert_string_equal(pairing_sit(p, 1, "B", &any), "");
	assert_answer(pairing_label(p, "B", 2), SCAN_MATCHED, 1, "B");
	/* A label that nobody took waits for its slot, whoever leaves. */
	(void)pairing_label(p, "C", 3);
	pairing_leave(p, 1);
	assert_answer(pairing_slot(p, 2, 4), SCAN_HELD, 2, "C");
}

static void test_pairing_wrong_label_bound_and_told(void **state)
{
	struct pairing *p = *state;

	(void)pairing_sit(p, 2, "E", &any);
	(void)pairing_label(p, "F", 0);
	assert_answer(pairing_slot(p, 2, 0), SCAN_MISMATCH, 2, "F");
	(void)pairing_sit(p, 0, "A", &any);
	(void)pairing_slot(p, 0, 0);
	assert_answer(pairing_label(p, "B", 1), SCAN_MISMATCH, 0, "B");
	assert_string_equal(pairing_sit(p, 0, "A", &any), "B");
	/* bound before the unit came */
	(void)pairing_slot(p, 1, 2);
	assert_answer(pairing_label(p, "C", 3), SCAN_HELD, 1, "C");
	assert_string_equal(pairing_sit(p, 1, "D", &any), "C");
	assert_next(p, 4, SCAN_MISMATCH, 1, "C");
}

static void test_pairing_label_of_nobody_binds_to_no_waiting_slot(void **state)
{
	struct pairing *p = *state;

	(void)pairing_sit(p, 0, "A", &any); /* the only one that waits */
	assert_answer(pairing_label(p, "B", 0), SCAN_HELD, -1, "B");
	assert_string_equal(pairing_sit(p, 0, "A", &any), "");
	assert_answer(pairing_label(p, "a", 0), SCAN_HELD, -1, "a");
	assert_answer(pairing_label(p, "A ", 0), SCAN_HELD, -1, "A ");
	assert_string_equal(pairing_sit(p, 0, "A", &any), "");
}

/* Two labels and then a slot: the second is meant, since it was scanned right before. */
static void test_pairing_only_neighbours_are_a_pair(void **state)
{
	struct pairing *p = *state;

	(void)pairing_label(p, "A", 0);
	(void)pairing_label(p, "B", 1);
	assert_answer(pairing_slot(p, 0, 2), SCAN_HELD, 0, "B");
	assert_answer(pairing_slot(p, 1, 3), SCAN_SLOT, 1, "");
	assert_answer(pairing_slot(p, 2, 4), SCAN_SLOT, 2, "");
	assert_answer(pairing_label(p, "C", 5), SCAN_HELD, 2, "C");
	assert_string_equal(pairing_sit(p, 1, "D", &any), "");
	/* what could not be read stands between */
	(void)pairing_label(p, "E", 6);
	pairing_break(p);
	assert_answer(pairing_slot(p, 3, 7), SCAN_SLOT, 3, "");
	pairing_break(p);
	assert_answer(pairing_label(p, "F", 8), SCAN_HELD, -1, "F");
}

static void test_pairing_waits_end_and_are_told(void **state)
{
	struct pairing *p = *state;

	(void)pairing_slot(p, 3, 0);
	(void)pairing_label(p, "A", 1); /* bound to the free slot 3 */
	(void)pairing_label(p, "B", 2);
	assert_no_more(p, PAIRING_MS);
	assert_next(p, PAIRING_MS + 1, SCAN_EXPIRED, 3, "A");
	assert_no_more(p, PAIRING_MS + 1);
	assert_next(p, PAIRING_MS + 2, SCAN_EXPIRED, -1, "B");
	assert_no_more(p, PAIRING_MS + 2);
	assert_string_equal(pairing_sit(p, 3, "A", &any), "");
	assert_string_equal(pairing_sit(p, 2, "B", &any), "");
	(void)pairing_slot(p, 1, PAIRING_MS * 2);
	assert_next(p, PAIRING_MS * 3, SCAN_EXPIRED, 1, "");
	assert_answer(pairing_label(p, "C", PAIRING_MS * 3), SCAN_HELD, -1, "C");
}

static void test_pairing_label_of_a_seated_unit_never_expires(void **state)
{
	struct pairing *p = *state;

	(void)pairing_sit(p, 0, "A", &any);
	(void)pairing_label(p, "A", 0);
	assert_no_more(p, PAIRING_MS * 100);
	assert_string_equal(pairing_sit(p, 0, "A", &any), "A");
}

static void test_pairing_unit_taken_out_forgets_its_label(void **state)
{
	struct pairing *p = *state;

	(void)pairing_sit(p, 0, "A", &any);
	(void)pairing_label(p, "A", 0);
	pairing_leave(p, 0);
	assert_string_equal(pairing_sit(p, 0, "A", &any), "");
	(void)pairing_label(p, "A", 1);
	assert_string_equal(pairing_sit(p, 0, "B", &any), ""); /* without a look at the free slot between */
	/* a free slot keeps what was scanned for the next unit */
	pairing_break(p);
	(void)pairing_slot(p, 1, 2);
	(void)pairing_label(p, "C", 3);
	pairing_leave(p, 1);
	assert_string_equal(pairing_sit(p, 1, "C", &any), "C");
}

static void test_pairing_after_the_start_binds_nothing(void **state)
{
	struct pairing *p = *state;

	(void)pairing_sit(p, 0, "A", &any);
	pairing_begin(p, 0);
	(void)pairing_slot(p, 0, 0);
	assert_answer(pairing_label(p, "B", 1), SCAN_MISMATCH, 0, "B");
	assert_string_equal(pairing_sit(p, 0, "A", &any), "");
	assert_answer(pairing_label(p, "A", 2), SCAN_MATCHED, 0, "A");
	pairing_leave(p, 0);
	assert_string_equal(pairing_sit(p, 0, "B", &any), "");
}

static void test_pairing_check_character_taken_off_by_the_units_profile(void **state)
{
	const struct label_rules rules = { .check = LABEL_CHECK_MOD43, .serial = LABEL_SERIAL_BEFORE_CHECK };
	struct pairing *p = *state;

	(void)pairing_label(p, "CODE39W", 0);
	assert_string_equal(pairing_sit(p, 0, "CODE39", &any), "");
	assert_string_equal(pairing_sit(p, 1, "CODE39", &rules), "CODE39W");
}

static void test_pairing_flood_of_labels_is_bounded(void **state)
{
	struct pairing *p = *state;
	char label[LABEL_MAX + 1];

	for (int i = 0; i < PAIRING_HELD_MAX; i++) {
		assert_int_equal(str_format(label, sizeof(label), "L%d", i), 0);
		assert_answer(pairing_label(p, label, i), SCAN_HELD, -1, label);
	}
	assert_answer(pairing_label(p, "one more", 99), SCAN_NONE, -1, "one more");
	assert_answer(pairing_label(p, "L7", 100), SCAN_HELD, -1, "L7");
	assert_string_equal(pairing_sit(p, 0, "L7", &any), "L7");
	assert_string_equal(pairing_sit(p, 1, "one more", &any), "");
}

static int setup(void **state)
{
	struct pairing *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	pairing_init(p, SLOTS);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pairing_seated_then_label_matches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairing_label_then_seated_matches_and_is_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_pairing_label_and_slot_in_either_order_bind, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_pairing_slot_after_its_matched_label_takes_no_other,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_pairing_label_that_found_its_unit_is_no_half_of_another_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_pairing_label_of_a_unit_that_left_is_no_half_of_another_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairing_wrong_label_bound_and_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairing_label_of_nobody_binds_to_no_waiting_slot, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_pairing_only_neighbours_are_a_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairing_waits_end_and_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairing_label_of_a_seated_unit_never_expires, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_pairing_unit_taken_out_forgets_its_label, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_pairing_after_the_start_binds_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairing_check_character_taken_off_by_the_units_profile,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_pairing_flood_of_labels_is_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
