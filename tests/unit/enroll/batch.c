/* Batches against a service that answers from a script: each kind of answer, and what becomes of the rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "base/encode.h"
#include "tests/unit/enroll/script.h"

#define ITEM(id, code)   "{\"registrationId\":\"" id "\",\"errorCode\":" code ",\"errorStatus\":\"text of it\"}"
#define FAILED(items)    "{\"isSuccessful\":false,\"errors\":[" items "]}"
#define ERROR_BODY(code) "{\"errorCode\":" code ",\"trackingId\":\"t\",\"message\":\"text of it\"}"
/* base64 of test_ek(1) */
#define EK_ONE                                                                                               \
	"AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAA"                       \
	"AAEAAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"                       \
	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"                       \
	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"                       \
	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"                       \
	"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=="
#define HELD(id, ek)                                                                                         \
	"{\"registrationId\":\"" id "\",\"provisioningStatus\":\"enabled\",\"attestation\":{\"type\":"       \
	"\"tpm\",\"tpm\":{\"endorsementKey\":\"" ek "\"}},\"etag\":\"IjEi\"}"

static struct enroll_progress send_well(struct script *script)
{
	struct enroll_progress progress = { 0 };
	struct err err = { 0 };

	if (send_batch(script, &progress, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	return progress;
}

static void send_badly(struct script *script, enum err_class class)
{
	struct enroll_progress progress = { .calls = 77 };
	struct err err = { 0 };

	assert_int_equal(send_batch(script, &progress, &err), -1);
	assert_int_equal(err.class, class);
	assert_int_equal(progress.calls, 77);
}

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

static void test_batch_server_error_is_retried_and_not_counted(void **state)
{
	struct script *script = *state;

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 503, .body = "" } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(row_of(script->world, "unit-1").attempts, 0);
	assert_non_null(strstr(row_of(script->world, "unit-1").reason, "HTTP 503"));
}

/* Sends at later and later times, so that no backoff is in the way. */
static void send_until_calls(struct script *script, size_t calls)
{
	for (int64_t hour = 1; script->calls < calls && hour < 50; hour++) {
		struct enroll_progress progress = { 0 };
		struct err err = { 0 };

		assert_int_equal(enroll_send_batch(script->service, script->world->db,
						   WORLD_NOW_MS + hour * 120000, &progress, &err),
				 0);
	}
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

static void queue_symmetric(struct script *script, const struct macer *keys)
{
	SECRET_AUTO key = { NULL, 0 };
	const struct enroll_record record = { .job = "s",
					      .registration_id = "unit-s",
					      .symmetric_key = &key };
	struct err err = { 0 };

	assert_int_equal(secret_new(SHA256_LEN, &key, &err), 0);
	assert_int_equal(keys->mac(keys->key, BYTES_LIT("unit-s"), key.p, &err), 0);
	assert_int_equal(enqueue(script->world->db, &record, &err), 0);
}

static void test_batch_symmetric_key_is_derived_for_the_wire(void **state)
{
	struct script *script = *state;
	uint8_t key[SHA256_LEN];
	char wanted[200], text[64];
	struct err err = { 0 };

	queue_symmetric(script, &other_macer);
	enroll_service_set_device_keys(script->service, &other_macer);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).enrolled, 1);
	assert_int_equal(other_macer.mac(other_macer.key, BYTES_LIT("unit-s"), key, &err), 0);
	assert_int_equal(base64_encode(BYTES_ARRAY(key), text, sizeof(text)), 0);
	assert_int_equal(str_format(wanted, sizeof(wanted), "\"primaryKey\":\"%s\",\"secondaryKey\":\"%s\"",
				    text, text),
			 0);
	assert_non_null(memmem(script->last_body.p, script->last_body.len, wanted, strlen(wanted)));
}

static void test_batch_symmetric_key_that_cannot_be_had_is_quarantined(void **state)
{
	struct script *script = *state;

	queue_symmetric(script, &other_macer);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).quarantined, 1);
	assert_int_equal(script->calls, 0);
	enroll_service_set_device_keys(script->service, &world_macer);
	release(script->world, "unit-s");
	assert_int_equal(send_well(script).quarantined, 1);
	assert_non_null(strstr(row_of(script->world, "unit-s").reason, "another group key"));
	assert_int_equal(script->calls, 0);
}

