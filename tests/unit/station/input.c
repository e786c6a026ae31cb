/* Tests station/screens/input.c: hands and scanners told apart, and that no burst is ever a key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "station/screens/input.h"

/* What happened, as text: "k65 " a key, "s<text> " a scan, "r " refused. */
struct log {
	struct input input;
	int64_t now_ms;
	char text[1024];
};

static void note(struct log *log, const struct input_event *event)
{
	size_t len = strlen(log->text);
	char *at = log->text + len;
	size_t cap = sizeof(log->text) - len;

	switch (event->kind) {
	case INPUT_NONE:
		break;
	case INPUT_KEY:
		assert_int_equal(str_format(at, cap, "k%x ", event->key), 0);
		break;
	case INPUT_SCAN:
		assert_int_equal(str_format(at, cap, "s<%s> ", event->text), 0);
		break;
	case INPUT_REFUSED:
		assert_int_equal(str_format(at, cap, "r "), 0);
		break;
	}
}

static struct log start(const char *prefix)
{
	struct log log = { .now_ms = 1000 };

	input_init(&log.input, prefix);
	return log;
}

/* As a loop does that looked for keys all the time. */
static void key(struct log *log, uint32_t key, int after_ms)
{
	struct input_event event;
	int wait = input_wait_ms(&log->input, log->now_ms);

	if (wait >= 0 && wait <= after_ms) {
		input_tick(&log->input, log->now_ms + wait, &event);
		note(log, &event);
	}
	log->now_ms += after_ms;
	input_feed(&log->input, key, log->now_ms, &event);
	note(log, &event);
}

static void type(struct log *log, const char *text, int each_ms)
{
	for (; *text != '\0'; text++)
		key(log, (uint8_t)*text, each_ms);
}

/* Sleeps as long as it is told, then ticks. */
static void rest(struct log *log)
{
	struct input_event event;
	int wait = input_wait_ms(&log->input, log->now_ms);

	assert_true(wait >= 0);
	if (wait > 0) {
		input_tick(&log->input, log->now_ms + wait - 1, &event);
		assert_int_equal(event.kind, INPUT_NONE);
	}
	log->now_ms += wait;
	input_tick(&log->input, log->now_ms, &event);
	assert_int_not_equal(event.kind, INPUT_NONE);
	note(log, &event);
	assert_int_equal(input_wait_ms(&log->input, log->now_ms), -1);
}

static void test_input_key_alone_is_a_key(void **state)
{
	struct log log = start("");

	(void)state;
	key(&log, 'q', 0);
	assert_string_equal(log.text, "");
	assert_int_equal(input_wait_ms(&log.input, log.now_ms), INPUT_BURST_MS + 1);
	rest(&log);
	key(&log, INPUT_ESCAPE, 500);
	rest(&log);
	key(&log, INPUT_ENTER, 500);
	rest(&log);
	key(&log, '\r', 500);
	rest(&log);
	assert_string_equal(log.text, "k71 k1b ka ka ");
}

static void test_input_hand_is_keys(void **state)
{
	struct log log = start("");

	(void)state;
	type(&log, "ab\n", INPUT_BURST_MS + 1);
	rest(&log);
	assert_string_equal(log.text, "k61 k62 ka ");
}

static void test_input_fast_text_with_enter_is_a_scan(void **state)
{
	struct log log = start("");

	(void)state;
	type(&log, "SN-0042\n", 5);
	assert_string_equal(log.text, "");
	rest(&log);
	type(&log, "B 7\r\n", 0); /* CR LF; everything in one piece */
	rest(&log);
	assert_string_equal(log.text, "s<SN-0042> s<B 7> ");
}

static void test_input_scan_then_key_are_both_seen(void **state)
{
	struct log log = start("");

	(void)state;
	type(&log, "SN-0042\n", 5);
	key(&log, 'u', 60);
	assert_string_equal(log.text, "s<SN-0042> ");
	rest(&log);
	assert_string_equal(log.text, "s<SN-0042> k75 ");
}

