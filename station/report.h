/*
 * What a person or a program reads on the terminal: a line per unit, or one
 * JSON object per event and a last one. Only commands print; this is how.
 */
#ifndef STATION_REPORT_H
#define STATION_REPORT_H

#include "station/desk.h"
#include "station/events.h"

/* Prints "station: where: what" and one sentence of advice to stderr; as an object on stdout with json. */
void report_error(bool json, const struct err *err);
/* One sentence that says what to do, by class. */
const char *report_advice(enum err_class class);

/* Prints what the event is worth. */
void report_event(bool json, const struct event *event);

/* Whose PIN is asked for, and what was wrong with the last one. */
void report_dialog(bool json, const struct desk_dialog *dialog);

/* Units that ended, and reasons to stop: the exit status follows from them. */
struct tally {
	unsigned passed, failed, stopped;
};
void tally_add(struct tally *tally, const struct event *event);

/* The last line of run and demo. */
struct summary {
	unsigned units, passed, failed;
	int64_t enrolled, group, pending, quarantined, audit_entries;
	double seconds;
};
void report_summary(bool json, const struct summary *summary);

#endif
