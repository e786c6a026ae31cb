/* Appending, reading the head and walking, on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audit/audit_internal.h"
#include "tests/unit/audit/log_fixture.h"

#define AT 1795312813123 /* 2026-11-22T02:00:13.123Z */

static int append(struct db *db, int64_t at_ms, const struct audit_event *event, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0 || audit_append(&tx, at_ms, event, err) < 0 || db_commit(&tx, err) < 0)
		return -1;
	return 0;
}

static int append_field(struct db *db, const char *name, const char *text, struct err *err)
{
	const struct audit_field fields[] = { { name, text } };
	const struct audit_event event = { "test", "k", fields, 1 };

	return append(db, AT, &event, err);
}

/* Keeps the last entry visited as text. */
struct last {
	char text[AUDIT_ENTRY_MAX + 1];
	int64_t index;
	int visits;
};

static int keep_last(void *arg, int64_t index, struct bytes entry, struct err *err)
{
	struct last *last = arg;

	(void)err;
	last->index = index;
	last->visits++;
	return bytes_to_str(entry, last->text, sizeof(last->text));
}

static void assert_newest(struct db *db, const char *expected)
{
	struct last *last = calloc(1, sizeof(*last));
	struct err err = { 0 };

	assert_non_null(last);
	assert_int_equal(audit_each(db, 0, keep_last, last, &err), 0);
	assert_string_equal(last->text, expected);
	free(last);
}

static void test_append_event_writes_canonical_json(void **state)
{
	struct log_fixture *log = *state;
	const struct audit_field fields[] = { { "serial", "A\"1\n" },
					      { "absent", NULL },
					      { "cert_sha256", "ab" } };
	const struct audit_event event = { "unit-provisioned", "job-17/record", fields, 3 };
	struct err err = { 0 };

	assert_int_equal(append(log->db, AT, &event, &err), 0);
	assert_newest(log->db, "{\"at\":\"2026-11-22T02:00:13.123Z\",\"cert_sha256\":\"ab\",\"index\":0,"
			       "\"key\":\"job-17/record\",\"kind\":\"unit-provisioned\","
			       "\"serial\":\"A\\\"1\\n\"}");
}

static void test_append_300_head_equals_tree_of_entries(void **state)
{
	struct log_fixture *log = *state;
	uint8_t nodes[TREE_LEVELS][SHA256_LEN], root[SHA256_LEN];
	struct last *last = calloc(1, sizeof(*last));
	struct tree tree = { 0 };
	struct err err = { 0 };

	assert_non_null(last);
	for (int i = 0; i < 300; i++) {
		struct audit_head head;

		log_append(log->db, i);
		head = log_head_of(log->db);
		assert_int_equal(audit_each(log->db, i, keep_last, last, &err), 0);
		assert_int_equal(last->index, i);
		(void)tree_push(&tree, bytes_str(last->text), nodes);
		tree_root(&tree, root);
		assert_int_equal(head.size, i + 1);
		assert_memory_equal(head.root, root, SHA256_LEN);
	}
	free(last);
}

static void test_append_same_event_again_changes_nothing(void **state)
{
	struct log_fixture *log = *state;
	struct audit_head before, after;
	const struct audit_field fields[] = { { "serial", "SN000001" } };
	const struct audit_event event = { "unit-provisioned", "key-1", fields, 1 };
	struct err err = { 0 };

	log_fill(log->db, 0, 5);
	before = log_head_of(log->db);
	assert_int_equal(append(log->db, AT + 999999, &event, &err), 0);
	after = log_head_of(log->db);
	assert_int_equal(after.size, 5);
	assert_memory_equal(before.root, after.root, SHA256_LEN);
}

static void test_append_same_key_other_content_refused(void **state)
{
	struct log_fixture *log = *state;
	const struct audit_field fields[] = { { "serial", "another" } };
	const struct audit_event events[] = {
		{ "unit-provisioned", "key-1", fields, 1 },
		{ "unit-failed", "key-1", (const struct audit_field[]){ { "serial", "SN000001" } }, 1 },
		{ "unit-provisioned", "key-1", NULL, 0 },
	};

	log_fill(log->db, 0, 3);
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct err err = { 0 };

		assert_int_equal(append(log->db, AT, &events[i], &err), -1);
		assert_int_equal(err.class, ERR_STATION);
		assert_non_null(strstr(err.what, "key-1"));
	}
	assert_int_equal(log_head_of(log->db).size, 3);
}

