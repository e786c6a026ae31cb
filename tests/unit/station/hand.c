/* Tests station/demo/hand.c: the devices are seated one after the other, and none is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/demo/demo.h"

#define PAUSE_MS 300

static void write_devices(const char *dir)
{
	static const char devices[] =
		"{\"devices\":[{\"tty\":\"/dev/null\"},{\"tty\":\"/dev/null\"},"
		"{\"tty\":\"/dev/null\"},{\"tty\":\"/dev/null\"},{\"tty\":\"/dev/null\"}]}";
	char path[80];
	FILE *file;

	assert_int_equal(str_format(path, sizeof(path), "%s/devices.json", dir), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(devices, 1, sizeof(devices) - 1, file), sizeof(devices) - 1);
	assert_int_equal(fclose(file), 0);
}

static void remove_at(const char *dir, const char *name)
{
	char path[80];

	assert_int_equal(str_format(path, sizeof(path), "%s/%s", dir, name), 0);
	(void)remove(path);
}

static void remove_all(const char *dir)
{
	remove_at(dir, "slots/1");
	remove_at(dir, "slots/2");
	remove_at(dir, "slots");
	remove_at(dir, "devices.json");
	(void)remove(dir);
}

static void work(struct hand *hand)
{
	struct err err = { 0 };

	if (hand_work(hand, &err) < 0)
		fail_msg("%s", err.what);
}

/* A slot whose unit ends twice before its pause is over, while another slot's plan was done. */
static void test_hand_slot_planned_twice_is_changed_once(void **state)
{
	struct deadline pause;
	char dir[] = "/tmp/hand-test-XXXXXX";
	struct hand *hand = NULL;
	struct err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_devices(dir);
	assert_int_equal(hand_new(dir, &hand, &err), 0);
	assert_int_equal(hand_seat_next(hand, "1", &err), 0);
	assert_int_equal(hand_seat_next(hand, "2", &err), 0);
	hand_seat_later(hand, "2", 0);
	hand_seat_later(hand, "1", PAUSE_MS);
	work(hand);
	assert_int_equal(hand_done(hand), 1);
	hand_seat_later(hand, "1", 0);
	work(hand);
	assert_int_equal(hand_done(hand), 2);
	pause = deadline_in_ms(PAUSE_MS + 1);
	deadline_sleep(&pause, PAUSE_MS + 1);
	work(hand);
	assert_int_equal(hand_done(hand), 2);
	hand_free(hand);
	remove_all(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hand_slot_planned_twice_is_changed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
