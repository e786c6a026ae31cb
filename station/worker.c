/*
 * The worker of a slot. A unit that is seated is the one that answers with
 * another name than the last; it is served once, and the slot is free again
 * when it no longer answers or another one does.
 */
#include "station/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "station/contact.h"
#include "station/journal.h"
#include "station/provision.h"

#define BUSY_MS    100   /* somebody is there and not done: waits for a person, or says nothing any more */
#define IDLE_MS    1000  /* nothing to do; what is plugged in or out wakes us before */
#define AWAY_MS    500   /* the whole line waits for somebody, perhaps until the morning */
#define NOISY_MAX  5u    /* some eight seconds: longer than a board that boots talks to its console */
#define SILENT_MAX 2u    /* one lost answer does not free a slot */
#define REFUSE_MS  10000 /* a slot that flaps must not fill the log */
#define BOUNCE_MS  50
#define CLOSED_MIN 2u
#define BUSY_LOOKS 5u /* a probe beside us has the port for so long, and the unit sits there still */

struct worker {
	struct station *st;
	const struct conf_slot *slot;
	struct tools tools;
	pthread_t thread;
	struct unit_info last;        /* the unit that sits there, or sat there last; no serial: nobody */
	bool refused;                 /* last is a stand-in for who gave no acceptable name */
	enum wait wait;               /* for what it waits; WAIT_NONE: it was served */
	unsigned noisy;               /* looks in a row that found somebody who does not speak our protocol */
	unsigned silent;              /* looks in a row that found nobody */
	struct deadline refuse_again; /* not before this passed */
	struct contact contact;
	uint64_t asked_at;      /* the place's stamp when last said who it is; 0: it is asked anew */
	bool kept;              /* at this look it was not: only that somebody sits there */
	int64_t away_ms;        /* since when its port is away; 0: it is not */
	unsigned closed;        /* looks in a row that found the port there, and closed */
	char port_trouble[200]; /* said once: why the slot's port can't be opened or used */
	bool recording_full;    /* said once: what the slot's link records has no more room */
};

static void post(struct worker *worker, enum event_kind kind, const struct job *job, const struct err *why)
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

static int open_fixture(void *arg, struct fixture **ret_fixture, struct err *err)
{
	const struct worker *worker = arg;
	const struct fixture_settings settings = conf_slot_settings(worker->slot);
	const struct fixture_conf conf = { worker->slot->driver, worker->slot->link, &settings };

	return fixture_open(&conf, ret_fixture, err);
}

/* No slot serves any more; job is NULL when it was no unit's. */
static void break_down(struct worker *worker, const struct job *job, const struct err *why)
{
	log_line(LOG_LEVEL_ERROR, "station-stopped", "unit=%s fixture=%s code=%ld where=%s what=%s",
		 job != NULL ? job->unit.serial : "", worker->slot->name, why->code, why->where, why->what);
	atomic_store(&worker->st->stop, true);
	post(worker, EVENT_STOP, job, why);
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
		break_down(worker, job, why);
		break;
	}
}

static void serve(struct worker *worker, struct fixture **fixture, const struct unit_info *unit,
		  const struct seating *seating)
{
	const struct reach reach = { fixture, open_fixture, worker };
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

static void post_about(struct worker *worker, enum event_kind kind, const char *serial)
{
	struct event event = { .kind = kind, .wait = worker->wait };

	str_clip(event.slot, sizeof(event.slot), worker->slot->name);
	str_clip(event.serial, sizeof(event.serial), serial);
	mailbox_post(worker->st->events, &event);
}

/* Nobody sits there any more, or another unit does. */
static void leave(struct worker *worker)
{
	if (worker->last.serial[0] == '\0')
		return;
	worker->wait = WAIT_NONE;
	contact_went(&worker->contact, deadline_now_ms());
	if (worker->st->desk != NULL)
		desk_left(worker->st->desk, worker->slot);
	post_about(worker, EVENT_FREE, worker->last.serial);
	worker->last = (struct unit_info){ 0 };
	worker->refused = false;
}

static enum wait may_start(struct worker *worker, const struct unit_info *unit, struct seating *ret_seating)
{
	if (worker->st->desk == NULL)
		return WAIT_NONE;
	return desk_may_start(worker->st->desk, worker->slot, conf_slot_profile(worker->slot, unit->model),
			      unit->serial, ret_seating);
}

/*
 * A unit sits there that was not served yet. When it has to wait, the next look asks again. No job begins under a
 * name that was only kept: while one waits, boards are swapped on a line that nobody listens to.
 */
static void attend(struct worker *worker, struct fixture **fixture, const struct unit_info *unit)
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
		post_about(worker, EVENT_WAIT, unit->serial);
}

