/*
 * record. Needs: everything the pipeline found out.
 * Gives: the audit entry, the outbox row and the closed job, all or none. Only then PASS.
 */
#include <inttypes.h>

#include "base/encode.h"
#include "station/journal.h"
#include "station/steps/steps.h"
#include "station/terms.h"

/* That it certifies this EK; its chain is not followed to a TPM maker's root, and ek_chain says so. */
static const char *ek_certificate_word(const struct job *job)
{
	if (job->profile->attest != ATTEST_TPM)
		return NULL;
	if (job->ek.cert.len == 0)
		return "none";
	return job->ek_defects != 0 ? "matches-with-defects" : "matches";
}

static int append_provisioned(struct job *job, struct db_tx *tx, struct err *err)
{
	char key[64], id[24], sha[HEX_LEN(SHA256_LEN) + 1], serial[HEX_LEN(PKI_SERIAL_LEN) + 1];
	const struct audit_field fields[] = {
		{ "unit", job->unit.serial },
		{ "model", job->unit.model },
		{ "hwid", job->unit.hwid },
		{ "firmware", job->unit.firmware },
		{ "registration_id", job->registration_id },
		{ "attest", attest_name(job->profile->attest) },
		{ "profile", job->profile->name },
		{ "group", job->profile->enroll == ENROLL_GROUP ? job->profile->group : NULL },
		{ "key_sha256", job->has_key_sha256 ? sha : NULL },
		{ "proof", job->proof },
		{ "ek_certificate", ek_certificate_word(job) },
		{ "ek_chain", job->ek.cert.len > 0 ? "not-checked" : NULL },
		{ "cert_serial", job->leaf.len > 0 ? serial : NULL },
		{ "slot", job->slot->name },
		{ "station", job->st->conf->id },
		{ "job", id },
		{ "operator", job_operator(job) },
	};
	const struct audit_event event = { "unit-provisioned", key, fields, ARRAY_LEN(fields) };

	if (hex_encode(BYTES_ARRAY(job->key_sha256), sha, sizeof(sha)) < 0 ||
	    hex_encode(BYTES_ARRAY(job->cert_serial), serial, sizeof(serial)) < 0 ||
	    str_format(id, sizeof(id), "%" PRId64, job->id) < 0 ||
	    str_format(key, sizeof(key), "job-%" PRId64 "/record", job->id) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}

/* What the profile says of every unit, said of this one. */
static int fill_terms(const struct job *job, struct terms *ret, struct err *err)
{
	const struct terms_values values = {
		.serial = job->unit.serial,
		.registration_id = job->registration_id,
		.model = job->unit.model,
		.station = job->st->conf->id,
		.operator_id = job_operator(job),
		.slot = job->slot->name,
	};

	return terms_fill(&job->profile->terms, &values, ret, err);
}

static int add_attestation(const struct job *job, struct buf *leaf_pem, struct enroll_record *record,
			   struct err *err)
{
	if (job->profile->attest == ATTEST_TPM)
		record->endorsement_key = buf_bytes(&job->ek.public_area);
	if (job->profile->attest == ATTEST_X509) {
		if (pki_pem_append(buf_bytes(&job->leaf), leaf_pem, err) < 0)
			return -1;
		record->certificate_pem = buf_bytes(leaf_pem);
	}
	if (job->profile->attest == ATTEST_SYMMETRIC)
		record->symmetric_key = &job->symkey;
	return 0;
}

/* A unit whose group the service knows needs no record of its own there. */
static int enqueue(struct job *job, struct db_tx *tx, struct err *err)
{
	BUF_AUTO(leaf_pem, PKI_CHAIN_MAX);
	struct enroll_record record = { .registration_id = job->registration_id };
	struct terms terms;
	char key[96];

	if (job->profile->enroll == ENROLL_GROUP)
		return 0;
	if (str_format(key, sizeof(key), "%s/%" PRId64, job->st->conf->id, job->id) < 0)
		return err_set(err, ERR_BUG, 0, "the outbox key does not fit");
	if (fill_terms(job, &terms, err) < 0 || add_attestation(job, &leaf_pem, &record, err) < 0)
		return -1;
	record.job = key;
	record.device_id = terms.device_id;
	record.terms = terms.enroll;
	return enroll_enqueue(tx, clock_wall_ms(), &record, err);
}

int record_unit(struct job *job, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(job->st->db, &tx, err) < 0 || append_provisioned(job, &tx, err) < 0 ||
	    enqueue(job, &tx, err) < 0 || journal_pass(job, &tx, err) < 0 || db_commit(&tx, err) < 0)
		return -1;
	return 0;
}
