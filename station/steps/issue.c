/*
 * issue. Needs: request, registration_id, key_sha256.
 * Gives: cert_serial (reserved before signing), leaf, chain_pem.
 */
#include "base/encode.h"
#include "station/journal.h"
#include "station/steps/steps.h"

#include <inttypes.h>

#include <openssl/rand.h>

static int build_chain(struct job *job, struct err *err)
{
	buf_clear(&job->chain_pem);
	if (pki_pem_append(buf_bytes(&job->leaf), &job->chain_pem, err) < 0)
		return -1;
	if (buf_append(&job->chain_pem, buf_bytes(&job->st->intermediate_pem)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the chain is larger than %d bytes", PKI_CHAIN_MAX);
	return 0;
}

/* Before the signature: a crash may waste a serial number, never use one twice. */
int reserve_serial(struct job *job, struct db_tx *tx, struct err *err)
{
	/* Not from the token: this runs inside a transaction, and a slow HSM would hold up every worker. */
	if (RAND_bytes(job->cert_serial, sizeof(job->cert_serial)) != 1)
		return err_set(err, ERR_STATION, 0, "no random numbers for a serial number");
	pki_serial_shape(job->cert_serial);
	return journal_take_serial(job, tx, err);
}

int issue_certificate(struct job *job, struct err *err)
{
	const struct signer signer = { hsm_key_sign, job->tools->issuing,
				       hsm_key_default_alg(job->tools->issuing) };

	buf_clear(&job->leaf);
	if (pki_leaf_issue(job->st->issuer, &job->profile->certificate, job->request, job->registration_id,
			   job->cert_serial, clock_wall_ms() / 1000, &signer, &job->leaf, err) < 0)
		return err_wrap(err, "issuing the certificate");
	return build_chain(job, err);
}

/* The certificate is durable from the intent of the next step on; before that it never left the station. */
int probe_issued(struct job *job, bool *ret_done, struct err *err)
{
	struct pki_cert_info info;

	*ret_done = false;
	if (job->leaf.len == 0)
		return 0;
	if (pki_cert_info(buf_bytes(&job->leaf), &info, err) < 0) {
		(void)err_raise(err, ERR_STATION);
		return err_wrap(err, "reading the certificate that the journal kept");
	}
	if (!bytes_equal(BYTES_ARRAY(info.spki_sha256), BYTES_ARRAY(job->key_sha256)))
		return err_set(err, ERR_UNIT, 0, "the certificate of job %" PRId64 " is for another key",
			       job->id);
	/* The line's CA may have been replaced since: the old leaf and the new chain would not fit. */
	if (pki_issuer_issued(job->st->issuer, buf_bytes(&job->leaf), err) < 0)
		return err_wrap(err, "the certificate that the journal kept");
	if (build_chain(job, err) < 0)
		return -1;
	*ret_done = true;
	return 0;
}

/* In inject's intent: no certificate leaves the station unless the log has it. */
int record_certificate(struct job *job, struct db_tx *tx, struct err *err)
{
	struct pki_cert_info info;
	char key[64], cert[HEX_LEN(SHA256_LEN) + 1], spki[HEX_LEN(SHA256_LEN) + 1], id[24];
	/* What the certificate itself decides, and who began: a unit that resumes elsewhere says the same again. */
	const struct audit_field fields[] = {
		{ "unit", job->unit.serial },
		{ "registration_id", job->registration_id },
		{ "cert_serial", info.serial_hex },
		{ "cert_sha256", cert },
		{ "key_sha256", spki },
		{ "issuer", info.issuer_cn },
		{ "job", id },
		{ "operator", job->intended_by[0] != '\0' ? job->intended_by : NULL },
	};
	const struct audit_event event = { "certificate-issued", key, fields, ARRAY_LEN(fields) };

	if (pki_cert_info(buf_bytes(&job->leaf), &info, err) < 0)
		return err_wrap(err, "reading the issued certificate");
	if (hex_encode(BYTES_ARRAY(info.sha256), cert, sizeof(cert)) < 0 ||
	    hex_encode(BYTES_ARRAY(info.spki_sha256), spki, sizeof(spki)) < 0 ||
	    str_format(id, sizeof(id), "%" PRId64, job->id) < 0 ||
	    str_format(key, sizeof(key), "job-%" PRId64 "/issued", job->id) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}
