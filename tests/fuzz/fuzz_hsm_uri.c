/*
 * hsm_uri_check over anything: no crash, nothing with a PIN in it accepted, and
 * a refusal says why without quoting the text, which may hold a PIN.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hsm/hsm.h"

#define QUOTE_MIN 32 /* shorter texts may occur in a sentence by chance */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
	struct err err = { 0 };

	if (hsm_uri_check(text, &err) == 0) {
		if (strcasestr(text, "pin-value") != NULL)
			abort();
		return;
	}
	if (err.class != ERR_OPERATOR || err.what[0] == '\0')
		abort();
	if (strlen(text) >= QUOTE_MIN && strstr(err.what, text) != NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check(text);
	free(text);
	return 0;
}
