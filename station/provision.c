/*
 * A job run to its end. Retries: one budget per step, five tries, each pause twice the one before,
 * on a fixture opened anew. Whose fault an exhausted budget is, the step knows: one that talks to the
 * unit bins the unit, any other calls a person. Then the failure is recorded, or the station stops.
 */
#include "station/provision.h"

#include "base/log.h"
#include "station/journal.h"

#define TRIES_MAX  5u
#define BACKOFF_MS 100u

/* Behind a link that broke another unit may sit by now: the job is the first one's alone. */
static int reach_again(struct job *job, const struct reach *reach, struct err *err)
{
	struct fixture *fresh = NULL;
	struct deadline dl;

	job_set_fixture(job, NULL);
	fixture_close(*reach->fixture);
	*reach->fixture = NULL;
	if (reach->reopen(reach->arg, &fresh, err) < 0)
		return -1;
	*reach->fixture = fresh;
	job_set_fixture(job, fresh);
	dl = deadline_in_ms(fixture_identify_ms(fresh));
	if (job_check_unit(job, &dl, err) < 0) {
		job_set_fixture(job, NULL);
		return -1;
	}
	return 0;
}

static void pause_after(unsigned tries)
{
	const struct deadline dl = deadline_in_ms(BACKOFF_MS << tries);

	deadline_sleep(&dl, BACKOFF_MS << tries);
}

static int give_up(const struct job *job, struct err *err)
{
	const struct step *step = &job->pipeline->steps[job->next];

	return err_raise(err, step->talks ? ERR_UNIT : ERR_OPERATOR);
}

/* One try at the step where the job stands. A port that is away may come back: the next try opens it. */
static int try_once(struct job *job, const struct reach *reach, bool again, struct err *err)
{
	if (again && reach != NULL && reach_again(job, reach, err) < 0)
		return err_wrap(err, "unit %s, step %s", job->unit.serial,
				job->pipeline->steps[job->next].name);
	return job_run(job, err);
}

static bool worth_another(const struct reach *reach, const struct err *err)
{
	/*
	 * A port that can't be opened is for a person, but a board that reboots takes its port along. Who refuses
	 * behind an open port, a log-in perhaps, is not asked again: that could lock the account.
	 */
	return err->class == ERR_RETRY ||
	       (err->class == ERR_OPERATOR && reach != NULL && *reach->fixture == NULL);
}

static int run_with_retries(struct job *job, const struct reach *reach, struct err *err)
{
	size_t at = job->next;
	unsigned tries = 0;

	while (try_once(job, reach, tries > 0, err) < 0) {
		if (job->next != at) {
			at = job->next;
			tries = 0;
		}
		if (!worth_another(reach, err))
			return -1;
		if (++tries == TRIES_MAX || atomic_load(&job->st->stop))
			return give_up(job, err);
		log_line(LOG_LEVEL_WARN, "retry", "unit=%s try=%u what=%s", job->unit.serial, tries,
			 err->what);
		pause_after(tries);
	}
	return 0;
}

static enum outcome record_failure(struct job *job, struct err *why)
{
	struct err broken = { 0 };

	if (journal_fail(job, why, &broken) == 0)
		return OUTCOME_FAIL;
	/* What can't be recorded stops the station, whatever kept it from being recorded. */
	(void)err_raise(&broken, ERR_STATION);
	*why = broken;
	return OUTCOME_BROKEN;
}

static enum outcome run_job(struct job *job, const struct reach *reach, struct err *why)
{
	int ret = run_with_retries(job, reach, why);

	job_set_fixture(job, NULL);
	if (ret == 0)
		return OUTCOME_PASS;
	if (why->class >= ERR_STATION)
		return OUTCOME_BROKEN;
	if (atomic_load(&job->st->stop))
		return OUTCOME_STOPPED;
	return record_failure(job, why);
}

enum outcome provision_unit(struct job *job, const struct reach *reach, struct err *why)
{
	int chosen = job_choose_profile(job, why);
	struct err broken = { 0 };
	bool passed = false;

	/* A unit that has passed stays so, also when no profile takes its model any more. */
	if (journal_passed(job, &passed, &broken) < 0) {
		(void)err_raise(&broken, ERR_STATION);
		*why = broken;
		return OUTCOME_BROKEN;
	}
	if (passed)
		return OUTCOME_ALREADY;
	if (chosen < 0)
		return record_failure(job, why);
	return run_job(job, reach, why);
}
