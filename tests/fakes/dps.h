/* Starts and stops the product's dps-emulator for a test; station_test says where it is (STATION_BIN). */
#ifndef TESTS_FAKES_DPS_H
#define TESTS_FAKES_DPS_H

#include <sys/types.h>

#include "base/bytes.h"

struct fake_dps {
	char dir[128];
	char host[64]; /* with its port */
	char ca_path[160];
	char policy[64];
	uint8_t key[64];
	size_t key_len;
	pid_t pid;
	int input; /* its standard input: closing it ends the emulator */
};

/* options are its command line after --dir, ended by NULL. -1 if it does not get ready. */
MUST_USE int fake_dps_start(struct fake_dps *dps, const char *const *options);
/* Ends it and removes its folder; does nothing if it was not started. */
void fake_dps_stop(struct fake_dps *dps);

#endif
