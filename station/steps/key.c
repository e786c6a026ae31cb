/*
 * key. Needs: registration_id.
 * Gives: csr, request (the same, checked), key_sha256 (of the SubjectPublicKeyInfo); the private key is in the unit and nowhere else.
 */
#include "station/journal.h"
#include "station/steps/steps.h"

/* Once a certificate exists, the unit's key is its identity. Before, a fresh key does no harm. */
static int remember_csr(struct job *job, struct bytes der, struct err *err)
{
	CLEANUP(pki_csr_freep) struct pki_csr *csr = NULL;
	uint8_t sha[SHA256_LEN];

	if (pki_csr_parse(der, &csr, err) < 0)
		return err_wrap(err, "checking the CSR");
	if (strcmp(pki_csr_cn(csr), job->registration_id) != 0)
		return err_set(err, ERR_UNIT, 0, "the CSR is for \"%s\", the unit is \"%s\"", pki_csr_cn(csr),
			       job->registration_id);
	sha256(pki_csr_spki(csr), sha);
	if (job->leaf.len > 0 && !bytes_equal(BYTES_ARRAY(sha), BYTES_ARRAY(job->key_sha256)))
		return err_set(err, ERR_UNIT, 0, "the unit is already known with another key");
	if (buf_set(&job->csr, der) < 0)
		return err_set(err, ERR_UNIT, 0, "the CSR is larger than %zu bytes", job->csr.max);
	if (!bytes_equal(BYTES_ARRAY(sha), BYTES_ARRAY(job->key_sha256)))
		job->claimed = false;
	memcpy(job->key_sha256, sha, sizeof(sha));
	job->has_key_sha256 = true;
	pki_csr_free(job->request);
	job->request = csr;
	csr = NULL;
	return journal_check_unique(job, err);
}

int key_from_device(struct job *job, struct err *err)
{
	BUF_AUTO(der, FIXTURE_CSR_MAX);

	if (fixture_make_key(job->fixture, &job->deadline, job->registration_id, &der, err) < 0)
		return err_wrap(err, "asking the unit for its CSR");
	return remember_csr(job, buf_bytes(&der), err);
}

/*
 * A unit that can't prove its key is asked for the key's digest instead, after a crash as well. It belongs
 * to the CSR and becomes durable with it; before, a crash means a fresh key, and no certificate exists.
 */
static void remember_key_item(struct job *job, struct bytes key)
{
	job->has_key_item_sha256 = (job->unit.caps & UNIT_CAP_PROVE) == 0;
	if (job->has_key_item_sha256)
		sha256(key, job->key_item_sha256);
}

int key_from_station(struct job *job, struct err *err)
{
	SECRET_AUTO key = { NULL, 0 };
	BUF_AUTO(der, FIXTURE_CSR_MAX);

	if (job->leaf.len > 0)
		return err_set(err, ERR_UNIT, 0, "the unit lost the key that its certificate was issued for");
	if (pki_key_make(job->registration_id, &key, &der, err) < 0)
		return err_wrap(err, "making a key for the unit");
	job->has_key_item_sha256 = false; /* the old digest must never stand beside the new CSR */
	if (remember_csr(job, buf_bytes(&der), err) < 0)
		return -1;
	remember_key_item(job, secret_bytes(&key));
	if (fixture_put(job->fixture, &job->deadline, UNIT_ITEM_KEY, secret_bytes(&key), err) < 0)
		return err_wrap(err, "injecting the key");
	return 0;
}

/* Does the unit hold the key of the CSR that we remember? What can't be shown is not done. */
int probe_key(struct job *job, bool *ret_done, struct err *err)
{
	CLEANUP(pki_csr_freep) struct pki_csr *csr = NULL;
	struct err no = { 0 };

	*ret_done = false;
	if (job->csr.len == 0)
		return 0;
	if (pki_csr_parse(buf_bytes(&job->csr), &csr, err) < 0)
		return err_wrap(err, "reading the CSR that the journal kept");
	if (check_key(job, csr, &no) == 0) {
		*ret_done = true;
		pki_csr_free(job->request);
		job->request = csr;
		csr = NULL;
	} else if (no.class != ERR_UNIT) {
		*err = no;
		return -1;
	}
	return 0;
}
