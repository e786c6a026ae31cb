/* The parts of a session that its files share. */
#ifndef STATION_SCREENS_SESSION_INTERNAL_H
#define STATION_SCREENS_SESSION_INTERNAL_H

#include "station/screens/attach.h"
#include "station/screens/session.h"
#include "station/screens/ui.h"
#include "station/station.h"

struct session {
	struct session_conf conf;
	struct station *st;
	struct ui ui;
	struct view view;
	struct canvas canvas;
	struct input input;
	struct secret pin;               /* digits as they are typed; ui.pin_typed of them */
	const struct language *language; /* chosen; a terminal without UTF-8 may not be able to show it */

	int watch_fd;              /* epoll(7) of the three below */
	int listen_fd;             /* later clients */
	int client_fd;             /* -1: none */
	struct terminal *terminal; /* NULL: the client has not lent it, or there is none */

	bool dirty; /* the picture is not the view's any more */
	bool over;
	unsigned fails; /* as of the last bell */
	int64_t shown_second, loaded_ms, touched_ms, flash_phase;
};

/* session_client.c: terminals come and go. */
MUST_USE int session_listen(struct session *session, struct err *err);
MUST_USE int session_clients(struct session *session, struct err *err);
/* The terminal is left as it was before; its client ends. */
void session_drop_client(struct session *session, int exit_status, const char *text);

/* session_keys.c: what was typed since the last turn. */
MUST_USE int session_keys(struct session *session, struct err *err);
void session_forget_pin(struct session *session);

/* session_draw.c: pages and pictures. */
void session_load_page(struct session *session);
void session_draw(struct session *session);
/* How long nothing need be drawn. */
unsigned session_quiet_ms(const struct session *session);

#endif
