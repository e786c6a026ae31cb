/*
 * fake_pty: a terminal line between a test and a program, that can be watched and
 * made to misbehave. The program runs on a pseudo-terminal of its own. What it
 * writes goes to LOG and, if that is a terminal, to standard output; what comes on
 * standard input goes to it. Lines in the FIFO CONTROL change that:
 *
 *	type MS FILE    types the file's bytes, so many milliseconds apart (0: at once)
 *	stop, read      from now on nobody reads what the program writes; or again
 *	hang-up         the terminal is gone
 *
 * It ends as the program does, with 128 and the signal's number if one ended that. LOG.gap holds
 * the longest pause in what was typed last, in milliseconds: a busy machine may be late.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/deadline.h"
#include "base/file.h"

#define TYPE_MAX     (256 * 1024)
#define EXIT_TROUBLE 126

struct line {
	int master, log, control, signals;
	pid_t child;
	bool reads, at_terminal;
	const char *log_path;

	/* what is being typed */
	uint8_t *keys;
	size_t keys_n, typed;
	int every_ms;
	int64_t next_ms, last_ms, gap_ms;
};

static void note_gap(const struct line *line)
{
	char path[1024];
	FILE *file;

	if (str_format(path, sizeof(path), "%s.gap", line->log_path) < 0)
		return;
	file = fopen(path, "w");
	if (file == NULL)
		return;
	(void)fprintf(file, "%lld\n", (long long)line->gap_ms);
	(void)fclose(file);
}

static void type_file(struct line *line, int every_ms, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, line->keys, TYPE_MAX) : -1;

	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		(void)fprintf(stderr, "fake_pty: %s: %s\n", path, strerror(errno));
	line->keys_n = n > 0 ? (size_t)n : 0;
	line->typed = 0;
	line->every_ms = every_ms;
	line->next_ms = deadline_now_ms();
	line->last_ms = line->next_ms;
	line->gap_ms = 0;
}

static void hang_up(struct line *line)
{
	if (line->master >= 0)
		(void)close(line->master);
	line->master = -1;
	line->keys_n = 0;
}

static void obey(struct line *line, const char *order)
{
	char path[1024] = "";
	int every_ms = 0;

	if (sscanf(order, "type %d %1023s", &every_ms, path) == 2)
		type_file(line, every_ms, path);
	else if (strcmp(order, "stop") == 0)
		line->reads = false;
	else if (strcmp(order, "read") == 0)
		line->reads = true;
	else if (strcmp(order, "hang-up") == 0)
		hang_up(line);
	else
		(void)fprintf(stderr, "fake_pty: what is \"%s\"?\n", order);
}

/* One order a write: what a test echoes into the FIFO arrives whole. */
static void read_control(struct line *line)
{
	char text[2048];
	ssize_t n = read(line->control, text, sizeof(text) - 1);
	char *order = text, *end;

	if (n <= 0)
		return;
	text[n] = '\0';
	while ((end = strchr(order, '\n')) != NULL) {
		*end = '\0';
		obey(line, order);
		order = end + 1;
	}
}

static void type_next(struct line *line)
{
	const int64_t now = deadline_now_ms();
	const size_t n = line->every_ms == 0 ? line->keys_n - line->typed : 1;
	const ssize_t written = write(line->master, line->keys + line->typed, n);

	if (written <= 0)
		return;
	if (now - line->last_ms > line->gap_ms)
		line->gap_ms = now - line->last_ms;
	line->last_ms = now;
	line->typed += (size_t)written;
	line->next_ms += line->every_ms;
	if (line->typed == line->keys_n)
		note_gap(line);
}

static void put(int fd, const uint8_t *p, size_t n)
{
	if (file_write_all(fd, bytes_of(p, n)) < 0)
		(void)fprintf(stderr, "fake_pty: write: %s\n", strerror(errno));
}

static bool carry_output(const struct line *line)
{
	uint8_t out[2048];
	const ssize_t n = read(line->master, out, sizeof(out));

	if (n <= 0)
		return false;
	put(line->log, out, (size_t)n);
	if (line->at_terminal)
		put(STDOUT_FILENO, out, (size_t)n);
	return true;
}

