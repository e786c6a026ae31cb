/*
 * The plug: tells workers that something was plugged in or out at their slots. One thread per station
 * waits for the system's events and compares what is at each slot's place with what was; a worker whose place
 * changed is woken, no other. A change is remembered until its worker has taken it.
 */
#ifndef STATION_PLUG_H
#define STATION_PLUG_H

#include "station/conf.h"

struct plug;
/* conf is borrowed. ERR_STATION if the system can't be watched. */
MUST_USE int plug_start(const struct conf *conf, struct plug **ret_plug, struct err *err);
/* Wakes everybody, now and from now on; before the workers are joined. Accepts NULL. */
void plug_release(struct plug *plug);
/* After the workers are joined. Accepts NULL. */
void plug_stop(struct plug *plug);

/* Until the slot's place changed since the last call, for at most ms. True if it changed. NULL: sleeps. */
bool plug_wait(struct plug *plug, const struct conf_slot *slot, unsigned ms);

#endif
