/* station audit show, station audit verify, station audit key. */
#include "audit/audit.h"

#include "base/encode.h"
#include "station/commands/commands.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/report.h"
#include "station/vouch.h"

/* An entry is canonical JSON already: one line each, for people and programs alike. */
static int show_one(void *arg, int64_t index, struct bytes entry, struct err *err)
{
	(void)arg;
	(void)index;
	if (fwrite(entry.p, 1, entry.len, stdout) != entry.len || fputc('\n', stdout) == EOF)
		return err_set(err, ERR_OPERATOR, 0, "standard output can't be written");
	return 0;
}

static void print_verdict(const struct audit_verdict *v, bool json)
{
	char root[HEX_LEN(SHA256_LEN) + 1] = "";

	if (hex_encode(BYTES_ARRAY(v->head.root), root, sizeof(root)) < 0)
		return;
	if (json)
		(void)printf(
			"{\"event\":\"audit\",\"whole\":%s,\"entries\":%lld,\"root\":\"%s\",\"bad\":%lld,"
			"\"reason\":\"%s\"}\n",
			v->bad_index < 0 ? "true" : "false", (long long)v->head.size, root,
			(long long)v->bad_index, v->reason);
	else if (v->bad_index < 0)
		(void)printf("The log is whole: %lld entries, root %s\n", (long long)v->head.size, root);
	else
		(void)printf("THE LOG WAS CHANGED. First bad entry: %lld: %s\n"
			     "Keep the station directory as it is and call the security officer.\n",
			     (long long)v->bad_index, v->reason);
}

/* What another station is handed, so that it takes what this one signs (station enroll trust). */
static int show_key(const struct options *options, struct err *err)
{
	CLEANUP(conf_freep) struct conf *conf = NULL;
	BUF_AUTO(text, VOUCH_TEXT_MAX);
	VOUCH_AUTO(vouch);
	char sha[HEX_LEN(SHA256_LEN) + 1] = "";

	if (conf_load(options->dir, &conf, err) < 0 || vouch_open_key(options->dir, conf, &vouch, err) < 0 ||
	    vouch_text(conf->id, buf_bytes(&vouch.spki), &text, err) < 0 ||
	    hex_encode(BYTES_ARRAY(vouch.key_sha256), sha, sizeof(sha)) < 0)
		return -1;
	if (options->json)
		(void)printf("{\"event\":\"key\",\"station\":\"%s\",\"key_sha256\":\"%s\"}\n", conf->id, sha);
	else
		(void)fwrite(text.p, 1, text.len, stdout);
	return 0;
}

static int run(const struct options *options, bool *ret_whole, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct audit_verdict verdict;

	*ret_whole = true;
	if (options->args_n != 1 ||
	    (strcmp(options->args[0], "show") != 0 && strcmp(options->args[0], "verify") != 0 &&
	     strcmp(options->args[0], "key") != 0))
		return err_set(err, ERR_OPERATOR, 0, "usage: station audit show | verify | key");
	if (strcmp(options->args[0], "key") == 0)
		return show_key(options, err);
	if (directory_open_db_readonly(options->dir, &db, err) < 0)
		return -1;
	if (strcmp(options->args[0], "show") == 0)
		return audit_each(db, 0, show_one, NULL, err);
	if (audit_verify(db, &verdict, err) < 0)
		return -1;
	print_verdict(&verdict, options->json);
	*ret_whole = verdict.bad_index < 0;
	return 0;
}

int command_audit(const struct options *options)
{
	struct err err = { 0 };
	bool whole;

	if (run(options, &whole, &err) == 0)
		return whole ? EXIT_DONE : EXIT_NOT_TRUSTED;
	report_error(options->json, &err);
	return err.class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_CONFIG;
}
