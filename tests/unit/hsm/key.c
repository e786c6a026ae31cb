/* Finding keys: one match is a key, none and two are an operator's business. */
#include "world.h"

static CK_SESSION_HANDLE writable(const struct world *w, const struct hsm *hsm)
{
	CK_SESSION_HANDLE handle = 0;

	assert_int_equal(
		w->real->C_OpenSession(hsm->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &handle),
		CKR_OK);
	return handle;
}

static void import(struct hsm_session *session, const char *label)
{
	SECRET_AUTO value = { NULL, 0 };
	struct err err;

	world_secret("0123456789abcdef0123456789abcdef", &value);
	assert_ok(hsm_key_import_hmac(session, label, &value, &err), &err);
}

static void test_key_find_none_is_operator(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = NULL;
	bool found = true;
	struct err err;

	assert_failed(hsm_key_find(session, "pkcs11:object=nobody", &key, &err), &err, ERR_OPERATOR,
		      "no private or secret key pkcs11:object=nobody");
	assert_ok(hsm_key_exists(session, "pkcs11:object=nobody", &found, &err), &err);
	assert_false(found);
	assert_null(key);
}

static void test_key_find_twice_gives_the_cached_one(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P256, "cached");
	struct hsm_key *again = NULL;
	bool found = false;
	struct err err;

	assert_ok(hsm_key_find(session, "pkcs11:object=cached", &again, &err), &err);
	assert_ptr_equal(key, again);
	assert_ok(hsm_key_exists(session, "pkcs11:object=cached;type=private", &found, &err), &err);
	assert_true(found);
}

static void test_key_find_two_of_one_label_refused(void **state)
{
	const struct world *w = *state;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, w->real);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *other = world_key(session, HSM_KEY_EC_P256, "twin-b");
	CK_ATTRIBUTE label = ck_attr(CKA_LABEL, "twin-a", 6);
	CK_SESSION_HANDLE handle = writable(w, hsm);
	struct hsm_key *key = NULL;
	struct err err;

	assert_ok(hsm_key_generate(session, HSM_KEY_EC_P256, "twin-a", &err), &err);
	assert_int_equal(w->real->C_SetAttributeValue(handle, other->object, &label, 1), CKR_OK);
	assert_failed(hsm_key_find(session, "pkcs11:object=twin-a", &key, &err), &err, ERR_OPERATOR,
		      "more than one key");
	assert_null(key);
	assert_int_equal(w->real->C_CloseSession(handle), CKR_OK);
}

/* hsm_key_generate refuses the label, but another program's import does not. */
static void test_key_find_pair_and_secret_of_one_label_need_a_type(void **state)
{
	const struct world *w = *state;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, w->real);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	CK_ATTRIBUTE label = ck_attr(CKA_LABEL, "mixed", 5);
	CK_SESSION_HANDLE handle = writable(w, hsm);
	struct hsm_key *key = NULL, *secret = NULL;
	struct err err;

	(void)world_key(session, HSM_KEY_EC_P256, "mixed");
	import(session, "mixed-secret");
	assert_ok(hsm_key_find(session, "pkcs11:object=mixed-secret", &secret, &err), &err);
	assert_int_equal(w->real->C_SetAttributeValue(handle, secret->object, &label, 1), CKR_OK);
	/* Another text of the same URI, so that the cached key does not answer. */
	assert_failed(hsm_key_find(session, "pkcs11:object=mixe%64", &key, &err), &err, ERR_OPERATOR,
		      "more than one");
	assert_ok(hsm_key_find(session, "pkcs11:object=mixed;type=private", &key, &err), &err);
	assert_int_equal(hsm_key_type(key), HSM_KEY_EC_P256);
	assert_ok(hsm_key_find(session, "pkcs11:object=mixed;type=secret-key", &key, &err), &err);
	assert_int_equal(hsm_key_type(key), HSM_KEY_HMAC);
	assert_int_equal(w->real->C_CloseSession(handle), CKR_OK);
}

static void test_key_find_by_id_gives_the_same_key(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P256, "by-id");
	char uri[128] = "pkcs11:token=" WORLD_TOKEN ";id=";
	struct hsm_key *same = NULL;
	uint8_t id[HSM_ID_MAX];
	size_t n, at = strlen(uri);
	struct err err;

	assert_ok(hsm_attribute_read(session, key->object, CKA_ID, id, sizeof(id), &n, &err), &err);
	assert_int_equal(n, HSM_ID_NEW_LEN);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(str_format(uri + at + 3 * i, sizeof(uri) - at - 3 * i, "%%%02x", id[i]), 0);
	assert_ok(hsm_key_find(session, uri, &same, &err), &err);
	assert_int_equal(same->object, key->object);
}

static void test_key_find_uri_that_names_no_signing_key_refused(void **state)
{
	static const struct {
		const char *uri, *says;
	} bad[] = {
		{ NULL, "no key is named" },
		{ "pkcs11:token=" WORLD_TOKEN, "names no key" },
		{ "pkcs11:object=typed;type=public", "type= must be" },
		{ "pkcs11:object=typed;type=cert", "type= must be" },
		{ "pkcs11:object=typed;type=data", "type= must be" },
		{ "pkcs11:token=other;object=typed", "another token" },
		{ "pkcs11:object=typed?pin-value=1", "pin-value" },
		{ "typed", "not a pkcs11: URI" },
	};
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = NULL;
	struct err err;

	(void)world_key(session, HSM_KEY_EC_P256, "typed");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_failed(hsm_key_find(session, bad[i].uri, &key, &err), &err, ERR_OPERATOR, bad[i].says);
	assert_null(key);
}

static void test_key_find_unsupported_kinds_refused(void **state)
{
	const struct world *w = *state;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, w->real);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	CK_SESSION_HANDLE handle = writable(w, hsm);
	CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
	const CK_BBOOL yes = CK_TRUE;
	const CK_ULONG len = 32;
	CK_ATTRIBUTE template[] = {
		ck_attr(CKA_TOKEN, &yes, sizeof(yes)),
		ck_attr(CKA_LABEL, "aes", 3),
		ck_attr(CKA_VALUE_LEN, &len, sizeof(len)),
	};
	CK_OBJECT_HANDLE object;
	struct hsm_key *key = NULL;
	struct err err;

	assert_int_equal(w->real->C_GenerateKey(handle, &mechanism, template, ARRAY_LEN(template), &object),
			 CKR_OK);
	assert_failed(hsm_key_find(session, "pkcs11:object=aes", &key, &err), &err, ERR_OPERATOR,
		      "a key of type");
	assert_int_equal(w->real->C_CloseSession(handle), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_find_none_is_operator),
		cmocka_unit_test(test_key_find_twice_gives_the_cached_one),
		cmocka_unit_test(test_key_find_two_of_one_label_refused),
		cmocka_unit_test(test_key_find_pair_and_secret_of_one_label_need_a_type),
		cmocka_unit_test(test_key_find_by_id_gives_the_same_key),
		cmocka_unit_test(test_key_find_uri_that_names_no_signing_key_refused),
		cmocka_unit_test(test_key_find_unsupported_kinds_refused),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
