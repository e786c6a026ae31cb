/*
 * The operators' table and what is asked of it. Other commands change it beside a
 * running station, so nothing of it is kept in memory.
 */
#include "station/people/people_internal.h"

static const char *const migrations[] = {
	/* Salts differ, they are not secret: SQLite's own random numbers do. */
	"CREATE TABLE people_salt("
	" id INTEGER PRIMARY KEY CHECK(id = 1), salt BLOB NOT NULL) STRICT;"
	"INSERT INTO people_salt VALUES(1, randomblob(16));"
	"CREATE TABLE operator("
	" id TEXT PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" role TEXT NOT NULL CHECK(role IN ('technician', 'lead', 'officer')),"
	" language TEXT NOT NULL,"
	" badge BLOB,"
	" pin_hash BLOB,"
	" pin_salt BLOB,"
	" pin_n INTEGER,"
	" pin_r INTEGER,"
	" pin_p INTEGER,"
	" disabled INTEGER NOT NULL DEFAULT 0,"
	" wrong INTEGER NOT NULL DEFAULT 0,"
	" changes INTEGER NOT NULL DEFAULT 0,"
	" CHECK(badge IS NOT NULL OR pin_hash IS NOT NULL)"
	") STRICT, WITHOUT ROWID;"
	"CREATE UNIQUE INDEX operator_badge ON operator(badge) WHERE disabled = 0;",
};

int people_init(struct db *db, struct err *err)
{
	const struct db_migrations people = { "people", migrations, ARRAY_LEN(migrations) };

	return db_migrate(db, &people, err);
}

int operators_count(struct db_tx *tx, int64_t *ret_n, struct err *err)
{
	bool found;

	return db_get_int(tx, "SELECT count(*) FROM operator WHERE disabled = 0", DB_NO_VALUES, ret_n, &found,
			  err);
}

int officers_count(struct db_tx *tx, const char *but_id, int64_t *ret_n, struct err *err)
{
	bool found;

	return db_get_int(
		tx, "SELECT count(*) FROM operator WHERE role = 'officer' AND disabled = 0 AND id <> ?1",
		DB_VALUES(db_text(but_id)), ret_n, &found, err);
}

int people_count(struct db *db, int64_t *ret_n, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };

	db_read_begin(db, &tx);
	return operators_count(&tx, ret_n, err);
}

/* The columns of operator_of_row, in order. */
#define COLUMNS                                                                                              \
	"SELECT id, name, role, language, badge IS NOT NULL, pin_hash, pin_salt, pin_n, pin_r, pin_p,"       \
	" disabled, wrong, changes FROM operator "

static int pin_of_row(struct db_query *row, struct operator* ret, struct err *err)
{
	struct bytes hash = db_column_blob(row, 5), salt = db_column_blob(row, 6);

	ret->person.has_pin = hash.len > 0;
	if (hash.len == 0)
		return 0;
	if (hash.len != sizeof(ret->pin.hash) || salt.len != sizeof(ret->pin.salt))
		return err_set(err, ERR_STATION, 0, "the PIN of operator %s is stored broken",
			       ret->person.id);
	memcpy(ret->pin.hash, hash.p, hash.len);
	memcpy(ret->pin.salt, salt.p, salt.len);
	ret->pin.n = db_column_int(row, 7);
	ret->pin.r = db_column_int(row, 8);
	ret->pin.p = db_column_int(row, 9);
	return 0;
}

static int operator_of_row(struct db_query *row, struct operator* ret, struct err *err)
{
	struct operator of_row = { 0 };
	struct person *person = &of_row.person;

	if (str_format(person->id, sizeof(person->id), "%s", db_column_text(row, 0)) < 0 ||
	    str_format(person->name, sizeof(person->name), "%s", db_column_text(row, 1)) < 0 ||
	    role_parse(db_column_text(row, 2), &person->role) < 0 ||
	    str_format(person->language, sizeof(person->language), "%s", db_column_text(row, 3)) < 0)
		return err_set(err, ERR_STATION, 0, "operator %s is stored broken", db_column_text(row, 0));
	person->has_badge = db_column_int(row, 4) != 0;
	person->disabled = db_column_int(row, 10) != 0;
	person->wrong = (unsigned)db_column_int(row, 11);
	of_row.changes = db_column_int(row, 12);
	if (pin_of_row(row, &of_row, err) < 0)
		return -1;
	*ret = of_row;
	return 0;
}

static int find(struct db_tx *tx, const char *sql, struct db_value by, struct operator* ret, bool *ret_found,
		struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	if (db_query(tx, &q, sql, DB_VALUES(by), err) < 0 || db_next(&q, &row, err) < 0)
		return -1;
	if (row && operator_of_row(&q, ret, err) < 0)
		return -1;
	*ret_found = row;
	return 0;
}

int operator_find(struct db_tx *tx, const char *id, struct operator* ret, bool *ret_found, struct err *err)
{
	return find(tx, COLUMNS "WHERE id = ?1", db_text(id), ret, ret_found, err);
}

int operator_find_badge(struct db_tx *tx, const uint8_t hash[SHA256_LEN], struct operator* ret,
			bool *ret_found, struct err *err)
{
	return find(tx, COLUMNS "WHERE badge = ?1 AND disabled = 0", db_blob(bytes_of(hash, SHA256_LEN)), ret,
		    ret_found, err);
}

int people_find(struct db *db, const char *id, struct person *ret_person, bool *ret_found, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct operator operator;

	db_read_begin(db, &tx);
	if (operator_find(&tx, id, &operator, ret_found, err) < 0)
		return -1;
	if (*ret_found)
		*ret_person = operator.person;
	return 0;
}

int people_each(struct db *db, people_visit_fn *visit, void *arg, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct operator operator;
	bool row = false;

	db_read_begin(db, &tx);
	if (db_query(&tx, &q, COLUMNS "ORDER BY id", DB_NO_VALUES, err) < 0 || db_next(&q, &row, err) < 0)
		return -1;
	while (row)
		if (operator_of_row(&q, &operator, err) < 0 || visit(arg, &operator.person, err) < 0 ||
		    db_next(&q, &row, err) < 0)
			return -1;
	return 0;
}
