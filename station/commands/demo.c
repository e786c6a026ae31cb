/*
 * station demo: the main job on emulated devices and an emulated service,
 * through the very code that station run uses. Everything lies in one
 * directory; started again there, it continues what was interrupted.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "station/commands/commands.h"
#include "station/demo/demo.h"
#include "station/exit.h"
#include "station/report.h"
#include "station/screens/session.h"

#define TICK_MS 200
#define SYNC_MS 120000
#define HAND_MS 1500  /* on screens: so long a result is looked at */
#define LOOK_MS 60000 /* and so long the screens stay when all is done and nobody presses a key */

struct demo {
	const struct options *options;
	char dir[DIRECTORY_PATH_MAX];
	struct child dps, devices;
	struct demo_service dps_service;
	struct line *line;
	struct enroll_service *service; /* main's own; the sender has another */
	struct hand *hand;
	const struct language *language;
	int socket_fd;           /* to the terminal's client; -1: no screens */
	struct session *session; /* NULL: no screens */
	struct tally tally;
	int64_t started_ms;
	int exit_status;
};

static void demo_close(struct demo *demo)
{
	session_close(demo->session, demo->exit_status, "");
	line_close(demo->line);
	hand_free(demo->hand);
	child_stop(&demo->devices);
	if (demo->options->keep)
		demo->dps.pid = 0; /* it stays, as asked */
	child_stop(&demo->dps);
	secret_wipe(&demo->dps_service.key);
}

static int choose_dir(struct demo *demo, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char made[DIRECTORY_PATH_MAX];

	if (demo->options->dir_given)
		return directory_absolute(demo->options->dir, demo->dir, err);
	if (str_format(made, sizeof(made), "%s/station-demo-XXXXXX", tmp != NULL ? tmp : "/tmp") < 0 ||
	    mkdtemp(made) == NULL)
		return err_set(err, ERR_OPERATOR, 0, "no folder can be made under %s",
			       tmp != NULL ? tmp : "/tmp");
	return directory_absolute(made, demo->dir, err);
}

static int start_emulators(struct demo *demo, struct err *err)
{
	char state[DIRECTORY_PATH_MAX], count[16];
	const char *dps[] = { "--dir", demo->dir, "--state", state, NULL };
	const char *devices[] = { "--dir", demo->dir, "--count", count, NULL };

	if (directory_path(demo->dir, "dps-state.jsonl", state, err) < 0)
		return -1;
	if (str_format(count, sizeof(count), "%u", demo->options->devices) < 0)
		return err_set(err, ERR_BUG, 0, "device count does not fit");
	if (child_start("dps-emulator", dps, demo->options->keep, &demo->dps, err) < 0 ||
	    child_start("device-emulator", devices, false, &demo->devices, err) < 0)
		return -1;
	return 0;
}

/* Directory, emulators, configuration, keys and groups: what an integrator sets up once. */
static int set_up(struct demo *demo, struct err *err)
{
	char ini[DIRECTORY_PATH_MAX];

	demo->exit_status = EXIT_CONFIG;
	if (demo->dir[0] == '\0' && choose_dir(demo, err) < 0)
		return -1;
	if (directory_path(demo->dir, "station.ini", ini, err) < 0)
		return -1;
	if (!demo->options->json)
		(void)printf("The demo lies in %s\n", demo->dir);
	if (access(ini, F_OK) != 0 && directory_make(demo->dir, "demo", err) < 0)
		return err_wrap(err, "making the station directory");
	if (demo_check_ini(demo->dir, err) < 0)
		return -1;
	if (start_emulators(demo, err) < 0 || demo_service_read(demo->dir, &demo->dps_service, err) < 0 ||
	    demo_write_ini(demo->dir, demo->options->slots, &demo->dps_service, err) < 0 ||
	    line_open(demo->dir, &demo->line, &demo->exit_status, err) < 0)
		return -1;
	demo->exit_status = EXIT_NOT_TRUSTED;
	if (demo_service_import_key(demo->line, &demo->dps_service, err) < 0 ||
	    line_service_open(demo->line, &demo->service, err) < 0)
		return err_wrap(err, "key of the service");
	demo->exit_status = EXIT_SERVICE;
	return demo_groups_make(demo->line, demo->service, err);
}

static bool is_end_of_unit(const struct event *event)
{
	return event->kind == EVENT_PASS || event->kind == EVENT_FAIL || event->kind == EVENT_ALREADY;
}

/* Counts, and seats the next device when a unit has ended. */
static int on_event(void *arg, const struct event *event, struct err *err)
{
	struct demo *demo = arg;

	(void)err;
	tally_add(&demo->tally, event);
	if (is_end_of_unit(event))
		hand_seat_later(demo->hand, event->slot, demo->session != NULL ? HAND_MS : 0);
	return 0;
}

/* One event, or a short wait. */
static int turn(struct demo *demo, bool *ret_over, struct err *err)
{
	const struct deadline tick = deadline_in_ms(TICK_MS);
	struct event event;
	bool got = false;

	if (demo->session != NULL) {
		if (session_turn(demo->session, ret_over, err) < 0)
			return -1;
		/* A demo has nobody to come back to it. */
		*ret_over = *ret_over || !session_has_client(demo->session);
	} else if (line_next_event(demo->line, &tick, &event, &got, ret_over, err) < 0) {
		return -1;
	}
	if (got) {
		report_event(demo->options->json, &event);
		if (on_event(demo, &event, err) < 0)
			return -1;
	}
	return hand_work(demo->hand, err);
}

static int open_session(struct demo *demo, struct err *err)
{
	const struct session_conf conf = {
		.dir = demo->dir,
		.line = demo->line,
		.language = demo->language,
		.socket_fd = demo->socket_fd,
		.on_event = on_event,
		.arg = demo,
	};

	return demo->socket_fd < 0 ? 0 : session_open(&conf, &demo->session, err);
}

