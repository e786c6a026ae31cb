/* A worker in two parts: who sits there (worker.c), and what is done with who sits there (worker_serve.c). */
#ifndef STATION_WORKER_INTERNAL_H
#define STATION_WORKER_INTERNAL_H

#include <pthread.h>

#include "station/contact.h"
#include "station/worker.h"

struct job;

struct worker {
	struct station *st;
	const struct conf_slot *slot;
	struct tools tools;
	pthread_t thread;
	struct unit_info last;        /* the unit that sits there, or sat there last; no serial: nobody */
	bool refused;                 /* last is a stand-in for who gave no acceptable name */
	bool shut_out;                /* refused, because it does not take our user and password */
	enum wait wait;               /* for what it waits; WAIT_NONE: it was served */
	unsigned noisy;               /* looks in a row that found somebody who does not speak our protocol */
	unsigned silent;              /* looks in a row that found nobody */
	int64_t silent_ms;            /* when the first of them was */
	struct deadline refuse_again; /* not before this passed */
	struct contact contact;
	uint64_t asked_at;      /* the place's stamp when last said who it is; 0: it is asked anew */
	bool kept;              /* at this look it was not: only that somebody sits there */
	int64_t away_ms;        /* since when its port is away; 0: it is not */
	unsigned closed;        /* looks in a row that found the port there, and closed */
	char port_trouble[200]; /* said once: why the slot's port can't be opened or used */
	bool recording_full;    /* said once: what the slot's link records has no more room */
};

/* A job's, or the slot's own where there is none; why as its class and text. */
void worker_post(struct worker *worker, enum event_kind kind, const struct job *job, const struct err *why);
/* Of who sits there, or sat there. */
void worker_post_about(struct worker *worker, enum event_kind kind, const char *serial);
/* struct reach's: arg is the worker. */
MUST_USE int worker_open(void *arg, struct fixture **ret_fixture, struct err *err);
/* No slot serves any more; job is NULL when it was no unit's. */
void worker_break_down(struct worker *worker, const struct job *job, const struct err *why);
/* Nobody sits there any more, or another unit does. */
void worker_leave(struct worker *worker);
/* A unit sits there that was not served yet. When it has to wait, the next look asks again. */
void worker_attend(struct worker *worker, struct fixture **fixture, const struct unit_info *unit);
/* Somebody who answers but can't be served, because what it says of itself is not acceptable. */
void worker_refuse(struct worker *worker, const struct err *why);

#endif
