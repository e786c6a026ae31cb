/*
 * Printing. Texts from devices were made printable where they entered (error
 * texts, checked serials), and JSON goes through jansson, so nothing a device
 * says can act on the terminal.
 */
#include "station/report.h"

#include <stdarg.h>
#include <stdlib.h>

#include <jansson.h>

static void print_json(json_t *object)
{
	char *text = object != NULL
			     ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6))
			     : NULL;

	if (text != NULL)
		(void)puts(text);
	(void)fflush(stdout);
	free(text);
	json_decref(object);
}

/* A line that somebody waits for, also behind a pipe. */
static void PRINTF(1, 2) print_line(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vprintf(fmt, args);
	va_end(args);
	(void)fflush(stdout);
}

/* Paths and system messages may hold bytes that are no UTF-8, which JSON can't carry. */
static json_t *text_of(const char *text)
{
	char plain[512];
	json_t *string = json_string(text);

	if (string != NULL)
		return string;
	str_clip(plain, sizeof(plain), text);
	for (char *c = plain; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(plain);
}

const char *report_advice(enum err_class class)
{
	switch (class) {
	case ERR_RETRY:
		return "Seat the unit again.";
	case ERR_UNIT:
		return "Put the unit aside.";
	case ERR_OPERATOR:
		return "Correct it, then try again.";
	case ERR_STATION:
		return "Nothing more is issued. Call the line lead.";
	case ERR_BUG:
		return "Stop and keep the station directory as it is; this is a fault of the program.";
	case ERR_NONE:
		break;
	}
	return "";
}

void report_error(bool json, const struct err *err)
{
	char text[sizeof(err->what) + sizeof(err->where) + 3];

	(void)err_text(err, text, sizeof(text));
	if (json)
		print_json(json_pack("{s:s, s:s, s:o, s:s}", "event", "error", "class",
				     err_class_name(err->class), "text", text_of(text), "advice",
				     report_advice(err->class)));
	else
		(void)fprintf(stderr, "station: %s\n         %s\n", text, report_advice(err->class));
}

/* Only what differs from kind to kind: how a line and an object of it look, and what it counts as. */
static void print_unit(const struct event *e, const char *result)
{
	(void)printf("slot %-3s %-28s %-8s %-9s %6.1f s\n", e->slot, e->serial, result,
		     attest_name(e->attest), e->elapsed_ms / 1000.0);
	if (e->text[0] != '\0')
		(void)printf("         %s\n         %s\n", e->text, report_advice(e->class));
	(void)fflush(stdout);
}

static void json_unit(const struct event *e, const char *result)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f}", "event", "unit", "result", result,
				   "slot", e->slot, "serial", e->serial, "registrationId", e->registration_id,
				   "attest", attest_name(e->attest), "seconds", e->elapsed_ms / 1000.0);

	if (e->operator_id[0] != '\0')
		(void)json_object_set_new(object, "operator", json_string(e->operator_id));
	if (e->text[0] != '\0') {
		(void)json_object_set_new(object, "class", json_string(err_class_name(e->class)));
		(void)json_object_set_new(object, "step", json_string(e->step));
		(void)json_object_set_new(object, "text", text_of(e->text));
	}
	print_json(object);
}

static void report_unit(bool json, const struct event *e, const char *result)
{
	if (json)
		json_unit(e, result);
	else
		print_unit(e, result);
}

static void report_progress(bool json, const struct event *e, const char *name)
{
	/* On a terminal a line per unit is enough; programs get every step. */
	if (json)
		print_json(json_pack("{s:s, s:s, s:s, s:s}", "event", name, "slot", e->slot, "serial",
				     e->serial, "step", e->step));
}

static void report_step(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "event", "step", "slot", e->slot,
				     "serial", e->serial, "step", e->step, "index", (int)e->step_index, "of",
				     (int)e->steps_n));
}

static void report_port(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:s, s:o}", "event", "port", "slot", e->slot, "text",
				     text_of(e->text)));
	else
		(void)printf("slot %-3s %s\n", e->slot, e->text);
}

static void report_service(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:b, s:o}", "event", "service", "reachable", e->reachable, "text",
				     text_of(e->text)));
	else
		(void)printf("service  %s%s%s\n", e->reachable ? "reachable" : "not reachable, records wait",
			     e->text[0] != '\0' ? ": " : "", e->text);
}

static void report_sync(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:i, s:i, s:i}", "event", "sync", "enrolled", (int)e->enrolled,
				     "retried", (int)e->retried, "quarantined", (int)e->quarantined));
	else if (e->quarantined > 0)
		(void)printf("service  refused %u records; see: station enroll list\n", e->quarantined);
}

static void report_wait(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:s, s:s, s:s}", "event", "wait", "slot", e->slot, "serial",
				     e->serial, "for", wait_name(e->wait)));
	else
		print_line("slot %-3s %-28s waits for: %s\n", e->slot, e->serial, wait_name(e->wait));
}

