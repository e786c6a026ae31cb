/*
 * The pace of calls: a token bucket that never lets more than the budget into
 * any minute, exponential backoff with full jitter, and Retry-After. Nothing
 * here looks at a clock or rolls dice: both are arguments, so tables test it.
 */
#include "enroll/enroll_internal.h"

#include <curl/curl.h>

#define CALL            60000 /* one call, in the unit of the level */
#define BACKOFF_BASE_MS 1000
#define SKEW_MS         5000 /* between the clocks of two threads; what is more is a clock set back */

/* A burst of b and a steady rate of n - b + 1 put at most n calls into any 60 seconds. */
static int64_t burst(const struct pace *pace)
{
	return 1 + pace->per_minute / 100;
}

static int64_t rate(const struct pace *pace)
{
	return (int64_t)pace->per_minute - burst(pace) + 1;
}

void pace_init(struct pace *pace, unsigned per_minute, int64_t now_ms)
{
	*pace = (struct pace){ .per_minute = per_minute, .at_ms = now_ms };
	pace->level = burst(pace) * CALL;
}

static void refill(struct pace *pace, int64_t now_ms)
{
	int64_t passed = now_ms - pace->at_ms, full = burst(pace) * CALL;

	/*
	 * A thread reads the clock before it gets here, and keeps what it read before a clock was set: who
	 * comes with an earlier time must not turn it back, or the same seconds would be paid twice.
	 */
	if (passed < 0 && passed >= -SKEW_MS)
		return;
	/* A clock that was set back gives nothing; one set forward fills the bucket at most. */
	if (passed > 60000)
		passed = 60000;
	if (passed > 0)
		pace->level += passed * rate(pace);
	if (pace->level > full)
		pace->level = full;
	pace->at_ms = now_ms;
}

int64_t pace_wait_ms(struct pace *pace, int64_t now_ms)
{
	int64_t hold, tokens = 0;

	refill(pace, now_ms);
	/* The same guard for a pause: none is longer than an hour, so a longer one is a clock set back. */
	if (pace->hold_until_ms - now_ms > PACE_HOLD_MAX_MS)
		pace->hold_until_ms = 0;
	hold = pace->hold_until_ms > now_ms ? pace->hold_until_ms - now_ms : 0;
	if (pace->level < CALL)
		tokens = (CALL - pace->level + rate(pace) - 1) / rate(pace);
	return hold > tokens ? hold : tokens;
}

void pace_take(struct pace *pace, int64_t now_ms)
{
	refill(pace, now_ms);
	pace->level -= CALL;
}

void pace_give_back(struct pace *pace)
{
	pace->level += CALL;
}

void pace_succeeded(struct pace *pace)
{
	pace->failures = 0;
	pace->hold_until_ms = 0;
}

int64_t pace_backoff_ms(unsigned failures, uint32_t chance)
{
	unsigned doublings = failures > 7 ? 6 : (failures > 0 ? failures - 1 : 0);
	int64_t most = (int64_t)BACKOFF_BASE_MS << doublings;

	if (most > PACE_BACKOFF_MAX_MS)
		most = PACE_BACKOFF_MAX_MS;
	return (int64_t)chance % (most + 1);
}

void pace_failed(struct pace *pace, int64_t now_ms, int64_t asked_ms, uint32_t chance)
{
	int64_t wait;

	if (pace->failures < UINT16_MAX)
		pace->failures++;
	wait = pace_backoff_ms(pace->failures, chance);
	pace->hold_until_ms = now_ms + (asked_ms > wait ? asked_ms : wait);
}

void pace_hold(struct pace *pace, int64_t now_ms, int64_t asked_ms)
{
	if (asked_ms > 0 && now_ms + asked_ms > pace->hold_until_ms)
		pace->hold_until_ms = now_ms + asked_ms;
}

/* Seconds, before they are anything that could overflow. */
static int64_t hold_of(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > PACE_HOLD_MAX_MS / 1000 ? PACE_HOLD_MAX_MS : seconds * 1000;
}

int64_t pace_retry_after_ms(const char *value, int64_t now_ms)
{
	size_t digits = strspn(value, "0123456789");
	int64_t seconds = 0;
	time_t at;

	if (digits > 0 && value[digits] == '\0') {
		for (size_t i = 0; i < digits && seconds < PACE_HOLD_MAX_MS; i++)
			seconds = seconds * 10 + (value[i] - '0');
		return hold_of(seconds);
	}
	/* A date begins with the day's name; curl's reader would take much more for one. */
	if (!(value[0] >= 'A' && value[0] <= 'Z') || strlen(value) > 40)
		return -1;
	at = curl_getdate(value, NULL);
	return at < 0 ? -1 : hold_of((int64_t)at - now_ms / 1000);
}
