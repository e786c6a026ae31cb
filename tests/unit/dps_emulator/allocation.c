/* Where devices go, what happens when they come back, and what the service API shows of it (dps-api 5.6, 1.2). */
#include "tests/unit/dps_emulator/device.h"

#include <stdlib.h>

#define POLICY(update, migrate)                                                                              \
	",\"reprovisionPolicy\":{\"updateHubAssignment\":" update ",\"migrateDeviceData\":" migrate "}"
#define STATIC(hub) ",\"allocationPolicy\":\"static\",\"iotHubs\":[\"" hub "\"]"

/* Creates or replaces. */
static void enroll(struct service *service, const char *id, const char *more)
{
	static const struct dps_header if_match[] = { { "If-Match", "*" }, { NULL, NULL } };
	bool known = dps_store_find(service->store, DPS_ENROLLMENTS, id) != NULL;
	char body[1024], path[64];
	REPLY_AUTO reply;

	assert_int_equal(str_format(path, sizeof(path), "/enrollments/%s", id), 0);
	assert_int_equal(str_format(body, sizeof(body),
				    "{\"registrationId\":\"%s\",\"attestation\":{\"type\":\"symmetricKey\","
				    "\"symmetricKey\":{\"primaryKey\":\"" KEY_1 "\",\"secondaryKey\":\"" KEY_2
				    "\"}}%s}",
				    id, more),
			 0);
	service_call(service, "PUT", path, body, known ? if_match : NULL, &reply);
	assert_int_equal(reply_code(&reply), 200);
}

static void expect_state(struct service *service, const char *hub, const char *substatus, const char *twin)
{
	REPLY_AUTO final;
	const char *text;

	device_register_all(service, "dev-1", KEY_1, &final);
	assert_string_equal(reply_text(&final, "status"), "assigned");
	assert_string_equal(reply_text(&final, "registrationState/assignedHub"), hub);
	assert_string_equal(reply_text(&final, "registrationState/substatus"), substatus);
	text = dps_store_find(service->store, DPS_REGISTRATIONS, "dev-1")->text;
	if (twin != NULL)
		assert_non_null(strstr(text, twin));
	else
		assert_null(strstr(text, "initialTwin"));
}

#define TWIN(n) ",\"initialTwin\":{\"tags\":{\"n\":" n "}}"
#define KEPT(n) "\"initialTwin\":{\"tags\":{\"n\":" n "}}"

static void test_reprovision_when_the_hub_changes_then_as_the_policy_says(void **state)
{
	struct service *service = *state;

	enroll(service, "dev-1", STATIC("a.x") TWIN("1"));
	expect_state(service, "a.x", "initialAssignment", KEPT("1"));
	expect_state(service, "a.x", "initialAssignment", KEPT("1"));
	enroll(service, "dev-1", STATIC("b.x") TWIN("2") POLICY("true", "true"));
	expect_state(service, "b.x", "deviceDataMigrated", KEPT("1"));
	enroll(service, "dev-1", STATIC("c.x") TWIN("3") POLICY("true", "false"));
	expect_state(service, "c.x", "deviceDataReset", KEPT("3"));
	enroll(service, "dev-1", STATIC("d.x") TWIN("4") POLICY("false", "false"));
	expect_state(service, "c.x", "deviceDataReset", KEPT("3"));
}

static void test_reprovision_when_the_registration_was_deleted_then_initial_again(void **state)
{
	struct service *service = *state;

	enroll(service, "dev-1", STATIC("a.x"));
	expect_state(service, "a.x", "initialAssignment", NULL);
	assert_int_equal(service_code(service, "DELETE", "/registrations/dev-1", NULL), 204);
	assert_int_equal(service_code(service, "GET", "/registrations/dev-1", NULL), 404201);
	assert_int_equal(service_code(service, "DELETE", "/registrations/dev-1", NULL), 404201);
	enroll(service, "dev-1", STATIC("b.x") POLICY("false", "false"));
	expect_state(service, "b.x", "initialAssignment", NULL);
}

static void test_reprovision_when_disabled_meanwhile_then_the_assignment_is_kept(void **state)
{
	struct service *service = *state;
	REPLY_AUTO final;

	enroll(service, "dev-1", STATIC("a.x"));
	expect_state(service, "a.x", "initialAssignment", NULL);
	enroll(service, "dev-1", STATIC("b.x") ",\"provisioningStatus\":\"disabled\"");
	device_register_all(service, "dev-1", KEY_1, &final);
	assert_string_equal(reply_text(&final, "status"), "disabled");
	enroll(service, "dev-1", STATIC("b.x"));
	expect_state(service, "b.x", "deviceDataMigrated", NULL);
}

