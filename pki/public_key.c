/*
 * Public keys from SubjectPublicKeyInfo, each in one encoding only: its hash tells
 * it from others. EC keys are told by their exact header (RFC 5480: named curve,
 * uncompressed point) and made from the point: a sixth of the time that OpenSSL's
 * decoder search takes. RSA keys are written again and compared.
 */
#include "pki/pki_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

struct curve {
	struct bytes header; /* up to the unused-bits octet of the BIT STRING */
	size_t point_len;
	char group[8];
	enum key_kind kind;
};

static const uint8_t p256_header[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				       0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				       0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t p384_header[] = { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
				       0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00 };
static const struct curve curves[] = {
	{ { p256_header, sizeof(p256_header) }, P256_POINT_LEN, "P-256", KEY_P256 },
	{ { p384_header, sizeof(p384_header) }, 97, "P-384", KEY_P384 },
};

static const struct curve *find_curve(struct bytes spki)
{
	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		const struct curve *c = &curves[i];

		if (spki.len == c->header.len + c->point_len &&
		    bytes_equal(bytes_of(spki.p, c->header.len), c->header))
			return c;
	}
	return NULL;
}

static int read_ec(const struct curve *curve, struct bytes spki, EVP_PKEY **ret_pkey, struct err *err)
{
	CLEANUP(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	CLEANUP(pkey_freep) EVP_PKEY *pkey = NULL;
	uint8_t point[97];
	char group[sizeof(curve->group)];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, curve->point_len),
		OSSL_PARAM_construct_end(),
	};

	/* Copies, because the parameters of OpenSSL are not const. */
	memcpy(group, curve->group, sizeof(group));
	memcpy(point, spki.p + curve->header.len, curve->point_len);
	if (point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return err_set(err, ERR_UNIT, 0, "the %s key is not an uncompressed point (RFC 5480 2.2)",
			       curve->group);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
		return openssl_fail(err, ERR_STATION, "OpenSSL has no EC keys");
	/* Refuses coordinates that are off the curve; cofactor 1 makes that the whole check (SP 800-56A 5.6.2.3.4). */
	if (EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return openssl_fail(err, ERR_UNIT, "the public key is not a point of its curve");
	*ret_pkey = pkey;
	pkey = NULL;
	return 0;
}

/*
 * OpenSSL reads BER: long lengths, no parameters, bytes behind the key. What it
 * writes is DER (RFC 3279 2.3.1), and a key in another form would pass as another.
 */
static int check_der(const EVP_PKEY *pkey, struct bytes spki, struct err *err)
{
	CLEANUP(openssl_freep) unsigned char *der = NULL;
	int n = i2d_PUBKEY(pkey, &der);

	if (n <= 0)
		return openssl_fail(err, ERR_STATION, "OpenSSL can't write a public key");
	if (!bytes_equal(bytes_of(der, (size_t)n), spki))
		return err_set(err, ERR_UNIT, 0, "the public key is not DER (RFC 3279 2.3.1)");
	return 0;
}

static int read_rsa(struct bytes spki, EVP_PKEY **ret_pkey, struct err *err)
{
	CLEANUP(pkey_freep) EVP_PKEY *pkey = NULL;
	const unsigned char *p = spki.p;

	pkey = d2i_PUBKEY(NULL, &p, (long)spki.len);
	if (pkey == NULL)
		return openssl_fail(err, ERR_UNIT, "the public key is malformed or of an unknown kind");
	if (p != spki.p + spki.len)
		return err_set(err, ERR_UNIT, 0, "bytes behind the public key");
	/* An EC key here has explicit parameters, another curve, or a compressed point. */
	if (EVP_PKEY_is_a(pkey, "RSA") != 1)
		return err_set(err, ERR_UNIT, 0, "the public key is not P-256, P-384 or RSA");
	if (check_der(pkey, spki, err) < 0)
		return -1;
	*ret_pkey = pkey;
	pkey = NULL;
	return 0;
}

int public_key_read(struct bytes spki, struct public_key *ret_key, struct err *err)
{
	const struct curve *curve = find_curve(spki);
	struct public_key key = { NULL, KEY_RSA };

	if (spki.len == 0 || spki.len > PKI_SPKI_MAX)
		return err_set(err, ERR_UNIT, 0, "a public key of %zu bytes; 1 to %d are allowed", spki.len,
			       PKI_SPKI_MAX);
	if (curve != NULL) {
		key.kind = curve->kind;
		if (read_ec(curve, spki, &key.pkey, err) < 0)
			return -1;
	} else if (read_rsa(spki, &key.pkey, err) < 0) {
		return -1;
	}
	*ret_key = key;
	return 0;
}

void public_key_deinit(struct public_key *key)
{
	EVP_PKEY_free(key->pkey);
	key->pkey = NULL;
}

int public_key_id(struct bytes spki, uint8_t ret_id[KEY_ID_LEN], struct err *err)
{
	uint8_t digest[SHA256_LEN];
	struct bytes info, alg, bits;

	if (der_take(&spki, DER_SEQUENCE, &info) < 0 || der_take(&info, DER_SEQUENCE, &alg) < 0 ||
	    der_take(&info, DER_BIT_STRING, &bits) < 0 || bits.len < 2 || bits.p[0] != 0)
		return err_set(err, ERR_UNIT, 0, "the public key is malformed");
	sha256(bytes_of(bits.p + 1, bits.len - 1), digest);
	memcpy(ret_id, digest, KEY_ID_LEN);
	return 0;
}

int p256_spki_put(const uint8_t point[P256_POINT_LEN], struct buf *out)
{
	if (buf_append(out, BYTES_ARRAY(p256_header)) < 0)
		return -1;
	return buf_append(out, bytes_of(point, P256_POINT_LEN));
}
