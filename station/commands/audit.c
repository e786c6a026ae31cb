/* station audit show, station audit verify. */
#include "audit/audit.h"

#include "base/encode.h"
#include "station/commands/commands.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/report.h"

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

static int run(const struct options *options, bool *ret_whole, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct audit_verdict verdict;

	*ret_whole = true;
	if (options->args_n != 1 ||
	    (strcmp(options->args[0], "show") != 0 && strcmp(options->args[0], "verify") != 0))
		return err_set(err, ERR_OPERATOR, 0, "usage: station audit show | verify");
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
