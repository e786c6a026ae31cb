/*
 * The threads that drain the outbox while the line works, one per connection. Each
 * sleeps until it is woken, until the next row is due or until the pace allows a
 * call; stopping breaks off the calls in hand, because the outbox survives that.
 * They speak with one voice: what one has told, no other tells again.
 */
#include "enroll/enroll_internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_MS   (60 * 1000)
#define FAILED_MS 1000
#define TURN_MS   2000 /* how often it is asked whether another process has stopped sending */

/* What was said last; class and code of why not reachable. */
struct shown {
	bool known, reachable;
	enum err_class class;
	long code;
};

struct enroll_sender {
	struct enroll_sender_conf conf;
	pthread_mutex_t voice; /* held while turn or status is called; owns mine and shown */
	bool mine;             /* the turn */
	struct shown shown;
	pthread_mutex_t lock; /* owns wanted and stop */
	pthread_cond_t changed;
	size_t wanted; /* so many threads shall look now */
	bool stop;
	size_t n; /* threads that run */
	struct connection {
		struct enroll_sender *sender;
		struct enroll_service *service; /* the thread's alone while it runs, but for abort */
		pthread_t thread;
	} connections[ENROLL_CONNECTIONS_MAX];
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

	/* Who does not sleep leaves the call to those who do. */
	if (ms <= 0)
		return;
	(void)pthread_mutex_lock(&sender->lock);
	while (sender->wanted == 0 && !sender->stop && rc == 0)
		rc = pthread_cond_timedwait(&sender->changed, &sender->lock, &at);
	if (sender->wanted > 0)
		sender->wanted--;
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
static int64_t held_ms(const struct connection *connection, const struct err *err)
{
	int64_t wait = gate_wait_ms(connection->service->gate, clock_wall_ms());

	if (err->class == ERR_STATION || err->class == ERR_BUG)
		return IDLE_MS;
	return wait > FAILED_MS ? wait : FAILED_MS;
}

/* The same trouble again. What concerns the station is said each time: it must not be missed. */
static bool said_before(const struct shown *shown, const struct err *err)
{
	return shown->known && !shown->reachable && err->class < ERR_STATION && err->class == shown->class &&
	       err->code == shown->code;
}

/* Progress is told each time, each kind of trouble once; calls that were all lost tell nothing about it. */
static void tell(const struct connection *connection, int rc, const struct enroll_progress *progress,
		 const struct err *err)
{
	struct enroll_sender *sender = connection->sender;
	const struct enroll_sender_status status = { rc == 0, *progress, rc == 0 ? NULL : err };
	bool lost = rc == 0 && progress->enrolled + progress->quarantined == 0 &&
		    gate_failures(connection->service->gate) > 0;
	struct shown *shown = &sender->shown;

	if (rc == 0 && progress->calls == 0)
		return;
	if (lost && !(shown->known && shown->reachable))
		return;
	if (rc < 0 && said_before(shown, err))
		return;
	*shown = (struct shown){ true, rc == 0, rc == 0 ? ERR_NONE : err->class, rc == 0 ? 0 : err->code };
	sender->conf.status(sender->conf.status_arg, &status);
}

static void report(const struct connection *connection, int rc, const struct enroll_progress *progress,
		   const struct err *err)
{
	(void)pthread_mutex_lock(&connection->sender->voice);
	tell(connection, rc, progress, err);
	(void)pthread_mutex_unlock(&connection->sender->voice);
}

/* Under voice: the first that gets the turn recovers, before any other sends. */
static int ask_turn(struct enroll_sender *sender, bool *ret_mine, struct err *err)
{
	bool mine = true;

	if (!sender->mine && sender->conf.turn != NULL) {
		if (sender->conf.turn(sender->conf.turn_arg, &mine, err) < 0)
			return -1;
		if (mine && enroll_recover(sender->conf.db, err) < 0)
			return -1;
	}
	sender->mine = mine;
	*ret_mine = mine;
	return 0;
}

static int take_turn(struct enroll_sender *sender, bool *ret_mine, struct err *err)
{
	int rc;

	(void)pthread_mutex_lock(&sender->voice);
	rc = ask_turn(sender, ret_mine, err);
	(void)pthread_mutex_unlock(&sender->voice);
	return rc;
}

/* One batch; how long there is nothing to do after it. */
static int64_t work(struct connection *connection)
{
	struct enroll_sender *sender = connection->sender;
	struct err err = { 0 };
	struct enroll_progress progress = { 0 };
	bool mine = false;
	int rc = take_turn(sender, &mine, &err);

	if (rc == 0 && !mine)
		return TURN_MS;
	if (rc == 0)
		rc = enroll_send_batch(connection->service, sender->conf.db, clock_wall_ms(), &progress,
				       &err);
	report(connection, rc, &progress, &err);
	/* One was woken; as long as there is more than it can send, it wakes another. */
	if (rc == 0 && progress.more && progress.calls > 0)
		enroll_sender_wake(sender);
	return rc == 0 ? idle_ms(&progress, clock_wall_ms()) : held_ms(connection, &err);
}

static void *connection_main(void *arg)
{
	struct connection *connection = arg;

	while (!stopping(connection->sender))
		wait_for_work(connection->sender, work(connection));
	return NULL;
}

static int init_changed(struct enroll_sender *sender)
{
	pthread_condattr_t attr;
	int rc;

	if (pthread_condattr_init(&attr) != 0)
		return -1;
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc = pthread_cond_init(&sender->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return rc == 0 ? 0 : -1;
}

static int init_sync(struct enroll_sender *sender)
{
	if (init_changed(sender) < 0)
		return -1;
	return pthread_mutex_init(&sender->lock, NULL) == 0 && pthread_mutex_init(&sender->voice, NULL) == 0
		       ? 0
		       : -1;
}

/* Signals are the main thread's, so the new thread begins with all of them blocked. */
static int start_thread(struct connection *connection)
{
	sigset_t all, before;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&connection->thread, NULL, connection_main, connection);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static int start_all(struct enroll_sender *sender, struct err *err)
{
	for (size_t i = 0; i < sender->conf.n; i++) {
		struct connection *connection = &sender->connections[i];
		int rc;

		*connection = (struct connection){ .sender = sender, .service = sender->conf.services[i] };
		atomic_store(&connection->service->abort, false);
		rc = start_thread(connection);
		if (rc != 0)
			return err_set(err, ERR_STATION, rc, "the sender's thread can't be started");
		sender->n++;
	}
	return 0;
}

int enroll_sender_start(const struct enroll_sender_conf *conf, struct enroll_sender **ret_sender,
			struct err *err)
{
	struct enroll_sender *sender;

	if (conf->n == 0 || conf->n > ENROLL_CONNECTIONS_MAX)
		return err_set(err, ERR_BUG, 0, "a sender has 1 to %d connections", ENROLL_CONNECTIONS_MAX);
	sender = calloc(1, sizeof(*sender));
	if (sender == NULL || init_sync(sender) < 0) {
		free(sender);
		return err_set(err, ERR_STATION, 0, "no memory for the sender");
	}
	sender->conf = *conf;
	if (start_all(sender, err) < 0) {
		enroll_sender_stop(sender);
		return -1;
	}
	*ret_sender = sender;
	return 0;
}

void enroll_sender_wake(struct enroll_sender *sender)
{
	(void)pthread_mutex_lock(&sender->lock);
	if (sender->wanted == 0) {
		sender->wanted = 1;
		(void)pthread_cond_signal(&sender->changed);
	}
	(void)pthread_mutex_unlock(&sender->lock);
}

void enroll_sender_stop(struct enroll_sender *sender)
{
	if (sender == NULL)
		return;
	(void)pthread_mutex_lock(&sender->lock);
	sender->stop = true;
	(void)pthread_cond_broadcast(&sender->changed);
	(void)pthread_mutex_unlock(&sender->lock);
	for (size_t i = 0; i < sender->n; i++)
		atomic_store(&sender->connections[i].service->abort, true);
	for (size_t i = 0; i < sender->n; i++) {
		(void)pthread_join(sender->connections[i].thread, NULL);
		atomic_store(&sender->connections[i].service->abort, false);
	}
	(void)pthread_cond_destroy(&sender->changed);
	(void)pthread_mutex_destroy(&sender->lock);
	(void)pthread_mutex_destroy(&sender->voice);
	free(sender);
}
