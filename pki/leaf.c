/*
 * Issuing a device's certificate. Whose it is was decided by the caller, who
 * bound the serial number to the unit; the CSR only brings the key.
 */
#include "pki/pki_internal.h"

#include <string.h>

static int check_request(const struct pki_issuer *issuer, const struct pki_csr *csr,
			 const char *registration_id, const uint8_t serial[PKI_SERIAL_LEN], struct err *err)
{
	if (pki_registration_id_check(registration_id, err) < 0)
		return -1;
	/* Compared as given: the service's case-insensitivity is no reason to certify another spelling. */
	if (strcmp(pki_csr_cn(csr), registration_id) != 0)
		return err_set(err, ERR_UNIT, 0, "CSR is for %s, the unit is %s", pki_csr_cn(csr),
			       registration_id);
	if (!serial_is_shaped(serial))
		return err_set(err, ERR_BUG, 0, "a serial number that pki_serial_shape did not see");
	if (bytes_equal(pki_csr_spki(csr), buf_bytes(&issuer->spki)))
		return err_set(err, ERR_UNIT, 0, "the unit's key is the issuing key");
	return 0;
}

int pki_leaf_issue(const struct pki_issuer *issuer, const struct pki_profile *profile,
		   const struct pki_csr *csr, const char *registration_id,
		   const uint8_t serial[PKI_SERIAL_LEN], int64_t now_s, const struct signer *signer,
		   struct buf *ret_der, struct err *err)
{
	struct cert_plan plan = {
		.kind = &cert_kind_leaf,
		.alg = signature_alg_of(signer->alg, issuer->key.kind),
		.serial = serial,
		.issuer_name = buf_bytes(&issuer->name),
		.subject_cn = registration_id,
		.not_before_s = now_s,
		.spki = pki_csr_spki(csr),
		.authority_key_id = buf_bytes(&issuer->key_id),
	};
	const int64_t last_s = profile->may_outlive_issuer ? TIME_LAST_S : issuer->not_after_s;

	if (plan.alg == NULL)
		return err_set(err, ERR_OPERATOR, 0,
			       "the signer's algorithm does not fit the issuing certificate's key");
	if (check_request(issuer, csr, registration_id, serial, err) < 0 ||
	    issuer_valid_at(issuer, now_s, err) < 0 ||
	    validity_end(now_s, profile->validity_days, last_s, &plan.not_after_s, err) < 0)
		return -1;
	return cert_make(&plan, signer, &issuer->key, issuer->ctx, ret_der, err);
}
