/* station run: serves the slots until it is told to stop, or until N units are done. */
#include "base/log.h"
#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/line.h"
#include "station/report.h"

#define TICK_MS 500

static int serve(struct line *line, const struct options *options, struct tally *tally, struct err *err)
{
	bool signalled = false;

	while (!signalled && tally->stopped == 0 &&
	       (options->count == 0 || tally->passed + tally->failed < options->count)) {
		const struct deadline tick = deadline_in_ms(TICK_MS);
		struct event event;
		bool got = false;

		if (line_next_event(line, &tick, &event, &got, &signalled, err) < 0)
			return -1;
		if (!got)
			continue;
		report_event(options->json, &event);
		tally_add(tally, &event);
	}
	return 0;
}

static int exit_status(const struct tally *tally)
{
	if (tally->stopped > 0)
		return EXIT_NOT_TRUSTED;
	return tally->failed > 0 ? EXIT_IN_PART : EXIT_DONE;
}

int command_run(const struct options *options)
{
	CLEANUP(line_closep) struct line *line = NULL;
	struct tally tally = { 0 };
	struct err err = { 0 };
	int failed_exit = EXIT_CONFIG;

	log_open(2, LOG_LEVEL_WARN);
	if (line_open(options->dir, &line, &failed_exit, &err) < 0) {
		report_error(options->json, &err);
		return failed_exit;
	}
	if (line_start(line, &err) < 0 || serve(line, options, &tally, &err) < 0) {
		report_error(options->json, &err);
		return EXIT_NOT_TRUSTED;
	}
	line_stop(line);
	return exit_status(&tally);
}
