/* Deadlines on the monotonic clock: a technician who sets the wall clock can't hang or hurry a step. */
#include "base/deadline.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t deadline_now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

struct deadline deadline_in_ms(unsigned ms)
{
	return (struct deadline){ deadline_now_ms() + ms };
}

struct deadline deadline_within(const struct deadline *parent, unsigned ms)
{
	struct deadline own = deadline_in_ms(ms);

	return own.at_ms < parent->at_ms ? own : *parent;
}

int deadline_left_ms(const struct deadline *dl)
{
	int64_t left = dl->at_ms - deadline_now_ms();

	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static struct timespec timespec_of(const struct deadline *dl)
{
	return (struct timespec){ (time_t)(dl->at_ms / 1000), (long)(dl->at_ms % 1000) * 1000000 };
}

void deadline_sleep(const struct deadline *dl, unsigned ms)
{
	struct deadline until = deadline_within(dl, ms);
	struct timespec at = timespec_of(&until);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

int deadline_cond_init(pthread_cond_t *ret_cond)
{
	pthread_condattr_t attr;
	int rc;

	if (pthread_condattr_init(&attr) != 0)
		return -1;
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc = pthread_cond_init(ret_cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	return rc == 0 ? 0 : -1;
}

bool deadline_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct deadline *dl)
{
	const struct timespec at = timespec_of(dl);

	return pthread_cond_timedwait(cond, lock, &at) == 0;
}

int64_t clock_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

void clock_iso8601(int64_t wall_ms, char out[CLOCK_ISO_LEN + 1])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)snprintf(out, CLOCK_ISO_LEN + 1, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		       (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		       (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		       (unsigned)tm.tm_sec % 100, (unsigned)(wall_ms % 1000) % 1000);
}

void clock_local(int64_t wall_ms, char out[CLOCK_LOCAL_LEN + 1])
{
	const time_t seconds = (time_t)(wall_ms / 1000);
	struct tm local;

	if (localtime_r(&seconds, &local) == NULL ||
	    strftime(out, CLOCK_LOCAL_LEN + 1, "%Y-%m-%d %H:%M:%S", &local) == 0)
		memcpy(out, "0000-00-00 00:00:00", CLOCK_LOCAL_LEN + 1);
}

int64_t clock_local_midnight_ms(int64_t wall_ms)
{
	const time_t seconds = (time_t)(wall_ms / 1000);
	struct tm local;

	if (localtime_r(&seconds, &local) == NULL)
		return wall_ms;
	local.tm_hour = 0;
	local.tm_min = 0;
	local.tm_sec = 0;
	local.tm_isdst = -1; /* midnight may lie on the other side of a clock change */
	return (int64_t)mktime(&local) * 1000;
}
