/*
 * Terminals come and go. One at a time: whoever comes later takes over, since the
 * earlier one may be a connection that died without saying so.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "station/exit.h"
#include "station/screens/session_internal.h"

#define TAKEN_OVER "station: another terminal took over\n"

static int watch(struct session *session, int fd, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };

	if (epoll_ctl(session->watch_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_set(err, ERR_STATION, errno, "epoll: %s", strerror(errno));
	return 0;
}

/* By hand, since the client has the same open terminal: closing ours does not end the watch. */
static void unwatch(struct session *session, int fd)
{
	if (session->watch_fd >= 0)
		(void)epoll_ctl(session->watch_fd, EPOLL_CTL_DEL, fd, NULL);
}

int session_listen(struct session *session, struct err *err)
{
	session->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (session->watch_fd < 0)
		return err_set(err, ERR_STATION, errno, "epoll: %s", strerror(errno));
	if (attach_listen(session->conf.dir, &session->listen_fd, err) < 0 ||
	    watch(session, session->listen_fd, err) < 0)
		return -1;
	if (session->client_fd < 0)
		return 0;
	attach_welcome(session->client_fd);
	return watch(session, session->client_fd, err);
}

void session_end_screens(struct session *session)
{
	if (session == NULL || session->terminal == NULL)
		return;
	unwatch(session, terminal_fd(session->terminal));
	terminal_close(session->terminal);
	session->terminal = NULL;
	/* What was half typed there is not continued elsewhere. */
	input_init(&session->input, session->st->conf->scanner_prefix);
	session_forget_pin(session);
	desk_set_attended(session->st->desk, false);
	log_line(LOG_LEVEL_WARN, "terminal-gone", "station=%s", session->view.station_id);
}

void session_drop_client(struct session *session, int exit_status, const char *text)
{
	session_end_screens(session);
	if (session->client_fd < 0)
		return;
	unwatch(session, session->client_fd);
	attach_dismiss(session->client_fd, exit_status, text);
	session->client_fd = -1;
}

static int accept_client(struct session *session, struct err *err)
{
	int fd = -1;

	if (attach_accept(session->listen_fd, &fd, err) < 0)
		return -1;
	if (fd < 0)
		return 0;
	session_drop_client(session, EXIT_DONE, TAKEN_OVER);
	session->client_fd = fd;
	attach_welcome(fd);
	return watch(session, fd, err);
}

/* A terminal that can't be used is its client's trouble, not the line's. */
static int take_terminal(struct session *session, const struct attach_hello *hello, struct err *err)
{
	struct err trouble = { 0 };
	char text[sizeof(trouble.what) + 16] = "";

	session_end_screens(session);
	if (terminal_open(&hello->terminal, &session->terminal, &trouble) < 0 ||
	    watch(session, terminal_fd(session->terminal), &trouble) < 0) {
		if (str_format(text, sizeof(text), "station: %s\n", trouble.what) < 0)
			return err_set(err, ERR_BUG, 0, "a message does not fit");
		session_drop_client(session, EXIT_CONFIG, text);
		return 0;
	}
	desk_set_attended(session->st->desk, true);
	session->dirty = true;
	return 0;
}

static int hear_client(struct session *session, struct err *err)
{
	struct attach_hello hello;

	switch (attach_read(session->client_fd, &hello)) {
	case ATTACH_NOTHING:
		return 0;
	case ATTACH_HELLO:
		return take_terminal(session, &hello, err);
	case ATTACH_RESIZED:
		session->dirty = true;
		return 0;
	case ATTACH_LEAVING:
		session_drop_client(session, EXIT_DONE, "");
		return 0;
	case ATTACH_GONE:
		session_drop_client(session, EXIT_DONE, "");
		return 0;
	}
	return 0;
}

int session_clients(struct session *session, struct err *err)
{
	if (session->client_fd >= 0 && hear_client(session, err) < 0)
		return -1;
	if (session->terminal != NULL && terminal_is_gone(session->terminal))
		session_drop_client(session, EXIT_DONE, "");
	return accept_client(session, err);
}
