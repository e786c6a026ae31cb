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

/* A module that ignores what it is told, or can't be asked; PKCS#11 passes no context, so it is here. */
static struct {
	CK_FUNCTION_LIST *real;
	CK_ATTRIBUTE_TYPE type; /* made true although it was to be false, or not told */
} careless;

static void loosen(CK_ATTRIBUTE *attrs, CK_ULONG n)
{
	static CK_BBOOL yes = CK_TRUE;

	for (CK_ULONG i = 0; i < n; i++)
		if (attrs[i].type == careless.type)
			attrs[i].pValue = &yes;
}

static CK_RV careless_generate(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public,
			       CK_ULONG public_n, CK_ATTRIBUTE *private, CK_ULONG private_n,
			       CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	loosen(private, private_n);
	return careless.real->C_GenerateKeyPair(session, mechanism, public, public_n, private, private_n,
						ret_public, ret_private);
}

static CK_RV careless_create(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attrs, CK_ULONG n,
			     CK_OBJECT_HANDLE *ret_object)
{
	loosen(attrs, n);
	return careless.real->C_CreateObject(session, attrs, n, ret_object);
}

static CK_RV silent_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs,
			      CK_ULONG n)
{
	if (attrs[0].type == careless.type)
		return CKR_DEVICE_ERROR;
	return careless.real->C_GetAttributeValue(session, object, attrs, n);
}

/* Both halves are gone: the label is free again. */
static void assert_nothing_left(struct hsm_session *session)
{
	bool found = true;
	struct err err;

	assert_ok(hsm_key_exists(session, "pkcs11:object=careless", &found, &err), &err);
	assert_false(found);
	careless.type = CKA_VENDOR_DEFINED;
	assert_ok(hsm_key_generate(session, HSM_KEY_EC_P256, "careless", &err), &err);
}

static void remove_objects(struct hsm_session *session, const struct world *w)
{
	CK_ATTRIBUTE label = ck_attr(CKA_LABEL, "careless", 8);
	CK_SESSION_HANDLE writable;
	CK_OBJECT_HANDLE found[4];
	CK_ULONG n = 0;
	struct err err;

	assert_ok(hsm_objects_find(session, &label, 1, found, ARRAY_LEN(found), &n, &err), &err);
	assert_int_equal(w->real->C_OpenSession(session->hsm->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
						NULL, &writable),
			 CKR_OK);
	for (CK_ULONG i = 0; i < n; i++)
		assert_int_equal(w->real->C_DestroyObject(writable, found[i]), CKR_OK);
	assert_int_equal(w->real->C_CloseSession(writable), CKR_OK);
}

static void test_generate_less_sealed_than_asked_is_removed_and_stops(void **state)
{
	static const CK_ATTRIBUTE_TYPE off[] = { CKA_EXTRACTABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE };
	const struct world *w = *state;
	CK_FUNCTION_LIST list = *w->real;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct err err;

	careless.real = w->real;
	list.C_GenerateKeyPair = careless_generate;
	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		careless.type = off[i];
		assert_failed(hsm_key_generate(session, HSM_KEY_EC_P256, "careless", &err), &err, ERR_STATION,
			      "although it was told not");
		assert_nothing_left(session);
		remove_objects(session, w);
	}
}

static void test_import_hmac_less_sealed_than_asked_is_removed_and_stops(void **state)
{
	static const CK_ATTRIBUTE_TYPE off[] = { CKA_EXTRACTABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE };
	const struct world *w = *state;
	CK_FUNCTION_LIST list = *w->real;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	SECRET_AUTO value = { NULL, 0 };
	struct err err;

	world_secret("0123456789abcdef0123456789abcdef", &value);
	careless.real = w->real;
	list.C_CreateObject = careless_create;
	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		careless.type = off[i];
		assert_failed(hsm_key_import_hmac(session, "careless", &value, &err), &err, ERR_STATION,
			      "although it was told not");
		assert_nothing_left(session);
		remove_objects(session, w);
	}
}

/* A link that hiccups at the look afterwards: nothing stays that would take the label of the next try. */
static void test_generate_or_import_not_looked_at_is_removed(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = *w->real;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	SECRET_AUTO value = { NULL, 0 };
	struct err err;

	world_secret("0123456789abcdef0123456789abcdef", &value);
	careless.real = w->real;
	list.C_GetAttributeValue = silent_attribute;
	careless.type = CKA_SENSITIVE;
	assert_failed(hsm_key_generate(session, HSM_KEY_EC_P256, "careless", &err), &err, ERR_RETRY,
		      "CKR_DEVICE_ERROR");
	careless.type = CKA_EXTRACTABLE;
	assert_failed(hsm_key_import_hmac(session, "careless", &value, &err), &err, ERR_RETRY,
		      "CKR_DEVICE_ERROR");
	assert_nothing_left(session);
	remove_objects(session, w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generate_ec_is_sealed_from_birth),
		cmocka_unit_test(test_generate_rsa_is_sealed_from_birth),
		cmocka_unit_test(test_import_hmac_is_sealed),
		cmocka_unit_test(test_generate_taken_or_bad_label_refused),
		cmocka_unit_test(test_generate_hmac_is_bug_and_import_of_bad_lengths_refused),
		cmocka_unit_test(test_generate_less_sealed_than_asked_is_removed_and_stops),
		cmocka_unit_test(test_import_hmac_less_sealed_than_asked_is_removed_and_stops),
		cmocka_unit_test(test_generate_or_import_not_looked_at_is_removed),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
