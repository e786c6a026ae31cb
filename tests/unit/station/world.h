/* A station without HSM or service, on a database of its own: what journal and provision tests share. */
#ifndef TESTS_UNIT_STATION_WORLD_H
#define TESTS_UNIT_STATION_WORLD_H

#include "station/station.h"

struct world {
	char path[64];
	struct station st;
	struct conf_slot slot;       /* "1", which takes units under the profile */
	struct conf_profile profile; /* "sensor", x509 */
	struct tools tools;
};

/* cmocka's setup and teardown; *state is a struct world. They assert instead of failing. */
int world_setup(void **state);
int world_teardown(void **state);

#endif
