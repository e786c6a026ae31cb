/* Batches against a service that answers from a script: what becomes of each row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/script.h"

static void test_batch_all_applied_are_enrolled(void **state)
{
	struct script *script = *state;
	struct enroll_progress progress;

	queue_tpm(script->world, "unit-1", 1);
	queue_tpm(script->world, "unit-2", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	progress = send_well(script);
	assert_int_equal(progress.enrolled, 2);
	assert_int_equal(progress.calls, 1);
	assert_false(progress.more);
	assert_int_equal(progress.next_due_ms, 0);
	assert_int_equal(counts(script->world).enrolled, 2);
	assert_false(script->no_length || script->no_login);
}

static void test_batch_nothing_due_makes_no_call(void **state)
{
	struct script *script = *state;

	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).calls, 0);
	assert_int_equal(script->calls, 0);
}

/* Status 200 with one named and one unnamed: the named is judged, the other is looked at. */
static void test_batch_unnamed_item_of_a_failed_reply_is_fetched(void **state)
{
	struct script *script = *state;
	struct enroll_progress progress;

	queue_tpm(script->world, "bad", 1);
	queue_tpm(script->world, "good", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED(ITEM("BAD", "400004")) } },
	       { "GET /enrollments/good", { .status = 200, .body = HELD("good", EK_ONE) } });
	progress = send_well(script);
	assert_int_equal(progress.enrolled, 1);
	assert_int_equal(progress.quarantined, 1);
	assert_int_equal(row_of(script->world, "bad").state, ENROLL_QUARANTINED);
	assert_string_equal(row_of(script->world, "bad").reason,
			    "the service refused it (400004): text of it");
	assert_int_equal(row_of(script->world, "good").state, ENROLL_ENROLLED);
}

static void test_batch_unnamed_item_that_is_not_there_is_retried_alone(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "good", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED("") } },
	       { "GET /enrollments/good", { .status = 404, .body = ERROR_BODY("404201") } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(row_of(script->world, "good").state, ENROLL_RETRY);
	assert_int_equal(row_of(script->world, "good").attempts, 1);
}

static void test_batch_existing_and_equal_is_enrolled(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED(ITEM("unit-1", "409201")) } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = HELD("unit-1", EK_ONE) } });
	assert_int_equal(send_well(script).enrolled, 1);
	assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
}

static void test_batch_existing_and_different_is_quarantined_by_field(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED(ITEM("unit-1", "409201")) } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = HELD("unit-1", "AAAA") } });
	assert_int_equal(send_well(script).quarantined, 1);
	assert_non_null(
		strstr(row_of(script->world, "unit-1").reason, "attestation.tpm.endorsementKey: ours is"));
	assert_non_null(strstr(row_of(script->world, "unit-1").reason, "the service has AAAA"));
}

/* The number behind a conflict or a failed precondition is not documented for every call (dps-api 12). */
static void test_batch_any_conflict_is_looked_at(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	queue_tpm(script->world, "unit-2", 1);
	SCRIPT(script,
	       { POST_BULK,
		 { .status = 200, .body = FAILED(ITEM("unit-1", "409299") "," ITEM("unit-2", "412001")) } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = HELD("unit-1", EK_ONE) } },
	       { "GET /enrollments/unit-2", { .status = 200, .body = HELD("unit-2", EK_ONE) } });
	assert_int_equal(send_well(script).enrolled, 2);
}

/* A service that contradicts itself costs a record its attempts, not the station its budget. */
static void test_batch_existing_but_never_shown_is_given_up(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED(ITEM("unit-1", "409201")) } },
	       { "GET /enrollments/unit-1", { .status = 409, .body = ERROR_BODY("409201") } },
	       { "PUT /enrollments/unit-1", { .status = 409, .body = ERROR_BODY("409201") } },
	       { "GET /enrollments/unit-1", { .status = 409, .body = ERROR_BODY("409201") } });
	assert_int_equal(send_well(script).calls, 2);
	send_until_calls(script, 4);
	assert_int_equal(script->calls, 4);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_QUARANTINED);
}

static int see_difference(void *arg, const struct enroll_row *row, struct err *err)
{
	(void)err;
	(void)snprintf(arg, 400, "%s", row->difference != NULL ? row->difference : "none");
	return 0;
}

/* All that differs is kept for who must decide, until the record is queued again. */
static void test_batch_difference_is_kept_with_the_record(void **state)
{
	struct script *script = *state;
	struct err err = { 0 };
	char seen[400] = "";

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED(ITEM("unit-1", "409201")) } },
	       { "GET /enrollments/unit-1",
		 { .status = 200,
		   .body = "{\"registrationId\":\"unit-1\",\"deviceId\":\"x\",\"attestation\":{\"type\":"
			   "\"x509\"}}" } });
	assert_int_equal(send_well(script).quarantined, 1);
	assert_int_equal(enroll_each(script->world->db, false, see_difference, seen, &err), 0);
	assert_string_equal(seen, "[{\"field\":\"attestation.type\",\"ours\":\"tpm\",\"service\":\"x509\"},"
				  "{\"field\":\"deviceId\",\"ours\":\"unit-1\",\"service\":\"x\"}]");
	release(script->world, "unit-1");
	assert_int_equal(enroll_each(script->world->db, false, see_difference, seen, &err), 0);
	assert_string_equal(seen, "none");
}

/* What the row's backoff decides by chance. */
static void make_due_first(struct script *script, const char *registration_id)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(script->world->db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, "UPDATE outbox SET not_before_ms = 0 WHERE registration_id = ?1",
				DB_VALUES(db_text(registration_id)), &err),
			 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

