/* SMP over console (Zephyr's "SMP Transport Specification"): lines of base64, marked 06 09 and 04 14. */
#include "tests/fakes/smp_server.h"

#include <string.h>

#define CONTENT_MAX 93 /* of a line of 127 bytes: marker, 124 characters, line feed */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* CRC-16/XMODEM, a bit at a time. */
static unsigned crc_of(const uint8_t *p, size_t n)
{
	unsigned crc = 0;

	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned)p[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
	}
	return crc;
}

/* Appends what the text decodes to; false if it is no base64 or too much. */
static bool decode(struct wire *wire, const char *text, size_t n)
{
	for (; n >= 4; text += 4, n -= 4) {
		unsigned bits = 0, pad = 0;

		for (int i = 0; i < 4; i++) {
			const char *at = text[i] == '\0' ? NULL : strchr(alphabet, text[i]);

			if (at == NULL && text[i] != '=')
				return false;
			pad += text[i] == '=';
			bits = bits << 6 | (at != NULL ? (unsigned)(at - alphabet) : 0);
		}
		for (unsigned i = 0; i + pad < 3; i++) {
			if (wire->frame_n == sizeof(wire->frame))
				return false;
			wire->frame[wire->frame_n++] = (uint8_t)(bits >> (16 - 8 * i));
		}
	}
	return n == 0;
}

static size_t end_line(struct wire *wire)
{
	bool first = wire->line[0] == 6 && wire->line[1] == 9,
	     more = wire->line[0] == 4 && wire->line[1] == 20;
	size_t length;

	if (wire->line_n < 2 || !(first || (more && wire->begun)))
		return 0;
	if (first)
		wire->frame_n = 0;
	wire->begun = decode(wire, wire->line + 2, wire->line_n - 2);
	if (!wire->begun || wire->frame_n < 2)
		return 0;
	length = (size_t)wire->frame[0] << 8 | wire->frame[1];
	if (wire->frame_n < length + 2)
		return 0;
	wire->begun = false;
	/* The CRC of a packet and its own CRC is 0. */
	return wire->frame_n == length + 2 && length > 10 && crc_of(wire->frame + 2, length) == 0 ? length - 2
												  : 0;
}

size_t wire_take(struct wire *wire, uint8_t byte)
{
	size_t packet;

	if (byte != '\n') {
		if (wire->line_n < sizeof(wire->line))
			wire->line[wire->line_n++] = (char)byte;
		return 0;
	}
	packet = wire->line_n < sizeof(wire->line) ? end_line(wire) : 0;
	wire->line_n = 0;
	return packet;
}

static size_t encode(const uint8_t *p, size_t n, char *to)
{
	char *at = to;

	for (size_t i = 0; i < n; i += 3) {
		unsigned bits = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) |
				(i + 2 < n ? p[i + 2] : 0u);

		*at++ = alphabet[bits >> 18];
		*at++ = alphabet[bits >> 12 & 63];
		*at++ = i + 1 < n ? alphabet[bits >> 6 & 63] : '=';
		*at++ = i + 2 < n ? alphabet[bits & 63] : '=';
	}
	return (size_t)(at - to);
}

size_t wire_lines(const uint8_t *packet, size_t n, char *ret, size_t cap)
{
	uint8_t frame[PACKET_MAX + 4];
	unsigned crc = crc_of(packet, n);
	size_t at = 0;

	frame[0] = (uint8_t)((n + 2) >> 8);
	frame[1] = (uint8_t)(n + 2);
	memcpy(frame + 2, packet, n);
	frame[n + 2] = (uint8_t)(crc >> 8);
	frame[n + 3] = (uint8_t)crc;
	for (size_t i = 0; i < n + 4 && cap - at > 128; i += CONTENT_MAX) {
		memcpy(ret + at, i == 0 ? "\x06\x09" : "\x04\x14", 2);
		at += 2 + encode(frame + i, n + 4 - i < CONTENT_MAX ? n + 4 - i : CONTENT_MAX, ret + at + 2);
		ret[at++] = '\n';
	}
	return at;
}
