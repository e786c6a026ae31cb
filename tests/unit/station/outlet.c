/* The outlet between curses and a terminal: nothing is lost, and a stalled terminal stops nobody. */
#include "station/screens/outlet.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <termios.h>

#include <cmocka.h>

#include "base/deadline.h"

struct pseudo {
	int master, slave;
};

static struct pseudo pseudo_terminal(void)
{
	struct pseudo p;
	struct termios raw;

	assert_int_equal(openpty(&p.master, &p.slave, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(p.slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(p.slave, TCSANOW, &raw), 0);
	return p;
}

static bool write_n(int fd, size_t n)
{
	static const char part[1000] = { 'x' };

	for (size_t i = 0; i < n; i += sizeof(part))
		if (write(fd, part, sizeof(part)) != (ssize_t)sizeof(part))
			return false;
	return true;
}

static size_t drain(int master, size_t want)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	char part[2048];
	size_t n = 0;

	while (n < want && poll(&p, 1, 2000) == 1) {
		ssize_t got = read(master, part, sizeof(part));

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

static bool becomes(bool (*is)(const struct outlet *), const struct outlet *outlet, bool wanted)
{
	const struct deadline dl = deadline_in_ms(5000);

	while (is(outlet) != wanted && !deadline_passed(&dl))
		deadline_sleep(&dl, 5);
	return is(outlet) == wanted;
}

static void test_everything_arrives(void **state)
{
	struct pseudo p = pseudo_terminal();
	struct outlet *outlet = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(outlet_open(p.slave, &outlet, &err), 0);
	assert_true(write_n(outlet_fd(outlet), 100000));
	assert_int_equal(drain(p.master, 100000), 100000);
	assert_true(becomes(outlet_busy, outlet, false));
	outlet_close(outlet);
	(void)close(p.master);
	(void)close(p.slave);
}

/* What leaves the screen is written last, and the outlet is closed at once after it. */
static void test_the_last_words_arrive(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct pseudo p = pseudo_terminal();
		struct outlet *outlet = NULL;
		struct err err = { 0 };

		assert_int_equal(outlet_open(p.slave, &outlet, &err), 0);
		assert_int_equal(write(outlet_fd(outlet), "bye", 3), 3);
		outlet_close(outlet);
		assert_int_equal(drain(p.master, 3), 3);
		(void)close(p.master);
		(void)close(p.slave);
	}
}

static void test_a_stalled_terminal_is_busy_and_can_be_left(void **state)
{
	struct pseudo p = pseudo_terminal();
	struct outlet *outlet = NULL;
	struct err err = { 0 };
	int64_t before = deadline_now_ms();

	(void)state;
	assert_int_equal(outlet_open(p.slave, &outlet, &err), 0);
	assert_true(write_n(outlet_fd(outlet), 200000)); /* nobody reads */
	deadline_sleep(&(struct deadline){ before + 100 }, 100);
	assert_true(outlet_busy(outlet));
	assert_false(outlet_broken(outlet));
	outlet_close(outlet);
	(void)close(p.master);
	(void)close(p.slave);
}

static void test_a_terminal_that_hung_up_is_broken(void **state)
{
	struct pseudo p = pseudo_terminal();
	struct outlet *outlet = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(outlet_open(p.slave, &outlet, &err), 0);
	(void)close(p.master);
	assert_true(write_n(outlet_fd(outlet), 1000));
	assert_true(becomes(outlet_broken, outlet, true));
	outlet_close(outlet);
	(void)close(p.slave);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_arrives),
		cmocka_unit_test(test_the_last_words_arrive),
		cmocka_unit_test(test_a_stalled_terminal_is_busy_and_can_be_left),
		cmocka_unit_test(test_a_terminal_that_hung_up_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
