/*
 * fake_console: a Linux device's serial console for tests. GETTY runs on a pseudo-terminal of its
 * own, as on a device's serial port, and again whenever it ends, as init does it; {} in its arguments
 * is the terminal's name. LINK becomes a name of the port at the station's end. In between:
 *
 *	--noise      the kernel says something every 300 ms, in the middle of a line as well
 *	--wrap       what the device says is broken at 80 columns
 *	--escapes    colours and titles around each line
 *	--echo       what the station types comes back, whatever the device wants
 *	--boot TEXT  is said once, at power-on
 *	--log FILE   keeps what the device said
 *	--mute       the device is off: what comes is dropped, nothing is said
 *
 * SIGUSR1 cuts the power: everything on the terminal dies, and starts again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/bytes.h"
#include "base/deadline.h"

#define ARGS_MAX     32
#define RESPAWN_MS   50
#define COLUMNS      80
#define NOISE_MS     300
#define EXIT_TROUBLE 126

struct console {
	bool noise, wrap, escapes, echo, mute;
	const char *boot;
	FILE *log;
	char *const *getty;
	char tty[64];
	int station, device, signals; /* the masters */
	pid_t child;
	unsigned column;
	int64_t noise_at_ms;
};

static _Noreturn void trouble(const char *what)
{
	(void)fprintf(stderr, "fake_console: %s: %s\n", what, strerror(errno));
	exit(EXIT_TROUBLE);
}

static int open_master(char *ret_name, size_t cap)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	const char *name;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		trouble("posix_openpt");
	name = ptsname(master);
	if (name == NULL || str_format(ret_name, cap, "%s", name) < 0)
		trouble("ptsname");
	return master;
}

/* The device's end of its port: the getty's standard input, and its controlling terminal. */
static _Noreturn void become_getty(const struct console *c)
{
	char *args[ARGS_MAX + 1] = { NULL };
	sigset_t none;
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	fd = open(c->tty, O_RDWR);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 1) < 0)
		_exit(EXIT_TROUBLE);
	for (int i = 0; i <= 2; i++)
		(void)dup2(fd, i);
	if (fd > 2)
		(void)close(fd);
	for (size_t i = 0; i < ARGS_MAX && c->getty[i] != NULL; i++)
		args[i] = strcmp(c->getty[i], "{}") == 0 ? strdup(c->tty + 5) : strdup(c->getty[i]);
	(void)execvp(args[0], args);
	_exit(EXIT_TROUBLE);
}

static void start_getty(struct console *c)
{
	c->child = fork();
	if (c->child < 0)
		trouble("fork");
	if (c->child == 0)
		become_getty(c);
}

static void write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return; /* nobody has the port open: it is said to nobody */
		p += done;
		n -= (size_t)done;
	}
}

static void say(const struct console *c, const char *text)
{
	write_all(c->station, text, strlen(text));
}

static void say_byte(struct console *c, char byte)
{
	if (byte == '\n' && c->escapes)
		say(c, "\x1b]0;unit login: \a\x1b[0m\x1b[K");
	write_all(c->station, &byte, 1);
	c->column = byte == '\n' || byte == '\r' ? 0 : c->column + 1;
	if (c->wrap && c->column == COLUMNS) {
		say(c, "\r\n");
		c->column = 0;
	}
}

static void make_noise(struct console *c)
{
	if (!c->noise || c->mute || deadline_now_ms() < c->noise_at_ms)
		return;
	say(c, "[  123.456789] usb 1-1.2: new full-speed USB device number 7\r\n");
	c->noise_at_ms = deadline_now_ms() + NOISE_MS;
}

static void from_device(struct console *c)
{
	char buf[1024];
	ssize_t n = read(c->device, buf, sizeof(buf));

	if (n <= 0) { /* nobody has the terminal open: between two logins */
		const struct deadline dl = deadline_in_ms(5);

		deadline_sleep(&dl, 5);
		return;
	}
	for (ssize_t i = 0; i < n && !c->mute; i++)
		say_byte(c, buf[i]);
	if (c->log != NULL) {
		(void)fwrite(buf, 1, (size_t)n, c->log);
		(void)fflush(c->log);
	}
}

