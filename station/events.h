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
	EVENT_SEATED,  /* a unit answers on a slot                        */
	EVENT_STEP,    /* a step begins                                   */
	EVENT_PASS,    /* recorded; only then                             */
	EVENT_FAIL,    /* the unit is out, or a person must act           */
	EVENT_PORT,    /* a slot's port can't be opened, and why          */
	EVENT_ALREADY, /* the unit has passed before; nothing was done    */
	EVENT_SERVICE, /* the service became reachable, or not            */
	EVENT_SYNC,    /* records were sent                               */
	EVENT_STOP,    /* the station can't be trusted: everything stops  */
};

struct event {
	enum event_kind kind;
	int64_t at_ms; /* wall clock */
	char slot[17];
	char serial[65];
	char registration_id[65];
	char step[17];
	enum attest attest;
	bool group;          /* enrolled through its group            */
	unsigned elapsed_ms; /* of the unit, since it was seated      */
	enum err_class class;
	char text[400];                          /* what happened                         */
	unsigned enrolled, retried, quarantined; /* EVENT_SYNC */
	bool reachable;                          /* EVENT_SERVICE */
};

struct mailbox;
MUST_USE int mailbox_new(struct mailbox **ret_mailbox, struct err *err);
void mailbox_free(struct mailbox *mailbox);
/* Waits while the mailbox is full; at_ms is set here. */
void mailbox_post(struct mailbox *mailbox, const struct event *event);
/* Nobody reads any more: posts return at once, also those that wait for room. */
void mailbox_close(struct mailbox *mailbox);
/* The next event, if there is one now. */
bool mailbox_take(struct mailbox *mailbox, struct event *ret_event);
/* Readable while events wait: for poll(2) beside signals and the keyboard. */
int mailbox_fd(const struct mailbox *mailbox);

#endif
