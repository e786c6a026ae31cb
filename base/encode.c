/*
 * Encodings. Decoders are strict, because two texts for the same bytes would
 * let one record pass for another.
 */
#include "base/encode.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

int hex_encode(struct bytes in, char *out, size_t cap)
{
	static const char digits[] = "0123456789abcdef";

	if (in.len > (SIZE_MAX - 1) / 2 || cap < HEX_LEN(in.len) + 1)
		return -1;
	for (size_t i = 0; i < in.len; i++) {
		out[2 * i] = digits[in.p[i] >> 4];
		out[2 * i + 1] = digits[in.p[i] & 15];
	}
	out[2 * in.len] = '\0';
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(const char *in, uint8_t *out, size_t cap, size_t *ret_n)
{
	size_t n = strlen(in) / 2;

	if (strlen(in) % 2 != 0 || n > cap)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(in[2 * i]), low = hex_digit(in[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	*ret_n = n;
	return 0;
}

int base64_encode(struct bytes in, char *out, size_t cap)
{
	if (in.len > INT32_MAX / 2 || cap < BASE64_LEN(in.len) + 1)
		return -1;
	out[0] = '\0';
	if (in.len > 0)
		(void)EVP_EncodeBlock((unsigned char *)out, in.p, (int)in.len);
	return 0;
}

int base64url_encode(struct bytes in, char *out, size_t cap)
{
	if (base64_encode(in, out, cap) < 0)
		return -1;
	for (; *out != '\0' && *out != '='; out++)
		if (*out == '+')
			*out = '-';
		else if (*out == '/')
			*out = '_';
	*out = '\0';
	return 0;
}

static size_t base64_padding(struct bytes in)
{
	if (in.len < 4 || in.p[in.len - 1] != '=')
		return 0;
	return in.p[in.len - 2] == '=' ? 2 : 1;
}

/* Only the alphabet; EVP_DecodeBlock would skip white space and stop at '-'. */
static bool base64_alphabet(struct bytes in)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/'))
			return false;
	}
	return true;
}

/* The bits that padding leaves over must be zero, or one value would have several texts. */
static bool base64_tail_is_zero(struct bytes in, size_t padding, const uint8_t *last)
{
	char again[5];

	if (padding == 0)
		return true;
	(void)EVP_EncodeBlock((unsigned char *)again, last, (int)(3 - padding));
	return again[3 - padding] == (char)in.p[in.len - 1 - padding];
}

int base64_decode(struct bytes in, uint8_t *out, size_t cap, size_t *ret_n)
{
	size_t padding = base64_padding(in), n = in.len / 4 * 3 - padding;
	uint8_t last[3];

	if (in.len % 4 != 0 || in.len > INT32_MAX || !base64_alphabet(bytes_of(in.p, in.len - padding)))
		return -1;
	if (in.len == 0) {
		*ret_n = 0;
		return 0;
	}
	if (n > cap)
		return -1;
	/* The last quantum goes through a local, since EVP_DecodeBlock always writes three bytes. */
	if (in.len > 4)
		(void)EVP_DecodeBlock(out, in.p, (int)(in.len - 4));
	(void)EVP_DecodeBlock(last, in.p + in.len - 4, 4);
	if (!base64_tail_is_zero(in, padding, last))
		return -1;
	memcpy(out + (in.len / 4 - 1) * 3, last, 3 - padding);
	OPENSSL_cleanse(last, sizeof(last));
	*ret_n = n;
	return 0;
}

int base32_encode_lower(struct bytes in, char *out, size_t cap)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t n = 0;

	if (cap < BASE32_LEN(in.len) + 1)
		return -1;
	for (size_t i = 0; i < in.len; i++) {
		acc = acc << 8 | in.p[i];
		bits += 8;
		for (; bits >= 5; bits -= 5)
			out[n++] = alphabet[acc >> (bits - 5) & 31];
		acc &= (1u << bits) - 1;
	}
	if (bits > 0)
		out[n++] = alphabet[acc << (5 - bits) & 31];
	out[n] = '\0';
	return 0;
}
