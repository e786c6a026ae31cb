/* Replacing a unit's earlier record, call by call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/encode.h"
#include "tests/unit/enroll/script.h"

#define EXISTS                                                                                               \
	"{\"isSuccessful\":false,\"errors\":[{\"registrationId\":\"unit-1\",\"errorCode\":409201,"           \
	"\"errorStatus\":\"Enrollment already exists.\"}]}"

static void queue_second(struct script *script)
{
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record record = { .job = "second",
					      .registration_id = "unit-1",
					      .endorsement_key = test_ek(2, ek) };
	struct err err = { 0 };

	assert_int_equal(enqueue(script->world->db, &record, &err), 0);
}

static void enrollment_json(uint8_t seed, const char *etag, char out[1000])
{
	uint8_t ek[TEST_EK_LEN];
	char text[BASE64_LEN(TEST_EK_LEN) + 1];

	assert_int_equal(base64_encode(test_ek(seed, ek), text, sizeof(text)), 0);
	assert_int_equal(str_format(out, 1000,
				    "{\"registrationId\":\"unit-1\",%s\"attestation\":{\"type\":\"tpm\","
				    "\"tpm\":{\"endorsementKey\":\"%s\"}}}",
				    etag, text),
			 0);
}

/* Somebody changed the record between fetch and replacement: it is fetched again, and decided anew. */
static void test_update_is_decided_anew_when_the_record_changed(void **state)
{
	struct script *script = *state;
	char first[1000], second[1000];

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).enrolled, 1);
	queue_second(script);
	enrollment_json(1, "\"etag\":\"ZXRhZzE=\",", first);
	enrollment_json(2, "", second);
	script->calls = 0;
	SCRIPT(script, { POST_BULK, { .status = 200, .body = EXISTS } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = first } },
	       { "PUT /enrollments/unit-1",
		 { .status = 412, .body = "{\"errorCode\":412001,\"message\":\"Precondition failed.\"}" } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = first } },
	       { "PUT /enrollments/unit-1", { .status = 200, .body = second } });
	assert_int_equal(send_well(script).enrolled, 1);
	assert_int_equal(script->calls, 5);
}

/* What can't be put into a header, or is not there, makes no blind PUT. */
static void test_update_needs_an_etag(void **state)
{
	struct script *script = *state;
	static const char *const etags[] = { "", "\"etag\":\"\",", "\"etag\":\"a\\r\\nX: y\",",
					     "\"etag\":7," };
	char first[1000];

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).enrolled, 1);
	for (size_t i = 0; i < ARRAY_LEN(etags); i++) {
		CLEANUP(db_rollback) struct db_tx tx = { 0 };
		struct err err = { 0 };

		assert_int_equal(db_begin(script->world->db, &tx, &err), 0);
		assert_int_equal(db_run(&tx, "DELETE FROM outbox WHERE job = 'second'", DB_NO_VALUES, &err),
				 0);
		assert_int_equal(db_commit(&tx, &err), 0);
		queue_second(script);
		enrollment_json(1, etags[i], first);
		script_open(script, &world_macer);
		SCRIPT(script, { POST_BULK, { .status = 200, .body = EXISTS } },
		       { "GET /enrollments/unit-1", { .status = 200, .body = first } },
		       { "PUT /enrollments/unit-1", { .status = 500 } });
		assert_int_equal(send_well(script).retried, 1);
		assert_string_equal(script->asked[script->calls - 1], "GET /enrollments/unit-1");
	}
}

/* What refuses the replacement because the record exists is asked a limited number of times. */
static void test_update_refused_as_existing_is_given_up(void **state)
{
	struct script *script = *state;
	char first[1000];

	queue_tpm(script->world, "unit-1", 1);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = BULK_OK } });
	assert_int_equal(send_well(script).enrolled, 1);
	queue_second(script);
	enrollment_json(1, "\"etag\":\"IjEi\",", first);
	SCRIPT(script, { POST_BULK, { .status = 200, .body = EXISTS } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = first } },
	       { "PUT /enrollments/unit-1", { .status = 400, .body = ERROR_BODY("409201") } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = first } },
	       { "PUT /enrollments/unit-1", { .status = 400, .body = ERROR_BODY("409201") } },
	       { "GET /enrollments/unit-1", { .status = 200, .body = first } });
	assert_int_equal(send_well(script).quarantined, 1);
	assert_int_equal(script->calls, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_update_is_decided_anew_when_the_record_changed),
		TEST(test_update_needs_an_etag),
		TEST(test_update_refused_as_existing_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