static void report_scan(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:s, s:s, s:o}", "event", "scan", "fate", scan_fate_name(e->fate),
				     "slot", e->slot, "text", text_of(e->text)));
	else
		print_line("scan     %s%s%s: %s\n", scan_fate_name(e->fate),
			   e->slot[0] != '\0' ? ", slot " : "", e->slot, e->text);
}

static void report_operator(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:s, s:o, s:s, s:s}", "event", "operator", "operator",
				     e->operator_id, "name", text_of(e->operator_name), "role", e->role,
				     "why", e->text));
	else if (e->operator_id[0] != '\0')
		print_line("operator %s, %s\n", e->operator_id, e->role);
	else
		print_line("operator nobody: scan a badge to log in\n");
}

void report_dialog(bool json, const struct desk_dialog *dialog)
{
	bool wrong = dialog->verdict == PEOPLE_WRONG_PIN;

	if (json)
		print_json(json_pack("{s:s, s:s, s:s, s:b, s:i}", "event", "ask", "for", "pin", "operator",
				     dialog->operator_id, "wrong", wrong, "triesLeft",
				     (int)dialog->tries_left));
	else if (wrong)
		print_line("PIN      wrong, %u tries left. PIN of %s:\n", dialog->tries_left,
			   dialog->operator_id);
	else
		print_line("PIN      of %s:\n", dialog->operator_id);
}

static void report_hsm(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:b, s:o}", "event", "hsm", "reachable", e->reachable, "text",
				     text_of(e->text)));
	else
		print_line("HSM      %s: %s\n", e->reachable ? "reachable" : "not reachable", e->text);
}

/* On a terminal the summary is enough; programs get the counts each time. */
static void report_queue(bool json, const struct event *e)
{
	if (json)
		print_json(json_pack("{s:s, s:I, s:I}", "event", "queue", "waiting", (json_int_t)e->waiting,
				     "quarantined", (json_int_t)e->refused));
}

static void report_other(bool json, const struct event *e)
{
	switch (e->kind) {
	case EVENT_SEATED:
		report_progress(json, e, "seated");
		break;
	case EVENT_STEP:
		report_step(json, e);
		break;
	case EVENT_FREE:
		report_progress(json, e, "free");
		break;
	case EVENT_PORT:
		report_port(json, e);
		break;
	case EVENT_SERVICE:
		report_service(json, e);
		break;
	case EVENT_SYNC:
		report_sync(json, e);
		break;
	case EVENT_WAIT:
		report_wait(json, e);
		break;
	case EVENT_SCAN:
		report_scan(json, e);
		break;
	case EVENT_OPERATOR:
		report_operator(json, e);
		break;
	case EVENT_HSM:
		report_hsm(json, e);
		break;
	case EVENT_QUEUE:
		report_queue(json, e);
		break;
	case EVENT_PASS:
	case EVENT_FAIL:
	case EVENT_ALREADY:
	case EVENT_STOP:
		break;
	}
}

void report_event(bool json, const struct event *e)
{
	switch (e->kind) {
	case EVENT_PASS:
		report_unit(json, e, "PASS");
		break;
	case EVENT_ALREADY:
		report_unit(json, e, "ALREADY");
		break;
	case EVENT_FAIL:
		report_unit(json, e, "FAIL");
		break;
	case EVENT_STOP:
		report_unit(json, e, "STOP");
		break;
	case EVENT_SEATED:
	case EVENT_STEP:
	case EVENT_PORT:
	case EVENT_SERVICE:
	case EVENT_SYNC:
	case EVENT_WAIT:
	case EVENT_FREE:
	case EVENT_SCAN:
	case EVENT_OPERATOR:
	case EVENT_HSM:
	case EVENT_QUEUE:
		report_other(json, e);
		break;
	}
}

void tally_add(struct tally *tally, const struct event *e)
{
	tally->passed += e->kind == EVENT_PASS ? 1 : 0;
	tally->failed += e->kind == EVENT_FAIL ? 1 : 0;
	tally->stopped += e->kind == EVENT_STOP ? 1 : 0;
}

void report_summary(bool json, const struct summary *s)
{
	if (json) {
		print_json(json_pack("{s:s, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:f}", "event", "summary",
				     "units", (int)s->units, "passed", (int)s->passed, "failed",
				     (int)s->failed, "enrolled", (json_int_t)s->enrolled, "group",
				     (json_int_t)s->group, "pending", (json_int_t)s->pending, "quarantined",
				     (json_int_t)s->quarantined, "audit_entries",
				     (json_int_t)s->audit_entries, "seconds", s->seconds));
		return;
	}
	(void)printf("\n%u units: %u passed, %u failed. Service: %lld enrolled, %lld through their group, "
		     "%lld pending, %lld quarantined. Audit log: %lld entries. %.1f s.\n",
		     s->units, s->passed, s->failed, (long long)s->enrolled, (long long)s->group,
		     (long long)s->pending, (long long)s->quarantined, (long long)s->audit_entries,
		     s->seconds);
}
