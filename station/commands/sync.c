/* station sync: sends what waits, once or for as long as it is watched. */
#include "base/log.h"
#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/line.h"
#include "station/report.h"

#define WATCH_MS    2000
#define PATIENCE_MS 30000

static void print_result(bool json, const struct enroll_progress *total, const struct enroll_counts *counts)
{
	if (json)
		(void)printf("{\"event\":\"sync\",\"enrolled\":%u,\"retried\":%u,\"quarantined\":%u,"
			     "\"pending\":%lld,\"calls\":%u}\n",
			     total->enrolled, total->retried, total->quarantined,
			     (long long)(counts->queued + counts->sending + counts->retry), total->calls);
	else
		(void)printf(
			"%u enrolled, %u to be tried again, %u refused; %lld wait, %lld quarantined in all\n",
			total->enrolled, total->retried, total->quarantined,
			(long long)(counts->queued + counts->sending + counts->retry),
			(long long)counts->quarantined);
	(void)fflush(stdout);
}

static void add(struct enroll_progress *total, const struct enroll_progress *one)
{
	total->enrolled += one->enrolled;
	total->retried += one->retried;
	total->quarantined += one->quarantined;
	total->calls += one->calls;
}

/* Sleeps until the service may be called again; *ret_end when that is too far off. */
static int wait_turn(struct line *line, int64_t due_ms, const struct deadline *patience, bool *ret_end,
		     bool *ret_signal, struct err *err)
{
	int64_t wait_ms = due_ms - clock_wall_ms();
	struct deadline dl;
	struct event event;
	bool got;

	*ret_end = due_ms == 0 || wait_ms >= deadline_left_ms(patience);
	if (*ret_end)
		return 0;
	dl = deadline_in_ms(wait_ms > 1 ? (unsigned)wait_ms : 1);
	return line_next_event(line, &dl, &event, &got, ret_signal, err);
}

/* Until nothing waits, or nothing has moved for a while: a throttle is waited out, an outage is not. */
static int send_due(struct line *line, struct enroll_service *service, struct enroll_progress *total,
		    bool *ret_signal, struct err *err)
{
	struct deadline patience = deadline_in_ms(PATIENCE_MS);
	bool end = false;

	while (!end && !*ret_signal) {
		struct enroll_progress progress = { 0 };

		if (enroll_send_batch(service, line_station(line)->db, clock_wall_ms(), &progress, err) < 0)
			return -1;
		add(total, &progress);
		if (progress.enrolled + progress.quarantined > 0)
			patience = deadline_in_ms(PATIENCE_MS);
		if (!progress.more &&
		    wait_turn(line, progress.next_due_ms, &patience, &end, ret_signal, err) < 0)
			return -1;
	}
	return 0;
}

static int sync_once(struct line *line, struct enroll_service *service, bool json, int *ret_exit,
		     bool *ret_signal, struct err *err)
{
	struct station *st = line_station(line);
	struct enroll_progress total = { 0 };
	struct enroll_counts counts;

	*ret_exit = EXIT_SERVICE;
	if (send_due(line, service, &total, ret_signal, err) < 0) {
		if (err->class >= ERR_STATION)
			*ret_exit = EXIT_NOT_TRUSTED;
		return -1;
	}
	*ret_exit = EXIT_NOT_TRUSTED;
	if (enroll_count(st->db, &counts, err) < 0)
		return -1;
	print_result(json, &total, &counts);
	*ret_exit = counts.queued + counts.sending + counts.retry + counts.quarantined > 0 ? EXIT_IN_PART
											   : EXIT_DONE;
	return 0;
}

/* A service that is away does not end a watch: it is said once per round, and tried again. */
static int watch(struct line *line, struct enroll_service *service, bool json, int *ret_exit, struct err *err)
{
	bool signalled = false;

	while (!signalled) {
		const struct deadline pause = deadline_in_ms(WATCH_MS);
		struct event event;
		bool got;

		if (sync_once(line, service, json, ret_exit, &signalled, err) < 0) {
			if (*ret_exit != EXIT_SERVICE)
				return -1;
			report_error(json, err);
			err_clear(err);
		}
		if (!signalled && line_next_event(line, &pause, &event, &got, &signalled, err) < 0)
			return -1;
	}
	return 0;
}

int command_sync(const struct options *options)
{
	CLEANUP(line_closep) struct line *line = NULL;
	struct enroll_service *service = NULL;
	bool signalled = false;
	struct err err = { 0 };
	int status = EXIT_CONFIG, ret;

	log_open(2, LOG_LEVEL_WARN);
	ret = line_open(options->dir, &line, &status, &err);
	if (ret == 0) {
		status = EXIT_NOT_TRUSTED;
		ret = line_service_open(line, &service, &err);
	}
	if (ret == 0)
		ret = options->watch ? watch(line, service, options->json, &status, &err)
				     : sync_once(line, service, options->json, &status, &signalled, &err);
	if (ret < 0)
		report_error(options->json, &err);
	return status;
}
