/* Reading jobs (journal_read.c): for who writes them (journal.c) and for recall.c. */
#ifndef STATION_JOURNAL_INTERNAL_H
#define STATION_JOURNAL_INTERNAL_H

#include "station/journal.h"

/* What the job claims, in the transaction that claims it. ERR_UNIT if another unit has it, naming that one. */
MUST_USE int journal_check_claims(struct db_tx *tx, const struct job *job, struct err *err);

/* The columns that journal_visit_rows reads, in order. */
#define JOURNAL_UNIT_SQL                                                                                     \
	"SELECT serial, model, hwid, registration_id, profile, attest, slot, state, step, cause, id,"        \
	" attempts, started_ms, finished_ms, leaf, operator FROM job"
/* All rows of the query; *ret_n of them were visited. */
MUST_USE int journal_visit_rows(struct db_query *q, journal_visit_fn *visit, void *arg, int64_t *ret_n,
				struct err *err);

#endif
