/* An entry of the log as screens show it: whatever the bytes, every text ends, and a time has a kind. */
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "station/pages/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entry entry;

	entry_read(bytes_of(data, size), &entry);
	base_assert(strnlen(entry.kind, sizeof(entry.kind)) < sizeof(entry.kind) && entry.kind[0] != '\0');
	base_assert(strnlen(entry.unit, sizeof(entry.unit)) < sizeof(entry.unit));
	base_assert(strnlen(entry.step, sizeof(entry.step)) < sizeof(entry.step));
	base_assert(strnlen(entry.operator_id, sizeof(entry.operator_id)) < sizeof(entry.operator_id));
	base_assert(strnlen(entry.text, sizeof(entry.text)) < sizeof(entry.text));
	base_assert(entry.at_ms >= 0);
	return 0;
}
