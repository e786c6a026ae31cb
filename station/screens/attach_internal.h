/* The packets between a terminal's client and the station's server; both are of one build. */
#ifndef STATION_SCREENS_ATTACH_INTERNAL_H
#define STATION_SCREENS_ATTACH_INTERNAL_H

#include <sys/un.h>

#include "station/screens/attach.h"

#define ATTACH_SOCKET_NAME "station.sock"
#define ATTACH_VERSION     1u

enum attach_kind {
	ATTACH_KIND_NONE,
	ATTACH_KIND_HELLO, /* with the descriptors of input and output */
	ATTACH_KIND_RESIZED,
	ATTACH_KIND_LEAVING,
};

struct attach_message {
	uint32_t version;
	uint32_t kind;
	uint32_t utf8;
	char type[TERMINAL_TYPE_MAX + 1];
	char language[17];
};

/* From the server: a welcome, later the farewell. */
struct attach_reply {
	uint32_t version;
	uint32_t welcome; /* 1: go on; 0: this is the end */
	int32_t exit_status;
	char text[ATTACH_TEXT_MAX];
};

/* The socket's address by way of *ret_dir_fd, which the caller closes after use. */
MUST_USE int attach_address(const char *dir, int *ret_dir_fd, struct sockaddr_un *ret_address,
			    struct err *err);

#endif
