/*
 * Buffers and the cursor. Lengths are checked against what is left, never
 * against a sum, so no arithmetic here can wrap.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdlib.h>

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){ NULL, 0, 0, max };
}

void buf_deinit(struct buf *buf)
{
	buf_clear(buf);
	free(buf->p);
	*buf = (struct buf){ NULL, 0, 0, buf->max };
}

void buf_clear(struct buf *buf)
{
	if (buf->p != NULL)
		explicit_bzero(buf->p, buf->cap);
	buf->len = 0;
}

/* Not realloc: it would leave a copy of the old content in freed memory. */
static int grow(struct buf *buf, size_t need)
{
	size_t cap = buf->cap < 256 ? 256 : buf->cap;
	uint8_t *p;

	while (cap < need)
		cap *= 2;
	p = calloc(1, cap);
	if (p == NULL)
		return -1;
	if (buf->p != NULL) {
		memcpy(p, buf->p, buf->len);
		explicit_bzero(buf->p, buf->cap);
		free(buf->p);
	}
	buf->p = p;
	buf->cap = cap;
	return 0;
}

uint8_t *buf_reserve(struct buf *buf, size_t n)
{
	if (buf->len > buf->max || n > buf->max - buf->len)
		return NULL;
	if ((buf->p == NULL || n > buf->cap - buf->len) && grow(buf, buf->len + n) < 0)
		return NULL;
	return buf->p + buf->len;
}

int buf_append(struct buf *buf, struct bytes more)
{
	uint8_t *to = buf_reserve(buf, more.len);

	if (to == NULL)
		return -1;
	if (more.len > 0)
		memcpy(to, more.p, more.len);
	buf->len += more.len;
	return 0;
}

int buf_append_u8(struct buf *buf, uint8_t value)
{
	return buf_append(buf, bytes_of(&value, 1));
}

int buf_append_u16(struct buf *buf, uint16_t value)
{
	const uint8_t be[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	return buf_append(buf, BYTES_ARRAY(be));
}

int buf_append_u32(struct buf *buf, uint32_t value)
{
	const uint8_t be[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
				(uint8_t)value };

	return buf_append(buf, BYTES_ARRAY(be));
}

int buf_set(struct buf *buf, struct bytes content)
{
	if (content.len > buf->max)
		return -1;
	buf_clear(buf);
	return buf_append(buf, content);
}

void buf_consume(struct buf *buf, size_t n)
{
	if (n > buf->len)
		n = buf->len;
	if (n == 0)
		return;
	memmove(buf->p, buf->p + n, buf->len - n);
	buf->len -= n;
}

int take(struct bytes *in, size_t n, struct bytes *ret)
{
	if (n > in->len)
		return -1;
	*ret = bytes_of(in->p, n);
	if (n > 0)
		*in = bytes_of(in->p + n, in->len - n);
	return 0;
}

int take_u8(struct bytes *in, uint8_t *ret)
{
	struct bytes b;

	if (take(in, 1, &b) < 0)
		return -1;
	*ret = b.p[0];
	return 0;
}

int take_u16(struct bytes *in, uint16_t *ret)
{
	struct bytes b;

	if (take(in, 2, &b) < 0)
		return -1;
	*ret = (uint16_t)(b.p[0] << 8 | b.p[1]);
	return 0;
}

int take_u32(struct bytes *in, uint32_t *ret)
{
	struct bytes b;

	if (take(in, 4, &b) < 0)
		return -1;
	*ret = (uint32_t)b.p[0] << 24 | (uint32_t)b.p[1] << 16 | (uint32_t)b.p[2] << 8 | b.p[3];
	return 0;
}

int bytes_to_str(struct bytes in, char *out, size_t cap)
{
	if (in.len >= cap || (in.len > 0 && memchr(in.p, '\0', in.len) != NULL))
		return -1;
	if (in.len > 0)
		memcpy(out, in.p, in.len);
	out[in.len] = '\0';
	return 0;
}

void str_clip(char *out, size_t cap, const char *text)
{
	(void)snprintf(out, cap, "%s", text);
}

void str_make_printable(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			c[0] = c[1] = '?';
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

int str_format(char *out, size_t cap, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(out, cap, fmt, args);
	va_end(args);
	return n >= 0 && (size_t)n < cap ? 0 : -1;
}