/* A record that breaks every call it is in must not hold the others for ever. */
static void test_batch_that_is_lost_three_times_travels_alone(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 500, .body = "" } },
	       { POST_BULK, { .status = 500, .body = "" } }, { POST_BULK, { .status = 502, .body = "" } },
	       { "PUT /enrollments/unit-1", { .status = 200, .body = HELD("unit-1", EK_ONE) } });
	send_until_calls(script, 4);
	assert_int_equal(counts(script->world).enrolled, 1);
}

/* The service is there for the other record, so it is this one that it breaks on. */
static void test_batch_record_that_breaks_each_call_alone_is_quarantined(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "poison", 1);
	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 400, .body = ERROR_BODY("400004") } },
	       { "PUT /enrollments/poison", { .status = 500, .body = "" } },
	       { "PUT /enrollments/unit-1", { .status = 200, .body = HELD("unit-1", EK_ONE) } },
	       { "PUT /enrollments/poison", { .status = 500, .body = "" } });
	assert_int_equal(send_well(script).retried, 2);
	assert_int_equal(row_of(script->world, "poison").attempts, 1);
	assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
	make_due_first(script, "unit-1");
	send_until_calls(script, 4);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_ENROLLED);
	assert_int_equal(row_of(script->world, "poison").state, ENROLL_QUARANTINED);
	assert_non_null(strstr(row_of(script->world, "poison").reason, "HTTP 500"));
}

static void test_batch_outage_quarantines_no_record(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	queue_tpm(script->world, "unit-2", 1);
	SCRIPT(script, { POST_BULK, { .status = 400, .body = ERROR_BODY("400004") } },
	       { "any", { .status = 503, .body = "" } });
	send_until_calls(script, 30);
	assert_int_equal(counts(script->world).retry, 2);
	assert_true(row_of(script->world, "unit-1").attempts + row_of(script->world, "unit-2").attempts <= 1);
}

static void test_batch_refused_as_a_whole_finds_the_bad_one(void **state)
{
	struct script *script = *state;
	struct enroll_progress progress;

	queue_tpm(script->world, "unit-1", 1);
	queue_tpm(script->world, "poison", 1);
	queue_tpm(script->world, "unit:3", 1);
	SCRIPT(script, { POST_BULK, { .status = 400, .body = ERROR_BODY("400004") } },
	       { "PUT /enrollments/unit-1", { .status = 200, .body = HELD("unit-1", EK_ONE) } },
	       { "PUT /enrollments/poison", { .status = 400, .body = ERROR_BODY("400004") } },
	       { "PUT /enrollments/unit:3", { .status = 200, .body = HELD("unit:3", EK_ONE) } });
	progress = send_well(script);
	assert_int_equal(progress.calls, 4);
	assert_int_equal(progress.enrolled, 2);
	assert_int_equal(progress.quarantined, 1);
	assert_int_equal(row_of(script->world, "poison").state, ENROLL_QUARANTINED);
}

static void test_batch_404_to_one_record_is_its_own_and_limited(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "lost", 1);
	queue_tpm(script->world, "unit-2", 1);
	SCRIPT(script, { POST_BULK, { .status = 400, .body = ERROR_BODY("400004") } },
	       { "PUT /enrollments/lost", { .status = 404, .body = ERROR_BODY("404201") } },
	       { "PUT /enrollments/unit-2", { .status = 200, .body = HELD("unit-2", EK_ONE) } },
	       { "PUT /enrollments/lost", { .status = 404, .body = ERROR_BODY("404201") } });
	assert_int_equal(send_well(script).enrolled, 1);
	assert_int_equal(row_of(script->world, "lost").state, ENROLL_RETRY);
	assert_int_equal(row_of(script->world, "lost").attempts, 1);
	send_until_calls(script, 4);
	assert_int_equal(row_of(script->world, "lost").state, ENROLL_QUARANTINED);
}

static void test_batch_transient_refusals_are_limited(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED(ITEM("unit-1", "500001")) } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_RETRY);
	send_until_calls(script, 2);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_QUARANTINED);
	assert_int_equal(row_of(script->world, "unit-1").attempts, 2);
}

static void test_batch_budget_used_up_waits_for_its_turn(void **state)
{
	struct script *script = *state;
	struct enroll_progress progress;

	script->operations_per_minute = 1;
	script_open(script, &world_macer);
	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED(ITEM("unit-1", "409201")) } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = HELD("unit-1", EK_ONE) } });
	progress = send_well(script);
	assert_int_equal(progress.calls, 1);
	assert_false(progress.more);
	assert_in_range(progress.next_due_ms, WORLD_NOW_MS + 55000, WORLD_NOW_MS + 65000);
	assert_int_equal(send_well(script).calls, 0);
	send_until_calls(script, 2);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_ENROLLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_batch_all_applied_are_enrolled),
		TEST(test_batch_nothing_due_makes_no_call),
		TEST(test_batch_unnamed_item_of_a_failed_reply_is_fetched),
		TEST(test_batch_unnamed_item_that_is_not_there_is_retried_alone),
		TEST(test_batch_existing_and_equal_is_enrolled),
		TEST(test_batch_existing_and_different_is_quarantined_by_field),
		TEST(test_batch_any_conflict_is_looked_at),
		TEST(test_batch_existing_but_never_shown_is_given_up),
		TEST(test_batch_difference_is_kept_with_the_record),
		TEST(test_batch_that_is_lost_three_times_travels_alone),
		TEST(test_batch_record_that_breaks_each_call_alone_is_quarantined),
		TEST(test_batch_outage_quarantines_no_record),
		TEST(test_batch_refused_as_a_whole_finds_the_bad_one),
		TEST(test_batch_404_to_one_record_is_its_own_and_limited),
		TEST(test_batch_transient_refusals_are_limited),
		TEST(test_batch_budget_used_up_waits_for_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
