/*
 * SAS tokens of both APIs (dps-api 4.3, 5.2). The HMAC is over sr and se exactly
 * as the token writes them: SDKs encode them in four different ways.
 */
#include "enroll/emulator/dps_internal.h"

#include <stdlib.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "base/digest.h"
#include "base/encode.h"

#define SCHEME           "SharedAccessSignature "
#define GRACE_SECONDS    300
#define TICKS_PER_SECOND 10000000

int dps_unauthorized(const char *why, struct err *err)
{
	(void)err_set(err, ERR_UNIT, DPS_UNAUTHORIZED, "Unauthorized");
	return err_wrap(err, "%s", why);
}

static char *field_of(struct dps_token *token, struct bytes name)
{
	if (bytes_equal(name, BYTES_LIT("sr")))
		return token->sr;
	if (bytes_equal(name, BYTES_LIT("sig")))
		return token->sig;
	if (bytes_equal(name, BYTES_LIT("se")))
		return token->se;
	return bytes_equal(name, BYTES_LIT("skn")) ? token->skn : NULL;
}

/* name=value; each of the four at most once, others are passed over. */
static int take_field(struct dps_token *token, struct bytes part)
{
	const uint8_t *equals = part.len > 0 ? memchr(part.p, '=', part.len) : NULL;
	size_t name_len;
	char *field;

	if (equals == NULL)
		return -1;
	name_len = (size_t)(equals - part.p);
	field = field_of(token, bytes_of(part.p, name_len));
	if (field == NULL)
		return 0;
	if (field[0] != '\0')
		return -1;
	return bytes_to_str(bytes_of(equals + 1, part.len - name_len - 1), field, DPS_TOKEN_FIELD);
}

/* SharedAccessSignature name=value *( "&" name=value ), in any order */
int dps_token_parse(const char *header, struct dps_token *token)
{
	const char *at;

	*token = (struct dps_token){ 0 };
	if (strncasecmp(header, SCHEME, sizeof(SCHEME) - 1) != 0)
		return -1;
	at = header + sizeof(SCHEME) - 1;
	for (;;) {
		size_t len = strcspn(at, "&");

		if (take_field(token, bytes_of(at, len)) < 0)
			return -1;
		if (at[len] == '\0')
			break;
		at += len + 1;
	}
	return token->sr[0] != '\0' && token->sig[0] != '\0' && token->se[0] != '\0' && token->skn[0] != '\0'
		       ? 0
		       : -1;
}

bool dps_token_expired(const struct dps_token *token, int64_t at_ticks)
{
	const char *se = token->se;
	size_t digits = strspn(se, "0123456789");

	if (digits == 0 || digits > 18 || se[digits] != '\0')
		return true;
	return strtoll(se, NULL, 10) + GRACE_SECONDS < at_ticks / TICKS_PER_SECOND;
}

bool dps_token_signed(const struct dps_token *token, struct bytes key)
{
	char text[DPS_TOKEN_FIELD], message[2 * DPS_TOKEN_FIELD];
	uint8_t sent[SHA256_LEN], right[SHA256_LEN];
	size_t n = 0;

	if (dps_percent_decode(bytes_str(token->sig), text, sizeof(text)) < 0 ||
	    base64_decode(bytes_str(text), sent, sizeof(sent), &n) < 0 || n != sizeof(sent) ||
	    str_format(message, sizeof(message), "%s\n%s", token->sr, token->se) < 0)
		return false;
	hmac_sha256(key, bytes_str(message), right);
	return CRYPTO_memcmp(sent, right, sizeof(right)) == 0;
}
