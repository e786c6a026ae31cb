/*
 * The plug's thread. A place's stamp (fixtures/fixture.h) is what counts, never
 * the event: a device that comes and goes in a loop costs one slot's worker its
 * sleep and the others nothing, and bursts are looked at once.
 */
#include "station/plug.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#define BURST_MS 20

struct plug {
	const struct conf *conf;
	struct fixture_watch *watch;
	int stop_fd; /* readable: end */
	pthread_t thread;
	uint64_t stamps[CONF_SLOTS_MAX]; /* the thread's own */

	pthread_mutex_t lock; /* owns what follows */
	pthread_cond_t changed;
	bool pending[CONF_SLOTS_MAX];
	bool released;
};

static void look(struct plug *plug)
{
	bool pending[CONF_SLOTS_MAX] = { false }, any = false;

	for (size_t i = 0; i < plug->conf->slots_n; i++) {
		uint64_t stamp = fixture_link_stamp(plug->conf->slots[i].link);

		pending[i] = stamp != plug->stamps[i];
		any = any || pending[i];
		plug->stamps[i] = stamp;
	}
	if (!any)
		return;
	(void)pthread_mutex_lock(&plug->lock);
	for (size_t i = 0; i < plug->conf->slots_n; i++)
		plug->pending[i] = plug->pending[i] || pending[i];
	(void)pthread_cond_broadcast(&plug->changed);
	(void)pthread_mutex_unlock(&plug->lock);
}

static void *plug_main(void *arg)
{
	struct plug *plug = arg;
	struct pollfd fds[2] = { { plug->stop_fd, POLLIN, 0 }, { fixture_watch_fd(plug->watch), POLLIN, 0 } };

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents != 0)
			return NULL;
		/* First drained, then looked: what comes in between is another event. */
		fixture_watch_drain(plug->watch);
		look(plug);
		/* The next may come at any rate; this is how often it is looked at. */
		(void)poll(fds, 1, BURST_MS);
	}
}

static int init_sync(struct plug *plug)
{
	if (deadline_cond_init(&plug->changed) < 0)
		return -1;
	if (pthread_mutex_init(&plug->lock, NULL) == 0)
		return 0;
	(void)pthread_cond_destroy(&plug->changed);
	return -1;
}

static void deinit_sync(struct plug *plug)
{
	(void)pthread_cond_destroy(&plug->changed);
	(void)pthread_mutex_destroy(&plug->lock);
}

static int start_thread(struct plug *plug)
{
	if (init_sync(plug) < 0)
		return -1;
	if (pthread_create(&plug->thread, NULL, plug_main, plug) == 0)
		return 0;
	deinit_sync(plug);
	return -1;
}

static void close_parts(struct plug *plug)
{
	fixture_watch_close(plug->watch);
	fd_closep(&plug->stop_fd);
	free(plug);
}

static int open_parts(struct plug *plug, struct err *err)
{
	plug->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (plug->stop_fd < 0)
		return err_set(err, ERR_STATION, errno, "eventfd: %s", strerror(errno));
	if (fixture_watch_open(&plug->watch, err) < 0)
		return -1;
	/* Watched first: what changes after the first stamp is an event. */
	for (size_t i = 0; i < plug->conf->slots_n; i++) {
		fixture_watch_add(plug->watch, plug->conf->slots[i].link);
		plug->stamps[i] = fixture_link_stamp(plug->conf->slots[i].link);
	}
	if (start_thread(plug) < 0)
		return err_set(err, ERR_STATION, 0, "the thread that watches the places can't be started");
	return 0;
}

int plug_start(const struct conf *conf, struct plug **ret_plug, struct err *err)
{
	struct plug *plug = calloc(1, sizeof(*plug));

	if (plug == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "out of memory");
	plug->conf = conf;
	plug->stop_fd = -1;
	if (open_parts(plug, err) < 0) {
		close_parts(plug);
		return -1;
	}
	*ret_plug = plug;
	return 0;
}

void plug_release(struct plug *plug)
{
	if (plug == NULL)
		return;
	(void)pthread_mutex_lock(&plug->lock);
	plug->released = true;
	(void)pthread_cond_broadcast(&plug->changed);
	(void)pthread_mutex_unlock(&plug->lock);
}

void plug_stop(struct plug *plug)
{
	if (plug == NULL)
		return;
	(void)eventfd_write(plug->stop_fd, 1);
	(void)pthread_join(plug->thread, NULL);
	deinit_sync(plug);
	close_parts(plug);
}

bool plug_wait(struct plug *plug, const struct conf_slot *slot, unsigned ms)
{
	const struct deadline dl = deadline_in_ms(ms);
	bool changed, early = true;
	size_t i;

	if (plug == NULL) {
		deadline_sleep(&dl, ms);
		return false;
	}
	i = (size_t)(slot - plug->conf->slots);
	(void)pthread_mutex_lock(&plug->lock);
	while (!plug->pending[i] && !plug->released && early)
		early = deadline_cond_wait(&plug->changed, &plug->lock, &dl);
	changed = plug->pending[i];
	plug->pending[i] = false;
	(void)pthread_mutex_unlock(&plug->lock);
	return changed;
}
