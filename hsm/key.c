/*
 * Keys by URI. Exactly one private or secret key must match: with two of one
 * label a station would sign with whichever the token lists first.
 */
#include "hsm/hsm_internal.h"

#include <stdlib.h>

/* What a URI says about the object; the pointers are the URI's. */
struct key_query {
	CK_ATTRIBUTE *label, *id;
	CK_OBJECT_CLASS classes[2];
	size_t classes_n;
};

static int read_class(P11KitUri *uri, struct key_query *query, struct err *err)
{
	CK_ATTRIBUTE *attr = p11_kit_uri_get_attribute(uri, CKA_CLASS);
	CK_OBJECT_CLASS class;

	if (attr == NULL) {
		query->classes[0] = CKO_PRIVATE_KEY;
		query->classes[1] = CKO_SECRET_KEY;
		query->classes_n = 2;
		return 0;
	}
	if (attr->ulValueLen != sizeof(class))
		return err_set(err, ERR_BUG, 0, "p11-kit gave a class of %lu bytes", attr->ulValueLen);
	memcpy(&class, attr->pValue, sizeof(class));
	if (class != CKO_PRIVATE_KEY && class != CKO_SECRET_KEY)
		return err_set(err, ERR_OPERATOR, 0,
			       "the key's URI asks for an object that can't sign; type= must be private or "
			       "secret-key");
	query->classes[0] = class;
	query->classes_n = 1;
	return 0;
}

static int read_query(struct hsm *hsm, P11KitUri *uri, struct key_query *query, struct err *err)
{
	CK_TOKEN_INFO token;
	CK_SLOT_ID slot;

	hsm_token_get(hsm, &slot, &token);
	query->label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
	query->id = p11_kit_uri_get_attribute(uri, CKA_ID);
	if (query->label == NULL && query->id == NULL)
		return err_set(err, ERR_OPERATOR, 0, "the key's URI names no key; add object= or id=");
	/* A key's URI may repeat the token's attributes, as p11tool prints them. */
	if (p11_kit_uri_match_token_info(uri, &token) != 1)
		return err_set(
			err, ERR_OPERATOR, 0,
			"the key's URI names another token than the station's; take token= out of it or "
			"correct it");
	return read_class(uri, query, err);
}

static int search_class(struct hsm_session *session, const struct key_query *query, CK_OBJECT_CLASS class,
			CK_OBJECT_HANDLE found[2], CK_ULONG *ret_n, struct err *err)
{
	const CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE template[4] = {
		ck_attr(CKA_CLASS, &class, sizeof(class)),
		ck_attr(CKA_TOKEN, &yes, sizeof(yes)),
	};
	CK_ULONG n = 2;

	if (query->label != NULL)
		template[n++] = *query->label;
	if (query->id != NULL)
		template[n++] = *query->id;
	return hsm_objects_find(session, template, n, found, 2, ret_n, err);
}

/* Counts to two: that is enough to know that one is not alone. */
static int search(struct hsm_session *session, const char *text, CK_OBJECT_HANDLE *ret_object,
		  CK_ULONG *ret_n, struct err *err)
{
	CLEANUP(uri_freep) P11KitUri *uri = NULL;
	CK_OBJECT_HANDLE found[2] = { 0, 0 };
	struct key_query query = { 0 };
	CK_ULONG total = 0, n = 0;

	if (hsm_uri_parse(text, &uri, err) < 0 || hsm_session_ready(session, err) < 0 ||
	    read_query(session->hsm, uri, &query, err) < 0)
		return -1;
	for (size_t i = 0; i < query.classes_n; i++) {
		if (search_class(session, &query, query.classes[i], found, &n, err) < 0)
			return -1;
		if (n > 0)
			*ret_object = found[0];
		total += n;
	}
	*ret_n = total;
	return 0;
}

static int search_one(struct hsm_session *session, const char *uri, CK_OBJECT_HANDLE *ret_object,
		      struct err *err)
{
	CK_OBJECT_HANDLE object = 0;
	CK_ULONG n = 0;

	if (search(session, uri, &object, &n, err) < 0)
		return -1;
	if (n == 0)
		return err_set(err, ERR_OPERATOR, 0, "the token has no private or secret key %.120s", uri);
	if (n > 1)
		return err_set(
			err, ERR_OPERATOR, 0,
			"the token has more than one key %.100s; name one by its id=, or remove the others",
			uri);
	*ret_object = object;
	return 0;
}

static int ec_type(struct hsm_session *session, CK_OBJECT_HANDLE object, enum hsm_key_type *ret_type,
		   struct err *err)
{
	uint8_t params[64];
	size_t n;

