/* Enrollment groups: what is sent for a new one, and what a change keeps, against the emulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/emulated.h"

/* Another CA: CN=Line 8 issuing. */
static const char certificate_ca_8[] = "-----BEGIN CERTIFICATE-----\n"
				       "MIIBnTCCAUKgAwIBAgIUOqpgnSMKBwqpEbOe8AQvNnl1nxEwCgYIKoZIzj0EAwIw\n"
				       "GTEXMBUGA1UEAwwOTGluZSA4IGlzc3VpbmcwIBcNMjYxMTIyMTA0NTEzWhgPMjA2\n"
				       "NTAzMjIxMDQ1MTNaMBkxFzAVBgNVBAMMDkxpbmUgOCBpc3N1aW5nMFkwEwYHKoZI\n"
				       "zj0CAQYIKoZIzj0DAQcDQgAEM8a/6/iGqo8+/stSehc+GvN4I9460wUi/9giImDA\n"
				       "3kf1bNWyrK6f7pRRJqkjWh5KvVxgLlPOtyJ7lrF+Tv0Vu6NmMGQwHQYDVR0OBBYE\n"
				       "FGkQ7CruSutSYkb8m+nwUEmh6wb3MB8GA1UdIwQYMBaAFGkQ7CruSutSYkb8m+nw\n"
				       "UEmh6wb3MBIGA1UdEwEB/wQIMAYBAf8CAQAwDgYDVR0PAQH/BAQDAgEGMAoGCCqG\n"
				       "SM49BAMCA0kAMEYCIQC+9nALWkU32dfhBQoW4xFhC5WrmK1osWLuaZCMKh+s+wIh\n"
				       "AN3na6ig68AkZkTunjvnCrMR6Qmm1iGKb9+boOR8bk/n\n"
				       "-----END CERTIFICATE-----\n";
static const char thumbprint_ca_8[] = "FBEE092FF5D362BC7CF6F4D7E2418D067A33CE83E9B9EBA417AF7B871F7E26A4";

static void assert_payload(const struct enroll_group *group, const char *expected)
{
	BUF_AUTO(json, ENROLL_BODY_MAX);
	struct err err = { 0 };

	if (payload_group(group, &json, &err) < 0)
		fail_msg("%s", err.what);
	assert_int_equal(json.len, strlen(expected));
	assert_memory_equal(json.p, expected, json.len);
}

static void test_payload_group_is_the_golden_one(void **state)
{
	const struct enroll_terms terms = { .tags = "line=7", .desired = "n=30", .disabled = true };

	(void)state;
	assert_payload(
		&(struct enroll_group){ .id = "meters" },
		"{\"enrollmentGroupId\":\"meters\",\"provisioningStatus\":\"enabled\",\"attestation\":{"
		"\"type\":\"symmetricKey\",\"symmetricKey\":{}}}");
	assert_payload(
		&(struct enroll_group){ .id = "g", .primary_ca = "plant", .terms = terms },
		"{\"enrollmentGroupId\":\"g\",\"initialTwin\":{\"tags\":{\"line\":\"7\"},\"properties\":{"
		"\"desired\":{\"n\":30}}},\"provisioningStatus\":\"disabled\",\"attestation\":{"
		"\"type\":\"x509\",\"x509\":{\"caReferences\":{\"primary\":\"plant\"}}}}");
	assert_payload(&(struct enroll_group){ .id = "g", .primary_ca = "plant", .secondary_ca = "next" },
		       "{\"enrollmentGroupId\":\"g\",\"provisioningStatus\":\"enabled\",\"attestation\":{"
		       "\"type\":\"x509\",\"x509\":{\"caReferences\":{\"primary\":\"plant\","
		       "\"secondary\":\"next\"}}}}");
}

