/* A unit's next record replaces what this station enrolled for it before, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/encode.h"
#include "tests/unit/enroll/emulated.h"

static void queue(struct emulated *e, const struct enroll_record *record)
{
	struct err err = { 0 };

	if (enqueue(e->world->db, record, &err) < 0)
		fail_msg("%s", err.what);
}

static void queue_leaf(struct emulated *e, const char *job, const char *pem)
{
	const struct enroll_record record = { .job = job,
					      .registration_id = "unit-1",
					      .certificate_pem = bytes_str(pem) };

	queue(e, &record);
}

static void queue_ek(struct emulated *e, const char *job, uint8_t seed, const char *tags)
{
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record record = { .job = job,
					      .registration_id = "unit-1",
					      .endorsement_key = test_ek(seed, ek),
					      .terms.tags = tags };

	queue(e, &record);
}

/* What somebody else does in the service to the record that is there. */
static void put_by_hand(struct emulated *e, const char *json)
{
	static const char path[] = "/enrollments/unit-1?api-version=" ENROLL_API_VERSION;
	const struct http_request put = { "PUT", path, bytes_str(json) };
	struct err err = { 0 };
	ANSWER_AUTO(answer);

	if (service_call_if(e->service, e->now_ms, &put, "*", &answer, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(answer.http.kind, REPLY_DONE);
}

static bool service_says(struct emulated *e, const char *text)
{
	BUF_AUTO(json, ENROLL_REPLY_MAX);
	struct err err = { 0 };
	bool found = false;

	/* Twice, for a service that fails now and then. */
	if (enroll_get(e->service, "unit-1", &json, &found, &err) < 0) {
		emulated_open(e, &e->macer);
		if (enroll_get(e->service, "unit-1", &json, &found, &err) < 0)
			fail_msg("%s: %s", err.where, err.what);
	}
	return found && memmem(json.p, json.len, text, strlen(text)) != NULL;
}

static void test_update_reworked_x509_unit_replaces_its_record(void **state)
{
	struct emulated *e = *state;

	EMULATE(e);
	queue_leaf(e, "job-1", certificate_a);
	(void)drain(e);
	assert_true(service_says(e, thumbprint_a));
	queue_leaf(e, "job-2", certificate_b);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 2);
	assert_true(service_says(e, thumbprint_b));
	assert_false(service_says(e, thumbprint_a));
}

static void test_update_swapped_tpm_and_terms_replace_what_was_ours_alone(void **state)
{
	struct emulated *e = *state;

	EMULATE(e);
	queue_ek(e, "job-1", 1, "line=L1 batch=7");
	(void)drain(e);
	/* The cloud's operator adds a member that the station never sends. */
	{
		uint8_t ek[TEST_EK_LEN];
		char text[BASE64_LEN(TEST_EK_LEN) + 1], json[1200];

		assert_int_equal(base64_encode(test_ek(1, ek), text, sizeof(text)), 0);
		assert_int_equal(
			str_format(json, sizeof(json),
				   "{\"registrationId\":\"unit-1\",\"attestation\":{\"type\":\"tpm\","
				   "\"tpm\":{\"endorsementKey\":\"%s\"}},\"initialTwin\":{\"tags\":{"
				   "\"line\":\"L1\",\"batch\":\"7\",\"site\":\"north\"}},"
				   "\"optionalDeviceInformation\":{\"owner\":\"ops\"}}",
				   text),
			0);
		put_by_hand(e, json);
	}
	queue_ek(e, "job-2", 2, "line=L2");
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 2);
	assert_true(service_says(e, "\"line\":\"L2\""));
	assert_true(service_says(e, "\"site\":\"north\""));
	assert_true(service_says(e, "\"owner\":\"ops\""));
	assert_false(service_says(e, "batch"));
}

static void test_update_what_somebody_else_put_is_quarantined(void **state)
{
	struct emulated *e = *state;

	EMULATE(e);
	queue_ek(e, "job-1", 1, NULL);
	(void)drain(e);
	put_by_hand(e, "{\"registrationId\":\"unit-1\",\"attestation\":{\"type\":\"symmetricKey\"}}");
	queue_ek(e, "job-2", 2, NULL);
	(void)drain(e);
	assert_int_equal(counts(e->world).quarantined, 1);
	assert_true(service_says(e, "symmetricKey"));
}

/* The change is done and its answer lost: it is looked at again, and it is there. */
static void test_update_lost_answer_ends_enrolled(void **state)
{
	struct emulated *e = *state;

	EMULATE(e, "--drop-reply-every", "3");
	queue_leaf(e, "job-1", certificate_a);
	(void)drain(e);
	queue_leaf(e, "job-2", certificate_b);
	(void)drain(e);
	queue_leaf(e, "job-3", certificate_a);
	(void)drain(e);
	queue_leaf(e, "job-4", certificate_b);
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 4);
	assert_true(service_says(e, thumbprint_b));
}

/* The older record waits for its time: the newer one does not pass it, and is what the service ends with. */
static void test_update_an_older_job_never_overwrites_a_newer_one(void **state)
{
	struct emulated *e = *state;

	EMULATE(e, "--fail-every", "3");
	for (int i = 0; i < 6; i++) {
		char job[16];

		assert_int_equal(str_format(job, sizeof(job), "job-%d", i), 0);
		queue_leaf(e, job, i % 2 == 0 ? certificate_a : certificate_b);
	}
	(void)drain(e);
	assert_int_equal(counts(e->world).enrolled, 6);
	assert_true(service_says(e, thumbprint_b));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, emulated_setup, emulated_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_update_reworked_x509_unit_replaces_its_record),
		TEST(test_update_swapped_tpm_and_terms_replace_what_was_ours_alone),
		TEST(test_update_what_somebody_else_put_is_quarantined),
		TEST(test_update_lost_answer_ends_enrolled),
		TEST(test_update_an_older_job_never_overwrites_a_newer_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
