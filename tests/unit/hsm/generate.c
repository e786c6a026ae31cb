/* What keys are once they are made: looked at through the real token, attribute by attribute. */
#include "world.h"

static bool flag(struct hsm_key *key, CK_ATTRIBUTE_TYPE type)
{
	bool value = false;
	struct err err;

	assert_ok(hsm_bool_read(key->session, key->object, type, &value, &err), &err);
	return value;
}

/* The value itself must not come out, whatever the flags say. */
static void assert_value_hidden(struct hsm_key *key, CK_ATTRIBUTE_TYPE type)
{
	CK_FUNCTION_LIST *p11 = key->session->hsm->p11;
	uint8_t value[1024];
	CK_ATTRIBUTE attr = { type, value, sizeof(value) };

	assert_int_equal(p11->C_GetAttributeValue(key->session->handle, key->object, &attr, 1),
			 CKR_ATTRIBUTE_SENSITIVE);
}

static void assert_sealed(struct hsm_key *key)
{
	static const CK_ATTRIBUTE_TYPE on[] = { CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN };
	static const CK_ATTRIBUTE_TYPE off[] = { CKA_EXTRACTABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE };

	for (size_t i = 0; i < ARRAY_LEN(on); i++)
		assert_true(flag(key, on[i]));
	for (size_t i = 0; i < ARRAY_LEN(off); i++)
		assert_false(flag(key, off[i]));
}

static void test_generate_ec_is_sealed_from_birth(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P384, "sealed-ec");

	assert_int_equal(hsm_key_type(key), HSM_KEY_EC_P384);
	assert_sealed(key);
	assert_true(flag(key, CKA_ALWAYS_SENSITIVE));
	assert_true(flag(key, CKA_NEVER_EXTRACTABLE));
	assert_value_hidden(key, CKA_VALUE);
}

static void test_generate_rsa_is_sealed_from_birth(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_RSA_2048, "sealed-rsa");

	assert_int_equal(hsm_key_type(key), HSM_KEY_RSA_2048);
	assert_sealed(key);
	assert_true(flag(key, CKA_NEVER_EXTRACTABLE));
	assert_value_hidden(key, CKA_PRIVATE_EXPONENT);
	assert_value_hidden(key, CKA_PRIME_1);
}

static void test_import_hmac_is_sealed(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	SECRET_AUTO value = { NULL, 0 };
	struct hsm_key *key = NULL;
	struct err err;

	world_secret("0123456789abcdef0123456789abcdef", &value);
	assert_ok(hsm_key_import_hmac(session, "sealed-hmac", &value, &err), &err);
	assert_ok(hsm_key_find(session, "pkcs11:object=sealed-hmac", &key, &err), &err);
	assert_sealed(key);
	assert_false(flag(key, CKA_VERIFY));
	assert_false(flag(key, CKA_ENCRYPT));
	assert_false(flag(key, CKA_WRAP));
	assert_value_hidden(key, CKA_VALUE);
}

static void test_generate_taken_or_bad_label_refused(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	SECRET_AUTO value = { NULL, 0 };
	char label[80];
	struct err err;

	world_secret("0123456789abcdef", &value);
	(void)world_key(session, HSM_KEY_EC_P256, "taken");
	assert_failed(hsm_key_generate(session, HSM_KEY_EC_P256, "taken", &err), &err, ERR_OPERATOR, "taken");
	assert_failed(hsm_key_import_hmac(session, "taken", &value, &err), &err, ERR_OPERATOR, "taken");
	assert_failed(hsm_key_generate(session, HSM_KEY_EC_P256, "", &err), &err, ERR_OPERATOR,
		      "1 to 64 bytes");
	memset(label, 'a', sizeof(label));
	label[65] = '\0';
	assert_failed(hsm_key_generate(session, HSM_KEY_EC_P256, label, &err), &err, ERR_OPERATOR,
		      "1 to 64 bytes");
}

static void test_generate_hmac_is_bug_and_import_of_bad_lengths_refused(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	SECRET_AUTO empty = { NULL, 0 };
	SECRET_AUTO large = { NULL, 0 };
	struct err err;

	assert_failed(hsm_key_generate(session, HSM_KEY_HMAC, "hmac", &err), &err, ERR_BUG, "EC or RSA");
	assert_failed(hsm_key_import_hmac(session, "hmac", &empty, &err), &err, ERR_OPERATOR, "0 bytes");
	assert_ok(secret_new(513, &large, &err), &err);
	assert_failed(hsm_key_import_hmac(session, "hmac", &large, &err), &err, ERR_OPERATOR, "513 bytes");
}

/* A module that ignores what it is told; PKCS#11 passes no context, so it is found here. */
static CK_FUNCTION_LIST *careless_real;

static CK_RV careless_generate(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public,
			       CK_ULONG public_n, CK_ATTRIBUTE *private, CK_ULONG private_n,
			       CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	static CK_BBOOL yes = CK_TRUE;

	for (CK_ULONG i = 0; i < private_n; i++)
		if (private[i].type == CKA_EXTRACTABLE)
	private[i].pValue = &yes;
	return careless_real->C_GenerateKeyPair(session, mechanism, public, public_n, private, private_n,
						ret_public, ret_private);
}

static void test_generate_extractable_anyway_is_removed_and_stops(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = *w->real;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	bool found = true;
	struct err err;

	careless_real = w->real;
	list.C_GenerateKeyPair = careless_generate;
	assert_failed(hsm_key_generate(session, HSM_KEY_EC_P256, "careless", &err), &err, ERR_STATION,
		      "extractable although");
	assert_ok(hsm_key_exists(session, "pkcs11:object=careless", &found, &err), &err);
	assert_false(found);
	/* The public half went with it: the label is free again. */
	list.C_GenerateKeyPair = w->real->C_GenerateKeyPair;
	assert_ok(hsm_key_generate(session, HSM_KEY_EC_P256, "careless", &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generate_ec_is_sealed_from_birth),
		cmocka_unit_test(test_generate_rsa_is_sealed_from_birth),
		cmocka_unit_test(test_import_hmac_is_sealed),
		cmocka_unit_test(test_generate_taken_or_bad_label_refused),
		cmocka_unit_test(test_generate_hmac_is_bug_and_import_of_bad_lengths_refused),
		cmocka_unit_test(test_generate_extractable_anyway_is_removed_and_stops),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
