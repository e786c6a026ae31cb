/*
 * The outlet. Each write is so small that a terminal which poll(2) calls
 * writable takes it whole: the descriptor is shared with a shell, so it can't be
 * made non-blocking.
 */
#include "station/screens/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "base/deadline.h"
#include "base/file.h"

#define CHUNK    256 /* Linux calls a terminal writable from this room on */
#define PIPE_MAX (1024 * 1024)
#define DRAIN_MS 2000
#define LOOK_MS  200

struct outlet {
	int from_fd, to_fd; /* the pipe */
	int terminal_fd;
	int stop_fd;
	pthread_t thread;
	_Atomic bool carrying, broken, stop;
	_Atomic bool ended; /* the thread has nothing more to carry */
};

/* True when the terminal can take a chunk; false when the outlet shall end, or nothing came. */
static bool wait_writable(struct outlet *outlet)
{
	struct pollfd fds[] = { { .fd = outlet->terminal_fd, .events = POLLOUT },
				{ .fd = outlet->stop_fd, .events = POLLIN } };

	if (poll(fds, ARRAY_LEN(fds), LOOK_MS) < 0)
		return false;
	if ((fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		atomic_store(&outlet->broken, true);
	return (fds[0].revents & POLLOUT) != 0;
}

static bool is_over(const struct outlet *outlet)
{
	return atomic_load(&outlet->broken) || atomic_load(&outlet->stop);
}

static void carry(struct outlet *outlet, struct bytes chunk)
{
	while (!is_over(outlet)) {
		if (!wait_writable(outlet))
			continue;
		if (file_write_all(outlet->terminal_fd, chunk) < 0)
			atomic_store(&outlet->broken, true);
		return;
	}
}

static void *outlet_main(void *arg)
{
	struct outlet *outlet = arg;
	uint8_t chunk[CHUNK];

	while (!is_over(outlet)) {
		ssize_t n = read(outlet->from_fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		atomic_store(&outlet->carrying, true);
		carry(outlet, bytes_of(chunk, (size_t)n));
		atomic_store(&outlet->carrying, false);
	}
	atomic_store(&outlet->ended, true);
	return NULL;
}

static void release(struct outlet *outlet)
{
	const int fds[] = { outlet->from_fd, outlet->to_fd, outlet->stop_fd };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	free(outlet);
}
DEFINE_CLEANUP(releasep, struct outlet, release)

int outlet_open(int terminal_fd, struct outlet **ret_outlet, struct err *err)
{
	CLEANUP(releasep) struct outlet *outlet = calloc(1, sizeof(*outlet));
	int fds[2] = { -1, -1 };

	if (outlet == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	outlet->terminal_fd = terminal_fd;
	outlet->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pipe2(fds, O_CLOEXEC) < 0 || outlet->stop_fd < 0) {
		outlet->from_fd = -1;
		outlet->to_fd = -1;
		return err_set(err, ERR_STATION, errno, "pipe: %s", strerror(errno));
	}
	outlet->from_fd = fds[0];
	outlet->to_fd = fds[1];
	/* A smaller pipe works as well: a large picture then waits for the terminal. */
	(void)fcntl(outlet->to_fd, F_SETPIPE_SZ, PIPE_MAX);
	if (pthread_create(&outlet->thread, NULL, outlet_main, outlet) != 0)
		return err_set(err, ERR_STATION, 0, "no thread for the terminal");
	*ret_outlet = outlet;
	outlet = NULL;
	return 0;
}

/* The pipe's end is what ends the thread, after its last byte; only a terminal that takes nothing is told to stop. */
void outlet_close(struct outlet *outlet)
{
	const struct deadline drain = deadline_in_ms(DRAIN_MS);

	if (outlet == NULL)
		return;
	(void)close(outlet->to_fd);
	outlet->to_fd = -1;
	while (!atomic_load(&outlet->ended) && !deadline_passed(&drain))
		deadline_sleep(&drain, 2);
	atomic_store(&outlet->stop, true);
	(void)eventfd_write(outlet->stop_fd, 1);
	(void)pthread_join(outlet->thread, NULL);
	release(outlet);
}

int outlet_fd(const struct outlet *outlet)
{
	return outlet->to_fd;
}

bool outlet_busy(const struct outlet *outlet)
{
	int n = 0;

	return (ioctl(outlet->from_fd, FIONREAD, &n) == 0 && n > 0) || atomic_load(&outlet->carrying);
}

bool outlet_broken(const struct outlet *outlet)
{
	return atomic_load(&outlet->broken);
}
