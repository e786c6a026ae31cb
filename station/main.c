/*
 * station: gives devices their identity on the manufacturing line.
 *
 *   main.c        this table           options.c   the command line
 *   conf.c        station.ini          directory.c, make.c   the station directory
 *   line.c        a running line       line_service.c   its ways to the service
 *   worker.c      a slot: wait for a unit              worker_serve.c   serve it
 *   plug.c        what is plugged in and out wakes the workers           contact.c   contacts that bounce
 *   job.c         THE PRODUCT: the pipelines and the loop that runs them
 *   journal.c     what is durable: journal_schema.c its tables, journal_read.c what is known of a unit
 *   steps/        what each step does
 *   provision.c   retries, failures    seats.c     who sits where      tools.c   a worker's keys
 *   events.c      one event stream, two readers:   report.c    lines, JSON   view.c   for screens
 *   desk.c        what people do: log-ins (desk_login.c), scans (desk_scan.c: label.c, pairing.c)
 *   people/       operators, badges, PINs, roles, acts of two people
 *   screens/      what a technician sees; session.c is its loop      po/        its languages
 *   pages/        what the screens read from the database            headless.c the loop without screens
 *   pulse.c       token, queue, clock: every two seconds             clock.c    the clock against the log
 *   release.c     a unit may begin again     results.c   for the shift report
 *   commands/     one file per sub-command   demo/       the demo's devices, service and hand
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/report.h"

static const struct command commands[] = {
	{ "demo", "[--devices N] [--slots K] [--dir DIR] [--headless] [--json] [--keep]",
	  "provision emulated devices, end to end, and check the result", "nsdhjk", 0, command_demo },
	{ "init", "DIR [--id ID]", "make a station directory (SoftHSM, root and issuing CA)", "i", 1,
	  command_init },
	{ "run", "[--headless] [--dir DIR] [--json] [--count N]",
	  "work: serve the slots; --count ends a headless run after N units, those that passed before aside",
	  "dhjc", 0, command_run },
	{ "status", "[--dir DIR] [--json]", "units, queue and log in one look", "dj", 0, command_status },
	{ "sync", "[--dir DIR] [--watch] [--json]", "send what waits in the outbox", "dwj", 0, command_sync },
	{ "unit",
	  "list [--certificate SHA256|NUMBER] [--key SHA256] [--issuer CN] [--operator ID] [--profile NAME] "
	  "[--slot NAME] [--since TIME] [--until TIME] | show SERIAL | release SERIAL --reason TEXT "
	  "[--dir DIR] [--json]",
	  "what is known of units; two people let one begin again (they are asked: badge or ID, PIN)",
	  "djRCKIOPSFU", 2, command_unit },
	{ "enroll",
	  "check | group | list | retry | release | drop | export FILE | import FILE ... [--dir DIR] "
	  "[--json]; alone it tells its words",
	  "records on their way to the service, and enrollment groups in it", "djRaCgGfxE", 3,
	  command_enroll },
	{ "audit", "show | verify | key [--dir DIR] [--json]",
	  "the log, and whether it is whole; the key that other stations know this one by", "dj", 1,
	  command_audit },
	{ "hsm", "list | import OBJECT | make-login OBJECT FILE | make-signing OBJECT [--dir DIR] [--json]",
	  "the token; two officers bring in a key (asked, or lines of stdin: the officers, the key)", "dj", 3,
	  command_hsm },
	{ "operator",
	  "list | add ID --role technician|lead|officer [--name NAME] [--language de] | disable ID | "
	  "reset ID [--dir DIR] [--json]",
	  "people; asks, or reads lines of stdin: your badge or ID, your PIN, then new badge, PIN, PIN again",
	  "djrml", 2, command_operator },
	{ "clock", "[accept] [--dir DIR] [--json]",
	  "whether the clock fits the log; two officers accept it (they are asked: badge or ID, PIN)", "dj",
	  1, command_clock },
	{ "fixture", "list | probe SLOT | wizard SLOT | record SLOT FILE [--dir DIR] [--json]",
	  "what is plugged in where; what is wrong at a slot; which place a slot is; what its unit says",
	  "dj", 3, command_fixture },
};

static void print_help(FILE *to)
{
	(void)fprintf(to, "station: device identity on the manufacturing line\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		(void)fprintf(to, "  station %s %s\n      %s\n", commands[i].name, commands[i].usage,
			      commands[i].help);
	(void)fprintf(to, "\nDIR is --dir, else $STATION_DIR, else /var/lib/station.\n"
			  "Exit status: 0 done, 1 in part, 2 usage or configuration, 3 not trusted, "
			  "4 service not reachable.\n");
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct options options;
	struct err err = { 0 };

	if (options_parse(command, argc, argv, &options, &err) < 0) {
		report_error(false, &err);
		return EXIT_CONFIG;
	}
	/* Modules that speak to a service write to sockets that may be gone. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* tpm2-tss writes failures to stderr by itself; ours say more, and once. */
	(void)setenv("TSS2_LOG", "all+none", 0);
	if (secret_heap_init(&err) < 0) {
		report_error(options.json, &err);
		return EXIT_NOT_TRUSTED;
	}
	return command->run(&options);
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? EXIT_CONFIG : EXIT_DONE;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return run_command(&commands[i], argc - 1, argv + 1);
	(void)fprintf(stderr, "station: unknown command \"%s\"; see: station help\n", argv[1]);
	return EXIT_CONFIG;
}
