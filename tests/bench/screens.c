/*
 * How long the screens take to come: from exec of `station run` on a terminal of
 * its own to its first whole picture, then from a key to each screen's.
 *
 *     bench_screens STATION STATION_DIR
 *
 * Prints "name milliseconds" a line. A key's time includes the 31 ms of silence that
 * tell it from a scan (station/screens/input.h).
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "base/deadline.h"

#define FIRST_MS   60000
#define QUIET_MS   150      /* a picture is whole when nothing follows for so long */
#define PICTURE    100      /* bytes; the clock's digits are fewer                  */
#define LAST_WORD  "Report" /* of the last line                                 */
#define OUTPUT_MAX 65536

struct output {
	char bytes[OUTPUT_MAX];
	size_t n;
	int64_t last_ms;
};

/* False when nothing came in time. */
static bool read_more(int master, struct output *output, int timeout_ms)
{
	struct pollfd fd = { .fd = master, .events = POLLIN };
	ssize_t n;

	if (poll(&fd, 1, timeout_ms) <= 0)
		return false;
	n = read(master, output->bytes + output->n, sizeof(output->bytes) - 1 - output->n);
	if (n <= 0)
		return false;
	output->n += (size_t)n;
	output->bytes[output->n] = '\0';
	output->last_ms = deadline_now_ms();
	return true;
}

static int64_t first_picture(int master, struct output *output, int64_t from_ms)
{
	const struct deadline end = deadline_in_ms(FIRST_MS);

	output->n = 0;
	while (!deadline_passed(&end) && read_more(master, output, deadline_left_ms(&end)))
		if (strstr(output->bytes, LAST_WORD) != NULL)
			return output->last_ms - from_ms;
	return -1;
}

/* The clock's digits come right before, so that they do not come in between. */
static int64_t next_picture(int master, struct output *output, const char *key)
{
	int64_t from_ms;

	output->n = 0;
	(void)read_more(master, output, 2000);
	while (read_more(master, output, QUIET_MS))
		output->n = 0;
	output->n = 0;
	from_ms = deadline_now_ms();
	if (write(master, key, 1) != 1)
		return -1;
	while (read_more(master, output, output->n < PICTURE ? FIRST_MS : QUIET_MS))
		;
	return output->n >= PICTURE ? output->last_ms - from_ms : -1;
}

static int measure(int master, int64_t from_ms)
{
	static const struct {
		const char *key, *name;
	} screens[] = { { "q", "queue" },  { "a", "audit" }, { "h", "hsm" },
			{ "r", "report" }, { "u", "unit" },  { "l", "line" } };
	static struct output output;
	int64_t ms = first_picture(master, &output, from_ms);
	int bad = ms < 0;

	(void)printf("start %lld\n", (long long)ms);
	for (size_t i = 0; i < ARRAY_LEN(screens) && bad == 0; i++) {
		ms = next_picture(master, &output, screens[i].key);
		(void)printf("%s %lld\n", screens[i].name, (long long)ms);
		bad = ms < 0;
	}
	return bad;
}

/* Asked and confirmed; the terminal is read until the station has put it back. */
static int stop(int master, pid_t child)
{
	static struct output output;
	int status = 0;

	if (write(master, "x", 1) != 1)
		return 1;
	while (read_more(master, &output, 500))
		output.n = 0;
	if (write(master, "\r", 1) != 1)
		return 1;
	while (read_more(master, &output, FIRST_MS))
		output.n = 0;
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int64_t from_ms = deadline_now_ms();
	int master, bad;
	pid_t child;

	if (argc != 3) {
		(void)fputs("usage: bench_screens STATION STATION_DIR\n", stderr);
		return 2;
	}
	child = forkpty(&master, NULL, NULL, &size);
	if (child == 0) {
		(void)execl(argv[1], argv[1], "run", "--dir", argv[2], (char *)NULL);
		_exit(126);
	}
	if (child < 0)
		return 1;
	bad = measure(master, from_ms);
	return stop(master, child) | bad;
}
