/* Reading back an entry: whatever the bytes, entry_check answers, and what it accepts is the same as itself. */
#include <stdlib.h>

#include "audit/audit_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes entry = bytes_of(data, size);

	if (entry_check(entry, 7, BYTES_LIT("job-7/record")) == NULL && !entry_same(entry, entry))
		abort();
	return 0;
}
