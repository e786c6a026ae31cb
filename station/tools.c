/* A worker's tools: its PKCS#11 session, and the handles of the keys it will need. */
#include "station/station.h"

/* Profiles are few and shared by slots; each thread has its own handles, as PKCS#11 wants it. */
static int find_group_keys(struct station *st, struct tools *tools, struct err *err)
{
	for (size_t i = 0; i < st->conf->profiles_n; i++) {
		const struct conf_profile *profile = &st->conf->profiles[i];

		if (profile->attest == ATTEST_SYMMETRIC &&
		    hsm_key_find(tools->session, profile->group_key, &tools->group[i], err) < 0)
			return err_wrap(err, "master key of profile %s", profile->name);
	}
	return 0;
}

int tools_open(struct station *st, struct tools *ret_tools, struct err *err)
{
	struct tools tools = { 0 };

	if (hsm_session_open(st->hsm, &tools.session, err) < 0)
		return err_wrap(err, "opening a session with the HSM");
	if (hsm_key_find(tools.session, st->conf->issuing_key, &tools.issuing, err) < 0) {
		tools_close(&tools);
		return err_wrap(err, "issuing key");
	}
	if (find_group_keys(st, &tools, err) < 0) {
		tools_close(&tools);
		return -1;
	}
	*ret_tools = tools;
	return 0;
}

void tools_close(struct tools *tools)
{
	hsm_session_close(tools->session);
	*tools = (struct tools){ 0 };
}
