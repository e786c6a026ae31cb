/* The login: a golden token, how long it is used, and what must not be in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/enroll/world.h"

static const struct enroll_login login = {
	.auth = ENROLL_AUTH_SAS,
	.policy = "station enroll",
	.macer = &world_macer,
};

static struct auth auth_for(const char *host)
{
	return (struct auth){ .login = &login, .host = host };
}

/* The signature was computed with Python's hmac over the same bytes. */
static void test_auth_token_is_the_golden_one(void **state)
{
	struct auth auth = auth_for("Contoso.azure-devices-provisioning.net");
	struct err err = { 0 };

	(void)state;
	assert_int_equal(auth_refresh(&auth, WORLD_NOW_MS, &err), 0);
	assert_string_equal((const char *)auth.token.header.p,
			    "Authorization: SharedAccessSignature sr=contoso.azure-devices-provisioning.net"
			    "&sig=4%2Bb0a0huwwWyDV8hK4AEGti%2B6u6cQkZzvPb3QivmTus%3D"
			    "&se=1800003600&skn=station%20enroll");
	auth_forget(&auth);
}

static void test_auth_token_is_kept_until_ten_minutes_before_its_end(void **state)
{
	struct auth auth = auth_for("h");
	struct err err = { 0 };

	(void)state;
	assert_int_equal(auth_refresh(&auth, WORLD_NOW_MS, &err), 0);
	assert_int_equal(auth_refresh(&auth, WORLD_NOW_MS + 2999000, &err), 0);
	assert_int_equal(auth.token.expires_s, WORLD_NOW_MS / 1000 + 3600);
	assert_int_equal(auth_refresh(&auth, WORLD_NOW_MS + 3000000, &err), 0);
	assert_int_equal(auth.token.expires_s, WORLD_NOW_MS / 1000 + 6600);
	auth_forget(&auth);
}

static void test_auth_clock_set_back_makes_a_new_token(void **state)
{
	struct auth auth = auth_for("h");
	struct err err = { 0 };

	(void)state;
	assert_int_equal(auth_refresh(&auth, WORLD_NOW_MS, &err), 0);
	assert_int_equal(auth_refresh(&auth, WORLD_NOW_MS - 86400000, &err), 0);
	assert_int_equal(auth.token.expires_s, WORLD_NOW_MS / 1000 - 86400 + 3600);
	auth_forget(&auth);
}

static int mac_refuses(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err)
{
	(void)key, (void)message, (void)ret_mac;
	return err_set(err, ERR_OPERATOR, 0, "the token is not present");
}

static void test_auth_macer_fails_says_what_for(void **state)
{
	const struct macer macer = { mac_refuses, NULL };
	const struct enroll_login asked = { .policy = "p", .macer = &macer };
	struct auth auth = { .login = &asked, .host = "h" };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(auth_refresh(&auth, WORLD_NOW_MS, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.where, "signing the login"));
	assert_null(auth.token.header.p);
}

static void test_percent_encode_keeps_unreserved_and_refuses_no_room(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(percent_encode("aZ09-._~", out, sizeof(out)), 0);
	assert_string_equal(out, "aZ09-._~");
	assert_int_equal(percent_encode("a:b/\xff", out, sizeof(out)), 0);
	assert_string_equal(out, "a%3Ab%2F%FF");
	assert_int_equal(percent_encode("abc", out, 4), 0);
	assert_int_equal(percent_encode("abc", out, 3), -1);
	assert_int_equal(percent_encode("ab:", out, 5), -1);
	assert_int_equal(percent_encode("", out, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auth_token_is_the_golden_one),
		cmocka_unit_test(test_auth_token_is_kept_until_ten_minutes_before_its_end),
		cmocka_unit_test(test_auth_clock_set_back_makes_a_new_token),
		cmocka_unit_test(test_auth_macer_fails_says_what_for),
		cmocka_unit_test(test_percent_encode_keeps_unreserved_and_refuses_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
