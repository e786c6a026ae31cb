/*
 * station sync: sends what waits, once or for as long as it is watched. One process sends for a station:
 * if that is another one, sync tells how far it is, and takes over when it ends.
 */
#include <pthread.h>

#include "base/log.h"
#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/line.h"
#include "station/report.h"

#define LOOK_MS     100
#define WATCH_MS    2000
#define PATIENCE_MS 30000

/* What the sender's threads have told; the lock owns the rest. */
struct told {
	pthread_mutex_t lock;
	struct enroll_progress total;
	bool reachable;
	bool failed; /* not looked at yet; err says why */
	struct err err;
};

struct sync {
	struct line *line;
	struct db *db;
	struct enroll_service *service; /* NULL until the sender runs */
	bool json;
	bool signalled;
	struct told told;
};

static void on_status(void *arg, const struct enroll_sender_status *status)
{
	struct told *told = arg;

	(void)pthread_mutex_lock(&told->lock);
	told->total.enrolled += status->progress.enrolled;
	told->total.retried += status->progress.retried;
	told->total.quarantined += status->progress.quarantined;
	told->total.calls += status->progress.calls;
	told->reachable = status->reachable;
	if (status->err != NULL) {
		told->failed = true;
		told->err = *status->err;
	}
	(void)pthread_mutex_unlock(&told->lock);
}

/* Takes the failure that was told last, if there is a new one. */
static struct enroll_progress ask(struct told *told, bool *ret_failed, struct err *ret_err)
{
	struct enroll_progress total;

	(void)pthread_mutex_lock(&told->lock);
	total = told->total;
	*ret_failed = told->failed;
	if (told->failed)
		*ret_err = told->err;
	told->failed = false;
	(void)pthread_mutex_unlock(&told->lock);
	return total;
}

static int64_t waiting(const struct enroll_counts *counts)
{
	return counts->queued - counts->carried + counts->sending + counts->retry;
}

static int exit_of(const struct enroll_counts *counts)
{
	return waiting(counts) + counts->quarantined > 0 ? EXIT_IN_PART : EXIT_DONE;
}

static void print_result(bool json, const struct enroll_progress *total, const struct enroll_counts *counts)
{
	if (json)
		(void)printf("{\"event\":\"sync\",\"enrolled\":%u,\"retried\":%u,\"quarantined\":%u,"
			     "\"pending\":%lld,\"calls\":%u}\n",
			     total->enrolled, total->retried, total->quarantined, (long long)waiting(counts),
			     total->calls);
	else
		(void)printf(
			"%u enrolled, %u to be tried again, %u refused; %lld wait, %lld quarantined in all\n",
			total->enrolled, total->retried, total->quarantined, (long long)waiting(counts),
			(long long)counts->quarantined);
	(void)fflush(stdout);
}

static void print_elsewhere(bool json, const struct enroll_counts *counts)
{
	if (json)
		(void)printf("{\"event\":\"sync-elsewhere\",\"pending\":%lld}\n", (long long)waiting(counts));
	else
		(void)printf("another process sends for this station: %lld wait\n",
			     (long long)waiting(counts));
	(void)fflush(stdout);
}

/* For so long, or until a signal asks to stop. */
static int pause_for(struct sync *sync, unsigned ms, struct err *err)
{
	const struct deadline dl = deadline_in_ms(ms);
	struct event event;
	bool got;

	return line_next_event(sync->line, &dl, &event, &got, &sync->signalled, err);
}

/*
 * Nothing waits, or nothing can be sent for longer than patience lasts. The sender goes on between two
 * looks: what the first saw waiting may be in hand at the second, where nothing waits any more.
 */
static int is_over(struct sync *sync, const struct deadline *patience, bool *ret_over, struct err *err)
{
	struct enroll_counts before, after;
	int64_t next_ms = 0;

	if (enroll_count(sync->db, &before, err) < 0 ||
	    enroll_next_call(sync->service, sync->db, clock_wall_ms(), &next_ms, err) < 0 ||
	    enroll_count(sync->db, &after, err) < 0)
		return -1;
	*ret_over = waiting(&after) == 0 || (next_ms != 0 && before.sending + after.sending == 0 &&
					     next_ms - clock_wall_ms() >= deadline_left_ms(patience));
	return 0;
}

/* What was told makes an end of it; a service that is away, too: nobody is watching. */
static int judge_failure(const struct err *why, int *ret_exit, struct err *err)
{
	*ret_exit = why->class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_SERVICE;
	*err = *why;
	return -1;
}

/* A batch is stored before it is told: when its thread has ended, all of it has been. */
static struct enroll_progress ask_last(struct sync *sync, bool *ret_failed, struct err *ret_err)
{
	struct station *st = line_station(sync->line);

	enroll_sender_stop(st->sender);
	st->sender = NULL;
	return ask(&sync->told, ret_failed, ret_err);
}

