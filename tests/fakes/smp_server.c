/*
 * The program: options, one terminal or one TCP port, one request after the other. It says on standard
 * output where it listens and what is done to its files, an event a line.
 */
#include "tests/fakes/smp_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define HEADER      8
#define FRAME_EXTRA 4 /* length and CRC lie in the buffer, too */

/* --- Groups 0, 3 and 9 ------------------------------------------------------------------------------ */

static const char *lookup(const struct pair *pairs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return pairs[i].value;
	return NULL;
}

/* With a blank between words; what does not fit is left out. */
static void append_word(char *line, size_t cap, const char *word)
{
	size_t at = strlen(line);

	if (at > 0 && at + 1 < cap)
		line[at++] = ' ';
	for (; *word != '\0' && at + 1 < cap; word++)
		line[at++] = *word;
	line[at] = '\0';
}

/* smp_group_0.rst: of the letters of a format, these. */
static unsigned os_info(const struct server *server, const struct request *request, struct out *out)
{
	struct in in = value_of(request->body, "format");
	char format[16], output[128] = "";

	read_text(&in, format, sizeof(format));
	for (const char *c = in.bad ? "s" : format; *c != '\0'; c++) {
		const char *word = *c == 's'   ? "Zephyr"
				   : *c == 'v' ? "3.7.0"
				   : *c == 'i' ? server->is.board
					       : NULL;

		if (word == NULL)
			return EINVAL_;
		append_word(output, sizeof(output), word);
	}
	put_text(out, "output");
	put_text(out, output);
	return OK;
}

static unsigned os(const struct server *server, const struct request *request, struct out *out)
{
	if (request->command == 7)
		return os_info(server, request, out);
	if (request->command != 6)
		return ENOTSUP_;
	put_text(out, "buf_size");
	put_uint(out, server->is.buf_size);
	put_text(out, "buf_count");
	put_uint(out, 4);
	return OK;
}

/* smp_group_3.rst; Zephyr's settings are bytes, and many applications keep the NUL. */
static unsigned settings(const struct server *server, const struct request *request, struct out *out)
{
	struct in in = value_of(request->body, "name");
	char name[64];
	const char *value;

	read_text(&in, name, sizeof(name));
	value = in.bad ? NULL : lookup(server->is.settings, server->is.settings_n, name);
	if (request->op != 0 || request->command != 0)
		return ENOTSUP_;
	if (value == NULL)
		return ENOENT_;
	put_text(out, "val");
	put_bytes(out, (const uint8_t *)value, strlen(value) + 1);
	return OK;
}

/* smp_group_9.rst */
static unsigned shell(const struct server *server, const struct request *request, struct out *out)
{
	struct in in = value_of(request->body, "argv");
	char line[128] = "", word[64];
	const char *output;

	for (uint64_t n = read_array(&in); n > 0 && !in.bad; n--) {
		read_text(&in, word, sizeof(word));
		append_word(line, sizeof(line), word);
	}
	if (in.bad || request->op != 2 || request->command != 0)
		return in.bad ? EINVAL_ : ENOTSUP_;
	output = lookup(server->is.shell, server->is.shell_n, line);
	put_text(out, "o");
	put_text(out, output != NULL ? output : "command not found\r\n");
	put_text(out, "ret");
	put_uint(out, output != NULL ? 0 : 8);
	return OK;
}

unsigned serve_other(struct server *server, const struct request *request, struct out *out)
{
	switch (request->group) {
	case 0:
		return os(server, request, out);
	case 3:
		return settings(server, request, out);
	case 9:
		return shell(server, request, out);
	default:
		return ENOTSUP_;
	}
}

/* --- Packets ---------------------------------------------------------------------------------------- */

/* Request to answer in place; 0 if there is none. */
static size_t answer(struct server *server, const uint8_t *packet, size_t n, uint8_t *ret)
{
	struct out out = { .n = 0 };
	size_t body = n < HEADER ? 0 : (size_t)packet[2] << 8 | packet[3];
	struct request request = { .op = packet[0] & 7u,
				   .group = (unsigned)packet[4] << 8 | packet[5],
				   .command = packet[7] };
	unsigned rc;

	/* What does not fit a network buffer is dropped by the transport, without an answer. */
	if (n < HEADER || body != n - HEADER || n + FRAME_EXTRA > server->is.buf_size ||
	    (request.op & 5u) != 0)
		return 0;
	request.body = (struct in){ packet + HEADER, packet + n, false };
	server->hang_up = server->mute = false;
	put_map(&out);
	rc = request.group == 8 ? serve_file(server, &request, &out) : serve_other(server, &request, &out);
	if (rc != OK) {
		put_text(&out, "rc");
		put_uint(&out, rc);
	}
	put_end(&out);
	memcpy(ret, packet, HEADER);
	ret[0] = (uint8_t)((request.op + 1) | (server->is.old ? 0u : packet[0] & 0x18u));
	ret[2] = (uint8_t)(out.n >> 8);
	ret[3] = (uint8_t)out.n;
	memcpy(ret + HEADER, out.bytes, out.n);
	return server->hang_up || server->mute ? 0 : HEADER + out.n;
}

