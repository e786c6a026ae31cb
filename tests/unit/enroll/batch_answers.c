/* Answers that are no verdict about a record: from somebody else, too late, spoilt, or none at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <time.h>

#include "tests/unit/enroll/script.h"

static void test_batch_portal_page_with_200_is_no_success(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK,
			 { .status = 200, .content_type = "text/html", .body = "<html>Pay here</html>" } });
	send_badly(script, ERR_OPERATOR);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_QUEUED);
	assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
}

static void test_batch_html_that_claims_to_be_json_is_no_success(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = "<html>Pay here</html>" } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_RETRY);
}

#define PORTAL "<html><title>Welcome to the plant's network</title></html>"

/* What is not the service speaking: no record is refused for it, whichever call it answers. */
static const struct https_answer strange_answers[] = {
	{ .status = 200, .body = "" },
	{ .status = 200, .body = "not JSON" },
	{ .status = 200, .body = "[]" },
	{ .status = 200, .body = "{\"isSuccessful\":false,\"isSuccessful\":false,\"errors\":[]}" },
	{ .status = 200,
	  .body = "{\"registrationId\":\"unit-1\",\"registrationId\":\"unit-1\",\"attestation\":{}}" },
	{ .status = 200, .content_type = "text/html", .body = PORTAL },
	{ .status = 200, .content_type = "text/plain", .body = HELD("unit-1", "AAAA") },
	{ .status = 302, .location = "http://portal.example/", .body = "" },
	{ .status = 400, .body = "{\"Message\":\"ErrorCode:ArgumentInvalid;Unknown api version\"}" },
	{ .status = 400, .body = "{\"errorCode\":400004,\"errorCode\":400004}" },
	{ .status = 401, .body = ERROR_BODY("401002") },
	{ .status = 403, .content_type = "text/html", .body = PORTAL },
	{ .status = 404, .content_type = "text/html", .body = PORTAL },
	{ .status = 409, .body = "conflict" },
	{ .status = 412, .body = "{}" },
	{ .status = 511, .content_type = "text/html", .body = PORTAL },
};

static void set_next(struct script *script, const char *next)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(script->world->db, &tx, &err), 0);
	assert_int_equal(
		db_run(&tx,
		       "UPDATE outbox SET next = ?1, state = 'queued', not_before_ms = 0, attempts = 0,"
		       " lost = 0",
		       DB_VALUES(db_text(next)), &err),
		0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

static void test_batch_strange_answers_refuse_no_record(void **state)
{
	static const struct {
		const char *next, *on;
	} calls[] = {
		{ "bulk", POST_BULK },
		{ "put", "PUT /enrollments/unit-1" },
		{ "get", "GET /enrollments/unit-1" },
		{ "keys", "POST /enrollments/unit-1/attestationmechanism" },
	};
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	for (size_t c = 0; c < ARRAY_LEN(calls); c++)
		for (size_t i = 0; i < ARRAY_LEN(strange_answers); i++) {
			const struct script_line line = { calls[c].on, strange_answers[i] };
			struct enroll_progress progress = { 0 };
			struct err err = { 0 };

			set_next(script, calls[c].next);
			script_set(script, &line, 1);
			script_open(script, &world_macer);
			(void)send_batch(script, &progress, &err);
			assert_int_equal(script->calls, 1);
			assert_int_equal(counts(script->world).queued + counts(script->world).retry, 1);
			assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
		}
}

static void test_batch_unknown_fields_of_an_answer_are_no_matter(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = FAILED(ITEM("unit-1", "409201")) } },
	       { "GET /enrollments/unit-1",
		 { .status = 200,
		   .body = "{\"registrationId\":\"unit-1\",\"credentialPolicyName\":{\"new\":[1]},"
			   "\"attestation\":{"
			   "\"type\":\"tpm\",\"tpm\":{\"endorsementKey\":\"" EK_ONE
			   "\",\"storageRootKey\":null},\"future\":true}}" } });
	assert_int_equal(send_well(script).enrolled, 1);
	queue_tpm(script->world, "unit-2", 1);
	SCRIPT(script, { POST_BULK,
			 { .status = 200,
			   .body = "{\"isSuccessful\":true,\"errors\":[],\"warnings\":[{}],\"more\":1}" } });
	assert_int_equal(send_well(script).enrolled, 1);
}

static void test_batch_redirect_is_not_followed(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 302, .location = "/portal", .body = "" } });
	send_badly(script, ERR_OPERATOR);
	assert_int_equal(script->calls, 1);
	assert_int_equal(counts(script->world).queued, 1);
}

static void test_batch_throttled_waits_as_long_as_asked(void **state)
{
	struct script *script = *state;
	struct enroll_progress progress;

	queue_tpm(script->world, "unit-1", 1);
	queue_tpm(script->world, "unit-2", 1);
	SCRIPT(script, { POST_BULK, { .status = 429, .retry_after = "7", .body = ERROR_BODY("429001") } });
	progress = send_well(script);
	assert_int_equal(progress.retried, 2);
	assert_false(progress.more);
	assert_in_range(progress.next_due_ms, WORLD_NOW_MS + 7000, WORLD_NOW_MS + 12000);
	assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
	progress = send_well(script);
	assert_int_equal(progress.calls, 0);
	assert_int_equal(script->calls, 1);
}

