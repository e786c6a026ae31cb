/* Lending a terminal: a real client on a pseudo-terminal, and what a hostile one can't do. */
#include "station/screens/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

#include <cmocka.h>

#include "base/deadline.h"
#include "station/screens/attach_internal.h"

struct lent {
	int master, slave;
	int socket; /* the server's end */
	pid_t client;
};

static struct lent lend(const char *language)
{
	struct lent lent = { 0 };
	int fds[2];

	assert_int_equal(openpty(&lent.master, &lent.slave, NULL, NULL, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	lent.client = fork();
	assert_true(lent.client >= 0);
	if (lent.client == 0) {
		(void)close(fds[0]);
		(void)close(lent.master);
		(void)login_tty(lent.slave);
		(void)setenv("TERM", "xterm", 1);
		_exit(attach_lend_terminal(fds[1], language));
	}
	(void)close(fds[1]);
	lent.socket = fds[0];
	return lent;
}

static enum attach_news await_news(int fd, struct attach_hello *hello)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 10000), 1);
	return attach_read(fd, hello);
}

static struct attach_hello welcome(struct lent *lent)
{
	struct attach_hello hello;

	attach_welcome(lent->socket);
	assert_int_equal(await_news(lent->socket, &hello), ATTACH_HELLO);
	return hello;
}

static bool is_raw(int fd)
{
	struct termios t;

	assert_int_equal(tcgetattr(fd, &t), 0);
	return (t.c_lflag & (ICANON | ECHO | ISIG)) == 0;
}

