/*
 * The thread that drains the outbox while the line works. It sleeps until it is
 * woken, until the next row is due or until the pace allows a call; stopping it
 * breaks off the call in hand, because the outbox survives that.
 */
#include "enroll/enroll_internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_MS   (60 * 1000)
#define FAILED_MS 1000

struct enroll_sender {
	struct enroll_service *service; /* the thread's alone while it runs, but for abort */
	struct db *db;
	enroll_status_fn *status;
	void *arg;
	pthread_t thread;
	pthread_mutex_t lock; /* owns what follows */
	pthread_cond_t changed;
	bool woken, stop;
};

static bool stopping(struct enroll_sender *sender)
{
	bool stop;

	(void)pthread_mutex_lock(&sender->lock);
	stop = sender->stop;
	(void)pthread_mutex_unlock(&sender->lock);
	return stop;
}

static void wait_for_work(struct enroll_sender *sender, int64_t ms)
{
	int64_t at_ms = deadline_now_ms() + ms;
	const struct timespec at = { (time_t)(at_ms / 1000), (long)(at_ms % 1000) * 1000000 };
	int rc = 0;

	(void)pthread_mutex_lock(&sender->lock);
	while (!sender->woken && !sender->stop && rc == 0)
		rc = pthread_cond_timedwait(&sender->changed, &sender->lock, &at);
	sender->woken = false;
	(void)pthread_mutex_unlock(&sender->lock);
}

/* How long there is nothing to do. A clock set back must not make it longer than an idle round. */
static int64_t idle_ms(const struct enroll_progress *progress, int64_t now_ms)
{
	int64_t left = progress->next_due_ms - now_ms;

	if (progress->more)
		return 0;
	if (progress->next_due_ms == 0 || left > IDLE_MS)
		return IDLE_MS;
	return left > 0 ? left : 0;
}

/* After a failure: as long as the pace holds; when the station itself is broken, only now and then. */
static int64_t held_ms(struct enroll_sender *sender, const struct err *err)
{
	int64_t wait = gate_wait_ms(sender->service->gate, clock_wall_ms());

	if (err->class == ERR_STATION || err->class == ERR_BUG)
		return IDLE_MS;
	return wait > FAILED_MS ? wait : FAILED_MS;
}

/* What was said last; class and code of why not reachable. */
struct shown {
	bool known, reachable;
	enum err_class class;
	long code;
};

/* The same trouble again. What concerns the station is said each time: it must not be missed. */
static bool said_before(const struct shown *shown, const struct err *err)
{
	return shown->known && !shown->reachable && err->class < ERR_STATION && err->class == shown->class &&
	       err->code == shown->code;
}

/* Progress is told each time, each kind of trouble once; lost calls tell nothing about it. */
static void report(struct enroll_sender *sender, struct shown *shown, int rc,
		   const struct enroll_progress *progress, const struct err *err)
{
	const struct enroll_sender_status status = { rc == 0, *progress, rc == 0 ? NULL : err };
	bool lost = rc == 0 && gate_failures(sender->service->gate) > 0;

	if (rc == 0 && progress->calls == 0)
		return;
	if (lost && !(shown->known && shown->reachable))
		return;
	if (rc < 0 && said_before(shown, err))
		return;
	*shown = (struct shown){ true, rc == 0, rc == 0 ? ERR_NONE : err->class, rc == 0 ? 0 : err->code };
	sender->status(sender->arg, &status);
}

static void *sender_main(void *arg)
{
	struct enroll_sender *sender = arg;
	struct shown shown = { 0 };

	while (!stopping(sender)) {
		struct err err = { 0 };
		struct enroll_progress progress = { 0 };
		int rc = enroll_send_batch(sender->service, sender->db, clock_wall_ms(), &progress, &err);

		report(sender, &shown, rc, &progress, &err);
		wait_for_work(sender, rc == 0 ? idle_ms(&progress, clock_wall_ms()) : held_ms(sender, &err));
	}
	return NULL;
}

static int init_sync(struct enroll_sender *sender)
{
	pthread_condattr_t attr;
	int rc;

	if (pthread_condattr_init(&attr) != 0)
		return -1;
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc = pthread_cond_init(&sender->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (rc != 0)
		return -1;
	return pthread_mutex_init(&sender->lock, NULL) == 0 ? 0 : -1;
}

/* Signals are the main thread's, so the new thread begins with all of them blocked. */
static int start_thread(struct enroll_sender *sender)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&sender->thread, NULL, sender_main, sender);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int enroll_sender_start(struct enroll_service *service, struct db *db, enroll_status_fn *status, void *arg,
			struct enroll_sender **ret_sender, struct err *err)
{
	struct enroll_sender *sender = calloc(1, sizeof(*sender));
	int rc;

	if (sender == NULL || init_sync(sender) < 0) {
		free(sender);
		return err_set(err, ERR_STATION, 0, "no memory for the sender");
	}
	sender->service = service;
	sender->db = db;
	sender->status = status;
	sender->arg = arg;
	atomic_store(&service->abort, false);
	rc = start_thread(sender);
	if (rc != 0) {
		free(sender);
		return err_set(err, ERR_STATION, rc, "the sender's thread can't be started");
	}
	*ret_sender = sender;
	return 0;
}

void enroll_sender_wake(struct enroll_sender *sender)
{
	(void)pthread_mutex_lock(&sender->lock);
	sender->woken = true;
	(void)pthread_cond_signal(&sender->changed);
	(void)pthread_mutex_unlock(&sender->lock);
}

void enroll_sender_stop(struct enroll_sender *sender)
{
	if (sender == NULL)
		return;
	(void)pthread_mutex_lock(&sender->lock);
	sender->stop = true;
	(void)pthread_cond_signal(&sender->changed);
	(void)pthread_mutex_unlock(&sender->lock);
	atomic_store(&sender->service->abort, true);
	(void)pthread_join(sender->thread, NULL);
	atomic_store(&sender->service->abort, false);
	(void)pthread_cond_destroy(&sender->changed);
	(void)pthread_mutex_destroy(&sender->lock);
	free(sender);
}
