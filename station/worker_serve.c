/*
 * What a worker does with a unit that it found: serves it when nobody has to be waited for, refuses it when it says
 * nothing acceptable of itself, and says both.
 */
#include "base/log.h"
#include "station/journal.h"
#include "station/provision.h"
#include "station/worker_internal.h"

#define REFUSE_MS 10000 /* a slot that flaps must not fill the log */

void worker_post(struct worker *worker, enum event_kind kind, const struct job *job, const struct err *why)
{
	struct event event = { .kind = kind };

	str_clip(event.slot, sizeof(event.slot), worker->slot->name);
	if (job != NULL) {
		str_clip(event.serial, sizeof(event.serial), job->unit.serial);
		str_clip(event.registration_id, sizeof(event.registration_id), job->registration_id);
		str_clip(event.operator_id, sizeof(event.operator_id), job->seating.operator_id);
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

int worker_open(void *arg, struct fixture **ret_fixture, struct err *err)
{
	const struct worker *worker = arg;
	const struct fixture_settings settings = conf_slot_settings(worker->slot);
	const struct fixture_conf conf = { worker->slot->driver, worker->slot->link, &settings };

	return fixture_open(&conf, ret_fixture, err);
}

void worker_break_down(struct worker *worker, const struct job *job, const struct err *why)
{
	log_line(LOG_LEVEL_ERROR, "station-stopped", "unit=%s fixture=%s code=%ld where=%s what=%s",
		 job != NULL ? job->unit.serial : "", worker->slot->name, why->code, why->where, why->what);
	atomic_store(&worker->st->stop, true);
	worker_post(worker, EVENT_STOP, job, why);
}

static void conclude(struct worker *worker, const struct job *job, enum outcome outcome,
		     const struct err *why)
{
	switch (outcome) {
	case OUTCOME_PASS:
		worker_post(worker, EVENT_PASS, job, NULL);
		if (worker->st->sender != NULL)
			enroll_sender_wake(worker->st->sender);
		break;
	case OUTCOME_ALREADY:
		worker_post(worker, EVENT_ALREADY, job, NULL);
		break;
	case OUTCOME_FAIL:
		log_line(LOG_LEVEL_WARN, "unit-failed", "unit=%s fixture=%s class=%s where=%s what=%s",
			 job->unit.serial, worker->slot->name, err_class_name(why->class), why->where,
			 why->what);
		worker_post(worker, EVENT_FAIL, job, why);
		break;
	case OUTCOME_STOPPED:
		break;
	case OUTCOME_BROKEN:
		worker_break_down(worker, job, why);
		break;
	}
}

static void serve(struct worker *worker, struct fixture **fixture, const struct unit_info *unit,
		  const struct seating *seating)
{
	const struct reach reach = { fixture, worker_open, worker };
	struct err why = { 0 };
	enum outcome outcome;
	struct job job;

	job_init(&job, worker->st, &worker->tools, worker->slot, *fixture, unit);
	job.seating = *seating;
	outcome = provision_unit(&job, &reach, &why);
	/* Perhaps because another one sits there now. */
	if (outcome == OUTCOME_FAIL && why.class == ERR_UNIT)
		worker->asked_at = 0;
	conclude(worker, &job, outcome, &why);
	seats_leave(worker->st->seats, worker->slot->name);
	job_deinit(&job);
}

void worker_post_about(struct worker *worker, enum event_kind kind, const char *serial)
{
	struct event event = { .kind = kind, .wait = worker->wait };

	str_clip(event.slot, sizeof(event.slot), worker->slot->name);
	str_clip(event.serial, sizeof(event.serial), serial);
	mailbox_post(worker->st->events, &event);
}

void worker_leave(struct worker *worker)
{
	if (worker->last.serial[0] == '\0')
		return;
	worker->wait = WAIT_NONE;
	contact_went(&worker->contact, deadline_now_ms());
	if (worker->st->desk != NULL)
		desk_left(worker->st->desk, worker->slot);
	worker_post_about(worker, EVENT_FREE, worker->last.serial);
	worker->last = (struct unit_info){ 0 };
	worker->refused = worker->shut_out = false;
}

static enum wait may_start(struct worker *worker, const struct unit_info *unit, struct seating *ret_seating)
{
	if (worker->st->desk == NULL)
		return WAIT_NONE;
	return desk_may_start(worker->st->desk, worker->slot, conf_slot_profile(worker->slot, unit->model),
			      unit->serial, ret_seating);
}

/* No job begins under a name that was only kept: while one waits, boards are swapped on a line that nobody listens to. */
void worker_attend(struct worker *worker, struct fixture **fixture, const struct unit_info *unit)
{
	struct seating seating = { 0 };
	enum wait wait = may_start(worker, unit, &seating);
	bool changed = wait != worker->wait;

	if (wait == WAIT_NONE && worker->kept) {
		worker->asked_at = 0;
		return;
	}
	worker->wait = wait;
	if (wait == WAIT_NONE)
		serve(worker, fixture, unit, &seating);
	else if (changed)
		worker_post_about(worker, EVENT_WAIT, unit->serial);
}

void worker_refuse(struct worker *worker, const struct err *why)
{
	struct unit_info unknown = { .serial = "unknown", .hwid = "unknown", .model = "unknown" };
	struct err broken = { 0 };
	struct job job;

	/* A log-in that failed is always said: what is not said is tried again, and the unit may lock us out. */
	if (why->class != ERR_OPERATOR && !deadline_passed(&worker->refuse_again))
		return;
	worker->refuse_again = deadline_in_ms(REFUSE_MS);
	worker_leave(worker);
	job_init(&job, worker->st, &worker->tools, worker->slot, NULL, &unknown);
	if (journal_fail(&job, why, &broken) < 0) {
		(void)err_raise(&broken, ERR_STATION);
		conclude(worker, &job, OUTCOME_BROKEN, &broken);
	} else {
		conclude(worker, &job, OUTCOME_FAIL, why);
	}
	job_deinit(&job);
	worker->last = unknown;
	worker->refused = true;
	worker->shut_out = why->class == ERR_OPERATOR;
}