/* The date is of the service's clock, which the scripted one has from this machine; the station's is months ahead. */
static void test_batch_retry_after_as_a_date_is_by_the_services_clock(void **state)
{
	struct script *script = *state;
	const time_t at = time(NULL) + 120;
	struct tm utc;
	char date[40];

	assert_non_null(gmtime_r(&at, &utc));
	assert_true(strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc) > 0);
	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 429, .retry_after = date, .body = ERROR_BODY("429001") } });
	assert_in_range(send_well(script).next_due_ms, WORLD_NOW_MS + 100000, WORLD_NOW_MS + 130000);
}

/* One leave a second: the token that was revoked takes it, and the new one has to wait. */
static void test_batch_revoked_token_without_another_leave_blames_no_record(void **state)
{
	struct script *script = *state;
	struct enroll_progress progress = { 0 };
	struct err err = { 0 };

	script->operations_per_minute = 60;
	script_open(script, &world_macer);
	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).enrolled, 1);
	queue_tpm(script->world, "unit-2", 1);
	SCRIPT(script, { POST_BULK, { .status = 401, .body = ERROR_BODY("401002") } });
	if (enroll_send_batch(script->service, script->world->db, WORLD_NOW_MS + 1000, &progress, &err) < 0)
		assert_int_equal(err.class, ERR_RETRY);
	assert_int_equal(script->calls, 1);
	assert_int_equal(lost_of(script, "unit-2"), 0);
	assert_int_equal(row_of(script->world, "unit-2").attempts, 0);
}

static void test_batch_server_error_is_retried_and_not_counted(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 503, .body = "" } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
	assert_non_null(strstr(row_of(script->world, "unit-1").reason, "HTTP 503"));
}

static void test_batch_404_to_a_bulk_call_blames_no_record(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 404, .body = ERROR_BODY("404201") } });
	send_badly(script, ERR_OPERATOR);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_QUEUED);
}

/* 400 without the service's body comes from somebody else (dps-api 10.13): no record is to blame. */
static void test_batch_400_of_another_service_blames_no_record(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 400, .body = "{\"Message\":\"Unknown api version\"}" } });
	send_badly(script, ERR_OPERATOR);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_QUEUED);
}

static void test_batch_login_refused_leaves_rows_queued(void **state)
{
	static const unsigned statuses[] = { 401, 403 };
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		const struct script_line line = { POST_BULK,
						  { .status = statuses[i], .body = ERROR_BODY("401002") } };

		script_set(script, &line, 1);
		script_open(script, &world_macer);
		send_badly(script, ERR_OPERATOR);
		assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_QUEUED);
		assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
	}
}

static void test_batch_connection_lost_is_retried(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .hang_up = true } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
}

static void test_batch_answer_longer_than_the_cap_is_given_up(void **state)
{
	static char huge[ENROLL_REPLY_MAX + 2];
	struct script *script = *state;

	memset(huge, ' ', sizeof(huge) - 1);
	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = huge } });
	assert_int_equal(send_well(script).retried, 1);
	assert_non_null(strstr(row_of(script->world, "unit-1").reason, "longer than"));
}

static void test_batch_certificate_not_trusted_is_the_operators(void **state)
{
	struct script *script = *state;
	FILE *file = fopen(script->ca_path, "w");

	assert_non_null(file);
	assert_true(fputs(certificate_ca, file) >= 0);
	assert_int_equal(fclose(file), 0);
	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	send_badly(script, ERR_OPERATOR);
	assert_int_equal(script->calls, 0);
	assert_int_equal(counts(script->world).queued, 1);
}

static void test_batch_other_host_name_is_the_operators(void **state)
{
	struct script *script = *state;
	char name[32];

	assert_int_equal(str_format(name, sizeof(name), "localhost:%u", https_port(script->https)), 0);
	script->conf.host = name;
	script_open(script, &world_macer);
	queue_tpm(script->world, "unit-1", 1);
	send_badly(script, ERR_OPERATOR);
	assert_int_equal(counts(script->world).queued, 1);
}

static void test_batch_service_down_is_the_operators(void **state)
{
	struct script *script = *state;

	https_stop(script->https);
	script->https = NULL;
	queue_tpm(script->world, "unit-1", 1);
	send_badly(script, ERR_OPERATOR);
	assert_int_equal(counts(script->world).queued, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_batch_portal_page_with_200_is_no_success),
		TEST(test_batch_html_that_claims_to_be_json_is_no_success),
		TEST(test_batch_strange_answers_refuse_no_record),
		TEST(test_batch_unknown_fields_of_an_answer_are_no_matter),
		TEST(test_batch_redirect_is_not_followed),
		TEST(test_batch_throttled_waits_as_long_as_asked),
		TEST(test_batch_retry_after_as_a_date_is_by_the_services_clock),
		TEST(test_batch_revoked_token_without_another_leave_blames_no_record),
		TEST(test_batch_server_error_is_retried_and_not_counted),
		TEST(test_batch_404_to_a_bulk_call_blames_no_record),
		TEST(test_batch_400_of_another_service_blames_no_record),
		TEST(test_batch_login_refused_leaves_rows_queued),
		TEST(test_batch_connection_lost_is_retried),
		TEST(test_batch_answer_longer_than_the_cap_is_given_up),
		TEST(test_batch_certificate_not_trusted_is_the_operators),
		TEST(test_batch_other_host_name_is_the_operators),
		TEST(test_batch_service_down_is_the_operators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
