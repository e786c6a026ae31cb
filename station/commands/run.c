/* station run: serves the slots until it is told to stop, or until N units are done. */
#include "base/log.h"
#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/headless.h"
#include "station/line.h"

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

	if (options_want_screens(options))
		return run_on_screens(options);
	log_open(2, LOG_LEVEL_WARN);
	if (line_open(options->dir, &line, &failed_exit, &err) < 0) {
		report_error(options->json, &err);
		return failed_exit;
	}
	if (line_start(line, &err) < 0 || headless_serve(line, options, &tally, &err) < 0) {
		report_error(options->json, &err);
		return EXIT_NOT_TRUSTED;
	}
	line_stop(line);
	return exit_status(&tally);
}