static int ended(struct lent *lent)
{
	int status = 0;

	assert_int_equal(waitpid(lent->client, &status, 0), lent->client);
	(void)close(lent->master);
	(void)close(lent->slave);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void close_hello(const struct attach_hello *hello)
{
	(void)close(hello->terminal.in_fd);
	(void)close(hello->terminal.out_fd);
}

/* Everything that came out of the terminal until it is silent. */
static void read_screen(int master, char *out, size_t cap)
{
	struct pollfd p = { .fd = master, .events = POLLIN };
	size_t n = 0;

	while (n < cap - 1 && poll(&p, 1, 300) == 1) {
		ssize_t got = read(master, out + n, cap - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	out[n] = '\0';
}

static void test_a_terminal_is_lent_and_put_back(void **state)
{
	struct lent lent = lend("de");
	struct attach_hello hello = welcome(&lent);
	char screen[200];

	(void)state;
	assert_string_equal(hello.terminal.type, "xterm");
	assert_string_equal(hello.language, "de");
	assert_true(is_raw(lent.slave));
	assert_int_equal(write(hello.terminal.out_fd, "drawn", 5), 5);
	close_hello(&hello);
	attach_dismiss(lent.socket, 7, "and why\n");
	read_screen(lent.master, screen, sizeof(screen));
	assert_non_null(strstr(screen, "drawn"));
	assert_non_null(strstr(screen, "and why"));
	assert_false(is_raw(lent.slave));
	assert_int_equal(ended(&lent), 7);
}

static void test_the_terminal_is_left_alone_before_the_welcome(void **state)
{
	struct lent lent = lend("en");
	struct attach_hello hello;

	(void)state;
	(void)poll(NULL, 0, 100);
	assert_false(is_raw(lent.slave));
	assert_int_equal(attach_read(lent.socket, &hello), ATTACH_NOTHING);
	attach_dismiss(lent.socket, 2, "no PIN\n");
	assert_int_equal(ended(&lent), 2);
}

static void test_resizes_and_requests_to_end_are_told(void **state)
{
	struct lent lent = lend("en");
	struct attach_hello hello = welcome(&lent), none;

	(void)state;
	(void)kill(lent.client, SIGWINCH);
	assert_int_equal(await_news(lent.socket, &none), ATTACH_RESIZED);
	(void)kill(lent.client, SIGTERM);
	assert_int_equal(await_news(lent.socket, &none), ATTACH_LEAVING);
	close_hello(&hello);
	attach_dismiss(lent.socket, 0, "");
	assert_int_equal(ended(&lent), 0);
}

static void test_a_terminal_that_hangs_up_ends_its_client_only(void **state)
{
	struct lent lent = lend("en");
	struct attach_hello hello = welcome(&lent), none;
	int status;

	(void)state;
	(void)close(lent.master);
	lent.master = -1;
	(void)kill(lent.client, SIGHUP);
	assert_int_equal(await_news(lent.socket, &none), ATTACH_GONE);
	close_hello(&hello);
	(void)close(lent.socket);
	assert_int_equal(waitpid(lent.client, &status, 0), lent.client);
	(void)close(lent.slave);
}

static void test_a_server_that_dies_leaves_a_usable_terminal(void **state)
{
	struct lent lent = lend("en");
	struct attach_hello hello = welcome(&lent);
	char screen[400];

	(void)state;
	assert_true(is_raw(lent.slave));
	close_hello(&hello);
	(void)close(lent.socket);
	read_screen(lent.master, screen, sizeof(screen));
	assert_non_null(strstr(screen, "station.log"));
	assert_false(is_raw(lent.slave));
	assert_int_equal(ended(&lent), 3);
}

static void assert_refused(const void *packet, size_t len)
{
	struct attach_hello hello;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(send(fds[1], packet, len, 0), (ssize_t)len);
	assert_int_equal(attach_read(fds[0], &hello), ATTACH_GONE);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_a_packet_that_does_not_fit_is_refused(void **state)
{
	struct attach_message m = { .version = ATTACH_VERSION, .kind = ATTACH_KIND_RESIZED };
	uint8_t large[2 * sizeof(m)] = { 0 };

	(void)state;
	assert_refused(&m, sizeof(m) - 1);
	m.version++;
	assert_refused(&m, sizeof(m));
	m.version--;
	m.kind = 99;
	assert_refused(&m, sizeof(m));
	m.kind = ATTACH_KIND_HELLO; /* without descriptors */
	assert_refused(&m, sizeof(m));
	memcpy(large, &m, sizeof(m));
	assert_refused(large, sizeof(large));
}

static size_t open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
	return n;
}

/* A hello with one descriptor instead of two. */
static void send_half_a_hello(int fd)
{
	struct attach_message m = { .version = ATTACH_VERSION, .kind = ATTACH_KIND_HELLO };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { &m, sizeof(m) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &(int){ STDIN_FILENO }, sizeof(int));
	assert_true(sendmsg(fd, &message, 0) > 0);
}

static void test_half_a_hello_leaves_no_descriptor_behind(void **state)
{
	struct attach_hello hello;
	size_t before;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	before = open_descriptors();
	send_half_a_hello(fds[1]);
	assert_int_equal(attach_read(fds[0], &hello), ATTACH_GONE);
	assert_int_equal(open_descriptors(), before);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_a_station_is_found_by_its_folder_only_while_it_listens(void **state)
{
	char dir[] = "/tmp/station-attach-XXXXXX", path[64];
	struct err err = { 0 };
	int listening, client = -1, server = -1;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(attach_connect(dir, &client, &err), 0);
	assert_int_equal(client, -1);
	assert_int_equal(attach_listen(dir, &listening, &err), 0);
	assert_int_equal(attach_accept(listening, &server, &err), 0);
	assert_int_equal(server, -1);
	assert_int_equal(attach_connect(dir, &client, &err), 0);
	assert_true(client >= 0);
	assert_int_equal(attach_accept(listening, &server, &err), 0);
	assert_true(server >= 0);
	assert_true(snprintf(path, sizeof(path), "%s/" ATTACH_SOCKET_NAME, dir) > 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	(void)close(client);
	(void)close(server);
	(void)close(listening);
	/* A killed station leaves its socket; nobody answers, and the next one replaces it. */
	assert_int_equal(attach_connect(dir, &client, &err), 0);
	assert_int_equal(client, -1);
	assert_int_equal(attach_listen(dir, &listening, &err), 0);
	(void)close(listening);
	(void)unlink(path);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_terminal_is_lent_and_put_back),
		cmocka_unit_test(test_the_terminal_is_left_alone_before_the_welcome),
		cmocka_unit_test(test_resizes_and_requests_to_end_are_told),
		cmocka_unit_test(test_a_terminal_that_hangs_up_ends_its_client_only),
		cmocka_unit_test(test_a_server_that_dies_leaves_a_usable_terminal),
		cmocka_unit_test(test_a_packet_that_does_not_fit_is_refused),
		cmocka_unit_test(test_half_a_hello_leaves_no_descriptor_behind),
		cmocka_unit_test(test_a_station_is_found_by_its_folder_only_while_it_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