/* A key in a device that may fail: class ERR_NONE means that it works. */
struct failing_key {
	enum err_class class;
	long code;
};

static int mac_failing(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err)
{
	const struct failing_key *failing = key;

	if (failing->class != ERR_NONE)
		return err_set(err, failing->class, failing->code, "the token has no such key");
	return world_macer.mac(world_macer.key, message, ret_mac, err);
}

static void test_batch_group_key_is_gone_stops_only_its_record(void **state)
{
	struct script *script = *state;
	struct failing_key gone = { ERR_OPERATOR, 0 };
	const struct macer keys = { mac_failing, &gone };

	queue_symmetric(script, &other_macer);
	queue_tpm(script->world, "unit-1", 1);
	enroll_service_set_device_keys(script->service, &keys);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).enrolled, 1);
	assert_int_equal(row_of(script->world, "unit-1").state, ENROLL_ENROLLED);
	assert_int_equal(row_of(script->world, "unit-s").state, ENROLL_QUARANTINED);
	assert_non_null(strstr(row_of(script->world, "unit-s").reason, "the token has no such key"));
}

static void test_batch_group_key_fails_for_now_keeps_its_record(void **state)
{
	struct script *script = *state;
	struct failing_key failing = { ERR_RETRY, 0 };
	const struct macer keys = { mac_failing, &failing };

	queue_symmetric(script, &other_macer);
	enroll_service_set_device_keys(script->service, &keys);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(row_of(script->world, "unit-s").state, ENROLL_RETRY);
	failing.class = ERR_STATION;
	script_open(script, &world_macer);
	enroll_service_set_device_keys(script->service, &keys);
	assert_int_equal(
		enroll_requeue(script->world->db, WORLD_NOW_MS, NULL, &(int64_t){ 0 }, &(struct err){ 0 }),
		0);
	send_badly(script, ERR_STATION);
	assert_int_equal(counts(script->world).queued, 1);
}

static int64_t lost_of(struct script *script, const char *registration_id)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	int64_t lost = -1;
	struct err err = { 0 };
	bool found = false;

	db_read_begin(script->world->db, &tx);
	assert_int_equal(db_get_int(&tx, "SELECT lost FROM outbox WHERE registration_id = ?1",
				    DB_VALUES(db_text(registration_id)), &lost, &found, &err),
			 0);
	assert_true(found);
	return lost;
}

/* Nothing was sent: neither the record nor the service is to blame. */
static void test_batch_login_key_hiccup_is_no_lost_call(void **state)
{
	struct script *script = *state;
	struct failing_key failing = { ERR_RETRY, 0 };
	const struct macer macer = { mac_failing, &failing };

	script_open(script, &macer);
	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).retried, 1);
	assert_int_equal(script->calls, 0);
	assert_int_equal(lost_of(script, "unit-1"), 0);
	assert_int_equal(gate_failures(script->gate), 0);
	assert_int_equal(script->service->postponed, 1);
	assert_false(script->service->leave.held);
	failing.class = ERR_NONE;
	send_until_calls(script, 1);
	assert_int_equal(counts(script->world).enrolled, 1);
	assert_int_equal(script->service->postponed, 0);
}

/* Outside of a batch too: the one probe that others wait for must not be kept by who makes no call. */
static void test_batch_login_key_hiccup_keeps_no_leave(void **state)
{
	struct script *script = *state;
	struct failing_key failing = { ERR_RETRY, 0 };
	const struct macer macer = { mac_failing, &failing };
	BUF_AUTO(json, ENROLL_REPLY_MAX);
	struct err err = { 0 };
	bool found = false;

	script_open(script, &macer);
	assert_int_equal(enroll_get(script->service, "unit-1", &json, &found, &err), -1);
	assert_int_equal(err.class, ERR_RETRY);
	assert_false(script->service->leave.held);
}

