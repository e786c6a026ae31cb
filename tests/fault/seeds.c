/*
 * A unit behind a line that drops, spoils, doubles and cuts, by seed. Whatever the line does, it is the
 * line's fault (ERR_RETRY) and never the unit's; what the driver says was done was done; and the next who
 * speaks to the unit over a good line finds it well.
 */
#include "tests/unit/emulator/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixtures/fixture.h"

#define SEEDS_DEFAULT 40
#define FAULTS        "drop=30,garbage=30,truncate=30,dup=30,cut=15,delay=3"
#define STEP_MS       350
#define GOOD_MS       10000
#define CHAIN_LEN     1500
#define LINK_CAP      160

static unsigned seeds = SEEDS_DEFAULT; /* of main's argument, for the one test */

/* What was put, and may be kept. */
struct chain {
	uint8_t bytes[CHAIN_LEN];
};

struct tally {
	unsigned done, failed;
};

/* The fixture borrows link, and opens it again after a cut. */
static struct fixture *open_fixture(const char *faults, const char *tty, char link[LINK_CAP])
{
	const struct fixture_conf conf = { .driver = "smp", .link = link };
	struct fixture *fixture = NULL;
	struct err err = { 0 };

	assert_int_equal(str_format(link, LINK_CAP, "%sserial:%s", faults, tty), 0);
	if (fixture_open(&conf, &fixture, &err) < 0)
		fail_msg("%s", err.what);
	return fixture;
}

/* A failure is the line's. */
static bool done(int rc, const struct err *err, unsigned seed, struct tally *tally)
{
	if (rc < 0 && err->class != ERR_RETRY)
		fail_msg("seed %u: %s: %s (%s)", seed, err->where, err->what, err_class_name(err->class));
	tally->done += rc == 0;
	tally->failed += rc < 0;
	return rc == 0;
}

static void assert_one_of(struct bytes got, const struct chain *before, const struct chain *after)
{
	assert_true(bytes_equal(got, BYTES_ARRAY(before->bytes)) ||
		    bytes_equal(got, BYTES_ARRAY(after->bytes)));
}

/* Everything that an x509 unit is asked; each may fail, none may lie. */
static void serve(struct fixture *fixture, const char *serial, unsigned seed, const struct chain *before,
		  const struct chain *after, struct tally *tally)
{
	static const uint8_t nonce[FIXTURE_NONCE_LEN] = { 3 };
	BUF_AUTO(got, FIXTURE_ITEM_MAX);
	struct unit_info info;
	struct err err = { 0 };
	struct deadline dl = deadline_in_ms(STEP_MS);
	bool put;

	if (done(fixture_identify(fixture, &dl, &info, &err), &err, seed, tally))
		assert_string_equal(info.serial, serial);
	dl = deadline_in_ms(STEP_MS);
	if (done(fixture_make_key(fixture, &dl, "unit-1", &got, &err), &err, seed, tally))
		assert_true(got.len > 100);
	dl = deadline_in_ms(STEP_MS);
	put = done(fixture_put(fixture, &dl, UNIT_ITEM_CHAIN, BYTES_ARRAY(after->bytes), &err), &err, seed,
		   tally);
	dl = deadline_in_ms(STEP_MS);
	if (done(fixture_get(fixture, &dl, UNIT_ITEM_CHAIN, &got, &err), &err, seed, tally))
		assert_one_of(buf_bytes(&got), put ? after : before, after);
	dl = deadline_in_ms(STEP_MS);
	(void)done(fixture_prove(fixture, &dl, BYTES_ARRAY(nonce), &got, &err), &err, seed, tally);
}

/* Over a good line, before NULL at the very first; the chain that is kept is the last one put or the one before, never a mix. */
static void assert_well(const struct bench_device *device, unsigned seed, const struct chain *before,
			const struct chain *after)
{
	char link[LINK_CAP];
	CLEANUP(fixture_closep) struct fixture *fixture = open_fixture("", device->tty, link);
	struct deadline dl = deadline_in_ms(GOOD_MS);
	BUF_AUTO(got, FIXTURE_ITEM_MAX);
	struct unit_info info;
	struct err err = { 0 };

	if (fixture_identify(fixture, &dl, &info, &err) < 0 ||
	    (before != NULL && fixture_get(fixture, &dl, UNIT_ITEM_CHAIN, &got, &err) < 0))
		fail_msg("after seed %u: %s: %s", seed, err.where, err.what);
	assert_string_equal(info.serial, device->serial);
	if (before != NULL)
		assert_one_of(buf_bytes(&got), before, after);
	if (fixture_put(fixture, &dl, UNIT_ITEM_CHAIN, BYTES_ARRAY(after->bytes), &err) < 0 ||
	    fixture_get(fixture, &dl, UNIT_ITEM_CHAIN, &got, &err) < 0)
		fail_msg("after seed %u: %s: %s", seed, err.where, err.what);
	assert_true(bytes_equal(buf_bytes(&got), BYTES_ARRAY(after->bytes)));
}

static void make_chain(unsigned seed, struct chain *ret)
{
	for (size_t i = 0; i < CHAIN_LEN; i++)
		ret->bytes[i] = (uint8_t)(i * 7 + seed * 13);
}

static void test_a_bad_line_is_never_the_units_fault(void **state)
{
	struct bench *bench = *state;
	struct chain before, after;
	struct tally tally = { 0, 0 };

	bench_start(bench, "1", (const char *const[]){ "--kinds", "sensor", "--buf-size", "512", NULL });
	make_chain(0, &after);
	assert_well(&bench->devices[0], 0, NULL, &after);
	for (unsigned seed = 1; seed <= seeds; seed++) {
		struct fixture *fixture;
		char faults[96], link[LINK_CAP];

		before = after;
		make_chain(seed, &after);
		assert_int_equal(str_format(faults, sizeof(faults), "fault:%u," FAULTS ":", seed), 0);
		fixture = open_fixture(faults, bench->devices[0].tty, link);
		serve(fixture, bench->devices[0].serial, seed, &before, &after, &tally);
		fixture_close(fixture);
		assert_well(&bench->devices[0], seed, &before, &after);
	}
	(void)printf("%u asked well, %u in vain\n", tally.done, tally.failed);
	/* A test in which nothing or everything fails tells nothing. */
	assert_true(tally.done > seeds);
	assert_true(tally.failed > seeds / 10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_bad_line_is_never_the_units_fault, bench_setup,
						bench_teardown),
	};

	if (argc > 1)
		seeds = (unsigned)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
