/*
 * A running line: the station directory opened, a worker per slot, the sender.
 * `station run` and `station demo` drive the same line; tests do, too.
 */
#ifndef STATION_LINE_H
#define STATION_LINE_H

#include "station/station.h"

struct line;

/*
 * Opens DIR: loads the configuration, takes the lock, opens database and HSM,
 * checks that the issuing key is the intermediate's. *ret_exit is the
 * exit status that a failure deserves (design: 2 configuration, 3 not trusted).
 */
MUST_USE int line_open(const char *dir, struct line **ret_line, int *ret_exit, struct err *err);
/* Only to send, also beside a station that works: no lock is taken, and the HSM is opened with the first service. */
MUST_USE int line_open_sync(const char *dir, struct line **ret_line, int *ret_exit, struct err *err);
void line_close(struct line *line);
DEFINE_CLEANUP(line_closep, struct line, line_close)

/* Starts the sender, the pulse, the plug and the workers of all slots. */
MUST_USE int line_start(struct line *line, struct err *err);
/* Whether this process sends what waits from now on; one does at a time, until it ends. */
MUST_USE int line_take_turn(struct line *line, bool *ret_mine, struct err *err);
/*
 * The sender alone, with as many connections as configured; it waits for its turn, and then recovers what
 * the process before had in hand. *ret_service is one of its connections, for enroll_next_call.
 */
MUST_USE int line_start_sender(struct line *line, enroll_status_fn *status, void *arg,
			       struct enroll_service **ret_service, struct err *err);
/* Asks everything to stop and waits; events are read no more. Accepts a line that never started. */
void line_stop(struct line *line);

/*
 * Waits until there are events, until extra_fd (-1: none) is readable or hung up (*ret_extra),
 * until a signal (SIGINT, SIGTERM) asks to stop (*ret_signal), or until the deadline.
 */
MUST_USE int line_wait(struct line *line, const struct deadline *dl, int extra_fd, bool *ret_extra,
		       bool *ret_signal, struct err *err);
/* The next event, if there is one now. */
bool line_take_event(struct line *line, struct event *ret_event);
/*
 * Both in one, for who waits for nothing else. *ret_got false when the deadline passed, or when a signal
 * (SIGINT, SIGTERM) asked to stop: then *ret_signal is true.
 */
MUST_USE int line_next_event(struct line *line, const struct deadline *dl, struct event *ret_event,
			     bool *ret_got, bool *ret_signal, struct err *err);

/* The token's page for its screen, as a thread of the line's own last saw it; never waits (station/pulse.h). */
struct page_hsm;
void line_get_hsm_page(struct line *line, struct page_hsm *ret_page);

/* With its desk, which is there from line_open on. */
struct station *line_station(struct line *line);
/* A connection to the service of its own, for the calling thread; logs in with the HSM. */
MUST_USE int line_service_open(struct line *line, struct enroll_service **ret_service, struct err *err);

#endif
