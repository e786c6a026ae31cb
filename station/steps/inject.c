/*
 * inject. Needs: chain_pem (x509), symkey (symmetric), registration_id.
 * Gives: nothing to other steps; the unit keeps its chain or key, and where to register.
 */
#include <stdlib.h>

#include <jansson.h>

#include "station/steps/steps.h"

static void text_freep(char **text)
{
	free(*text);
}

/* The words of the service's own schema. */
static const char *attestation_word(enum attest attest)
{
	switch (attest) {
	case ATTEST_TPM:
		return "tpm";
	case ATTEST_X509:
		return "x509";
	case ATTEST_SYMMETRIC:
	case ATTEST_UNSET:
		break;
	}
	return "symmetricKey";
}

/* provisioning.json: what the unit needs to find its service (docs/PROTOCOL.md, item dps). */
static int make_dps_item(const struct job *job, struct buf *ret_json, struct err *err)
{
	json_auto_t *json = NULL;
	CLEANUP(text_freep) char *text = NULL;
	const struct conf *conf = job->st->conf;

	json = json_pack("{s:s, s:s, s:s, s:s, s:I}", "attestation", attestation_word(job->profile->attest),
			 "registrationId", job->registration_id, "idScope", conf->id_scope, "host",
			 conf->device_host, "port", (json_int_t)conf->device_port);
	if (json != NULL)
		text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (text == NULL || buf_set(ret_json, bytes_str(text)) < 0)
		return err_set(err, ERR_BUG, 0, "provisioning.json can't be made");
	return 0;
}

int inject_bundle(struct job *job, struct err *err)
{
	BUF_AUTO(dps, FIXTURE_ITEM_MAX);

	if (make_dps_item(job, &dps, err) < 0)
		return -1;
	if (job->chain_pem.len > 0 &&
	    fixture_put(job->fixture, &job->deadline, UNIT_ITEM_CHAIN, buf_bytes(&job->chain_pem), err) < 0)
		return err_wrap(err, "injecting the chain");
	if (job->symkey.p != NULL &&
	    fixture_put(job->fixture, &job->deadline, UNIT_ITEM_SYMKEY, secret_bytes(&job->symkey), err) < 0)
		return err_wrap(err, "injecting the key");
	if (fixture_put(job->fixture, &job->deadline, UNIT_ITEM_DPS, buf_bytes(&dps), err) < 0)
		return err_wrap(err, "injecting the provisioning data");
	return 0;
}

/* *ret_same false when the unit does not have the item, or has another. */
static int same_item(struct job *job, enum unit_item item, struct bytes want, bool *ret_same, struct err *err)
{
	BUF_AUTO(have, FIXTURE_ITEM_MAX);
	uint8_t digest[SHA256_LEN];
	struct err no = { 0 };

	*ret_same = false;
	if ((job->unit.caps & UNIT_CAP_PROVE) == 0) {
		sha256(want, digest);
		return fixture_holds(job->fixture, &job->deadline, item, digest, ret_same, err);
	}
	if (fixture_get(job->fixture, &job->deadline, item, &have, &no) < 0) {
		if (no.class == ERR_UNIT) /* a clear answer: it is not there */
			return 0;
		*err = no;
		return -1;
	}
	*ret_same = bytes_equal(buf_bytes(&have), want);
	return 0;
}

int bundle_read_back(struct job *job, bool *ret_same, struct err *err)
{
	BUF_AUTO(dps, FIXTURE_ITEM_MAX);

	if (make_dps_item(job, &dps, err) < 0 ||
	    same_item(job, UNIT_ITEM_DPS, buf_bytes(&dps), ret_same, err) < 0)
		return -1;
	if (*ret_same && job->chain_pem.len > 0)
		return same_item(job, UNIT_ITEM_CHAIN, buf_bytes(&job->chain_pem), ret_same, err);
	return 0;
}

int probe_injected(struct job *job, bool *ret_done, struct err *err)
{
	struct err no = { 0 };

	if (bundle_read_back(job, ret_done, err) < 0)
		return -1;
	/* A symmetric key can't be read back; the unit has it if it can show it. */
	if (*ret_done && job->symkey.p != NULL && check_symkey(job, &no) < 0) {
		*ret_done = false;
		if (no.class != ERR_UNIT) {
			*err = no;
			return -1;
		}
	}
	return 0;
}
