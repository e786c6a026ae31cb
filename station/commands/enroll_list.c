/* station enroll list [--all], station enroll retry [REGISTRATION-ID]. */
#include "enroll/enroll.h"

#include <stdlib.h>

#include <jansson.h>

#include "station/commands/enroll.h"
#include "station/directory.h"
#include "station/exit.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

/* rows on a screen */
#define QUARANTINED_MAX 8
#define WAITING_MAX     5

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "?";
}

/* The first field that differs is in the reason already. */
static void print_fields(const json_t *fields)
{
	for (size_t i = 1; i < json_array_size(fields); i++) {
		const json_t *field = json_array_get(fields, i), *more = json_object_get(field, "more");

		if (more != NULL)
			(void)printf("    and %lld more\n", (long long)json_integer_value(more));
		else
			(void)printf("    %s: ours is %s, the service has %s\n", text_of(field, "field"),
				     text_of(field, "ours"), text_of(field, "service"));
	}
}

static void print_json(const struct enroll_row *row, json_t *fields)
{
	char at[CLOCK_ISO_LEN + 1], next[CLOCK_ISO_LEN + 1];
	CLEANUP(json_freep) json_t *object = NULL;
	char *text;

	clock_iso8601(row->changed_ms, at);
	clock_iso8601(row->next_ms, next);
	object =
		json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s?, s:O*, s:s*, s:s*, s:s*}", "event", "record",
			  "job", row->job, "registrationId", row->registration_id, "state",
			  enroll_state_name(row->state), "attempts", (json_int_t)row->attempts, "changed", at,
			  "reason", row->reason, "difference", fields, "next", row->next_ms > 0 ? next : NULL,
			  "droppedBy", row->dropped_by, "droppedWhy", row->dropped_why);
	text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	if (text != NULL)
		(void)puts(text);
	free(text);
}

static void print_row(const struct enroll_row *row, const char *when)
{
	(void)printf("  %-52s %-11s %s%s%s\n", row->registration_id, enroll_state_name(row->state), when,
		     row->reason != NULL ? "  " : "", row->reason != NULL ? row->reason : "");
	if (row->dropped_why != NULL)
		(void)printf("    given up%s%s: %s\n", row->dropped_by != NULL ? " by " : "",
			     row->dropped_by != NULL ? row->dropped_by : "", row->dropped_why);
}

