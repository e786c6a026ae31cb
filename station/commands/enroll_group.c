/*
 * station enroll group create PROFILE | show | disable | enable | roll GROUP. The service comes first and the log second:
 * an entry names what is so. A station that dies in between leaves a change without one; the same command
 * again changes nothing and writes it.
 */
#include "station/commands/enroll_group.h"

#include <inttypes.h>
#include <stdlib.h>

#include <jansson.h>

#include "station/commands/enroll.h"
#include "station/directory.h"
#include "station/exit.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

int group_read_pem(const char *path, struct buf *ret_pem, struct err *err)
{
	return directory_read_file(path[0] == '/' ? "" : ".", path, ret_pem, err);
}

int group_ca_of(const struct buf *pem, struct buf *ret_pem, struct err *err)
{
	CLEANUP(pki_issuer_freep) struct pki_issuer *ca = NULL;
	BUF_AUTO(der, PKI_CERT_MAX);
	BUF_AUTO(other, PKI_CERT_MAX);
	struct err none;

	if (pki_pem_read(buf_bytes(pem), 0, &der, err) < 0 || pki_issuer_new(buf_bytes(&der), &ca, err) < 0)
		return -1;
	if (pki_pem_read(buf_bytes(pem), 1, &other, &none) == 0)
		return err_set(err, ERR_OPERATOR, 0, "one certificate is meant, and there are several");
	return pki_pem_append(buf_bytes(&der), ret_pem, err);
}

/* --- Who acts, and with what --------------------------------------------------------------------------- */

