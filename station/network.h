/* How the station reaches the service, of [service] in station.ini: see struct enroll_network. */
#ifndef STATION_NETWORK_H
#define STATION_NETWORK_H

#include "station/conf.h"

struct network {
	struct enroll_network settings;
	struct secret proxy_password;
	char resolve[ENROLL_RESOLVE_MAX][CONF_TEXT_MAX + 1];
	const char *entries[ENROLL_RESOLVE_MAX];
};

/*
 * Reads the proxy's password from its source; conf is borrowed, and ret_network must stay where it is,
 * because it points into itself. ERR_OPERATOR.
 */
MUST_USE int network_init(const struct conf *conf, struct network *ret_network, struct err *err);
void network_deinit(struct network *network);

/* ERR_OPERATOR if a value can't be what its key is for, or its file can't be read. For the configuration's checks. */
MUST_USE int network_check(const struct conf *conf, struct err *err);

#endif
