/* What a URI may say. A refused one is never quoted: the text may hold a PIN. */
#include "world.h"

static void test_uri_check_good_ones_accepted(void **state)
{
	static const char *const good[] = {
		"pkcs11:token=line-07",
		"pkcs11:",
		"pkcs11:token=line%2007;object=issuing;id=%01%02;type=private",
		"pkcs11:serial=0011aabb;manufacturer=SoftHSM%20project;slot-id=3",
		"pkcs11:token=line-07?pin-source=file:/run/secrets/hsm-pin",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_ok(hsm_uri_check(good[i], &err), &err);
}

static void test_uri_check_pin_value_refused_and_not_quoted(void **state)
{
	static const char *const bad[] = {
		"pkcs11:token=t?pin-value=74121",     "pkcs11:token=t?pin-source=file:/p&pin-value=74121",
		"pkcs11:token=t;pin-value=74121",     "pkcs11:token=t?PIN-VALUE=74121",
		"pkcs11:token=t?Pin-Value=74121",     "pkcs11:token=t?pin%2dvalue=74121",
		"pkcs11:token=t?pin%2Dvalue=74121",   "pkcs11:token=t?%50%49%4e-VALUE=74121",
		"pkcs11:token=t?pin%252dvalue=74121", "pkcs11:object=a%00?pin-value=74121",
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_failed(hsm_uri_check(bad[i], &err), &err, ERR_OPERATOR, "pin-value");
		assert_null(strstr(err.what, "74121"));
	}
}

static void test_uri_check_bad_syntax_refused(void **state)
{
	static const struct {
		const char *uri, *says;
	} bad[] = {
		{ NULL, "missing" },
		{ "", "missing" },
		{ "line-07", "not a pkcs11: URI" },
		{ "file:/etc/passwd", "not a pkcs11: URI" },
		{ "pkcs11:token=a%4", "not a pkcs11: URI" },
		{ "pkcs11:id=%zz", "not a pkcs11: URI" },
		{ "pkcs11:token", "not a pkcs11: URI" },
		{ "pkcs11:token=line 07", "blank" },
		{ "pkcs11:token=line\n07", "blank" },
		{ "pkcs11:token=l\xc3\xafne", "special character" },
		{ "pkcs11:tokn=line-07", "unknown attribute" },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_failed(hsm_uri_check(bad[i].uri, &err), &err, ERR_OPERATOR, bad[i].says);
}

static void test_uri_check_too_long_refused(void **state)
{
	char uri[HSM_URI_MAX + 2];
	struct err err;

	(void)state;
	memset(uri, 'a', sizeof(uri));
	memcpy(uri, "pkcs11:object=", 14);
	uri[HSM_URI_MAX] = '\0';
	assert_ok(hsm_uri_check(uri, &err), &err);
	uri[HSM_URI_MAX] = 'a';
	uri[HSM_URI_MAX + 1] = '\0';
	assert_failed(hsm_uri_check(uri, &err), &err, ERR_OPERATOR, "longer than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri_check_good_ones_accepted),
		cmocka_unit_test(test_uri_check_pin_value_refused_and_not_quoted),
		cmocka_unit_test(test_uri_check_bad_syntax_refused),
		cmocka_unit_test(test_uri_check_too_long_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
