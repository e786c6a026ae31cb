/*
 * station fixture wizard SLOT: "plug a board into slot 3 now". What was not there before and
 * stays is the slot's place; the line for station.ini is printed, nothing is changed.
 */
#include "station/commands/fixture.h"

#include <errno.h>
#include <poll.h>

#include "station/exit.h"

#define WAIT_MS   60000
#define SETTLE_MS 500
#define PORT_MS   1500 /* from a USB device to the serial port that its driver makes of it */

static bool has_place(const struct plugged *plugged, const struct fixture_place *place)
{
	for (size_t i = 0; i < plugged->n; i++)
		if (plugged->places[i].kind == place->kind &&
		    strcmp(plugged->places[i].place, place->place) == 0)
			return true;
	return false;
}

/* NULL: nothing new. Serial ports stand first in the list, and are what an adapter is for. */
static const struct fixture_place *find_new(const struct plugged *before, const struct plugged *now)
{
	for (size_t i = 0; i < now->n; i++)
		if (!has_place(before, &now->places[i]))
			return &now->places[i];
	return NULL;
}

/* What was pulled meanwhile may be the very board that comes back. */
static void forget_gone(struct plugged *before, const struct plugged *now)
{
	size_t kept = 0;

	for (size_t i = 0; i < before->n; i++)
		if (has_place(now, &before->places[i]))
			before->places[kept++] = before->places[i];
	before->n = kept;
}

static void pause_ms(unsigned ms)
{
	const struct deadline dl = deadline_in_ms(ms);

	deadline_sleep(&dl, ms);
}

/* *ret_found when something came that stays. */
static int look(struct plugged *before, const struct options *options, bool *ret_found, struct err *err)
{
	CLEANUP(plugged_free) struct plugged now = { NULL, 0 };
	const struct fixture_place *place;

	pause_ms(SETTLE_MS);
	if (plugged_read(&now, err) < 0)
		return -1;
	place = find_new(before, &now);
	if (place != NULL && place->kind == FIXTURE_PLACE_USB) {
		plugged_free(&now);
		pause_ms(PORT_MS);
		if (plugged_read(&now, err) < 0)
			return -1;
		place = find_new(before, &now);
	}
	forget_gone(before, &now);
	*ret_found = place != NULL;
	if (place == NULL)
		return 0;
	if (!options->json)
		(void)printf("[slot \"%s\"]\n", options->args[1]);
	plugged_print(place, NULL, options->json);
	return 0;
}

/* Enter; the end of the input is none. */
static bool enter_pressed(struct pollfd *input)
{
	char sink[256];
	ssize_t n;

	if (input->revents == 0)
		return false;
	n = read(input->fd, sink, sizeof(sink));
	if (n <= 0)
		input->fd = -1;
	return n > 0;
}

static int wait_for_place(const struct options *options, bool *ret_found, struct err *err)
{
	CLEANUP(fixture_watch_closep) struct fixture_watch *watch = NULL;
	CLEANUP(plugged_free) struct plugged before = { NULL, 0 };
	const struct deadline dl = deadline_in_ms(WAIT_MS);
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };

	/* Watched first: what comes after the list was read is an event. */
	if (fixture_watch_open(&watch, err) < 0 || plugged_read(&before, err) < 0)
		return -1;
	fds[1].fd = fixture_watch_fd(watch);
	while (!*ret_found && !deadline_passed(&dl)) {
		if (poll(fds, ARRAY_LEN(fds), deadline_left_ms(&dl)) < 0 && errno != EINTR)
			return err_set(err, ERR_STATION, errno, "poll: %s", strerror(errno));
		if (enter_pressed(&fds[0]))
			return 0;
		if (fds[1].revents == 0)
			continue;
		fixture_watch_drain(watch);
		if (look(&before, options, ret_found, err) < 0)
			return -1;
	}
	return 0;
}

int fixture_command_wizard(const struct options *options, int *ret_exit, struct err *err)
{
	bool found = false;

	if (!options->json) {
		(void)printf("Plug a board into slot \"%s\" now. Enter ends.\n", options->args[1]);
		(void)fflush(stdout);
	}
	if (wait_for_place(options, &found, err) < 0)
		return -1;
	if (!found && !options->json)
		(void)printf("Nothing was plugged in that is a serial port or a USB device.\n");
	*ret_exit = found ? EXIT_DONE : EXIT_IN_PART;
	return 0;
}
