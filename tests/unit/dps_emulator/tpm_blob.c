/*
 * Activation blobs against a vector made with another implementation, whose blob
 * real TPMs have loaded (dps-api 7.3). Only OAEP is random: its parts are
 * decrypted with keys made here.
 */
#include "enroll/emulator/device_internal.h"
#include "tests/unit/dps_emulator/service.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/encode.h"

#define VECTOR_EK                                                                                            \
	"AToAAQALAAMAsgAgg3GXZ0SEs/gakMyNRqXXJP1S124GUgtk8qHaGzMUaaoABgCAAEMAEAgAAAAAAAEArV5KUQuTfb"         \
	"+rJu2xjz2JFYqMtGDsoSmnZMR1Eth2iU5pPZbzvbUyDlJA0DBgeAw74bqFzhyxzxqG2SyzyOgE14FcvERt1amdnkOI"         \
	"UKKK7PAykAAkUz1P2NXb4yIpnTEcOagUu95FKxSwXxduPofUoMA+Qp/NC883D9A/6DiWiE/4NQrRnYEfXP/5AZj0AM"         \
	"HB2Gn+lXUbrknqTo1nPoTjrTxGdCH2itfwW/bkEbatTp9JltojfPGztB0Nz8SbErGbEnj9tw199H+NvFGQRzfBaAJV"         \
	"SGzbp33vK7VGl8mg+OsbpqwCUqTppOsFR13nLsLWwsoNTu1UZ2nh4455xOAaew=="
#define VECTOR_SRK                                                                                           \
	"ARoAAQALAAMEcgAAAAYAgABDABAIAAAAAAABAKr3ko+55KbX0GVloQNLNpO9Du7vU80ddhcwbeiziZ6URfzjQXHr/g"         \
	"UgiwbcH1f/J8rAKanYUz2mVzgLazEoKVvPEpZnZEQ7EnyF6YD6OWQkjV120cf97iA57vsGL8Xb2vxzyomFQVS60wS2"         \
	"2fEP2KvxI8Ycm2jB5nIvA7sJhoC6c4LiX+owpqIm9iKPzOP8bB9TuR3PlZy17Y57P8FK0d7d+YI/AhRt0Wsn41t5uT"         \
	"p514XLsb4422fO1YsLRtQ0Qr6SCha2wrRBqGG/tq92FKujrKaPLdbFV8fZa5658fZPCniGxBJAlfOj8uwuG/d+wqK2"         \
	"T2IUUd+BlaTYZHeWtQM="
#define ID_OBJECT                                                                                            \
	"00340020616d2d7dbdd1cbb1a4c014ce1d4008c3b680e34a8eeb03d66a0e9bbf82a43bf4e850bb2d76923319a7"         \
	"1b2d67b5bb0218f649"
#define DUPLICATE                                                                                            \
	"008e0020250cfb543d15c6a3148157a1a20aa388911922ef1435e020c02610cd0e3e4ad15bedf07cc28e06f3d9"         \
	"93c766d2190b9e15cfd4d9089e13017bb67311338a17ae674b6ee98f37c66d6ab2b96b8ece907e3b37f47e1ad4"         \
	"d3968926e1d19b09c4efdbb93cfb5c5504cbf9673601ba1df25139cc93eaad00296c14bdabdf6d9ac087499d0a"         \
	"689b5ff53c5f5b2cb3"
#define PUBLIC                                                                                               \
	"00300008000b0004044000000005000b002040139824c1374138bb7051fde78dc36b0a30681dc764abb1ea0ea0"         \
	"9d2cf70864"

#define ID_OBJECT_AT 0
#define SECRET_1_AT  54
#define DUPLICATE_AT (54 + 258)
#define SECRET_2_AT  (54 + 258 + 144)
#define PUBLIC_AT    (54 + 258 + 144 + 258)
#define MODULUS_LEN  256

struct rsa {
	EVP_PKEY *key;
	uint8_t modulus[MODULUS_LEN];
};

static void vector_seeds(struct tpm_blob_seeds *seeds, uint8_t key[TPM_KEY_LEN])
{
	memset(seeds->inner_key, 0xa1, sizeof(seeds->inner_key));
	memset(seeds->credential, 0xb2, sizeof(seeds->credential));
	memset(seeds->obfuscation, 0xc3, sizeof(seeds->obfuscation));
	memset(seeds->duplication, 0xd4, sizeof(seeds->duplication));
	for (uint8_t i = 0; i < TPM_KEY_LEN; i++)
		key[i] = i;
}

static void assert_part(const uint8_t blob[TPM_BLOB_LEN], size_t at, const char *hex)
{
	uint8_t want[160];
	size_t n = 0;

	assert_int_equal(hex_decode(hex, want, sizeof(want), &n), 0);
	assert_memory_equal(blob + at, want, n);
}

static void decode_ek(uint8_t ek[TPM_EK_LEN])
{
	size_t n = 0;

	assert_int_equal(base64_decode(bytes_str(VECTOR_EK), ek, TPM_EK_LEN, &n), 0);
	assert_int_equal(n, TPM_EK_LEN);
}

