/* The snapshot that the screens read: what each event leaves there. */
#include "station/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "station/cause.h"

/* Too large for a test's stack; made anew before each. */
static struct view *two_slots(void **state)
{
	struct view *view = *state;
	struct conf *conf = test_calloc(1, sizeof(*conf));

	conf->slots_n = 2;
	str_clip(conf->id, sizeof(conf->id), "line-07");
	str_clip(conf->slots[0].name, sizeof(conf->slots[0].name), "1");
	str_clip(conf->slots[1].name, sizeof(conf->slots[1].name), "2");
	view_init(view, conf, false);
	test_free(conf);
	return view;
}

static int make_view(void **state)
{
	*state = test_calloc(1, sizeof(struct view));
	return 0;
}

static int free_view(void **state)
{
	test_free(*state);
	return 0;
}

static struct event event_of(enum event_kind kind, const char *slot, const char *serial)
{
	struct event event = { .kind = kind };

	str_clip(event.slot, sizeof(event.slot), slot);
	str_clip(event.serial, sizeof(event.serial), serial);
	return event;
}

static void apply(struct view *view, enum event_kind kind, const char *slot, int64_t now_ms)
{
	struct event event = event_of(kind, slot, "sensor-1");

	event.wait = WAIT_LABEL;
	str_clip(event.step, sizeof(event.step), "issue");
	view_apply(view, &event, now_ms);
}

static void test_a_result_stays_until_the_next_unit_is_seated(void **state)
{
	struct view *view = two_slots(state);

	apply(view, EVENT_SEATED, "2", 10);
	apply(view, EVENT_STEP, "2", 11);
	assert_int_equal(view->tiles[1].state, TILE_RUNNING);
	apply(view, EVENT_PASS, "2", 12);
	apply(view, EVENT_FREE, "2", 13);
	assert_int_equal(view->tiles[1].state, TILE_PASS);
	assert_string_equal(view->tiles[1].serial, "sensor-1");
	assert_false(view->tiles[1].seated);
	apply(view, EVENT_SEATED, "2", 14);
	assert_int_equal(view->tiles[1].state, TILE_RUNNING);
	assert_int_equal(view->tiles[1].since_ms, 14);
	assert_string_equal(view->tiles[1].slot, "2");
	assert_int_equal(view->tiles[0].state, TILE_EMPTY);
}

static void test_a_unit_that_leaves_unfinished_leaves_an_empty_tile(void **state)
{
	struct view *view = two_slots(state);

	apply(view, EVENT_SEATED, "1", 10);
	apply(view, EVENT_WAIT, "1", 10);
	assert_int_equal(view->tiles[0].state, TILE_WAITING);
	assert_int_equal(view->tiles[0].wait, WAIT_LABEL);
	apply(view, EVENT_FREE, "1", 11);
	assert_int_equal(view->tiles[0].state, TILE_EMPTY);
}

static void test_a_failure_flashes_counts_and_keeps_its_step(void **state)
{
	struct view *view = two_slots(state);

	apply(view, EVENT_SEATED, "1", 10);
	apply(view, EVENT_FAIL, "1", 100);
	assert_int_equal(view->tiles[0].state, TILE_FAIL);
	assert_string_equal(view->tiles[0].step, "issue");
	assert_int_equal(view->tiles[0].flash_until_ms, 100 + VIEW_FLASH_MS);
	assert_int_equal(view->shift.failed, 1);
	assert_int_equal(view->fails, 1);
}

static void test_a_cause_stands_without_its_place(void **state)
{
	struct view *view = two_slots(state);
	struct event event = event_of(EVENT_FAIL, "1", "sensor-1");

	str_clip(event.text, sizeof(event.text), "unit sensor-1, step verify: the proof is wrong");
	view_apply(view, &event, 1);
	assert_string_equal(view->tiles[0].text, "the proof is wrong");
	assert_string_equal(cause_without_place("unit sensor-1, step verify: "),
			    "unit sensor-1, step verify: ");
	assert_string_equal(cause_without_place("unit sensor-1 was taken out"),
			    "unit sensor-1 was taken out");
	assert_string_equal(cause_without_place("unit a, step b: step c: d"), "step c: d");
	assert_string_equal(cause_without_place("unit 00:11:22, step issue: no"), "no");
	assert_string_equal(cause_without_place(""), "");
}

