/* fixtures/emulator/wire.c, tty.c and what of ffs.c needs no kernel with gadgets (that is tests/vm's). */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixtures/emulator/emulator_internal.h"

struct world {
	int master, slave, stop_fd;
	struct wire wire;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char path[EMULATOR_PATH_MAX];
	struct err err = { 0 };

	assert_non_null(w);
	assert_int_equal(openpty(&w->master, &w->slave, path, NULL, NULL), 0);
	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(
		wire_open(&(struct wire_conf){ .kind = WIRE_TTY, .path = path }, w->stop_fd, &w->wire, &err),
		0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	wire_close(&w->wire);
	fd_closep(&w->master);
	fd_closep(&w->slave);
	fd_closep(&w->stop_fd);
	free(w);
	return 0;
}

static void test_tty_bytes_go_both_ways_unchanged(void **state)
{
	static const char raw[] = "\r\n\x03\x04\x11\x13\xff";
	struct world *w = *state;
	uint8_t got[32];
	size_t n = 0;

	assert_int_equal(write(w->master, raw, sizeof(raw)), sizeof(raw));
	assert_true(wire_read(&w->wire, got, sizeof(got), &n));
	assert_int_equal(n, sizeof(raw));
	assert_memory_equal(got, raw, sizeof(raw));
	assert_true(wire_write(&w->wire, BYTES_LIT("\r\n\x03\x04")));
	assert_int_equal(read(w->master, got, sizeof(got)), 4);
	assert_memory_equal(got, "\r\n\x03\x04", 4);
	assert_false(w->wire.ops->packets);
}

static void test_tty_dropped_input_is_not_read(void **state)
{
	struct world *w = *state;
	uint8_t got[32];
	size_t n = 0;

	assert_int_equal(write(w->master, "old", 3), 3);
	wire_drop_input(&w->wire);
	assert_int_equal(write(w->master, "new", 3), 3);
	assert_true(wire_read(&w->wire, got, sizeof(got), &n));
	assert_int_equal(n, 3);
	assert_memory_equal(got, "new", 3);
}

static void test_tty_hang_up_is_the_power_gone(void **state)
{
	struct world *w = *state;
	uint8_t got[32];
	size_t n = 99;

	(void)close(w->master);
	w->master = -1;
	assert_true(wire_read(&w->wire, got, sizeof(got), &n));
	assert_int_equal(n, 0);
	/* It does not come back; what ends the wait is the device's end. */
	assert_int_equal(eventfd_write(w->stop_fd, 1), 0);
	assert_false(wire_read(&w->wire, got, sizeof(got), &n));
}

static void test_wire_that_can_not_be_opened_is_the_operators(void **state)
{
	static const struct wire_conf bad[] = {
		{ .kind = WIRE_TTY, .path = "/nowhere/ttyGS0" },
		{ .kind = WIRE_TTY, .path = "/dev/null" },
		{ .kind = WIRE_FFS, .path = "/nowhere/ffs" },
		{ .kind = WIRE_FFS, .path = "/tmp" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct wire wire = { .stop_fd = -1 };
		struct err err = { 0 };

		assert_int_equal(wire_open(&bad[i], -1, &wire, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
		assert_non_null(strstr(err.what, bad[i].path));
		wire_close(&wire);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tty_bytes_go_both_ways_unchanged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tty_dropped_input_is_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tty_hang_up_is_the_power_gone, setup, teardown),
		cmocka_unit_test(test_wire_that_can_not_be_opened_is_the_operators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
