/*
 * Who wants to log in. A try with a PIN is two transactions with the slow hash in
 * between: it counts as wrong before anybody looks at it, and the count goes only
 * when it was right. So neither a pulled plug nor many terminals win further tries.
 */
#include "station/people/people_internal.h"

static enum people_verdict verdict_on(const struct person *person)
{
	if (person->wrong >= PEOPLE_WRONG_MAX)
		return PEOPLE_LOCKED;
	return person->has_pin ? PEOPLE_ASK_PIN : PEOPLE_WELCOME;
}

int people_ask_badge(struct db *db, struct bytes badge, struct person *ret_person,
		     enum people_verdict *ret_verdict, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct operator operator;
	uint8_t hash[SHA256_LEN];
	bool found = false;

	db_read_begin(db, &tx);
	if (badge_hash(&tx, badge, hash, err) < 0 ||
	    operator_find_badge(&tx, hash, &operator, & found, err) < 0)
		return -1;
	*ret_verdict = found ? verdict_on(&operator.person) : PEOPLE_UNKNOWN;
	if (found)
		*ret_person = operator.person;
	return 0;
}

/* An ID stands on every screen: it is nobody's proof of anything without a PIN. */
int people_ask_id(struct db *db, const char *id, struct person *ret_person, enum people_verdict *ret_verdict,
		  struct err *err)
{
	struct person person;
	bool found = false;

	if (people_find(db, id, &person, &found, err) < 0)
		return -1;
	if (!found || person.disabled || !person.has_pin) {
		*ret_verdict = PEOPLE_UNKNOWN;
		return 0;
	}
	*ret_verdict = verdict_on(&person);
	*ret_person = person;
	return 0;
}

static int count_as_wrong(struct db *db, const char *id, int64_t at_ms, struct operator* ret,
			  enum people_verdict *ret_verdict, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	enum people_verdict verdict = PEOPLE_UNKNOWN;
	bool found = false;

	if (db_begin(db, &tx, err) < 0 || operator_find(&tx, id, ret, &found, err) < 0)
		return -1;
	if (found && !ret->person.disabled && ret->person.has_pin)
		verdict = verdict_on(&ret->person);
	if (verdict == PEOPLE_LOCKED && record_lock(&tx, ret, at_ms, err) < 0)
		return -1;
	if (verdict == PEOPLE_ASK_PIN) {
		ret->person.wrong++;
		if (db_run(&tx, "UPDATE operator SET wrong = wrong + 1 WHERE id = ?1", DB_VALUES(db_text(id)),
			   err) < 0)
			return -1;
	}
	*ret_verdict = verdict;
	return db_commit(&tx, err);
}

/* The PIN may have been reset, or its owner disabled, while it was looked at: then it is right no more. */
static int take_back(struct db *db, struct operator* operator, enum people_verdict * ret_verdict,
		     struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0 ||
	    db_run(&tx, "UPDATE operator SET wrong = 0 WHERE id = ?1 AND pin_hash = ?2 AND disabled = 0",
		   DB_VALUES(db_text(operator->person.id), db_blob(BYTES_ARRAY(operator->pin.hash))),
		   err) < 0)
		return -1;
	*ret_verdict = db_changes(&tx) == 1 ? PEOPLE_WELCOME : PEOPLE_UNKNOWN;
	operator->person.wrong = 0;
	return db_commit(&tx, err);
}

static int lock(struct db *db, const struct operator* operator, int64_t at_ms, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0 || record_lock(&tx, operator, at_ms, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

static int judge(struct db *db, struct operator* operator, const struct secret * pin, int64_t at_ms,
		 enum people_verdict *ret_verdict, struct err *err)
{
	bool matches = false;

	if (pin_matches(&operator->pin, pin, &matches, err) < 0)
		return -1;
	if (matches)
		return take_back(db, operator, ret_verdict, err);
	*ret_verdict = operator->person.wrong >= PEOPLE_WRONG_MAX ? PEOPLE_LOCKED : PEOPLE_WRONG_PIN;
	return *ret_verdict == PEOPLE_LOCKED ? lock(db, operator, at_ms, err) : 0;
}

int people_ask_pin(struct db *db, const struct people_change *change, const char *id,
		   const struct secret *pin, struct person *ret_person, enum people_verdict *ret_verdict,
		   struct err *err)
{
	enum people_verdict verdict = PEOPLE_UNKNOWN;
	struct operator operator;

	if (count_as_wrong(db, id, change->at_ms, &operator, & verdict, err) < 0)
		return -1;
	if (verdict == PEOPLE_ASK_PIN && judge(db, &operator, pin, change->at_ms, &verdict, err) < 0)
		return -1;
	*ret_verdict = verdict;
	if (verdict != PEOPLE_UNKNOWN)
		*ret_person = operator.person;
	return 0;
}
