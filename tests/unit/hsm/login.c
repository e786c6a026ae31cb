/* One PIN, one try. C_Login is counted through a copy of the module's function list. */
#include "world.h"

#include <stdlib.h>

/* What the broken entries use; set up by each test, because PKCS#11 passes no context. */
static struct {
	CK_FUNCTION_LIST *real;
	unsigned logins;
	CK_RV login_rv; /* CKR_OK: ask the token */
	CK_FLAGS flags; /* added to what the token says */
	bool hide_login;
} spy;

static CK_RV spy_login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
	spy.logins++;
	return spy.login_rv != CKR_OK ? spy.login_rv : spy.real->C_Login(session, user, pin, pin_len);
}

static CK_RV spy_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = spy.real->C_GetTokenInfo(slot, info);

	info->flags |= spy.flags;
	return rv;
}

static CK_RV spy_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
	CK_RV rv = spy.real->C_GetSessionInfo(session, info);

	if (spy.hide_login)
		info->state = CKS_RO_PUBLIC_SESSION;
	return rv;
}

static CK_FUNCTION_LIST spy_list(const struct world *w)
{
	CK_FUNCTION_LIST list = *w->real;

	memset(&spy, 0, sizeof(spy));
	spy.real = w->real;
	list.C_Login = spy_login;
	list.C_GetTokenInfo = spy_token_info;
	list.C_GetSessionInfo = spy_session_info;
	return list;
}

static void test_login_wrong_pin_is_one_try(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	struct hsm_conf conf = w->conf;
	struct hsm *hsm = NULL;
	char source[128];
	struct err err;

	world_write(w, "wrong-pin", "314159\n");
	assert_int_equal(str_format(source, sizeof(source), "file:%s/wrong-pin", w->dir), 0);
	conf.pin_source = source;
	assert_failed(hsm_attach(&list, &conf, &hsm, &err), &err, ERR_OPERATOR,
		      "token line-07 refused the PIN (CKR_PIN_INCORRECT); tries left: fewer than all");
	assert_non_null(strstr(err.what, "it is not tried twice"));
	assert_null(strstr(err.what, "314159"));
	assert_int_equal(err.code, CKR_PIN_INCORRECT);
	assert_int_equal(spy.logins, 1);
	assert_null(hsm);
	/* The right one clears the count. */
	hsm_close(world_attach(w, &list));
}

static void test_login_locked_pin_says_who_unlocks(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	struct hsm *hsm = NULL;
	struct err err;

	spy.login_rv = CKR_PIN_LOCKED;
	assert_failed(hsm_attach(&list, &w->conf, &hsm, &err), &err, ERR_OPERATOR,
		      "the PIN of token line-07 is locked; call the security officer");
	assert_int_equal(spy.logins, 1);
}

static void test_login_token_says_locked_is_not_tried(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	struct hsm *hsm = NULL;
	struct err err;

	spy.flags = CKF_USER_PIN_LOCKED;
	assert_failed(hsm_attach(&list, &w->conf, &hsm, &err), &err, ERR_OPERATOR, "is locked");
	assert_int_equal(spy.logins, 0);
}

static void test_login_last_try_is_left_to_a_person(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	struct hsm *hsm = NULL;
	struct err err;

	spy.flags = CKF_USER_PIN_FINAL_TRY;
	assert_failed(hsm_attach(&list, &w->conf, &hsm, &err), &err, ERR_OPERATOR,
		      "one PIN try left, and the station does not use it");
	assert_int_equal(spy.logins, 0);
}

static void test_login_expired_pin_is_operator(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	struct hsm *hsm = NULL;
	struct err err;

	spy.login_rv = CKR_PIN_EXPIRED;
	assert_failed(hsm_attach(&list, &w->conf, &hsm, &err), &err, ERR_OPERATOR, "new PIN");
	assert_int_equal(spy.logins, 1);
}

static void test_login_already_logged_in_is_success(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	CLEANUP(hsm_closep) struct hsm *first = world_attach(w, &list);
	CLEANUP(hsm_closep) struct hsm *second = world_attach(w, &list);

	assert_int_equal(spy.logins, 1);
	spy.hide_login = true;
	spy.login_rv = CKR_USER_ALREADY_LOGGED_IN;
	hsm_close(world_attach(w, &list));
	assert_int_equal(spy.logins, 2);
	assert_non_null(first);
	assert_non_null(second);
}

static void test_login_once_for_many_sessions(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);

	for (unsigned i = 0; i < 10; i++) {
		CLEANUP(hsm_session_closep) struct hsm_session *a = world_session(hsm);
		CLEANUP(hsm_session_closep) struct hsm_session *b = world_session(hsm);

		assert_non_null(a);
		assert_non_null(b);
	}
	assert_int_equal(spy.logins, 1);
}

/* The PIN was changed while the station ran, and the token forgot its login. */
static void test_login_pin_refused_while_running_is_never_tried_again(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P256, "running");
	BUF_AUTO(sig, 256);
	struct err err;

	assert_int_equal(w->real->C_Logout(session->handle), CKR_OK);
	world_write(w, "pin", "314159\n");
	assert_failed(hsm_key_sign(key, SIGN_ECDSA_SHA256, BYTES_LIT("a"), &sig, &err), &err, ERR_RETRY,
		      "C_Sign");
	assert_failed(hsm_key_sign(key, SIGN_ECDSA_SHA256, BYTES_LIT("a"), &sig, &err), &err, ERR_OPERATOR,
		      "refused the PIN (");
	world_write(w, "pin", WORLD_PIN "\n");
	for (unsigned i = 0; i < 3; i++)
		assert_failed(hsm_key_sign(key, SIGN_ECDSA_SHA256, BYTES_LIT("a"), &sig, &err), &err,
			      ERR_OPERATOR, "refused the PIN before");
	assert_int_equal(spy.logins, 2);
}

static void test_login_again_with_a_prompted_pin_is_operator(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = spy_list(w);
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P256, "prompted");
	BUF_AUTO(sig, 256);
	struct err err;

	free(hsm->pin_source);
	hsm->pin_source = strdup("prompt"); /* as if it had been typed at the start */
	assert_non_null(hsm->pin_source);
	assert_int_equal(w->real->C_Logout(session->handle), CKR_OK);
	assert_failed(hsm_key_sign(key, SIGN_ECDSA_SHA256, BYTES_LIT("a"), &sig, &err), &err, ERR_RETRY,
		      "C_Sign");
	for (unsigned i = 0; i < 3; i++)
		assert_failed(hsm_key_sign(key, SIGN_ECDSA_SHA256, BYTES_LIT("a"), &sig, &err), &err,
			      ERR_OPERATOR, "the PIN must be typed again: start the station again");
	assert_int_equal(spy.logins, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_wrong_pin_is_one_try),
		cmocka_unit_test(test_login_locked_pin_says_who_unlocks),
		cmocka_unit_test(test_login_token_says_locked_is_not_tried),
		cmocka_unit_test(test_login_last_try_is_left_to_a_person),
		cmocka_unit_test(test_login_expired_pin_is_operator),
		cmocka_unit_test(test_login_already_logged_in_is_success),
		cmocka_unit_test(test_login_once_for_many_sessions),
		cmocka_unit_test(test_login_again_with_a_prompted_pin_is_operator),
		cmocka_unit_test(test_login_pin_refused_while_running_is_never_tried_again),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