static int one_person(struct group_work *work, enum role role, struct err *err)
{
	int64_t n = 0;

	if (people_count(work->acting.db, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	if (acting_identify(&work->acting, "You", &work->person, err) < 0)
		return -1;
	if (work->person.role < role)
		return err_set(err, ERR_OPERATOR, 0, "this takes %s %s; %s is %s",
			       role == ROLE_OFFICER ? "an" : "a", role_name(role), work->person.id,
			       role_name(work->person.role));
	return 0;
}

int group_officer(struct group_work *work, struct err *err)
{
	return one_person(work, ROLE_OFFICER, err);
}

/* Whoever sees that something is wrong stops it; starting again is an officer's. */
static int officer_or_lead(struct group_work *work, struct err *err)
{
	return one_person(work, ROLE_LEAD, err);
}

static int nobody(struct group_work *work, struct err *err)
{
	(void)work;
	(void)err;
	return 0;
}

int group_work_open(struct group_work *work, group_who_fn *who, int *ret_exit, struct err *err)
{
	BUF_AUTO(json, ENROLL_REPLY_MAX);

	*ret_exit = -1;
	if (acting_open(work->options->dir, &work->acting, err) < 0 || who(work, err) < 0)
		return -1;
	if (line_open_sync(work->options->dir, &work->line, ret_exit, err) < 0)
		return -1;
	*ret_exit = -1;
	if (line_service_open(work->line, &work->service, err) < 0)
		return -1;
	if (enroll_group_get(work->service, work->id, &json, &work->found, err) < 0) {
		*ret_exit = err->class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_SERVICE;
		return -1;
	}
	return 0;
}

void group_work_close(struct group_work *work)
{
	line_close(work->line);
	acting_close(&work->acting);
}

/* --- The log ------------------------------------------------------------------------------------------- */

static const json_t *slots_of(const json_t *group)
{
	const json_t *x509 = json_object_get(json_object_get(group, "attestation"), "x509");
	const json_t *names = json_object_get(x509, "caReferences");

	return json_is_object(names) ? names : json_object_get(x509, "signingCertificates");
}

/* A certificate's thumbprint, or a CA's name; NULL: nothing is there. */
static const char *ca_of(const json_t *group, const char *slot)
{
	const json_t *value = json_object_get(slots_of(group), slot);

	if (json_is_string(value))
		return json_string_value(value);
	return json_string_value(json_object_get(json_object_get(value, "info"), "sha256Thumbprint"));
}

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static int append(struct db_tx *tx, const struct group_work *work, const struct group_act *act,
		  const json_t *group, struct err *err)
{
	struct audit_head head;
	char key[64];
	const struct audit_field fields[] = {
		{ "group", work->id },
		{ "act", act->act },
		{ "changed", act->changed ? "yes" : "no" },
		{ "profile", act->profile },
		{ "primary", ca_of(group, "primary") },
		{ "secondary", ca_of(group, "secondary") },
		{ "operator", or_null(work->person.id) },
		{ "witness_1", or_null(work->witnesses.first) },
		{ "witness_2", or_null(work->witnesses.second) },
		{ "station", work->acting.conf->id },
	};
	const struct audit_event event = { "group-changed", key, fields, ARRAY_LEN(fields) };

	if (audit_head(tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "group-%" PRId64, head.size) < 0)
		return err_set(err, ERR_BUG, 0, "an audit key does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}

static int append_import(struct db_tx *tx, const struct group_work *work, const char *object, struct err *err)
{
	struct audit_head head;
	char key[64];
	const struct audit_field fields[] = {
		{ "object", object },
		{ "group", work->id },
		{ "witness_1", or_null(work->witnesses.first) },
		{ "witness_2", or_null(work->witnesses.second) },
		{ "station", work->acting.conf->id },
	};
	const struct audit_event event = { "key-imported", key, fields, ARRAY_LEN(fields) };

	if (audit_head(tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "key-imported-%" PRId64, head.size) < 0)
		return err_set(err, ERR_BUG, 0, "an audit key does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}

/* In the token before the entry is durable, so that no entry speaks of a key that never came. */
static int import_key(struct db_tx *tx, struct group_work *work, const char *object, const struct secret *key,
		      struct err *err)
{
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;

	if (people_check_witnesses(tx, ACT_CEREMONY, &work->witnesses, err) < 0 ||
	    append_import(tx, work, object, err) < 0 ||
	    hsm_session_open(line_station(work->line)->hsm, &session, err) < 0)
		return -1;
	return hsm_key_import_hmac(session, object, key, err);
}

static int get_group(const struct group_work *work, json_t **ret, struct err *err)
{
	BUF_AUTO(text, ENROLL_REPLY_MAX);
	bool found = false;

	if (enroll_group_get(work->service, work->id, &text, &found, err) < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_OPERATOR, 0, "the service has no group %.130s", work->id);
	*ret = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(*ret))
		return err_set(err, ERR_RETRY, 0, "the service's answer is no enrollment group");
	return 0;
}

int group_record(struct group_work *work, const struct group_act *act, const struct secret *key,
		 struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	CLEANUP(json_freep) json_t *group = NULL;

	if (get_group(work, &group, err) < 0 || db_begin(work->acting.db, &tx, err) < 0)
		return err_wrap(err, "group %s is %s, but not in the log; do it again", work->id, act->act);
	if (append(&tx, work, act, group, err) < 0 ||
	    (act->object != NULL && import_key(&tx, work, act->object, key, err) < 0) ||
	    db_commit(&tx, err) < 0)
		return err_wrap(err, "group %s is %s, but not in the log; do it again", work->id, act->act);
	if (work->options->json)
		(void)printf("{\"event\":\"group-changed\",\"group\":\"%s\",\"act\":\"%s\",\"changed\":%s}\n",
			     work->id, act->act, act->changed ? "true" : "false");
	else
		(void)printf("Group %s %s %s.\n", work->id, act->changed ? "is now" : "was already",
			     act->act);
	return 0;
}

/* --- show ---------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL ? text : "-";
}

static void print_slot(const json_t *group, const char *slot)
{
	const json_t *value = json_object_get(slots_of(group), slot);
	const json_t *info = json_object_get(value, "info");

	if (json_is_string(value))
		(void)printf("%-16s CA certificate %s of the service\n", slot, json_string_value(value));
	else if (info != NULL)
		(void)printf("%-16s %s, until %s\n%-16s SHA-256 %s\n", slot, text_of(info, "subjectName"),
			     text_of(info, "notAfterUtc"), "", text_of(info, "sha256Thumbprint"));
}

static void print_member(const json_t *group, const char *name)
{
	const json_t *value = json_object_get(group, name);
	char *text = value != NULL && !json_is_null(value) ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY)
							   : NULL;

	if (text != NULL)
		(void)printf("%-16s %s\n", name, text);
	free(text);
}

static void print_group(const json_t *group)
{
	static const char *const members[] = { "initialTwin",
					       "capabilities",
					       "allocationPolicy",
					       "iotHubs",
					       "customAllocationDefinition",
					       "reprovisionPolicy" };
	const char *status = json_string_value(json_object_get(group, "provisioningStatus"));

	(void)printf("group            %s\nstatus           %s\nattestation      %s\n",
		     text_of(group, "enrollmentGroupId"), status != NULL ? status : "enabled",
		     text_of(json_object_get(group, "attestation"), "type"));
	print_slot(group, "primary");
	print_slot(group, "secondary");
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		print_member(group, members[i]);
	(void)printf("created          %s\nchanged          %s\n", text_of(group, "createdDateTimeUtc"),
		     text_of(group, "lastUpdatedDateTimeUtc"));
}

static int print_json(const json_t *group, struct err *err)
{
	CLEANUP(json_freep) json_t *event = json_pack("{s:s, s:O}", "event", "group", "group", group);
	char *text = event != NULL ? json_dumps(event, JSON_COMPACT) : NULL;

	if (text == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	(void)puts(text);
	free(text);
	return 0;
}

static int show(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(group_work_close)
	struct group_work work = { .options = options, .id = options->args[2] };
	CLEANUP(json_freep) json_t *group = NULL;

	if (group_work_open(&work, nobody, ret_exit, err) < 0 || get_group(&work, &group, err) < 0)
		return -1;
	if (options->json && print_json(group, err) < 0)
		return -1;
	if (!options->json)
		print_group(group);
	*ret_exit = EXIT_DONE;
	return 0;
}

/* --- disable, enable, roll ----------------------------------------------------------------------------- */

/* The certificates that the service may have of this group: the station's own, and the file's. */
static int gather(const struct options *options, struct buf *ret_pem, struct err *err)
{
	static const char *const names[] = { "ca/intermediate.pem", "ca/root.pem" };
	BUF_AUTO(pem, PKI_CHAIN_MAX);
	struct err none;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (directory_read_file(options->dir, names[i], &pem, &none) == 0 &&
		    buf_append(ret_pem, buf_bytes(&pem)) < 0)
			return err_set(err, ERR_OPERATOR, 0, "%s is too large", names[i]);
	if (options->certificate == NULL)
		return 0;
	if (group_read_pem(options->certificate, &pem, err) < 0)
		return -1;
	if (buf_append(ret_pem, buf_bytes(&pem)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "%s is too large", options->certificate);
	return 0;
}

static int change_group(const struct options *options, group_who_fn *who, struct enroll_group_change *change,
			const char *act, int *ret_exit, struct err *err)
{
	CLEANUP(group_work_close)
	struct group_work work = { .options = options, .id = options->args[2] };
	BUF_AUTO(known, 4 * PKI_CHAIN_MAX);
	struct group_act done = { .act = act };

	if (gather(options, &known, err) < 0 || group_work_open(&work, who, ret_exit, err) < 0)
		return -1;
	change->known_pem = buf_bytes(&known);
	if (enroll_group_change(work.service, work.id, change, &done.changed, err) < 0) {
		if (err->class == ERR_RETRY)
			*ret_exit = EXIT_SERVICE;
		return -1;
	}
	if (group_record(&work, &done, NULL, err) < 0)
		return -1;
	*ret_exit = EXIT_DONE;
	return 0;
}

static int disable(const struct options *options, int *ret_exit, struct err *err)
{
	struct enroll_group_change change = { .act = ENROLL_GROUP_DISABLE };

	return change_group(options, officer_or_lead, &change, "disabled", ret_exit, err);
}

static int enable(const struct options *options, int *ret_exit, struct err *err)
{
	struct enroll_group_change change = { .act = ENROLL_GROUP_ENABLE };

	return change_group(options, group_officer, &change, "enabled", ret_exit, err);
}

static int end_roll(const struct options *options, int *ret_exit, struct err *err)
{
	struct enroll_group_change change = { .act = options->finish ? ENROLL_GROUP_FINISH
								     : ENROLL_GROUP_CANCEL };

	if (options->finish && options->cancel)
		return err_set(err, ERR_OPERATOR, 0, "a roll-over ends by --finish or by --cancel");
	return change_group(options, group_officer, &change,
			    options->finish ? "roll-finished" : "roll-cancelled", ret_exit, err);
}

static int roll(const struct options *options, int *ret_exit, struct err *err)
{
	struct enroll_group_change change = { .act = ENROLL_GROUP_ROLL, .new_ca = options->ca };
	BUF_AUTO(file, PKI_CHAIN_MAX);
	BUF_AUTO(pem, PKI_CHAIN_MAX);

	if (options->finish || options->cancel)
		return end_roll(options, ret_exit, err);
	if ((options->certificate != NULL) == (options->ca != NULL))
		return err_set(err, ERR_OPERATOR, 0,
			       "a group rolls over to --certificate FILE or --ca NAME; --finish ends it, "
			       "--cancel takes it back");
	if (options->certificate != NULL) {
		if (group_read_pem(options->certificate, &file, err) < 0 || group_ca_of(&file, &pem, err) < 0)
			return err_wrap(err, "%s", options->certificate);
		change.new_pem = buf_bytes(&pem);
	}
	return change_group(options, group_officer, &change, "rolled", ret_exit, err);
}

int enroll_command_group(const struct options *options, int *ret_exit, struct err *err)
{
	static const struct {
		const char *name;
		enroll_command_fn *run;
	} words[] = { { "create", group_create },
		      { "show", show },
		      { "disable", disable },
		      { "enable", enable },
		      { "roll", roll } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].name, options->args[1]) == 0)
			return words[i].run(options, ret_exit, err);
	return err_set(err, ERR_OPERATOR, 0,
		       "station enroll group: create PROFILE, show, disable, enable or roll GROUP");
}
