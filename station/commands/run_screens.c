/*
 * station run at a terminal. The process splits before the first thread: one half
 * keeps the terminal, the other opens the line, leaves the terminal's session and
 * works, whatever becomes of the terminal.
 */
#include "base/log.h"
#include "station/commands/commands.h"
#include "station/exit.h"
#include "station/line.h"
#include "station/report.h"
#include "station/screens/attach.h"
#include "station/screens/session.h"

struct run {
	const struct options *options;
	struct tally tally;
};

static int on_event(void *arg, const struct event *event, struct err *err)
{
	struct run *run = arg;

	(void)err;
	tally_add(&run->tally, event);
	return 0;
}

/* A stopped station stays on its screen until a person has seen why. */
static bool has_served_enough(const struct run *run)
{
	const unsigned wanted = run->options->count;

	return wanted > 0 && run->tally.stopped == 0 && run->tally.passed + run->tally.failed >= wanted;
}

static int serve(struct run *run, struct session *session, struct line *line, struct err *err)
{
	bool over = false;

	if (line_start(line, err) < 0)
		return -1;
	while (!over && !has_served_enough(run))
		if (session_turn(session, &over, err) < 0)
			return -1;
	return 0;
}

static int exit_status(const struct tally *tally)
{
	if (tally->stopped > 0)
		return EXIT_NOT_TRUSTED;
	return tally->failed > 0 ? EXIT_IN_PART : EXIT_DONE;
}

/* What went wrong is said on the terminal that is given back. */
static int give_up(struct session *session, const struct err *err)
{
	char text[ATTACH_TEXT_MAX] = "", what[sizeof(err->what) + sizeof(err->where) + 3];

	(void)err_text(err, what, sizeof(what));
	if (str_format(text, sizeof(text), "station: %s\n         %s\n", what, report_advice(err->class)) < 0)
		str_clip(text, sizeof(text), what);
	log_line(LOG_LEVEL_ERROR, "station-stopped", "what=%s", what);
	session_close(session, EXIT_NOT_TRUSTED, text);
	return EXIT_NOT_TRUSTED;
}

static int work(struct run *run, struct line *line, const struct session_conf *conf)
{
	struct session *session = NULL;
	struct err err = { 0 };
	int status;

	if (session_open(conf, &session, &err) < 0) {
		report_error(false, &err);
		return EXIT_NOT_TRUSTED;
	}
	if (serve(run, session, line, &err) < 0)
		return give_up(session, &err);
	status = exit_status(&run->tally);
	/* Units end their step first; the terminal comes back when the work has ended. */
	session_end_screens(session);
	line_stop(line);
	session_close(session, status, "");
	return status;
}

static const struct language *language_of(struct line *line, const struct language *environment)
{
	const char *configured = line_station(line)->conf->language;

	return configured[0] != '\0' ? language_find(configured) : environment;
}

static int open_and_work(const struct options *options, int socket_fd, const struct language *language)
{
	CLEANUP(line_closep) struct line *line = NULL;
	struct run run = { .options = options };
	struct session_conf conf = {
		.dir = options->dir, .socket_fd = socket_fd, .on_event = on_event, .arg = &run
	};
	int failed_exit = EXIT_CONFIG;
	struct err err = { 0 };

	/* Until here the terminal is the shell's: a PIN may be asked on it, and trouble is said there. */
	if (line_open(options->dir, &line, &failed_exit, &err) < 0 ||
	    session_leave_terminal(options->dir, &err) < 0) {
		report_error(false, &err);
		attach_dismiss(socket_fd, failed_exit, "");
		return failed_exit;
	}
	conf.line = line;
	conf.language = language_of(line, language);
	return work(&run, line, &conf);
}

int run_on_screens(const struct options *options)
{
	const struct language *language = text_init();
	int socket_fd = -1, client_exit = EXIT_DONE;
	struct err err = { 0 };

	log_open(2, LOG_LEVEL_WARN);
	if (session_split(options->dir, language, &socket_fd, &client_exit, &err) < 0) {
		report_error(false, &err);
		return EXIT_CONFIG;
	}
	return socket_fd >= 0 ? open_and_work(options, socket_fd, language) : client_exit;
}
