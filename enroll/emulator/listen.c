/* Sockets on loopback: listening, and the abrupt end of a connection. */
#include "enroll/emulator/dps_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#define LISTEN_BACKLOG 128

int dps_listen(const char *address, uint16_t port, uint16_t *ret_port, struct err *err)
{
	CLEANUP(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	socklen_t len = sizeof(sa);
	const int on = 1;
	int listening;

	if (fd < 0 || inet_pton(AF_INET, address, &sa.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, LISTEN_BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return err_set(err, errno == EADDRINUSE ? ERR_RETRY : ERR_OPERATOR, errno,
			       "can't listen on %s:%u: %s", address, (unsigned)port, strerror(errno));
	*ret_port = ntohs(sa.sin_port);
	listening = fd;
	fd = -1;
	return listening;
}

/* Dissolving the association aborts it (connect(2), RFC 9293 3.10.5). */
void dps_reset(int fd)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	(void)connect(fd, &nobody, sizeof(nobody));
}