static void test_input_scan_with_a_pause_stays_one(void **state)
{
	struct log log = start("");

	(void)state;
	type(&log, "SN", 5);
	key(&log, '7', INPUT_END_MS);
	key(&log, '\n', INPUT_END_MS);
	rest(&log);
	assert_string_equal(log.text, "s<SN7> ");
}

static void test_input_shortest_scan_is_the_empty_badge(void **state)
{
	struct log log = start("");

	(void)state;
	type(&log, "B:\n", 5);
	rest(&log);
	type(&log, "B\n", 5);
	rest(&log);
	assert_string_equal(log.text, "s<B:> r ");
}

static void test_input_prefix_is_demanded_and_taken_off(void **state)
{
	struct log log = start("~~");

	(void)state;
	type(&log, "~~SN-1\n", 5);
	rest(&log);
	type(&log, "~SN-1\n", 5);
	rest(&log);
	type(&log, "SN-1~~\n", 5);
	rest(&log);
	type(&log, "~~1\n", 5); /* the prefix does not count */
	rest(&log);
	assert_string_equal(log.text, "s<SN-1> r r r ");
}

static void test_input_prefix_carries_a_slow_scan(void **state)
{
	struct log log = start("~"), without = start("");

	(void)state;
	type(&log, "~xqd\n", 100); /* letters that are commands when a hand types them */
	rest(&log);
	assert_string_equal(log.text, "s<xqd> ");
	key(&log, '~', 500);
	key(&log, 'x', 500); /* a hand after all */
	rest(&log);
	assert_string_equal(log.text, "s<xqd> k7e k78 ");
	type(&without, "~x", 100);
	assert_string_equal(without.text, "k7e ");
}

static void test_input_two_fast_keys_are_refused(void **state)
{
	struct log log = start("");

	(void)state;
	type(&log, "qq", 20);
	assert_int_equal(input_wait_ms(&log.input, log.now_ms), INPUT_END_MS + 1);
	rest(&log);
	type(&log, "q\n", 20);
	rest(&log);
	type(&log, "\n\n", 20);
	rest(&log);
	assert_string_equal(log.text, "r r r ");
}

static void test_input_scan_without_enter_is_refused(void **state)
{
	struct log log = start("");

	(void)state;
	type(&log, "SN-0042", 5);
	rest(&log);
	type(&log, "SN-0042", 5);
	key(&log, 'u', INPUT_END_MS + 1); /* begins anew */
	rest(&log);
	assert_string_equal(log.text, "r r k75 ");
}

static void assert_refused_whole(const uint32_t *keys, size_t n)
{
	struct log log = start("");

	for (size_t i = 0; i < n; i++)
		key(&log, keys[i], 5);
	rest(&log);
	assert_string_equal(log.text, "r ");
}

#define REFUSED_WHOLE(...)                                                                                   \
	assert_refused_whole((const uint32_t[]){ __VA_ARGS__ },                                              \
			     ARRAY_LEN(((const uint32_t[]){ __VA_ARGS__ })))

static void test_input_anything_unprintable_spoils_a_scan(void **state)
{
	(void)state;
	REFUSED_WHOLE('S', 'N', INPUT_ESCAPE, '[', '2', 'J', '\n');
	REFUSED_WHOLE(INPUT_ESCAPE, '[', 'A', 'S', 'N', '1', '\n');
	REFUSED_WHOLE('S', 'N', '1', INPUT_F1, '\n');
	REFUSED_WHOLE('S', 'N', '1', INPUT_BACKSPACE, '2', '\n');
	REFUSED_WHOLE('S', 'N', '1', 3, '\n');
	REFUSED_WHOLE('S', 'N', '1', 0, '\n');
	REFUSED_WHOLE('S', 'N', '1', 0xe4, '\n');
	REFUSED_WHOLE('S', 'N', '1', INPUT_UP, '\n');
	REFUSED_WHOLE(INPUT_UP, 'S', 'N', '1', '\n');
	REFUSED_WHOLE('\n', 'S', 'N', '1', '\n');
}

