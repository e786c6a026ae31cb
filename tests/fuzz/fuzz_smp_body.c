/*
 * smp_body_open over anything: no crash, nothing that points outside the input,
 * no key twice, and errors that are read are read the same way again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "fixtures/smp_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_within(struct bytes part, struct bytes whole)
{
	return part.len == 0 || (part.p >= whole.p && part.len <= whole.len &&
				 part.p - whole.p <= (ptrdiff_t)(whole.len - part.len));
}

static void check_entry(const struct smp_body *body, size_t i, struct bytes whole)
{
	const struct smp_entry *entry = &body->entries[i];

	if (entry->key.len == 0 || entry->key.len > SMP_BODY_KEY_MAX || !lies_within(entry->key, whole) ||
	    !lies_within(entry->data, whole) || entry->parent >= (int)i)
		abort();
	if (entry->parent >= 0 && (body->entries[entry->parent].type != SMP_TYPE_MAP ||
				   body->entries[entry->parent].parent != -1 || entry->type == SMP_TYPE_MAP))
		abort();
	for (size_t k = 0; k < i; k++)
		if (body->entries[k].parent == entry->parent && bytes_equal(body->entries[k].key, entry->key))
			abort();
}

static void check_reads(const struct smp_body *body)
{
	static const char *const keys[] = { "off", "data", "serial", "err", "rc" };
	unsigned group, rc;
	struct bytes data;
	uint64_t number;
	char text[16];
	int types;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		types = (smp_body_uint(body, keys[i], UINT64_MAX, &number) == 0) +
			(smp_body_text(body, keys[i], text, sizeof(text)) == 0) +
			(smp_body_bytes(body, keys[i], &data) == 0);
		if (types > 1 || (types == 1 && !smp_body_has(body, keys[i])))
			abort();
	}
	if (smp_body_error(body, &group, &rc) == 0 && rc != 0 && !smp_body_has(body, "err") &&
	    !smp_body_has(body, "rc"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes whole = bytes_of(data, size);
	struct smp_body body;

	if (smp_body_open(whole, &body) < 0)
		return 0;
	if (body.n > SMP_BODY_ENTRIES_MAX || size > SMP_BODY_MAX)
		abort();
	for (size_t i = 0; i < body.n; i++)
		check_entry(&body, i, whole);
	check_reads(&body);
	return 0;
}
