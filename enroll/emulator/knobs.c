/*
 * Limits and faults on request. Counters are deterministic: "every third call"
 * is the third, the sixth and so on, so that a test can say what it expects.
 */
#include "enroll/emulator/dps_internal.h"

#define TICKS_PER_SECOND 10000000
#define MINUTE_TICKS     (60 * (int64_t)TICKS_PER_SECOND)
#define POLL_TICKS       (10 * (int64_t)TICKS_PER_SECOND) /* of a device that polls */

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

static int seconds_left(const struct dps_window *window, int64_t length_ticks, int64_t at_ticks)
{
	int64_t left = window->began_ticks + length_ticks - at_ticks;

	return (int)((left + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND);
}

struct limit {
	unsigned calls; /* 0: none */
	int64_t length_ticks;
	int retry_after_s;
};

/* A refused call does not count against the window, or an eager client would never get out of it. */
static int spend(struct dps_window *window, const struct limit *limit, int64_t at_ticks,
		 struct dps_response *res, struct err *err)
{
	if (limit->calls == 0)
		return 0;
	if (at_ticks - window->began_ticks >= limit->length_ticks || at_ticks < window->began_ticks)
		*window = (struct dps_window){ at_ticks, 0 };
	if (window->used >= limit->calls)
		return throttled(res,
				 limit->retry_after_s >= 0
					 ? limit->retry_after_s
					 : seconds_left(window, limit->length_ticks, at_ticks),
				 err);
	window->used++;
	return 0;
}

static int fail_if_due(struct dps_pace *pace, const struct dps_knobs *knobs, struct dps_response *res,
		       struct err *err)
{
	if (!due(knobs->fail_every, &pace->calls))
		return 0;
	if (knobs->fail_status == 429)
		return throttled(res, knobs->retry_after_s >= 0 ? knobs->retry_after_s : 1, err);
	return err_set(err, ERR_UNIT, (long)knobs->fail_status * 1000 + 1, "A failure that was asked for.");
}

int dps_pace_call(struct dps_pace *pace, const struct dps_knobs *knobs, int64_t at_ticks,
		  struct dps_response *res, struct err *err)
{
	const struct limit limit = { knobs->operations_per_minute, MINUTE_TICKS, knobs->retry_after_s };

	return spend(&pace->operations, &limit, at_ticks, res, err) < 0 ? -1
									: fail_if_due(pace, knobs, res, err);
}

int dps_pace_register(struct dps_pace *pace, const struct dps_knobs *knobs, int64_t at_ticks,
		      struct dps_response *res, struct err *err)
{
	const struct limit limit = { knobs->registrations_per_minute, MINUTE_TICKS, knobs->retry_after_s };

	return spend(&pace->registrations, &limit, at_ticks, res, err) < 0
		       ? -1
		       : fail_if_due(pace, knobs, res, err);
}

int dps_pace_poll(struct dps_pace *pace, struct dps_window *window, const struct dps_knobs *knobs,
		  int64_t at_ticks, struct dps_response *res, struct err *err)
{
	const struct limit limit = { knobs->polls_per_10_s, POLL_TICKS, knobs->retry_after_s };

	return spend(window, &limit, at_ticks, res, err) < 0 ? -1 : fail_if_due(pace, knobs, res, err);
}

bool dps_pace_drops_reply(struct dps_pace *pace, const struct dps_knobs *knobs)
{
	return due(knobs->drop_reply_every, &pace->changes);
}

bool dps_pace_fails_item(struct dps_pace *pace, const struct dps_knobs *knobs)
{
	return due(knobs->fail_item_every, &pace->items);
}
