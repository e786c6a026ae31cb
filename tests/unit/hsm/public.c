/* Public halves, as tokens give them: wrapped, bare, missing, wrong. */
#include "world.h"

/* How the spy answers for CKA_EC_POINT; PKCS#11 passes no context. */
static struct {
	CK_FUNCTION_LIST *real;
	enum { POINT_AS_IS, POINT_BARE, POINT_COMPRESSED, POINT_MISSING } point;
} spy;

static CK_RV spy_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attrs,
			   CK_ULONG n)
{
	CK_RV rv = spy.real->C_GetAttributeValue(session, object, attrs, n);
	uint8_t *value = attrs[0].pValue;

	if (rv != CKR_OK || n != 1 || attrs[0].type != CKA_EC_POINT || spy.point == POINT_AS_IS)
		return rv;
	if (spy.point == POINT_MISSING)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (spy.point == POINT_COMPRESSED) {
		value[2] = 0x02;
		return rv;
	}
	memmove(value, value + 2, attrs[0].ulValueLen - 2);
	attrs[0].ulValueLen -= 2;
	return rv;
}

static void test_public_bare_point_equals_wrapped(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = *w->real;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P384, "point");
	BUF_AUTO(wrapped, 1024);
	BUF_AUTO(bare, 1024);
	struct err err;

	spy.real = w->real;
	list.C_GetAttributeValue = spy_attribute;
	spy.point = POINT_AS_IS;
	assert_ok(hsm_key_public(key, &wrapped, &err), &err);
	spy.point = POINT_BARE;
	assert_ok(hsm_key_public(key, &bare, &err), &err);
	assert_true(bytes_equal(buf_bytes(&wrapped), buf_bytes(&bare)));
}

static void test_public_bad_point_is_station(void **state)
{
	const struct world *w = *state;
	CK_FUNCTION_LIST list = *w->real;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, &list);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P256, "bad-point");
	BUF_AUTO(spki, 1024);
	struct err err;

	spy.real = w->real;
	list.C_GetAttributeValue = spy_attribute;
	spy.point = POINT_COMPRESSED;
	assert_failed(hsm_key_public(key, &spki, &err), &err, ERR_STATION, "no uncompressed point");
	spy.point = POINT_MISSING;
	assert_failed(hsm_key_public(key, &spki, &err), &err, ERR_STATION, "no uncompressed point");
	assert_int_equal(spki.len, 0);
}

static void test_public_half_missing_is_operator(void **state)
{
	const struct world *w = *state;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, w->real);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P256, "half");
	const CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE template[] = { ck_attr(CKA_CLASS, &class, sizeof(class)),
				    ck_attr(CKA_LABEL, "half", 4) };
	CK_SESSION_HANDLE handle = 0;
	CK_OBJECT_HANDLE object = 0;
	CK_ULONG n = 0;
	BUF_AUTO(spki, 1024);
	struct err err;

	assert_ok(hsm_objects_find(session, template, ARRAY_LEN(template), &object, 1, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(
		w->real->C_OpenSession(hsm->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &handle),
		CKR_OK);
	assert_int_equal(w->real->C_DestroyObject(handle, object), CKR_OK);
	assert_int_equal(w->real->C_CloseSession(handle), CKR_OK);
	assert_failed(hsm_key_public(key, &spki, &err), &err, ERR_OPERATOR, "has no public half");
}

static void test_public_output_too_small_leaves_it_alone(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	struct hsm_key *key = world_key(session, HSM_KEY_EC_P256, "small");
	BUF_AUTO(spki, 32);
	struct err err;

	assert_failed(hsm_key_public(key, &spki, &err), &err, ERR_BUG, "no room");
	assert_int_equal(spki.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public_bare_point_equals_wrapped),
		cmocka_unit_test(test_public_bad_point_is_station),
		cmocka_unit_test(test_public_half_missing_is_operator),
		cmocka_unit_test(test_public_output_too_small_leaves_it_alone),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