static int provision_all(struct demo *demo, bool *ret_signal, struct err *err)
{
	const struct conf *conf = line_station(demo->line)->conf;

	for (size_t i = 0; i < conf->slots_n; i++)
		if (hand_seat_next(demo->hand, conf->slots[i].name, err) < 0)
			return -1;
	if (open_session(demo, err) < 0 || line_start(demo->line, err) < 0)
		return -1;
	while (!*ret_signal && demo->tally.stopped == 0 && hand_done(demo->hand) < hand_devices(demo->hand))
		if (turn(demo, ret_signal, err) < 0)
			return -1;
	return 0;
}

/* All is done; somebody may want to look around. */
static int let_look(struct demo *demo, struct err *err)
{
	bool over = false;

	if (demo->session == NULL)
		return 0;
	while (!over && session_idle_ms(demo->session) < LOOK_MS)
		if (turn(demo, &over, err) < 0)
			return -1;
	session_end_screens(demo->session);
	return 0;
}

static int wait_for_sync(struct demo *demo, struct enroll_counts *ret_counts, struct err *err)
{
	const struct deadline dl = deadline_in_ms(SYNC_MS);
	bool signalled = false;

	for (;;) {
		if (enroll_count(line_station(demo->line)->db, ret_counts, err) < 0)
			return -1;
		if (ret_counts->queued + ret_counts->sending + ret_counts->retry == 0 || signalled ||
		    deadline_passed(&dl))
			return 0;
		if (turn(demo, &signalled, err) < 0)
			return -1;
	}
}

static void print_where(const struct demo *demo)
{
	(void)printf("\nLook at it:\n"
		     "  %s/ca/root.pem                 the root certificate\n"
		     "  %s/devices/SERIAL/             each device's flash\n"
		     "  %s/dps.json                    the emulated service\n"
		     "  %s status --dir %s\n"
		     "  %s audit show --dir %s\n",
		     demo->dir, demo->dir, demo->dir, program_invocation_name, demo->dir,
		     program_invocation_name, demo->dir);
	if (demo->options->keep)
		(void)printf("The service still runs as process %ld; to end it: kill %ld\n",
			     (long)demo->dps.pid, (long)demo->dps.pid);
}

static int judge(const struct demo *demo, const struct summary *summary, const struct demo_check *check,
		 struct err *err)
{
	if (demo->tally.stopped > 0)
		return EXIT_NOT_TRUSTED;
	if (check->wrong > 0) {
		(void)err_set(err, ERR_UNIT, 0, "%u units are not what they should be; the first: %s",
			      check->wrong, check->first);
		report_error(demo->options->json, err);
		return EXIT_IN_PART;
	}
	if (summary->pending > 0)
		return EXIT_SERVICE;
	return summary->passed == summary->units && summary->quarantined == 0 ? EXIT_DONE : EXIT_IN_PART;
}

/* Syncs, checks, and says what came of it. */
static int finish(struct demo *demo, struct err *err)
{
	struct enroll_counts counts;
	struct demo_check check = { 0 };
	struct summary summary;

	demo->exit_status = EXIT_NOT_TRUSTED;
	if (let_look(demo, err) < 0 || wait_for_sync(demo, &counts, err) < 0)
		return -1;
	line_stop(demo->line);
	if (demo_check(demo->dir, demo->line, demo->service, &check, err) < 0)
		return -1;
	summary = (struct summary){
		.units = hand_devices(demo->hand),
		.passed = check.passed,
		.failed = demo->tally.failed,
		.enrolled = counts.enrolled,
		.group = check.group,
		.pending = counts.queued + counts.sending + counts.retry,
		.quarantined = counts.quarantined,
		.audit_entries = check.audit_entries,
		.seconds = (double)(deadline_now_ms() - demo->started_ms) / 1000.0,
	};
	demo->exit_status = judge(demo, &summary, &check, err);
	if (!demo->options->json)
		print_where(demo);
	report_summary(demo->options->json, &summary);
	return 0;
}

static int run(struct demo *demo, struct err *err)
{
	bool signalled = false;

	if (set_up(demo, err) < 0)
		return -1;
	demo->exit_status = EXIT_NOT_TRUSTED;
	if (hand_new(demo->dir, &demo->hand, err) < 0 || provision_all(demo, &signalled, err) < 0)
		return -1;
	if (signalled) {
		session_end_screens(demo->session);
		line_stop(demo->line);
		demo->exit_status = EXIT_IN_PART;
		return err_set(err, ERR_OPERATOR, 0, "stopped; to continue: station demo --dir %s",
			       demo->dir);
	}
	return finish(demo, err);
}

static int work(struct demo *demo)
{
	struct err err = { 0 };

	if (run(demo, &err) < 0) {
		session_end_screens(demo->session);
		report_error(demo->options->json, &err);
	}
	demo_close(demo);
	return demo->exit_status;
}

int command_demo(const struct options *options)
{
	const struct language *language = text_init();
	struct demo demo = {
		.options = options, .language = language, .socket_fd = -1, .started_ms = deadline_now_ms()
	};
	struct err err = { 0 };
	int client_exit = EXIT_DONE;

	log_open(2, LOG_LEVEL_ERROR);
	if (!options_want_screens(options))
		return work(&demo);
	if (choose_dir(&demo, &err) < 0 ||
	    session_split(demo.dir, language, &demo.socket_fd, &client_exit, &err) < 0) {
		report_error(false, &err);
		return EXIT_CONFIG;
	}
	return demo.socket_fd < 0 ? client_exit : work(&demo);
}
