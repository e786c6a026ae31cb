/* Single calls: create, replace, delete, etags, and who gets to see keys. */
#include "tests/unit/dps_emulator/service.h"

static void put(struct service *service, const char *path, const char *body, struct reply *ret)
{
	service_call(service, "PUT", path, body, NULL, ret);
	assert_int_equal(ret->res.status, 200);
}

static int put_matching(struct service *service, const char *body, const char *if_match)
{
	const struct dps_header extra[] = { { "If-Match", if_match }, { NULL, NULL } };
	REPLY_AUTO reply;

	service_call(service, "PUT", "/enrollments/a", body, extra, &reply);
	return reply_code(&reply);
}

static void test_put_new_record_echoed_with_etag_and_times(void **state)
{
	REPLY_AUTO reply;

	put(*state, "/enrollments/a", TPM("a"), &reply);
	assert_string_equal(reply_text(&reply, "registrationId"), "a");
	assert_string_equal(reply_text(&reply, "attestation/tpm/endorsementKey"), EK);
	assert_string_equal(reply_text(&reply, "createdDateTimeUtc"), "2026-11-22T02:20:00.0000000Z");
	assert_null(json_object_get(reply.body, "registrationState"));
	/* base64 of a quoted text begins with base64 of '"' */
	assert_memory_equal(reply_text(&reply, "etag"), "I", 1);
}

static void test_get_adds_registration_state(void **state)
{
	REPLY_AUTO made, got;

	put(*state, "/enrollments/a", TPM("A"), &made);
	service_call(*state, "GET", "/enrollments/a", NULL, NULL, &got);
	assert_string_equal(reply_text(&got, "registrationState/status"), "unassigned");
	assert_string_equal(reply_text(&got, "registrationState/registrationId"), "A");
	assert_string_equal(reply_text(&got, "etag"), reply_text(&made, "etag"));
}

static void test_put_existing_without_if_match_conflicts(void **state)
{
	REPLY_AUTO reply;

	put(*state, "/enrollments/a", TPM("a"), &reply);
	assert_int_equal(service_code(*state, "PUT", "/enrollments/A", TPM("A")), 409201);
	assert_int_equal(service_code(*state, "PUT", "/enrollmentGroups/a", GROUP("a")), 200);
	assert_int_equal(service_code(*state, "PUT", "/enrollmentGroups/a", GROUP("a")), 409202);
}

static void test_put_if_match_replaces_and_keeps_created(void **state)
{
	struct service *service = *state;
	struct dps_header extra[] = { { "If-Match", NULL }, { NULL, NULL } };
	REPLY_AUTO first, second;

	put(service, "/enrollments/a", TPM("a"), &first);
	extra[0].value = reply_text(&first, "etag");
	service->at_ticks += 15;
	service_call(service, "PUT", "/enrollments/a", SYM("a"), extra, &second);
	assert_int_equal(second.res.status, 200);
	assert_string_equal(reply_text(&second, "attestation/type"), "symmetricKey");
	assert_string_equal(reply_text(&second, "createdDateTimeUtc"), "2026-11-22T02:20:00.0000000Z");
	assert_string_equal(reply_text(&second, "lastUpdatedDateTimeUtc"), "2026-11-22T02:20:00.0000015Z");
	assert_string_not_equal(reply_text(&second, "etag"), reply_text(&first, "etag"));
}

static void test_put_if_match_other_etag_refused(void **state)
{
	REPLY_AUTO reply;

	put(*state, "/enrollments/a", TPM("a"), &reply);
	assert_int_equal(put_matching(*state, TPM("a"), "IjEi"), 412001);
	assert_int_equal(put_matching(*state, TPM("a"), "*"), 200);
	assert_int_equal(put_matching(*state, TPM("a"), reply_text(&reply, "etag")), 412001);
}

static void test_put_if_match_missing_record_refused(void **state)
{
	assert_int_equal(put_matching(*state, TPM("a"), "*"), 404201);
}

