/* An EK's public area as a device sends it; what is accepted can be given a credential. */
#include <stdint.h>

#include "pki/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t name[34] = { 0x00, 0x0b };
	static const uint8_t secret[PKI_CREDENTIAL_SECRET_LEN] = { 1 };
	static const uint8_t seed[32] = { 2 };
	struct pki_ek ek;
	struct err err;
	BUF_AUTO(id_object, 256);
	BUF_AUTO(sent, 1024);

	if (pki_ek_parse(bytes_of(data, size), &ek, &err) < 0)
		return 0;
	base_assert(pki_credential_make(bytes_of(data, size), BYTES_ARRAY(name), secret, seed, &id_object,
					&sent, &err) == 0);
	base_assert(id_object.len == 70 && sent.len == (ek.type == PKI_EK_RSA_2048 ? 258u : 70u));
	return 0;
}
