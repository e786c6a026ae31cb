/* Bulk calls: each item by itself, under HTTP 200. */
#include "tests/unit/dps_emulator/service.h"

#include <stdlib.h>

#define BULK(mode, items) "{\"mode\":\"" mode "\",\"enrollments\":[" items "]}"

static void bulk(struct service *service, const char *body, struct reply *ret)
{
	service_call(service, "POST", "/enrollments/", body, NULL, ret);
	assert_int_equal(ret->res.status, 200);
	assert_true(json_is_array(json_object_get(ret->body, "errors")));
	assert_int_equal(json_is_true(json_object_get(ret->body, "isSuccessful")),
			 json_array_size(json_object_get(ret->body, "errors")) == 0);
}

/* The code of the one error, 0 if there is none; its id has to be id. */
static int only_error(const struct reply *reply, const char *id)
{
	const json_t *errors = json_object_get(reply->body, "errors"), *first = json_array_get(errors, 0);

	assert_true(json_array_size(errors) <= 1);
	if (first == NULL)
		return 0;
	assert_string_equal(json_string_value(json_object_get(first, "registrationId")), id);
	assert_true(json_string_length(json_object_get(first, "errorStatus")) > 0);
	return (int)json_integer_value(json_object_get(first, "errorCode"));
}

static int bulk_error(struct service *service, const char *body, const char *id)
{
	REPLY_AUTO reply;

	bulk(service, body, &reply);
	return only_error(&reply, id);
}

static void test_bulk_create_all_good_successful(void **state)
{
	struct service *service = *state;

	assert_int_equal(bulk_error(service, BULK("create", TPM("a") "," SYM("b")), ""), 0);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 2);
}

static void test_bulk_create_existing_fails_alone(void **state)
{
	struct service *service = *state;

	assert_int_equal(service_code(service, "PUT", "/enrollments/b", SYM("b")), 200);
	assert_int_equal(bulk_error(service, BULK("create", SYM("a") "," SYM("B") "," SYM("c")), "B"),
			 409201);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 3);
}

static void test_bulk_bad_item_fails_alone(void **state)
{
	struct service *service = *state;

	assert_int_equal(bulk_error(service, BULK("create", SYM("a") ",{\"registrationId\":\"b\"}"), "b"),
			 400004);
	assert_int_equal(bulk_error(service, BULK("create", "7"), ""), 400004);
	assert_int_equal(bulk_error(service, BULK("create", SYM("b.")), "b."), 400004);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 1);
}

static void test_bulk_same_id_twice_second_refused(void **state)
{
	struct service *service = *state;

	assert_int_equal(bulk_error(service, BULK("create", SYM("a") "," SYM("A")), "A"), 400004);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 1);
}

static void test_bulk_update_without_etag_behaves_like_put(void **state)
{
	assert_int_equal(bulk_error(*state, BULK("update", SYM("a")), "a"), 0);
	assert_int_equal(bulk_error(*state, BULK("update", SYM("a")), "a"), 409201);
}

/* An item with an etag in it. */
static int update_with(struct service *service, const char *mode, const char *etag)
{
	char body[512];

	assert_int_equal(
		str_format(body, sizeof(body),
			   "{\"mode\":\"%s\",\"enrollments\":[{\"registrationId\":\"a\",\"etag\":\"%s\","
			   "\"attestation\":{\"type\":\"symmetricKey\"}}]}",
			   mode, etag),
		0);
	return bulk_error(service, body, "a");
}

static void test_bulk_update_etag_compared(void **state)
{
	struct service *service = *state;
	char etag[DPS_ETAG_MAX];

	assert_int_equal(update_with(service, "updateIfMatchETag", "IjEi"), 404201);
	assert_int_equal(service_code(service, "PUT", "/enrollments/a", SYM("a")), 200);
	assert_int_equal(update_with(service, "updateIfMatchETag", "IjEi"), 412001);
	assert_int_equal(update_with(service, "update", "IjEi"), 412001);
	assert_int_equal(update_with(service, "updateIfMatchETag", ""), 412001);
	(void)!str_format(etag, sizeof(etag), "%s",
			  dps_store_find(service->store, DPS_ENROLLMENTS, "a")->etag);
	assert_int_equal(update_with(service, "updateIfMatchETag", etag), 0);
	assert_int_equal(update_with(service, "updateIfMatchETag", etag), 412001);
}

static void test_bulk_delete_needs_only_ids(void **state)
{
	struct service *service = *state;

	assert_int_equal(bulk_error(service, BULK("create", SYM("a") "," SYM("b")), ""), 0);
	assert_int_equal(
		bulk_error(service,
			   BULK("delete", "{\"registrationId\":\"A\"},{\"registrationId\":\"none\"}"),
			   "none"),
		404201);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 1);
}

static void test_bulk_whole_call_refused(void **state)
{
	static const char *const bodies[] = {
		BULK("create", ""),
		BULK("upsert", SYM("a")),
		"{\"mode\":\"create\"}",
		"{\"enrollments\":[" SYM("a") "]}",
		"{\"mode\":\"create\",\"enrollmentGroups\":[" GROUP("a") "]}",
		"{\"mode\":\"create\",\"enrollments\":" SYM("a") "}",
		BULK("create",
		     SYM("1") "," SYM("2") "," SYM("3") "," SYM("4") "," SYM("5") "," SYM("6") "," SYM(
			     "7") "," SYM("8") "," SYM("9") "," SYM("10") "," SYM("11")),
		"[]",
		"",
	};
	struct service *service = *state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_int_equal(service_code(service, "POST", "/enrollments", bodies[i]), 400004);
	assert_int_equal(dps_store_count(service->store, DPS_ENROLLMENTS), 0);
}

static void test_bulk_groups_have_their_own_codes(void **state)
{
	static const char body[] = "{\"mode\":\"create\",\"enrollmentGroups\":[" GROUP("g") "]}";
	REPLY_AUTO first, second;

	service_call(*state, "POST", "/enrollmentGroups", body, NULL, &first);
	assert_true(json_is_true(json_object_get(first.body, "isSuccessful")));
	service_call(*state, "POST", "/enrollmentGroups", body, NULL, &second);
	assert_int_equal(second.res.status, 200);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(json_object_get(second.body, "errors"), 0),
						  "enrollmentGroupId")),
		"g");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json_object_get(second.body, "errors"), 0), "errorCode")),
			 409202);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bulk_create_all_good_successful),
		TEST(test_bulk_create_existing_fails_alone),
		TEST(test_bulk_bad_item_fails_alone),
		TEST(test_bulk_same_id_twice_second_refused),
		TEST(test_bulk_update_without_etag_behaves_like_put),
		TEST(test_bulk_update_etag_compared),
		TEST(test_bulk_delete_needs_only_ids),
		TEST(test_bulk_whole_call_refused),
		TEST(test_bulk_groups_have_their_own_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