static void test_payload_group_that_can_not_be_is_refused(void **state)
{
	static const char *const bad_ids[] = { "", "a b", ".a", "a.", ":", "..", "a/b" };
	BUF_AUTO(json, ENROLL_BODY_MAX);
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_ids); i++) {
		assert_int_equal(payload_group(&(struct enroll_group){ .id = bad_ids[i] }, &json, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
	}
	assert_int_equal(
		payload_group(&(struct enroll_group){ .id = "g", .terms.tags = "version=1" }, &json, &err),
		-1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(payload_group(&(struct enroll_group){ .id = "g",
							       .primary_pem = bytes_str(certificate_ca),
							       .secondary_pem = BYTES_LIT("none") },
				       &json, &err),
			 -1);
	assert_int_equal(err.class, ERR_OPERATOR);
}

static bool holds(const struct buf *json, const char *text)
{
	return memmem(json->p, json->len, text, strlen(text)) != NULL;
}

/* The group as the service has it. */
static void get(struct emulated *e, const char *id, struct buf *ret_json)
{
	struct err err = { 0 };
	bool found = false;

	assert_int_equal(enroll_group_get(e->service, id, ret_json, &found, &err), 0);
	assert_true(found);
}

static void assert_group(struct emulated *e, const char *id, const char *text)
{
	BUF_AUTO(json, ENROLL_REPLY_MAX);

	get(e, id, &json);
	if (!holds(&json, text))
		fail_msg("no %s in %.*s", text, (int)json.len, (const char *)json.p);
}

static void assert_group_lacks(struct emulated *e, const char *id, const char *text)
{
	BUF_AUTO(json, ENROLL_REPLY_MAX);

	get(e, id, &json);
	assert_false(holds(&json, text));
}

static int put_x509(struct emulated *e, const char *tags, struct err *err)
{
	const struct enroll_group group = { .id = "line-7",
					    .primary_pem = bytes_str(certificate_ca),
					    .terms = { .tags = tags,
						       .reprovision = ENROLL_REPROVISION_RESET } };

	return enroll_group_put_x509(e->service, &group, err);
}

/* Must work, and change something or not. */
static void change(struct emulated *e, const char *id, struct enroll_group_change change, bool expected)
{
	struct err err = { 0 };
	bool changed = !expected;

	if (enroll_group_change(e->service, id, &change, &changed, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	assert_int_equal(changed, expected);
}

static void assert_no_change(struct emulated *e, const char *id, struct enroll_group_change change,
			     enum err_class class, const char *why)
{
	struct err err = { 0 };
	bool changed = false;

	assert_int_equal(enroll_group_change(e->service, id, &change, &changed, &err), -1);
	assert_int_equal(err.class, class);
	if (strstr(err.what, why) == NULL)
		fail_msg("said \"%s\", not %s", err.what, why);
}

#define KNOWING(pem) .known_pem = bytes_str(pem)

static void test_group_with_terms_is_created_once_and_told_when_it_differs(void **state)
{
	struct emulated *e = *state;
	BUF_AUTO(json, ENROLL_REPLY_MAX);
	struct err err = { 0 };
	bool found = true;

	EMULATE(e);
	assert_int_equal(enroll_group_get(e->service, "line-7", &json, &found, &err), 0);
	assert_false(found);
	assert_int_equal(put_x509(e, "line=7", &err), 0);
	assert_group(e, "line-7", "\"tags\":{\"line\":\"7\"}");
	assert_int_equal(put_x509(e, "line=7", &err), 0);
	assert_int_equal(put_x509(e, "line=8", &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "initialTwin.tags.line"));
}

static void test_group_disabled_and_enabled_keeps_what_it_is(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(put_x509(e, "line=7", &err), 0);
	change(e, "line-7",
	       (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE, KNOWING(certificate_ca) }, true);
	assert_group(e, "line-7", "\"provisioningStatus\":\"disabled\"");
	assert_group(e, "line-7", thumbprint_ca);
	assert_group(e, "line-7", "\"tags\":{\"line\":\"7\"}");
	assert_group(e, "line-7", "\"migrateDeviceData\":false");
	change(e, "LINE-7", (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE }, false);
	change(e, "line-7",
	       (struct enroll_group_change){ .act = ENROLL_GROUP_ENABLE, KNOWING(certificate_ca) }, true);
	assert_group(e, "line-7", "\"provisioningStatus\":\"enabled\"");
}

static void test_group_whose_certificate_is_not_at_hand_is_left_alone(void **state)
{
	struct emulated *e = *state;
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(put_x509(e, NULL, &err), 0);
	assert_no_change(e, "line-7", (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE },
			 ERR_OPERATOR, "its file is needed");
	assert_no_change(
		e, "line-7",
		(struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE, KNOWING(certificate_ca_8) },
		ERR_OPERATOR, "Line 7 issuing");
	assert_group(e, "line-7", "\"provisioningStatus\":\"enabled\"");
	assert_no_change(e, "nowhere", (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE },
			 ERR_OPERATOR, "no group");
}

static void test_group_rolls_over_by_way_of_its_secondary(void **state)
{
	struct emulated *e = *state;
	struct enroll_group_change roll = { .act = ENROLL_GROUP_ROLL,
					    KNOWING(certificate_ca),
					    .new_pem = bytes_str(certificate_ca_8) };
	const struct enroll_group_change finish = { .act = ENROLL_GROUP_FINISH, KNOWING(certificate_ca_8) };
	const struct enroll_group_change cancel = { .act = ENROLL_GROUP_CANCEL, KNOWING(certificate_ca) };
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(put_x509(e, "line=7", &err), 0);
	assert_no_change(e, "line-7", finish, ERR_OPERATOR, "no roll-over");
	change(e, "line-7", roll, true);
	assert_group(e, "line-7", thumbprint_ca);
	assert_group(e, "line-7", thumbprint_ca_8);
	change(e, "line-7", roll, false);
	assert_no_change(
		e, "line-7",
		(struct enroll_group_change){ .act = ENROLL_GROUP_CANCEL, KNOWING(certificate_ca_8) },
		ERR_OPERATOR, "is needed");
	change(e, "line-7", cancel, true);
	assert_group(e, "line-7", thumbprint_ca);
	assert_group_lacks(e, "line-7", thumbprint_ca_8);
	assert_no_change(e, "line-7", cancel, ERR_OPERATOR, "no roll-over");
	change(e, "line-7", roll, true);
	roll.new_pem = bytes_str(certificate_a);
	assert_no_change(e, "line-7", roll, ERR_OPERATOR, "under way");
	roll.new_pem = bytes_str(certificate_ca);
	assert_no_change(e, "line-7", roll, ERR_OPERATOR, "primary already");
	assert_no_change(e, "line-7",
			 (struct enroll_group_change){ .act = ENROLL_GROUP_FINISH, KNOWING(certificate_ca) },
			 ERR_OPERATOR, "Line 8 issuing");
	change(e, "line-7", finish, true);
	assert_group(e, "line-7", thumbprint_ca_8);
	assert_group_lacks(e, "line-7", thumbprint_ca);
	assert_group(e, "line-7", "\"tags\":{\"line\":\"7\"}");
	assert_no_change(e, "line-7", finish, ERR_OPERATOR, "no roll-over");
}

/* Both certificates of a roll-over in hand are sent back, from one text with other things in it. */
static void test_group_disabled_in_a_roll_over_keeps_both(void **state)
{
	struct emulated *e = *state;
	char both[2048];
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(
		str_format(both, sizeof(both), "Old:\n%s\nNew:\n%sEnd\n", certificate_ca, certificate_ca_8),
		0);
	assert_int_equal(put_x509(e, NULL, &err), 0);
	change(e, "line-7",
	       (struct enroll_group_change){ .act = ENROLL_GROUP_ROLL,
					     KNOWING(certificate_ca),
					     .new_pem = bytes_str(certificate_ca_8) },
	       true);
	assert_no_change(e, "line-7",
			 (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE, KNOWING(certificate_ca) },
			 ERR_OPERATOR, "Line 8 issuing");
	change(e, "line-7", (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE, KNOWING(both) }, true);
	assert_group(e, "line-7", thumbprint_ca);
	assert_group(e, "line-7", thumbprint_ca_8);
}

static void test_group_of_names_rolls_over_by_names(void **state)
{
	struct emulated *e = *state;
	const struct enroll_group group = { .id = "plant", .primary_ca = "old" };
	struct enroll_group_change roll = { .act = ENROLL_GROUP_ROLL, .new_ca = "new" };
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(enroll_group_put_x509(e->service, &group, &err), 0);
	assert_int_equal(enroll_group_put_x509(e->service, &group, &err), 0);
	change(e, "plant", (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE }, true);
	change(e, "plant", (struct enroll_group_change){ .act = ENROLL_GROUP_ENABLE }, true);
	change(e, "plant", roll, true);
	assert_group(e, "plant", "\"primary\":\"old\"");
	assert_group(e, "plant", "\"secondary\":\"new\"");
	change(e, "plant", roll, false);
	roll.new_ca = "third";
	assert_no_change(e, "plant", roll, ERR_OPERATOR, "under way");
	roll.new_ca = NULL;
	assert_no_change(e, "plant", roll, ERR_OPERATOR, "name is needed");
	assert_int_equal(enroll_group_put_x509(e->service, &group, &err), -1);
	assert_non_null(strstr(err.what, "caReferences.secondary"));
	change(e, "plant", (struct enroll_group_change){ .act = ENROLL_GROUP_CANCEL }, true);
	assert_group_lacks(e, "plant", "secondary");
	assert_no_change(e, "plant", (struct enroll_group_change){ .act = ENROLL_GROUP_CANCEL }, ERR_OPERATOR,
			 "no roll-over");
	roll.new_ca = "new";
	change(e, "plant", roll, true);
	change(e, "plant", (struct enroll_group_change){ .act = ENROLL_GROUP_FINISH }, true);
	assert_group(e, "plant", "\"primary\":\"new\"");
	assert_group_lacks(e, "plant", "secondary");
}

static void test_group_of_keys_keeps_them_when_it_is_changed(void **state)
{
	struct emulated *e = *state;
	const struct enroll_group group = { .id = "meters", .terms.tags = "line=7" };
	SECRET_AUTO before = { NULL, 0 };
	SECRET_AUTO after = { NULL, 0 };
	struct err err = { 0 };

	EMULATE(e);
	assert_int_equal(enroll_group_put_symmetric(e->service, &group, &before, &err), 0);
	change(e, "meters", (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE }, true);
	assert_group(e, "meters", "\"provisioningStatus\":\"disabled\"");
	assert_int_equal(enroll_group_put_symmetric(e->service, &group, &after, &err), -1);
	assert_non_null(strstr(err.what, "provisioningStatus"));
	change(e, "meters", (struct enroll_group_change){ .act = ENROLL_GROUP_ENABLE }, true);
	assert_int_equal(enroll_group_put_symmetric(e->service, &group, &after, &err), 0);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.p, after.p, before.len);
	assert_no_change(e, "meters", (struct enroll_group_change){ .act = ENROLL_GROUP_FINISH },
			 ERR_OPERATOR, "no certificate");
}

/* Every answer shows another etag than the group has, as if somebody changed it in between. */
static void test_group_that_somebody_changed_meanwhile_is_left_alone(void **state)
{
	struct emulated *e = *state;
	const struct enroll_group group = { .id = "plant", .primary_ca = "old" };
	struct err err = { 0 };

	EMULATE(e, "--wrong-etag-every", "1");
	assert_int_equal(enroll_group_put_x509(e->service, &group, &err), 0);
	assert_no_change(e, "plant", (struct enroll_group_change){ .act = ENROLL_GROUP_DISABLE }, ERR_RETRY,
			 "meanwhile");
	assert_group(e, "plant", "\"provisioningStatus\":\"enabled\"");
}

/* What is no group, or brings a line of its own into the header. */
static void test_group_change_of_what_is_no_group_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"enrollmentGroupId\":\"g\"}",
		"{\"enrollmentGroupId\":\"g\",\"etag\":\"\"}",
		"{\"enrollmentGroupId\":\"g\",\"etag\":\"a\\r\\nX: 1\"}",
		"{\"enrollmentGroupId\":\"g\",\"etag\":\"a\",\"etag\":\"b\"}",
	};
	const struct enroll_group_change change = { .act = ENROLL_GROUP_DISABLE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SECRET_AUTO json = { NULL, 0 };
		char etag[ETAG_MAX];
		struct err err = { 0 };

		assert_int_equal(
			payload_group_change(bytes_str(bad[i]), BYTES_NONE, &change, &json, etag, &err), -1);
		assert_int_equal(err.class, ERR_RETRY);
	}
}

/* What is no mechanism with both keys must not go back: the service makes keys where none are sent (dps-api 1.4). */
static void test_group_change_without_both_keys_is_refused(void **state)
{
	static const char group[] =
		"{\"enrollmentGroupId\":\"g\",\"etag\":\"1\",\"attestation\":{\"type\":\"symmetricKey\"}}";
	static const char *const bad[] = {
		"{}",
		"{\"type\":\"symmetricKey\",\"symmetricKey\":{\"primaryKey\":\"QQ==\"}}",
		"{\"symmetricKey\":{\"primaryKey\":\"QQ==\",\"secondaryKey\":\"QQ==\"}}",
		"{\"type\":\"x509\",\"symmetricKey\":{\"primaryKey\":\"QQ==\",\"secondaryKey\":\"QQ==\"}}",
	};
	const struct enroll_group_change change = { .act = ENROLL_GROUP_DISABLE };
	char etag[ETAG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SECRET_AUTO json = { NULL, 0 };
		struct err err = { 0 };

		assert_int_equal(
			payload_group_change(BYTES_LIT(group), bytes_str(bad[i]), &change, &json, etag, &err),
			-1);
		assert_int_equal(err.class, ERR_RETRY);
		assert_null(json.p);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, emulated_setup, emulated_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_payload_group_is_the_golden_one),
		cmocka_unit_test(test_payload_group_that_can_not_be_is_refused),
		cmocka_unit_test(test_group_change_of_what_is_no_group_is_refused),
		TEST(test_group_with_terms_is_created_once_and_told_when_it_differs),
		TEST(test_group_disabled_and_enabled_keeps_what_it_is),
		TEST(test_group_whose_certificate_is_not_at_hand_is_left_alone),
		TEST(test_group_rolls_over_by_way_of_its_secondary),
		TEST(test_group_disabled_in_a_roll_over_keeps_both),
		TEST(test_group_of_names_rolls_over_by_names),
		TEST(test_group_of_keys_keeps_them_when_it_is_changed),
		TEST(test_group_that_somebody_changed_meanwhile_is_left_alone),
		cmocka_unit_test(test_group_change_without_both_keys_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