/* Somebody who answers but can't be served, because what it says of itself is not acceptable. */
static void refuse(struct worker *worker, const struct err *why)
{
	struct unit_info unknown = { .serial = "unknown", .hwid = "unknown", .model = "unknown" };
	struct err broken = { 0 };
	struct job job;

	/* A log-in that failed is always said: what is not said is tried again, and the unit may lock us out. */
	if (why->class != ERR_OPERATOR && !deadline_passed(&worker->refuse_again))
		return;
	worker->refuse_again = deadline_in_ms(REFUSE_MS);
	leave(worker);
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
}

/* Whoever was refused and has a name now is another one, whatever the name. */
static bool is_last(const struct worker *worker, const struct unit_info *unit)
{
	return !worker->refused && strcmp(worker->last.serial, unit->serial) == 0 &&
	       strcmp(worker->last.hwid, unit->hwid) == 0;
}

/* Silence is a free slot; noise is somebody, and when it lasts, the technician hears of it. */
static void hear_no_unit(struct worker *worker, const struct err *err)
{
	if (err->code == EBADMSG) {
		/* From then on at each look, since it may be too early to say so. */
		if (worker->noisy < NOISY_MAX)
			worker->noisy++;
		if (worker->noisy == NOISY_MAX && !worker->refused)
			refuse(worker, err);
		return;
	}
	worker->noisy = 0;
	if (++worker->silent >= SILENT_MAX)
		leave(worker);
}

/* Once, and again when it is another one, or another device's. */
static void tell_port(struct worker *worker, const struct err *err)
{
	if (strcmp(worker->port_trouble, err->what) == 0)
		return;
	str_clip(worker->port_trouble, sizeof(worker->port_trouble), err->what);
	post(worker, EVENT_PORT, NULL, err);
}

static bool is_away(const struct err *err)
{
	return err->code == ENOENT || err->code == ENODEV;
}

static bool is_busy(const struct err *err)
{
	return err->code == EBUSY || err->code == EWOULDBLOCK;
}

/* An adapter that is not plugged in is an empty slot, unless its contacts only bounce. */
static void port_away(struct worker *worker)
{
	const int64_t now_ms = deadline_now_ms();

	worker->closed = 0; /* it may be another adapter that comes, whose rule is yet to be applied */
	if (worker->away_ms == 0)
		worker->away_ms = now_ms;
	if (now_ms - worker->away_ms < contact_settle_ms(&worker->contact))
		return;
	leave(worker);
	worker->port_trouble[0] = '\0';
}

/*
 * A port that is there and can't be opened is said, once. Not at the first look: its node is made
 * before the rule that lets us open it is applied.
 */
static void port_closed(struct worker *worker, const struct err *err)
{
	if (is_away(err)) {
		port_away(worker);
		return;
	}
	worker->away_ms = 0;
	worker->closed++;
	worker->asked_at = 0; /* whoever has it may have brought another unit */
	if (is_busy(err) && worker->closed < BUSY_LOOKS)
		return;
	leave(worker);
	if (worker->closed >= CLOSED_MIN)
		tell_port(worker, err);
}

/* Does the unit stay, and stay the same, for as long as contacts bounce? An arrival that does not is nothing. */
static bool stays(struct worker *worker, struct fixture *fixture, const struct unit_info *unit)
{
	const struct deadline settled = deadline_in_ms(contact_settle_ms(&worker->contact));
	const struct deadline dl =
		deadline_in_ms(contact_settle_ms(&worker->contact) + fixture_identify_ms(fixture));
	struct unit_info again;
	struct err err = { 0 };

	while (!deadline_passed(&settled)) {
		const struct deadline bounce = deadline_within(&settled, BOUNCE_MS);

		if (atomic_load(&worker->st->stop))
			return false;
		deadline_sleep(&bounce, BOUNCE_MS);
	}
	return fixture_identify(fixture, &dl, &again, &err) == 0 && strcmp(again.serial, unit->serial) == 0 &&
	       strcmp(again.hwid, unit->hwid) == 0;
}