static void test_input_enter_in_the_middle_spoils_a_scan(void **state)
{
	(void)state;
	REFUSED_WHOLE('S', 'N', '1', '\n', 'q');
	REFUSED_WHOLE('S', 'N', '1', '\n', 'B', 'A', 'D', 'G', 'E', '\n');
	REFUSED_WHOLE('S', 'N', '1', '\n', INPUT_F1 + 7);
}

static void test_input_too_long_scan_is_refused_whole(void **state)
{
	struct log log = start("");

	(void)state;
	for (int i = 0; i < INPUT_SCAN_MAX; i++)
		key(&log, 'x', 5);
	key(&log, '\n', 5);
	rest(&log);
	assert_int_equal(strlen(log.text), strlen("s<> ") + INPUT_SCAN_MAX);
	log = start("");
	for (int i = 0; i < 5000; i++)
		key(&log, 'x', 5);
	key(&log, '\n', 5);
	rest(&log);
	assert_string_equal(log.text, "r ");
}

static void test_input_repeated_arrow_stays_a_key(void **state)
{
	struct log log = start("");

	(void)state;
	key(&log, INPUT_DOWN, 0);
	key(&log, INPUT_DOWN, 33);
	key(&log, INPUT_DOWN, 0);
	key(&log, INPUT_DOWN, 5);
	rest(&log);
	assert_string_equal(log.text, "k110021 k110021 k110021 k110021 ");
}

static void test_input_arrows_of_a_hostile_label_end_refused(void **state)
{
	struct log log = start("");

	(void)state;
	key(&log, INPUT_DOWN, 5);
	key(&log, INPUT_DOWN, 5);
	key(&log, INPUT_ENTER, 5); /* must open nothing */
	rest(&log);
	assert_string_equal(log.text, "k110021 r ");
	log = start("");
	key(&log, INPUT_DOWN, 5);
	key(&log, INPUT_UP, 5);
	rest(&log);
	key(&log, INPUT_F1, 500);
	key(&log, INPUT_F1, 5);
	rest(&log);
	assert_string_equal(log.text, "r r ");
}

/* The station was busy, the scanner was not: nobody looked, so nothing was silent. */
static void test_input_pause_of_the_station_is_no_silence(void **state)
{
	struct log log = start("");
	struct input_event event;

	(void)state;
	key(&log, 'q', 0);
	for (const char *rest_of_it = "-7\n"; *rest_of_it != '\0'; rest_of_it++) {
		log.now_ms += 400;
		input_feed(&log.input, (uint8_t)*rest_of_it, log.now_ms, &event);
		assert_int_equal(event.kind, INPUT_NONE);
	}
	rest(&log);
	assert_string_equal(log.text, "s<q-7> ");
}

static void test_input_clock_that_steps_back_is_a_burst(void **state)
{
	struct log log = start("");

	(void)state;
	key(&log, 'q', 0);
	key(&log, 'q', -500);
	rest(&log);
	assert_string_equal(log.text, "r ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input_key_alone_is_a_key),
		cmocka_unit_test(test_input_hand_is_keys),
		cmocka_unit_test(test_input_fast_text_with_enter_is_a_scan),
		cmocka_unit_test(test_input_scan_then_key_are_both_seen),
		cmocka_unit_test(test_input_scan_with_a_pause_stays_one),
		cmocka_unit_test(test_input_shortest_scan_is_the_empty_badge),
		cmocka_unit_test(test_input_prefix_is_demanded_and_taken_off),
		cmocka_unit_test(test_input_prefix_carries_a_slow_scan),
		cmocka_unit_test(test_input_two_fast_keys_are_refused),
		cmocka_unit_test(test_input_scan_without_enter_is_refused),
		cmocka_unit_test(test_input_anything_unprintable_spoils_a_scan),
		cmocka_unit_test(test_input_enter_in_the_middle_spoils_a_scan),
		cmocka_unit_test(test_input_too_long_scan_is_refused_whole),
		cmocka_unit_test(test_input_repeated_arrow_stays_a_key),
		cmocka_unit_test(test_input_arrows_of_a_hostile_label_end_refused),
		cmocka_unit_test(test_input_pause_of_the_station_is_no_silence),
		cmocka_unit_test(test_input_clock_that_steps_back_is_a_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
