/*
 * Adding, disabling and resetting operators; what they may be called is in person.c. Each change and its audit entry are
 * one transaction, and everything it depends on is read inside it: two commands
 * at once can't both make the first officer, or disable each other's last one.
 */
#include "station/people/people_internal.h"

#include <inttypes.h>

static struct db_value badge_of(const struct proofs *proofs)
{
	return db_blob(proofs->has_badge ? BYTES_ARRAY(proofs->badge) : BYTES_NONE);
}

static struct db_value hash_of(const struct proofs *proofs)
{
	return db_blob(proofs->has_pin ? BYTES_ARRAY(proofs->pin.hash) : BYTES_NONE);
}

static struct db_value salt_of(const struct proofs *proofs)
{
	return db_blob(proofs->has_pin ? BYTES_ARRAY(proofs->pin.salt) : BYTES_NONE);
}

static int append(struct db_tx *tx, const char *kind, const struct people_change *change,
		  const struct person *person, int64_t changes, struct err *err)
{
	char key[96];
	const struct audit_field fields[] = {
		{ "person", person->id },      { "role", role_name(person->role) },
		{ "operator", change->by },    { "witness_1", change->with != NULL ? change->by : NULL },
		{ "witness_2", change->with }, { "station", change->station },
	};
	const struct audit_event event = { kind, key, fields, ARRAY_LEN(fields) };

	if (str_format(key, sizeof(key), "operator-%s/%" PRId64, person->id, changes) < 0)
		return err_set(err, ERR_BUG, 0, "an audit key does not fit");
	return audit_append(tx, change->at_ms, &event, err);
}

int record_lock(struct db_tx *tx, const struct operator* locked, int64_t at_ms, struct err *err)
{
	char key[96];
	/* Nobody did it, and it must say the same whoever asks again. */
	const struct audit_field fields[] = { { "person", locked->person.id } };
	const struct audit_event event = { "operator-locked", key, fields, ARRAY_LEN(fields) };

	if (str_format(key, sizeof(key), "operator-%s/%" PRId64 "/locked", locked->person.id,
		       locked->changes) < 0)
		return err_set(err, ERR_BUG, 0, "an audit key does not fit");
	return audit_append(tx, at_ms, &event, err);
}

static int find_known(struct db_tx *tx, const char *id, struct operator* ret, struct err *err)
{
	bool found = false;

	if (operator_find(tx, id, ret, &found, err) < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_OPERATOR, 0, "no operator %s is known here", id);
	return 0;
}

/* Once more, since who changes people may have been disabled since they said who they are. Enough for disabling. */
static int check_by(struct db_tx *tx, const struct people_change *change, enum role of, struct err *err)
{
	struct operator by;

	if (find_known(tx, change->by, &by, err) < 0)
		return -1;
	return people_check_change(&by.person, of, err);
}

/* For what gives power; whether it takes two is looked at here, since another officer may have come meanwhile. */
static int check_grant(struct db_tx *tx, const struct people_change *change, enum role of, struct err *err)
{
	struct witnesses two = { "", "" };
	bool takes_two = false;

	if (check_by(tx, change, of, err) < 0 || change_takes_two(tx, of, &takes_two, err) < 0)
		return -1;
	/* Who is named in the entry is checked, needed or not. */
	if (!takes_two && change->with == NULL)
		return 0;
	str_clip(two.first, sizeof(two.first), change->by);
	str_clip(two.second, sizeof(two.second), change->with != NULL ? change->with : "");
	return people_check_witnesses(tx, ACT_OFFICER, &two, err);
}

static int check_add(struct db_tx *tx, const struct people_change *change, const struct person *person,
		     struct err *err)
{
	int64_t n = 0;
	bool found;

	if (db_get_int(tx, "SELECT count(*) FROM operator", DB_NO_VALUES, &n, &found, err) < 0)
		return -1;
	if (n == 0)
		return person->role == ROLE_OFFICER
			       ? 0
			       : err_set(err, ERR_OPERATOR, 0,
					 "the first operator of a station must be an officer, who adds the "
					 "others");
	if (strcmp(change->by, OPERATOR_NOBODY) == 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "this station has operators; who adds another must say who it is");
	return check_grant(tx, change, person->role, err);
}

static int check_badge_free(struct db_tx *tx, const uint8_t badge[SHA256_LEN], const char *id,
			    struct err *err)
{
	struct operator holder;
	bool found = false;

	if (operator_find_badge(tx, badge, &holder, &found, err) < 0)
		return -1;
	if (found && strcmp(holder.person.id, id) != 0)
		return err_set(err, ERR_OPERATOR, 0, "this badge is operator %s's", holder.person.id);
	return 0;
}

static int check_id_free(struct db_tx *tx, const char *id, struct err *err)
{
	struct operator holder;
	bool found = false;

	if (operator_find(tx, id, &holder, &found, err) < 0)
		return -1;
	if (found)
		return err_set(err, ERR_OPERATOR, 0, "operator %s exists already%s", id,
			       holder.person.disabled ? ", disabled; reset it instead" : "");
	return 0;
}