/* The secure heap is locked memory that all threads share: a call takes no more of it than its keys need. */
static void test_batch_fits_a_small_secure_heap(void **state)
{
	struct script *script = *state;
	struct enroll_progress progress;
	char id[16];

	assert_int_not_equal(CRYPTO_secure_malloc_init(16384, 16), 0);
	for (int i = 0; i < ENROLL_BULK_MAX; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%d", i), 0);
		queue_tpm(script->world, id, 1);
	}
	queue_symmetric(script, &other_macer);
	enroll_service_set_device_keys(script->service, &other_macer);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	progress = send_well(script);
	assert_int_equal(progress.enrolled, 10);
	assert_int_equal(send_well(script).enrolled, 1);
	enroll_service_close(script->service);
	script->service = NULL;
	assert_int_equal(CRYPTO_secure_used(), 0);
	assert_int_equal(CRYPTO_secure_malloc_done(), 1);
}

static void test_batch_symmetric_key_is_not_in_the_database(void **state)
{
	struct script *script = *state;
	uint8_t key[SHA256_LEN];
	char text[64];
	static char file[1 << 20];
	struct err err = { 0 };

	queue_symmetric(script, &other_macer);
	assert_int_equal(other_macer.mac(other_macer.key, BYTES_LIT("unit-s"), key, &err), 0);
	assert_int_equal(base64_encode(BYTES_ARRAY(key), text, sizeof(text)), 0);
	for (int i = 0; i < 2; i++) {
		char path[200];
		CLEANUP(file_closep) FILE *db = NULL;
		size_t n;

		assert_int_equal(
			str_format(path, sizeof(path), "%s%s", script->world->db_path, i == 0 ? "" : "-wal"),
			0);
		db = fopen(path, "rb");
		assert_non_null(db);
		n = fread(file, 1, sizeof(file), db);
		assert_true(n > 0);
		assert_null(memmem(file, n, text, strlen(text)));
		assert_null(memmem(file, n, key, sizeof(key)));
	}
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
		TEST(test_batch_all_applied_are_enrolled),
		TEST(test_batch_nothing_due_makes_no_call),
		TEST(test_batch_unnamed_item_of_a_failed_reply_is_fetched),
		TEST(test_batch_unnamed_item_that_is_not_there_is_retried_alone),
		TEST(test_batch_existing_and_equal_is_enrolled),
		TEST(test_batch_existing_and_different_is_quarantined_by_field),
		TEST(test_batch_difference_is_kept_with_the_record),
		TEST(test_batch_portal_page_with_200_is_no_success),
		TEST(test_batch_html_that_claims_to_be_json_is_no_success),
		TEST(test_batch_strange_answers_refuse_no_record),
		TEST(test_batch_unknown_fields_of_an_answer_are_no_matter),
		TEST(test_batch_redirect_is_not_followed),
		TEST(test_batch_throttled_waits_as_long_as_asked),
		TEST(test_batch_server_error_is_retried_and_not_counted),
		TEST(test_batch_that_is_lost_three_times_travels_alone),
		TEST(test_batch_record_that_breaks_each_call_alone_is_quarantined),
		TEST(test_batch_outage_quarantines_no_record),
		TEST(test_batch_refused_as_a_whole_finds_the_bad_one),
		TEST(test_batch_404_to_one_record_is_its_own_and_limited),
		TEST(test_batch_404_to_a_bulk_call_blames_no_record),
		TEST(test_batch_400_of_another_service_blames_no_record),
		TEST(test_batch_login_refused_leaves_rows_queued),
		TEST(test_batch_transient_refusals_are_limited),
		TEST(test_batch_connection_lost_is_retried),
		TEST(test_batch_answer_longer_than_the_cap_is_given_up),
		TEST(test_batch_budget_used_up_waits_for_its_turn),
		TEST(test_batch_symmetric_key_is_derived_for_the_wire),
		TEST(test_batch_symmetric_key_that_cannot_be_had_is_quarantined),
		TEST(test_batch_group_key_is_gone_stops_only_its_record),
		TEST(test_batch_group_key_fails_for_now_keeps_its_record),
		TEST(test_batch_login_key_hiccup_is_no_lost_call),
		TEST(test_batch_login_key_hiccup_keeps_no_leave),
		TEST(test_batch_fits_a_small_secure_heap),
		TEST(test_batch_symmetric_key_is_not_in_the_database),
		TEST(test_batch_certificate_not_trusted_is_the_operators),
		TEST(test_batch_other_host_name_is_the_operators),
		TEST(test_batch_service_down_is_the_operators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
