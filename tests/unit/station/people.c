/* Tests station/people on a real database: who is let in, who is locked, and that every change is in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "audit/audit.h"
#include "station/people/people.h"

struct world {
	char path[64];
	struct db *db;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err err = { 0 };

	assert_non_null(w);
	assert_int_equal(str_format(w->path, sizeof(w->path), "/tmp/people-test-XXXXXX"), 0);
	close(mkstemp(w->path));
	assert_int_equal(db_open(w->path, &w->db, &err), 0);
	assert_int_equal(people_init(w->db, &err), 0);
	assert_int_equal(audit_init(w->db, &err), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	static const char *const endings[] = { "", "-wal", "-shm" };
	char side[80];

	db_close(w->db);
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (str_format(side, sizeof(side), "%s%s", w->path, endings[i]) == 0)
			(void)unlink(side);
	free(w);
	return 0;
}

static const struct secret none = { NULL, 0 };

static struct secret secret_of(const char *text)
{
	struct secret secret = { NULL, 0 };
	struct err err = { 0 };

	if (text != NULL)
		assert_int_equal(secret_copy(bytes_str(text), &secret, &err), 0);
	return secret;
}

static int add_with(struct world *w, const char *by, const char *with, const char *id, enum role role,
		    const char *badge_text, const char *pin_text, struct err *err)
{
	const struct people_change change = { by, with, 1000, "line-01" };
	struct person person = { .role = role, .name = "A Name", .language = "zh_CN" };
	SECRET_AUTO badge = secret_of(badge_text);
	SECRET_AUTO pin = secret_of(pin_text);

	str_clip(person.id, sizeof(person.id), id);
	return people_add(w->db, &change, &person, &badge, &pin, err);
}

static int add(struct world *w, const char *by, const char *id, enum role role, const char *badge_text,
	       const char *pin_text, struct err *err)
{
	return add_with(w, by, NULL, id, role, badge_text, pin_text, err);
}

static void added(struct world *w, const char *id, enum role role, const char *badge, const char *pin)
{
	int64_t n = 0;
	struct err err = { 0 };

	assert_int_equal(people_count(w->db, &n, &err), 0);
	if (add(w, n == 0 ? "setup" : "ada", id, role, badge, pin, &err) < 0)
		fail_msg("%s", err.what);
}

static enum people_verdict try_pin(struct world *w, const char *id, const char *text, struct person *ret)
{
	const struct people_change change = { .by = "nobody", .at_ms = 2000, .station = "line-01" };
	enum people_verdict verdict = PEOPLE_WELCOME;
	SECRET_AUTO pin = secret_of(text);
	struct err err = { 0 };

	assert_int_equal(people_ask_pin(w->db, &change, id, &pin, ret, &verdict, &err), 0);
	return verdict;
}

static enum people_verdict try_badge(struct world *w, const char *badge, struct person *ret)
{
	enum people_verdict verdict = PEOPLE_WELCOME;
	struct err err = { 0 };

	assert_int_equal(people_ask_badge(w->db, bytes_str(badge), ret, &verdict, &err), 0);
	return verdict;
}

static enum people_verdict try_id(struct world *w, const char *id)
{
	enum people_verdict verdict = PEOPLE_WELCOME;
	struct person person;
	struct err err = { 0 };

	assert_int_equal(people_ask_id(w->db, id, &person, &verdict, &err), 0);
	return verdict;
}

static int64_t number(struct world *w, const char *sql)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct err err = { 0 };
	int64_t n = -1;
	bool found;

	db_read_begin(w->db, &tx);
	assert_int_equal(db_get_int(&tx, sql, DB_NO_VALUES, &n, &found, &err), 0);
	return n;
}

static void test_people_first_must_be_officer_and_setup_works_once(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	assert_int_equal(add(w, "setup", "tim", ROLE_TECHNICIAN, "badge-tim", NULL, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "must be an officer"));
	assert_int_equal(add(w, "setup", "ada", ROLE_OFFICER, NULL, "4711", &err), 0);
	assert_int_equal(add(w, "setup", "eve", ROLE_OFFICER, NULL, "4711", &err), -1);
	assert_non_null(strstr(err.what, "has operators"));
	assert_int_equal(number(w, "SELECT count(*) FROM operator"), 1);
	assert_int_equal(number(w, "SELECT count(*) FROM audit_entry"), 1);
}

static void test_people_texts_out_of_bounds_refused(void **state)
{
	static const struct {
		const char *id, *badge, *pin;
	} wrong[] = {
		{ "", "badge-1", NULL },      { "Ada", "badge-1", NULL },
		{ "a b", "badge-1", NULL },   { "setup", "badge-1", NULL },
		{ "bob", NULL, NULL },        { "bob", "abc", NULL },
		{ "bob", NULL, "123" },       { "bob", NULL, "12 45" },
		{ "bob", "ab\x1b[2J", NULL }, { "bob", NULL, "123456789012345678" },
	};
	struct world *w = *state;

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct err err = { 0 };

		assert_int_equal(add(w, "ada", wrong[i].id, ROLE_LEAD, wrong[i].badge, wrong[i].pin, &err),
				 -1);
		assert_int_equal(err.class, ERR_OPERATOR);
		assert_true(wrong[i].pin == NULL || strstr(err.what, wrong[i].pin) == NULL);
	}
	assert_int_equal(number(w, "SELECT count(*) FROM operator"), 1);
}

static void test_people_taken_id_or_badge_refused_and_named(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	added(w, "ada", ROLE_OFFICER, "badge-ada", "4711");
	assert_int_equal(add(w, "ada", "ada", ROLE_LEAD, "badge-2", NULL, &err), -1);
	assert_non_null(strstr(err.what, "ada exists already"));
	err_clear(&err);
	assert_int_equal(add(w, "ada", "bob", ROLE_LEAD, "badge-ada", NULL, &err), -1);
	assert_non_null(strstr(err.what, "operator ada's"));
	assert_null(strstr(err.what, "badge-ada"));
}

static void test_people_badge_alone_lets_in_and_asks_for_pin_if_there_is_one(void **state)
{
	struct world *w = *state;
	struct person person;

	added(w, "ada", ROLE_OFFICER, "badge-ada", "4711");
	added(w, "tim", ROLE_TECHNICIAN, "badge-tim", NULL);
	assert_int_equal(try_badge(w, "badge-tim", &person), PEOPLE_WELCOME);
	assert_string_equal(person.id, "tim");
	assert_string_equal(person.name, "A Name");
	assert_string_equal(person.language, "zh_CN");
	assert_int_equal(try_badge(w, "badge-ada", &person), PEOPLE_ASK_PIN);
	assert_int_equal(try_badge(w, "badge-eve", &person), PEOPLE_UNKNOWN);
	assert_int_equal(try_badge(w, "badge-ti", &person), PEOPLE_UNKNOWN);
}

static void test_people_id_needs_a_pin(void **state)
{
	struct world *w = *state;
	struct person person;

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	added(w, "tim", ROLE_TECHNICIAN, "badge-tim", NULL);
	assert_int_equal(try_id(w, "ada"), PEOPLE_ASK_PIN);
	assert_int_equal(try_id(w, "tim"), PEOPLE_UNKNOWN);
	assert_int_equal(try_id(w, "eve"), PEOPLE_UNKNOWN);
	assert_int_equal(try_pin(w, "tim", "4711", &person), PEOPLE_UNKNOWN);
	assert_int_equal(try_pin(w, "eve", "4711", &person), PEOPLE_UNKNOWN);
}

static void test_people_right_pin_forgets_the_wrong_ones(void **state)
{
	struct world *w = *state;
	struct person person;

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	for (unsigned i = 1; i < PEOPLE_WRONG_MAX; i++) {
		assert_int_equal(try_pin(w, "ada", "4712", &person), PEOPLE_WRONG_PIN);
		assert_int_equal(person.wrong, i);
	}
	assert_int_equal(try_pin(w, "ada", "4711", &person), PEOPLE_WELCOME);
	assert_int_equal(person.wrong, 0);
	assert_int_equal(try_pin(w, "ada", "47111", &person), PEOPLE_WRONG_PIN);
	assert_int_equal(person.wrong, 1);
}

static void test_people_locked_after_five_and_logged_once(void **state)
{
	struct world *w = *state;
	struct person person;

	added(w, "ada", ROLE_OFFICER, "badge-ada", "4711");
	for (unsigned i = 1; i < PEOPLE_WRONG_MAX; i++)
		assert_int_equal(try_pin(w, "ada", "0000", &person), PEOPLE_WRONG_PIN);
	assert_int_equal(try_pin(w, "ada", "0000", &person), PEOPLE_LOCKED);
	assert_int_equal(try_pin(w, "ada", "4711", &person), PEOPLE_LOCKED);
	assert_int_equal(try_badge(w, "badge-ada", &person), PEOPLE_LOCKED);
	assert_int_equal(try_id(w, "ada"), PEOPLE_LOCKED);
	assert_int_equal(number(w, "SELECT wrong FROM operator"), PEOPLE_WRONG_MAX);
	assert_int_equal(number(w, "SELECT count(*) FROM audit_entry WHERE entry LIKE '%operator-locked%'"),
			 1);
}

/* Whatever becomes of the process while the PIN is looked at, the try has been counted. */
static void test_people_try_is_durable_before_the_pin_is_looked_at(void **state)
{
	struct world *w = *state;
	int status = 0;
	pid_t pid;

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	/* Parameters that scrypt refuses: the look fails after the count. */
	db_close(w->db);
	pid = fork();
	if (pid == 0) {
		const struct people_change change = { .by = "nobody", .at_ms = 2000, .station = "line-01" };
		enum people_verdict verdict;
		struct person person;
		struct err err = { 0 };
		CLEANUP(db_rollback) struct db_tx tx = { 0 };
		struct secret pin = secret_of("4711");

		if (db_open(w->path, &w->db, &err) < 0 || db_begin(w->db, &tx, &err) < 0 ||
		    db_run(&tx, "UPDATE operator SET pin_n = 3", DB_NO_VALUES, &err) < 0 ||
		    db_commit(&tx, &err) < 0)
			_exit(1);
		_exit(people_ask_pin(w->db, &change, "ada", &pin, &person, &verdict, &err) < 0 ? 42 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(db_open(w->path, &w->db, &(struct err){ 0 }), 0);
	assert_int_equal(number(w, "SELECT wrong FROM operator"), 1);
}

static void test_people_reset_unlocks_and_changes_what_is_given(void **state)
{
	const struct people_change change = {
		.by = "bob", .with = "cyd", .at_ms = 3000, .station = "line-01"
	};
	struct world *w = *state;
	SECRET_AUTO pin = secret_of("8888");
	struct person person;
	struct err err = { 0 };

	added(w, "ada", ROLE_OFFICER, "badge-ada", "4711");
	added(w, "bob", ROLE_OFFICER, NULL, "4711");
	assert_int_equal(add_with(w, "ada", "bob", "cyd", ROLE_OFFICER, NULL, "4711", &err), 0);
	for (unsigned i = 0; i < PEOPLE_WRONG_MAX; i++)
		(void)try_pin(w, "ada", "0000", &person);
	assert_int_equal(people_reset(w->db, &change, "ada", &none, &pin, &err), 0);
	assert_int_equal(try_pin(w, "ada", "4711", &person), PEOPLE_WRONG_PIN);
	assert_int_equal(try_pin(w, "ada", "8888", &person), PEOPLE_WELCOME);
	assert_int_equal(try_badge(w, "badge-ada", &person), PEOPLE_ASK_PIN);
	assert_int_equal(people_reset(w->db, &change, "eve", &none, &none, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(number(w, "SELECT count(*) FROM audit_entry"
				   " WHERE json_extract(entry, '$.kind') = 'operator-reset'"
				   " AND json_extract(entry, '$.operator') = 'bob'"
				   " AND json_extract(entry, '$.witness_1') = 'bob'"
				   " AND json_extract(entry, '$.witness_2') = 'cyd'"
				   " AND json_extract(entry, '$.person') = 'ada'"),
			 1);
}

static void test_people_disabled_is_unknown_and_the_badge_may_be_handed_on(void **state)
{
	const struct people_change change = { .by = "ada", .at_ms = 3000, .station = "line-01" };
	struct world *w = *state;
	struct person person;
	struct err err = { 0 };
	int64_t n = 0;

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	added(w, "tim", ROLE_TECHNICIAN, "badge-one", "4711");
	assert_int_equal(people_disable(w->db, &change, "tim", &err), 0);
	assert_int_equal(try_badge(w, "badge-one", &person), PEOPLE_UNKNOWN);
	assert_int_equal(try_id(w, "tim"), PEOPLE_UNKNOWN);
	assert_int_equal(try_pin(w, "tim", "4711", &person), PEOPLE_UNKNOWN);
	assert_int_equal(people_count(w->db, &n, &err), 0);
	assert_int_equal(n, 1);
	added(w, "tom", ROLE_TECHNICIAN, "badge-one", NULL);
	assert_int_equal(people_reset(w->db, &change, "tim", &none, &none, &err), -1);
	assert_non_null(strstr(err.what, "given to somebody else"));
}

static void test_people_last_officer_stays(void **state)
{
	struct people_change change = { .by = "ada", .at_ms = 3000, .station = "line-01" };
	struct world *w = *state;
	struct err err = { 0 };

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	added(w, "tim", ROLE_TECHNICIAN, "badge-tim", NULL);
	assert_int_equal(people_disable(w->db, &change, "ada", &err), -1);
	assert_non_null(strstr(err.what, "last officer"));
	added(w, "bob", ROLE_OFFICER, NULL, "4711");
	assert_int_equal(people_disable(w->db, &change, "ada", &err), 0);
	err_clear(&err);
	change.by = "bob";
	assert_int_equal(people_disable(w->db, &change, "ada", &err), -1);
	assert_non_null(strstr(err.what, "disabled already"));
}

/* Who said who he is may be disabled while the new badge is asked for; nor does a role rise by a reset. */
static void test_people_change_by_who_may_not_is_refused(void **state)
{
	static const char *const by[] = { "tim", "lea", "eve", "setup" };
	struct world *w = *state;
	struct people_change change = { .by = "ada", .at_ms = 3000, .station = "line-01" };
	struct err err = { 0 };

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	added(w, "tim", ROLE_TECHNICIAN, "badge-tim", NULL);
	added(w, "lea", ROLE_LEAD, "badge-lea", NULL);
	for (size_t i = 0; i < ARRAY_LEN(by); i++) {
		change.by = by[i];
		assert_int_equal(add(w, by[i], "new", ROLE_LEAD, "badge-new", NULL, &err), -1);
		assert_int_equal(people_reset(w->db, &change, "lea", &none, &none, &err), -1);
		assert_int_equal(people_disable(w->db, &change, "ada", &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
	}
	change.by = "lea";
	assert_int_equal(people_reset(w->db, &change, "tim", &none, &none, &err), 0);
	change.by = "ada";
	assert_int_equal(people_disable(w->db, &change, "lea", &err), 0);
	assert_int_equal(add(w, "lea", "tom", ROLE_TECHNICIAN, "badge-tom", NULL, &err), -1);
	assert_non_null(strstr(err.what, "operator lea is disabled"));
	assert_int_equal(number(w, "SELECT count(*) FROM operator"), 3);
}

/* Otherwise one officer made the second whom every act of two needs. */
static void test_people_third_officer_takes_two(void **state)
{
	static const char *const with[] = { NULL, "ada", "lea", "eve", "off", "" };
	const struct people_change change = { .by = "ada", .at_ms = 3000, .station = "line-01" };
	struct world *w = *state;
	struct err err = { 0 };

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	added(w, "off", ROLE_OFFICER, NULL, "4711");
	assert_int_equal(people_disable(w->db, &change, "off", &err), 0);
	added(w, "bob", ROLE_OFFICER, NULL, "4711");
	added(w, "lea", ROLE_LEAD, NULL, "4711");
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		err_clear(&err);
		assert_int_equal(add_with(w, "ada", with[i], "cyd", ROLE_OFFICER, NULL, "4711", &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
	}
	assert_int_equal(number(w, "SELECT count(*) FROM operator"), 4);
	assert_int_equal(add_with(w, "ada", "bob", "cyd", ROLE_OFFICER, NULL, "4711", &err), 0);
	assert_int_equal(number(w, "SELECT count(*) FROM audit_entry"
				   " WHERE json_extract(entry, '$.person') = 'cyd'"
				   " AND json_extract(entry, '$.witness_1') = 'ada'"
				   " AND json_extract(entry, '$.witness_2') = 'bob'"),
			 1);
	assert_int_equal(number(w, "SELECT count(*) FROM audit_entry WHERE entry LIKE '%witness%'"), 1);
}

/* A new PIN for an officer is that officer for who knows it; so are one's own and a disabled one's. */
static void test_people_officer_is_reset_by_two(void **state)
{
	static const char *const ids[] = { "ada", "bob", "off" };
	struct people_change change = { .by = "ada", .at_ms = 3000, .station = "line-01" };
	struct world *w = *state;
	SECRET_AUTO pin = secret_of("8888");
	struct person person;
	struct err err = { 0 };

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	added(w, "off", ROLE_OFFICER, NULL, "4711");
	assert_int_equal(people_disable(w->db, &change, "off", &err), 0);
	added(w, "bob", ROLE_OFFICER, NULL, "4711");
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		err_clear(&err);
		change.with = NULL;
		assert_int_equal(people_reset(w->db, &change, ids[i], &none, &pin, &err), -1);
		assert_non_null(strstr(err.what, "needs two officers"));
		change.with = "bob";
		assert_int_equal(people_reset(w->db, &change, ids[i], &none, &pin, &err), 0);
		assert_int_equal(try_pin(w, ids[i], "8888", &person), PEOPLE_WELCOME);
	}
}

/* A lock is no way to be alone: anybody can lock anybody. Taking an officer's power away is, and is in the log. */
static void test_people_one_of_two_officers_locked_is_not_one_officer(void **state)
{
	const struct people_change change = { .by = "ada", .at_ms = 3000, .station = "line-01" };
	struct world *w = *state;
	struct person person;
	struct err err = { 0 };
	bool two = false;

	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	assert_int_equal(people_takes_two(w->db, ROLE_OFFICER, &two, &err), 0);
	assert_false(two);
	added(w, "bob", ROLE_OFFICER, NULL, "4711");
	for (unsigned i = 0; i < PEOPLE_WRONG_MAX; i++)
		(void)try_pin(w, "bob", "0000", &person);
	assert_int_equal(people_takes_two(w->db, ROLE_OFFICER, &two, &err), 0);
	assert_true(two);
	assert_int_equal(people_takes_two(w->db, ROLE_LEAD, &two, &err), 0);
	assert_false(two);
	assert_int_equal(people_reset(w->db, &change, "bob", &none, &none, &err), -1);
	assert_int_equal(people_disable(w->db, &change, "bob", &err), 0);
	assert_int_equal(people_reset(w->db, &change, "bob", &none, &none, &err), 0);
}

static int check_witnesses(struct world *w, const char *first, const char *second, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct witnesses two = { "", "" };

	str_clip(two.first, sizeof(two.first), first);
	str_clip(two.second, sizeof(two.second), second);
	db_read_begin(w->db, &tx);
	return people_check_witnesses(&tx, ACT_CLOCK, &two, err);
}

static void test_people_witnesses_are_looked_at_once_more(void **state)
{
	const struct people_change change = { .by = "ada", .at_ms = 3000, .station = "line-01" };
	struct world *w = *state;
	struct err err = { 0 };

	assert_int_equal(check_witnesses(w, "", "", &err), 0);
	added(w, "ada", ROLE_OFFICER, NULL, "4711");
	assert_int_equal(check_witnesses(w, "", "", &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(check_witnesses(w, "ada", "ada", &err), -1);
	added(w, "bob", ROLE_OFFICER, NULL, "4711");
	added(w, "lea", ROLE_LEAD, NULL, "4711");
	assert_int_equal(check_witnesses(w, "ada", "lea", &err), -1);
	assert_int_equal(check_witnesses(w, "ada", "bob", &err), 0);
	assert_int_equal(people_disable(w->db, &change, "bob", &err), 0);
	assert_int_equal(check_witnesses(w, "ada", "bob", &err), -1);
	assert_non_null(strstr(err.what, "operator bob is disabled"));
}

static void test_people_neither_badge_nor_pin_is_stored(void **state)
{
	struct world *w = *state;

	added(w, "ada", ROLE_OFFICER, "badge-ada", "47114711");
	assert_int_equal(number(w,
				"SELECT count(*) FROM operator WHERE instr(badge, CAST('badge-ada' AS BLOB))"
				" OR instr(pin_hash, CAST('47114711' AS BLOB))"),
			 0);
	assert_int_equal(number(w, "SELECT count(*) FROM audit_entry WHERE entry LIKE '%4711%'"
				   " OR entry LIKE '%badge-ada%'"),
			 0);
	assert_int_equal(number(w, "SELECT length(badge) * 1000 + length(pin_hash) + length(pin_salt)"
				   " FROM operator"),
			 32048);
	assert_int_equal(number(w, "SELECT pin_n FROM operator"), 1 << 14);
}

static int allowed(enum act act, enum role first, enum role second)
{
	const struct person a = { .id = "a", .role = first }, b = { .id = "b", .role = second };
	struct err err = { 0 };

	return people_check_act(act, &a, &b, &err) == 0;
}

static void test_people_acts_need_their_roles(void **state)
{
	static const struct {
		enum role first, second;
		int two_officers, release;
	} rows[] = {
		{ ROLE_OFFICER, ROLE_OFFICER, 1, 1 },    { ROLE_OFFICER, ROLE_LEAD, 0, 1 },
		{ ROLE_LEAD, ROLE_OFFICER, 0, 1 },       { ROLE_LEAD, ROLE_LEAD, 0, 0 },
		{ ROLE_OFFICER, ROLE_TECHNICIAN, 0, 0 }, { ROLE_TECHNICIAN, ROLE_OFFICER, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(allowed(ACT_CEREMONY, rows[i].first, rows[i].second), rows[i].two_officers);
		assert_int_equal(allowed(ACT_CLOCK, rows[i].first, rows[i].second), rows[i].two_officers);
		assert_int_equal(allowed(ACT_OFFICER, rows[i].first, rows[i].second), rows[i].two_officers);
		assert_int_equal(allowed(ACT_RELEASE, rows[i].first, rows[i].second), rows[i].release);
	}
}

static void test_people_one_person_twice_or_gone_is_not_two(void **state)
{
	struct person a = { .id = "a", .role = ROLE_OFFICER }, b = { .id = "b", .role = ROLE_OFFICER };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(people_check_act(ACT_RELEASE, &a, &a, &err), -1);
	assert_non_null(strstr(err.what, "one person"));
	b.disabled = true;
	assert_int_equal(people_check_act(ACT_RELEASE, &a, &b, &err), -1);
	b.disabled = false;
	b.wrong = PEOPLE_WRONG_MAX;
	assert_int_equal(people_check_act(ACT_RELEASE, &a, &b, &err), -1);
	b.wrong = 0;
	assert_int_equal(people_check_act(ACT_RELEASE, &a, &b, &err), 0);
}

static void test_people_leads_change_technicians_only(void **state)
{
	const struct person officer = { .id = "o", .role = ROLE_OFFICER },
			    lead = { .id = "l", .role = ROLE_LEAD },
			    technician = { .id = "t", .role = ROLE_TECHNICIAN };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(people_check_change(&officer, ROLE_OFFICER, &err), 0);
	assert_int_equal(people_check_change(&lead, ROLE_TECHNICIAN, &err), 0);
	assert_int_equal(people_check_change(&lead, ROLE_LEAD, &err), -1);
	assert_int_equal(people_check_change(&lead, ROLE_OFFICER, &err), -1);
	assert_int_equal(people_check_change(&technician, ROLE_TECHNICIAN, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_people_first_must_be_officer_and_setup_works_once),
		T(test_people_texts_out_of_bounds_refused),
		T(test_people_taken_id_or_badge_refused_and_named),
		T(test_people_badge_alone_lets_in_and_asks_for_pin_if_there_is_one),
		T(test_people_id_needs_a_pin),
		T(test_people_right_pin_forgets_the_wrong_ones),
		T(test_people_locked_after_five_and_logged_once),
		T(test_people_try_is_durable_before_the_pin_is_looked_at),
		T(test_people_reset_unlocks_and_changes_what_is_given),
		T(test_people_disabled_is_unknown_and_the_badge_may_be_handed_on),
		T(test_people_last_officer_stays),
		T(test_people_change_by_who_may_not_is_refused),
		T(test_people_third_officer_takes_two),
		T(test_people_officer_is_reset_by_two),
		T(test_people_one_of_two_officers_locked_is_not_one_officer),
		T(test_people_witnesses_are_looked_at_once_more),
		T(test_people_neither_badge_nor_pin_is_stored),
		cmocka_unit_test(test_people_acts_need_their_roles),
		cmocka_unit_test(test_people_one_person_twice_or_gone_is_not_two),
		cmocka_unit_test(test_people_leads_change_technicians_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
