/*
 * Weak keys: wrong size or exponent, small factors, the ROCA fingerprint
 * (CVE-2017-15361), keys whose private half is in print. Only the public key is
 * looked at, so this works for keys that a device or a TPM made.
 */
#include "pki/pki_internal.h"

#include <openssl/core_names.h>

#define RSA_BITS_MIN     2048
#define RSA_BITS_MAX     4096
#define RSA_EXPONENT_MIN 65537
/* SP 800-56B 6.2: below 2^256. */
#define RSA_EXPONENT_BITS_MAX 256

/* SHA-256 of the SubjectPublicKeyInfo of published test keys; each made again from the print named. */
static const struct {
	uint8_t sha256[SHA256_LEN];
	const char *source;
} test_keys[] = {
	{ { 0xb2, 0xb0, 0x43, 0x40, 0xcf, 0xae, 0xe6, 0x16, 0xec, 0x9c, 0x2c, 0x62, 0xd2, 0x61, 0xb2, 0x08,
	    0xe5, 0x4b, 0xb1, 0x97, 0x49, 0x8d, 0xf5, 0x2e, 0x8c, 0xad, 0xed, 0xe2, 0x3a, 0xc0, 0xba, 0x5e },
	  "RFC 9500 2.3, P-256" },
	{ { 0x5a, 0x7a, 0x78, 0xcc, 0xa4, 0xa0, 0xf4, 0x20, 0xd9, 0xbc, 0x62, 0xbb, 0x66, 0x9c, 0x3c, 0x27,
	    0x59, 0xe3, 0x9f, 0x72, 0x3d, 0x3a, 0xe1, 0x0d, 0xcb, 0xe0, 0xf0, 0x81, 0x5a, 0x07, 0xec, 0xd4 },
	  "RFC 6979 A.2.5, P-256" },
	{ { 0x2f, 0x95, 0x60, 0x1f, 0xa8, 0x20, 0x60, 0xb9, 0x09, 0xbf, 0xc6, 0xb9, 0x79, 0xdb, 0xd3, 0x03,
	    0xd3, 0x4d, 0x34, 0xe0, 0xaf, 0xb2, 0x7e, 0xa4, 0x96, 0xbe, 0xac, 0x36, 0x2f, 0x24, 0x2a, 0x4b },
	  "RFC 6979 A.2.6, P-384" },
};

/* The primes of the published ROCA detector; they serve as small factors, too. */
static const uint8_t primes[] = { 3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
				  47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
				  107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };

static int test_key_check(struct bytes spki, struct err *err)
{
	uint8_t digest[SHA256_LEN];

	sha256(spki, digest);
	for (size_t i = 0; i < ARRAY_LEN(test_keys); i++)
		if (bytes_equal(BYTES_ARRAY(digest), BYTES_ARRAY(test_keys[i].sha256)))
			return err_set(err, ERR_UNIT, 0, "the key is a published test key (%s)",
				       test_keys[i].source);
	return 0;
}

/* Is residue a power of 65537 modulo p? At most p - 1 steps, p is below 168. */
static bool is_power_of_65537(unsigned residue, unsigned p)
{
	unsigned power = 1;

	do {
		if (power == residue)
			return true;
		power = power * (65537 % p) % p;
	} while (power != 1);
	return false;
}

/*
 * A modulus of the flawed library is a power of 65537 modulo each of the small
 * primes (Nemec et al., CCS 2017, 2.2); a sound one has a chance of 2^-28.
 */
static int modulus_check(const BIGNUM *modulus, struct err *err)
{
	bool roca = true;

	if (!BN_is_odd(modulus))
		return err_set(err, ERR_UNIT, 0, "the RSA modulus is even");
	for (size_t i = 0; i < ARRAY_LEN(primes); i++) {
		BN_ULONG residue = BN_mod_word(modulus, primes[i]);

		if (residue == 0)
			return err_set(err, ERR_UNIT, 0, "the RSA modulus is divisible by %u", primes[i]);
		roca = roca && is_power_of_65537((unsigned)residue, primes[i]);
	}
	if (roca)
		return err_set(err, ERR_UNIT, 0, "the RSA key has the ROCA fingerprint (CVE-2017-15361)");
	return 0;
}

static int rsa_check(const EVP_PKEY *pkey, struct err *err)
{
	CLEANUP(bn_freep) BIGNUM *modulus = NULL;
	CLEANUP(bn_freep) BIGNUM *exponent = NULL;
	int bits;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
		return openssl_fail(err, ERR_UNIT, "the RSA key can't be read");
	bits = BN_num_bits(modulus);
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return err_set(err, ERR_UNIT, 0, "the RSA key has %d bits; %d to %d are allowed", bits,
			       RSA_BITS_MIN, RSA_BITS_MAX);
	if (!BN_is_odd(exponent) || BN_num_bits(exponent) > RSA_EXPONENT_BITS_MAX ||
	    (BN_num_bits(exponent) <= 17 && BN_get_word(exponent) < RSA_EXPONENT_MIN))
		return err_set(err, ERR_UNIT, 0, "the RSA exponent is even, below %d or above 2^%d",
			       RSA_EXPONENT_MIN, RSA_EXPONENT_BITS_MAX);
	return modulus_check(modulus, err);
}

int weak_key_check(const struct public_key *key, struct bytes spki, struct err *err)
{
	if (test_key_check(spki, err) < 0)
		return -1;
	return key->kind == KEY_RSA ? rsa_check(key->pkey, err) : 0;
}
