/*
 * The desk: what people do at a running line. Who is logged in, which label
 * was scanned for which slot, whether anybody looks at the terminal. Screens
 * and a headless station's standard input call the same functions; workers ask
 * whether the unit on their slot may start.
 *
 * Locks itself. desk_may_start and desk_left are for workers; all others are
 * for the thread that reads the mailbox, and answer by events noted in it.
 */
#ifndef STATION_DESK_H
#define STATION_DESK_H

#include "base/secret.h"
#include "station/conf.h"
#include "station/events.h"
#include "station/people/people.h"

#define SCAN_MAX 128 /* longer scans are refused whole */

struct desk;
struct desk_conf {
	const struct conf *conf;
	struct db *db;
	struct mailbox *events;
	int64_t (*now_ms)(void); /* monotonic; NULL: deadline_now_ms */
};
MUST_USE int desk_new(const struct desk_conf *conf, struct desk **ret_desk, struct err *err);
void desk_free(struct desk *desk);
DEFINE_CLEANUP(desk_freep, struct desk, desk_free)

/* --- For workers --------------------------------------------------------------------------------- */

/* With whom and what a unit starts. */
struct seating {
	char operator_id[OPERATOR_ID_MAX + 1]; /* empty in a station without operators */
	char label[LABEL_MAX + 1];             /* as scanned; empty if none was */
};
/*
 * Asked at each look while a unit sits there; never waits. WAIT_NONE: it starts, with
 * *ret_seating. profile NULL (no profile takes the unit) demands no label.
 */
enum wait desk_may_start(struct desk *desk, const struct conf_slot *slot, const struct conf_profile *profile,
			 const char *serial, struct seating *ret_seating);
/* The slot is free: a label that was bound to it is forgotten. */
void desk_left(struct desk *desk, const struct conf_slot *slot);

/* --- For the thread that reads the mailbox ----------------------------------------------------------- */

/*
 * Anything a scanner typed, without what the scanner itself puts in front: a badge (badge-prefix and
 * the badge; the prefix alone logs out), a slot's barcode, else a label. Label and slot belong together in either order, within
 * 30 s; a label alone finds the waiting unit that reports the same serial, or waits for it
 * (station/pairing.h). EVENT_SCAN says what became of it; its text is the label, or why it is none.
 * Errors are the database's, here and below. One that is held by another program too long is none: then
 * nothing was done, EVENT_SCAN says SCAN_BUSY, and whoever scanned or typed does it again.
 */
MUST_USE int desk_scan(struct desk *desk, const char *text, struct err *err);
/* What was typed is no scan at all: too long, or not of printable characters. Nothing of it is used. */
void desk_refuse_scan(struct desk *desk);
/* Is it a badge that was scanned? Then it is none of the PIN that is asked for. */
bool desk_is_badge(const struct desk *desk, struct bytes text);

/* What the log-in waits for; drawn as a dialog over any screen. */
enum desk_asks {
	DESK_ASKS_NOTHING, /* also when nobody answered for 30 s */
	DESK_ASKS_ID,      /* desk_begin_login was called     */
	DESK_ASKS_PIN,     /* of the badge or the ID before   */
};
struct desk_dialog {
	enum desk_asks asks;
	char operator_id[OPERATOR_ID_MAX + 1]; /* whose PIN */
	enum people_verdict verdict; /* of the last answer; PEOPLE_WELCOME when nothing went wrong */
	unsigned tries_left;         /* with PEOPLE_WRONG_PIN */
};
void desk_get_dialog(struct desk *desk, struct desk_dialog *ret_dialog);
void desk_begin_login(struct desk *desk);
void desk_cancel_login(struct desk *desk);
MUST_USE int desk_answer_id(struct desk *desk, const char *id, struct err *err);
/* Wipes nothing: pin stays the caller's. Logging in while another is logged in hands the shift over. */
MUST_USE int desk_answer_pin(struct desk *desk, const struct secret *pin, struct err *err);
/* Units that run go on; the next ones wait. */
MUST_USE int desk_logout(struct desk *desk, struct err *err);

/* A key, a scan, a seated unit: somebody is here. */
void desk_touch(struct desk *desk);
/*
 * At least once a second: auto-logout after [people] logout-minutes, scans that waited too long, and
 * what others changed about the people: from the first operator on everybody logs in, and who is
 * disabled is logged out. What could not be looked at, since the database is held, is looked at in the next ticks.
 */
MUST_USE int desk_tick(struct desk *desk, struct err *err);
/* The terminal went away or came back (WAIT_TERMINAL). A desk that is never told waits for none: a headless station. */
void desk_set_attended(struct desk *desk, bool attended);
/* The clock contradicts the log, or somebody vouched for it (WAIT_CLOCK). */
void desk_set_clock_doubt(struct desk *desk, bool doubt);
/* Whether a unit waits for somebody to log in, if nobody has. */
bool desk_login_required(struct desk *desk);

#endif
