/* station enroll list, station enroll retry [REGISTRATION-ID]. */
#include "enroll/enroll.h"

#include <stdlib.h>

#include <jansson.h>

#include "station/commands/enroll.h"
#include "station/directory.h"
#include "station/exit.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

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

static void print_json(const struct enroll_row *row, const char *at, json_t *fields)
{
	CLEANUP(json_freep)
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s?, s:O*}", "event", "record", "job",
				   row->job, "registrationId", row->registration_id, "state",
				   enroll_state_name(row->state), "attempts", (json_int_t)row->attempts,
				   "changed", at, "reason", row->reason, "difference", fields);
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	if (text != NULL)
		(void)puts(text);
	free(text);
}

static int list_one(void *arg, const struct enroll_row *row, struct err *err)
{
	const struct options *options = arg;
	char at[CLOCK_ISO_LEN + 1];
	CLEANUP(json_freep) json_t *fields = NULL;

	(void)err;
	if (row->difference != NULL)
		fields = json_loads(row->difference, JSON_REJECT_DUPLICATES, NULL);
	clock_iso8601(row->changed_ms, at);
	if (options->json) {
		print_json(row, at, fields);
		return 0;
	}
	(void)printf("%-54s %-11s %s%s%s\n", row->registration_id, enroll_state_name(row->state), at,
		     row->reason != NULL ? "  " : "", row->reason != NULL ? row->reason : "");
	print_fields(fields);
	return 0;
}

int enroll_command_list(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct options copy = *options;

	if (directory_open_db_readonly(options->dir, &db, err) < 0)
		return -1;
	if (enroll_each(db, false, list_one, &copy, err) < 0)
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
		return err_set(err, ERR_OPERATOR, 0, "no record of %s waits or was refused",
			       options->args[1]);
	if (options->json)
		(void)printf("{\"event\":\"retry\",\"records\":%lld}\n", (long long)n);
	else
		(void)printf("%lld records are queued again\n", (long long)n);
	*ret_exit = EXIT_DONE;
	return 0;
}
