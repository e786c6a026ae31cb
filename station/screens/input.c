/*
 * Keys and scans told apart by time alone. Nothing is given out before silence
 * has proved what it was: that costs a key 30 ms, and a label can't type.
 */
#include "station/screens/input.h"

#include <string.h>

#include "base/bytes.h"

void input_init(struct input *input, const char *prefix)
{
	*input = (struct input){ .held = 0 };
	str_clip(input->prefix, sizeof(input->prefix), prefix);
}

/* Keys that change nothing but where one looks. */
static bool is_navigation(uint32_t key)
{
	return key >= INPUT_UP && key <= INPUT_END;
}

/* After how long a silence it is clear what the keys so far are. */
static int silence_ms(const struct input *input)
{
	/* What a scanner types first announces a scan, however slowly a network hands it on. */
	const bool announced = input->prefix[0] != '\0' && input->held == (uint8_t)input->prefix[0];

	return (input->burst || announced) && !input->ended ? INPUT_END_MS : INPUT_BURST_MS;
}

static bool is_scan(const struct input *input)
{
	size_t prefix = strlen(input->prefix);

	return input->ended && !input->spoiled && input->n >= prefix + INPUT_SCAN_MIN &&
	       strncmp(input->text, input->prefix, prefix) == 0;
}

static void finish(struct input *input, struct input_event *ret_event)
{
	if (!input->burst) {
		ret_event->kind = INPUT_KEY;
		ret_event->key = input->held;
	} else if (is_scan(input)) {
		ret_event->kind = INPUT_SCAN;
		str_clip(ret_event->text, sizeof(ret_event->text), input->text + strlen(input->prefix));
	} else {
		ret_event->kind = INPUT_REFUSED;
	}
	input->held = 0;
	input->burst = input->spoiled = input->ended = false;
	input->n = 0;
	memset(input->text, 0, sizeof(input->text)); /* it may have been a badge */
}

static void add(struct input *input, uint32_t key)
{
	if (input->held == 0)
		input->held = key;
	else
		input->burst = true;
	if (key == INPUT_ENTER && input->n > 0) {
		input->ended = true; /* again, if it is the second half of CR LF */
	} else if (input->ended || key < ' ' || key > '~' || input->n == INPUT_SCAN_MAX) {
		input->spoiled = true;
	} else {
		input->text[input->n++] = (char)key;
	}
}

void input_feed(struct input *input, uint32_t key, int64_t now_ms, struct input_event *ret_event)
{
	*ret_event = (struct input_event){ .kind = INPUT_NONE };
	if (key == 0)
		key = INPUT_OTHER;
	else if (key == '\r')
		key = INPUT_ENTER;
	if (input->held == key && !input->burst && is_navigation(key)) {
		ret_event->kind = INPUT_KEY; /* the one before; this one is held in its place */
		ret_event->key = key;
		input->last_ms = now_ms;
		return;
	}
	add(input, key);
	input->last_ms = now_ms;
}

void input_tick(struct input *input, int64_t now_ms, struct input_event *ret_event)
{
	*ret_event = (struct input_event){ .kind = INPUT_NONE };
	if (input->held != 0 && now_ms - input->last_ms > silence_ms(input))
		finish(input, ret_event);
}

int input_wait_ms(const struct input *input, int64_t now_ms)
{
	int64_t left;

	if (input->held == 0)
		return -1;
	left = input->last_ms + silence_ms(input) + 1 - now_ms;
	return left < 0 ? 0 : left > INPUT_END_MS + 1 ? INPUT_END_MS + 1 : (int)left;
}