static const char *hub_of(struct service *service, const char *id, char out[64])
{
	REPLY_AUTO final;

	device_register_all(service, id, KEY_1, &final);
	assert_int_equal(str_format(out, 64, "%s", reply_text(&final, "registrationState/assignedHub")), 0);
	return out;
}

static void test_hashed_when_many_devices_then_all_hubs_and_always_the_same(void **state)
{
	struct service *service = *state;
	unsigned seen[3] = { 0 };
	char id[16], first[64], again[64];

	for (int i = 0; i < 30; i++) {
		assert_int_equal(str_format(id, sizeof(id), "dev-%d", i), 0);
		enroll(service, id, "");
		assert_string_equal(hub_of(service, id, first), hub_of(service, id, again));
		assert_memory_equal(first, "hub", 3);
		seen[first[3] - '1']++;
	}
	assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
}

static void test_allocation_when_a_list_is_given_then_one_of_it(void **state)
{
	struct service *service = *state;
	char hub[64];

	enroll(service, "geo-1", ",\"allocationPolicy\":\"geoLatency\",\"iotHubs\":[\"n.x\",\"f.x\"]");
	assert_string_equal(hub_of(service, "geo-1", hub), "n.x");
	enroll(service, "one-1", ",\"iotHubHostName\":\"only.x\"");
	assert_string_equal(hub_of(service, "one-1", hub), "only.x");
	enroll(service, "hash-1", ",\"allocationPolicy\":\"hashed\",\"iotHubs\":[\"n.x\"]");
	assert_string_equal(hub_of(service, "hash-1", hub), "n.x");
}

static void expect_failure(struct service *service, int code)
{
	REPLY_AUTO final;
	const json_t *registration;

	device_register_all(service, "dev-1", KEY_1, &final);
	assert_int_equal(final.res.status, 200);
	assert_string_equal(reply_text(&final, "status"), "failed");
	registration = json_object_get(final.body, "registrationState");
	assert_int_equal(json_integer_value(json_object_get(registration, "errorCode")), code);
	assert_non_null(reply_text(&final, "registrationState/errorMessage"));
	assert_null(reply_text(&final, "registrationState/assignedHub"));
}

static void test_allocation_when_it_can_not_be_made_then_failed_with_its_code(void **state)
{
	struct service *service = *state;

	enroll(service, "dev-1",
	       ",\"allocationPolicy\":\"custom\",\"customAllocationDefinition\":{\"webhookUrl\":\"https://"
	       "x\","
	       "\"apiVersion\":\"2021-10-01\"}");
	expect_failure(service, DPS_ALLOCATION_FAILED);
	service->conf.hubs = NULL;
	enroll(service, "dev-1", "");
	expect_failure(service, DPS_NO_HUB);
}

static void test_enrollment_when_its_device_registered_then_shows_the_state(void **state)
{
	struct service *service = *state;
	REPLY_AUTO before;
	REPLY_AUTO after;
	REPLY_AUTO registration;

	enroll(service, "dev-1", STATIC("a.x"));
	service_call(service, "GET", "/enrollments/dev-1", NULL, NULL, &before);
	assert_string_equal(reply_text(&before, "registrationState/status"), "unassigned");
	expect_state(service, "a.x", "initialAssignment", NULL);
	service_call(service, "GET", "/enrollments/dev-1", NULL, NULL, &after);
	assert_string_equal(reply_text(&after, "registrationState/status"), "assigned");
	assert_string_equal(reply_text(&after, "registrationState/assignedHub"), "a.x");
	service_call(service, "GET", "/registrations/dev-1", NULL, NULL, &registration);
	assert_string_equal(reply_text(&registration, "substatus"), "initialAssignment");
	assert_null(json_object_get(registration.body, "operationId"));
	assert_int_equal(service_code(service, "DELETE", "/enrollments/dev-1", NULL), 204);
	assert_int_equal(service_code(service, "GET", "/registrations/dev-1", NULL), 404201);
}

static void test_registration_when_the_etag_is_another_then_kept(void **state)
{
	static const struct dps_header other[] = { { "If-Match", "\"x\"" }, { NULL, NULL } };
	struct service *service = *state;
	REPLY_AUTO refused;
	REPLY_AUTO kept;
	REPLY_AUTO deleted;
	struct dps_header own[] = { { "If-Match", NULL }, { NULL, NULL } };

	enroll(service, "dev-1", STATIC("a.x"));
	expect_state(service, "a.x", "initialAssignment", NULL);
	service_call(service, "DELETE", "/registrations/dev-1", NULL, other, &refused);
	assert_int_equal(reply_code(&refused), 412001);
	service_call(service, "GET", "/registrations/dev-1", NULL, NULL, &kept);
	own[0].value = reply_text(&kept, "etag");
	service_call(service, "DELETE", "/registrations/dev-1", NULL, own, &deleted);
	assert_int_equal(reply_code(&deleted), 204);
}

