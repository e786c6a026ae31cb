/*
 * The server's half of lending a terminal. Every message is one packet
 * (SOCK_SEQPACKET), so there is nothing to parse but a fixed struct; a client of
 * another version does not fit and is let go.
 */
#include "station/screens/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "station/screens/attach_internal.h"

/* Through a descriptor of the folder: a socket's path may have 107 characters only. */
int attach_address(const char *dir, int *ret_dir_fd, struct sockaddr_un *ret_address, struct err *err)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", dir, strerror(errno));
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (str_format(ret_address->sun_path, sizeof(ret_address->sun_path), "/proc/self/fd/%d/%s", fd,
		       ATTACH_SOCKET_NAME) < 0) {
		(void)close(fd);
		return err_set(err, ERR_BUG, 0, "a socket's name does not fit");
	}
	*ret_dir_fd = fd;
	return 0;
}

static int listen_at(int fd, const struct sockaddr_un *address, struct err *err)
{
	(void)unlink(address->sun_path);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
	    chmod(address->sun_path, 0600) < 0 || listen(fd, 4) < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", ATTACH_SOCKET_NAME, strerror(errno));
	return 0;
}

int attach_listen(const char *dir, int *ret_fd, struct err *err)
{
	CLEANUP(fd_closep) int dir_fd = -1;
	struct sockaddr_un address;
	int fd;

	if (attach_address(dir, &dir_fd, &address, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, ERR_STATION, errno, "socket: %s", strerror(errno));
	if (listen_at(fd, &address, err) < 0) {
		(void)close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

int attach_accept(int listen_fd, int *ret_fd, struct err *err)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	*ret_fd = -1;
	/* Too many open files is the client's bad luck, not the line's. */
	if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EMFILE ||
		       errno == ENFILE))
		return 0;
	if (fd < 0)
		return err_set(err, ERR_STATION, errno, "%s: %s", ATTACH_SOCKET_NAME, strerror(errno));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.uid != geteuid()) {
		(void)close(fd);
		return 0;
	}
	*ret_fd = fd;
	return 0;
}

/* The two descriptors of a hello; any other number of them is closed. */
static bool take_descriptors(struct msghdr *message, int fds[2])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message); /* there is room for one, with two descriptors at most */
	size_t n;

	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return false;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	base_assert(n <= 2);
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	if (n == 1)
		(void)close(fds[0]);
	return n == 2;
}

static enum attach_news hello(const struct attach_message *m, const int fds[2],
			      struct attach_hello *ret_hello)
{
	*ret_hello = (struct attach_hello){ .terminal = { fds[0], fds[1], "", m->utf8 == 1 } };
	str_clip(ret_hello->terminal.type, sizeof(ret_hello->terminal.type), m->type);
	str_clip(ret_hello->language, sizeof(ret_hello->language), m->language);
	return ATTACH_HELLO;
}

static enum attach_news news_of(struct attach_message *m, bool has_fds, const int fds[2],
				struct attach_hello *ret_hello)
{
	m->type[sizeof(m->type) - 1] = '\0';
	m->language[sizeof(m->language) - 1] = '\0';
	if (m->kind == ATTACH_KIND_HELLO && has_fds)
		return hello(m, fds, ret_hello);
	if (has_fds) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return ATTACH_GONE;
	}
	if (m->kind == ATTACH_KIND_RESIZED)
		return ATTACH_RESIZED;
	return m->kind == ATTACH_KIND_LEAVING ? ATTACH_LEAVING : ATTACH_GONE;
}

enum attach_news attach_read(int socket_fd, struct attach_hello *ret_hello)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct attach_message m = { 0 };
	struct iovec part = { &m, sizeof(m) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int fds[2] = { -1, -1 };
	ssize_t n = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	bool has_fds;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return ATTACH_NOTHING;
	if (n < 0)
		return ATTACH_GONE;
	has_fds = take_descriptors(&message, fds);
	if ((size_t)n != sizeof(m) || m.version != ATTACH_VERSION || (message.msg_flags & MSG_TRUNC) != 0)
		m.kind = ATTACH_KIND_NONE;
	return news_of(&m, has_fds, fds, ret_hello);
}

static void reply(int socket_fd, const struct attach_reply *reply)
{
	/* A client that is gone needs none. */
	(void)send(socket_fd, reply, sizeof(*reply), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void attach_welcome(int socket_fd)
{
	const struct attach_reply welcome = { .version = ATTACH_VERSION, .welcome = 1 };

	reply(socket_fd, &welcome);
}

void attach_dismiss(int socket_fd, int exit_status, const char *text)
{
	struct attach_reply farewell = { .version = ATTACH_VERSION, .exit_status = exit_status };

	str_clip(farewell.text, sizeof(farewell.text), text);
	reply(socket_fd, &farewell);
	(void)close(socket_fd);
}
