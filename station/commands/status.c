/* station status: one look, also beside a running station. Reads counters only, so it is quick with a million rows. */
#include "audit/audit.h"
#include "enroll/enroll.h"
#include "station/commands/commands.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/journal.h"
#include "station/report.h"

struct look {
	struct journal_counts units;
	struct enroll_counts records;
	struct audit_head head;
};

static int read_look(struct db *db, struct look *ret, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };

	if (journal_count(db, &ret->units, err) < 0 || enroll_count(db, &ret->records, err) < 0)
		return -1;
	db_read_begin(db, &tx);
	return audit_head(&tx, &ret->head, err);
}

static void print_look(const struct look *look, bool json)
{
	const struct enroll_counts *r = &look->records;
	long long pending = (long long)(r->queued + r->sending + r->retry);

	if (json)
		(void)printf("{\"event\":\"status\",\"passed\":%lld,\"open\":%lld,\"failed\":%lld,"
			     "\"enrolled\":%lld,\"pending\":%lld,\"carried\":%lld,\"quarantined\":%lld,"
			     "\"audit_entries\":%lld}\n",
			     (long long)look->units.passed, (long long)look->units.open,
			     (long long)look->units.failed, (long long)r->enrolled, pending,
			     (long long)r->carried, (long long)r->quarantined, (long long)look->head.size);
	else
		(void)printf("units    %lld passed, %lld begun, %lld failed\n"
			     "service  %lld enrolled, %lld wait (%lld with a carrier), %lld quarantined\n"
			     "audit    %lld entries\n",
			     (long long)look->units.passed, (long long)look->units.open,
			     (long long)look->units.failed, (long long)r->enrolled, pending,
			     (long long)r->carried, (long long)r->quarantined, (long long)look->head.size);
}

int command_status(const struct options *options)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct err err = { 0 };
	struct look look;

	if (directory_open_db_readonly(options->dir, &db, &err) < 0 || read_look(db, &look, &err) < 0) {
		report_error(options->json, &err);
		return err.class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_CONFIG;
	}
	print_look(&look, options->json);
	return EXIT_DONE;
}
