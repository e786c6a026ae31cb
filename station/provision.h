/*
 * A job run to its end: with retries, with the same unit, and with its failure
 * recorded. Retries live here, and nowhere else.
 */
#ifndef STATION_PROVISION_H
#define STATION_PROVISION_H

#include "station/job.h"

/* What became of a unit. */
enum outcome {
	OUTCOME_PASS,
	OUTCOME_ALREADY, /* it has passed before */
	OUTCOME_FAIL,    /* recorded; why says what and where */
	OUTCOME_STOPPED, /* the station stops; the unit's job stays open */
	OUTCOME_BROKEN,  /* the station can't be trusted: stop everything */
};

/*
 * How a job gets a fresh fixture after a failed try. *fixture is the caller's
 * variable: what it holds is closed and replaced there (NULL while the port is
 * gone), so a port that only one program may open can be opened again.
 */
struct reach {
	struct fixture **fixture;
	int (*reopen)(void *arg, struct fixture **ret_fixture, struct err *err);
	void *arg;
};

/* reach NULL: every try uses the job's first fixture. For workers, tests and benchmarks. */
enum outcome provision_unit(struct job *job, const struct reach *reach, struct err *why);

#endif
