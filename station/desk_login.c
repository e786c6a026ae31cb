/*
 * Who works here. Whoever comes and goes is in the log before the line hears of
 * it. Somebody who logs in while another is logged in takes the shift over: units
 * that run keep the operator they began with, and none is stopped.
 */
#include "station/desk_internal.h"

#include "audit/audit.h"

void desk_note_operator(struct desk *desk, const char *why)
{
	struct event event = { .kind = EVENT_OPERATOR };
	const struct person *person = &desk->who;

	if (person->id[0] != '\0') {
		str_clip(event.operator_id, sizeof(event.operator_id), person->id);
		str_clip(event.operator_name, sizeof(event.operator_name), person->name);
		str_clip(event.role, sizeof(event.role), role_name(person->role));
		str_clip(event.language, sizeof(event.language), person->language);
	}
	str_clip(event.text, sizeof(event.text), why);
	mailbox_note(desk->conf.events, &event);
}

/* The log's size makes the key: the same person comes every day. */
static int record(struct desk *desk, const char *kind, const struct audit_field *fields, size_t n,
		  struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct audit_head head;
	char key[64];
	const struct audit_event event = { kind, key, fields, n };

	if (db_begin(desk->conf.db, &tx, err) < 0 || audit_head(&tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "%s-%lld", kind, (long long)head.size) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	if (audit_append(&tx, clock_wall_ms(), &event, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

static int record_login(struct desk *desk, const struct person *person, const char *how, struct err *err)
{
	const char *from = desk->who.id;
	const char *station = desk->conf.conf->id, *role = role_name(person->role);
	const struct audit_field came[] = {
		{ "operator", person->id }, { "role", role }, { "how", how }, { "station", station }
	};
	const struct audit_field handed[] = {
		{ "from", from }, { "to", person->id }, { "operator", person->id },
		{ "role", role }, { "how", how },       { "station", station }
	};

	if (from[0] == '\0')
		return record(desk, "operator-logged-in", came, ARRAY_LEN(came), err);
	return record(desk, "shift-handed-over", handed, ARRAY_LEN(handed), err);
}

static void set_operator(struct desk *desk, const struct person *person, const char *why)
{
	(void)pthread_mutex_lock(&desk->lock);
	desk->who = *person;
	desk->demanded = desk->demanded || person->id[0] != '\0';
	(void)pthread_mutex_unlock(&desk->lock);
	desk_note_operator(desk, why);
}

static int log_in(struct desk *desk, const struct person *person, const char *how, struct err *err)
{
	desk_end_dialog(desk);
	if (strcmp(desk->who.id, person->id) == 0)
		return 0;
	if (record_login(desk, person, how, err) < 0)
		return err_wrap(err, "audit");
	set_operator(desk, person, how);
	return 0;
}

int desk_log_out(struct desk *desk, const char *why, struct err *err)
{
	const struct person nobody = { 0 };
	const struct audit_field fields[] = { { "operator", desk->who.id },
					      { "why", why },
					      { "station", desk->conf.conf->id } };

	if (desk->who.id[0] == '\0')
		return 0;
	if (record(desk, "operator-logged-out", fields, ARRAY_LEN(fields), err) < 0)
		return err_wrap(err, "audit");
	set_operator(desk, &nobody, why);
	return 0;
}

int desk_logout(struct desk *desk, struct err *err)
{
	desk_touch(desk);
	desk_end_dialog(desk);
	return desk_outlast(desk, SCAN_BUSY, desk_log_out(desk, "asked", err), err);
}

static void ask(struct desk *desk, enum desk_asks asks, const char *id, enum people_verdict verdict)
{
	desk->dialog = (struct desk_dialog){ .asks = asks, .verdict = verdict };
	str_clip(desk->dialog.operator_id, sizeof(desk->dialog.operator_id), id);
	desk->asked_ms = desk_now_ms(desk);
}

void desk_end_dialog(struct desk *desk)
{
	ask(desk, DESK_ASKS_NOTHING, "", PEOPLE_WELCOME);
	desk->by_badge = false;
}

/* Who has no way on: a badge is told as a scan, an ID where it was typed. */
static void turn_away(struct desk *desk, enum people_verdict verdict)
{
	const char *why = verdict == PEOPLE_LOCKED ? "locked after too many wrong PINs"
						   : "nobody who may work here has this badge";
	bool by_badge = desk->by_badge;

	desk_end_dialog(desk);
	if (by_badge)
		desk_note_scan(desk, SCAN_UNKNOWN, NULL, why);
	else
		ask(desk, DESK_ASKS_ID, "", verdict);
}

int desk_take_badge(struct desk *desk, struct bytes badge, struct err *err)
{
	enum people_verdict verdict = PEOPLE_UNKNOWN;
	struct person person = { 0 };

	if (people_ask_badge(desk->conf.db, badge, &person, &verdict, err) < 0)
		return err_wrap(err, "people");
	desk_end_dialog(desk);
	desk->by_badge = true;
	switch (verdict) {
	case PEOPLE_WELCOME:
		return log_in(desk, &person, "badge", err);
	case PEOPLE_ASK_PIN:
		if (strcmp(person.id, desk->who.id) != 0)
			ask(desk, DESK_ASKS_PIN, person.id, PEOPLE_WELCOME);
		break;
	case PEOPLE_UNKNOWN:
	case PEOPLE_WRONG_PIN:
	case PEOPLE_LOCKED:
		turn_away(desk, verdict);
		break;
	}
	return 0;
}

void desk_get_dialog(struct desk *desk, struct desk_dialog *ret_dialog)
{
	*ret_dialog = desk->dialog;
}

void desk_begin_login(struct desk *desk)
{
	desk_end_dialog(desk);
	ask(desk, DESK_ASKS_ID, "", PEOPLE_WELCOME);
}

void desk_cancel_login(struct desk *desk)
{
	desk_end_dialog(desk);
}

/* An ID alone lets nobody in, whatever people.c would say of it. */
static int answer_id(struct desk *desk, const char *id, struct err *err)
{
	enum people_verdict verdict = PEOPLE_UNKNOWN;
	struct person person = { 0 };

	if (desk->dialog.asks != DESK_ASKS_ID)
		return 0;
	if (people_ask_id(desk->conf.db, id, &person, &verdict, err) < 0)
		return err_wrap(err, "people");
	if (verdict == PEOPLE_ASK_PIN)
		ask(desk, DESK_ASKS_PIN, person.id, PEOPLE_WELCOME);
	else
		turn_away(desk, verdict == PEOPLE_LOCKED ? PEOPLE_LOCKED : PEOPLE_UNKNOWN);
	return 0;
}

int desk_answer_id(struct desk *desk, const char *id, struct err *err)
{
	return desk_outlast(desk, SCAN_BUSY, answer_id(desk, id, err), err);
}

static void ask_again(struct desk *desk, const struct person *person)
{
	ask(desk, DESK_ASKS_PIN, person->id, PEOPLE_WRONG_PIN);
	desk->dialog.tries_left = person->wrong < PEOPLE_WRONG_MAX ? PEOPLE_WRONG_MAX - person->wrong : 0;
}

static int answer_pin(struct desk *desk, const struct secret *pin, struct err *err)
{
	const struct desk_dialog dialog = desk->dialog;
	const struct people_change change = { .by = dialog.operator_id,
					      .at_ms = clock_wall_ms(),
					      .station = desk->conf.conf->id };
	enum people_verdict verdict = PEOPLE_UNKNOWN;
	struct person person = { 0 };

	if (dialog.asks != DESK_ASKS_PIN)
		return 0;
	if (people_ask_pin(desk->conf.db, &change, dialog.operator_id, pin, &person, &verdict, err) < 0)
		return err_wrap(err, "people");
	switch (verdict) {
	case PEOPLE_WELCOME:
		return log_in(desk, &person, desk->by_badge ? "badge and PIN" : "PIN", err);
	case PEOPLE_WRONG_PIN:
		ask_again(desk, &person);
		break;
	case PEOPLE_ASK_PIN:
	case PEOPLE_UNKNOWN:
	case PEOPLE_LOCKED:
		turn_away(desk, verdict);
		break;
	}
	return 0;
}

int desk_answer_pin(struct desk *desk, const struct secret *pin, struct err *err)
{
	return desk_outlast(desk, SCAN_BUSY, answer_pin(desk, pin, err), err);
}
