/*
 * Making keys: private and secret keys are born sensitive, unextractable and for
 * signing only, and are looked at again afterwards, because some modules accept
 * an attribute and ignore it. A read-write session lives for the one call.
 */
#include "hsm/hsm_internal.h"

#define HMAC_KEY_MIN 32
#define HMAC_KEY_MAX 512
#define LABEL_MAX    64
#define ATTRS_MAX    20

static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

struct template
{
	CK_ATTRIBUTE attrs[ATTRS_MAX];
	CK_ULONG n;
};

static void add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	base_assert(t->n < ATTRS_MAX);
	t->attrs[t->n++] = ck_attr(type, value, len);
}

static void add_flags(struct template *t, const CK_ATTRIBUTE_TYPE *types, size_t n, const CK_BBOOL *value)
{
	for (size_t i = 0; i < n; i++)
		add(t, types[i], value, sizeof(*value));
}

/* What every private or secret key of a station is (PKCS#11 4.9, 4.10). */
static void add_sealed(struct template *t)
{
	static const CK_ATTRIBUTE_TYPE on[] = { CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN };
	static const CK_ATTRIBUTE_TYPE off[] = { CKA_EXTRACTABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE };

	add_flags(t, on, ARRAY_LEN(on), &yes);
	add_flags(t, off, ARRAY_LEN(off), &no);
}

static void add_name(struct template *t, const char *label, const uint8_t id[HSM_ID_NEW_LEN])
{
	add(t, CKA_LABEL, label, strlen(label));
	add(t, CKA_ID, id, HSM_ID_NEW_LEN);
}

/* Public keys count as well: a label names one pair. */
static int label_is_free(struct hsm_session *session, const char *label, struct err *err)
{
	CK_ATTRIBUTE template[2] = { ck_attr(CKA_TOKEN, &yes, sizeof(yes)) };
	CK_OBJECT_HANDLE found;
	CK_ULONG n = 0;

	if (label == NULL || label[0] == '\0' || strnlen(label, LABEL_MAX + 1) > LABEL_MAX)
		return err_set(err, ERR_OPERATOR, 0, "a key's label has 1 to %d bytes", LABEL_MAX);
	template[1] = ck_attr(CKA_LABEL, label, strlen(label));
	if (hsm_session_ready(session, err) < 0 ||
	    hsm_objects_find(session, template, ARRAY_LEN(template), &found, 1, &n, err) < 0)
		return -1;
	if (n > 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "the token already holds an object labelled %s; choose another label", label);
	return 0;
}

static int open_writable(struct hsm_session *session, CK_SESSION_HANDLE *ret_handle, struct err *err)
{
	struct hsm *hsm = session->hsm;
	CK_TOKEN_INFO token;
	CK_SLOT_ID slot;
	CK_RV rv;

	hsm_token_get(hsm, &slot, &token);
	rv = hsm->p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, ret_handle);
	return rv == CKR_OK ? 0 : hsm_rv_error(rv, "C_OpenSession", err);
}

/* What signs only; a module may have no such attribute, and then can't do it either. */
static int check_sign_only(struct hsm_session *session, CK_OBJECT_HANDLE object, const char *label,
			   struct err *err)
{
	static const CK_ATTRIBUTE_TYPE off[] = { CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE };
	CK_BBOOL value;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		value = CK_FALSE;
		if (hsm_attribute_read(session, object, off[i], &value, sizeof(value), &n, err) < 0)
			return -1;
		if (n > 0 && value != CK_FALSE)
			return err_set(err, ERR_STATION, 0,
				       "the token made key %s for more than signing although it was told not "
				       "to; it was removed; use another module",
				       label);
	}
	return 0;
}

static int check_sealed(struct hsm_session *session, CK_OBJECT_HANDLE object, const char *label,
			struct err *err)
{
	bool sensitive = false, extractable = true;

	if (hsm_bool_read(session, object, CKA_SENSITIVE, &sensitive, err) < 0 ||
	    hsm_bool_read(session, object, CKA_EXTRACTABLE, &extractable, err) < 0)
		return -1;
	if (!sensitive || extractable)
		return err_set(err, ERR_STATION, 0,
			       "the token made key %s extractable although it was told not to; it was "
			       "removed; use another module",
			       label);
	return check_sign_only(session, object, label, err);
}

struct pair_kind {
	CK_MECHANISM_TYPE mechanism;
	struct bytes curve; /* EC */
	CK_ULONG bits;      /* RSA */
};

static int pair_kind(enum hsm_key_type type, struct pair_kind *ret, struct err *err)
{
	switch (type) {
	case HSM_KEY_EC_P256:
		*ret = (struct pair_kind){ CKM_EC_KEY_PAIR_GEN, der_oid_p256, 0 };
		return 0;
	case HSM_KEY_EC_P384:
		*ret = (struct pair_kind){ CKM_EC_KEY_PAIR_GEN, der_oid_p384, 0 };
		return 0;
	case HSM_KEY_RSA_2048:
		*ret = (struct pair_kind){ CKM_RSA_PKCS_KEY_PAIR_GEN, BYTES_NONE, 2048 };
		return 0;
	case HSM_KEY_RSA_3072:
		*ret = (struct pair_kind){ CKM_RSA_PKCS_KEY_PAIR_GEN, BYTES_NONE, 3072 };
		return 0;
	case HSM_KEY_RSA_4096:
		*ret = (struct pair_kind){ CKM_RSA_PKCS_KEY_PAIR_GEN, BYTES_NONE, 4096 };
		return 0;
	case HSM_KEY_HMAC:
		break;
	}
	return err_set(err, ERR_BUG, 0, "key pairs are EC or RSA; type %d is not", (int)type);
}

