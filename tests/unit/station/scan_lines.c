/* Tests station/scan_lines.c: lines come whole or not at all, however they are cut, and nothing of them stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "station/desk.h"
#include "station/scan_lines.h"

static void feed(struct scan_lines *lines, const char *text)
{
	size_t room, n = strlen(text);
	uint8_t *to = scan_lines_room(lines, &room);

	assert_in_range(n, 1, room);
	memcpy(to, text, n);
	scan_lines_add(lines, n);
}

static void assert_text(struct scan_lines *lines, const char *want)
{
	struct bytes text = BYTES_NONE;

	assert_int_equal(scan_lines_next(lines, &text), SCAN_LINE_TEXT);
	assert_true(bytes_equal(text, bytes_str(want)));
}

static void assert_not_text(struct scan_lines *lines, enum scan_line want)
{
	struct bytes text = BYTES_NONE;

	assert_int_equal(scan_lines_next(lines, &text), want);
	assert_null(text.p);
}

static void test_scan_lines_come_whole_however_they_are_cut(void **state)
{
	CLEANUP(scan_lines_deinit) struct scan_lines lines;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(scan_lines_init(&lines, &err), 0);
	assert_not_text(&lines, SCAN_LINE_NONE);
	feed(&lines, "SLO");
	assert_not_text(&lines, SCAN_LINE_NONE);
	feed(&lines, "T:1\r\n\n\r\nB:x\nrest");
	assert_text(&lines, "SLOT:1");
	assert_text(&lines, "B:x");
	assert_not_text(&lines, SCAN_LINE_NONE);
	feed(&lines, "\n");
	assert_text(&lines, "rest");
	assert_not_text(&lines, SCAN_LINE_NONE);
}

static void test_scan_lines_hostile_lines_refused_whole(void **state)
{
	CLEANUP(scan_lines_deinit) struct scan_lines lines;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(scan_lines_init(&lines, &err), 0);
	feed(&lines, "a\033[2Jb\n\001\na\rb\n\xc3\xa4\ngood\n");
	for (int i = 0; i < 4; i++)
		assert_not_text(&lines, SCAN_LINE_REFUSED);
	assert_text(&lines, "good");
}

static void test_scan_lines_too_long_refused_once(void **state)
{
	CLEANUP(scan_lines_deinit) struct scan_lines lines;
	struct err err = { 0 };
	char line[SCAN_MAX + 1] = "";

	(void)state;
	memset(line, 'x', SCAN_MAX);
	assert_int_equal(scan_lines_init(&lines, &err), 0);
	feed(&lines, line);
	feed(&lines, "\r\n");
	assert_text(&lines, line);
	feed(&lines, line);
	feed(&lines, "y\nB:boss\n");
	assert_not_text(&lines, SCAN_LINE_REFUSED);
	assert_text(&lines, "B:boss");
	assert_not_text(&lines, SCAN_LINE_NONE);
	for (int i = 0; i < 100; i++) { /* more than there is room for */
		feed(&lines, line);
		assert_not_text(&lines, SCAN_LINE_NONE);
	}
	feed(&lines, "B:boss\nB:boss\n");
	assert_not_text(&lines, SCAN_LINE_REFUSED);
	assert_text(&lines, "B:boss");
	assert_not_text(&lines, SCAN_LINE_NONE);
}

static void test_scan_lines_nothing_stays_of_a_line(void **state)
{
	CLEANUP(scan_lines_deinit) struct scan_lines lines;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(scan_lines_init(&lines, &err), 0);
	feed(&lines, "1234567\nab\n");
	assert_text(&lines, "1234567");
	assert_text(&lines, "ab");
	assert_not_text(&lines, SCAN_LINE_NONE);
	for (size_t i = 0; i < lines.memory.len; i++)
		assert_int_equal(lines.memory.p[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_lines_come_whole_however_they_are_cut),
		cmocka_unit_test(test_scan_lines_hostile_lines_refused_whole),
		cmocka_unit_test(test_scan_lines_too_long_refused_once),
		cmocka_unit_test(test_scan_lines_nothing_stays_of_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
