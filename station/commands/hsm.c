/*
 * station hsm list: does the token answer, and is every key of the
 * configuration there? station hsm import OBJECT: two officers bring in a key of
 * the service, typed or piped, once; afterwards only the token has it.
 * station hsm make-login OBJECT FILE: see hsm_login.h.
 * station hsm make-signing OBJECT: a key pair that signs, made in the token, where it stays.
 */
#include <inttypes.h>

#include "audit/audit.h"
#include "hsm/hsm.h"
#include "station/commands/acting.h"
#include "station/commands/ask.h"
#include "station/commands/commands.h"
#include "station/commands/hsm_login.h"
#include "station/conf.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/report.h"

struct token {
	struct conf *conf;
	struct hsm *hsm;
	struct hsm_session *session;
};

static void token_close(struct token *token)
{
	hsm_session_close(token->session);
	hsm_close(token->hsm);
	conf_free(token->conf);
}

static int token_open(const char *dir, struct token *token, int *ret_exit, struct err *err)
{
	struct hsm_conf conf;

	*ret_exit = EXIT_CONFIG;
	if (conf_load(dir, &token->conf, err) < 0)
		return -1;
	conf = (struct hsm_conf){ token->conf->module, token->conf->token, token->conf->pin_source };
	directory_use_softhsm(dir);
	*ret_exit = EXIT_NOT_TRUSTED;
	if (directory_mend_token(dir, err) < 0 || hsm_open(&conf, &token->hsm, err) < 0)
		return -1;
	return hsm_session_open(token->hsm, &token->session, err);
}

static int print_key(struct token *token, const char *what, const char *uri, bool json, bool *all,
		     struct err *err)
{
	bool found = false;

	if (uri[0] == '\0')
		return 0;
	if (hsm_key_exists(token->session, uri, &found, err) < 0)
		return err_wrap(err, "%s", what);
	*all = *all && found;
	if (json)
		(void)printf("{\"event\":\"key\",\"for\":\"%s\",\"present\":%s}\n", what,
			     found ? "true" : "false");
	else
		(void)printf("%-28s %-8s %s\n", what, found ? "present" : "MISSING", uri);
	return 0;
}

static int list(struct token *token, bool json, bool *ret_all, struct err *err)
{
	const struct conf *conf = token->conf;
	struct hsm_info info;

	*ret_all = true;
	if (hsm_info(token->hsm, &info, err) < 0)
		return -1;
	if (!json)
		(void)printf("token %s, %s %s, serial %s\n", info.label, info.manufacturer, info.model,
			     info.serial);
	if (print_key(token, "issuing-key", conf->issuing_key, json, ret_all, err) < 0 ||
	    print_key(token, "audit-key", conf->audit_key, json, ret_all, err) < 0 ||
	    print_key(token, "service key", conf->login.key, json, ret_all, err) < 0)
		return -1;
	for (size_t i = 0; i < conf->profiles_n; i++)
		if (print_key(token, conf->profiles[i].name, conf->profiles[i].group_key, json, ret_all,
			      err) < 0)
			return -1;
	return 0;
}

/* base64, as the service's portal shows it. */
static int ask_key(struct secret *ret_key, struct err *err)
{
	SECRET_AUTO text = { NULL, 0 };
	SECRET_AUTO key = { NULL, 0 };

	if (ask_secret("Key (base64)", &text, err) < 0 || ask_end(err) < 0 ||
	    secret_base64_decode(&text, &key, err) < 0)
		return -1;
	if (key.len < 16 || key.len > 64)
		return err_set(err, ERR_OPERATOR, 0,
			       "the key has %zu bytes; the service's keys have 16 to 64", key.len);
	*ret_key = key;
	key = (struct secret){ NULL, 0 };
	return 0;
}

