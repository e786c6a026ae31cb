/*
 * The worker of a slot. A unit that is seated is the one that answers with
 * another name than the last; it is served once, and the slot is free again
 * when it no longer answers or another one does.
 */
#include "station/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "station/job.h"
#include "station/journal.h"

#define POLL_MS     100
#define IDENTIFY_MS 1500
#define TRIES_MAX   5u
#define BACKOFF_MS  100u

struct worker {
	struct station *st;
	const struct conf_slot *slot;
	struct tools tools;
	pthread_t thread;
	struct unit_info last; /* the unit that was served last and may still sit there */
};

static void post(struct worker *worker, enum event_kind kind, const struct job *job, const struct err *why)
{
	struct event event = { .kind = kind };

	str_clip(event.slot, sizeof(event.slot), worker->slot->name);
	if (job != NULL) {
		str_clip(event.serial, sizeof(event.serial), job->unit.serial);
		str_clip(event.registration_id, sizeof(event.registration_id), job->registration_id);
		event.elapsed_ms = (unsigned)(deadline_now_ms() - job->started_ms);
		if (job->profile != NULL) {
			event.attest = job->profile->attest;
			event.group = job->profile->enroll == ENROLL_GROUP;
		}
		if (job->pipeline != NULL && job->next < job->pipeline->steps_n)
			str_clip(event.step, sizeof(event.step), job->pipeline->steps[job->next].name);
	}
	if (why != NULL) {
		event.class = why->class;
		(void)err_text(why, event.text, sizeof(event.text));
	}
	mailbox_post(worker->st->events, &event);
}

static int open_fixture(void *arg, struct fixture **ret_fixture, struct err *err)
{
	const struct worker *worker = arg;
	const struct fixture_conf conf = { worker->slot->driver, worker->slot->link };

	return fixture_open(&conf, ret_fixture, err);
}

/* Behind a link that broke another unit may sit by now: the job is the first one's alone. */
static int reopen_fixture(struct job *job, reopen_fn *reopen, void *arg, struct fixture **own,
			  struct err *err)
{
	const struct deadline dl = deadline_in_ms(IDENTIFY_MS);
	struct fixture *fresh = NULL;

	job_set_fixture(job, NULL);
	fixture_close(*own);
	*own = NULL;
	if (reopen(arg, &fresh, err) < 0) {
		err->class = ERR_RETRY; /* the port may come back */
		return -1;
	}
	*own = fresh;
	job_set_fixture(job, fresh);
	return job_check_unit(job, &dl, err);
}

/* Five tries at one step, a little longer apart each time; a failed re-open is a failed try. */
static int run_with_retries(struct job *job, reopen_fn *reopen, void *arg, struct fixture **own,
			    struct err *err)
{
	const struct deadline never = deadline_in_ms(TRIES_MAX * BACKOFF_MS << TRIES_MAX);
	size_t at = job->next;
	unsigned tries = 0;

	for (;;) {
		if (job->fixture != NULL && job_run(job, err) == 0)
			return 0;
		if (job->next != at) {
			at = job->next;
			tries = 0;
		}
		if (err->class != ERR_RETRY)
			return -1;
		if (++tries == TRIES_MAX || atomic_load(&job->st->stop))
			return err_raise(err, ERR_UNIT);
		log_line(LOG_LEVEL_WARN, "retry", "unit=%s try=%u what=%s", job->unit.serial, tries,
			 err->what);
		deadline_sleep(&never, BACKOFF_MS << tries);
		if (reopen == NULL)
			continue;
		if (reopen_fixture(job, reopen, arg, own, err) < 0)
			job_set_fixture(job, NULL);
	}
}

static enum outcome run_job(struct job *job, reopen_fn *reopen, void *arg, struct err *why)
{
	struct fixture *own = NULL; /* what reopen gave us; the first fixture is the caller's */
	struct err broken = { 0 };
	int ret;

	ret = run_with_retries(job, reopen, arg, &own, why);
	job_set_fixture(job, NULL);
	fixture_close(own);
	if (ret == 0)
		return OUTCOME_PASS;
	if (why->class >= ERR_STATION)
		return OUTCOME_BROKEN;
	if (atomic_load(&job->st->stop))
		return OUTCOME_STOPPED;
	if (journal_fail(job, why, &broken) < 0) {
		*why = broken;
		return OUTCOME_BROKEN;
	}
	return OUTCOME_FAIL;
}

enum outcome worker_provision(struct job *job, reopen_fn *reopen, void *arg, struct err *why)
{
	struct err broken = { 0 };
	bool passed = false;

