/*
 * What whoever gives tokens says: a token, an error, the Arc agent's challenge.
 * The first byte chooses which.
 */
#include "enroll/enroll_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_S INT64_C(1800000000)

/* A header of one line, and a life that ends after it began. */
static void fuzz_token(struct bytes in)
{
	CLEANUP(auth_token_deinit) struct auth_token token = { 0 };
	struct err err = { 0 };

	if (token_reply_parse(in, NOW_S, &token, &err) < 0) {
		base_assert(err.class == ERR_RETRY && token.header.p == NULL);
		return;
	}
	base_assert(token.expires_s > NOW_S && token.header.p[token.header.len - 1] == '\0');
	for (size_t i = 0; i < token.header.len - 1; i++)
		base_assert(token.header.p[i] >= ' ' && token.header.p[i] <= '~');
}

static void fuzz_error(struct bytes in)
{
	struct token_error error = { 0 };

	if (token_error_parse(in, &error))
		base_assert(error.error[0] != '\0' && strlen(error.error) < sizeof(error.error));
}

/* There is no such folder, so whatever is named, nothing is read. */
static void fuzz_challenge(struct bytes in)
{
	SECRET_AUTO key = { NULL, 0 };
	struct err err = { 0 };
	char text[1100];

	if (bytes_to_str(in, text, sizeof(text)) == 0)
		base_assert(arc_key_read(text, "/nonexistent/tokens", &key, &err) < 0 &&
			    err.class == ERR_OPERATOR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(struct bytes in) = { fuzz_token, fuzz_error, fuzz_challenge };
	struct bytes in = bytes_of(data, size);
	uint8_t choice = 0;

	if (take_u8(&in, &choice) == 0)
		parsers[choice % ARRAY_LEN(parsers)](in);
	return 0;
}
