/*
 * Results: one small row per unit that ended, for the shift report. Written in
 * the transaction that records the end, so the report and the log agree.
 */
#ifndef STATION_RESULTS_H
#define STATION_RESULTS_H

#include "base/db.h"
#include "base/err.h"

struct result {
	const char *slot;
	const char *operator_id; /* NULL or empty: nobody was logged in */
	const char *step;        /* where it failed; NULL for a pass */
	enum err_class class;    /* ERR_NONE for a pass */
	int64_t at_ms;           /* wall clock */
	int64_t elapsed_ms;
};

MUST_USE int results_init(struct db *db, struct err *err);
MUST_USE int results_add(struct db_tx *tx, const struct result *result, struct err *err);

typedef int results_visit_fn(void *arg, const struct result *result, struct err *err);
/*
 * Those from from_ms until before until_ms, oldest first. Texts are borrowed for the call; the database's
 * reader is locked meanwhile, so visit must neither use it nor block.
 */
MUST_USE int results_each(struct db *db, int64_t from_ms, int64_t until_ms, results_visit_fn *visit,
			  void *arg, struct err *err);

#endif
