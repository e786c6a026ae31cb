/*
 * Terminals come and go, the station stays: the process that works (the
 * server) has none of its own. Each terminal belongs to a small client, which puts it
 * into raw mode, hands its descriptors over a socket (unix(7), SCM_RIGHTS), tells of
 * resizes, and puts it back at the end. The first client is the parent of the
 * server; later ones find DIR/station.sock, whose folder only its owner can enter.
 */
#ifndef STATION_SCREENS_ATTACH_H
#define STATION_SCREENS_ATTACH_H

#include "station/screens/terminal.h"

#define ATTACH_TEXT_MAX 2000

/* --- The client ----------------------------------------------------------------------------------- */

/* $TERM, and "unknown" if there is none. */
const char *attach_terminal_type(void);
/* Connects to the station that works in dir; *ret_fd -1 if none listens there. ERR_OPERATOR on trouble. */
MUST_USE int attach_connect(const char *dir, int *ret_fd, struct err *err);
/*
 * Waits for the server's welcome, then lends standard input and output to the server behind socket_fd until it lets them go, or until
 * this process is asked to end (SIGHUP, SIGTERM). Takes socket_fd. Returns the exit status; what the
 * server had to say at the end is printed when the terminal is itself again.
 */
int attach_lend_terminal(int socket_fd, const char *language);

/* --- The server ------------------------------------------------------------------------------------ */

/* Listens at DIR/station.sock, replacing what a killed station left; its lock must be held. */
MUST_USE int attach_listen(const char *dir, int *ret_fd, struct err *err);
/* The next client's connection; *ret_fd -1 if there is none now, or it is another user's. */
MUST_USE int attach_accept(int listen_fd, int *ret_fd, struct err *err);

struct attach_hello {
	struct terminal_conf terminal; /* its descriptors are the caller's */
	char language[17];
};
/* Tells a new client that it may lend its terminal now: whoever asks for a PIN at the start still owns it. */
void attach_welcome(int socket_fd);
enum attach_news {
	ATTACH_NOTHING,
	ATTACH_HELLO,   /* it lends its terminal: *ret_hello is set                */
	ATTACH_RESIZED, /* look at the size again                                  */
	ATTACH_LEAVING, /* it was asked to end: put the screen back, then dismiss   */
	ATTACH_GONE,    /* closed, or it broke the rules                           */
};
/* What the client has to say, without waiting. */
enum attach_news attach_read(int socket_fd, struct attach_hello *ret_hello);
/* Ends the client with this exit status; text is printed first. Takes socket_fd. */
void attach_dismiss(int socket_fd, int exit_status, const char *text);

#endif
