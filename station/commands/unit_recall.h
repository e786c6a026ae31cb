/* station unit list with what it asks for: --certificate, --key, --issuer, --operator, --profile, --slot, --since, --until. */
#ifndef STATION_COMMANDS_UNIT_RECALL_H
#define STATION_COMMANDS_UNIT_RECALL_H

#include "station/options.h"
#include "station/recall.h"

/* What the options ask for; all NULL and 0 asks for every unit. ERR_OPERATOR. */
MUST_USE int unit_recall_of(const struct options *options, struct recall *ret, struct err *err);

#endif
