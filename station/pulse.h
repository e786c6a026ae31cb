/*
 * The pulse: whether the token answers and how many records wait for the
 * service, looked at every two seconds and posted when it changed; and whether the clock
 * can still be believed, which the desk is told. A token may
 * take long to answer, so this is a thread of its own.
 */
#ifndef STATION_PULSE_H
#define STATION_PULSE_H

#include "station/pages/pages.h"
#include "station/station.h"

struct pulse;
MUST_USE int pulse_start(struct station *st, struct pulse **ret_pulse, struct err *err);
/*
 * The token's page as it was at the last beat; *ret is left alone before the first one that made it. Only
 * while somebody asks is it made, and never by the thread that asks: a token may take its time.
 */
void pulse_get_hsm(struct pulse *pulse, struct page_hsm *ret);
/* Ends at once, but for a token that is being asked. Accepts NULL. */
void pulse_stop(struct pulse *pulse);

#endif
