/* Every kind of tampering is done to a real log, and the verdict must name where it starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/audit/log_fixture.h"

#define ENTRIES 20

static struct audit_verdict verdict_of(struct db *db)
{
	struct audit_verdict verdict = { 0 };
	struct err err = { 0 };

	assert_int_equal(audit_verify(db, &verdict, &err), 0);
	return verdict;
}

static void assert_bad_after(struct log_fixture *log, const char *sql, int64_t index, const char *reason)
{
	struct audit_verdict verdict;

	log_fill(log->db, 0, ENTRIES);
	assert_int_equal(verdict_of(log->db).bad_index, -1);
	log_tamper(log, sql);
	verdict = verdict_of(log->db);
	assert_int_equal(verdict.bad_index, index);
	assert_string_equal(verdict.reason, reason);
}

static void test_verify_empty_log_is_well(void **state)
{
	struct log_fixture *log = *state;
	struct audit_verdict verdict = verdict_of(log->db);
	uint8_t nothing[SHA256_LEN];

	sha256(BYTES_NONE, nothing);
	assert_int_equal(verdict.bad_index, -1);
	assert_int_equal(verdict.head.size, 0);
	assert_memory_equal(verdict.head.root, nothing, SHA256_LEN);
}

static void test_verify_long_log_equals_its_head(void **state)
{
	struct log_fixture *log = *state;
	struct audit_verdict verdict;
	struct audit_head head;

	/* Pages hold 256: exactly one page, then two and a bit. */
	log_fill(log->db, 0, 256);
	assert_int_equal(verdict_of(log->db).bad_index, -1);
	log_fill(log->db, 256, 600);
	verdict = verdict_of(log->db);
	head = log_head_of(log->db);
	assert_int_equal(verdict.bad_index, -1);
	assert_int_equal(verdict.head.size, 600);
	assert_memory_equal(verdict.head.root, head.root, SHA256_LEN);
}

static void test_verify_digit_changed_named_by_leaf_hash(void **state)
{
	assert_bad_after(
		*state, "UPDATE audit_entry SET entry = replace(entry, 'SN000007', 'SN000107') WHERE idx = 7",
		7, "its leaf hash differs from the stored one");
}

static void test_verify_space_added_is_not_canonical(void **state)
{
	assert_bad_after(*state, "UPDATE audit_entry SET entry = entry || ' ' WHERE idx = 4", 4,
			 "its bytes are not canonical");
}

static void test_verify_names_out_of_order_are_not_canonical(void **state)
{
	assert_bad_after(*state,
			 "UPDATE audit_entry SET entry = "
			 "'{\"index\":4,\"at\":\"x\",\"key\":\"key-4\",\"kind\":\"y\"}' "
			 "WHERE idx = 4",
			 4, "its bytes are not canonical");
}

static void test_verify_broken_json_is_not_canonical(void **state)
{
	assert_bad_after(*state, "UPDATE audit_entry SET entry = substr(entry, 2) WHERE idx = 0", 0,
			 "its bytes are not canonical");
}

static void test_verify_nested_value_is_not_canonical(void **state)
{
	assert_bad_after(*state,
			 "UPDATE audit_entry SET entry = replace(entry, '\"SN000005\"', '[\"SN000005\"]') "
			 "WHERE idx = 5",
			 5, "its bytes are not canonical");
}

static void test_verify_entry_emptied_is_out_of_bounds(void **state)
{
	assert_bad_after(*state, "UPDATE audit_entry SET entry = '' WHERE idx = 3", 3,
			 "its length is out of bounds");
}

static void test_verify_key_column_changed_is_noticed(void **state)
{
	assert_bad_after(*state, "UPDATE audit_entry SET key = 'other' WHERE idx = 9", 9,
			 "it names another key");
}

static void test_verify_leaf_hash_changed_is_noticed(void **state)
{
	assert_bad_after(*state, "UPDATE audit_entry SET nodes = zeroblob(32) WHERE idx = 6", 6,
			 "its leaf hash differs from the stored one");
}

static void test_verify_inner_node_changed_is_noticed(void **state)
{
	/* Entry 7 closes levels 1 to 3. */
	assert_bad_after(*state,
			 "UPDATE audit_entry SET nodes = CAST(substr(nodes, 1, 96) || zeroblob(32) AS BLOB) "
			 "WHERE idx = 7",
			 7, "a stored tree node above it differs");
}

static void test_verify_node_dropped_is_noticed(void **state)
{
	assert_bad_after(*state,
			 "UPDATE audit_entry SET nodes = CAST(substr(nodes, 1, 32) AS BLOB) WHERE idx = 11",
			 11, "a stored tree node above it differs");
}

