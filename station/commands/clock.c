/* station clock: does the clock fit the log? station clock accept: two officers say that it is right. */
#include "station/clock.h"

#include "base/deadline.h"
#include "station/commands/acting.h"
#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/report.h"

static void print_look(const struct clock_look *look, bool json)
{
	char now[CLOCK_ISO_LEN + 1], log[CLOCK_ISO_LEN + 1];

	clock_iso8601(look->now_ms, now);
	clock_iso8601(look->log_ms, log);
	if (json)
		(void)printf("{\"event\":\"clock\",\"now\":\"%s\",\"log\":%s%s%s,\"inDoubt\":%s}\n", now,
			     look->log_known ? "\"" : "", look->log_known ? log : "null",
			     look->log_known ? "\"" : "", look->in_doubt ? "true" : "false");
	else
		(void)printf("clock  %s\nlog    %s\n%s%s\n", now, look->log_known ? log : "empty",
			     look->in_doubt ? "THE CLOCK IS IN DOUBT: " : "The clock fits the log.",
			     look->text);
}

static int run(const struct options *options, bool *ret_in_doubt, struct err *err)
{
	CLEANUP(acting_close) struct acting acting = { 0 };
	bool accepting = options->args_n == 1 && strcmp(options->args[0], "accept") == 0;
	struct witnesses witnesses = { 0 };
	struct clock_look look;

	if (options->args_n > 0 && !accepting)
		return err_set(err, ERR_OPERATOR, 0, "usage: station clock [accept]");
	if (acting_open(options->dir, &acting, err) < 0 ||
	    clock_check(acting.db, clock_wall_ms(), &look, err) < 0)
		return -1;
	/* Nobody is asked for what need not be done. */
	if (accepting && look.in_doubt && acting_two(&acting, ACT_CLOCK, &witnesses, err) < 0)
		return -1;
	if (accepting && (clock_accept(acting.db, acting.conf->id, clock_wall_ms(), &witnesses, err) < 0 ||
			  clock_check(acting.db, clock_wall_ms(), &look, err) < 0))
		return -1;
	print_look(&look, options->json);
	*ret_in_doubt = look.in_doubt;
	return 0;
}

int command_clock(const struct options *options)
{
	struct err err = { 0 };
	bool in_doubt = false;

	if (run(options, &in_doubt, &err) == 0)
		return in_doubt ? EXIT_IN_PART : EXIT_DONE;
	report_error(options->json, &err);
	return err.class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_CONFIG;
}