static void carry_input(struct line *line)
{
	uint8_t in[1024];
	const ssize_t n = read(STDIN_FILENO, in, sizeof(in));

	if (n > 0 && line->master >= 0)
		put(line->master, in, (size_t)n);
	else if (n <= 0)
		line->at_terminal = false;
}

static void take_size(const struct line *line)
{
	struct winsize size;

	if (line->master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(line->master, TIOCSWINSZ, &size);
}

/* The program's status once it has ended, else -1. */
static int read_signals(const struct line *line)
{
	struct signalfd_siginfo info;
	int status;

	while (read(line->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take_size(line);
	if (waitpid(line->child, &status, WNOHANG) != line->child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int wait_ms(const struct line *line)
{
	const int64_t left = line->next_ms - deadline_now_ms();

	if (line->typed == line->keys_n)
		return -1;
	return left > 0 ? (int)left : 0;
}

static int run(struct line *line)
{
	int status = -1;

	while (status < 0) {
		const int wait = wait_ms(line);
		const bool due = wait == 0;
		struct pollfd fds[] = {
			{ .fd = line->master,
			  .events = (short)((line->reads ? POLLIN : 0) | (due ? POLLOUT : 0)) },
			{ .fd = line->control, .events = POLLIN },
			{ .fd = line->signals, .events = POLLIN },
			{ .fd = line->at_terminal ? STDIN_FILENO : -1, .events = POLLIN },
		};

		(void)poll(fds, ARRAY_LEN(fds), due ? -1 : wait);
		if ((fds[0].revents & POLLOUT) != 0)
			type_next(line);
		if ((fds[0].revents & POLLIN) != 0)
			(void)carry_output(line);
		else if (line->master >= 0 && (fds[0].revents & POLLHUP) != 0)
			hang_up(line);
		if (fds[1].revents != 0)
			read_control(line);
		if (fds[3].revents != 0)
			carry_input(line);
		status = read_signals(line);
	}
	while (line->master >= 0 && line->reads && carry_output(line))
		;
	return status;
}

static int open_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void become(char **command)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execvp(command[0], command);
	(void)fprintf(stderr, "fake_pty: %s: %s\n", command[0], strerror(errno));
	_exit(EXIT_TROUBLE);
}

/* Where it is allowed, ahead of the programs that are tested: a late byte would look like a pause of the scanner. */
static void hurry(void)
{
	const struct sched_param first = { .sched_priority = 1 };

	(void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
}

static int start(struct line *line, char **command)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	line->at_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
	if (line->at_terminal)
		(void)ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	line->child = forkpty(&line->master, NULL, NULL, &size);
	if (line->child == 0)
		become(command);
	if (line->child < 0)
		return -1;
	hurry();
	return fcntl(line->master, F_SETFL, O_NONBLOCK);
}

static int serve(struct line *line, char **argv)
{
	struct termios before, raw;
	int status;

	if (start(line, argv + 3) < 0)
		return EXIT_TROUBLE;
	if (line->at_terminal && tcgetattr(STDIN_FILENO, &before) == 0) {
		raw = before;
		cfmakeraw(&raw);
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	status = run(line);
	if (isatty(STDIN_FILENO) == 1)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return status;
}

int main(int argc, char **argv)
{
	struct line line = { .master = -1, .reads = true };

	if (argc < 4) {
		(void)fputs("usage: fake_pty LOG CONTROL COMMAND...\n", stderr);
		return EXIT_TROUBLE;
	}
	line.log_path = argv[1];
	line.keys = calloc(1, TYPE_MAX);
	line.log = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	/* For writing, too: a FIFO whose last writer left would be readable for ever. */
	line.control = open(argv[2], O_RDWR | O_CLOEXEC | O_NONBLOCK);
	line.signals = open_signals();
	if (line.keys == NULL || line.log < 0 || line.control < 0 || line.signals < 0) {
		(void)fprintf(stderr, "fake_pty: %s\n", strerror(errno));
		return EXIT_TROUBLE;
	}
	return serve(&line, argv);
}
