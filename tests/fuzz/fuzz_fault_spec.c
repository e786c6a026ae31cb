/* fault:SPEC: whatever it says, it is refused with a cause or means what fits its bounds. */
#include <stdlib.h>

#include "fixtures/links/fault_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault_spec spec = { 0 };
	struct fault_plan plan;
	struct err err = { 0 };
	const char *inner = NULL;
	char text[512];

	if (bytes_to_str(bytes_of(data, size), text, sizeof(text)) < 0)
		return 0;
	if (fault_spec_parse(text, &spec, &inner, &err) < 0) {
		if (err.class != ERR_OPERATOR || err.what[0] == '\0' || inner != NULL)
			abort();
		return 0;
	}
	if (inner <= text || inner >= text + strlen(text) || inner[-1] != ':' || spec.delay_ms > 60000)
		abort();
	for (size_t i = 0; i < LINK_FAULTS_N; i++)
		if (spec.rates[i] > 1000)
			abort();
	fault_plan_draw(&spec, &spec.seed, &plan);
	if (plan.delay_ms > spec.delay_ms || plan.part >= LINK_FAULT_PART_MAX || plan.garbage_len == 0 ||
	    plan.garbage_len > LINK_FAULT_GARBAGE_MAX)
		abort();
	return 0;
}