/* Another unit than the last one answers. False if it is gone again. */
static bool arrive(struct worker *worker, struct fixture *fixture, const struct unit_info *unit)
{
	if (contact_settle_ms(&worker->contact) > 0 && !stays(worker, fixture, unit))
		return false;
	leave(worker);
	worker->last = *unit;
	contact_came(&worker->contact, unit->serial, deadline_now_ms());
	post_about(worker, EVENT_SEATED, unit->serial);
	return true;
}

/* Somebody whose answer will not be another one the next time. */
static bool is_refusal(const struct err *err)
{
	return err->class == ERR_UNIT || (err->class == ERR_OPERATOR && err->code == EACCES);
}

/* Who sits there? Where that takes a log-in it is asked once; who stays, with the same thing plugged in, is the same. */
static int ask(struct worker *worker, struct fixture *fixture, uint64_t stamp, struct unit_info *ret_unit,
	       struct err *err)
{
	const struct deadline dl = deadline_in_ms(fixture_identify_ms(fixture));
	bool same_plug = worker->asked_at != 0 && worker->asked_at == stamp;
	int rc;

	worker->kept = false;
	if (worker->last.serial[0] != '\0' && same_plug &&
	    fixture_present(fixture, &dl, &worker->kept, err) < 0)
		return -1;
	if (worker->kept) {
		*ret_unit = worker->last;
		return 0;
	}
	rc = fixture_identify(fixture, &dl, ret_unit, err);
	worker->asked_at = rc == 0 || is_refusal(err) ? stamp : 0;
	return rc;
}

/* Not the unit's, but the way to it: who looks at an empty slot would look for it in vain. */
static bool is_trouble(const struct err *err)
{
	/* The kernel's memory for USB (usb_rc.c) comes back, or somebody has to give it more. */
	return err->class == ERR_OPERATOR || err->code == ENOMEM;
}

/* Who sits there could not be asked, or gave no acceptable answer. */
static void hear_failure(struct worker *worker, const struct err *err)
{
	if (err->class == ERR_STATION || err->class == ERR_BUG) {
		break_down(worker, NULL, err);
		return;
	}
	if (is_refusal(err) || !is_trouble(err))
		worker->port_trouble[0] = '\0';
	if (!is_refusal(err)) {
		hear_no_unit(worker, err);
		if (is_trouble(err) && worker->last.serial[0] == '\0')
			tell_port(worker, err);
	} else if (!worker->refused) {
		refuse(worker, err);
	}
}

static void look(struct worker *worker)
{
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	/* Before it is opened: what is plugged in afterwards has another. */
	const uint64_t stamp = fixture_link_stamp(worker->slot->link);
	struct unit_info unit;
	struct err err = { 0 };

	if (open_fixture(worker, &fixture, &err) < 0) {
		port_closed(worker, &err);
		return;
	}
	worker->closed = 0;
	worker->away_ms = 0;
	if (ask(worker, fixture, stamp, &unit, &err) < 0) {
		hear_failure(worker, &err);
		return;
	}
	worker->port_trouble[0] = '\0';
	worker->noisy = 0;
	worker->silent = 0;
	if (worker->refused && worker->kept)
		return;
	if (is_last(worker, &unit) && worker->wait == WAIT_NONE)
		return;
	if (is_last(worker, &unit) || arrive(worker, fixture, &unit))
		attend(worker, &fixture, &unit);
}

/* Once: who set up a recording will want to know why it ends. */
static void tell_full_recording(struct worker *worker)
{
	if (worker->recording_full)
		return;
	worker->recording_full = fixture_link_recording_full(worker->slot->link);
	if (worker->recording_full)
		log_line(LOG_LEVEL_WARN, "recording-full", "fixture=%s link=%s", worker->slot->name,
			 worker->slot->link);
}

/* How long until the next look, if nothing changes: a slot may stay as it is for hours, empty or with a unit that is done. */
static unsigned pause_ms(const struct worker *worker)
{
	switch (worker->wait) {
	case WAIT_LABEL:
		return BUSY_MS;
	case WAIT_OPERATOR:
	case WAIT_TERMINAL:
	case WAIT_CLOCK:
		return AWAY_MS;
	case WAIT_NONE:
		break;
	}
	if (worker->noisy > 0 ||
	    (worker->last.serial[0] != '\0' && (worker->silent > 0 || worker->away_ms != 0)))
		return BUSY_MS;
	return IDLE_MS;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	while (!atomic_load(&worker->st->stop)) {
		look(worker);
		tell_full_recording(worker);
		(void)plug_wait(worker->st->plug, worker->slot, pause_ms(worker));
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
	contact_init(&worker->contact, fixture_link_settle_ms(slot->link));
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
