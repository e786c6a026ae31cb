/*
 * A contact that bounces: how long a unit has to answer before it counts as seated, and to be gone
 * before it counts as taken out. A device that comes and goes in a loop is given longer each time, so that
 * it fills neither log nor screen. Pure: the times are the caller's.
 */
#ifndef STATION_CONTACT_H
#define STATION_CONTACT_H

#include "fixtures/fixture.h"

#define CONTACT_SETTLE_MAX_MS 8000

struct contact {
	unsigned settle_ms; /* of the link: fixture_link_settle_ms */
	char serial[65];    /* who came last */
	unsigned flaps;     /* so often in a row the same one stayed but shortly */
	int64_t came_ms, gone_ms;
};

void contact_init(struct contact *contact, unsigned settle_ms);
/* How long it has to be the same now. */
unsigned contact_settle_ms(const struct contact *contact);
/* A unit was seated; one was taken out. */
void contact_came(struct contact *contact, const char *serial, int64_t now_ms);
void contact_went(struct contact *contact, int64_t now_ms);

#endif