static void test_append_bad_field_name_is_a_bug(void **state)
{
	struct log_fixture *log = *state;
	static const char *const names[] = {
		"",   "Serial", "a-b", "a b",  "\xc3\xa4",
		"at", "index",  "key", "kind", "a23456789012345678901234567890123"
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err err = { 0 };

		assert_int_equal(append_field(log->db, names[i], "x", &err), -1);
		assert_int_equal(err.class, ERR_BUG);
	}
	assert_int_equal(log_head_of(log->db).size, 0);
}

static void test_append_field_name_of_32_accepted(void **state)
{
	struct log_fixture *log = *state;
	struct err err = { 0 };

	assert_int_equal(append_field(log->db, "a_345678901234567890123456789012", "x", &err), 0);
}

static void test_append_field_named_twice_is_a_bug(void **state)
{
	struct log_fixture *log = *state;
	const struct audit_field fields[] = { { "serial", "a" }, { "serial", "b" } };
	const struct audit_event event = { "test", "k", fields, 2 };
	struct err err = { 0 };

	assert_int_equal(append(log->db, AT, &event, &err), -1);
	assert_int_equal(err.class, ERR_BUG);
}

static void test_append_no_kind_or_key_is_a_bug(void **state)
{
	struct log_fixture *log = *state;
	const struct audit_event events[] = { { "", "k", NULL, 0 }, { "test", "", NULL, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct err err = { 0 };

		assert_int_equal(append(log->db, AT, &events[i], &err), -1);
		assert_int_equal(err.class, ERR_BUG);
	}
}

static void test_append_entry_at_and_over_the_limit(void **state)
{
	struct log_fixture *log = *state;
	static char text[AUDIT_ENTRY_MAX];
	/* {"at":"…24…","index":0,"key":"k","kind":"test","text":""} */
	const size_t around = 77;
	struct err err = { 0 };

	memset(text, 'x', sizeof(text));
	text[AUDIT_ENTRY_MAX - around + 1] = '\0';
	assert_int_equal(append_field(log->db, "text", text, &err), -1);
	assert_int_equal(err.class, ERR_BUG);
	text[AUDIT_ENTRY_MAX - around] = '\0';
	assert_int_equal(append_field(log->db, "text", text, &err), 0);
	assert_int_equal(log_head_of(log->db).size, 1);
}

static void test_append_text_not_utf8_keeps_its_ascii(void **state)
{
	struct log_fixture *log = *state;
	struct err err = { 0 };

	assert_int_equal(append_field(log->db, "cause", "bad \xff\xc3 serial", &err), 0);
	assert_newest(log->db, "{\"at\":\"2026-11-22T02:00:13.123Z\",\"cause\":\"bad ?? serial\",\"index\":0,"
			       "\"key\":\"k\",\"kind\":\"test\"}");
}

static void test_append_rolled_back_leaves_no_trace(void **state)
{
	struct log_fixture *log = *state;
	const struct audit_event event = { "test", "gone", NULL, 0 };
	struct db_tx tx = { 0 };
	struct err err = { 0 };

	log_fill(log->db, 0, 3);
	assert_int_equal(db_begin(log->db, &tx, &err), 0);
	assert_int_equal(audit_append(&tx, AT, &event, &err), 0);
	db_rollback(&tx);
	assert_int_equal(log_head_of(log->db).size, 3);
	log_append(log->db, 3);
	assert_int_equal(log_head_of(log->db).size, 4);
}

static void test_entry_change_or_delete_refused_by_triggers(void **state)
{
	struct log_fixture *log = *state;
	static const char *const sql[] = {
		"UPDATE audit_entry SET entry = '{}' WHERE idx = 1",
		"DELETE FROM audit_entry WHERE idx = 2",
		"UPDATE audit_head SET size = 1",
		"DELETE FROM audit_head",
	};

	log_fill(log->db, 0, 3);
	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		CLEANUP(db_rollback) struct db_tx tx = { 0 };
		struct err err = { 0 };

		assert_int_equal(db_begin(log->db, &tx, &err), 0);
		assert_int_equal(db_run(&tx, sql[i], DB_NO_VALUES, &err), -1);
		assert_non_null(strstr(err.what, "append-only"));
	}
	assert_int_equal(log_head_of(log->db).size, 3);
}

static void test_each_over_several_pages_visits_all_in_order(void **state)
{
	struct log_fixture *log = *state;
	struct last *last = calloc(1, sizeof(*last));
	struct err err = { 0 };

	assert_non_null(last);
	log_fill(log->db, 0, 600);
	assert_int_equal(audit_each(log->db, 0, keep_last, last, &err), 0);
	assert_int_equal(last->visits, 600);
	assert_int_equal(last->index, 599);
	last->visits = 0;
	assert_int_equal(audit_each(log->db, 598, keep_last, last, &err), 0);
	assert_int_equal(last->visits, 2);
	last->visits = 0;
	assert_int_equal(audit_each(log->db, 600, keep_last, last, &err), 0);
	assert_int_equal(last->visits, 0);
	free(last);
}