static void test_a_port_in_trouble_is_shown_and_a_unit_ends_it(void **state)
{
	struct view *view = two_slots(state);

	apply(view, EVENT_PORT, "1", 10);
	assert_int_equal(view->tiles[0].state, TILE_PORT);
	apply(view, EVENT_SEATED, "1", 11);
	assert_int_equal(view->tiles[0].state, TILE_RUNNING);
}

static void log_in(struct view *view, const char *id)
{
	struct event event = event_of(EVENT_OPERATOR, "", "");

	str_clip(event.operator_id, sizeof(event.operator_id), id);
	view_apply(view, &event, 0);
}

static void test_the_shift_counts_from_the_hand_over(void **state)
{
	struct view *view = two_slots(state);

	log_in(view, "anna");
	apply(view, EVENT_PASS, "1", 1);
	log_in(view, "");
	assert_string_equal(view->operator_id, "");
	log_in(view, "anna");
	assert_int_equal(view->shift.passed, 1);
	log_in(view, "binh");
	assert_int_equal(view->shift.passed, 0);
	assert_string_equal(view->operator_id, "binh");
	assert_true(view->login_required);
}

static void test_the_footer_follows_service_token_and_queue(void **state)
{
	struct view *view = two_slots(state);
	struct event event = event_of(EVENT_SERVICE, "", "");

	view_apply(view, &event, 0);
	assert_true(view->service_known);
	assert_false(view->service_ok);
	event.kind = EVENT_SYNC;
	view_apply(view, &event, 0);
	assert_true(view->service_ok);
	event = event_of(EVENT_HSM, "", "");
	event.reachable = true;
	view_apply(view, &event, 0);
	assert_true(view->hsm_known && view->hsm_ok);
	event = event_of(EVENT_QUEUE, "", "");
	event.waiting = 7;
	event.refused = 2;
	view_apply(view, &event, 0);
	assert_int_equal(view->waiting, 7);
	assert_int_equal(view->refused, 2);
}

static void test_a_slot_that_is_not_configured_changes_nothing(void **state)
{
	struct view *view = two_slots(state), *before = test_calloc(1, sizeof(*before));

	*before = *view;
	apply(view, EVENT_SEATED, "9", 1);
	apply(view, EVENT_PASS, "9", 1);
	assert_memory_equal(view, before, sizeof(*view));
	test_free(before);
}

static void test_a_stop_is_remembered_with_its_reason(void **state)
{
	struct view *view = two_slots(state);
	struct event event = event_of(EVENT_STOP, "1", "sensor-1");

	str_clip(event.text, sizeof(event.text), "database: disk full");
	view_apply(view, &event, 1);
	assert_true(view->stopped);
	assert_string_equal(view->stop_text, "database: disk full");
	assert_int_equal(view->tiles[0].state, TILE_FAIL);
	assert_int_equal(view->fails, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_result_stays_until_the_next_unit_is_seated),
		cmocka_unit_test(test_a_unit_that_leaves_unfinished_leaves_an_empty_tile),
		cmocka_unit_test(test_a_failure_flashes_counts_and_keeps_its_step),
		cmocka_unit_test(test_a_cause_stands_without_its_place),
		cmocka_unit_test(test_a_port_in_trouble_is_shown_and_a_unit_ends_it),
		cmocka_unit_test(test_the_shift_counts_from_the_hand_over),
		cmocka_unit_test(test_the_footer_follows_service_token_and_queue),
		cmocka_unit_test(test_a_slot_that_is_not_configured_changes_nothing),
		cmocka_unit_test(test_a_stop_is_remembered_with_its_reason),
	};

	return cmocka_run_group_tests(tests, make_view, free_view);
}