static void send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t sent = write(fd, p, n);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

/* Until the other side, or this one, hangs up. */
static void converse(struct server *server, int fd)
{
	static char lines[2 * PACKET_MAX];
	static uint8_t reply[PACKET_MAX + HEADER];
	struct wire wire = { .line_n = 0 };
	uint8_t chunk[512];
	ssize_t n;

	server->hang_up = false;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n && !server->hang_up; i++) {
			size_t packet = wire_take(&wire, chunk[i]), len;

			if (packet == 0)
				continue;
			len = answer(server, wire.frame + 2, packet, reply);
			if (len > 0)
				send_all(fd, lines, wire_lines(reply, len, lines, sizeof(lines)));
		}
		if (server->hang_up)
			return;
	}
}

/* --- Links ------------------------------------------------------------------------------------------ */

static void ready(const char *where)
{
	(void)printf("{\"event\":\"ready\",\"link\":\"%s\"}\n", where);
	(void)fflush(stdout);
}

/* A new terminal each time: behind the symlink the old one is gone, as an adapter that was pulled. */
static int serve_pty(struct server *server)
{
	for (;;) {
		int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
		char name[64], beside[512];
		struct termios raw;

		if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
		    ptsname_r(master, name, sizeof(name)) != 0)
			return 1;
		slave = open(name,
			     O_RDWR | O_NOCTTY | O_CLOEXEC); /* keeps the line up while nobody is there */
		if (slave < 0 || tcgetattr(slave, &raw) < 0)
			return 1;
		cfmakeraw(&raw);
		(void)tcsetattr(slave, TCSANOW, &raw);
		(void)snprintf(beside, sizeof(beside), "%s.new", server->is.pty);
		if (symlink(name, beside) < 0 || rename(beside, server->is.pty) < 0)
			return 1;
		ready(server->is.pty);
		converse(server, master);
		(void)close(slave);
		(void)close(master);
	}
}

static int serve_tcp(struct server *server)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	char where[32];

	if (listener < 0 || bind(listener, (const struct sockaddr *)&at, n) < 0 || listen(listener, 4) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &n) < 0)
		return 1;
	(void)snprintf(where, sizeof(where), "127.0.0.1:%u", ntohs(at.sin_port));
	ready(where);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		converse(server, fd);
		(void)close(fd);
	}
	return 1;
}

/* --- Options ---------------------------------------------------------------------------------------- */

static void add_pair(struct pair *pairs, size_t *n, char *text)
{
	char *equal = strchr(text, '=');

	if (equal == NULL || *n == PAIRS_MAX) {
		(void)fprintf(stderr, "not NAME=VALUE, or one too many: %s\n", text);
		exit(2);
	}
	*equal = '\0';
	pairs[(*n)++] = (struct pair){ text, equal + 1 };
}

static const struct option options[] = {
	{ "dir", required_argument, NULL, 'd' },     { "pty", required_argument, NULL, 'p' },
	{ "setting", required_argument, NULL, 's' }, { "shell", required_argument, NULL, 'S' },
	{ "rots", required_argument, NULL, 'r' },    { "board", required_argument, NULL, 'b' },
	{ "buf", required_argument, NULL, 'B' },     { "drop-at", required_argument, NULL, 'D' },
	{ "mute-at", required_argument, NULL, 'M' }, { "old", no_argument, NULL, 'o' },
	{ "no-hash", no_argument, NULL, 'h' },       { "no-status", no_argument, NULL, 't' },
	{ "lie-hash", no_argument, NULL, 'l' },      { NULL, 0, NULL, 0 },
};

static void take_option(struct firmware *is, int option, char *value)
{
	switch (option) {
	case 'd':
		is->dir = value;
		break;
	case 'p':
		is->pty = value;
		break;
	case 's':
		add_pair(is->settings, &is->settings_n, value);
		break;
	case 'S':
		add_pair(is->shell, &is->shell_n, value);
		break;
	case 'r':
		is->rots = value;
		break;
	case 'b':
		is->board = value;
		break;
	case 'B':
		is->buf_size = strtoul(value, NULL, 10);
		break;
	case 'D':
		is->drop_at = strtol(value, NULL, 10);
		break;
	case 'M':
		is->mute_at = strtol(value, NULL, 10);
		break;
	case 'o':
		is->old = true;
		break;
	case 'h':
		is->lacks_hash = true;
		break;
	case 't':
		is->lacks_status = true;
		break;
	case 'l':
		is->lies_about_hash = true;
		break;
	default:
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct server server = {
		.is = { .board = "frdm_k64f", .buf_size = 384, .drop_at = -1, .mute_at = -1 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		take_option(&server.is, option, optarg);
	if (server.is.dir == NULL || server.is.buf_size < 160 || server.is.buf_size > PACKET_MAX) {
		(void)fprintf(stderr, "usage: fake_smp_server --dir DIR [--pty LINK] ...\n");
		return 2;
	}
	return server.is.pty != NULL ? serve_pty(&server) : serve_tcp(&server);
}