static void fill_public(struct template *t, const struct pair_kind *kind)
{
	static const CK_ATTRIBUTE_TYPE on[] = { CKA_TOKEN, CKA_VERIFY };
	static const CK_ATTRIBUTE_TYPE off[] = { CKA_PRIVATE, CKA_ENCRYPT, CKA_WRAP, CKA_DERIVE };
	static const uint8_t exponent[] = { 0x01, 0x00, 0x01 };

	add_flags(t, on, ARRAY_LEN(on), &yes);
	add_flags(t, off, ARRAY_LEN(off), &no);
	if (kind->curve.p != NULL) {
		add(t, CKA_EC_PARAMS, kind->curve.p, kind->curve.len);
		return;
	}
	add(t, CKA_MODULUS_BITS, &kind->bits, sizeof(kind->bits));
	add(t, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent));
}

static int make_pair(struct hsm_session *session, CK_SESSION_HANDLE writable, const struct pair_kind *kind,
		     const char *label, struct err *err)
{
	CK_MECHANISM mechanism = { kind->mechanism, NULL, 0 };
	struct template private = { .n = 0 }, public = { .n = 0 };
	CK_OBJECT_HANDLE public_object = 0, private_object = 0;
	uint8_t id[HSM_ID_NEW_LEN];
	CK_RV rv;

	if (hsm_random_read(session, id, sizeof(id), err) < 0)
		return -1;
	fill_public(&public, kind);
	add_name(&public, label, id);
	add_sealed(&private);
	add_name(&private, label, id);
	rv = session->hsm->p11->C_GenerateKeyPair(writable, &mechanism, public.attrs, public.n, private.attrs,
						  private.n, &public_object, &private_object);
	if (rv != CKR_OK)
		return hsm_rv_error(rv, "C_GenerateKeyPair", err);
	/* One that could not be looked at goes, too: it would only take its label. */
	if (check_sealed(session, private_object, label, err) < 0) {
		(void)session->hsm->p11->C_DestroyObject(writable, private_object);
		(void)session->hsm->p11->C_DestroyObject(writable, public_object);
		return -1;
	}
	return 0;
}

int hsm_key_generate(struct hsm_session *session, enum hsm_key_type type, const char *label, struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	CK_SESSION_HANDLE writable = HSM_NO_SESSION;
	struct pair_kind kind;
	int rc;

	if (pair_kind(type, &kind, err) < 0 || hsm_enter(session->hsm, &inside, err) < 0 ||
	    label_is_free(session, label, err) < 0 || open_writable(session, &writable, err) < 0)
		return -1;
	rc = make_pair(session, writable, &kind, label, err);
	(void)session->hsm->p11->C_CloseSession(writable);
	return rc;
}

static int make_hmac(struct hsm_session *session, CK_SESSION_HANDLE writable, const char *label,
		     const struct secret *value, struct err *err)
{
	static const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	static const CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	static const CK_ATTRIBUTE_TYPE off[] = { CKA_VERIFY, CKA_ENCRYPT, CKA_WRAP };
	struct template t = { .n = 0 };
	CK_OBJECT_HANDLE object = 0;
	uint8_t id[HSM_ID_NEW_LEN];
	CK_RV rv;

	if (hsm_random_read(session, id, sizeof(id), err) < 0)
		return -1;
	add(&t, CKA_CLASS, &class, sizeof(class));
	add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	add_sealed(&t);
	add_flags(&t, off, ARRAY_LEN(off), &no);
	add_name(&t, label, id);
	add(&t, CKA_VALUE, value->p, value->len);
	rv = session->hsm->p11->C_CreateObject(writable, t.attrs, t.n, &object);
	if (rv != CKR_OK)
		return hsm_rv_error(rv, "C_CreateObject", err);
	if (check_sealed(session, object, label, err) < 0) {
		(void)session->hsm->p11->C_DestroyObject(writable, object);
		return -1;
	}
	return 0;
}

int hsm_key_import_hmac(struct hsm_session *session, const char *label, const struct secret *value,
			struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	CK_SESSION_HANDLE writable = HSM_NO_SESSION;
	SECRET_AUTO padded = { NULL, 0 };
	int rc;

	if (value->len == 0 || value->len > HMAC_KEY_MAX)
		return err_set(err, ERR_OPERATOR, 0, "an HMAC key of %zu bytes; 1 to %d are supported",
			       value->len, HMAC_KEY_MAX);
	/*
	 * Tokens refuse HMAC keys shorter than the digest, the service allows them. HMAC itself
	 * fills a key with zeros up to the block (RFC 2104, 2), so the result is the same.
	 */
	if (secret_new(value->len < HMAC_KEY_MIN ? HMAC_KEY_MIN : value->len, &padded, err) < 0)
		return -1;
	memcpy(padded.p, value->p, value->len);
	if (hsm_enter(session->hsm, &inside, err) < 0 || label_is_free(session, label, err) < 0 ||
	    open_writable(session, &writable, err) < 0)
		return -1;
	rc = make_hmac(session, writable, label, &padded, err);
	(void)session->hsm->p11->C_CloseSession(writable);
	return rc;
}