/* Until nothing waits, or nothing has moved for a while: a throttle is waited out, an outage is not. */
static int drain(struct sync *sync, int *ret_exit, struct err *err)
{
	struct deadline patience = deadline_in_ms(PATIENCE_MS);
	struct enroll_progress total = { 0 };
	struct enroll_counts counts;
	unsigned settled = 0;
	bool over = false, failed = false;
	struct err why = { 0 };

	do {
		if (pause_for(sync, LOOK_MS, err) < 0 || is_over(sync, &patience, &over, err) < 0)
			return -1;
		total = ask(&sync->told, &failed, &why);
		if (failed)
			return judge_failure(&why, ret_exit, err);
		if (total.enrolled + total.quarantined > settled)
			patience = deadline_in_ms(PATIENCE_MS);
		settled = total.enrolled + total.quarantined;
	} while (!over && !sync->signalled && !deadline_passed(&patience));
	total = ask_last(sync, &failed, &why);
	if (failed)
		return judge_failure(&why, ret_exit, err);
	if (enroll_count(sync->db, &counts, err) < 0)
		return -1;
	print_result(sync->json, &total, &counts);
	*ret_exit = exit_of(&counts);
	return 0;
}

static int start_sender(struct sync *sync, struct err *err)
{
	return line_start_sender(sync->line, on_status, &sync->told, &sync->service, err);
}

/* Tells how far the other is, until it is done, does not get on, or ends: then *ret_mine is true. */
static int follow(struct sync *sync, bool *ret_mine, int *ret_exit, struct err *err)
{
	struct deadline patience = deadline_in_ms(PATIENCE_MS);
	struct enroll_counts before = { 0 }, counts;

	if (enroll_count(sync->db, &before, err) < 0)
		return -1;
	print_elsewhere(sync->json, &before);
	for (counts = before; waiting(&counts) > 0 && !sync->signalled && !deadline_passed(&patience);) {
		int64_t last = waiting(&counts);

		if (pause_for(sync, WATCH_MS, err) < 0 || enroll_count(sync->db, &counts, err) < 0 ||
		    line_take_turn(sync->line, ret_mine, err) < 0)
			return -1;
		if (*ret_mine)
			return 0;
		if (waiting(&counts) == last)
			continue;
		print_elsewhere(sync->json, &counts);
		patience = deadline_in_ms(PATIENCE_MS);
	}
	*ret_exit = exit_of(&counts);
	if (waiting(&counts) > 0 && !sync->json && !sync->signalled)
		(void)printf("it has not got on for %d s; see: station status\n", PATIENCE_MS / 1000);
	return 0;
}

static int sync_once(struct sync *sync, int *ret_exit, struct err *err)
{
	bool mine = false;

	if (line_take_turn(sync->line, &mine, err) < 0)
		return -1;
	if (!mine && follow(sync, &mine, ret_exit, err) < 0)
		return -1;
	if (!mine)
		return 0;
	if (start_sender(sync, err) < 0)
		return -1;
	return drain(sync, ret_exit, err);
}

/* What is new since the last look; a service that is away does not end a watch, and is said once. */
static int look(struct sync *sync, struct enroll_progress *shown, int *ret_exit, struct err *err)
{
	struct enroll_progress total, news;
	struct enroll_counts counts;
	struct err why = { 0 };
	bool failed = false;

	total = ask(&sync->told, &failed, &why);
	if (failed && why.class >= ERR_STATION)
		return judge_failure(&why, ret_exit, err);
	if (failed)
		report_error(sync->json, &why);
	*ret_exit = EXIT_NOT_TRUSTED;
	if (enroll_count(sync->db, &counts, err) < 0)
		return -1;
	news = (struct enroll_progress){ .enrolled = total.enrolled - shown->enrolled,
					 .retried = total.retried - shown->retried,
					 .quarantined = total.quarantined - shown->quarantined,
					 .calls = total.calls - shown->calls };
	if (news.calls > 0)
		print_result(sync->json, &news, &counts);
	*shown = total;
	*ret_exit = failed ? EXIT_SERVICE : exit_of(&counts);
	return 0;
}

/* The other's rows are told once; the sender asks for its turn by itself. */
static int watch(struct sync *sync, int *ret_exit, struct err *err)
{
	struct enroll_progress shown = { 0 };
	struct enroll_counts counts;
	bool mine = false;

	if (line_take_turn(sync->line, &mine, err) < 0 || enroll_count(sync->db, &counts, err) < 0)
		return -1;
	if (!mine)
		print_elsewhere(sync->json, &counts);
	if (start_sender(sync, err) < 0)
		return -1;
	do {
		if (pause_for(sync, WATCH_MS, err) < 0 || look(sync, &shown, ret_exit, err) < 0)
			return -1;
		/* Rows that another process has queued wake nobody here. */
		enroll_sender_wake(line_station(sync->line)->sender);
	} while (!sync->signalled);
	return 0;
}

static int run(const struct options *options, int *ret_exit, struct err *err)
{
	struct sync sync = { .json = options->json, .told.lock = PTHREAD_MUTEX_INITIALIZER };
	CLEANUP(line_closep) struct line *line = NULL;

	if (line_open_sync(options->dir, &line, ret_exit, err) < 0)
		return -1;
	sync.line = line;
	sync.db = line_station(line)->db;
	*ret_exit = EXIT_NOT_TRUSTED;
	return options->watch ? watch(&sync, ret_exit, err) : sync_once(&sync, ret_exit, err);
}

int command_sync(const struct options *options)
{
	struct err err = { 0 };
	int status = EXIT_CONFIG;

	log_open(2, LOG_LEVEL_WARN);
	if (run(options, &status, &err) < 0)
		report_error(options->json, &err);
	return status;
}
