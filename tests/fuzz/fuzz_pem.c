/* PEM of files: what is read is a certificate's size, and writes and reads as the same bytes. */
#include <stdint.h>

#include "pki/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes as the second of two certificates: they come out again, and there is no third. */
static void round_trip(struct bytes der)
{
	struct err err;
	BUF_AUTO(pem, PKI_CHAIN_MAX);
	BUF_AUTO(back, PKI_CERT_MAX);

	base_assert(pki_pem_append(BYTES_LIT("first"), &pem, &err) == 0);
	base_assert(pki_pem_append(der, &pem, &err) == 0);
	base_assert(pki_pem_read(buf_bytes(&pem), 1, &back, &err) == 0);
	base_assert(bytes_equal(buf_bytes(&back), der));
	base_assert(pki_pem_read(buf_bytes(&pem), 2, &back, &err) < 0);
}

static void read_all(struct bytes text)
{
	struct err err;
	BUF_AUTO(der, PKI_CERT_MAX);

	for (unsigned n = 0; n < 4; n++) {
		if (pki_pem_read(text, n, &der, &err) < 0) {
			base_assert(err.class == ERR_OPERATOR);
			return;
		}
		base_assert(der.len > 0 && der.len <= PKI_CERT_MAX);
		round_trip(buf_bytes(&der));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes in = bytes_of(data, size);

	read_all(in);
	if (size > 0 && size <= PKI_CERT_MAX)
		round_trip(in);
	return 0;
}
