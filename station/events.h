/*
 * The one event stream: workers and the sender post, the main thread reads and
 * draws or prints. Events are copied by value through a bounded mailbox; a full
 * mailbox makes the poster wait, so nothing is lost.
 */
#ifndef STATION_EVENTS_H
#define STATION_EVENTS_H

#include "base/deadline.h"
#include "base/err.h"
#include "station/conf.h"

enum event_kind {
	EVENT_SEATED,   /* a unit answers on a slot                              */
	EVENT_STEP,     /* a step begins                                         */
	EVENT_PASS,     /* recorded; only then                                   */
	EVENT_FAIL,     /* the unit is out, or a person must act                 */
	EVENT_PORT,     /* a slot's port can't be opened or used, and why        */
	EVENT_ALREADY,  /* the unit has passed before; nothing was done          */
	EVENT_SERVICE,  /* the service became reachable, or not                  */
	EVENT_SYNC,     /* records were sent                                     */
	EVENT_STOP,     /* the station can't be trusted: everything stops        */
	EVENT_WAIT,     /* a unit sits on the slot and waits for a person        */
	EVENT_FREE,     /* nobody sits on the slot any more                      */
	EVENT_SCAN,     /* what became of a scan; slot is empty if it had none   */
	EVENT_OPERATOR, /* who works here changed; operator is empty for nobody  */
	EVENT_HSM,      /* the token became reachable, or not; text: its label   */
	EVENT_QUEUE,    /* how many records wait for the service                 */
};

/* What a seated unit waits for. Stored in no file, but printed: see wait_name. */
enum wait {
	WAIT_NONE,
	WAIT_OPERATOR, /* nobody is logged in                                       */
	WAIT_TERMINAL, /* the terminal went away: nobody would see the result       */
	WAIT_LABEL,    /* its profile demands that the label be scanned             */
	WAIT_CLOCK,    /* the clock is in doubt (station/clock.h); two officers act */
};

/* What became of a scan. */
enum scan_fate {
	SCAN_NONE,
	SCAN_MATCHED,   /* the label is the unit's on slot                       */
	SCAN_HELD,      /* a label that waits for its slot's barcode or its unit */
	SCAN_SLOT,      /* a slot's barcode that waits for its label             */
	SCAN_MISMATCH,  /* the label is another's than the unit's on slot        */
	SCAN_MALFORMED, /* not a label of any profile, or a wrong check digit    */
	SCAN_UNKNOWN,   /* a badge that nobody here has                          */
	SCAN_EXPIRED,   /* its other half never came                             */
	SCAN_BUSY,      /* the database was held too long; also of a log-in      */
};

struct event {
	enum event_kind kind;
	int64_t at_ms; /* wall clock */
	char slot[17];
	char serial[65];
	char registration_id[65];
	char step[17];
	unsigned step_index, steps_n; /* EVENT_STEP: from 0 */
	enum attest attest;
	bool group;          /* enrolled through its group            */
	unsigned elapsed_ms; /* of the unit, since it was seated      */
	enum err_class class;
	char text[400];                          /* what happened                         */
	unsigned enrolled, retried, quarantined; /* EVENT_SYNC */
	bool reachable;                          /* EVENT_SERVICE, EVENT_HSM */
	enum wait wait;                          /* EVENT_WAIT */
	enum scan_fate fate;                     /* EVENT_SCAN */
	char operator_id[33];     /* EVENT_OPERATOR; of a unit: who was logged in when it began */
	char operator_name[65];   /* EVENT_OPERATOR */
	char role[17];            /* EVENT_OPERATOR: "technician", "lead", "officer" */
	char language[9];         /* EVENT_OPERATOR: the operator's own, or empty */
	int64_t waiting, refused; /* EVENT_QUEUE: rows not yet enrolled; rows in quarantine */
};

/* "operator", "terminal", "label", "clock": for JSON. */
const char *wait_name(enum wait wait);
/* "matched", "held", "slot" …: for JSON. */
const char *scan_fate_name(enum scan_fate fate);

struct mailbox;
MUST_USE int mailbox_new(struct mailbox **ret_mailbox, struct err *err);
void mailbox_free(struct mailbox *mailbox);
/* Waits while the mailbox is full; at_ms is set here. */
void mailbox_post(struct mailbox *mailbox, const struct event *event);
/*
 * From the reader's own thread (a scan, a log-in): never waits, since nobody else would make room. A few
 * places are kept for it; the reader takes everything before it notes again.
 */
void mailbox_note(struct mailbox *mailbox, const struct event *event);
/* Nobody reads any more: posts return at once, also those that wait for room. */
void mailbox_close(struct mailbox *mailbox);
/* The next event, if there is one now. */
bool mailbox_take(struct mailbox *mailbox, struct event *ret_event);
/* Readable while events wait: for poll(2) beside signals and the keyboard. */
int mailbox_fd(const struct mailbox *mailbox);

#endif
