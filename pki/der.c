/*
 * DER, the little of it that is written here and the little that OpenSSL reads
 * too strictly (EK certificates): tag, length in its shortest form, content.
 * Tags above 30 don't occur in certificates and are refused.
 */
#include "pki/pki_internal.h"

/* X.690 8.1.3, 10.1: up to two length octets are enough for what is capped at 64 KiB. */
static int take_length(struct bytes *in, size_t *ret_n)
{
	uint16_t wide;
	uint8_t first, next;

	if (take_u8(in, &first) < 0)
		return -1;
	if (first < 0x80) {
		*ret_n = first;
		return 0;
	}
	if (first == 0x81 && take_u8(in, &next) == 0 && next >= 0x80) {
		*ret_n = next;
		return 0;
	}
	if (first == 0x82 && take_u16(in, &wide) == 0 && wide > 0xff) {
		*ret_n = wide;
		return 0;
	}
	return -1;
}

int der_take_any(struct bytes *in, uint8_t *ret_tag, struct bytes *ret_content, struct bytes *ret_whole)
{
	struct bytes rest = *in, content;
	uint8_t tag;
	size_t n;

	if (take_u8(&rest, &tag) < 0 || (tag & 0x1f) == 0x1f || take_length(&rest, &n) < 0 ||
	    take(&rest, n, &content) < 0)
		return -1;
	if (ret_whole != NULL)
		*ret_whole = bytes_of(in->p, in->len - rest.len);
	*ret_tag = tag;
	*ret_content = content;
	*in = rest;
	return 0;
}

int der_take(struct bytes *in, uint8_t tag, struct bytes *ret_content)
{
	struct bytes rest = *in, content;
	uint8_t got;

	if (der_take_any(&rest, &got, &content, NULL) < 0 || got != tag)
		return -1;
	*ret_content = content;
	*in = rest;
	return 0;
}

int der_take_whole(struct bytes *in, uint8_t tag, struct bytes *ret_whole)
{
	struct bytes rest = *in, content, whole;
	uint8_t got;

	if (der_take_any(&rest, &got, &content, &whole) < 0 || got != tag)
		return -1;
	*ret_whole = whole;
	*in = rest;
	return 0;
}

static int put_header(struct buf *out, uint8_t tag, size_t n)
{
	if (n > 0xffff || buf_append_u8(out, tag) < 0)
		return -1;
	if (n < 0x80)
		return buf_append_u8(out, (uint8_t)n);
	if (n <= 0xff)
		return buf_append_u8(out, 0x81) < 0 ? -1 : buf_append_u8(out, (uint8_t)n);
	return buf_append_u8(out, 0x82) < 0 ? -1 : buf_append_u16(out, (uint16_t)n);
}

int der_put(struct buf *out, uint8_t tag, struct bytes content)
{
	if (put_header(out, tag, content.len) < 0)
		return -1;
	return buf_append(out, content);
}

int der_put_unsigned(struct buf *out, struct bytes number)
{
	bool pad;

	while (number.len > 1 && number.p[0] == 0)
		number = bytes_of(number.p + 1, number.len - 1);
	/* A set top bit would make it negative. */
	pad = number.len == 0 || (number.p[0] & 0x80) != 0;
	if (put_header(out, DER_INTEGER, number.len + pad) < 0 || (pad && buf_append_u8(out, 0) < 0))
		return -1;
	return buf_append(out, number);
}

int der_put_bits(struct buf *out, struct bytes content)
{
	if (put_header(out, DER_BIT_STRING, content.len + 1) < 0 || buf_append_u8(out, 0) < 0)
		return -1;
	return buf_append(out, content);
}
