/* Private to the desk: desk.c (state, workers, time), desk_scan.c (what was scanned), desk_login.c (who works). */
#ifndef STATION_DESK_INTERNAL_H
#define STATION_DESK_INTERNAL_H

#include <pthread.h>

#include "station/desk.h"
#include "station/pairing.h"

struct desk {
	struct desk_conf conf;

	pthread_mutex_t lock;   /* owns what follows; never held while the database works */
	struct pairing pairing; /* slots by their place in the configuration */
	struct person who;      /* id empty: nobody */
	bool demanded;          /* there are operators, so one must be logged in */
	bool attended, clock_doubt;
	int64_t touched_ms;

	/* the reader's thread alone */
	struct desk_dialog dialog;
	int64_t asked_ms;     /* when the dialog changed last */
	bool by_badge;        /* the PIN is asked for after a badge */
	int64_t next_look_ms; /* at the people in the database */
};

int64_t desk_now_ms(const struct desk *desk);
/* Text is what was scanned, or why it is refused; slot may be NULL. */
void desk_note_scan(struct desk *desk, enum scan_fate fate, const struct conf_slot *slot, const char *text);
void desk_note_answer(struct desk *desk, const struct pairing_answer *answer);

/*
 * What a failure at the desk means. A database that others hold ends nothing: it is logged, told as a scan of this
 * fate (SCAN_NONE: to nobody, as nobody asked), and is 0. Everything else is the caller's, and stops the station.
 */
MUST_USE int desk_outlast(struct desk *desk, enum scan_fate told, int ret, struct err *err);

/* A badge, without its prefix. */
MUST_USE int desk_take_badge(struct desk *desk, struct bytes badge, struct err *err);
/* why: "asked", "idle", "disabled": stored data. Nobody is logged in: does nothing. */
MUST_USE int desk_log_out(struct desk *desk, const char *why, struct err *err);
/* Says who works here, nobody too. */
void desk_note_operator(struct desk *desk, const char *why);
/* A PIN that nobody types must not take the next scan for one. */
void desk_end_dialog(struct desk *desk);

#endif
