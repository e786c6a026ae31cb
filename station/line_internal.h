/* A line in two parts: opening, starting and stopping it (line.c), and its ways to the service (line_service.c). */
#ifndef STATION_LINE_INTERNAL_H
#define STATION_LINE_INTERNAL_H

#include "station/directory.h"
#include "station/line.h"
#include "station/login.h"
#include "station/network.h"

struct pulse;
struct worker;

struct line {
	struct station st;
	struct conf *conf;
	struct network network;
	char dir[DIRECTORY_PATH_MAX];
	int lock_fd;
	int sending_fd; /* sync.lock; the sender's once it runs */
	int signal_fd;
	struct worker *workers[CONF_SLOTS_MAX];
	size_t workers_n;
	struct pulse *pulse;

	/* the services that this line opened; each with the session that signs for it */
	struct {
		struct enroll_service *service;
		struct hsm_session *session;
		struct enroll_conf conf;
		struct login login;
		struct macer device_keys;
	} services[ENROLL_CONNECTIONS_MAX + 2]; /* the sender's, and single calls by hand */
	struct login_sources login;             /* of all of them, as the next */
	struct enroll_gate *gate;
	size_t services_n;
};

/* For a line that works: what its sender says becomes events, and may stop the station; arg is struct station. */
enroll_status_fn line_on_sender;

#endif