	if (hsm_attribute_read(session, object, CKA_EC_PARAMS, params, sizeof(params), &n, err) < 0)
		return -1;
	if (bytes_equal(bytes_of(params, n), der_oid_p256))
		*ret_type = HSM_KEY_EC_P256;
	else if (bytes_equal(bytes_of(params, n), der_oid_p384))
		*ret_type = HSM_KEY_EC_P384;
	else
		return err_set(err, ERR_OPERATOR, 0, "the key is on another curve than P-256 and P-384");
	return 0;
}

static int rsa_type(struct hsm_session *session, CK_OBJECT_HANDLE object, enum hsm_key_type *ret_type,
		    struct err *err)
{
	uint8_t modulus[HSM_RSA_MAX];
	size_t n;

	if (hsm_attribute_read(session, object, CKA_MODULUS, modulus, sizeof(modulus), &n, err) < 0)
		return -1;
	if (n == 2048 / 8)
		*ret_type = HSM_KEY_RSA_2048;
	else if (n == 3072 / 8)
		*ret_type = HSM_KEY_RSA_3072;
	else if (n == 4096 / 8)
		*ret_type = HSM_KEY_RSA_4096;
	else
		return err_set(err, ERR_OPERATOR, 0,
			       "an RSA key of %zu bits; 2048, 3072 and 4096 are supported", n * 8);
	return 0;
}

static int read_type(struct hsm_session *session, CK_OBJECT_HANDLE object, enum hsm_key_type *ret_type,
		     struct err *err)
{
	CK_KEY_TYPE type = 0;
	uint8_t raw[sizeof(type)];
	size_t n;

	if (hsm_attribute_read(session, object, CKA_KEY_TYPE, raw, sizeof(raw), &n, err) < 0)
		return -1;
	if (n != sizeof(raw))
		return err_set(err, ERR_STATION, 0, "the token does not tell the type of its own key");
	memcpy(&type, raw, sizeof(type));
	if (type == CKK_EC)
		return ec_type(session, object, ret_type, err);
	if (type == CKK_RSA)
		return rsa_type(session, object, ret_type, err);
	if (type != CKK_GENERIC_SECRET && type != CKK_SHA256_HMAC)
		return err_set(err, ERR_OPERATOR, 0,
			       "a key of type 0x%lx; EC, RSA and HMAC keys are supported", type);
	*ret_type = HSM_KEY_HMAC;
	return 0;
}

static struct hsm_key *cached(struct hsm_session *session, const char *uri)
{
	for (struct hsm_key *key = session->keys; key != NULL; key = key->next)
		if (strcmp(key->uri, uri) == 0)
			return key;
	return NULL;
}

static int key_add(struct hsm_session *session, const struct hsm_key *found, const char *uri,
		   struct hsm_key **ret_key, struct err *err)
{
	struct hsm_key *key = calloc(1, sizeof(*key));

	if (key == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	*key = *found;
	key->uri = strdup(uri);
	if (key->uri == NULL) {
		free(key);
		return err_set(err, ERR_STATION, 0, "out of memory");
	}
	key->next = session->keys;
	session->keys = key;
	*ret_key = key;
	return 0;
}

int hsm_key_find(struct hsm_session *session, const char *uri, struct hsm_key **ret_key, struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	struct hsm_key found = { .session = session };
	struct hsm_key *known;

	if (uri == NULL)
		return err_set(err, ERR_OPERATOR, 0, "no key is named");
	if (hsm_enter(session->hsm, &inside, err) < 0)
		return -1;
	known = cached(session, uri);
	if (known != NULL) {
		if (hsm_key_ready(known, err) < 0)
			return -1;
		*ret_key = known;
		return 0;
	}
	if (search_one(session, uri, &found.object, err) < 0 ||
	    read_type(session, found.object, &found.type, err) < 0)
		return -1;
	found.generation = session->generation;
	return key_add(session, &found, uri, ret_key, err);
}

int hsm_key_exists(struct hsm_session *session, const char *uri, bool *ret_found, struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	CK_OBJECT_HANDLE object = 0;
	CK_ULONG n = 0;

	if (hsm_enter(session->hsm, &inside, err) < 0 || search(session, uri, &object, &n, err) < 0)
		return -1;
	*ret_found = n > 0;
	return 0;
}

int hsm_key_ready(struct hsm_key *key, struct err *err)
{
	CK_OBJECT_HANDLE object = 0;
	enum hsm_key_type type;

	if (hsm_session_ready(key->session, err) < 0)
		return -1;
	if (key->generation == key->session->generation)
		return 0;
	if (search_one(key->session, key->uri, &object, err) < 0 ||
	    read_type(key->session, object, &type, err) < 0)
		return -1;
	if (type != key->type)
		return err_set(err, ERR_STATION, 0, "key %.120s is of another type since the token came back",
			       key->uri);
	key->object = object;
	key->generation = key->session->generation;
	return 0;
}

enum hsm_key_type hsm_key_type(const struct hsm_key *key)
{
	return key->type;
}
