/* What a name server, or whoever answers in its place, says about the service's name. */
#include "enroll/check_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_names names = { .n = 0 };
	struct err err = { 0 };

	if (dns_answer_parse(bytes_of(data, size), &names, &err) < 0) {
		base_assert(err.class == ERR_RETRY && names.n == 0);
		return 0;
	}
	base_assert(names.n <= DNS_NAMES_MAX);
	for (size_t i = 0; i < names.n; i++)
		for (const char *c = names.names[i]; *c != '\0'; c++)
			base_assert(*c > ' ' && *c <= '~' && c < names.names[i] + sizeof(names.names[i]));
	return 0;
}
