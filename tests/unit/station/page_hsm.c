/* Tests station/pages/page_hsm.c on a real token: its keys one by one, and one that does not answer. */
#include <stdlib.h>

#include "station/pages/pages.h"
#include "station/station.h"
#include "tests/unit/hsm/world.h"

static CK_RV no_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	(void)slot;
	(void)info;
	return CKR_DEVICE_REMOVED;
}

static void make_conf(struct conf *conf)
{
	*conf = (struct conf){ .profiles_n = 2 };
	str_clip(conf->issuing_key, sizeof(conf->issuing_key), "pkcs11:object=page-issuing");
	str_clip(conf->login.key, sizeof(conf->login.key), "pkcs11:object=page-nowhere");
	str_clip(conf->profiles[0].name, sizeof(conf->profiles[0].name), "sensor");
	str_clip(conf->profiles[1].name, sizeof(conf->profiles[1].name), "meter");
	str_clip(conf->profiles[1].group_key, sizeof(conf->profiles[1].group_key),
		 "pkcs11:object=page-issuing");
}

static void test_hsm_page_says_of_each_key_whether_it_is_there(void **state)
{
	const struct world *w = *state;
	struct hsm *hsm = world_open(w);
	struct hsm_session *session = world_session(hsm);
	struct conf *conf = calloc(1, sizeof(*conf));
	struct station st = { .conf = conf, .hsm = hsm };
	struct page_hsm page;

	assert_non_null(conf);
	make_conf(conf);
	(void)world_key(session, HSM_KEY_EC_P256, "page-issuing");
	page_hsm_load(&st, &page);
	assert_true(page.ok);
	assert_string_equal(page.label, WORLD_TOKEN);
	assert_int_equal(page.keys_n, 3); /* no audit key is configured, and sensor has no group's */
	assert_string_equal(page.keys[0].what, "issuing-key");
	assert_true(page.keys[0].found);
	assert_string_equal(page.keys[1].what, "service-key");
	assert_false(page.keys[1].found);
	assert_string_equal(page.keys[2].what, "meter");
	assert_true(page.keys[2].found);
	free(conf);
	hsm_session_close(session);
	hsm_close(hsm);
}

static void test_hsm_page_of_a_token_that_went_away_says_so(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = *w->real;
	struct hsm *hsm = world_attach(w, &list);
	struct conf *conf = calloc(1, sizeof(*conf));
	struct station st = { .conf = conf, .hsm = hsm };
	struct page_hsm page;

	assert_non_null(conf);
	make_conf(conf);
	list.C_GetTokenInfo = no_token_info;
	page_hsm_load(&st, &page);
	assert_false(page.ok);
	assert_string_not_equal(page.text, "");
	assert_int_equal(page.keys_n, 0);
	free(conf);
	hsm_close(hsm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hsm_page_says_of_each_key_whether_it_is_there),
		cmocka_unit_test(test_hsm_page_of_a_token_that_went_away_says_so),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
