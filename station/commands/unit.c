/* station unit list, station unit show SERIAL, station unit release SERIAL --reason TEXT. */
#include <stdlib.h>

#include <jansson.h>

#include "station/commands/acting.h"
#include "station/commands/commands.h"
#include "station/commands/unit_recall.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/journal.h"
#include "station/report.h"

static void print_json(const struct journal_unit *u, const struct pki_cert_info *cert)
{
	char started[CLOCK_ISO_LEN + 1];
	json_t *object;
	char *text;

	clock_iso8601(u->started_ms, started);
	object = json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s?, s:s?}",
			   "event", "unit", "serial", u->serial, "model", u->model, "hwid", u->hwid,
			   "registrationId", u->registration_id, "profile", u->profile, "attest", u->attest,
			   "slot", u->slot, "state", u->state, "job", (json_int_t)u->job, "attempts",
			   (json_int_t)u->attempts, "started", started, "cause", u->cause, "operator",
			   u->operator_id);
	if (object != NULL && cert != NULL)
		(void)json_object_set_new(object, "certificateSerial", json_string(cert->serial_hex));
	text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	if (text != NULL)
		(void)puts(text);
	free(text);
	json_decref(object);
}

static int list_one(void *arg, const struct journal_unit *u, struct err *err)
{
	const struct options *options = arg;

	(void)err;
	if (options->json)
		print_json(u, NULL);
	else
		(void)printf("%-28s %-8s %-9s slot %-3s %s%s%s\n", u->serial, u->state, u->attest, u->slot,
			     u->cause != NULL ? u->step : "", u->cause != NULL ? ": " : "",
			     u->cause != NULL ? u->cause : "");
	return 0;
}

static void print_unit(const struct journal_unit *u, const struct pki_cert_info *cert)
{
	char at[CLOCK_ISO_LEN + 1];

	clock_iso8601(u->finished_ms != 0 ? u->finished_ms : u->started_ms, at);
	(void)printf("serial           %s\nmodel            %s\nhardware ID      %s\n"
		     "registration ID  %s\nprofile          %s (%s)\nstate            %s, step %s, slot %s\n"
		     "job              %lld, %lld failed attempts\ntime             %s\n",
		     u->serial, u->model, u->hwid, u->registration_id != NULL ? u->registration_id : "-",
		     u->profile, u->attest, u->state, u->step, u->slot, (long long)u->job,
		     (long long)u->attempts, at);
	if (u->operator_id != NULL)
		(void)printf("operator         %s\n", u->operator_id);
	if (u->cause != NULL)
		(void)printf("cause            %s\n", u->cause);
	if (cert != NULL)
		(void)printf("certificate      serial %s, issued by %s\n", cert->serial_hex, cert->issuer_cn);
}

static int show_one(void *arg, const struct journal_unit *u, struct err *err)
{
	const struct options *options = arg;
	struct pki_cert_info cert;
	bool has_cert = u->leaf.len > 0;

	if (has_cert && pki_cert_info(u->leaf, &cert, err) < 0)
		return err_wrap(err, "certificate of unit %s", u->serial);
	if (options->json)
		print_json(u, has_cert ? &cert : NULL);
	else
		print_unit(u, has_cert ? &cert : NULL);
	return 0;
}

/* Two people, and the log names them; the unit begins a new job when it is seated again. */
static int release(const struct options *options, struct err *err)
{
	CLEANUP(acting_close) struct acting acting = { 0 };
	struct witnesses witnesses;
	struct journal_release release = {
		.serial = options->args[1],
		.reason = options->reason,
		.witnesses = &witnesses,
	};
	int64_t job = 0;

	if (options->reason == NULL)
		return err_set(err, ERR_OPERATOR, 0, "the log must say why: --reason TEXT");
	if (acting_open(options->dir, &acting, err) < 0 ||
	    acting_two(&acting, ACT_RELEASE, &witnesses, err) < 0)
		return -1;
	release.station = acting.conf->id;
	release.at_ms = clock_wall_ms();
	if (journal_release(acting.db, &release, &job, err) < 0)
		return -1;
	if (options->json)
		(void)printf("{\"event\":\"released\",\"job\":%lld}\n", (long long)job);
	else
		(void)printf("Job %lld of unit %s is released; seat the unit again.\n", (long long)job,
			     options->args[1]);
	return 0;
}

static int run(const struct options *options, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	bool show = options->args_n == 2 && strcmp(options->args[0], "show") == 0;
	bool list = options->args_n == 1 && strcmp(options->args[0], "list") == 0;
	struct options copy = *options;
	struct recall recall;
	int64_t n = 0;

	if (options->args_n == 2 && strcmp(options->args[0], "release") == 0)
		return release(options, err);
	if (!show && !list)
		return err_set(err, ERR_OPERATOR, 0,
			       "usage: station unit list | show SERIAL | release SERIAL --reason TEXT");
	if (unit_recall_of(options, &recall, err) < 0 ||
	    directory_open_db_readonly(options->dir, &db, err) < 0)
		return -1;
	if (list)
		return recall_each(db, &recall, list_one, &copy, &n, err);
	if (journal_each(db, options->args[1], show_one, &copy, &n, err) < 0)
		return -1;
	if (n == 0)
		return err_set(err, ERR_OPERATOR, 0, "no unit %s is known here", options->args[1]);
	return 0;
}

int command_unit(const struct options *options)
{
	struct err err = { 0 };

	if (run(options, &err) == 0)
		return EXIT_DONE;
	report_error(options->json, &err);
	return err.class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_CONFIG;
}
