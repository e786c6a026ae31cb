/*
 * The pipeline's rate: units in memory through provision_unit, the very code
 * of a line: CSR check, serial reserved, signature in the token, certificate
 * verified, injected, read back, proved, recorded, three synced commits each.
 *
 *     pipeline STATION_DIR THREADS UNITS FIRST_NUMBER
 */
#include <pthread.h>
#include <stdlib.h>

#include "station/directory.h"
#include "station/line.h"
#include "station/provision.h"
#include "tests/bench/unit.h"

#define ROUND 500

struct bench {
	struct station *st;
	struct bench_unit *units;
	unsigned units_n;
	_Atomic unsigned next, passed, running;
};

static bool provision(struct bench *b, const struct tools *tools, struct bench_unit *unit)
{
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	struct err err = { 0 };
	enum outcome outcome;
	struct job job;

	if (fixture_open_with(&bench_unit_ops, unit, &fixture, &err) < 0)
		return false;
	job_init(&job, b->st, tools, &b->st->conf->slots[0], fixture, &unit->info);
	outcome = provision_unit(&job, NULL, &err);
	job_deinit(&job);
	if (outcome != OUTCOME_PASS)
		(void)fprintf(stderr, "%s: %s: %s\n", unit->info.serial, err.where, err.what);
	return outcome == OUTCOME_PASS;
}

static void *work(void *arg)
{
	struct bench *b = arg;
	struct err err = { 0 };
	struct tools tools;

	if (tools_open(b->st, &tools, &err) == 0) {
		for (unsigned i = atomic_fetch_add(&b->next, 1); i < b->units_n;
		     i = atomic_fetch_add(&b->next, 1))
			if (provision(b, &tools, &b->units[i]))
				atomic_fetch_add(&b->passed, 1);
		tools_close(&tools);
	}
	atomic_fetch_sub(&b->running, 1);
	return NULL;
}

/* Main reads the events, as the station's does. */
static void read_events(struct bench *b, struct line *line)
{
	while (atomic_load(&b->running) > 0) {
		const struct deadline tick = deadline_in_ms(20);
		struct event event;
		struct err err = { 0 };
		bool got, signalled;

		if (line_next_event(line, &tick, &event, &got, &signalled, &err) < 0 || signalled)
			break;
	}
}

static int make_units(struct bench *b, unsigned first, struct err *err)
{
	for (unsigned i = 0; i < b->units_n; i++)
		if (bench_unit_init(&b->units[i], first + i, err) < 0)
			return -1;
	return 0;
}

static void free_units(struct bench *b)
{
	for (unsigned i = 0; i < b->units_n; i++)
		bench_unit_deinit(&b->units[i]);
}

/* The time that threads_n workers need for the units that lie ready. */
static int64_t work_through(struct bench *b, struct line *line, unsigned threads_n)
{
	pthread_t threads[32];
	int64_t begin = deadline_now_ms();

	atomic_store(&b->next, 0);
	atomic_store(&b->running, threads_n);
	for (unsigned i = 0; i < threads_n; i++)
		base_assert(pthread_create(&threads[i], NULL, work, b) == 0);
	read_events(b, line);
	for (unsigned i = 0; i < threads_n; i++)
		(void)pthread_join(threads[i], NULL);
	return deadline_now_ms() - begin;
}

/* In rounds, since the keys of all units at once would not fit on the secure heap. */
static int run(struct line *line, unsigned threads_n, unsigned units_n, unsigned first, struct err *err)
{
	static struct bench_unit units[ROUND];
	struct bench b = { .st = line_station(line), .units = units };
	int64_t spent_ms = 0;

	for (unsigned done = 0; done < units_n; done += b.units_n) {
		b.units_n = units_n - done < ROUND ? units_n - done : ROUND;
		if (make_units(&b, first + done, err) < 0)
			return -1;
		spent_ms += work_through(&b, line, threads_n);
		free_units(&b);
	}
	(void)printf("%.0f\n", units_n * 1000.0 / (double)spent_ms);
	return atomic_load(&b.passed) == units_n ? 0 : err_set(err, ERR_UNIT, 0, "not all units passed");
}

int main(int argc, char **argv)
{
	CLEANUP(line_closep) struct line *line = NULL;
	unsigned threads_n = argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned units_n = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	struct err err = { 0 };
	int status;

	if (threads_n < 1 || threads_n > 32 || units_n < 1)
		return 2;
	if (secret_heap_init(&err) < 0 || line_open(argv[1], &line, &status, &err) < 0 ||
	    run(line, threads_n, units_n, (unsigned)strtoul(argv[4], NULL, 10), &err) < 0) {
		(void)fprintf(stderr, "%s: %s\n", err.where, err.what);
		return 1;
	}
	return 0;
}
