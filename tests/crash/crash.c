/*
 * For k = 0, 1, 2...: a station dies at the k-th event of a unit's life, another
 * comes after it, on another slot, and must end what was begun. Every point of
 * every pipeline is tried; what must hold is in check.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "station/provision.h"
#include "tests/crash/world.h"
#include "tests/fakes/unit.h"

#define EVENTS_MAX 2000 /* more than any pipeline has: the sweep must end by itself */
#define ROUNDS     20   /* units whose stations die again and again */
#define DEATHS_MAX 30   /* of one unit's stations, before one is left alone */
#define ROUNDS     20   /* units whose stations die again and again */
#define DEATHS_MAX 30   /* of one unit's stations, before one is left alone */

/* A unit that passed stays as it is, however often it is seated. */
static void check_third_run(const struct world *w)
{
	uint8_t before[32], after[32];

	check_digest(w, before);
	assert_int_equal(world_run(w, 0, WORLD_LIVE), OUTCOME_ALREADY);
	check_digest(w, after);
	assert_memory_equal(before, after, sizeof(before));
}

/* The station after the one that died. */
static void resume(const struct world *w)
{
	int status;

	check_after_death(w);
	status = world_run(w, 1, WORLD_LIVE);
	/* It may have died behind its last commit. */
	assert_true(status == OUTCOME_PASS || status == OUTCOME_ALREADY);
	check_passed(w);
	check_third_run(w);
}

static void sweep(struct world *w, unsigned events, bool power_cut)
{
	long at = 0, deaths = 0;
	int status = WORLD_DEATH;

	for (; status == WORLD_DEATH; at++, deaths++) {
		assert_true(at < EVENTS_MAX);
		world_reset(w);
		status = world_run(w, 0, (struct world_death){ at, events, power_cut });
		if (status == WORLD_DEATH)
			resume(w);
	}
	/* The last one lived: that is the undisturbed run. */
	assert_int_equal(status, OUTCOME_PASS);
	check_passed(w);
	print_message("%s: %ld deaths\n", w->model, deaths - 1);
	assert_true(deaths > 1);
}

/* The world is the test's state, so that it ends even when the test fails. */
static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void sweep_model(void **state, const char *model, bool power_cut)
{
	struct world *w = world_new(model);

	*state = w;
	sweep(w, EVENTS_DISK | EVENTS_UNIT, power_cut);
}

static void test_sensor_killed_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_SENSOR, false);
}

static void test_controller_killed_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_CONTROLLER, false);
}

static void test_meter_killed_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_METER, false);
}

static void test_sensor_power_cut_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_SENSOR, true);
}

static void test_controller_power_cut_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_CONTROLLER, true);
}

static void test_meter_power_cut_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_METER, true);
}

static void test_stock_controller_killed_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_STOCK_CONTROLLER, false);
}

static void test_stock_meter_killed_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_STOCK_METER, false);
}

static void test_stock_controller_power_cut_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_STOCK_CONTROLLER, true);
}

static void test_stock_meter_power_cut_at_every_event_gets_one_identity(void **state)
{
	sweep_model(state, FAKE_STOCK_METER, true);
}

/* From a blank TPM only the unit's effects are tried, since each run makes RSA keys. */
static void test_gateway_killed_at_every_effect_gets_one_identity(void **state)
{
	struct world *w = world_new(FAKE_GATEWAY);

	*state = w;
	sweep(w, EVENTS_UNIT, false);
}

static void test_gateway_killed_at_every_write_gets_one_identity(void **state)
{
	struct world *w = world_new(FAKE_GATEWAY);

	*state = w;
	world_reset(w);
	assert_int_equal(world_run(w, 0, WORLD_LIVE), OUTCOME_PASS);
	world_keep_tpm(w);
	sweep(w, EVENTS_DISK | EVENTS_UNIT, false);
	sweep(w, EVENTS_DISK | EVENTS_UNIT, true);
}

/* --- Stations that die while they end what a dead one began -------------------------------------------- */

