/*
 * A worker: one thread for one slot. It waits for a unit, runs its job, and
 * waits until the next one is seated.
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

#endif
