/*
 * The technician's hand is as quick as a crash: at each effect on a unit it is
 * taken out and another one of its model sits there. No unit may pass with
 * what another one holds; the first one, seated again, ends what was begun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "station/provision.h"
#include "tests/crash/world.h"
#include "tests/fakes/unit.h"

#define EFFECTS_MAX 100

static bool was_swapped(const struct world *w)
{
	struct stat st;

	return stat(w->other, &st) == 0;
}

static bool other_has(const struct world *w, const char *name)
{
	char path[WORLD_PATH_MAX];
	struct stat st;

	assert_int_equal(str_format(path, sizeof(path), "%s/%s", w->other, name), 0);
	return stat(path, &st) == 0;
}

/* Swapped by a link that noticed, the other unit gets nothing that is not its own. */
static void check_other_is_blank(const struct world *w)
{
	static const char *const items[] = { "chain.pem", "device.key", "symmetric.key",
					     "provisioning.json" };

	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		if (other_has(w, items[i]))
			fail_msg("the other unit was given %s", items[i]);
}

static void sweep(void **state, const char *model, enum world_swap swap)
{
	struct world *w = world_new(model);
	long at = 0;

	*state = w;
	for (;; at++) {
		int status;

		assert_true(at < EFFECTS_MAX);
		world_reset(w);
		status = world_run_swapped(w, at, swap);
		if (!was_swapped(w)) {
			assert_int_equal(status, OUTCOME_PASS);
			break;
		}
		if (status != OUTCOME_FAIL)
			fail_msg("%s, swapped at its effect %ld: outcome %d", model, at, status);
		if (swap == SWAP_NOTICED)
			check_other_is_blank(w);
		assert_int_equal(world_run(w, 1, WORLD_LIVE), OUTCOME_PASS);
		check_resumed(w);
	}
	assert_true(at > 0);
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void test_sensor_swapped_at_any_effect_never_passes(void **state)
{
	sweep(state, FAKE_SENSOR, SWAP_NOTICED);
}

static void test_sensor_swapped_silently_never_passes(void **state)
{
	sweep(state, FAKE_SENSOR, SWAP_SILENT);
}

static void test_controller_swapped_at_any_effect_never_passes(void **state)
{
	sweep(state, FAKE_CONTROLLER, SWAP_NOTICED);
}

static void test_controller_swapped_silently_never_passes(void **state)
{
	sweep(state, FAKE_CONTROLLER, SWAP_SILENT);
}

static void test_stock_controller_swapped_at_any_effect_never_passes(void **state)
{
	sweep(state, FAKE_STOCK_CONTROLLER, SWAP_NOTICED);
}

static void test_stock_controller_swapped_silently_never_passes(void **state)
{
	sweep(state, FAKE_STOCK_CONTROLLER, SWAP_SILENT);
}

static void test_meter_swapped_at_any_effect_never_passes(void **state)
{
	sweep(state, FAKE_METER, SWAP_NOTICED);
}

static void test_meter_swapped_silently_never_passes(void **state)
{
	sweep(state, FAKE_METER, SWAP_SILENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sensor_swapped_at_any_effect_never_passes, teardown),
		cmocka_unit_test_teardown(test_sensor_swapped_silently_never_passes, teardown),
		cmocka_unit_test_teardown(test_controller_swapped_at_any_effect_never_passes, teardown),
		cmocka_unit_test_teardown(test_controller_swapped_silently_never_passes, teardown),
		cmocka_unit_test_teardown(test_stock_controller_swapped_at_any_effect_never_passes, teardown),
		cmocka_unit_test_teardown(test_stock_controller_swapped_silently_never_passes, teardown),
		cmocka_unit_test_teardown(test_meter_swapped_at_any_effect_never_passes, teardown),
		cmocka_unit_test_teardown(test_meter_swapped_silently_never_passes, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