static json_t *fields_of(const struct enroll_row *row)
{
	return row->difference != NULL ? json_loads(row->difference, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static int list_json(void *arg, const struct enroll_row *row, struct err *err)
{
	CLEANUP(json_freep) json_t *fields = fields_of(row);

	(void)arg, (void)err;
	print_json(row, fields);
	return 0;
}

static int list_dated(void *arg, const struct enroll_row *row, struct err *err)
{
	CLEANUP(json_freep) json_t *fields = fields_of(row);
	char at[CLOCK_ISO_LEN + 1];

	(void)arg, (void)err;
	clock_iso8601(row->changed_ms, at);
	print_row(row, at);
	print_fields(fields);
	return 0;
}

/* "3 h": one unit is enough. */
static void span(int64_t ms, char *out, size_t cap)
{
	long long s = ms > 0 ? ms / 1000 : 0;
	int rc;

	if (s < 120)
		rc = str_format(out, cap, "%lld s", s);
	else if (s < 7200)
		rc = str_format(out, cap, "%lld min", s / 60);
	else if (s < 2 * 86400)
		rc = str_format(out, cap, "%lld h", s / 3600);
	else
		rc = str_format(out, cap, "%lld days", s / 86400);
	if (rc < 0)
		out[0] = '\0';
}

/* What a screen has room for, of a state. */
struct part {
	size_t shown, most;
};

static int list_part(void *arg, const struct enroll_row *row, struct err *err)
{
	CLEANUP(json_freep) json_t *fields = fields_of(row);
	struct part *part = arg;
	char age[40], when[64];

	if (part->shown == part->most ||
	    (row->state != ENROLL_QUARANTINED && row->state != ENROLL_QUEUED && row->state != ENROLL_RETRY))
		return 0;
	if (row->state == ENROLL_RETRY) {
		span(row->next_ms - clock_wall_ms(), age, sizeof(age));
		if (str_format(when, sizeof(when), "again in %s", age) < 0)
			return err_set(err, ERR_BUG, 0, "a time does not fit");
	} else {
		span(clock_wall_ms() - row->changed_ms, age, sizeof(age));
		if (str_format(when, sizeof(when), "since %s", age) < 0)
			return err_set(err, ERR_BUG, 0, "a time does not fit");
	}
	part->shown++;
	print_row(row, when);
	print_fields(fields);
	return 0;
}

static void print_rest(const struct part *part, int64_t n)
{
	if (n > (int64_t)part->shown)
		(void)printf("  and %lld more; all: station enroll list --all\n",
			     (long long)n - (long long)part->shown);
}

static int list_quarantined(struct db *db, const struct enroll_counts *counts, struct err *err)
{
	const size_t n =
		counts->quarantined < QUARANTINED_MAX ? (size_t)counts->quarantined : QUARANTINED_MAX;
	struct part part = { 0, n };

	if (n == 0)
		return 0;
	(void)printf("\nquarantined: a person decides; station enroll release | drop REGISTRATION-ID "
		     "--reason TEXT\n");
	if (enroll_each_waiting(db, n, list_part, &part, err) < 0)
		return -1;
	print_rest(&part, counts->quarantined);
	return 0;
}

static int list_next(struct db *db, enum enroll_state state, int64_t n, const char *title, struct err *err)
{
	struct part part = { 0, WAITING_MAX };

	if (n == 0)
		return 0;
	(void)printf("\n%s\n", title);
	if (enroll_each_next(db, state, WAITING_MAX, list_part, &part, err) < 0)
		return -1;
	print_rest(&part, n);
	return 0;
}

static void print_counts(bool json, const struct enroll_counts *n)
{
	if (json)
		(void)printf("{\"event\":\"records\",\"queued\":%lld,\"carried\":%lld,\"sending\":%lld,"
			     "\"retry\":%lld,\"quarantined\":%lld,\"enrolled\":%lld,\"dropped\":%lld}\n",
			     (long long)n->queued, (long long)n->carried, (long long)n->sending,
			     (long long)n->retry, (long long)n->quarantined, (long long)n->enrolled,
			     (long long)n->dropped);
	else
		(void)printf("%lld queued, %lld being sent, %lld to be tried again, %lld quarantined; "
			     "%lld in the service, %lld given up\n",
			     (long long)n->queued, (long long)n->sending, (long long)n->retry,
			     (long long)n->quarantined, (long long)n->enrolled, (long long)n->dropped);
	if (!json && n->carried > 0)
		(void)printf("%lld of the queued are with a carrier: station enroll batches\n",
			     (long long)n->carried);
}

/* One screen: what is not in the service yet, and why. */
static int list_screen(struct db *db, const struct enroll_counts *counts, struct err *err)
{
	if (list_quarantined(db, counts, err) < 0 ||
	    list_next(db, ENROLL_RETRY, counts->retry, "tried again", err) < 0 ||
	    list_next(db, ENROLL_QUEUED, counts->queued, "queued, the oldest first", err) < 0)
		return -1;
	return 0;
}

int enroll_command_list(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct enroll_counts counts = { 0 };
	enroll_visit_fn *visit = options->json ? list_json : list_dated;

	if (directory_open_db_readonly(options->dir, &db, err) < 0 || enroll_count(db, &counts, err) < 0)
		return -1;
	print_counts(options->json, &counts);
	if (!options->json && !options->all && list_screen(db, &counts, err) < 0)
		return -1;
	if ((options->json || options->all) && enroll_each(db, !options->all, visit, NULL, err) < 0)
		return -1;
	if (options->all && enroll_each_dropped(db, visit, NULL, err) < 0)
		return -1;
	*ret_exit = EXIT_DONE;
	return 0;
}

int enroll_command_retry(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int64_t n = 0;

	/* Read-only first: a wrong --dir must not make a database. */
	if (directory_open_db_readonly(options->dir, &db, err) < 0)
		return -1;
	db_close(db);
	db = NULL;
	if (directory_open_db(options->dir, &db, err) < 0 ||
	    enroll_requeue(db, clock_wall_ms(), options->args_n == 2 ? options->args[1] : NULL, &n, err) < 0)
		return -1;
	if (options->args_n == 2 && n == 0)
		return err_set(err, ERR_OPERATOR, 0, "no record of %s waits to be tried again",
			       options->args[1]);
	if (options->json)
		(void)printf("{\"event\":\"retry\",\"records\":%lld}\n", (long long)n);
	else
		(void)printf("%lld records are queued again\n", (long long)n);
	*ret_exit = EXIT_DONE;
	return 0;
}