static void from_station(const struct console *c)
{
	char buf[1024];
	ssize_t n = read(c->station, buf, sizeof(buf));

	if (n <= 0) {
		const struct deadline dl = deadline_in_ms(5);

		deadline_sleep(&dl, 5);
		return;
	}
	if (c->mute)
		return;
	if (c->echo)
		write_all(c->station, buf, (size_t)n);
	write_all(c->device, buf, (size_t)n);
}

/* Everything that has the device's port as its terminal: getty, login, shell and what it runs. */
static void cut_power(const struct console *c)
{
	const char *tty = c->tty + 5;

	if (fork() == 0) {
		(void)execlp("pkill", "pkill", "-KILL", "-t", tty, (char *)NULL);
		_exit(EXIT_TROUBLE);
	}
	(void)kill(c->child, SIGKILL);
}

/* False: the test is over. */
static bool take_signal(struct console *c)
{
	const struct deadline dl = deadline_in_ms(RESPAWN_MS);
	struct signalfd_siginfo info;
	pid_t gone;
	bool again = false;

	if (read(c->signals, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo == SIGUSR1)
		cut_power(c);
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
		return false;
	while ((gone = waitpid(-1, NULL, WNOHANG)) > 0)
		again |= gone == c->child;
	if (again) {
		deadline_sleep(&dl, RESPAWN_MS);
		start_getty(c);
	}
	return true;
}

static void serve(struct console *c)
{
	struct pollfd fds[] = { { c->signals, POLLIN, 0 },
				{ c->station, POLLIN, 0 },
				{ c->device, POLLIN, 0 } };

	for (;;) {
		if (poll(fds, 3, c->noise ? NOISE_MS : -1) < 0 && errno != EINTR)
			trouble("poll");
		make_noise(c);
		if ((fds[0].revents & POLLIN) != 0 && !take_signal(c))
			break;
		if (fds[1].revents != 0)
			from_station(c);
		if (fds[2].revents != 0)
			from_device(c);
	}
	cut_power(c);
}

static int watch_signals(void)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		trouble("signalfd");
	return fd;
}

/* Options up to "--"; -1 for wrong usage, else where the getty begins. */
static int read_options(struct console *c, int argc, char **argv)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = { { "--noise", &c->noise },
		      { "--wrap", &c->wrap },
		      { "--escapes", &c->escapes },
		      { "--echo", &c->echo },
		      { "--mute", &c->mute } };
	int i;

	for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
		bool boot = strcmp(argv[i], "--boot") == 0, log = strcmp(argv[i], "--log") == 0;
		bool known = (boot || log) && i + 1 < argc;

		if (known && boot)
			c->boot = argv[++i];
		else if (known)
			c->log = fopen(argv[++i], "w");
		for (size_t k = 0; k < ARRAY_LEN(flags); k++)
			if (strcmp(argv[i], flags[k].name) == 0)
				known = *flags[k].flag = true;
		if (!known)
			return -1;
	}
	return i + 1 < argc ? i + 1 : -1;
}

/* The station's end has a terminal's habits off until the station opens it; a slave held open never hangs up. */
static void offer(struct console *c, const char *link)
{
	char name[64];
	struct termios raw;
	int slave;

	c->station = open_master(name, sizeof(name));
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw) < 0)
		trouble(name);
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw) < 0)
		trouble(name);
	(void)unlink(link);
	if (symlink(name, link) < 0)
		trouble(link);
}

int main(int argc, char **argv)
{
	struct console c = { .child = -1 };
	int getty = argc > 3 ? read_options(&c, argc, argv) : -1;

	if (getty < 0) {
		(void)fprintf(stderr, "usage: fake_console LINK [OPTIONS] -- GETTY [ARGS...]\n");
		return EXIT_TROUBLE;
	}
	c.getty = argv + getty;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	c.signals = watch_signals();
	c.device = open_master(c.tty, sizeof(c.tty));
	offer(&c, argv[1]);
	start_getty(&c);
	(void)printf("{\"event\":\"ready\"}\n");
	(void)fflush(stdout);
	if (c.boot != NULL)
		say(&c, c.boot);
	serve(&c);
	(void)unlink(argv[1]);
	return 0;
}
