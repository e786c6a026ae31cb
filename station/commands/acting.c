/* Who acts. One try per question: whoever mistypes starts the command again, and the try is counted. */
#include "station/commands/acting.h"

#include "audit/audit.h"
#include "base/deadline.h"
#include "station/commands/ask.h"
#include "station/directory.h"
#include "station/journal.h"

int acting_open(const char *dir, struct acting *ret_acting, struct err *err)
{
	CLEANUP(acting_close) struct acting acting = { 0 };
	CLEANUP(db_closep) struct db *there = NULL;

	/* Only a database that is there: a wrong --dir must not make one. */
	if (conf_load(dir, &acting.conf, err) < 0 || directory_open_db_readonly(dir, &there, err) < 0)
		return -1;
	if (directory_open_db(dir, &acting.db, err) < 0 || journal_init(acting.db, err) < 0 ||
	    audit_init(acting.db, err) < 0 || people_init(acting.db, err) < 0)
		return err_wrap(err, "database");
	*ret_acting = acting;
	acting = (struct acting){ 0 };
	return 0;
}

void acting_close(struct acting *acting)
{
	db_close(acting->db);
	conf_free(acting->conf);
	*acting = (struct acting){ 0 };
}

static struct bytes without_prefix(const struct acting *acting, struct bytes badge)
{
	struct bytes prefix = bytes_str(acting->conf->badge_prefix);

	if (prefix.len > 0 && badge.len > prefix.len && bytes_equal(bytes_of(badge.p, prefix.len), prefix))
		return bytes_of(badge.p + prefix.len, badge.len - prefix.len);
	return badge;
}

int acting_ask_badge(struct acting *acting, const char *question, struct secret *ret_badge, struct err *err)
{
	SECRET_AUTO badge = { NULL, 0 };

	if (ask_optional(question, &badge, err) < 0)
		return -1;
	return secret_copy(without_prefix(acting, secret_bytes(&badge)), ret_badge, err);
}

/* What was answered is a badge, else an ID. */
static int find(struct acting *acting, const struct secret *answer, struct person *ret_person,
		enum people_verdict *ret_verdict, struct err *err)
{
	char id[OPERATOR_ID_MAX + 1];

	if (people_ask_badge(acting->db, without_prefix(acting, secret_bytes(answer)), ret_person,
			     ret_verdict, err) < 0)
		return -1;
	if (*ret_verdict != PEOPLE_UNKNOWN || bytes_to_str(secret_bytes(answer), id, sizeof(id)) < 0)
		return 0;
	return people_ask_id(acting->db, id, ret_person, ret_verdict, err);
}

static int try_pin(struct acting *acting, struct person *person, enum people_verdict *ret_verdict,
		   struct err *err)
{
	const struct people_change change = { .by = person->id,
					      .at_ms = clock_wall_ms(),
					      .station = acting->conf->id };
	char question[OPERATOR_ID_MAX + 16], id[OPERATOR_ID_MAX + 1];
	SECRET_AUTO pin = { NULL, 0 };

	str_clip(id, sizeof(id), person->id);
	if (str_format(question, sizeof(question), "PIN of %s", id) < 0)
		return err_set(err, ERR_BUG, 0, "a question does not fit");
	if (ask_secret(question, &pin, err) < 0)
		return -1;
	return people_ask_pin(acting->db, &change, id, &pin, person, ret_verdict, err);
}

static int let_in(enum people_verdict verdict, const struct person *person, struct err *err)
{
	switch (verdict) {
	case PEOPLE_WELCOME:
		return 0;
	case PEOPLE_WRONG_PIN:
		return err_set(err, ERR_OPERATOR, 0, "wrong PIN for %s; tries left: %u", person->id,
			       PEOPLE_WRONG_MAX - person->wrong);
	case PEOPLE_LOCKED:
		return err_set(
			err, ERR_OPERATOR, 0,
			"operator %s is locked after %d wrong PINs; \"station operator reset\" unlocks it",
			person->id, PEOPLE_WRONG_MAX);
	case PEOPLE_ASK_PIN:
	case PEOPLE_UNKNOWN:
		break;
	}
	return err_set(err, ERR_OPERATOR, 0, "no operator here has this badge or ID");
}

int acting_identify(struct acting *acting, const char *who, struct person *ret_person, struct err *err)
{
	enum people_verdict verdict = PEOPLE_UNKNOWN;
	SECRET_AUTO answer = { NULL, 0 };
	struct person person = { 0 };
	char question[64];

	if (str_format(question, sizeof(question), "%s: badge or ID", who) < 0)
		return err_set(err, ERR_BUG, 0, "a question does not fit");
	if (ask_secret(question, &answer, err) < 0 || find(acting, &answer, &person, &verdict, err) < 0)
		return -1;
	if (verdict == PEOPLE_ASK_PIN && try_pin(acting, &person, &verdict, err) < 0)
		return -1;
	if (let_in(verdict, &person, err) < 0)
		return err_wrap(err, "%s", who);
	*ret_person = person;
	return 0;
}

int acting_two(struct acting *acting, enum act act, struct witnesses *ret_witnesses, struct err *err)
{
	struct witnesses witnesses = { 0 };
	struct person first, second;
	int64_t n = 0;

	if (people_count(acting->db, &n, err) < 0)
		return -1;
	if (n == 0) {
		*ret_witnesses = witnesses;
		return 0;
	}
	if (acting_identify(acting, "First person", &first, err) < 0 ||
	    acting_identify(acting, "Second person", &second, err) < 0 ||
	    people_check_act(act, &first, &second, err) < 0)
		return -1;
	str_clip(witnesses.first, sizeof(witnesses.first), first.id);
	str_clip(witnesses.second, sizeof(witnesses.second), second.id);
	*ret_witnesses = witnesses;
	return 0;
}

int acting_lead(struct acting *acting, const char *doing, char ret_id[OPERATOR_ID_MAX + 1], struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct person person = { 0 };
	int64_t n = 0;

	if (people_count(acting->db, &n, err) < 0 ||
	    (n > 0 && acting_identify(acting, "You", &person, err) < 0))
		return -1;
	db_read_begin(acting->db, &tx);
	if (people_check_lead(&tx, person.id, doing, err) < 0)
		return -1;
	str_clip(ret_id, OPERATOR_ID_MAX + 1, person.id);
	return 0;
}
