/*
 * Limits and faults on request. Counters are deterministic: "every third call"
 * is the third, the sixth and so on, so that a test can say what it expects.
 */
#include "enroll/emulator/dps_internal.h"

#define TICKS_PER_SECOND 10000000
#define WINDOW_TICKS     (60 * (int64_t)TICKS_PER_SECOND)

static bool due(unsigned every, uint64_t *count)
{
	return every > 0 && ++*count % every == 0;
}

static void say_retry_after(struct dps_response *res, int seconds)
{
	char text[16];

	if (seconds > 0 && str_format(text, sizeof(text), "%d", seconds) == 0)
		dps_response_header(res, "Retry-After", text);
}

static int throttled(struct dps_response *res, int seconds, struct err *err)
{
	say_retry_after(res, seconds);
	return err_set(err, ERR_UNIT, DPS_THROTTLED, "Operations are being throttled for this tenant.");
}

static int seconds_left(const struct dps_pace *pace, int64_t at_ticks)
{
	int64_t left = pace->window_ticks + WINDOW_TICKS - at_ticks;

	return (int)((left + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND);
}

/* A refused call does not count against the window, or an eager client would never get out of it. */
static int spend(struct dps_pace *pace, const struct dps_knobs *knobs, int64_t at_ticks,
		 struct dps_response *res, struct err *err)
{
	if (knobs->operations_per_minute == 0)
		return 0;
	if (at_ticks - pace->window_ticks >= WINDOW_TICKS || at_ticks < pace->window_ticks) {
		pace->window_ticks = at_ticks;
		pace->used = 0;
	}
	if (pace->used >= knobs->operations_per_minute)
		return throttled(
			res, knobs->retry_after_s >= 0 ? knobs->retry_after_s : seconds_left(pace, at_ticks),
			err);
	pace->used++;
	return 0;
}

int dps_pace_call(struct dps_pace *pace, const struct dps_knobs *knobs, int64_t at_ticks,
		  struct dps_response *res, struct err *err)
{
	if (spend(pace, knobs, at_ticks, res, err) < 0)
		return -1;
	if (!due(knobs->fail_every, &pace->calls))
		return 0;
	if (knobs->fail_status == 429)
		return throttled(res, knobs->retry_after_s >= 0 ? knobs->retry_after_s : 1, err);
	return err_set(err, ERR_UNIT, (long)knobs->fail_status * 1000 + 1, "A failure that was asked for.");
}

bool dps_pace_drops_reply(struct dps_pace *pace, const struct dps_knobs *knobs)
{
	return due(knobs->drop_reply_every, &pace->changes);
}

bool dps_pace_fails_item(struct dps_pace *pace, const struct dps_knobs *knobs)
{
	return due(knobs->fail_item_every, &pace->items);
}
