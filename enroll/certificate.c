/*
 * The thumbprint of a PEM certificate. The service returns nothing else of one
 * (dps-api 0.5), so this is how ours and its are compared. Only the armour is
 * read here; whether it is a good certificate was pki's to say.
 */
#include "enroll/enroll_internal.h"

#include "base/encode.h"

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END   "-----END CERTIFICATE-----"
#define PEM_MAX   (16 * 1024)

static bool is_space(uint8_t c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

static int take_literal(struct bytes *in, const char *text)
{
	struct bytes got, rest = *in;

	if (take(&rest, strlen(text), &got) < 0 || !bytes_equal(got, bytes_str(text)))
		return -1;
	*in = rest;
	return 0;
}

static int take_base64(struct bytes *in, struct buf *ret_text)
{
	while (in->len > 0 && in->p[0] != '-') {
		uint8_t c = 0;

		if (take_u8(in, &c) < 0 || (!is_space(c) && buf_append_u8(ret_text, c) < 0))
			return -1;
	}
	return 0;
}

/* BEGIN line, base64, END line, then white space at most */
static int certificate_der(struct bytes pem, struct buf *ret_der)
{
	BUF_AUTO(text, PEM_MAX);
	uint8_t *to;
	size_t n = 0;

	if (take_literal(&pem, PEM_BEGIN) < 0 || take_base64(&pem, &text) < 0 ||
	    take_literal(&pem, PEM_END) < 0)
		return -1;
	while (pem.len > 0 && is_space(pem.p[0]))
		pem = bytes_of(pem.p + 1, pem.len - 1);
	to = buf_reserve(ret_der, text.len);
	if (pem.len != 0 || to == NULL || base64_decode(buf_bytes(&text), to, text.len, &n) < 0 || n == 0)
		return -1;
	ret_der->len = n;
	return 0;
}

int certificate_sha256(struct bytes pem, uint8_t ret[SHA256_LEN])
{
	BUF_AUTO(der, PEM_MAX);

	if (certificate_der(pem, &der) < 0)
		return -1;
	sha256(buf_bytes(&der), ret);
	return 0;
}

int certificate_sha1(struct bytes pem, uint8_t ret[SHA1_LEN])
{
	BUF_AUTO(der, PEM_MAX);

	if (certificate_der(pem, &der) < 0)
		return -1;
	sha1(buf_bytes(&der), ret);
	return 0;
}
