/*
 * Keys with times: pairs of a byte that is the key and one that is the time before it; the first byte
 * chooses whether there is a prefix, and whether anybody looks in between. Judged by a rule of its own:
 * a key counts only if there was silence around it, unless the arrows repeat; a scan is printable.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "station/screens/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct typed {
	uint32_t key;
	int64_t at_ms;
};

/* Bytes above 0x80 stand for keys beyond ASCII; most of them for those with a name. */
static uint32_t key_of(uint8_t byte)
{
	if (byte < 0x80)
		return byte;
	return byte < 0xa0 ? INPUT_F1 + (byte & 7U) : byte < 0xe0 ? INPUT_UP + (byte & 15U) : byte;
}

static uint32_t normal(uint32_t key)
{
	return key == 0 ? (uint32_t)INPUT_OTHER : key == '\r' ? (uint32_t)INPUT_ENTER : key;
}

/* The key given out is typed[n - 1]; now_ms is when the next one came, or when nothing did. */
static void check_key(const struct typed *typed, size_t n, uint32_t key, int64_t now_ms)
{
	bool repeated = key >= INPUT_UP && key <= INPUT_END;

	if (n == 0 || normal(typed[n - 1].key) != key)
		abort();
	if (repeated)
		return;
	if (now_ms - typed[n - 1].at_ms <= INPUT_BURST_MS)
		abort();
	if (n > 1 && typed[n - 1].at_ms - typed[n - 2].at_ms <= INPUT_BURST_MS)
		abort();
}

static void check_scan(const char *text, const char *prefix)
{
	size_t len = strlen(text);

	if (len < INPUT_SCAN_MIN || len + strlen(prefix) > INPUT_SCAN_MAX)
		abort();
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			abort();
}

static void check(const struct input_event *event, const struct typed *typed, size_t n, int64_t now_ms,
		  const char *prefix)
{
	switch (event->kind) {
	case INPUT_NONE:
		break;
	case INPUT_KEY:
		check_key(typed, n, event->key, now_ms);
		break;
	case INPUT_SCAN:
		check_scan(event->text, prefix);
		break;
	case INPUT_REFUSED:
		if (n < 2)
			abort();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const prefixes[] = { "", "~", "]C1" };
	const char *prefix = size > 0 ? prefixes[data[0] % ARRAY_LEN(prefixes)] : "";
	struct typed typed[160];
	struct input_event event;
	struct input input;
	int64_t now_ms = 0;
	size_t n = 0;

	input_init(&input, prefix);
	for (size_t i = 1; i + 1 < size && n < ARRAY_LEN(typed); i += 2, n++) {
		int wait = input_wait_ms(&input, now_ms);

		if (wait >= 0 && wait < data[i + 1] && data[0] < 0x80) {
			input_tick(&input, now_ms + wait, &event);
			if (event.kind == INPUT_NONE)
				abort();
			check(&event, typed, n, now_ms + wait, prefix);
		}
		now_ms += data[i + 1];
		input_feed(&input, key_of(data[i]), now_ms, &event);
		check(&event, typed, n, now_ms, prefix);
		typed[n] = (struct typed){ key_of(data[i]), now_ms };
	}
	return 0;
}