static int append_entry(struct db_tx *tx, const char *kind, const char *station, const char *label,
			const struct witnesses *witnesses, struct err *err)
{
	struct audit_head head;
	char key[64];
	const struct audit_field fields[] = {
		{ "object", label },
		{ "witness_1", witnesses->first[0] != '\0' ? witnesses->first : NULL },
		{ "witness_2", witnesses->second[0] != '\0' ? witnesses->second : NULL },
		{ "station", station },
	};
	const struct audit_event event = { kind, key, fields, ARRAY_LEN(fields) };

	if (audit_head(tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "%s-%" PRId64, kind, head.size) < 0)
		return err_set(err, ERR_BUG, 0, "an audit key does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}

/* The key goes in before the entry is durable, so that no entry speaks of a key that never came. */
static int import(struct token *token, const char *dir, const char *label, struct err *err)
{
	CLEANUP(acting_close) struct acting acting = { 0 };
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	SECRET_AUTO key = { NULL, 0 };
	struct witnesses witnesses;

	if (acting_open(dir, &acting, err) < 0 || acting_two(&acting, ACT_CEREMONY, &witnesses, err) < 0 ||
	    ask_key(&key, err) < 0)
		return -1;
	if (db_begin(acting.db, &tx, err) < 0 ||
	    people_check_witnesses(&tx, ACT_CEREMONY, &witnesses, err) < 0 ||
	    append_entry(&tx, "key-imported", acting.conf->id, label, &witnesses, err) < 0 ||
	    hsm_key_import_hmac(token->session, label, &key, err) < 0)
		return -1;
	if (db_commit(&tx, err) < 0)
		return err_wrap(err, "%s is in the token, but not in the log", label);
	return 0;
}

static int make_signing(struct token *token, const char *dir, const char *label, struct err *err)
{
	CLEANUP(acting_close) struct acting acting = { 0 };
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct witnesses witnesses;

	if (acting_open(dir, &acting, err) < 0 || acting_two(&acting, ACT_CEREMONY, &witnesses, err) < 0 ||
	    db_begin(acting.db, &tx, err) < 0 ||
	    people_check_witnesses(&tx, ACT_CEREMONY, &witnesses, err) < 0 ||
	    append_entry(&tx, "key-made", acting.conf->id, label, &witnesses, err) < 0 ||
	    hsm_key_generate(token->session, HSM_KEY_EC_P256, label, err) < 0)
		return -1;
	if (db_commit(&tx, err) < 0)
		return err_wrap(err, "%s is in the token, but not in the log", label);
	return 0;
}

enum verb {
	VERB_NONE,
	VERB_LIST,
	VERB_IMPORT,
	VERB_MAKE_LOGIN,
	VERB_MAKE_SIGNING,
};

static enum verb verb_of(const struct options *options)
{
	static const struct {
		const char *name;
		size_t args_n;
		enum verb verb;
	} verbs[] = { { "list", 1, VERB_LIST },
		      { "import", 2, VERB_IMPORT },
		      { "make-login", 3, VERB_MAKE_LOGIN },
		      { "make-signing", 2, VERB_MAKE_SIGNING } };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (options->args_n == verbs[i].args_n && strcmp(options->args[0], verbs[i].name) == 0)
			return verbs[i].verb;
	return VERB_NONE;
}

static int perform(struct token *token, const struct options *options, bool *ret_all, struct err *err)
{
	switch (verb_of(options)) {
	case VERB_LIST:
		return list(token, options->json, ret_all, err);
	case VERB_IMPORT:
		return import(token, options->dir, options->args[1], err);
	case VERB_MAKE_LOGIN:
		return hsm_login_make(token->session, options->dir, options->args[1], options->args[2], err);
	case VERB_MAKE_SIGNING:
		return make_signing(token, options->dir, options->args[1], err);
	case VERB_NONE:
		break;
	}
	return -1;
}

static int run(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(token_close) struct token token = { 0 };
	bool all = true;

	*ret_exit = EXIT_CONFIG;
	if (verb_of(options) == VERB_NONE)
		return err_set(err, ERR_OPERATOR, 0,
			       "usage: station hsm list | import OBJECT | make-login OBJECT FILE | "
			       "make-signing OBJECT");
	if (token_open(options->dir, &token, ret_exit, err) < 0)
		return -1;
	if (perform(&token, options, &all, err) < 0) {
		/* The token answers; what is wrong is the key that came in, or its name. */
		if (err->class < ERR_STATION)
			*ret_exit = EXIT_CONFIG;
		return -1;
	}
	*ret_exit = all ? EXIT_DONE : EXIT_IN_PART;
	return 0;
}

int command_hsm(const struct options *options)
{
	struct err err = { 0 };
	int status;

	if (run(options, &status, &err) < 0)
		report_error(options->json, &err);
	return status;
}
