/* pki/weak.c, through requests for keys that nobody should have. */
#include "make.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/encode.h"

static const uint8_t roca_primes[] = { 3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
				       47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
				       107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };

static EVP_PKEY *rsa_of(const BIGNUM *n, unsigned long exponent)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	assert_int_equal(BN_set_word(e, exponent), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e), 1);
	params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(e);
	return key;
}

/* The key is judged before the proof of possession, so another key may sign. */
static void refuse(EVP_PKEY *key, const char *why)
{
	CLEANUP(make_key_freep) EVP_PKEY *signer = make_key("2048");
	const struct make_request request = { .key = key, .signed_by = signer };
	struct pki_csr *csr = NULL;
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(der, PKI_CERT_MAX);

	make_csr(&request, &der);
	assert_int_equal(pki_csr_parse(buf_bytes(&der), &csr, &err), -1);
	assert_err(&err, ERR_UNIT, why);
}

/* n = k * M + (65537^a mod M) with M the product of the primes, as the flawed library's moduli are. */
static BIGNUM *roca_modulus(void)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *m = BN_new(), *n = BN_new(), *a = BN_new(), *residue = BN_new();

	assert_int_equal(BN_one(m), 1);
	for (size_t i = 0; i < sizeof(roca_primes); i++)
		assert_int_equal(BN_mul_word(m, roca_primes[i]), 1);
	assert_int_equal(BN_set_word(a, 65537), 1);
	assert_int_equal(BN_set_word(n, 123456789), 1);
	assert_int_equal(BN_mod_exp(residue, a, n, m, ctx), 1);
	assert_int_equal(BN_rand(a, 2050 - BN_num_bits(m), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY), 1);
	assert_int_equal(BN_mul(n, a, m, ctx), 1);
	assert_int_equal(BN_add(n, n, residue), 1);
	/* M is odd: one more of it makes an even n odd. */
	if (!BN_is_odd(n))
		assert_int_equal(BN_add(n, n, m), 1);
	BN_free(m);
	BN_free(a);
	BN_free(residue);
	BN_CTX_free(ctx);
	return n;
}

static void test_weak_key_roca_modulus_refused(void **state)
{
	BIGNUM *n = roca_modulus();
	CLEANUP(make_key_freep) EVP_PKEY *key = rsa_of(n, 65537);

	(void)state;
	refuse(key, "ROCA fingerprint");
	BN_free(n);
}

/* The neighbour with the same residues but one: sound for all this check can see. */
static void test_weak_key_almost_roca_modulus_reaches_the_signature(void **state)
{
	BIGNUM *n = roca_modulus(), *m = BN_new();
	CLEANUP(make_key_freep) EVP_PKEY *key = NULL;

	(void)state;
	/* Powers of 65537 mod 11 are 1 and 10: any other residue is none of the flawed library's. */
	assert_int_equal(BN_set_word(m, 2), 1);
	for (size_t i = 0; i < sizeof(roca_primes); i++)
		if (roca_primes[i] != 11)
			assert_int_equal(BN_mul_word(m, roca_primes[i]), 1);
	while (BN_mod_word(n, 11) != 2)
		assert_int_equal(BN_add(n, n, m), 1);
	key = rsa_of(n, 65537);
	refuse(key, "signature is not one by this key");
	BN_free(m);
	BN_free(n);
}

static void refuse_exponent(unsigned long exponent)
{
	BIGNUM *n = BN_new();

	assert_int_equal(BN_rand(n, 2048, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD), 1);
	{
		CLEANUP(make_key_freep) EVP_PKEY *key = rsa_of(n, exponent);

		refuse(key, "exponent is even, below 65537");
	}
	BN_free(n);
}

static void test_weak_key_bad_exponent_refused(void **state)
{
	(void)state;
	refuse_exponent(3);
	refuse_exponent(17);
	refuse_exponent(65535);
	refuse_exponent(65538);
}

static void test_weak_key_small_factor_refused(void **state)
{
	BIGNUM *n = BN_new();

	(void)state;
	/* 3/4 of 2^2041 times 167 still has 2048 bits. */
	assert_int_equal(BN_rand(n, 2041, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(BN_mul_word(n, 167), 1);
	{
		CLEANUP(make_key_freep) EVP_PKEY *key = rsa_of(n, 65537);

		refuse(key, "divisible by");
	}
	BN_free(n);
}

static void test_weak_key_even_modulus_refused(void **state)
{
	BIGNUM *n = BN_new();

	(void)state;
	assert_int_equal(BN_rand(n, 2048, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(BN_sub_word(n, 1), 1);
	{
		CLEANUP(make_key_freep) EVP_PKEY *key = rsa_of(n, 65537);

		refuse(key, "modulus is even");
	}
	BN_free(n);
}

/* From the private halves as they are printed; OpenSSL finds the public ones. */
static EVP_PKEY *published(const char *ec_private_key_hex)
{
	uint8_t der[128];
	const unsigned char *p = der;
	size_t n = 0;
	EVP_PKEY *key;

	assert_int_equal(hex_decode(ec_private_key_hex, der, sizeof(der), &n), 0);
	key = d2i_AutoPrivateKey(NULL, &p, (long)n);
	assert_non_null(key);
	return key;
}

static void test_weak_key_published_test_keys_refused(void **state)
{
	static const struct {
		const char *ec_private_key, *source;
	} keys[] = {
		{ "30310201010420e6cb5bdd80aa45ae9c95e8c15476679ffec953c16851e711e743939589c64fc1"
		  "a00a06082a8648ce3d030107",
		  "RFC 9500 2.3" },
		{ "30310201010420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
		  "a00a06082a8648ce3d030107",
		  "RFC 6979 A.2.5" },
		{ "303e02010104306b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8"
		  "96d5724e4c70a825f872c9ea60d2edf5a00706052b81040022",
		  "RFC 6979 A.2.6" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		CLEANUP(make_key_freep) EVP_PKEY *key = published(keys[i].ec_private_key);

		refuse(key, keys[i].source);
	}
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_weak_key_roca_modulus_refused),
		T(test_weak_key_almost_roca_modulus_reaches_the_signature),
		T(test_weak_key_bad_exponent_refused),
		T(test_weak_key_small_factor_refused),
		T(test_weak_key_even_modulus_refused),
		T(test_weak_key_published_test_keys_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
