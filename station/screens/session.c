/*
 * The loop: wait, read events, read keys, draw. One turn never blocks: drawing
 * goes through an outlet, scans and log-ins are short, and whatever talks to a
 * device, the token or the service does so in a thread of its own.
 */
#include "station/screens/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/screens/session_internal.h"

#define LOG_NAME "station.log"

/* Called in the parent: the terminal's client, until the server has ended. */
static int be_client(int socket_fd, const struct language *language)
{
	return attach_lend_terminal(socket_fd, language->code);
}

static int split(const struct language *language, int *ret_socket_fd, int *ret_exit, struct err *err)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(err, ERR_STATION, errno, "socketpair: %s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return err_set(err, ERR_STATION, errno, "fork: %s", strerror(errno));
	}
	(void)close(fds[pid == 0 ? 0 : 1]);
	if (pid == 0)
		*ret_socket_fd = fds[1];
	else
		*ret_exit = be_client(fds[0], language);
	return 0;
}

int session_split(const char *dir, const struct language *language, int *ret_socket_fd, int *ret_exit,
		  struct err *err)
{
	int fd = -1;

	*ret_socket_fd = -1;
	/* Before a working terminal gives way to one that is of no use. */
	if (terminal_check(attach_terminal_type(), err) < 0)
		return -1;
	if (attach_connect(dir, &fd, err) < 0)
		return -1;
	if (fd < 0)
		return split(language, ret_socket_fd, ret_exit, err);
	*ret_exit = be_client(fd, language);
	return 0;
}

int session_leave_terminal(const char *dir, struct err *err)
{
	char path[DIRECTORY_PATH_MAX];
	int null_fd, log_fd;

	if (directory_path(dir, LOG_NAME, path, err) < 0)
		return -1;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (null_fd < 0 || log_fd < 0)
		return err_set(err, ERR_STATION, errno, "%s: %s", path, strerror(errno));
	(void)setsid();
	(void)dup2(null_fd, STDIN_FILENO);
	(void)dup2(null_fd, STDOUT_FILENO);
	(void)dup2(log_fd, STDERR_FILENO);
	(void)close(null_fd);
	(void)close(log_fd);
	return 0;
}

static int start(struct session *session, struct err *err)
{
	struct station *st = session->st;

	input_init(&session->input, st->conf->scanner_prefix);
	session->touched_ms = deadline_now_ms();
	session->ui.screen = SCREEN_LINE;
	session->ui.before = SCREEN_LINE;
	session->ui.view = &session->view;
	session->language = session->conf.language;
	session->dirty = true;
	if (secret_new(PEOPLE_PIN_MAX, &session->pin, err) < 0)
		return -1;
	return session_listen(session, err);
}

int session_open(const struct session_conf *conf, struct session **ret_session, struct err *err)
{
	struct session *session = calloc(1, sizeof(*session));
	int64_t people = 0;

	if (session == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	session->conf = *conf;
	session->st = line_station(conf->line);
	session->client_fd = conf->socket_fd;
	session->listen_fd = -1;
	session->watch_fd = -1;
	if (people_count(session->st->db, &people, err) < 0) {
		session_close(session, EXIT_NOT_TRUSTED, "station: see station.log\n");
		return -1;
	}
	view_init(&session->view, session->st->conf, people > 0);
	desk_set_attended(session->st->desk, false);
	if (start(session, err) < 0) {
		session_close(session, EXIT_NOT_TRUSTED, "station: see station.log\n");
		return -1;
	}
	*ret_session = session;
	return 0;
}

void session_close(struct session *session, int exit_status, const char *text)
{
	if (session == NULL)
		return;
	session_drop_client(session, exit_status, text);
	if (session->listen_fd >= 0)
		(void)close(session->listen_fd);
	if (session->watch_fd >= 0)
		(void)close(session->watch_fd);
	secret_wipe(&session->pin);
	free(session);
}

/* Who has no language of their own gets the station's, not that of whoever was here before. */
static void follow_operator(struct session *session, const struct event *event)
{
	if (event->kind != EVENT_OPERATOR || event->operator_id[0] == '\0')
		return;
	session->language =
		event->language[0] != '\0' ? language_find(event->language) : session->conf.language;
}

static int read_events(struct session *session, struct err *err)
{
	struct event event;

	while (line_take_event(session->conf.line, &event)) {
		view_apply(&session->view, &event, deadline_now_ms());
		follow_operator(session, &event);
		session->dirty = true;
		if (session->conf.on_event(session->conf.arg, &event, err) < 0)
			return -1;
	}
	return 0;
}

int session_turn(struct session *session, bool *ret_over, struct err *err)
{
	const struct deadline quiet = deadline_in_ms(session_quiet_ms(session));
	bool typed = false, signalled = false;

	if (line_wait(session->conf.line, &quiet, session->watch_fd, &typed, &signalled, err) < 0 ||
	    read_events(session, err) < 0)
		return -1;
	if (session_clients(session, err) < 0 || session_keys(session, err) < 0 ||
	    desk_tick(session->st->desk, err) < 0)
		return -1;
	session_draw(session);
	*ret_over = signalled || session->over;
	return 0;
}

int64_t session_idle_ms(const struct session *session)
{
	return deadline_now_ms() - session->touched_ms;
}

bool session_has_client(const struct session *session)
{
	return session->client_fd >= 0;
}
