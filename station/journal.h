/*
 * The journal: what is durable about units, jobs and certificate serials.
 * Everything a job found out is written together with the intent of its next
 * step that must not happen twice.
 */
#ifndef STATION_JOURNAL_H
#define STATION_JOURNAL_H

#include "station/job.h"

MUST_USE int journal_init(struct db *db, struct err *err);

/*
 * Jobs are open, failed, passed, or released (journal_release): a released one stays for ever
 * and its key stays known, but the unit begins a new one. Writing to a job that was
 * released meanwhile is ERR_OPERATOR: no try helps, but the unit seated again does.
 *
 * Loads what is known of the job's unit: an open job's fields, or nothing.
 * ERR_UNIT if another unit has its serial or its hardware ID; ERR_OPERATOR if
 * its job was begun by another pipeline or pipeline version.
 */
MUST_USE int journal_load(struct job *job, struct err *err);
/*
 * *ret_passed: this very unit (serial and hardware ID) has its identity recorded;
 * the job then knows its registration ID.
 */
MUST_USE int journal_passed(struct job *job, bool *ret_passed, struct err *err);
/* ERR_UNIT if another unit holds this key or this registration ID, naming it. A read; intend repeats it. */
MUST_USE int journal_check_unique(struct job *job, struct err *err);

/*
 * Makes the intent of step durable, with all that is known so far and with what
 * step->intend adds, in one transaction. Claims serial, hardware ID,
 * registration ID and key for this unit: ERR_UNIT if one is taken.
 */
MUST_USE int journal_intend(struct job *job, const struct step *step, struct err *err);
/* Closes the job as passed, inside record's transaction. */
MUST_USE int journal_pass(struct job *job, struct db_tx *tx, struct err *err);
/* Records a failed attempt, with class, step and cause, and its audit entry. */
MUST_USE int journal_fail(struct job *job, const struct err *why, struct err *err);

/* Takes a certificate serial for the job, for ever; ERR_STATION if it was used before. */
MUST_USE int journal_take_serial(struct job *job, struct db_tx *tx, struct err *err);

/* Why somebody decided so: 1 to 300 characters, none of them a control character. ERR_OPERATOR. */
MUST_USE int journal_check_reason(const char *reason, struct err *err);

struct journal_release {
	const char *serial;
	const char *reason;
	const char *station;
	int64_t at_ms; /* wall clock */
	const struct witnesses *witnesses;
};
/*
 * Releases the unit's job, whatever its state, with an audit entry that names certificate, reason and
 * people. *ret_job is its number. ERR_OPERATOR if the unit has no job (any more).
 */
MUST_USE int journal_release(struct db *db, const struct journal_release *release, int64_t *ret_job,
			     struct err *err);

struct journal_unit {
	const char *serial, *model, *hwid, *registration_id, *profile, *attest, *slot, *state, *step, *cause;
	int64_t job, attempts, started_ms, finished_ms;
	struct bytes leaf;       /* DER; none without a certificate */
	const char *operator_id; /* under whom its last step was begun; NULL: nobody was logged in */
};
typedef int journal_visit_fn(void *arg, const struct journal_unit *unit, struct err *err);
/* serial NULL: all units' jobs; else that one's, found by index. Oldest first; *ret_n of them were visited. */
MUST_USE int journal_each(struct db *db, const char *serial, journal_visit_fn *visit, void *arg,
			  int64_t *ret_n, struct err *err);

struct journal_counts {
	int64_t passed, open;
	int64_t failed; /* open jobs whose last attempt failed */
};
MUST_USE int journal_count(struct db *db, struct journal_counts *ret_counts, struct err *err);

#endif
