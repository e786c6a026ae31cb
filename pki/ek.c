/*
 * Endorsement keys as a TPM shows them: TPM2B_PUBLIC, big-endian, read by the
 * cursor (TPM 2.0 Part 2, 12.2.4). Only the shapes of the TCG EK profile pass: a
 * key that could sign or leave its TPM proves nothing.
 */
#include "pki/pki_internal.h"

#define TPM_ALG_RSA    0x0001
#define TPM_ALG_AES    0x0006
#define TPM_ALG_SHA256 0x000b
#define TPM_ALG_NULL   0x0010
#define TPM_ALG_ECC    0x0023
#define TPM_ALG_CFB    0x0043
#define TPM_ECC_P256   0x0003
#define AES_KEY_BITS   128

#define RSA_MODULUS_LEN      256
#define RSA_EXPONENT_DEFAULT 65537 /* Part 2, 12.2.3.5: 0 stands for it */
#define P256_COORDINATE_LEN  32

/* Part 2, 8.3.2 */
#define ATTR_FIXED_TPM      (1u << 1)
#define ATTR_ST_CLEAR       (1u << 2)
#define ATTR_FIXED_PARENT   (1u << 4)
#define ATTR_SENSITIVE_ORIG (1u << 5)
#define ATTR_ADMIN_POLICY   (1u << 7)
#define ATTR_DUPLICATION    (1u << 11)
#define ATTR_RESTRICTED     (1u << 16)
#define ATTR_DECRYPT        (1u << 17)
#define ATTR_SIGN           (1u << 18)
#define ATTR_NEEDED                                                                                          \
	(ATTR_FIXED_TPM | ATTR_FIXED_PARENT | ATTR_SENSITIVE_ORIG | ATTR_ADMIN_POLICY | ATTR_RESTRICTED |    \
	 ATTR_DECRYPT)
#define ATTR_BANNED (ATTR_ST_CLEAR | ATTR_DUPLICATION | ATTR_SIGN)

/* TCG EK profile, B.6: PolicyA (PolicySecret of the endorsement hierarchy) and PolicyB for SHA-256. */
static const uint8_t policies[2][SHA256_LEN] = {
	{ 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
	  0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa },
	{ 0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
	  0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0 },
};

static int malformed(struct err *err, const char *what)
{
	return err_set(err, ERR_UNIT, 0, "the EK's public area: %s", what);
}

/* TPM2B: u16 size, then so many bytes. */
static int take_2b(struct bytes *in, struct bytes *ret)
{
	uint16_t n;

	return take_u16(in, &n) < 0 ? -1 : take(in, n, ret);
}

static int take_expected_u16(struct bytes *in, uint16_t want)
{
	uint16_t got;

	return take_u16(in, &got) < 0 || got != want ? -1 : 0;
}

static bool is_ek_policy(struct bytes policy)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (bytes_equal(policy, BYTES_ARRAY(policies[i])))
			return true;
	return false;
}

/* u16 nameAlg, u32 objectAttributes, TPM2B authPolicy; then symmetric AES-128-CFB and scheme NULL. */
static int read_common(struct bytes *in, struct err *err)
{
	struct bytes policy;
	uint32_t attributes;

	if (take_expected_u16(in, TPM_ALG_SHA256) < 0)
		return malformed(err, "its name algorithm is not SHA-256");
	if (take_u32(in, &attributes) < 0 || take_2b(in, &policy) < 0)
		return malformed(err, "cut short");
	if ((attributes & ATTR_NEEDED) != ATTR_NEEDED || (attributes & ATTR_BANNED) != 0)
		return err_set(
			err, ERR_UNIT, 0,
			"the EK's attributes 0x%08x are not an endorsement key's (restricted, decrypt, "
			"fixedTPM, fixedParent, no sign)",
			attributes);
	if (!is_ek_policy(policy))
		return malformed(err, "its policy is none of the TCG EK profile");
	if (take_expected_u16(in, TPM_ALG_AES) < 0 || take_expected_u16(in, AES_KEY_BITS) < 0 ||
	    take_expected_u16(in, TPM_ALG_CFB) < 0 || take_expected_u16(in, TPM_ALG_NULL) < 0)
		return malformed(err, "its symmetric algorithm is not AES-128-CFB, or it has a scheme");
	return 0;
}

/* u16 keyBits, u32 exponent, TPM2B modulus */
static int read_rsa(struct bytes *in, struct ek_public *ek, struct err *err)
{
	uint16_t bits;

	if (take_u16(in, &bits) < 0 || take_u32(in, &ek->exponent) < 0 || take_2b(in, &ek->modulus) < 0)
		return malformed(err, "cut short");
	if (bits != RSA_MODULUS_LEN * 8 || ek->modulus.len != RSA_MODULUS_LEN)
		return malformed(err, "it is RSA, but not of 2048 bits");
	if (ek->exponent == 0)
		ek->exponent = RSA_EXPONENT_DEFAULT;
	ek->type = PKI_EK_RSA_2048;
	return 0;
}

/* A coordinate may come without its leading zeros. */
static int read_coordinate(struct bytes *in, uint8_t out[P256_COORDINATE_LEN])
{
	struct bytes value;

	if (take_2b(in, &value) < 0 || value.len == 0 || value.len > P256_COORDINATE_LEN)
		return -1;
	memset(out, 0, P256_COORDINATE_LEN - value.len);
	memcpy(out + P256_COORDINATE_LEN - value.len, value.p, value.len);
	return 0;
}

