/*
 * RFC 7512 URIs. p11-kit parses them; what it lets pass and a station must not
 * (a PIN inside, blanks, unknown attributes that would match nothing) is refused
 * here first. A URI that may hold a PIN is never quoted in an error.
 */
#include "hsm/hsm_internal.h"

#include <ctype.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* One pass of percent-decoding over lower-case text, in place; true if anything changed. */
static bool decode_once(char *text)
{
	bool changed = false;
	char *out = text;

	for (const char *in = text; *in != '\0'; in++) {
		int high = *in == '%' ? hex_digit(in[1]) : -1;
		int low = high >= 0 ? hex_digit(in[2]) : -1;

		if (low < 0) {
			*out++ = *in;
			continue;
		}
		/* A NUL would end the search early; it is looked past. */
		*out++ = high * 16 + low != 0 ? (char)tolower(high * 16 + low) : ' ';
		in += 2;
		changed = true;
	}
	*out = '\0';
	return changed;
}

/* However it is spelt: upper case, percent-encoded, encoded twice. Every pass shortens the text. */
static bool holds_pin_value(const char *uri)
{
	char text[HSM_URI_MAX + 1];
	size_t n = 0;

	for (; uri[n] != '\0' && n < HSM_URI_MAX; n++)
		text[n] = (char)tolower((unsigned char)uri[n]);
	text[n] = '\0';
	do
		if (strstr(text, "pin-value") != NULL)
			return true;
	while (decode_once(text));
	return false;
}

/* RFC 7512 2.3 has printable ASCII without blanks; everything else is percent-encoded. */
static bool is_uri_text(const char *uri)
{
	for (const char *c = uri; *c != '\0'; c++)
		if (*c <= 0x20 || *c >= 0x7f)
			return false;
	return true;
}

int hsm_uri_parse(const char *text, P11KitUri **ret_uri, struct err *err)
{
	CLEANUP(uri_freep) P11KitUri *uri = NULL;
	int rc;

	if (text == NULL || text[0] == '\0')
		return err_set(err, ERR_OPERATOR, 0, "a pkcs11: URI is missing");
	if (strnlen(text, HSM_URI_MAX + 1) > HSM_URI_MAX)
		return err_set(err, ERR_OPERATOR, 0, "the pkcs11: URI is longer than %d characters",
			       HSM_URI_MAX);
	if (holds_pin_value(text))
		return err_set(err, ERR_OPERATOR, 0,
			       "the pkcs11: URI holds a pin-value; take the PIN out and name its source in "
			       "pin-source");
	if (!is_uri_text(text))
		return err_set(
			err, ERR_OPERATOR, 0,
			"the pkcs11: URI holds a blank or a special character; percent-encode it (%%20)");
	uri = p11_kit_uri_new();
	if (uri == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	rc = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
	if (rc != P11_KIT_URI_OK)
		return err_set(err, ERR_OPERATOR, rc, "not a pkcs11: URI (RFC 7512): %s",
			       p11_kit_uri_message(rc));
	if (p11_kit_uri_any_unrecognized(uri) != 0)
		return err_set(
			err, ERR_OPERATOR, 0,
			"the pkcs11: URI holds an unknown attribute; token, serial, object, id and type "
			"are known");
	*ret_uri = uri;
	uri = NULL;
	return 0;
}

int hsm_uri_check(const char *uri, struct err *err)
{
	CLEANUP(uri_freep) P11KitUri *parsed = NULL;

	return hsm_uri_parse(uri, &parsed, err);
}
