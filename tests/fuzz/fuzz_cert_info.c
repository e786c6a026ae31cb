/* Certificates from anywhere: fields are read by the cursor, and the issuer's check by OpenSSL. */
#include <stdint.h>
#include <string.h>

#include "pki/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes der = bytes_of(data, size);
	struct pki_issuer *issuer = NULL;
	struct pki_cert_info info;
	struct err err;

	if (pki_cert_info(der, &info, &err) == 0) {
		base_assert(strlen(info.subject_cn) <= PKI_CN_MAX && strlen(info.issuer_cn) <= PKI_CN_MAX);
		base_assert(strlen(info.serial_hex) >= 2);
		base_assert(memchr(info.key, '\0', sizeof(info.key)) != NULL);
	}
	if (pki_issuer_new(der, &issuer, &err) < 0)
		base_assert(issuer == NULL && err.class != ERR_NONE);
	pki_issuer_free(issuer);
	return 0;
}
