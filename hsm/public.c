/*
 * The public half of a key as SubjectPublicKeyInfo, from the public key object
 * that shares its CKA_ID: that pairing is the only one PKCS#11 defines (4.9).
 */
#include "hsm/hsm_internal.h"

#define SPKI_MAX 1024

/* id-ecPublicKey (RFC 5480 2.1.1) and rsaEncryption with its NULL (RFC 3279 2.3.1). */
static const uint8_t oid_ec[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_rsa_null[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
					0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };

static int find_public(struct hsm_key *key, CK_OBJECT_HANDLE *ret_object, struct err *err)
{
	const CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	const CK_BBOOL yes = CK_TRUE;
	CK_OBJECT_HANDLE found[2];
	CK_ATTRIBUTE template[3];
	uint8_t id[HSM_ID_MAX];
	CK_ULONG n = 0;
	size_t id_len;

	if (hsm_attribute_read(key->session, key->object, CKA_ID, id, sizeof(id), &id_len, err) < 0)
		return -1;
	if (id_len == 0)
		return err_set(
			err, ERR_OPERATOR, 0,
			"key %.100s has no id, so its public half can't be told; give both the same id",
			key->uri);
	template[0] = ck_attr(CKA_CLASS, &class, sizeof(class));
	template[1] = ck_attr(CKA_TOKEN, &yes, sizeof(yes));
	template[2] = ck_attr(CKA_ID, id, id_len);
	if (hsm_objects_find(key->session, template, ARRAY_LEN(template), found, 2, &n, err) < 0)
		return -1;
	if (n != 1)
		return err_set(
			err, ERR_OPERATOR, 0,
			"key %.100s has %s public half in the token; one with the same id must be there",
			key->uri, n == 0 ? "no" : "more than one");
	*ret_object = found[0];
	return 0;
}

/* SEQUENCE { AlgorithmIdentifier, BIT STRING } (RFC 5280 4.1.2.7). */
static int spki(struct bytes algorithm, struct bytes public_key, struct buf *ret_spki, struct err *err)
{
	BUF_AUTO(bits, SPKI_MAX);
	BUF_AUTO(content, SPKI_MAX);
	BUF_AUTO(whole, SPKI_MAX);

	if (buf_append_u8(&bits, 0 /* no unused bits */) < 0 || buf_append(&bits, public_key) < 0 ||
	    der_tlv(&content, 0x30, algorithm) < 0 || der_tlv(&content, 0x03, buf_bytes(&bits)) < 0 ||
	    der_tlv(&whole, 0x30, buf_bytes(&content)) < 0 || buf_set(ret_spki, buf_bytes(&whole)) < 0)
		return err_set(err, ERR_BUG, 0, "no room for a public key of %zu bytes", public_key.len);
	return 0;
}

/* CKA_EC_POINT is an ECPoint in an OCTET STRING (PKCS#11 Current Mechanisms 2.3.3); some tokens leave that out. */
static bool unwrap_point(struct bytes attribute, size_t point_len, struct bytes *ret_point)
{
	struct bytes point = attribute;

	if (attribute.len != point_len && der_octets(attribute, &point) < 0)
		return false;
	if (point.len != point_len || point.p[0] != 0x04)
		return false;
	*ret_point = point;
	return true;
}

static int ec_public(struct hsm_key *key, CK_OBJECT_HANDLE object, struct buf *ret_spki, struct err *err)
{
	size_t point_len = key->type == HSM_KEY_EC_P256 ? 1 + 2 * 32 : 1 + 2 * 48;
	uint8_t attribute[HSM_EC_MAX];
	BUF_AUTO(algorithm, 64);
	struct bytes point;
	size_t n;

	if (hsm_attribute_read(key->session, object, CKA_EC_POINT, attribute, sizeof(attribute), &n, err) < 0)
		return -1;
	if (!unwrap_point(bytes_of(attribute, n), point_len, &point))
		return err_set(err, ERR_STATION, 0, "the public half of key %.100s is no uncompressed point",
			       key->uri);
	if (buf_append(&algorithm, BYTES_ARRAY(oid_ec)) < 0 ||
	    buf_append(&algorithm, key->type == HSM_KEY_EC_P256 ? der_oid_p256 : der_oid_p384) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return spki(buf_bytes(&algorithm), point, ret_spki, err);
}

static int rsa_public(struct hsm_key *key, CK_OBJECT_HANDLE object, struct buf *ret_spki, struct err *err)
{
	uint8_t modulus[HSM_RSA_MAX], exponent[8];
	BUF_AUTO(numbers, SPKI_MAX);
	BUF_AUTO(sequence, SPKI_MAX);
	size_t modulus_len, exponent_len;

	if (hsm_attribute_read(key->session, object, CKA_MODULUS, modulus, sizeof(modulus), &modulus_len,
			       err) < 0 ||
	    hsm_attribute_read(key->session, object, CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent),
			       &exponent_len, err) < 0)
		return -1;
	if (der_uint(&numbers, bytes_of(modulus, modulus_len)) < 0 ||
	    der_uint(&numbers, bytes_of(exponent, exponent_len)) < 0 ||
	    der_tlv(&sequence, 0x30, buf_bytes(&numbers)) < 0)
		return err_set(err, ERR_STATION, 0, "the public half of key %.100s is incomplete", key->uri);
	return spki(BYTES_ARRAY(oid_rsa_null), buf_bytes(&sequence), ret_spki, err);
}

int hsm_key_public(struct hsm_key *key, struct buf *ret_spki, struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	CK_OBJECT_HANDLE object = 0;

	if (key->type == HSM_KEY_HMAC)
		return err_set(err, ERR_OPERATOR, 0, "key %.100s is an HMAC key; name a key pair", key->uri);
	if (hsm_enter(key->session->hsm, &inside, err) < 0 || hsm_key_ready(key, err) < 0 ||
	    find_public(key, &object, err) < 0)
		return -1;
	if (key->type == HSM_KEY_EC_P256 || key->type == HSM_KEY_EC_P384)
		return ec_public(key, object, ret_spki, err);
	return rsa_public(key, object, ret_spki, err);
}
