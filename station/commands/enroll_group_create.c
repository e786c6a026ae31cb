/*
 * station enroll group create PROFILE: the group that the profile's units belong to. One of X.509 gets the
 * station's issuing CA, or names of the service's CA certificates; one of symmetric keys gets a key that the
 * service makes, which goes straight into the token, and two officers bring it there.
 */
#include "base/digest.h"
#include "station/commands/enroll_group.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/terms.h"

#define OBJECT_MAX 64

static int find_profile(const struct conf *conf, const char *name, const struct conf_profile **ret,
			struct err *err)
{
	const struct conf_profile *profile = NULL;

	for (size_t i = 0; i < conf->profiles_n; i++)
		if (strcmp(conf->profiles[i].name, name) == 0)
			profile = &conf->profiles[i];
	if (profile == NULL)
		return err_set(err, ERR_OPERATOR, 0, "station.ini has no [profile \"%.60s\"]", name);
	if (profile->enroll != ENROLL_GROUP)
		return err_set(err, ERR_OPERATOR, 0,
			       "profile %s enrolls its units one by one; a group needs enroll = group", name);
	*ret = profile;
	return 0;
}

/* What the token calls the key: behind object= in the profile's URI. */
static int object_of(const char *uri, char out[OBJECT_MAX + 1], struct err *err)
{
	const char *label = strstr(uri, "object=");
	size_t n = label != NULL ? strcspn(label + strlen("object="), ";?&") : 0;

	if (n == 0 || memchr(label, '%', n + strlen("object=")) != NULL ||
	    bytes_to_str(bytes_of(label + strlen("object="), n), out, OBJECT_MAX + 1) < 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "group-key names no plain object= to make: %.100s; use station hsm import",
			       uri);
	return 0;
}

/* A key that is there already must be the group's; it is asked for a MAC, since it can't be read. */
static int check_key(struct hsm_session *session, const char *uri, const struct secret *key, struct err *err)
{
	uint8_t message[SHA256_LEN], theirs[SHA256_LEN], ours[SHA256_LEN];
	struct hsm_key *there;

	if (hsm_random(session, message, sizeof(message), err) < 0 ||
	    hsm_key_find(session, uri, &there, err) < 0 ||
	    hsm_key_mac(there, BYTES_ARRAY(message), theirs, err) < 0)
		return -1;
	hmac_sha256(secret_bytes(key), BYTES_ARRAY(message), ours);
	if (!bytes_equal(BYTES_ARRAY(ours), BYTES_ARRAY(theirs)))
		return err_set(err, ERR_OPERATOR, 0, "the token has another key under %.80s than the group",
			       uri);
	return 0;
}

static int look_at_token(struct group_work *work, const char *uri, const struct secret *key, bool *ret_there,
			 struct err *err)
{
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;

	if (hsm_session_open(line_station(work->line)->hsm, &session, err) < 0 ||
	    hsm_key_exists(session, uri, ret_there, err) < 0)
		return -1;
	return *ret_there ? check_key(session, uri, key, err) : 0;
}

/* The one act that brings a key into the token: two officers. */
static int ceremony(struct group_work *work, struct err *err)
{
	return acting_two(&work->acting, ACT_CEREMONY, &work->witnesses, err);
}

static int create_symmetric(struct group_work *work, const struct conf_profile *profile,
			    const struct enroll_group *group, struct err *err)
{
	SECRET_AUTO key = { NULL, 0 };
	char object[OBJECT_MAX + 1];
	struct group_act act = { .act = "created", .profile = profile->name, .changed = !work->found };
	bool there = false;

	if (object_of(profile->group_key, object, err) < 0 ||
	    enroll_group_put_symmetric(work->service, group, &key, err) < 0 ||
	    look_at_token(work, profile->group_key, &key, &there, err) < 0)
		return -1;
	act.object = there ? NULL : object;
	return group_record(work, &act, &key, err);
}

static int create_x509(struct group_work *work, const struct conf_profile *profile,
		       struct enroll_group *group, struct err *err)
{
	const struct group_act act = { .act = "created", .profile = profile->name, .changed = !work->found };
	BUF_AUTO(file, PKI_CHAIN_MAX);
	BUF_AUTO(pem, PKI_CHAIN_MAX);

	if (group->primary_ca == NULL) {
		if (directory_read_file(work->options->dir, "ca/intermediate.pem", &file, err) < 0)
			return -1;
		if (group_ca_of(&file, &pem, err) < 0)
			return err_wrap(err, "ca/intermediate.pem");
		group->primary_pem = buf_bytes(&pem);
	}
	if (enroll_group_put_x509(work->service, group, err) < 0)
		return -1;
	return group_record(work, &act, NULL, err);
}

static int check_options(const struct options *options, const struct conf_profile *profile, struct err *err)
{
	if (options->ca != NULL && profile->attest != ATTEST_X509)
		return err_set(err, ERR_OPERATOR, 0, "--ca is for profiles of attest = x509");
	if (options->ca_secondary != NULL && options->ca == NULL)
		return err_set(err, ERR_OPERATOR, 0, "--ca-secondary goes with --ca");
	if (options->certificate != NULL || options->finish || options->cancel)
		return err_set(err, ERR_OPERATOR, 0,
			       "--certificate, --finish and --cancel are for roll; a new group gets "
			       "ca/intermediate.pem");
	return 0;
}

static int create_kind(struct group_work *work, const struct conf_profile *profile, struct err *err)
{
	static const struct terms_values none = { 0 }; /* a group's terms have no variables (terms_check) */
	struct enroll_group group = { .id = profile->group,
				      .primary_ca = work->options->ca,
				      .secondary_ca = work->options->ca_secondary };
	struct terms terms;

	if (terms_fill(&profile->terms, &none, &terms, err) < 0)
		return -1;
	group.terms = terms.enroll;
	if (profile->attest == ATTEST_X509)
		return create_x509(work, profile, &group, err);
	return create_symmetric(work, profile, &group, err);
}

int group_create(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(conf_freep) struct conf *conf = NULL;
	CLEANUP(group_work_close) struct group_work work = { .options = options };
	const struct conf_profile *profile;

	if (conf_load(options->dir, &conf, err) < 0 ||
	    find_profile(conf, options->args[2], &profile, err) < 0 ||
	    check_options(options, profile, err) < 0)
		return -1;
	work.id = profile->group;
	if (group_work_open(&work, profile->attest == ATTEST_X509 ? group_officer : ceremony, ret_exit, err) <
	    0)
		return -1;
	if (create_kind(&work, profile, err) < 0) {
		if (err->class == ERR_RETRY)
			*ret_exit = EXIT_SERVICE;
		return -1;
	}
	*ret_exit = EXIT_DONE;
	return 0;
}