	if (journal_passed(job->st->db, &job->unit, &passed, why) < 0)
		return OUTCOME_BROKEN;
	if (passed)
		return OUTCOME_ALREADY;
	if (job_choose_profile(job, why) == 0)
		return run_job(job, reopen, arg, why);
	if (journal_fail(job, why, &broken) < 0) {
		*why = broken;
		return OUTCOME_BROKEN;
	}
	return OUTCOME_FAIL;
}

static void conclude(struct worker *worker, const struct job *job, enum outcome outcome,
		     const struct err *why)
{
	switch (outcome) {
	case OUTCOME_PASS:
		post(worker, EVENT_PASS, job, NULL);
		if (worker->st->sender != NULL)
			enroll_sender_wake(worker->st->sender);
		break;
	case OUTCOME_ALREADY:
		post(worker, EVENT_ALREADY, job, NULL);
		break;
	case OUTCOME_FAIL:
		log_line(LOG_LEVEL_WARN, "unit-failed", "unit=%s fixture=%s class=%s where=%s what=%s",
			 job->unit.serial, worker->slot->name, err_class_name(why->class), why->where,
			 why->what);
		post(worker, EVENT_FAIL, job, why);
		break;
	case OUTCOME_STOPPED:
		break;
	case OUTCOME_BROKEN:
		log_line(LOG_LEVEL_ERROR, "station-stopped", "unit=%s fixture=%s code=%ld where=%s what=%s",
			 job->unit.serial, worker->slot->name, why->code, why->where, why->what);
		atomic_store(&worker->st->stop, true);
		post(worker, EVENT_STOP, job, why);
		break;
	}
}

static void serve(struct worker *worker, struct fixture *fixture, const struct unit_info *unit)
{
	struct err why = { 0 };
	enum outcome outcome;
	struct job job;

	job_init(&job, worker->st, &worker->tools, worker->slot, fixture, unit);
	post(worker, EVENT_SEATED, &job, NULL);
	outcome = worker_provision(&job, open_fixture, worker, &why);
	conclude(worker, &job, outcome, &why);
	seats_leave(worker->st->seats, worker->slot->name);
	job_deinit(&job);
}

/* A unit that answers but can't be served, because what it says of itself is not acceptable. */
static void refuse(struct worker *worker, const struct err *why)
{
	struct unit_info unknown = { .serial = "unknown", .hwid = "unknown", .model = "unknown" };
	struct err broken = { 0 };
	struct job job;

	job_init(&job, worker->st, &worker->tools, worker->slot, NULL, &unknown);
	if (journal_fail(&job, why, &broken) < 0)
		conclude(worker, &job, OUTCOME_BROKEN, &broken);
	else
		conclude(worker, &job, OUTCOME_FAIL, why);
	job_deinit(&job);
	worker->last = unknown;
}

static bool is_last(const struct worker *worker, const struct unit_info *unit)
{
	return strcmp(worker->last.serial, unit->serial) == 0 && strcmp(worker->last.hwid, unit->hwid) == 0;
}

static void look(struct worker *worker)
{
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	const struct deadline dl = deadline_in_ms(IDENTIFY_MS);
	struct unit_info unit;
	struct err err = { 0 };

	if (open_fixture(worker, &fixture, &err) < 0 || fixture_identify(fixture, &dl, &unit, &err) < 0) {
		if (err.class == ERR_UNIT && strcmp(worker->last.serial, "unknown") != 0)
			refuse(worker, &err);
		else if (err.class != ERR_UNIT)
			worker->last = (struct unit_info){ 0 }; /* nobody there: the slot is free */
		return;
	}
	if (is_last(worker, &unit))
		return;
	worker->last = unit;
	serve(worker, fixture, &unit);
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	while (!atomic_load(&worker->st->stop)) {
		const struct deadline pause = deadline_in_ms(POLL_MS);

		look(worker);
		deadline_sleep(&pause, POLL_MS);
	}
	return NULL;
}

int worker_start(struct station *st, const struct conf_slot *slot, struct worker **ret_worker,
		 struct err *err)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	worker->st = st;
	worker->slot = slot;
	if (tools_open(st, &worker->tools, err) < 0) {
		free(worker);
		return err_wrap(err, "slot %s", slot->name);
	}
	if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
		tools_close(&worker->tools);
		free(worker);
		return err_set(err, ERR_STATION, 0, "slot %s: no thread", slot->name);
	}
	*ret_worker = worker;
	return 0;
}

void worker_join(struct worker *worker)
{
	if (worker == NULL)
		return;
	(void)pthread_join(worker->thread, NULL);
	tools_close(&worker->tools);
	free(worker);
}
