/* Queries: pages, tokens, item types. */
#include "tests/unit/dps_emulator/service.h"

static void fill(struct service *service, unsigned from, unsigned to)
{
	char path[64], body[256];

	for (unsigned i = from; i < to; i++) {
		assert_int_equal(str_format(path, sizeof(path), "/enrollments/d%u", i), 0);
		assert_int_equal(
			str_format(body, sizeof(body),
				   "{\"registrationId\":\"d%u\",\"attestation\":{\"type\":\"symmetricKey\"}}",
				   i),
			0);
		assert_int_equal(service_code(service, "PUT", path, body), 200);
	}
}

static void query(struct service *service, const char *path, const char *size, const char *token,
		  struct reply *ret)
{
	const struct dps_header extra[] = { { "x-ms-max-item-count", size },
					    { "x-ms-continuation", token },
					    { NULL, NULL } };

	service_call(service, "POST", path, "{\"query\":\"SELECT *\"}", extra, ret);
}

static void test_query_empty_gives_empty_list(void **state)
{
	REPLY_AUTO reply, groups;

	query(*state, "/enrollments/query", "", "", &reply);
	assert_true(json_is_array(reply.body));
	assert_int_equal(json_array_size(reply.body), 0);
	assert_string_equal(reply_header(&reply, "x-ms-item-type"), "Enrollment");
	assert_null(reply_header(&reply, "x-ms-continuation"));
	query(*state, "/enrollmentGroups/query", "", "", &groups);
	assert_string_equal(reply_header(&groups, "x-ms-item-type"), "EnrollmentGroup");
}

static void test_query_pages_cover_everything_once(void **state)
{
	char token[160] = "";
	unsigned seen = 0, pages = 0;

	fill(*state, 0, 25);
	do {
		REPLY_AUTO reply;
		const char *next;

		query(*state, "/enrollments/query", "10", token, &reply);
		assert_int_equal(reply.res.status, 200);
		for (size_t i = 0; i < json_array_size(reply.body); i++) {
			char id[16];

			assert_int_equal(str_format(id, sizeof(id), "d%u", seen++), 0);
			assert_string_equal(json_string_value(json_object_get(json_array_get(reply.body, i),
									      "registrationId")),
					    id);
		}
		next = reply_header(&reply, "x-ms-continuation");
		(void)!str_format(token, sizeof(token), "%s", next != NULL ? next : "");
	} while (++pages < 10 && token[0] != '\0');
	assert_int_equal(seen, 25);
	assert_int_equal(pages, 3);
}

static void test_query_full_last_page_has_no_token(void **state)
{
	REPLY_AUTO reply;

	fill(*state, 0, 10);
	query(*state, "/enrollments/query", "10", "", &reply);
	assert_int_equal(json_array_size(reply.body), 10);
	assert_null(reply_header(&reply, "x-ms-continuation"));
}

static void test_query_survives_deletion_between_pages(void **state)
{
	REPLY_AUTO first, second;

	fill(*state, 0, 4);
	query(*state, "/enrollments/query", "2", "", &first);
	assert_int_equal(service_code(*state, "DELETE", "/enrollments/d1", NULL), 204);
	query(*state, "/enrollments/query", "2", reply_header(&first, "x-ms-continuation"), &second);
	assert_int_equal(json_array_size(second.body), 2);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(second.body, 0), "registrationId")), "d2");
}

static void test_query_hides_symmetric_keys(void **state)
{
	REPLY_AUTO reply;

	fill(*state, 0, 1);
	query(*state, "/enrollments/query", "", "", &reply);
	assert_null(json_object_get(json_object_get(json_array_get(reply.body, 0), "attestation"),
				    "symmetricKey"));
}

static void test_query_texts_known_and_unknown(void **state)
{
	static const char *const good[] = { "select *", "SELECT  * FROM enrollments",
					    "Select * from Enrollments" };
	static const char *const bad[] = { "",
					   "*",
					   "SELECT",
					   "SELECT id",
					   "SELECT * FROM",
					   "SELECT * FROM enrollmentGroups",
					   "SELECT * FROM enrollments WHERE 1" };
	char body[128];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(str_format(body, sizeof(body), "{\"query\":\"%s\"}", good[i]), 0);
		assert_int_equal(service_code(*state, "POST", "/enrollments/query", body), 200);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(str_format(body, sizeof(body), "{\"query\":\"%s\"}", bad[i]), 0);
		assert_int_equal(service_code(*state, "POST", "/enrollments/query", body), 400004);
	}
}

static int code_with(struct service *service, const char *size, const char *token)
{
	REPLY_AUTO reply;

	query(service, "/enrollments/query", size, token, &reply);
	return reply_code(&reply);
}

static void test_query_bad_headers_refused(void **state)
{
	assert_int_equal(code_with(*state, "ten", ""), 400004);
	assert_int_equal(code_with(*state, "-1", ""), 400004);
	assert_int_equal(code_with(*state, "9999999999", ""), 400004);
	assert_int_equal(code_with(*state, "0", ""), 200);
	assert_int_equal(code_with(*state, "", "dG9rZW4x"), 400004);
	assert_int_equal(code_with(*state, "", "!"), 400004);
	/* {"type":"EnrollmentGroup","after":1} */
	assert_int_equal(code_with(*state, "", "eyJ0eXBlIjoiRW5yb2xsbWVudEdyb3VwIiwiYWZ0ZXIiOjF9"), 400004);
}

static void test_query_large_records_end_the_page_early(void **state)
{
	struct service *service = *state;
	json_t *doc = json_pack("{s:s, s:s+}", "etag", "e", "filler", "x", "");
	char *filler = test_malloc(90000);
	struct err err;
	char id[16];
	REPLY_AUTO reply;

	memset(filler, 'x', 89999);
	filler[89999] = '\0';
	assert_int_equal(json_object_set_new(doc, "filler", json_string(filler)), 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(str_format(id, sizeof(id), "big%u", i), 0);
		assert_int_equal(dps_store_put(service->store, DPS_ENROLLMENTS, id, doc, &err), 0);
	}
	json_decref(doc);
	test_free(filler);
	query(service, "/enrollments/query", "1000", "", &reply);
	assert_int_equal(json_array_size(reply.body), 8);
	assert_non_null(reply_header(&reply, "x-ms-continuation"));
}

static void test_registration_query_of_group_is_empty(void **state)
{
	REPLY_AUTO reply;

	assert_int_equal(service_code(*state, "PUT", "/enrollmentGroups/g", GROUP("g")), 200);
	service_call(*state, "POST", "/registrations/g/query", NULL, NULL, &reply);
	assert_int_equal(reply.res.status, 200);
	assert_int_equal(json_array_size(reply.body), 0);
	assert_string_equal(reply_header(&reply, "x-ms-item-type"), "DeviceRegistration");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_query_empty_gives_empty_list),
		TEST(test_query_pages_cover_everything_once),
		TEST(test_query_full_last_page_has_no_token),
		TEST(test_query_survives_deletion_between_pages),
		TEST(test_query_hides_symmetric_keys),
		TEST(test_query_texts_known_and_unknown),
		TEST(test_query_bad_headers_refused),
		TEST(test_query_large_records_end_the_page_early),
		TEST(test_registration_query_of_group_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