static void test_blob_when_the_seeds_are_the_vectors_then_its_parts(void **state)
{
	uint8_t ek[TPM_EK_LEN], srk[TPM_SRK_LEN], key[TPM_KEY_LEN], blob[TPM_BLOB_LEN];
	struct tpm_blob_seeds seeds;
	struct err err;

	(void)state;
	vector_seeds(&seeds, key);
	decode_ek(ek);
	assert_int_equal(tpm_srk_parse(VECTOR_SRK, srk), 0);
	assert_int_equal(tpm_blob_make(ek, srk, key, &seeds, blob, &err), 0);
	assert_part(blob, ID_OBJECT_AT, ID_OBJECT);
	assert_part(blob, DUPLICATE_AT, DUPLICATE);
	assert_part(blob, PUBLIC_AT, PUBLIC);
	assert_part(blob, TPM_BLOB_LEN - 2, "0000");
}

static void rsa_make(struct rsa *rsa)
{
	BIGNUM *n = NULL;

	rsa->key = EVP_RSA_gen(2048);
	assert_non_null(rsa->key);
	assert_int_equal(EVP_PKEY_get_bn_param(rsa->key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	assert_int_equal(BN_bn2binpad(n, rsa->modulus, MODULUS_LEN), MODULUS_LEN);
	BN_free(n);
}

/* TPM2B_ENCRYPTED_SECRET opens with this key and label, and holds the seed. */
static void assert_opens(const struct rsa *rsa, const uint8_t *secret, const char *label, const uint8_t *seed)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(rsa->key, NULL);
	uint8_t plain[MODULUS_LEN];
	size_t n = sizeof(plain);

	assert_int_equal(secret[0] << 8 | secret[1], MODULUS_LEN);
	assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_strdup(label), (int)strlen(label) + 1),
			 1);
	assert_int_equal(EVP_PKEY_decrypt(ctx, plain, &n, secret + 2, MODULUS_LEN), 1);
	assert_int_equal(n, TPM_SEED_LEN);
	assert_memory_equal(plain, seed, TPM_SEED_LEN);
	EVP_PKEY_CTX_free(ctx);
}

static void test_blob_when_opened_with_the_private_keys_then_the_seeds(void **state)
{
	uint8_t ek[TPM_EK_LEN], srk[TPM_SRK_LEN], key[TPM_KEY_LEN], blob[TPM_BLOB_LEN];
	struct rsa endorsement, storage;
	struct tpm_blob_seeds seeds;
	struct err err;

	(void)state;
	vector_seeds(&seeds, key);
	rsa_make(&endorsement);
	rsa_make(&storage);
	decode_ek(ek);
	assert_int_equal(tpm_srk_parse(VECTOR_SRK, srk), 0);
	memcpy(ek + TPM_EK_LEN - MODULUS_LEN, endorsement.modulus, MODULUS_LEN);
	memcpy(srk + TPM_SRK_LEN - MODULUS_LEN, storage.modulus, MODULUS_LEN);
	assert_int_equal(tpm_blob_make(ek, srk, key, &seeds, blob, &err), 0);
	assert_opens(&endorsement, blob + SECRET_1_AT, "IDENTITY", seeds.credential);
	assert_opens(&storage, blob + SECRET_2_AT, "DUPLICATE", seeds.duplication);
	EVP_PKEY_free(endorsement.key);
	EVP_PKEY_free(storage.key);
}

static void test_blob_when_the_modulus_is_zero_then_refused(void **state)
{
	uint8_t ek[TPM_EK_LEN], srk[TPM_SRK_LEN], key[TPM_KEY_LEN], blob[TPM_BLOB_LEN] = { 0 };
	struct tpm_blob_seeds seeds;
	struct err err = { 0 };

	(void)state;
	vector_seeds(&seeds, key);
	decode_ek(ek);
	assert_int_equal(tpm_srk_parse(VECTOR_SRK, srk), 0);
	memset(ek + TPM_EK_LEN - MODULUS_LEN, 0, MODULUS_LEN);
	assert_int_equal(tpm_blob_make(ek, srk, key, &seeds, blob, &err), -1);
	assert_int_equal(err.code, DPS_BAD_REQUEST);
}

/* Attributes are bytes 6 to 9; noDA may be missing, fixedTPM may not. */
static void test_srk_when_its_form_is_another_then_refused(void **state)
{
	uint8_t srk[TPM_SRK_LEN], changed[TPM_SRK_LEN], out[TPM_SRK_LEN];
	char text[BASE64_LEN(TPM_SRK_LEN) + 1];

	(void)state;
	assert_int_equal(tpm_srk_parse(VECTOR_SRK, srk), 0);
	for (size_t i = 0; i < 28; i++) {
		memcpy(changed, srk, sizeof(srk));
		changed[i] ^= 0x02;
		assert_int_equal(base64_encode(BYTES_ARRAY(changed), text, sizeof(text)), 0);
		assert_int_equal(tpm_srk_parse(text, out), -1);
	}
	memcpy(changed, srk, sizeof(srk));
	changed[8] ^= 0x04;
	assert_int_equal(base64_encode(BYTES_ARRAY(changed), text, sizeof(text)), 0);
	assert_int_equal(tpm_srk_parse(text, out), 0);
	assert_int_equal(base64_encode(bytes_of(srk, sizeof(srk) - 3), text, sizeof(text)), 0);
	assert_int_equal(tpm_srk_parse(text, out), -1);
	assert_int_equal(tpm_srk_parse("", out), -1);
	assert_int_equal(tpm_srk_parse("AR!", out), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blob_when_the_seeds_are_the_vectors_then_its_parts),
		cmocka_unit_test(test_blob_when_opened_with_the_private_keys_then_the_seeds),
		cmocka_unit_test(test_blob_when_the_modulus_is_zero_then_refused),
		cmocka_unit_test(test_srk_when_its_form_is_another_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
