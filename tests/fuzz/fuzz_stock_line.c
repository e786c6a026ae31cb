/* What a stock device's setting or shell says, as a line of text: fixtures/drivers/smp_stock_source.c. */
#include <stdlib.h>

#include "fixtures/drivers/smp_stock_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct smp_request request = { .name = "settings" };
	char line[STOCK_TEXT_MAX] = "untouched";
	struct err err = { 0 };
	size_t n;

	if (stock_first_line(&request, bytes_of(data, size), line, &err) < 0) {
		if (err.class != ERR_UNIT || strcmp(line, "untouched") != 0)
			abort();
		return 0;
	}
	n = strlen(line);
	if (n == 0 || n > size || is_blank(line[0]) || is_blank(line[n - 1]) || strpbrk(line, "\r\n") != NULL)
		abort();
	return 0;
}
