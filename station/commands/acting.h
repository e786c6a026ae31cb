/*
 * A command that changes something: the station's database, beside whoever works
 * there, and the people who act. Each says who it is (badge or ID, then the PIN if it has one).
 */
#ifndef STATION_COMMANDS_ACTING_H
#define STATION_COMMANDS_ACTING_H

#include "station/conf.h"
#include "station/people/people.h"

struct acting {
	struct conf *conf;
	struct db *db;
};
/* No lock of the directory is taken: SQLite keeps writers apart. ERR_OPERATOR if DIR is no station directory. */
MUST_USE int acting_open(const char *dir, struct acting *ret_acting, struct err *err);
/* Accepts one that never opened. */
void acting_close(struct acting *acting);

/* who: "You", "First person"; ERR_OPERATOR that says why somebody is not let in. */
MUST_USE int acting_identify(struct acting *acting, const char *who, struct person *ret_person,
			     struct err *err);
/* Two people, one after the other, who may do it together. Nobody is asked in a station without operators. */
MUST_USE int acting_two(struct acting *acting, enum act act, struct witnesses *ret_witnesses,
			struct err *err);
/*
 * The one who decides alone, a lead or an officer; "" in a station without operators, where nobody is asked.
 * doing: "dropping a record".
 */
MUST_USE int acting_lead(struct acting *acting, const char *doing, char ret_id[OPERATOR_ID_MAX + 1],
			 struct err *err);
/* A badge for an operator, optional, without the prefix that scanners put in front of badges. */
MUST_USE int acting_ask_badge(struct acting *acting, const char *question, struct secret *ret_badge,
			      struct err *err);

#endif
