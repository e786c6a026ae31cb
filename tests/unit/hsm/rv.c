/* The table of return values: the ones that decide what a line does, and the ones nobody listed. */
#include "world.h"

static void assert_rv(CK_RV rv, enum err_class class, enum session_state state, const char *name)
{
	struct err err;

	assert_int_equal(hsm_rv_error(rv, "C_Sign", &err), -1);
	assert_int_equal(err.class, class);
	assert_int_equal(err.code, (long)rv);
	assert_int_equal(hsm_rv_session_state(rv), state);
	assert_non_null(strstr(err.what, name));
	assert_ptr_equal(strstr(err.what, "C_Sign: "), err.what);
	assert_non_null(strstr(err.what, "; "));
}

static void test_rv_lost_session_is_retry(void **state)
{
	(void)state;
	assert_rv(CKR_SESSION_HANDLE_INVALID, ERR_RETRY, SESSION_LOST, "CKR_SESSION_HANDLE_INVALID");
	assert_rv(CKR_DEVICE_REMOVED, ERR_RETRY, SESSION_LOST, "CKR_DEVICE_REMOVED");
	assert_rv(CKR_TOKEN_NOT_PRESENT, ERR_RETRY, SESSION_LOST, "put the token in");
	assert_rv(CKR_USER_NOT_LOGGED_IN, ERR_RETRY, SESSION_DOUBTFUL, "CKR_USER_NOT_LOGGED_IN");
	assert_rv(CKR_DEVICE_ERROR, ERR_RETRY, SESSION_DOUBTFUL, "CKR_DEVICE_ERROR");
	assert_rv(CKR_FUNCTION_FAILED, ERR_RETRY, SESSION_DOUBTFUL, "CKR_FUNCTION_FAILED");
}

static void test_rv_pin_is_operator(void **state)
{
	(void)state;
	assert_rv(CKR_PIN_INCORRECT, ERR_OPERATOR, SESSION_OPEN, "CKR_PIN_INCORRECT");
	assert_rv(CKR_PIN_LOCKED, ERR_OPERATOR, SESSION_OPEN, "security officer");
	assert_rv(CKR_PIN_EXPIRED, ERR_OPERATOR, SESSION_OPEN, "new PIN");
	assert_rv(CKR_SESSION_COUNT, ERR_OPERATOR, SESSION_DOUBTFUL, "other programs");
}

static void test_rv_doubtful_token_is_station(void **state)
{
	(void)state;
	assert_rv(CKR_GENERAL_ERROR, ERR_STATION, SESSION_DOUBTFUL, "CKR_GENERAL_ERROR");
	assert_rv(CKR_VENDOR_DEFINED | 0x384, ERR_STATION, SESSION_DOUBTFUL, "0x80000384");
	assert_rv(0x7777, ERR_STATION, SESSION_DOUBTFUL, "0x00007777");
	assert_string_equal(hsm_rv_name(0x7777), "an unknown CKR value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rv_lost_session_is_retry),
		cmocka_unit_test(test_rv_pin_is_operator),
		cmocka_unit_test(test_rv_doubtful_token_is_station),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
