/*
 * attest. Needs: a unit that passes TPM commands through.
 * Gives: ek, ek_defects, registration_id, key_sha256 (of the EK).
 */
#include "station/journal.h"
#include "station/steps/steps.h"

int job_open_tpm(struct job *job, struct err *err)
{
	if (job->tpm != NULL)
		return 0;
	return fixture_tpm_open(job->fixture, &job->deadline, &job->tpm, err);
}

int job_remember_ek(struct job *job, const struct pki_ek *ek, struct err *err)
{
	char registration_id[FIXTURE_REGISTRATION_ID_LEN + 1];

	if (job->has_key_sha256 && !bytes_equal(BYTES_ARRAY(job->key_sha256), BYTES_ARRAY(ek->sha256)))
		return err_set(err, ERR_UNIT, 0, "the unit is already known with another endorsement key");
	fixture_tpm_registration_id(buf_bytes(&job->ek.public_area), registration_id);
	/* One key has several public areas, each with an ID of its own; the service has the first. */
	if (job->has_key_sha256 && strcmp(job->registration_id, registration_id) != 0)
		return err_set(err, ERR_UNIT, 0,
			       "the unit's endorsement key now has another public area, so another "
			       "registration ID than %s",
			       job->registration_id);
	if (str_format(job->registration_id, sizeof(job->registration_id), "%s", registration_id) < 0)
		return err_set(err, ERR_BUG, 0, "registration ID does not fit");
	memcpy(job->key_sha256, ek->sha256, SHA256_LEN);
	job->has_key_sha256 = true;
	return 0;
}

int attest_tpm(struct job *job, struct err *err)
{
	struct pki_ek ek;
	size_t der_len = 0;

	if (job_open_tpm(job, err) < 0 || fixture_tpm_read_ek(job->tpm, &job->ek, err) < 0)
		return err_wrap(err, "reading the endorsement key");
	if (pki_ek_parse(buf_bytes(&job->ek.public_area), &ek, err) < 0)
		return -1;
	/* A TPM without a certificate is common on development boards; one for another EK never is right. */
	if (job->ek.cert.len > 0 &&
	    pki_ek_cert_check(buf_bytes(&job->ek.cert), buf_bytes(&job->ek.public_area), &job->ek_defects,
			      &der_len, err) < 0)
		return err_wrap(err, "checking the EK certificate");
	if (job_remember_ek(job, &ek, err) < 0)
		return -1;
	return journal_check_unique(job, err);
}
