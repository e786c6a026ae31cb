/* The mailbox: a ring under one lock, and an eventfd so that the reader can poll it with other things. */
#include "station/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#define MAILBOX_MAX  256
#define MAILBOX_OWN  64 /* more, for the reader's own notes */
#define MAILBOX_RING (MAILBOX_MAX + MAILBOX_OWN)

struct mailbox {
	pthread_mutex_t lock; /* owns the ring */
	pthread_cond_t room;
	int fd;
	bool closed;
	size_t first, n;
	struct event ring[MAILBOX_RING];
};

int mailbox_new(struct mailbox **ret_mailbox, struct err *err)
{
	struct mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (mailbox == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->fd < 0) {
		free(mailbox);
		return err_set(err, ERR_STATION, errno, "eventfd: %s", strerror(errno));
	}
	(void)pthread_mutex_init(&mailbox->lock, NULL);
	(void)pthread_cond_init(&mailbox->room, NULL);
	*ret_mailbox = mailbox;
	return 0;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (mailbox == NULL)
		return;
	(void)close(mailbox->fd);
	(void)pthread_cond_destroy(&mailbox->room);
	(void)pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

static void put(struct mailbox *mailbox, const struct event *event)
{
	struct event *place = &mailbox->ring[(mailbox->first + mailbox->n) % MAILBOX_RING];

	*place = *event;
	place->at_ms = clock_wall_ms();
	/* The descriptor says "not empty", so it is touched only when that changes. */
	if (mailbox->n++ == 0)
		(void)eventfd_write(mailbox->fd, 1);
}

void mailbox_post(struct mailbox *mailbox, const struct event *event)
{
	(void)pthread_mutex_lock(&mailbox->lock);
	while (mailbox->n >= MAILBOX_MAX && !mailbox->closed)
		(void)pthread_cond_wait(&mailbox->room, &mailbox->lock);
	if (!mailbox->closed)
		put(mailbox, event);
	(void)pthread_mutex_unlock(&mailbox->lock);
}

void mailbox_note(struct mailbox *mailbox, const struct event *event)
{
	(void)pthread_mutex_lock(&mailbox->lock);
	base_assert(mailbox->n < MAILBOX_RING);
	if (!mailbox->closed)
		put(mailbox, event);
	(void)pthread_mutex_unlock(&mailbox->lock);
}

void mailbox_close(struct mailbox *mailbox)
{
	(void)pthread_mutex_lock(&mailbox->lock);
	mailbox->closed = true;
	(void)pthread_cond_broadcast(&mailbox->room);
	(void)pthread_mutex_unlock(&mailbox->lock);
}

bool mailbox_take(struct mailbox *mailbox, struct event *ret_event)
{
	eventfd_t count;
	bool got;

	(void)pthread_mutex_lock(&mailbox->lock);
	got = mailbox->n > 0;
	if (got) {
		*ret_event = mailbox->ring[mailbox->first];
		mailbox->first = (mailbox->first + 1) % MAILBOX_RING;
		if (--mailbox->n == 0)
			(void)eventfd_read(mailbox->fd, &count);
		(void)pthread_cond_signal(&mailbox->room);
	}
	(void)pthread_mutex_unlock(&mailbox->lock);
	return got;
}

int mailbox_fd(const struct mailbox *mailbox)
{
	return mailbox->fd;
}

const char *wait_name(enum wait wait)
{
	static const char *const names[] = { "none", "operator", "terminal", "label", "clock" };

	return names[wait];
}

const char *scan_fate_name(enum scan_fate fate)
{
	static const char *const names[] = { "none",      "matched", "held",    "slot", "mismatch",
					     "malformed", "unknown", "expired", "busy" };

	return names[fate];
}
