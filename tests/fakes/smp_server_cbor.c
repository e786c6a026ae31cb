/* CBOR (RFC 8949) as far as SMP needs it: read where it lies, by walking; nothing is kept. */
#include "tests/fakes/smp_server.h"

#include <string.h>

#define BREAK 0xff

static uint8_t next(struct in *in)
{
	if (in->bad || in->p == in->end) {
		in->bad = true;
		return 0;
	}
	return *in->p++;
}

/* Major type and argument; 31 is "no length". */
static unsigned read_head(struct in *in, uint64_t *ret_argument, bool *ret_endless)
{
	uint8_t first = next(in);
	unsigned info = first & 0x1f;
	uint64_t argument = info;

	if (info > 27 && info < 31)
		in->bad = true;
	if (info >= 24 && info <= 27) {
		argument = 0;
		for (unsigned n = 1u << (info - 24); n > 0; n--)
			argument = argument << 8 | next(in);
	}
	*ret_argument = argument;
	*ret_endless = info == 31;
	return first >> 5;
}

static void skip(struct in *in, unsigned depth)
{
	uint64_t n;
	bool endless;
	unsigned major = read_head(in, &n, &endless);

	if (depth > 8 || (endless && major < 4))
		in->bad = true;
	if (major == 2 || major == 3) {
		if (n > (uint64_t)(in->end - in->p))
			in->bad = true;
		else
			in->p += n;
	}
	if (major == 6)
		skip(in, depth + 1);
	if (major != 4 && major != 5)
		return;
	for (n *= major - 3; !in->bad && (endless ? in->p < in->end && *in->p != BREAK : n > 0); n--)
		skip(in, depth + 1);
	if (endless && next(in) != BREAK)
		in->bad = true;
}

struct in value_of(struct in body, const char *key)
{
	uint64_t pairs;
	bool endless;

	if (read_head(&body, &pairs, &endless) != 5)
		body.bad = true;
	while (!body.bad && (endless || pairs-- > 0)) {
		size_t n;
		const uint8_t *name = read_string(&body, 3, &n);

		if (!body.bad && n == strlen(key) && strncmp((const char *)name, key, n) == 0)
			return body;
		skip(&body, 0);
	}
	body.bad = true;
	return body;
}

uint64_t read_uint(struct in *in)
{
	uint64_t n;
	bool endless;

	if (read_head(in, &n, &endless) != 0 || endless)
		in->bad = true;
	return n;
}

const uint8_t *read_string(struct in *in, unsigned major, size_t *ret_n)
{
	const uint8_t *at;
	uint64_t n;
	bool endless;

	if (read_head(in, &n, &endless) != major || endless || n > (uint64_t)(in->end - in->p))
		in->bad = true;
	*ret_n = in->bad ? 0 : (size_t)n;
	at = in->p;
	in->p += *ret_n;
	return at;
}

void read_text(struct in *in, char *ret, size_t cap)
{
	size_t n;
	const uint8_t *p = read_string(in, 3, &n);

	if (n >= cap || memchr(p, 0, n) != NULL)
		in->bad = true;
	if (in->bad)
		n = 0;
	memcpy(ret, p, n);
	ret[n] = '\0';
}

uint64_t read_array(struct in *in)
{
	uint64_t n;
	bool endless;

	if (read_head(in, &n, &endless) != 4 || endless)
		in->bad = true;
	return in->bad ? 0 : n;
}

static void put_byte(struct out *out, unsigned byte)
{
	if (out->n < sizeof(out->bytes))
		out->bytes[out->n++] = (uint8_t)byte;
}

/* Never in the shortest form above 23: a reader must take what is well-formed. */
static void put_head(struct out *out, unsigned major, uint64_t argument)
{
	if (argument < 24) {
		put_byte(out, major << 5 | (unsigned)argument);
		return;
	}
	put_byte(out, major << 5 | 26);
	for (int shift = 24; shift >= 0; shift -= 8)
		put_byte(out, argument >> shift & 0xff);
}

void put_bytes(struct out *out, const uint8_t *p, size_t n)
{
	put_head(out, 2, n);
	for (size_t i = 0; i < n; i++)
		put_byte(out, p[i]);
}

void put_text(struct out *out, const char *text)
{
	put_head(out, 3, strlen(text));
	for (; *text != '\0'; text++)
		put_byte(out, (uint8_t)*text);
}

void put_uint(struct out *out, uint64_t value)
{
	put_head(out, 0, value);
}

void put_map(struct out *out)
{
	put_byte(out, 0xbf);
}

void put_end(struct out *out)
{
	put_byte(out, BREAK);
}
