/* station/plug.c: who is woken when a slot's link changes, and who is not. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "station/plug.h"

#define LONG_MS  20000
#define SHORT_MS 200

struct world {
	char dir[64];
	struct conf *conf;
	struct plug *plug;
};

static void link_of(const struct world *world, size_t slot, char out[128])
{
	assert_int_equal(str_format(out, 128, "%s/%zu", world->dir, slot), 0);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct err err = { 0 };
	char path[128];

	assert_non_null(world);
	assert_int_equal(str_format(world->dir, sizeof(world->dir), "/tmp/station-plug.XXXXXX"), 0);
	assert_non_null(mkdtemp(world->dir));
	world->conf = calloc(1, sizeof(*world->conf));
	assert_non_null(world->conf);
	world->conf->slots_n = 2;
	for (size_t i = 0; i < 2; i++) {
		link_of(world, i, path);
		assert_int_equal(str_format(world->conf->slots[i].link, sizeof(world->conf->slots[i].link),
					    "serial:%s?baud=9600", path),
				 0);
	}
	assert_int_equal(plug_start(world->conf, &world->plug, &err), 0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	char path[128];

	plug_release(world->plug);
	plug_stop(world->plug);
	for (size_t i = 0; i < 2; i++) {
		link_of(world, i, path);
		(void)unlink(path);
	}
	(void)rmdir(world->dir);
	free(world->conf);
	free(world);
	return 0;
}

static void seat(const struct world *world, size_t slot)
{
	char path[128];

	link_of(world, slot, path);
	(void)unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
}

static bool waits(const struct world *world, size_t slot, unsigned ms)
{
	return plug_wait(world->plug, &world->conf->slots[slot], ms);
}

static void test_wait_when_a_link_is_made_wakes_its_slot_alone(void **state)
{
	struct world *world = *state;

	seat(world, 1);
	assert_true(waits(world, 1, LONG_MS));
	assert_false(waits(world, 0, SHORT_MS));
}

static void test_wait_when_a_unit_is_taken_out_wakes(void **state)
{
	struct world *world = *state;
	char path[128];

	seat(world, 0);
	assert_true(waits(world, 0, LONG_MS));
	link_of(world, 0, path);
	assert_int_equal(unlink(path), 0);
	assert_true(waits(world, 0, LONG_MS));
}

static void test_wait_when_nothing_changes_ends_in_time(void **state)
{
	struct world *world = *state;

	assert_false(waits(world, 0, SHORT_MS));
}

static void test_wait_what_came_before_is_remembered_once(void **state)
{
	const struct deadline dl = deadline_in_ms(SHORT_MS);
	struct world *world = *state;

	seat(world, 0);
	deadline_sleep(&dl, SHORT_MS);
	assert_true(waits(world, 0, LONG_MS));
	assert_false(waits(world, 0, SHORT_MS));
}

static void *release(void *arg)
{
	const struct deadline dl = deadline_in_ms(SHORT_MS);
	struct world *world = arg;

	deadline_sleep(&dl, SHORT_MS);
	plug_release(world->plug);
	return NULL;
}

static void test_wait_when_released_returns_and_does_not_wait_again(void **state)
{
	struct world *world = *state;
	int64_t begin = deadline_now_ms();
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, release, world), 0);
	assert_false(waits(world, 0, LONG_MS));
	assert_false(waits(world, 0, LONG_MS));
	assert_true(deadline_now_ms() - begin < LONG_MS);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_wait_without_a_plug_sleeps(void **state)
{
	const struct world *world = *state;

	assert_false(plug_wait(NULL, &world->conf->slots[0], 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wait_when_a_link_is_made_wakes_its_slot_alone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_wait_when_a_unit_is_taken_out_wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_when_nothing_changes_ends_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_what_came_before_is_remembered_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_wait_when_released_returns_and_does_not_wait_again,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_without_a_plug_sleeps, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
