/*
 * Lines of a standard input, each of them a scan. What is read may be a PIN, so
 * it is never anywhere but on the secure heap, and wiped line by line. A line that
 * is too long or holds what can't be printed is refused whole.
 */
#ifndef STATION_SCAN_LINES_H
#define STATION_SCAN_LINES_H

#include "base/secret.h"

#define SCAN_LINES_ROOM 512

struct scan_lines {
	struct secret memory;
	size_t n;      /* bytes that wait */
	size_t taken;  /* of them, the line that was given out last */
	bool skipping; /* the line that goes on is refused already */
};

enum scan_line {
	SCAN_LINE_NONE, /* no whole line is there */
	SCAN_LINE_TEXT, /* 1 to SCAN_MAX printable ASCII characters */
	SCAN_LINE_REFUSED,
};

MUST_USE int scan_lines_init(struct scan_lines *lines, struct err *err);
void scan_lines_deinit(struct scan_lines *lines);

/* Where to read the next bytes to, at least one; then say how many came. After scan_lines_next said NONE. */
uint8_t *scan_lines_room(struct scan_lines *lines, size_t *ret_room);
void scan_lines_add(struct scan_lines *lines, size_t n);

/* The next line that is not empty; *ret_text is borrowed until the next call. */
enum scan_line scan_lines_next(struct scan_lines *lines, struct bytes *ret_text);

#endif
