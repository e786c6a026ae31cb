/*
 * A worker: one thread for one slot. It waits for a unit, runs its job, and
 * waits until the next one is seated. Retries live here, and nowhere else.
 */
#ifndef STATION_WORKER_H
#define STATION_WORKER_H

#include "station/station.h"

struct worker;
/* Opens the slot's own session and keys, then starts the thread. */
MUST_USE int worker_start(struct station *st, const struct conf_slot *slot, struct worker **ret_worker,
			  struct err *err);
/* Waits for the thread, which ends at its next step once st->stop is set. Accepts NULL. */
void worker_join(struct worker *worker);

/* What became of a unit. */
enum outcome {
	OUTCOME_PASS,
	OUTCOME_ALREADY, /* it has passed before */
	OUTCOME_FAIL,    /* recorded; why says what and where */
	OUTCOME_STOPPED, /* the station stops; the unit's job stays open */
	OUTCOME_BROKEN,  /* the station can't be trusted: stop everything */
};
struct job;
/* Opens the slot's fixture anew after a failed try; NULL keeps the one there is. */
typedef int reopen_fn(void *arg, struct fixture **ret_fixture, struct err *err);
/* Runs a job to its end, with retries, and records a failure. For workers, tests and benchmarks. */
enum outcome worker_provision(struct job *job, reopen_fn *reopen, void *arg, struct err *why);

#endif
