/*
 * The pipeline's rate: units in memory through worker_provision, the very code
 * of a line: CSR check, serial reserved, signature in the token, certificate
 * verified, injected, read back, proved, recorded, three synced commits each.
 *
 *     pipeline STATION_DIR THREADS UNITS FIRST_NUMBER
 */
#include <pthread.h>
#include <stdlib.h>

#include "station/directory.h"
#include "station/job.h"
#include "station/line.h"
#include "station/worker.h"
#include "tests/bench/unit.h"

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
	outcome = worker_provision(&job, NULL, NULL, &err);
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
	b->units = calloc(b->units_n, sizeof(*b->units));
	if (b->units == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	for (unsigned i = 0; i < b->units_n; i++)
		if (bench_unit_init(&b->units[i], first + i, err) < 0)
			return -1;
	return 0;
}

static int run(struct bench *b, struct line *line, unsigned threads_n, unsigned first, struct err *err)
{
	pthread_t threads[32];
	int64_t begin;

	b->st = line_station(line);
	if (make_units(b, first, err) < 0)
		return -1;
	atomic_store(&b->running, threads_n);
	begin = deadline_now_ms();
	for (unsigned i = 0; i < threads_n; i++)
		if (pthread_create(&threads[i], NULL, work, b) != 0)
			return err_set(err, ERR_STATION, 0, "no thread");
	read_events(b, line);
	for (unsigned i = 0; i < threads_n; i++)
		(void)pthread_join(threads[i], NULL);
	(void)printf("%.0f\n", b->units_n * 1000.0 / (double)(deadline_now_ms() - begin));
	for (unsigned i = 0; i < b->units_n; i++)
		bench_unit_deinit(&b->units[i]);
	free(b->units);
	return atomic_load(&b->passed) == b->units_n ? 0 : err_set(err, ERR_UNIT, 0, "not all units passed");
}

int main(int argc, char **argv)
{
	CLEANUP(line_closep) struct line *line = NULL;
	unsigned threads_n = argc == 5 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct bench b = { .units_n = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0 };
	struct err err = { 0 };
	int status;

	if (threads_n < 1 || threads_n > 32 || b.units_n < 1)
		return 2;
	if (secret_heap_init(&err) < 0 || line_open(argv[1], &line, &status, &err) < 0 ||
	    run(&b, line, threads_n, (unsigned)strtoul(argv[4], NULL, 10), &err) < 0) {
		(void)fprintf(stderr, "%s: %s\n", err.where, err.what);
		return 1;
	}
	return 0;
}
