/* station enroll release REGISTRATION-ID --reason TEXT, station enroll drop REGISTRATION-ID --reason TEXT. */
#include "enroll/enroll.h"

#include "base/deadline.h"
#include "station/commands/enroll.h"
#include "station/commands/enroll_act.h"
#include "station/exit.h"

typedef int decide_fn(struct db_tx *tx, const struct enroll_decision *decision,
		      struct enroll_decided *ret_decided, struct err *err);

/* The decision and its entry, both or none. */
static int decide(const struct enroll_act *act, const char *id, const char *kind, decide_fn *fn,
		  struct enroll_decided *ret, struct err *err)
{
	const struct enroll_decision decision = { id, clock_wall_ms(), act->by[0] != '\0' ? act->by : NULL,
						  act->reason };
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct enroll_act_entry entry = { .kind = kind };

	if (db_begin(act->acting.db, &tx, err) < 0 || fn(&tx, &decision, ret, err) < 0)
		return -1;
	entry.registration_id = ret->registration_id;
	entry.job = ret->job;
	entry.was = ret->reason;
	if (enroll_act_log(act, &tx, &entry, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

int enroll_command_release(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(enroll_act_close) struct enroll_act act = { 0 };
	struct enroll_decided decided;

	if (enroll_act_open(options, "releasing a record from quarantine", &act, err) < 0 ||
	    decide(&act, options->args[1], "enrollment-released", enroll_release, &decided, err) < 0)
		return -1;
	if (options->json)
		(void)printf("{\"event\":\"enrollment-released\",\"registrationId\":\"%s\",\"job\":\"%s\"}\n",
			     decided.registration_id, decided.job);
	else
		(void)printf("The record of %s (job %s) is queued again.\n", decided.registration_id,
			     decided.job);
	*ret_exit = EXIT_DONE;
	return 0;
}

int enroll_command_drop(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(enroll_act_close) struct enroll_act act = { 0 };
	struct enroll_decided decided;

	if (enroll_act_open(options, "dropping a record", &act, err) < 0 ||
	    decide(&act, options->args[1], "enrollment-dropped", enroll_drop, &decided, err) < 0)
		return -1;
	if (options->json)
		(void)printf("{\"event\":\"enrollment-dropped\",\"registrationId\":\"%s\",\"job\":\"%s\"}\n",
			     decided.registration_id, decided.job);
	else
		(void)printf("The record of %s (job %s) is given up; station enroll list --all shows it.\n",
			     decided.registration_id, decided.job);
	*ret_exit = EXIT_DONE;
	return 0;
}
