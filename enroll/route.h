/* The way to the service (struct enroll_network) for every connection of the folder: calls, logins, checks. */
#ifndef ENROLL_ROUTE_H
#define ENROLL_ROUTE_H

#include "enroll/enroll.h"

/*
 * What is offered in TLS 1.2: the suites that the service recommends and, where it takes nothing
 * older, demands (dps-api 4.3). Those of TLS 1.3 are all good.
 */
#define ROUTE_TLS12_SUITES                                                                                   \
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"                                           \
	"ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256"

struct route;
/* Reads the files; network is borrowed. ERR_OPERATOR. */
MUST_USE int route_new(const struct enroll_network *network, struct route **ret_route, struct err *err);
void route_free(struct route *route);
DEFINE_CLEANUP(route_freep, struct route, route_free)
/*
 * Sets what curl needs for the next transfer; false if it refuses. route_done after it, always.
 * route NULL: straight, past every proxy.
 */
MUST_USE bool route_set(struct route *route, void *curl);
/* The proxy's credentials leave curl's memory. */
void route_done(struct route *route, void *curl);
/* -1 and ERR_OPERATOR if it was the proxy that ended the last transfer; else 0, and err is untouched. */
int route_proxy_error(void *curl, struct err *err);
/* Where the system keeps the certificates that it trusts; NULL: nowhere. */
void route_system_roots(const char **ret_file, const char **ret_folder);
/* Appends a file that must hold at least one certificate in PEM. ERR_OPERATOR. */
MUST_USE int pem_file_read(const char *path, struct buf *out, struct err *err);

/* A TCP connection, through the proxy if there is one, on which nothing has been said yet. */
struct wire {
	struct route *route;
	void *curl;
	int fd; /* does not block; curl's own */
	char address[64];
};
/* host: HOST or HOST:PORT. ERR_OPERATOR. */
MUST_USE int wire_open(const struct enroll_network *network, const char *host, unsigned timeout_ms,
		       struct wire *ret_wire, struct err *err);
/* Also one that was never opened. */
void wire_close(struct wire *wire);

#endif
