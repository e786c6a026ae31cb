/*
 * The worker of a slot. A unit that is seated is the one that answers with
 * another name than the last; it is served once, and the slot is free again
 * when it no longer answers or another one does.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "station/worker_internal.h"

#define BUSY_MS    100   /* somebody is there and not done: waits for a person, or says nothing any more */
#define IDLE_MS    1000  /* nothing to do; what is plugged in or out wakes us before */
#define AWAY_MS    500   /* the whole line waits for somebody, perhaps until the morning */
#define NOISY_MAX  5u    /* some eight seconds: longer than a board that boots talks to its console */
#define SILENT_MAX 2u    /* one lost answer does not free a slot */
#define SHUT_MS    15000 /* nor does a slow log-in: another wrong password may lock us out */
#define BOUNCE_MS  50
#define CLOSED_MIN 2u
#define BUSY_LOOKS 5u /* a probe beside us has the port for so long, and the unit sits there still */

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
			worker_refuse(worker, err);
		return;
	}
	worker->noisy = 0;
	if (worker->silent++ == 0)
		worker->silent_ms = deadline_now_ms();
	if (worker->shut_out ? deadline_now_ms() - worker->silent_ms >= SHUT_MS
			     : worker->silent >= SILENT_MAX)
		worker_leave(worker);
}

/* Once, and again when it is another one, or another device's. */
static void tell_port(struct worker *worker, const struct err *err)
{
	if (strcmp(worker->port_trouble, err->what) == 0)
		return;
	str_clip(worker->port_trouble, sizeof(worker->port_trouble), err->what);
	worker_post(worker, EVENT_PORT, NULL, err);
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
	worker_leave(worker);
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
	worker_leave(worker);
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
	worker_leave(worker);
	worker->last = *unit;
	contact_came(&worker->contact, unit->serial, deadline_now_ms());
	worker_post_about(worker, EVENT_SEATED, unit->serial);
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
		worker_break_down(worker, NULL, err);
		return;
	}
	if (is_refusal(err) || !is_trouble(err))
		worker->port_trouble[0] = '\0';
	if (!is_refusal(err)) {
		hear_no_unit(worker, err);
		if (is_trouble(err) && worker->last.serial[0] == '\0')
			tell_port(worker, err);
	} else if (!worker->refused) {
		worker_refuse(worker, err);
	}
}

static void look(struct worker *worker)
{
	CLEANUP(fixture_closep) struct fixture *fixture = NULL;
	/* Before it is opened: what is plugged in afterwards has another. */
	const uint64_t stamp = fixture_link_stamp(worker->slot->link);
	struct unit_info unit;
	struct err err = { 0 };

	if (worker_open(worker, &fixture, &err) < 0) {
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
		worker_attend(worker, &fixture, &unit);
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