static int stop_at_3(void *arg, int64_t index, struct bytes entry, struct err *err)
{
	(void)entry;
	*(int64_t *)arg = index;
	return index == 3 ? err_set(err, ERR_OPERATOR, 0, "enough") : 0;
}

static void test_each_visitor_fails_stops_with_its_error(void **state)
{
	struct log_fixture *log = *state;
	int64_t seen = -1;
	struct err err = { 0 };

	log_fill(log->db, 0, 10);
	assert_int_equal(audit_each(log->db, 0, stop_at_3, &seen, &err), -1);
	assert_int_equal(seen, 3);
	assert_string_equal(err.what, "enough");
}

/* The indexes visited, in order. */
struct indexes {
	int64_t index[8];
	size_t n;
};

static int keep_index(void *arg, int64_t index, struct bytes entry, struct err *err)
{
	struct indexes *seen = arg;

	(void)entry;
	if (seen->n == ARRAY_LEN(seen->index))
		return err_set(err, ERR_BUG, 0, "more than was asked for");
	seen->index[seen->n++] = index;
	return 0;
}

static void test_each_before_visits_newest_first_and_no_more_than_asked(void **state)
{
	struct log_fixture *log = *state;
	struct indexes seen = { .n = 0 };
	struct err err = { 0 };

	log_fill(log->db, 0, 10);
	assert_int_equal(audit_each_before(log->db, 9, 3, keep_index, &seen, &err), 0);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.index[0], 8);
	assert_int_equal(seen.index[2], 6);
	seen.n = 0;
	assert_int_equal(audit_each_before(log->db, 2, 8, keep_index, &seen, &err), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(audit_each_before(log->db, 0, 8, keep_index, &seen, &err), 0);
	assert_int_equal(seen.n, 2);
}

static void test_each_key_visits_the_keys_that_begin_so(void **state)
{
	struct log_fixture *log = *state;
	struct indexes seen = { .n = 0 };
	struct err err = { 0 };

	log_fill(log->db, 0, 13);
	assert_int_equal(audit_each_key(log->db, "key-1", 3, keep_index, &seen, &err), 0);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.index[0], 12);
	assert_int_equal(seen.index[2], 10);
	seen.n = 0;
	assert_int_equal(audit_each_key(log->db, "key-2", 3, keep_index, &seen, &err), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(audit_each_key(log->db, "key-3/", 3, keep_index, &seen, &err), 0);
	assert_int_equal(seen.n, 1);
}

static void test_each_key_visitor_fails_stops_with_its_error(void **state)
{
	struct log_fixture *log = *state;
	int64_t seen = -1;
	struct err err = { 0 };

	log_fill(log->db, 0, 10);
	assert_int_equal(audit_each_key(log->db, "key-", 9, stop_at_3, &seen, &err), -1);
	assert_int_equal(seen, 3);
	assert_int_equal(audit_each_before(log->db, 9, 9, stop_at_3, &seen, &err), -1);
	assert_string_equal(err.what, "enough");
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, log_setup, log_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_append_event_writes_canonical_json),
		LOG_TEST(test_append_300_head_equals_tree_of_entries),
		LOG_TEST(test_append_same_event_again_changes_nothing),
		LOG_TEST(test_append_same_key_other_content_refused),
		LOG_TEST(test_append_bad_field_name_is_a_bug),
		LOG_TEST(test_append_field_name_of_32_accepted),
		LOG_TEST(test_append_field_named_twice_is_a_bug),
		LOG_TEST(test_append_no_kind_or_key_is_a_bug),
		LOG_TEST(test_append_entry_at_and_over_the_limit),
		LOG_TEST(test_append_text_not_utf8_keeps_its_ascii),
		LOG_TEST(test_append_rolled_back_leaves_no_trace),
		LOG_TEST(test_entry_change_or_delete_refused_by_triggers),
		LOG_TEST(test_each_over_several_pages_visits_all_in_order),
		LOG_TEST(test_each_visitor_fails_stops_with_its_error),
		LOG_TEST(test_each_before_visits_newest_first_and_no_more_than_asked),
		LOG_TEST(test_each_key_visits_the_keys_that_begin_so),
		LOG_TEST(test_each_key_visitor_fails_stops_with_its_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
