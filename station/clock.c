/* The clock against the log. What the log knows is audit's (audit_clock); here it is put in words. */
#include "station/clock.h"

#include <inttypes.h>

#include "audit/audit.h"
#include "base/deadline.h"

static int look(struct db_tx *tx, int64_t now_ms, struct clock_look *ret, struct err *err)
{
	*ret = (struct clock_look){ .now_ms = now_ms };
	if (audit_clock(tx, &ret->log_ms, &ret->log_known, err) < 0)
		return -1;
	ret->in_doubt = ret->log_known && audit_clock_contradicts(ret->log_ms, now_ms);
	return 0;
}

static int explain(struct clock_look *look, struct err *err)
{
	char now[CLOCK_ISO_LEN + 1], log[CLOCK_ISO_LEN + 1];

	clock_iso8601(look->now_ms, now);
	clock_iso8601(look->log_ms, log);
	if (str_format(look->text, sizeof(look->text),
		       "the clock says %s, the log's latest time is %s; set the clock right, or let two "
		       "officers accept it: station clock accept",
		       now, log) < 0)
		return err_set(err, ERR_BUG, 0, "a sentence about the clock does not fit");
	return 0;
}

int clock_check(struct db *db, int64_t now_ms, struct clock_look *ret_look, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct clock_look seen;

	db_read_begin(db, &tx);
	if (look(&tx, now_ms, &seen, err) < 0 || (seen.in_doubt && explain(&seen, err) < 0))
		return err_wrap(err, "asking the log for the time");
	*ret_look = seen;
	return 0;
}

int clock_in_doubt(struct db *db, int64_t now_ms, bool *ret_in_doubt, struct err *err)
{
	struct clock_look seen;

	if (clock_check(db, now_ms, &seen, err) < 0)
		return -1;
	*ret_in_doubt = seen.in_doubt;
	return 0;
}

static int append(struct db_tx *tx, const char *station, const struct clock_look *seen,
		  const struct witnesses *witnesses, struct err *err)
{
	struct audit_head head;
	char key[64], log[CLOCK_ISO_LEN + 1];
	const struct audit_field fields[] = {
		{ "log_time", log },
		{ "witness_1", witnesses->first[0] != '\0' ? witnesses->first : NULL },
		{ "witness_2", witnesses->second[0] != '\0' ? witnesses->second : NULL },
		{ "station", station },
	};
	const struct audit_event event = { AUDIT_CLOCK_ACCEPTED, key, fields, ARRAY_LEN(fields) };

	clock_iso8601(seen->log_ms, log);
	if (audit_head(tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "clock-accepted-%" PRId64, head.size) < 0)
		return err_set(err, ERR_BUG, 0, "an audit key does not fit");
	return audit_append(tx, seen->now_ms, &event, err);
}

int clock_accept(struct db *db, const char *station, int64_t now_ms, const struct witnesses *witnesses,
		 struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct clock_look seen;

	if (db_begin(db, &tx, err) < 0 || look(&tx, now_ms, &seen, err) < 0)
		return -1;
	if (!seen.in_doubt)
		return err_set(err, ERR_OPERATOR, 0, "the clock is not in doubt; there is nothing to accept");
	if (people_check_witnesses(&tx, ACT_CLOCK, witnesses, err) < 0 ||
	    append(&tx, station, &seen, witnesses, err) < 0)
		return -1;
	return db_commit(&tx, err);
}