static void test_verify_middle_deleted_is_a_gap(void **state)
{
	assert_bad_after(*state, "DELETE FROM audit_entry WHERE idx = 10", 10,
			 "it is missing: a gap in the log");
}

static void test_verify_first_deleted_is_a_gap(void **state)
{
	assert_bad_after(*state, "DELETE FROM audit_entry WHERE idx = 0", 0,
			 "it is missing: a gap in the log");
}

static void test_verify_newest_deleted_is_missed_by_the_head(void **state)
{
	assert_bad_after(*state, "DELETE FROM audit_entry WHERE idx = 19", 19,
			 "it is missing: the head counts more entries");
}

static void test_verify_all_deleted_is_missed_by_the_head(void **state)
{
	assert_bad_after(*state, "DELETE FROM audit_entry", 0, "it is missing: the head counts more entries");
}

static void test_verify_two_swapped_names_the_first(void **state)
{
	assert_bad_after(*state,
			 "UPDATE audit_entry SET idx = 1000 WHERE idx = 5; UPDATE audit_entry SET idx = 5 "
			 "WHERE idx = 12;"
			 "UPDATE audit_entry SET idx = 12 WHERE idx = 1000",
			 5, "it names another index");
}

static void test_verify_forged_entry_comes_after_the_end(void **state)
{
	assert_bad_after(*state,
			 "INSERT INTO audit_entry SELECT 20, 'key-20', replace(replace(entry, "
			 "'\"index\":19', '\"index\":20'),"
			 "'key-19', 'key-20'), nodes FROM audit_entry WHERE idx = 19",
			 20, "its leaf hash differs from the stored one");
}

static void test_verify_head_set_back_names_the_entry_after_it(void **state)
{
	/* The head of a log of 16 is one peak: the level 4 node that entry 15 closed. */
	assert_bad_after(*state,
			 "UPDATE audit_head SET size = 16, (root, peaks) = (SELECT CAST(substr(nodes, 129, "
			 "32) AS BLOB),"
			 "CAST(substr(nodes, 129, 32) AS BLOB) FROM audit_entry WHERE idx = 15)",
			 16, "it comes after the end of the log that the head names");
}

static void test_verify_head_root_changed_is_noticed(void **state)
{
	assert_bad_after(*state, "UPDATE audit_head SET root = zeroblob(32)", ENTRIES,
			 "the head's root differs from that of the entries before it");
}

static void test_verify_head_peaks_changed_is_noticed(void **state)
{
	assert_bad_after(*state, "UPDATE audit_head SET peaks = zeroblob(64)", ENTRIES,
			 "the head's subtrees differ from those of the entries before it");
}

static void test_verify_head_deleted_is_noticed(void **state)
{
	assert_bad_after(*state, "DELETE FROM audit_head", ENTRIES, "the head is missing or malformed");
}

static void test_append_head_malformed_refused(void **state)
{
	struct log_fixture *log = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	const struct audit_event event = { "test", "k", NULL, 0 };
	struct err err = { 0 };

	log_tamper(log, "UPDATE audit_head SET root = X'00'");
	assert_int_equal(db_begin(log->db, &tx, &err), 0);
	assert_int_equal(audit_append(&tx, 0, &event, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, log_setup, log_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_verify_empty_log_is_well),
		LOG_TEST(test_verify_long_log_equals_its_head),
		LOG_TEST(test_verify_digit_changed_named_by_leaf_hash),
		LOG_TEST(test_verify_space_added_is_not_canonical),
		LOG_TEST(test_verify_names_out_of_order_are_not_canonical),
		LOG_TEST(test_verify_broken_json_is_not_canonical),
		LOG_TEST(test_verify_nested_value_is_not_canonical),
		LOG_TEST(test_verify_entry_emptied_is_out_of_bounds),
		LOG_TEST(test_verify_key_column_changed_is_noticed),
		LOG_TEST(test_verify_leaf_hash_changed_is_noticed),
		LOG_TEST(test_verify_inner_node_changed_is_noticed),
		LOG_TEST(test_verify_node_dropped_is_noticed),
		LOG_TEST(test_verify_middle_deleted_is_a_gap),
		LOG_TEST(test_verify_first_deleted_is_a_gap),
		LOG_TEST(test_verify_newest_deleted_is_missed_by_the_head),
		LOG_TEST(test_verify_all_deleted_is_missed_by_the_head),
		LOG_TEST(test_verify_two_swapped_names_the_first),
		LOG_TEST(test_verify_forged_entry_comes_after_the_end),
		LOG_TEST(test_verify_head_set_back_names_the_entry_after_it),
		LOG_TEST(test_verify_head_root_changed_is_noticed),
		LOG_TEST(test_verify_head_peaks_changed_is_noticed),
		LOG_TEST(test_verify_head_deleted_is_noticed),
		LOG_TEST(test_append_head_malformed_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
