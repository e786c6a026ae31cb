/*
 * Whether the wall clock can be believed. Certificates and the log are dated by it, and a
 * factory PC whose battery died starts in another year. The log is the witness: the
 * clock is in doubt when it is earlier than the log by more than two minutes, or
 * later by more than 400 days. Then units wait until the clock is set right, or until two
 * officers say that it is (station clock accept).
 */
#ifndef STATION_CLOCK_H
#define STATION_CLOCK_H

#include "base/db.h"
#include "station/people/people.h"

struct clock_look {
	bool in_doubt;
	bool log_known; /* false: an empty log contradicts nobody */
	int64_t now_ms, log_ms;
	char text[200]; /* in doubt: both times, and what to do */
};
/* One row is read: cheap enough for each unit. What the doubtful clock itself dates does not end the doubt. */
MUST_USE int clock_check(struct db *db, int64_t now_ms, struct clock_look *ret_look, struct err *err);
MUST_USE int clock_in_doubt(struct db *db, int64_t now_ms, bool *ret_in_doubt, struct err *err);

/*
 * The two vouch for the clock: an entry "clock-accepted" of now_ms, from which the log goes
 * on. ERR_OPERATOR if it is not in doubt.
 */
MUST_USE int clock_accept(struct db *db, const char *station, int64_t now_ms,
			  const struct witnesses *witnesses, struct err *err);

#endif