#define GROUP_OF(id)                                                                                         \
	"{\"enrollmentGroupId\":\"" id "\",\"attestation\":{\"type\":\"symmetricKey\",\"symmetricKey\":"     \
	"{\"primaryKey\":\"" KEY_1 "\",\"secondaryKey\":\"" KEY_2 "\"}}}"

/* HMAC-SHA256 of the ID under KEY_1, made with another program. */
static const struct {
	const char *id, *key;
} derived[] = {
	{ "g-1", "gT43hdwivu5KRu8KtO4JTOVDHezj4PpX6DpgGvLCNHw=" },
	{ "g-2", "Yq+j3RjQNQtWDzNcphvypPqm5j3oDVkTsEAV5acB8jk=" },
	{ "g-3", "S7Ydp6unmM1TTOj+sR7ezTovpUnXv2rXuxsTyioEQUo=" },
};

static void test_registrations_when_queried_by_group_then_its_own_in_pages(void **state)
{
	struct service *service = *state;
	struct dps_header headers[] = { { "x-ms-max-item-count", "2" }, { NULL, NULL }, { NULL, NULL } };
	REPLY_AUTO first;
	REPLY_AUTO second;

	assert_int_equal(service_code(service, "PUT", "/enrollmentGroups/g", GROUP_OF("g")), 200);
	enroll(service, "dev-1", STATIC("a.x"));
	expect_state(service, "a.x", "initialAssignment", NULL);
	for (size_t i = 0; i < ARRAY_LEN(derived); i++) {
		REPLY_AUTO final;

		device_register_all(service, derived[i].id, derived[i].key, &final);
		assert_string_equal(reply_text(&final, "status"), "assigned");
	}
	service_call(service, "POST", "/registrations/g/query", NULL, headers, &first);
	assert_string_equal(reply_header(&first, "x-ms-item-type"), "DeviceRegistration");
	assert_int_equal(json_array_size(first.body), 2);
	headers[1] = (struct dps_header){ "x-ms-continuation", reply_header(&first, "x-ms-continuation") };
	service_call(service, "POST", "/registrations/G/query", NULL, headers, &second);
	assert_int_equal(json_array_size(second.body), 1);
	assert_null(reply_header(&second, "x-ms-continuation"));
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(second.body, 0), "registrationId")), "g-3");
	assert_int_equal(service_code(service, "POST", "/registrations/none/query", NULL), 404202);
}

static void test_registrations_when_the_state_is_reopened_then_still_there(void **state)
{
	char path[] = "/tmp/dps-state-XXXXXX";
	struct service *service = *state;
	int fd = mkstemp(path);
	struct err err;

	assert_true(fd >= 0);
	(void)close(fd);
	dps_free(service->dps);
	dps_store_close(service->store);
	assert_int_equal(dps_store_open(path, &service->store, &err), 0);
	assert_int_equal(dps_new(&service->conf, service->store, &service->dps, &err), 0);
	enroll(service, "dev-1", STATIC("a.x"));
	expect_state(service, "a.x", "initialAssignment", NULL);
	dps_store_close(service->store);
	assert_int_equal(dps_store_open(path, &service->store, &err), 0);
	dps_free(service->dps);
	assert_int_equal(dps_new(&service->conf, service->store, &service->dps, &err), 0);
	assert_int_equal(service_code(service, "GET", "/registrations/dev-1", NULL), 200);
	(void)unlink(path);
}

#define T(name) cmocka_unit_test_setup_teardown(name, service_setup, service_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(test_reprovision_when_the_hub_changes_then_as_the_policy_says),
		T(test_reprovision_when_the_registration_was_deleted_then_initial_again),
		T(test_reprovision_when_disabled_meanwhile_then_the_assignment_is_kept),
		T(test_hashed_when_many_devices_then_all_hubs_and_always_the_same),
		T(test_allocation_when_a_list_is_given_then_one_of_it),
		T(test_allocation_when_it_can_not_be_made_then_failed_with_its_code),
		T(test_enrollment_when_its_device_registered_then_shows_the_state),
		T(test_registration_when_the_etag_is_another_then_kept),
		T(test_registrations_when_queried_by_group_then_its_own_in_pages),
		T(test_registrations_when_the_state_is_reopened_then_still_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
