/*
 * What a lead or an officer decides about a device's enrollment, with a reason: every such decision is an
 * entry in the log that names who and why.
 */
#ifndef STATION_COMMANDS_ENROLL_ACT_H
#define STATION_COMMANDS_ENROLL_ACT_H

#include "audit/audit.h"
#include "station/commands/acting.h"
#include "station/options.h"

struct enroll_act {
	struct acting acting;
	const char *doing; /* "dropping a record" */
	const char *reason;
	char by[OPERATOR_ID_MAX + 1]; /* "" in a station without operators */
};
/* Asks who acts. ERR_OPERATOR without --reason, or if the person may not. */
MUST_USE int enroll_act_open(const struct options *options, const char *doing, struct enroll_act *ret_act,
			     struct err *err);
void enroll_act_close(struct enroll_act *act);

/* What the entry says beside person, reason and station; texts may be NULL. */
struct enroll_act_entry {
	const char *kind; /* "enrollment-dropped" */
	const char *registration_id;
	const char *unit; /* its serial      */
	const char *job;  /* of the record   */
	const char *was;  /* what it was before, or what differed */
};
/* In the caller's transaction. The person is looked at once more: somebody may have been disabled meanwhile. */
MUST_USE int enroll_act_log(const struct enroll_act *act, struct db_tx *tx,
			    const struct enroll_act_entry *entry, struct err *err);

#endif
