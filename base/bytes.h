/*
 * Bytes: a borrowed view, an owned buffer with a maximum, and the cursor that
 * every parser reads through. Integers on the wire are big-endian here.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

/* Borrows: whoever made it keeps the memory alive. */
struct bytes {
	const uint8_t *p;
	size_t len;
};

/* Owns: grows up to max, then refuses. Set max before the first append. */
struct buf {
	uint8_t *p;
	size_t len;
	size_t cap;
	size_t max;
};

#define BYTES_NONE     ((struct bytes){ NULL, 0 })
#define BYTES_LIT(s)   ((struct bytes){ (const uint8_t *)(s), sizeof(s) - 1 })
#define BYTES_ARRAY(a) ((struct bytes){ (a), sizeof(a) })

/* BUF_AUTO(name, 4096); is freed at the end of the scope. */
#define BUF_AUTO(name, max_bytes) CLEANUP(buf_deinit) struct buf name = { NULL, 0, 0, (max_bytes) }

static inline struct bytes bytes_of(const void *p, size_t len)
{
	return (struct bytes){ p, len };
}

static inline struct bytes bytes_str(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, s != NULL ? strlen(s) : 0 };
}

static inline struct bytes buf_bytes(const struct buf *buf)
{
	return (struct bytes){ buf->p, buf->len };
}

/* Equality of public data; secrets are compared with CRYPTO_memcmp. */
bool bytes_equal(struct bytes a, struct bytes b);

void buf_init(struct buf *buf, size_t max);
void buf_deinit(struct buf *buf);
/* Wipes the content, keeps the memory and the maximum. */
void buf_clear(struct buf *buf);

/* Each returns -1, with the buffer as it was, when max would be passed or memory is out. */
MUST_USE int buf_append(struct buf *buf, struct bytes more);
MUST_USE int buf_append_u8(struct buf *buf, uint8_t value);
MUST_USE int buf_append_u16(struct buf *buf, uint16_t value);
MUST_USE int buf_append_u32(struct buf *buf, uint32_t value);
MUST_USE int buf_set(struct buf *buf, struct bytes content);
/* Makes room for n more bytes and returns where they go; add them to len yourself. NULL on failure. */
MUST_USE uint8_t *buf_reserve(struct buf *buf, size_t n);
/* Drops the first n bytes. */
void buf_consume(struct buf *buf, size_t n);

/* The cursor: each takes from the front, or returns -1 and leaves everything alone. */
MUST_USE int take(struct bytes *in, size_t n, struct bytes *ret);
MUST_USE int take_u8(struct bytes *in, uint8_t *ret);
MUST_USE int take_u16(struct bytes *in, uint16_t *ret);
MUST_USE int take_u32(struct bytes *in, uint32_t *ret);

/* A C string from bytes; -1 if it does not fit with its NUL or holds a NUL. */
MUST_USE int bytes_to_str(struct bytes in, char *out, size_t cap);
/* Copies text and cuts what does not fit: for what people read, never for names or paths. */
void str_clip(char *out, size_t cap, const char *text);
/*
 * What devices, files and services said ends on terminals: control characters become '?', those that
 * UTF-8 writes in two bytes (C1, U+0080 to U+009F) too, since a terminal may obey them.
 */
void str_make_printable(char *text);
/* snprintf that fails on truncation. */
MUST_USE int str_format(char *out, size_t cap, const char *fmt, ...) PRINTF(3, 4);

#endif
