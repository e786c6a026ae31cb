/* What the commands about batches and receipts share: who makes and reads them here, and the log. */
#ifndef STATION_COMMANDS_CARRYING_H
#define STATION_COMMANDS_CARRYING_H

#include "enroll/enroll.h"
#include "station/commands/acting.h"
#include "station/options.h"
#include "station/vouch.h"

struct carrying {
	struct acting acting;
	struct vouch vouch;
	struct enroll_carrier carrier; /* its arg is this struct, so that it stays where it is */
	const char *dir;
	bool json;
	unsigned left_out;
};
#define CARRYING_AUTO(name)                                                                                  \
	CLEANUP(carrying_close)                                                                              \
	struct carrying name = { .vouch = { .spki = { NULL, 0, 0, PKI_SPKI_MAX } } }
/* Without the token. */
MUST_USE int carrying_open(const struct options *options, struct carrying *carrying, struct err *err);
/* For what is signed here. */
MUST_USE int carrying_open_key(struct carrying *carrying, struct err *err);
/* For symmetric records that come in. */
MUST_USE int carrying_open_device_keys(struct carrying *carrying, struct err *err);
void carrying_close(struct carrying *carrying);

#endif
