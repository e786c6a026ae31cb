/* The log: what is written, what is left out, and that no value can forge a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"

struct sink {
	int fds[2];
	char text[4096];
};

static int setup(void **state)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	assert_non_null(sink);
	assert_int_equal(pipe(sink->fds), 0);
	log_open(sink->fds[1], LOG_LEVEL_INFO);
	*state = sink;
	return 0;
}

static int teardown(void **state)
{
	struct sink *sink = *state;

	log_open(-1, LOG_LEVEL_ERROR);
	(void)close(sink->fds[0]);
	(void)close(sink->fds[1]);
	free(sink);
	return 0;
}

/* All that was logged so far, after the marker line that this adds. */
static const char *logged(struct sink *sink)
{
	static const char marker[] = "--\n";
	ssize_t n;

	assert_int_equal(write(sink->fds[1], marker, strlen(marker)), (ssize_t)strlen(marker));
	n = read(sink->fds[0], sink->text, sizeof(sink->text) - 1);
	assert_true(n >= (ssize_t)strlen(marker));
	sink->text[n - (ssize_t)strlen(marker)] = '\0';
	return sink->text;
}

static int lines_n(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void test_line_has_time_level_event_and_fields(void **state)
{
	struct sink *sink = *state;
	const char *text;

	log_line(LOG_LEVEL_WARN, "unit-failed", "unit=%s slot=%d", "SN1", 3);
	text = logged(sink);
	assert_memory_equal(text, "t=2", 3);
	assert_string_equal(text + strlen("t=2026-11-22T02:20:13.123Z"),
			    " level=warn event=unit-failed unit=SN1 slot=3\n");
}

static void test_line_control_characters_cannot_forge_a_line(void **state)
{
	struct sink *sink = *state;
	const char *text;

	log_line(LOG_LEVEL_INFO, "seen", "serial=%s", "A\nt=now level=error event=forged\r\x1b[2J\x7f");
	text = logged(sink);
	assert_int_equal(lines_n(text), 1);
	assert_null(strchr(text, '\r'));
	assert_null(strchr(text, '\x1b'));
	assert_null(strchr(text, '\x7f'));
	assert_non_null(strstr(text, "serial=A?t=now level=error event=forged??[2J?\n"));
}

static void test_line_below_the_level_left_out(void **state)
{
	struct sink *sink = *state;

	log_line(LOG_LEVEL_DEBUG, "quiet", "x=%d", 1);
	assert_string_equal(logged(sink), "");
	assert_false(log_enabled(LOG_LEVEL_DEBUG));
	assert_true(log_enabled(LOG_LEVEL_ERROR));
	log_open(-1, LOG_LEVEL_DEBUG);
	assert_false(log_enabled(LOG_LEVEL_ERROR));
}

static void test_line_too_long_is_cut_but_ends(void **state)
{
	struct sink *sink = *state;
	char value[3000];
	const char *text;

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_line(LOG_LEVEL_INFO, "long", "value=%s", value);
	log_line(LOG_LEVEL_INFO, value, "value=%s", value);
	log_line(LOG_LEVEL_INFO, "next", "x=%d", 1);
	text = logged(sink);
	assert_int_equal(lines_n(text), 2);
	assert_non_null(strstr(text, "event=next x=1\n"));
}

static void test_bytes_at_most_64_at_debug_only(void **state)
{
	struct sink *sink = *state;
	uint8_t data[100];
	const char *text;

	memset(data, 0xab, sizeof(data));
	log_bytes("frame", "data", BYTES_ARRAY(data));
	assert_string_equal(logged(sink), "");
	log_open(sink->fds[1], LOG_LEVEL_DEBUG);
	log_bytes("frame", "data", BYTES_ARRAY(data));
	text = strstr(logged(sink), "data_bytes=100 data=");
	assert_non_null(text);
	assert_int_equal(strlen(text), strlen("data_bytes=100 data=") + 128 + 1);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_line_has_time_level_event_and_fields),
		LOG_TEST(test_line_control_characters_cannot_forge_a_line),
		LOG_TEST(test_line_below_the_level_left_out),
		LOG_TEST(test_line_too_long_is_cut_but_ends),
		LOG_TEST(test_bytes_at_most_64_at_debug_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
