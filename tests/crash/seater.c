/*
 * The technicians of tests/crash/kill.sh: they change the device on one slot
 * after the other, without looking whether the station is done, and begin
 * anew when every device was seated. A slot is a symbolic link to a terminal.
 *
 *     seater DIR SLOTS DWELL-MS SEED <terminals, one per line
 *
 * runs until it is terminated. DWELL-MS is how long a device sits on average.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#define DEVICES_MAX 1000
#define TTY_MAX     64

struct seater {
	const char *dir;
	unsigned slots, dwell_ms;
	uint32_t seed;
	char tty[DEVICES_MAX][TTY_MAX];
	size_t n;
};

static unsigned draw(struct seater *s, unsigned below)
{
	s->seed = s->seed * 1664525u + 1013904223u;
	return (s->seed >> 8) % below;
}

static int seat(const struct seater *s, unsigned slot, const char *tty)
{
	char path[512], fresh[520];

	if (str_format(path, sizeof(path), "%s/%u", s->dir, slot) < 0 ||
	    str_format(fresh, sizeof(fresh), "%s.new", path) < 0)
		return -1;
	(void)unlink(fresh);
	if (symlink(tty, fresh) < 0 || rename(fresh, path) < 0) {
		(void)fprintf(stderr, "seater: %s: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

static int read_terminals(struct seater *s)
{
	while (s->n < DEVICES_MAX && fgets(s->tty[s->n], TTY_MAX, stdin) != NULL) {
		s->tty[s->n][strcspn(s->tty[s->n], "\n")] = '\0';
		s->n++;
	}
	return s->n > s->slots ? 0 : -1;
}

static int work(struct seater *s)
{
	for (size_t i = 0;; i++) {
		/* Half the mean at least, so that some devices have the time to pass. */
		unsigned ms = (s->dwell_ms / 2 + draw(s, s->dwell_ms)) / s->slots;
		const struct timespec pause = { ms / 1000, (long)(ms % 1000) * 1000000 };

		if (seat(s, (unsigned)(i % s->slots) + 1, s->tty[i % s->n]) < 0)
			return 1;
		(void)nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	struct seater *s = calloc(1, sizeof(*s));

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (s == NULL || argc != 5)
		return 2;
	s->dir = argv[1];
	s->slots = (unsigned)strtoul(argv[2], NULL, 10);
	s->dwell_ms = (unsigned)strtoul(argv[3], NULL, 10);
	s->seed = (uint32_t)strtoul(argv[4], NULL, 10);
	if (s->slots == 0 || s->dwell_ms == 0 || read_terminals(s) < 0) {
		(void)fprintf(stderr, "seater: more terminals than slots are needed\n");
		return 2;
	}
	return work(s);
}
