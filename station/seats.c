/* The seats: a small table under one lock. */
#include "station/seats.h"

#include <pthread.h>
#include <stdlib.h>

struct seat {
	char slot[17]; /* empty: free */
	char serial[65];
	char hwid[65];
};

struct seats {
	pthread_mutex_t lock; /* owns seat */
	struct seat seat[CONF_SLOTS_MAX];
};

int seats_new(struct seats **ret_seats, struct err *err)
{
	struct seats *seats = calloc(1, sizeof(*seats));

	if (seats == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	(void)pthread_mutex_init(&seats->lock, NULL);
	*ret_seats = seats;
	return 0;
}

void seats_free(struct seats *seats)
{
	if (seats == NULL)
		return;
	(void)pthread_mutex_destroy(&seats->lock);
	free(seats);
}

static int take_locked(struct seats *seats, const char *slot, const char *serial, const char *hwid,
		       struct err *err)
{
	struct seat *mine = NULL;

	for (size_t i = 0; i < ARRAY_LEN(seats->seat); i++) {
		struct seat *seat = &seats->seat[i];

		if (strcmp(seat->slot, slot) == 0 || (mine == NULL && seat->slot[0] == '\0'))
			mine = seat;
		else if (seat->slot[0] != '\0' &&
			 (strcmp(seat->serial, serial) == 0 || strcmp(seat->hwid, hwid) == 0))
			return err_set(err, ERR_UNIT, 0,
				       "serial %s or hardware ID %s is on slot %s at the same time", serial,
				       hwid, seat->slot);
	}
	if (mine == NULL)
		return err_set(err, ERR_BUG, 0, "more slots than seats");
	if (str_format(mine->slot, sizeof(mine->slot), "%s", slot) < 0 ||
	    str_format(mine->serial, sizeof(mine->serial), "%s", serial) < 0 ||
	    str_format(mine->hwid, sizeof(mine->hwid), "%s", hwid) < 0)
		return err_set(err, ERR_BUG, 0, "a seat's name is too long");
	return 0;
}

int seats_take(struct seats *seats, const char *slot, const char *serial, const char *hwid, struct err *err)
{
	int ret;

	(void)pthread_mutex_lock(&seats->lock);
	ret = take_locked(seats, slot, serial, hwid, err);
	(void)pthread_mutex_unlock(&seats->lock);
	return ret;
}

void seats_leave(struct seats *seats, const char *slot)
{
	(void)pthread_mutex_lock(&seats->lock);
	for (size_t i = 0; i < ARRAY_LEN(seats->seat); i++)
		if (strcmp(seats->seat[i].slot, slot) == 0)
			seats->seat[i].slot[0] = '\0';
	(void)pthread_mutex_unlock(&seats->lock);
}
