/*
 * What the threads of a running station share. Each member says who may touch
 * it; everything else belongs to one worker (station/worker.c) or to main.
 */
#ifndef STATION_STATION_H
#define STATION_STATION_H

#include <stdatomic.h>

#include "audit/audit.h"
#include "base/db.h"
#include "enroll/enroll.h"
#include "fixtures/fixture.h"
#include "hsm/hsm.h"
#include "pki/pki.h"
#include "station/conf.h"
#include "station/desk.h"
#include "station/events.h"
#include "station/plug.h"
#include "station/seats.h"

struct station {
	const struct conf *conf;      /* const after parsing                     */
	struct db *db;                /* locks itself                            */
	struct hsm *hsm;              /* locks itself; sessions are per worker   */
	struct pki_issuer *issuer;    /* read-only after opening                 */
	struct buf intermediate_pem;  /* read-only after opening                 */
	struct mailbox *events;       /* locks itself                            */
	struct seats *seats;          /* locks itself                            */
	struct desk *desk;            /* locks itself; NULL: every unit may start */
	struct enroll_sender *sender; /* locks itself; NULL when nobody sends    */
	struct plug *plug;            /* locks itself; NULL: workers sleep, and wake by themselves */
	_Atomic bool stop;            /* set once, by anybody; read at each step */
};

/* The keys and the session of one thread. */
struct tools {
	struct hsm_session *session;
	struct hsm_key *issuing;
	struct hsm_key *group[CONF_PROFILES_MAX]; /* by index in conf->profiles; NULL if it has none */
};
/* Finds every key that the configuration's profiles need, so that a missing one stops the start, not a unit. */
MUST_USE int tools_open(struct station *st, struct tools *ret_tools, struct err *err);
void tools_close(struct tools *tools);

#endif