/* u16 curve, u16 kdf NULL, TPM2B x, TPM2B y */
static int read_ecc(struct bytes *in, struct ek_public *ek, struct err *err)
{
	if (take_expected_u16(in, TPM_ECC_P256) < 0 || take_expected_u16(in, TPM_ALG_NULL) < 0)
		return malformed(err, "it is ECC, but not on P-256");
	ek->point[0] = 0x04;
	if (read_coordinate(in, ek->point + 1) < 0 ||
	    read_coordinate(in, ek->point + 1 + P256_COORDINATE_LEN) < 0)
		return malformed(err, "its point is malformed");
	ek->type = PKI_EK_ECC_P256;
	return 0;
}

int ek_public_read(struct bytes tpm2b_public, struct ek_public *ret_ek, struct err *err)
{
	struct ek_public ek = { .exponent = 0 };
	struct bytes in = tpm2b_public;
	uint16_t n, type;
	int rc;

	if (in.len > PKI_EK_PUBLIC_MAX || take_u16(&in, &n) < 0 || n != in.len || take_u16(&in, &type) < 0)
		return malformed(err, "its size does not fit");
	if (type != TPM_ALG_RSA && type != TPM_ALG_ECC)
		return malformed(err, "it is neither RSA nor ECC");
	if (read_common(&in, err) < 0)
		return -1;
	rc = type == TPM_ALG_RSA ? read_rsa(&in, &ek, err) : read_ecc(&in, &ek, err);
	if (rc < 0)
		return -1;
	if (in.len != 0)
		return malformed(err, "bytes behind its end");
	*ret_ek = ek;
	return 0;
}

int ek_key_bits(const struct ek_public *ek, struct buf *ret_bits, struct err *err)
{
	const uint8_t exponent[4] = { (uint8_t)(ek->exponent >> 24), (uint8_t)(ek->exponent >> 16),
				      (uint8_t)(ek->exponent >> 8), (uint8_t)ek->exponent };
	BUF_AUTO(numbers, 512);
	int rc;

	if (ek->type == PKI_EK_ECC_P256) {
		rc = buf_append(ret_bits, BYTES_ARRAY(ek->point));
	} else {
		rc = der_put_unsigned(&numbers, ek->modulus);
		rc = rc < 0 ? rc : der_put_unsigned(&numbers, BYTES_ARRAY(exponent));
		rc = rc < 0 ? rc : der_put(ret_bits, DER_SEQUENCE, buf_bytes(&numbers));
	}
	return rc < 0 ? err_set(err, ERR_STATION, 0, "out of memory") : 0;
}

/* SubjectPublicKeyInfo of an RSA key: rsaEncryption, parameters NULL (RFC 3279 2.3.1). */
static int put_rsa_spki(struct bytes bits, struct buf *out)
{
	static const uint8_t rsa_encryption[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
						  0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	BUF_AUTO(content, PKI_SPKI_MAX);

	if (buf_append(&content, BYTES_ARRAY(rsa_encryption)) < 0 || der_put_bits(&content, bits) < 0)
		return -1;
	return der_put(out, DER_SEQUENCE, buf_bytes(&content));
}

int ek_public_key(const struct ek_public *ek, struct public_key *ret_key, struct err *err)
{
	CLEANUP(public_key_deinit) struct public_key key = { NULL, KEY_RSA };
	BUF_AUTO(bits, PKI_SPKI_MAX);
	BUF_AUTO(spki, PKI_SPKI_MAX);
	int rc;

	if (ek_key_bits(ek, &bits, err) < 0)
		return -1;
	rc = ek->type == PKI_EK_ECC_P256 ? p256_spki_put(ek->point, &spki)
					 : put_rsa_spki(buf_bytes(&bits), &spki);
	if (rc < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (public_key_read(buf_bytes(&spki), &key, err) < 0 ||
	    weak_key_check(&key, buf_bytes(&spki), err) < 0)
		return err_wrap(err, "endorsement key");
	*ret_key = key;
	key.pkey = NULL;
	return 0;
}

/*
 * One key has many public areas: exponent 0 or 65537, attributes that don't
 * matter here, two policies, coordinates with or without leading zeros. The
 * numbers alone say whether it is the same; both are of full length here.
 */
static void identify(const struct ek_public *ek, uint8_t ret[SHA256_LEN])
{
	static const uint8_t rsa[] = { 0x00, TPM_ALG_RSA }, ecc[] = { 0x00, TPM_ALG_ECC };

	if (ek->type == PKI_EK_RSA_2048)
		sha256_two(BYTES_ARRAY(rsa), ek->modulus, ret);
	else
		sha256_two(BYTES_ARRAY(ecc), bytes_of(ek->point + 1, P256_POINT_LEN - 1), ret);
}

int pki_ek_parse(struct bytes tpm2b_public, struct pki_ek *ret_ek, struct err *err)
{
	CLEANUP(public_key_deinit) struct public_key key = { NULL, KEY_RSA };
	struct ek_public ek;

	if (ek_public_read(tpm2b_public, &ek, err) < 0 || ek_public_key(&ek, &key, err) < 0)
		return -1;
	ret_ek->type = ek.type == PKI_EK_RSA_2048 ? PKI_EK_RSA_2048 : PKI_EK_ECC_P256;
	identify(&ek, ret_ek->sha256);
	return 0;
}
