/*
 * The client's half of lending a terminal: raw mode, hand over, wait, put back.
 * It prints nothing while the server draws.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

#include "station/exit.h"
#include "station/screens/attach_internal.h"
#include "station/screens/text.h"

struct client {
	int socket_fd;
	int signal_fd;
	bool hung_up;          /* the terminal is gone, the server may be well */
	struct termios before; /* how the terminal was */
	struct attach_message hello;
};

const char *attach_terminal_type(void)
{
	const char *type = getenv("TERM");

	return type != NULL && type[0] != '\0' ? type : "unknown";
}

int attach_connect(const char *dir, int *ret_fd, struct err *err)
{
	CLEANUP(fd_closep) int dir_fd = -1;
	struct sockaddr_un address;
	int fd;

	*ret_fd = -1;
	if (attach_address(dir, &dir_fd, &address, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, ERR_STATION, errno, "socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		(void)close(fd);
		if (errno == ENOENT || errno == ECONNREFUSED)
			return 0;
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", ATTACH_SOCKET_NAME, strerror(errno));
	}
	*ret_fd = fd;
	return 0;
}

static int send_hello(const struct client *client)
{
	const int fds[2] = { STDIN_FILENO, STDOUT_FILENO };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(fds))];
	} control = { 0 };
	struct attach_message m = client->hello;
	struct iovec part = { &m, sizeof(m) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	return sendmsg(client->socket_fd, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void tell(const struct client *client, enum attach_kind kind)
{
	struct attach_message m = { .version = ATTACH_VERSION, .kind = kind };

	/* A server that is gone is noticed by the next read. */
	(void)send(client->socket_fd, &m, sizeof(m), MSG_NOSIGNAL);
}

/* Keys as they are typed, and no signal made of them; output stays as the terminal had it. */
static int make_raw(struct client *client)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &client->before) < 0)
		return -1;
	raw = client->before;
	raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INLCR | IGNCR | INPCK | ISTRIP | IXON);
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
}

/* What was typed ahead for the screens is not for the shell. */
static void put_back(const struct client *client)
{
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &client->before);
}

static int catch_signals(struct client *client)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	client->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return client->signal_fd < 0 ? -1 : 0;
}

/* False when nobody is there any more to put the screen back for. */
static bool on_signal(struct client *client)
{
	struct signalfd_siginfo info;

	while (read(client->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			client->hung_up = true;
			return false;
		}
		tell(client, info.ssi_signo == SIGWINCH ? ATTACH_KIND_RESIZED : ATTACH_KIND_LEAVING);
	}
	return true;
}

/* The server's next word, however long it takes; false when it, or this terminal, is gone. */
static bool wait_for_reply(struct client *client, struct attach_reply *ret_reply)
{
	struct pollfd fds[] = { { .fd = client->socket_fd, .events = POLLIN },
				{ .fd = client->signal_fd, .events = POLLIN } };

	for (;;) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents != 0 && !on_signal(client))
			return false;
		if (fds[0].revents == 0)
			continue;
		return recv(client->socket_fd, ret_reply, sizeof(*ret_reply), 0) ==
			       (ssize_t)sizeof(*ret_reply) &&
		       ret_reply->version == ATTACH_VERSION;
	}
}

static bool lend(struct client *client, struct attach_reply *ret_reply)
{
	bool told;

	if (make_raw(client) < 0)
		return false;
	told = send_hello(client) == 0 && wait_for_reply(client, ret_reply);
	put_back(client);
	if (!told && !client->hung_up)
		terminal_rescue(client->hello.type);
	return told;
}

/* Returns the exit status. A server that ends before its welcome has said itself why. */
static int serve(struct client *client)
{
	struct attach_reply reply = { .version = 0 };

	if (!wait_for_reply(client, &reply))
		return EXIT_NOT_TRUSTED;
	if (reply.welcome == 1 && !lend(client, &reply)) {
		(void)fputs("station: the terminal was let go without a word; see station.log\n", stderr);
		return EXIT_NOT_TRUSTED;
	}
	reply.text[sizeof(reply.text) - 1] = '\0';
	(void)fputs(reply.text, reply.exit_status == EXIT_DONE ? stdout : stderr);
	return reply.exit_status;
}

int attach_lend_terminal(int socket_fd, const char *language)
{
	struct client client = { .socket_fd = socket_fd,
				 .signal_fd = -1,
				 .hello = { .version = ATTACH_VERSION, .kind = ATTACH_KIND_HELLO } };
	int exit_status = EXIT_CONFIG;

	client.hello.utf8 = text_environment_is_utf8() ? 1 : 0;
	str_clip(client.hello.type, sizeof(client.hello.type), attach_terminal_type());
	str_clip(client.hello.language, sizeof(client.hello.language), language);
	if (catch_signals(&client) == 0)
		exit_status = serve(&client);
	if (client.signal_fd >= 0)
		(void)close(client.signal_fd);
	(void)close(socket_fd);
	return exit_status;
}
