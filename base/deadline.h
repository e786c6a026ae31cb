/*
 * A monotonic deadline, made once per step and passed down by const pointer;
 * every blocking call asks it how long it may still take.
 */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct deadline {
	int64_t at_ms; /* CLOCK_MONOTONIC */
};

int64_t deadline_now_ms(void);
struct deadline deadline_in_ms(unsigned ms);
/* The earlier of parent and ms from now. */
struct deadline deadline_within(const struct deadline *parent, unsigned ms);
/* 0 when it has passed; never more than INT_MAX, so it fits poll(2). */
int deadline_left_ms(const struct deadline *dl);
static inline bool deadline_passed(const struct deadline *dl)
{
	return deadline_left_ms(dl) == 0;
}
/* Sleeps for ms or until the deadline, whichever is first. */
void deadline_sleep(const struct deadline *dl, unsigned ms);

/* A condition whose waiting ends by a deadline. */
MUST_USE int deadline_cond_init(pthread_cond_t *ret_cond);
/* With the lock held, as pthread_cond_wait; false when the deadline has passed. */
bool deadline_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct deadline *dl);

/* Wall clock, milliseconds since 1970: for records, never for waiting. */
int64_t clock_wall_ms(void);
/* "2026-11-22T02:20:13.123Z"; out holds at least 25. */
#define CLOCK_ISO_LEN 24
void clock_iso8601(int64_t wall_ms, char out[CLOCK_ISO_LEN + 1]);

/* For screens alone: the plant's own time zone. "2026-11-22 10:20:13". Records are in UTC. */
#define CLOCK_LOCAL_LEN 19
void clock_local(int64_t wall_ms, char out[CLOCK_LOCAL_LEN + 1]);
/* When the day that holds wall_ms began in that zone. */
int64_t clock_local_midnight_ms(int64_t wall_ms);

#endif
