/*
 * TPM2_MakeCredential without a TPM (TPM 2.0 Part 1, 24; B.10.4 and C.6.3 for the
 * seed). Everything derived from the seed lives on the secure heap and is wiped.
 */
#include "pki/pki_internal.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#define SEED_LEN            32
#define AES_KEY_LEN         16
#define P256_COORDINATE_LEN 32

DEFINE_CLEANUP(cipher_ctx_freep, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

/* The label with its terminating zero (Part 1, B.4). */
static const char identity_label[] = "IDENTITY";

/* KDFa, one block (Part 1, 11.4.10.2): HMAC(key, 1 || label || 0 || context || bits). */
static int kdfa(struct bytes key, const char *label, struct bytes context, size_t n, struct secret *ret,
		struct err *err)
{
	SECRET_AUTO block = { NULL, 0 };
	BUF_AUTO(message, 256);

	if (secret_new(SHA256_LEN, &block, err) < 0)
		return -1;
	if (buf_append_u32(&message, 1) < 0 || buf_append(&message, bytes_of(label, strlen(label) + 1)) < 0 ||
	    buf_append(&message, context) < 0 || buf_append_u32(&message, (uint32_t)n * 8) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	hmac_sha256(key, buf_bytes(&message), block.p);
	return secret_copy(bytes_of(block.p, n), ret, err);
}

/* AES-128-CFB, IV 0, over TPM2B(secret). */
static int encrypt_identity(struct bytes key, const uint8_t secret[PKI_CREDENTIAL_SECRET_LEN],
			    struct buf *ret_encrypted, struct err *err)
{
	CLEANUP(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	static const uint8_t iv[16] = { 0 };
	SECRET_AUTO plain = { NULL, 0 };
	uint8_t *out = buf_reserve(ret_encrypted, 2 + PKI_CREDENTIAL_SECRET_LEN);
	int n = 0;

	if (out == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (secret_new(2 + PKI_CREDENTIAL_SECRET_LEN, &plain, err) < 0)
		return -1;
	plain.p[1] = PKI_CREDENTIAL_SECRET_LEN;
	memcpy(plain.p + 2, secret, PKI_CREDENTIAL_SECRET_LEN);
	if (ctx == NULL || EVP_EncryptInit_ex2(ctx, EVP_aes_128_cfb128(), key.p, iv, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, out, &n, plain.p, (int)plain.len) != 1 || (size_t)n != plain.len)
		return openssl_fail(err, ERR_STATION, "AES-128-CFB");
	ret_encrypted->len += (size_t)n;
	return 0;
}

/* TPM2B_ID_OBJECT { TPM2B integrityHMAC, encIdentity } (Part 2, 12.4.3). */
static int wrap_identity(struct bytes seed, struct bytes object_name,
			 const uint8_t secret[PKI_CREDENTIAL_SECRET_LEN], struct buf *ret, struct err *err)
{
	SECRET_AUTO aes_key = { NULL, 0 };
	SECRET_AUTO mac_key = { NULL, 0 };
	BUF_AUTO(signed_part, 256);
	uint8_t mac[SHA256_LEN];
	struct bytes encrypted;

	if (kdfa(seed, "STORAGE", object_name, AES_KEY_LEN, &aes_key, err) < 0 ||
	    kdfa(seed, "INTEGRITY", BYTES_NONE, SHA256_LEN, &mac_key, err) < 0 ||
	    encrypt_identity(secret_bytes(&aes_key), secret, &signed_part, err) < 0)
		return -1;
	encrypted.len = signed_part.len;
	if (buf_append(&signed_part, object_name) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	encrypted.p = signed_part.p;
	hmac_sha256(secret_bytes(&mac_key), buf_bytes(&signed_part), mac);
	if (buf_append_u16(ret, (uint16_t)(2 + SHA256_LEN + encrypted.len)) < 0 ||
	    buf_append_u16(ret, SHA256_LEN) < 0 || buf_append(ret, BYTES_ARRAY(mac)) < 0 ||
	    buf_append(ret, encrypted) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

static int set_oaep(EVP_PKEY_CTX *ctx)
{
	void *label = OPENSSL_memdup(identity_label, sizeof(identity_label));

	if (EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 && label != NULL &&
	    EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, sizeof(identity_label)) == 1)
		return 0; /* the context owns the label now */
	OPENSSL_free(label);
	return -1;
}

/* Part 1, B.10.4: OAEP with the EK's name algorithm and the label. */
static int send_seed_rsa(const struct public_key *ek, struct bytes seed, struct buf *ret, struct err *err)
{
	CLEANUP(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek->pkey, NULL);
	uint8_t out[512];
	size_t n = sizeof(out);

	if (ctx == NULL || set_oaep(ctx) < 0 || EVP_PKEY_encrypt(ctx, out, &n, seed.p, seed.len) != 1)
		return openssl_fail(err, ERR_STATION, "encrypting to the EK");
	if (buf_append_u16(ret, (uint16_t)n) < 0 || buf_append(ret, bytes_of(out, n)) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

static int agree(EVP_PKEY *mine, EVP_PKEY *theirs, struct secret *ret_x, struct err *err)
{
	CLEANUP(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
	SECRET_AUTO x = { NULL, 0 };
	size_t n = P256_COORDINATE_LEN;

	if (secret_new(P256_COORDINATE_LEN, &x, err) < 0)
		return -1;
	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, theirs) != 1 ||
	    EVP_PKEY_derive(ctx, x.p, &n) != 1 || n != P256_COORDINATE_LEN)
		return openssl_fail(err, ERR_STATION, "ECDH with the EK");
	*ret_x = x;
	x = (struct secret){ NULL, 0 };
	return 0;
}

/* KDFe, one block (Part 1, 11.4.10.3): H(1 || Z || label || ephemeral.x || ek.x). */
static int kdfe(struct bytes z, struct bytes ephemeral_x, struct bytes ek_x, struct secret *ret_seed,
		struct err *err)
{
	SECRET_AUTO message = { NULL, 0 };
	uint8_t *p;

	if (secret_new(4 + z.len + sizeof(identity_label) + ephemeral_x.len + ek_x.len, &message, err) < 0 ||
	    secret_new(SHA256_LEN, ret_seed, err) < 0)
		return -1;
	p = message.p;
	p[3] = 1;
	memcpy(p + 4, z.p, z.len);
	p += 4 + z.len;
	memcpy(p, identity_label, sizeof(identity_label));
	p += sizeof(identity_label);
	memcpy(p, ephemeral_x.p, ephemeral_x.len);
	memcpy(p + ephemeral_x.len, ek_x.p, ek_x.len);
	sha256(secret_bytes(&message), ret_seed->p);
	return 0;
}

/* Part 1, C.6.3: an ephemeral key takes the place of the caller's seed; its point is what is sent. */
static int send_seed_ecc(const struct ek_public *ek, const struct public_key *key, struct secret *ret_seed,
			 struct buf *ret, struct err *err)
{
	CLEANUP(pkey_freep) EVP_PKEY *ephemeral = EVP_EC_gen("P-256");
	SECRET_AUTO z = { NULL, 0 };
	uint8_t point[P256_POINT_LEN];
	const struct bytes x = { point + 1, P256_COORDINATE_LEN };
	const struct bytes y = { point + 1 + P256_COORDINATE_LEN, P256_COORDINATE_LEN };
	size_t n = 0;

	if (ephemeral == NULL ||
	    EVP_PKEY_get_octet_string_param(ephemeral, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) !=
		    1 ||
	    n != sizeof(point))
		return openssl_fail(err, ERR_STATION, "OpenSSL can't make an ephemeral key");
	if (agree(ephemeral, key->pkey, &z, err) < 0 ||
	    kdfe(secret_bytes(&z), x, bytes_of(ek->point + 1, P256_COORDINATE_LEN), ret_seed, err) < 0)
		return -1;
	if (buf_append_u16(ret, 2 * (2 + P256_COORDINATE_LEN)) < 0 ||
	    buf_append_u16(ret, P256_COORDINATE_LEN) < 0 || buf_append(ret, x) < 0 ||
	    buf_append_u16(ret, P256_COORDINATE_LEN) < 0 || buf_append(ret, y) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory");
	return 0;
}

/* TPM2B_NAME content: nameAlg, then a digest of its size. */
static int check_name(struct bytes name, struct err *err)
{
	static const struct {
		uint16_t alg;
		size_t digest_len;
	} algs[] = { { 0x000b, 32 }, { 0x000c, 48 }, { 0x000d, 64 } }; /* SHA-256, 384, 512 */
	uint16_t alg;

	if (take_u16(&name, &alg) == 0)
		for (size_t i = 0; i < ARRAY_LEN(algs); i++)
			if (alg == algs[i].alg && name.len == algs[i].digest_len)
				return 0;
	return err_set(err, ERR_UNIT, 0, "the object's name is not a name algorithm and its digest");
}

int pki_credential_make(struct bytes tpm2b_public, struct bytes object_name,
			const uint8_t secret[PKI_CREDENTIAL_SECRET_LEN], const uint8_t seed[SEED_LEN],
			struct buf *ret_id_object, struct buf *ret_encrypted_secret, struct err *err)
{
	CLEANUP(public_key_deinit) struct public_key key = { NULL, KEY_RSA };
	SECRET_AUTO agreed = { NULL, 0 };
	BUF_AUTO(id_object, 256);
	BUF_AUTO(sent, 514);
	struct bytes used = bytes_of(seed, SEED_LEN);
	struct ek_public ek;

	if (ek_public_read(tpm2b_public, &ek, err) < 0 || ek_public_key(&ek, &key, err) < 0 ||
	    check_name(object_name, err) < 0)
		return -1;
	if (ek.type == PKI_EK_RSA_2048 ? send_seed_rsa(&key, used, &sent, err) < 0
				       : send_seed_ecc(&ek, &key, &agreed, &sent, err) < 0)
		return -1;
	if (ek.type == PKI_EK_ECC_P256)
		used = secret_bytes(&agreed);
	if (wrap_identity(used, object_name, secret, &id_object, err) < 0)
		return -1;
	if (buf_set(ret_id_object, buf_bytes(&id_object)) < 0 ||
	    buf_set(ret_encrypted_secret, buf_bytes(&sent)) < 0)
		return err_set(err, ERR_BUG, 0, "the buffers for a credential are too small");
	return 0;
}