static void test_etag_matches_every_spelling(void **state)
{
	static const char *const same[] = { "IjEi",        "\"IjEi\"", "W/\"IjEi\"", " IjEi ",
					    "x, \"IjEi\"", "*",        "\"*\"" };
	static const char *const other[] = { "", "IjE", "IjEi=", "\"\"", "W/", "x,y", "\"IjEi", "\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		assert_true(dps_etag_matches(same[i], "IjEi"));
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_false(dps_etag_matches(other[i], "IjEi"));
}

static void test_delete_answers_204_once(void **state)
{
	REPLY_AUTO made, gone;

	put(*state, "/enrollments/a", TPM("a"), &made);
	service_call(*state, "DELETE", "/enrollments/A", NULL, NULL, &gone);
	assert_int_equal(gone.res.status, 204);
	assert_int_equal(gone.res.body.len, 0);
	assert_int_equal(service_code(*state, "DELETE", "/enrollments/a", NULL), 404201);
	assert_int_equal(service_code(*state, "DELETE", "/enrollmentGroups/a", NULL), 404202);
}

static void test_delete_if_match_other_etag_refused(void **state)
{
	const struct dps_header extra[] = { { "If-Match", "IjEi" }, { NULL, NULL } };
	REPLY_AUTO made, reply;

	put(*state, "/enrollments/a", TPM("a"), &made);
	service_call(*state, "DELETE", "/enrollments/a", NULL, extra, &reply);
	assert_int_equal(reply_code(&reply), 412001);
	assert_int_equal(service_code(*state, "GET", "/enrollments/a", NULL), 200);
}

static void test_symmetric_keys_made_when_absent(void **state)
{
	REPLY_AUTO reply;

	put(*state, "/enrollments/a", SYM("a"), &reply);
	assert_int_equal(strlen(reply_text(&reply, "attestation/symmetricKey/primaryKey")), 88);
	assert_string_not_equal(reply_text(&reply, "attestation/symmetricKey/primaryKey"),
				reply_text(&reply, "attestation/symmetricKey/secondaryKey"));
}

static void test_symmetric_keys_hidden_from_get_shown_by_attestation(void **state)
{
	REPLY_AUTO made, got, shown;

	put(*state, "/enrollmentGroups/g", GROUP("g"), &made);
	service_call(*state, "GET", "/enrollmentGroups/g", NULL, NULL, &got);
	assert_string_equal(reply_text(&got, "attestation/type"), "symmetricKey");
	assert_null(json_object_get(json_object_get(got.body, "attestation"), "symmetricKey"));
	assert_null(json_object_get(got.body, "registrationState"));
	service_call(*state, "POST", "/enrollmentgroups/g/attestationmechanism", NULL, NULL, &shown);
	assert_string_equal(reply_text(&shown, "type"), "symmetricKey");
	assert_string_equal(reply_text(&shown, "symmetricKey/primaryKey"),
			    reply_text(&made, "attestation/symmetricKey/primaryKey"));
}

static void test_put_null_members_dropped_except_status(void **state)
{
	REPLY_AUTO reply;

	put(*state, "/enrollments/a",
	    "{\"registrationId\":\"a\",\"deviceId\":null,\"provisioningStatus\":null,\"unknown\":1,\"etag\":"
	    "\"x\","
	    "\"attestation\":{\"type\":\"symmetricKey\",\"tpm\":null,\"symmetricKey\":{\"primaryKey\":null,"
	    "\"secondaryKey\":null}}}",
	    &reply);
	assert_null(json_object_get(reply.body, "deviceId"));
	assert_null(json_object_get(reply.body, "unknown"));
	assert_true(json_is_null(json_object_get(reply.body, "provisioningStatus")));
	assert_string_not_equal(reply_text(&reply, "etag"), "x");
}

static void test_put_escaped_slashes_understood(void **state)
{
	REPLY_AUTO reply;

	put(*state, "/enrollments/a",
	    "{\"registrationId\":\"a\",\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":{"
	    "\"primaryKey\":\"\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\\/\","
	    "\"secondaryKey\":\"\\u0041AAAAAAAAAAAAAAAAAAAAAAA\"}}}",
	    &reply);
	assert_string_equal(reply_text(&reply, "attestation/symmetricKey/primaryKey"),
			    "////////////////////////");
	assert_string_equal(reply_text(&reply, "attestation/symmetricKey/secondaryKey"),
			    "AAAAAAAAAAAAAAAAAAAAAAAA");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_put_new_record_echoed_with_etag_and_times),
		TEST(test_get_adds_registration_state),
		TEST(test_put_existing_without_if_match_conflicts),
		TEST(test_put_if_match_replaces_and_keeps_created),
		TEST(test_put_if_match_other_etag_refused),
		TEST(test_put_if_match_missing_record_refused),
		TEST(test_etag_matches_every_spelling),
		TEST(test_delete_answers_204_once),
		TEST(test_delete_if_match_other_etag_refused),
		TEST(test_symmetric_keys_made_when_absent),
		TEST(test_symmetric_keys_hidden_from_get_shown_by_attestation),
		TEST(test_put_null_members_dropped_except_status),
		TEST(test_put_escaped_slashes_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
