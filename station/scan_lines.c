/* Line by line out of one small buffer that is shifted and wiped behind each line. */
#include "station/scan_lines.h"

#include <openssl/crypto.h>

#include "station/desk.h"

int scan_lines_init(struct scan_lines *lines, struct err *err)
{
	*lines = (struct scan_lines){ 0 };
	return secret_new(SCAN_LINES_ROOM, &lines->memory, err);
}

void scan_lines_deinit(struct scan_lines *lines)
{
	secret_wipe(&lines->memory);
}

uint8_t *scan_lines_room(struct scan_lines *lines, size_t *ret_room)
{
	*ret_room = lines->memory.len - lines->n;
	return lines->memory.p + lines->n;
}

void scan_lines_add(struct scan_lines *lines, size_t n)
{
	base_assert(n <= lines->memory.len - lines->n);
	lines->n += n;
}

static void drop(struct scan_lines *lines, size_t n)
{
	memmove(lines->memory.p, lines->memory.p + n, lines->n - n);
	lines->n -= n;
	OPENSSL_cleanse(lines->memory.p + lines->n, n);
}

/* A line without an end that can be none any more: the rest of it is dropped as it comes. */
static void give_up_too_long(struct scan_lines *lines)
{
	if (!lines->skipping && lines->n <= SCAN_MAX + 1)
		return;
	lines->skipping = true;
	drop(lines, lines->n);
}

static bool is_scan(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	return text.len <= SCAN_MAX;
}

enum scan_line scan_lines_next(struct scan_lines *lines, struct bytes *ret_text)
{
	for (;;) {
		const uint8_t *p = lines->memory.p, *end;
		bool skipped = lines->skipping;
		struct bytes text;

		drop(lines, lines->taken);
		lines->taken = 0;
		end = memchr(p, '\n', lines->n);
		if (end == NULL) {
			give_up_too_long(lines);
			return SCAN_LINE_NONE;
		}
		lines->taken = (size_t)(end - p) + 1;
		lines->skipping = false;
		text = bytes_of(p, lines->taken - 1);
		if (text.len > 0 && text.p[text.len - 1] == '\r')
			text.len--;
		if (skipped || !is_scan(text))
			return SCAN_LINE_REFUSED;
		if (text.len == 0)
			continue;
		*ret_text = text;
		return SCAN_LINE_TEXT;
	}
}
