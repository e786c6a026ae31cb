/* Finding and making tokens. */
#include "world.h"

static void test_info_tells_the_token_without_padding(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	struct hsm_info info;
	struct err err;

	assert_ok(hsm_info(hsm, &info, &err), &err);
	assert_string_equal(info.label, WORLD_TOKEN);
	assert_string_equal(info.manufacturer, "SoftHSM project");
	assert_string_equal(info.model, "SoftHSM v2");
	assert_int_equal(strlen(info.serial), 16);
}

static CK_RV token_info_removed(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	(void)slot;
	(void)info;
	return CKR_DEVICE_REMOVED;
}

static void test_info_token_gone_fails(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = *w->real;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	struct hsm_info info = { .label = "before" };
	struct err err;

	list.C_GetTokenInfo = token_info_removed;
	assert_failed(hsm_info(hsm, &info, &err), &err, ERR_RETRY, "no token matches");
	assert_string_equal(info.label, "before");
}

/* Its reader was plugged in elsewhere, and another token sits where it was. */
static void test_info_token_in_another_slot_is_found_again(void **state)
{
	const struct world *w = *state;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, w->real);
	CK_SLOT_ID right = hsm->slot;
	struct slot_list slots;
	struct hsm_info info;
	struct err err;

	world_token_make("neighbour");
	assert_ok(hsm_slots(w->real, &slots, &err), &err);
	for (CK_ULONG i = 0; i < slots.n; i++) {
		hsm->slot = slots.ids[i];
		assert_ok(hsm_info(hsm, &info, &err), &err);
		assert_string_equal(info.label, WORLD_TOKEN);
		assert_int_equal(hsm->slot, right);
	}
	hsm->slot = 0x7fffffff; /* none at all */
	assert_ok(hsm_info(hsm, &info, &err), &err);
	assert_string_equal(info.label, WORLD_TOKEN);
	assert_int_equal(hsm->slot, right);
}

static void test_open_no_token_matches_is_operator(void **state)
{
	const struct world *w = *state;
	struct hsm_conf conf = w->conf;
	struct hsm *hsm = NULL;
	struct err err;

	conf.token = "pkcs11:token=line-08";
	assert_failed(hsm_open(&conf, &hsm, &err), &err, ERR_OPERATOR,
		      "no token matches pkcs11:token=line-08");
	conf.token = "pkcs11:token=" WORLD_TOKEN ";library-manufacturer=Other";
	assert_failed(hsm_open(&conf, &hsm, &err), &err, ERR_OPERATOR, "no token matches");
	assert_null(hsm);
}

static void test_open_two_tokens_match_is_operator(void **state)
{
	const struct world *w = *state;
	struct hsm_conf conf = w->conf;
	struct hsm *hsm = NULL;
	struct err err;

	world_token_make("line-07b");
	conf.token = "pkcs11:manufacturer=SoftHSM%20project";
	assert_failed(hsm_open(&conf, &hsm, &err), &err, ERR_OPERATOR, "tokens match");
	assert_null(hsm);
}

static void test_open_pin_value_in_token_uri_refused(void **state)
{
	const struct world *w = *state;
	struct hsm_conf conf = w->conf;
	struct hsm *hsm = NULL;
	struct err err;

	conf.token = "pkcs11:token=" WORLD_TOKEN "?pin-value=" WORLD_PIN;
	assert_failed(hsm_open(&conf, &hsm, &err), &err, ERR_OPERATOR, "pin-value");
	assert_null(strstr(err.what, WORLD_PIN));
}

static void test_open_pin_source_of_the_uri_used_but_not_twice(void **state)
{
	const struct world *w = *state;
	struct hsm_conf conf = w->conf;
	struct hsm *hsm = NULL;
	char uri[256];
	struct err err;

	assert_int_equal(
		str_format(uri, sizeof(uri), "pkcs11:token=" WORLD_TOKEN "?pin-source=%s", w->pin_source), 0);
	conf.token = uri;
	assert_failed(hsm_open(&conf, &hsm, &err), &err, ERR_OPERATOR, "named twice");
	conf.pin_source = NULL;
	assert_ok(hsm_open(&conf, &hsm, &err), &err);
	hsm_close(hsm);
}

static void test_token_make_same_label_or_bad_label_refused(void **state)
{
	SECRET_AUTO so_pin = { NULL, 0 };
	SECRET_AUTO pin = { NULL, 0 };
	struct err err;

	(void)state;
	world_secret("12345678", &so_pin);
	world_secret(WORLD_PIN, &pin);
	assert_failed(hsm_token_make("softhsm2", WORLD_TOKEN, &so_pin, &pin, &err), &err, ERR_OPERATOR,
		      "already has a token");
	assert_failed(hsm_token_make("softhsm2", "", &so_pin, &pin, &err), &err, ERR_OPERATOR,
		      "1 to 32 bytes");
	assert_failed(hsm_token_make("softhsm2", "a label of more than thirty-two by", &so_pin, &pin, &err),
		      &err, ERR_OPERATOR, "1 to 32 bytes");
}

static void test_token_make_short_pin_refused(void **state)
{
	SECRET_AUTO so_pin = { NULL, 0 };
	SECRET_AUTO pin = { NULL, 0 };
	struct err err;

	(void)state;
	world_secret("123", &so_pin);
	world_secret(WORLD_PIN, &pin);
	assert_failed(hsm_token_make("softhsm2", "short", &so_pin, &pin, &err), &err, ERR_OPERATOR,
		      "C_InitToken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info_tells_the_token_without_padding),
		cmocka_unit_test(test_info_token_gone_fails),
		cmocka_unit_test(test_info_token_in_another_slot_is_found_again),
		cmocka_unit_test(test_open_no_token_matches_is_operator),
		cmocka_unit_test(test_open_two_tokens_match_is_operator),
		cmocka_unit_test(test_open_pin_value_in_token_uri_refused),
		cmocka_unit_test(test_open_pin_source_of_the_uri_used_but_not_twice),
		cmocka_unit_test(test_token_make_same_label_or_bad_label_refused),
		cmocka_unit_test(test_token_make_short_pin_refused),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
