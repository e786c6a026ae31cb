/*
 * derive. Needs: registration_id.
 * Gives: symkey, computed in the HSM from the group's master key, which never leaves it.
 */
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
