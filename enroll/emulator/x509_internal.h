/* A device's certificates, parsed: shared by device_x509.c and device_group.c. */
#ifndef X509_INTERNAL_H
#define X509_INTERNAL_H

#include <time.h>

#include <openssl/x509.h>

#include "base/digest.h"
#include "base/encode.h"
#include "enroll/emulator/device_internal.h"

DEFINE_CLEANUP(x509_freep, X509, X509_free)

struct dps_chain {
	X509 *certs[DPS_CHAIN_MAX]; /* leaf first, in the order of the request */
	size_t n;
	time_t at;
};

/* One DER certificate without anything after it, or NULL. */
X509 *dps_chain_cert(struct bytes der);

/* SHA-256, hexadecimal in lower case; compared without case. */
#define DPS_THUMBPRINT_LEN HEX_LEN(SHA256_LEN)
void dps_thumbprint(struct bytes der, char out[DPS_THUMBPRINT_LEN + 1]);
/* Of the certificate that an enrollment has in this slot; NULL if it is empty. */
const char *dps_slot_thumbprint(const json_t *slots, const char *name);

/* 401002 "CA certificate not found." if there is none. The caller frees both; *ret_cert is yet to be trusted. */
MUST_USE int dps_group_by_chain(const struct dps_call *call, const struct dps_chain *chain,
				json_t **ret_group, X509 **ret_cert, struct err *err);

#endif