static int insert(struct db_tx *tx, const struct person *person, const struct proofs *proofs, struct err *err)
{
	return db_run(
		tx,
		"INSERT INTO operator(id, name, role, language, badge, pin_hash, pin_salt, pin_n, pin_r,"
		" pin_p) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
		DB_VALUES(db_text(person->id), db_text(person->name), db_text(role_name(person->role)),
			  db_text(person->language), badge_of(proofs), hash_of(proofs), salt_of(proofs),
			  db_int(proofs->pin.n), db_int(proofs->pin.r), db_int(proofs->pin.p)),
		err);
}

int people_add(struct db *db, const struct people_change *change, const struct person *person,
	       const struct secret *badge, const struct secret *pin, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct proofs proofs;

	if (person_check(person, err) < 0)
		return -1;
	if (badge->len == 0 && pin->len == 0)
		return err_set(err, ERR_OPERATOR, 0, "an operator needs a badge, a PIN, or both");
	if (proofs_make(db, badge, pin, &proofs, err) < 0 || db_begin(db, &tx, err) < 0 ||
	    check_add(&tx, change, person, err) < 0 || check_id_free(&tx, person->id, err) < 0)
		return -1;
	if (proofs.has_badge && check_badge_free(&tx, proofs.badge, person->id, err) < 0)
		return -1;
	if (insert(&tx, person, &proofs, err) < 0 ||
	    append(&tx, "operator-added", change, person, 0, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

static int check_not_last(struct db_tx *tx, const struct person *person, struct err *err)
{
	int64_t others = 0;

	if (person->disabled)
		return err_set(err, ERR_OPERATOR, 0, "operator %s is disabled already", person->id);
	if (officers_count(tx, person->id, &others, err) < 0)
		return -1;
	if (person->role == ROLE_OFFICER && others == 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "operator %s is the last officer; nobody could add another", person->id);
	return 0;
}

int people_disable(struct db *db, const struct people_change *change, const char *id, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct operator operator;

	if (db_begin(db, &tx, err) < 0 || find_known(&tx, id, &operator, err) < 0 ||
	    check_by(&tx, change, operator.person.role, err) < 0 ||
	    check_not_last(&tx, &operator.person, err) < 0 ||
	    db_run(&tx, "UPDATE operator SET disabled = 1, changes = changes + 1 WHERE id = ?1",
		   DB_VALUES(db_text(id)), err) < 0 ||
	    append(&tx, "operator-disabled", change, &operator.person, operator.changes + 1, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

/* A badge that was handed on while its first owner was disabled is the other's now. */
static int check_own_badge_free(struct db_tx *tx, const char *id, struct err *err)
{
	int64_t taken = 0;
	bool found;

	if (db_get_int(tx,
		       "SELECT count(*) FROM operator WHERE disabled = 0 AND id <> ?1"
		       " AND badge = (SELECT badge FROM operator WHERE id = ?1)",
		       DB_VALUES(db_text(id)), &taken, &found, err) < 0)
		return -1;
	if (taken > 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "operator %s's badge was given to somebody else; it needs another", id);
	return 0;
}

static int update(struct db_tx *tx, const char *id, const struct proofs *proofs, struct err *err)
{
	if (db_run(tx,
		   "UPDATE operator SET wrong = 0, disabled = 0, changes = changes + 1,"
		   " badge = coalesce(?2, badge) WHERE id = ?1",
		   DB_VALUES(db_text(id), badge_of(proofs)), err) < 0)
		return -1;
	if (!proofs->has_pin)
		return 0;
	return db_run(tx,
		      "UPDATE operator SET pin_hash = ?2, pin_salt = ?3, pin_n = ?4, pin_r = ?5, pin_p = ?6"
		      " WHERE id = ?1",
		      DB_VALUES(db_text(id), hash_of(proofs), salt_of(proofs), db_int(proofs->pin.n),
				db_int(proofs->pin.r), db_int(proofs->pin.p)),
		      err);
}

int people_reset(struct db *db, const struct people_change *change, const char *id,
		 const struct secret *badge, const struct secret *pin, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct operator operator;
	struct proofs proofs;

	if (proofs_make(db, badge, pin, &proofs, err) < 0 || db_begin(db, &tx, err) < 0 ||
	    find_known(&tx, id, &operator, err) < 0 ||
	    check_grant(&tx, change, operator.person.role, err) < 0)
		return -1;
	if (proofs.has_badge ? check_badge_free(&tx, proofs.badge, id, err) < 0
			     : check_own_badge_free(&tx, id, err) < 0)
		return -1;
	if (update(&tx, id, &proofs, err) < 0 ||
	    append(&tx, "operator-reset", change, &operator.person, operator.changes + 1, err) < 0)
		return -1;
	return db_commit(&tx, err);
}