/* Numerical Recipes' LCG: the same rounds each time. */
static unsigned draw(uint32_t *seed, unsigned below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static unsigned die_again_and_again(const struct world *w, uint32_t *seed)
{
	for (unsigned n = 0; n < DEATHS_MAX; n++) {
		const struct world_death death = { (long)draw(seed, 40), EVENTS_DISK | EVENTS_UNIT,
						   draw(seed, 2) == 1 };

		if (world_run(w, draw(seed, 2), death) != WORLD_DEATH)
			return n;
		check_after_death(w);
	}
	return DEATHS_MAX;
}

static void die_in_rounds(void **state, const char *model)
{
	struct world *w = world_new(model);
	unsigned deaths = 0;
	uint32_t seed = 1;

	*state = w;
	for (unsigned round = 0; round < ROUNDS; round++) {
		world_reset(w);
		deaths += die_again_and_again(w, &seed);
		resume(w);
	}
	print_message("%s: %u deaths of %d units\n", model, deaths, ROUNDS);
	assert_true(deaths > ROUNDS);
}

static void test_sensors_killed_again_and_again_get_one_identity(void **state)
{
	die_in_rounds(state, FAKE_SENSOR);
}

static void test_controllers_killed_again_and_again_get_one_identity(void **state)
{
	die_in_rounds(state, FAKE_CONTROLLER);
}

static void test_stock_controllers_killed_again_and_again_get_one_identity(void **state)
{
	die_in_rounds(state, FAKE_STOCK_CONTROLLER);
}

static void test_meters_killed_again_and_again_get_one_identity(void **state)
{
	die_in_rounds(state, FAKE_METER);
}

static void test_sensor_after_death_in_login_gets_its_identity(void **state)
{
	struct world *w = world_new(FAKE_SENSOR);

	*state = w;
	world_reset(w);
	world_empty_token(w);
	assert_int_equal(world_run(w, 0, WORLD_LIVE), OUTCOME_PASS);
	check_passed(w);
}

/* With an argument only the tests of that name (with * and ?), so that ctest runs them side by side. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_sensor_killed_at_every_event_gets_one_identity, teardown),
		cmocka_unit_test_teardown(test_controller_killed_at_every_event_gets_one_identity, teardown),
		cmocka_unit_test_teardown(test_meter_killed_at_every_event_gets_one_identity, teardown),
		cmocka_unit_test_teardown(test_sensor_power_cut_at_every_event_gets_one_identity, teardown),
		cmocka_unit_test_teardown(test_controller_power_cut_at_every_event_gets_one_identity,
					  teardown),
		cmocka_unit_test_teardown(test_meter_power_cut_at_every_event_gets_one_identity, teardown),
		cmocka_unit_test_teardown(test_stock_controller_killed_at_every_event_gets_one_identity,
					  teardown),
		cmocka_unit_test_teardown(test_stock_meter_killed_at_every_event_gets_one_identity, teardown),
		cmocka_unit_test_teardown(test_stock_controller_power_cut_at_every_event_gets_one_identity,
					  teardown),
		cmocka_unit_test_teardown(test_stock_meter_power_cut_at_every_event_gets_one_identity,
					  teardown),
		cmocka_unit_test_teardown(test_stock_controllers_killed_again_and_again_get_one_identity,
					  teardown),
		cmocka_unit_test_teardown(test_gateway_killed_at_every_effect_gets_one_identity, teardown),
		cmocka_unit_test_teardown(test_gateway_killed_at_every_write_gets_one_identity, teardown),
		cmocka_unit_test_teardown(test_sensors_killed_again_and_again_get_one_identity, teardown),
		cmocka_unit_test_teardown(test_controllers_killed_again_and_again_get_one_identity, teardown),
		cmocka_unit_test_teardown(test_meters_killed_again_and_again_get_one_identity, teardown),
		cmocka_unit_test_teardown(test_sensor_after_death_in_login_gets_its_identity, teardown),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
