/* The pulse's thread. What was posted last is its own; the lock guards only the wish to stop. */
#include "station/pulse.h"

#include <pthread.h>
#include <stdlib.h>

#include "station/clock.h"

#define PULSE_MS 2000
#define ASKED_MS 5000 /* who wants the page asks once a second */

struct pulse {
	struct station *st;
	pthread_t thread;
	pthread_mutex_t lock; /* owns the four below */
	pthread_cond_t changed;
	bool stop;
	bool page_known;
	int64_t asked_ms; /* when somebody last wanted the page; 0: never */
	struct page_hsm page;

	/* posted last */
	bool hsm_known, hsm_ok, queue_known;
	char hsm_label[33];
	int64_t waiting, refused;
};

static void look_at_hsm(struct pulse *pulse)
{
	struct event event = { .kind = EVENT_HSM };
	struct hsm_info info = { 0 };
	struct err why = { 0 };

	event.reachable = hsm_info(pulse->st->hsm, &info, &why) == 0;
	if (pulse->hsm_known && pulse->hsm_ok == event.reachable &&
	    (!event.reachable || strcmp(pulse->hsm_label, info.label) == 0))
		return;
	pulse->hsm_known = true;
	pulse->hsm_ok = event.reachable;
	str_clip(pulse->hsm_label, sizeof(pulse->hsm_label), info.label);
	if (event.reachable) {
		str_clip(event.text, sizeof(event.text), info.label);
	} else {
		event.class = why.class;
		(void)err_text(&why, event.text, sizeof(event.text));
	}
	mailbox_post(pulse->st->events, &event);
}

/* Called with the lock held. */
static bool page_is_wanted(const struct pulse *pulse)
{
	return pulse->asked_ms != 0 && deadline_now_ms() - pulse->asked_ms < ASKED_MS;
}

static void make_page(struct pulse *pulse)
{
	struct page_hsm page;
	bool wanted;

	(void)pthread_mutex_lock(&pulse->lock);
	wanted = page_is_wanted(pulse);
	(void)pthread_mutex_unlock(&pulse->lock);
	if (!wanted)
		return;
	page_hsm_load(pulse->st, &page);
	(void)pthread_mutex_lock(&pulse->lock);
	pulse->page = page;
	pulse->page_known = true;
	(void)pthread_mutex_unlock(&pulse->lock);
}

void pulse_get_hsm(struct pulse *pulse, struct page_hsm *ret)
{
	bool first;

	(void)pthread_mutex_lock(&pulse->lock);
	first = pulse->asked_ms == 0;
	pulse->asked_ms = deadline_now_ms();
	if (pulse->page_known)
		*ret = pulse->page;
	/* The first look need not wait for the next beat. */
	if (first)
		(void)pthread_cond_signal(&pulse->changed);
	(void)pthread_mutex_unlock(&pulse->lock);
}

/* A database that can't be read stops the station where something is written; here it is no news. */
static void look_at_queue(struct pulse *pulse)
{
	struct event event = { .kind = EVENT_QUEUE };
	struct enroll_counts counts;
	struct err err = { 0 };

	if (enroll_count(pulse->st->db, &counts, &err) < 0)
		return;
	event.waiting = counts.queued + counts.sending + counts.retry;
	event.refused = counts.quarantined;
	if (pulse->queue_known && pulse->waiting == event.waiting && pulse->refused == event.refused)
		return;
	pulse->queue_known = true;
	pulse->waiting = event.waiting;
	pulse->refused = event.refused;
	mailbox_post(pulse->st->events, &event);
}

/* A clock that was set back while the line works stops the next units, not the running ones. */
static void look_at_clock(struct pulse *pulse)
{
	struct err err = { 0 };
	bool doubt = false;

	if (clock_in_doubt(pulse->st->db, clock_wall_ms(), &doubt, &err) == 0)
		desk_set_clock_doubt(pulse->st->desk, doubt);
}

/* Called with the lock held. One that nobody wants any more, since the token was silent for long, is not. */
static bool page_is_overdue(const struct pulse *pulse)
{
	return page_is_wanted(pulse) && !pulse->page_known;
}

/* False when the pulse is to end. */
static bool pause_pulse(struct pulse *pulse)
{
	const struct deadline dl = deadline_in_ms(PULSE_MS);
	bool stop, early = true;

	(void)pthread_mutex_lock(&pulse->lock);
	while (!pulse->stop && early && !page_is_overdue(pulse))
		early = deadline_cond_wait(&pulse->changed, &pulse->lock, &dl);
	stop = pulse->stop;
	(void)pthread_mutex_unlock(&pulse->lock);
	return !stop;
}

static void *pulse_main(void *arg)
{
	struct pulse *pulse = arg;

	do {
		look_at_hsm(pulse);
		make_page(pulse);
		look_at_queue(pulse);
		look_at_clock(pulse);
	} while (pause_pulse(pulse));
	return NULL;
}

static int init_sync(struct pulse *pulse)
{
	if (deadline_cond_init(&pulse->changed) < 0)
		return -1;
	if (pthread_mutex_init(&pulse->lock, NULL) == 0)
		return 0;
	(void)pthread_cond_destroy(&pulse->changed);
	return -1;
}

static void deinit_sync(struct pulse *pulse)
{
	(void)pthread_cond_destroy(&pulse->changed);
	(void)pthread_mutex_destroy(&pulse->lock);
}

int pulse_start(struct station *st, struct pulse **ret_pulse, struct err *err)
{
	struct pulse *pulse = calloc(1, sizeof(*pulse));

	if (pulse == NULL || init_sync(pulse) < 0) {
		free(pulse);
		return err_set(err, ERR_STATION, 0, "no memory for the pulse");
	}
	pulse->st = st;
	if (pthread_create(&pulse->thread, NULL, pulse_main, pulse) != 0) {
		deinit_sync(pulse);
		free(pulse);
		return err_set(err, ERR_STATION, 0, "the pulse's thread can't be started");
	}
	*ret_pulse = pulse;
	return 0;
}

void pulse_stop(struct pulse *pulse)
{
	if (pulse == NULL)
		return;
	(void)pthread_mutex_lock(&pulse->lock);
	pulse->stop = true;
	(void)pthread_cond_signal(&pulse->changed);
	(void)pthread_mutex_unlock(&pulse->lock);
	(void)pthread_join(pulse->thread, NULL);
	deinit_sync(pulse);
	free(pulse);
}
