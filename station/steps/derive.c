/*
 * derive. Needs: registration_id.
 * Gives: symkey, computed in the HSM from the group's master key, which never leaves it.
 */
#include <inttypes.h>

#include "station/steps/steps.h"

int derive_key(struct job *job, struct err *err)
{
	struct hsm_key *master = job->tools->group[job->profile - job->st->conf->profiles];

	if (job->symkey.p == NULL && secret_new(SHA256_LEN, &job->symkey, err) < 0)
		return -1;
	/* Derived device key = HMAC-SHA256(group key, registration ID) (dps-api 5.2). */
	if (hsm_key_mac(master, bytes_str(job->registration_id), job->symkey.p, err) < 0)
		return err_wrap(err, "deriving the unit's key from %s", job->profile->group_key);
	return 0;
}

/* In inject's intent: once the unit has the key it is a member of the group, so the log says it first. */
int record_derivation(struct job *job, struct db_tx *tx, struct err *err)
{
	char key[160], id[24];
	const struct audit_field fields[] = {
		{ "unit", job->unit.serial },
		{ "registration_id", job->registration_id },
		{ "group", job->profile->group },
		{ "job", id },
		{ "operator", job->intended_by[0] != '\0' ? job->intended_by : NULL },
	};
	const struct audit_event event = { "key-derived", key, fields, ARRAY_LEN(fields) };

	if (str_format(id, sizeof(id), "%" PRId64, job->id) < 0 ||
	    str_format(key, sizeof(key), "job-%" PRId64 "/derived/%s", job->id, job->profile->group) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}
