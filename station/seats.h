/*
 * Which unit sits on which slot at this moment. Two slots that report the same
 * serial or hardware ID at once can't both be right.
 */
#ifndef STATION_SEATS_H
#define STATION_SEATS_H

#include "base/err.h"
#include "station/conf.h"

struct seats;
MUST_USE int seats_new(struct seats **ret_seats, struct err *err);
void seats_free(struct seats *seats);
/* ERR_UNIT, naming the other slot, if serial or hwid is seated elsewhere. */
MUST_USE int seats_take(struct seats *seats, const char *slot, const char *serial, const char *hwid,
			struct err *err);
/* Gives up whatever this slot holds. */
void seats_leave(struct seats *seats, const char *slot);

#endif
