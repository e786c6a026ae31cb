/* An EK certificate out of a TPM's NV memory, against the EK that one of the seeds certifies. */
#include <stdint.h>

#include "pki/pki.h"
#include "tests/unit/pki/vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes eks[] = { BYTES_ARRAY(ek_rsa), BYTES_ARRAY(ek_ecc) };
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(eks); i++) {
		unsigned defects = 0;
		size_t len = 0;

		if (pki_ek_cert_check(bytes_of(data, size), eks[i], &defects, &len, &err) < 0)
			continue;
		base_assert(len > 0 && len <= size);
		base_assert(((defects & PKI_EK_TRAILING_BYTES) != 0) == (len < size));
	}
	return 0;
}
