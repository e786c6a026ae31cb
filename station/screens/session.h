/*
 * A session: the people's end of a running line. It owns the screens and the
 * terminals that come and go, reads the mailbox, and hands each event on after the
 * view has seen it. Without any terminal the line finishes what runs, then waits.
 */
#ifndef STATION_SCREENS_SESSION_H
#define STATION_SCREENS_SESSION_H

#include "station/line.h"
#include "station/screens/text.h"

/*
 * Splits a program that was started at a terminal into the client that keeps the terminal and the
 * server that works. *ret_socket_fd >= 0: this is the server, and the socket leads to its client; go on.
 * Else this is the client and all is over: return *ret_exit. Before any thread. When a station works in
 * dir already and lets terminals come, this is just another client of it.
 */
MUST_USE int session_split(const char *dir, const struct language *language, int *ret_socket_fd,
			   int *ret_exit, struct err *err);
/* The server leaves the terminal's session: standard streams end in DIR/station.log. After everything that prompts. */
MUST_USE int session_leave_terminal(const char *dir, struct err *err);

struct session;
struct session_conf {
	const char *dir;
	struct line *line;
	const struct language *language; /* until somebody logs in who prefers another */
	int socket_fd;                   /* the first client; the session's from then on */
	/* Called for each event, after the view. */
	int (*on_event)(void *arg, const struct event *event, struct err *err);
	void *arg;
};
/* Before line_start: from now on units wait while nobody looks at a terminal. */
MUST_USE int session_open(const struct session_conf *conf, struct session **ret_session, struct err *err);
/* Gives the terminal back; its client ends with exit_status and prints text. */
void session_close(struct session *session, int exit_status, const char *text);

/* Waits for anything to happen and deals with it. *ret_over: somebody asked the station to stop. */
MUST_USE int session_turn(struct session *session, bool *ret_over, struct err *err);
/* Puts the screen back but keeps the client waiting: what is printed now stands below its prompt. */
void session_end_screens(struct session *session);
/* Somebody holds a terminal for it. */
bool session_has_client(const struct session *session);
/* Milliseconds since the last key or scan. */
int64_t session_idle_ms(const struct session *session);

#endif
