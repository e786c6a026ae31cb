/*
 * Input: what was typed, told apart into keys and scans. A barcode scanner is
 * a keyboard that types faster than any hand: keys that follow each other within
 * INPUT_BURST_MS are a burst, and a burst is never a key. It is a scan if it holds
 * only printable characters, begins with the scanner's prefix and ends with Enter (or
 * CR LF); anything else in it (escape sequences, control characters, function keys, an
 * Enter in the middle, too few or too many characters) spoils it whole. So what a
 * scan is, is known INPUT_BURST_MS after its Enter.
 *
 * With a prefix its first character announces a scan: then INPUT_END_MS is the limit from
 * the start, so that neither a slow scanner nor a network's jitter breaks a label into keys.
 *
 * One exception: the same arrow, page, home or end key again and again is that key,
 * since a terminal may hand an auto-repeat over in one piece. A hostile label gains
 * nothing but a moved selection from it: whatever follows them is a burst, Enter too.
 *
 * Pure: the caller brings keys and times. Silence counts only where the caller looked for
 * keys and found none (input_tick): pauses of its own, in which keys pile up, are no silence.
 */
#ifndef STATION_SCREENS_INPUT_H
#define STATION_SCREENS_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#define INPUT_BURST_MS 30  /* between two keys of one burst; a hand needs more than 60 */
#define INPUT_END_MS   120 /* a burst without Enter is over after so long a silence    */
#define INPUT_SCAN_MIN 2   /* without the prefix: the empty badge, B:, logs out */
#define INPUT_SCAN_MAX 128 /* with it */

/* Keys beyond Unicode; printable characters are themselves, and INPUT_ENTER is '\n'. */
enum {
	INPUT_ENTER = '\n',
	INPUT_BACKSPACE = 8,
	INPUT_ESCAPE = 27,
	INPUT_F1 = 0x110001, /* to INPUT_F1 + 7 */
	INPUT_UP = 0x110020,
	INPUT_DOWN,
	INPUT_LEFT,
	INPUT_RIGHT,
	INPUT_PAGE_UP,
	INPUT_PAGE_DOWN,
	INPUT_HOME,
	INPUT_END,
	INPUT_OTHER, /* a key or byte that nothing here knows */
};

enum input_kind {
	INPUT_NONE,
	INPUT_KEY,     /* key                                             */
	INPUT_SCAN,    /* text: without prefix and Enter                  */
	INPUT_REFUSED, /* a burst that is no scan; nothing of it was used */
};
struct input_event {
	enum input_kind kind;
	uint32_t key;
	char text[INPUT_SCAN_MAX + 1]; /* ASCII */
};

struct input {
	char prefix[9];      /* what the scanner is set to type first; empty: nothing */
	uint32_t held;       /* the first key, until it is known whether more follow; 0: none */
	int64_t last_ms;     /* when the last key came */
	bool burst, spoiled; /* more than one key so far; something in it is no scan */
	bool ended;          /* its Enter came */
	unsigned n;
	char text[INPUT_SCAN_MAX + 1];
};

void input_init(struct input *input, const char *prefix);
/* A key, read at now_ms (monotonic). *ret_event is INPUT_NONE, or the key before of an auto-repeat. */
void input_feed(struct input *input, uint32_t key, int64_t now_ms, struct input_event *ret_event);
/* Every key that was there has been fed: what is held, is a key, a scan or refused after enough silence. */
void input_tick(struct input *input, int64_t now_ms, struct input_event *ret_event);
/* Milliseconds until input_tick has something to say; -1: nothing is held. For poll(2). */
int input_wait_ms(const struct input *input, int64_t now_ms);

#endif
