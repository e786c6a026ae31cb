/* See make.h. */
#include "make.h"

#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

EVP_PKEY *make_key(const char *kind)
{
	EVP_PKEY *key = kind[0] == 'P' ? EVP_EC_gen(kind) : EVP_RSA_gen((unsigned)strtoul(kind, NULL, 10));

	assert_non_null(key);
	return key;
}

void make_spki(EVP_PKEY *key, struct buf *ret)
{
	CLEANUP(make_openssl_freep) unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	assert_true(n > 0);
	assert_int_equal(buf_set(ret, bytes_of(der, (size_t)n)), 0);
}

static void set_subject(const struct make_request *request, X509_REQ *req)
{
	static const struct make_attribute unit_1 = { NID_commonName, V_ASN1_UTF8STRING, "unit-1", -1 };
	X509_NAME *name = X509_NAME_new();
	int n = request->subject_n > 0 ? request->subject_n : 1;

	assert_non_null(name);
	for (int i = 0; i < n; i++) {
		const struct make_attribute *a = request->subject_n > 0 ? &request->subject[i] : &unit_1;

		assert_int_equal(X509_NAME_add_entry_by_NID(name, a->nid, a->type,
							    (const unsigned char *)a->text, a->n, -1, 0),
				 1);
	}
	assert_int_equal(X509_REQ_set_subject_name(req, name), 1);
	X509_NAME_free(name);
}

static void sign_request(const struct make_request *request, X509_REQ *req)
{
	EVP_PKEY *key = request->signed_by != NULL ? request->signed_by : request->key;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;

	assert_int_equal(
		EVP_DigestSignInit(md, &ctx, request->md != NULL ? request->md : EVP_sha256(), NULL, key), 1);
	if (request->pss) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_true(X509_REQ_sign_ctx(req, md) > 0);
	EVP_MD_CTX_free(md);
}

void make_csr(const struct make_request *request, struct buf *ret)
{
	CLEANUP(make_openssl_freep) unsigned char *der = NULL;
	X509_REQ *req = X509_REQ_new();
	int n;

	assert_non_null(req);
	set_subject(request, req);
	assert_int_equal(X509_REQ_set_pubkey(req, request->key), 1);
	sign_request(request, req);
	n = i2d_X509_REQ(req, &der);
	assert_true(n > 0);
	assert_int_equal(buf_set(ret, bytes_of(der, (size_t)n)), 0);
	X509_REQ_free(req);
}

int make_sign(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig, struct err *err)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx = NULL;
	uint8_t sig[1024];
	size_t n = sizeof(sig);

	(void)err;
	assert_int_equal(EVP_DigestSignInit(md, &ctx, alg == SIGN_ECDSA_SHA384 ? EVP_sha384() : EVP_sha256(),
					    NULL, key),
			 1);
	if (alg == SIGN_RSA_PSS_SHA256) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_int_equal(EVP_DigestSign(md, sig, &n, message.p, message.len), 1);
	assert_int_equal(buf_append(ret_sig, bytes_of(sig, n)), 0);
	EVP_MD_CTX_free(md);
	return 0;
}

struct signer make_signer(EVP_PKEY *key)
{
	enum sign_alg alg = SIGN_RSA_PKCS1_SHA256;

	if (EVP_PKEY_is_a(key, "EC"))
		alg = EVP_PKEY_get_bits(key) == 256 ? SIGN_ECDSA_SHA256 : SIGN_ECDSA_SHA384;
	return (struct signer){ make_sign, key, alg };
}

void make_serial(uint8_t n, uint8_t ret[PKI_SERIAL_LEN])
{
	memset(ret, 0, PKI_SERIAL_LEN);
	ret[PKI_SERIAL_LEN - 1] = n;
	pki_serial_shape(ret);
}

void make_ca(const char *kind, struct make_ca *ret)
{
	uint8_t serial[PKI_SERIAL_LEN];
	struct pki_ca_request request = { "Test root", BYTES_NONE, serial, NOW_S - DAY_S, 7300 };
	struct signer signer;
	struct err err;
	BUF_AUTO(spki, PKI_SPKI_MAX);

	memset(ret, 0, sizeof(*ret));
	buf_init(&ret->root, PKI_CERT_MAX);
	buf_init(&ret->intermediate, PKI_CERT_MAX);
	ret->root_key = make_key(kind);
	ret->key = make_key(kind);
	signer = make_signer(ret->root_key);
	make_serial(1, serial);
	make_spki(ret->root_key, &spki);
	request.spki = buf_bytes(&spki);
	assert_int_equal(pki_root_make(&request, &signer, &ret->root, &err), 0);
	assert_int_equal(pki_issuer_new(buf_bytes(&ret->root), &ret->root_issuer, &err), 0);
	make_serial(2, serial);
	make_spki(ret->key, &spki);
	request = (struct pki_ca_request){ "Test line 7", buf_bytes(&spki), serial, NOW_S - DAY_S, 3650 };
	assert_int_equal(pki_intermediate_make(ret->root_issuer, &request, &signer, &ret->intermediate, &err),
			 0);
	assert_int_equal(pki_issuer_new(buf_bytes(&ret->intermediate), &ret->issuer, &err), 0);
}

void make_ca_free(struct make_ca *ca)
{
	EVP_PKEY_free(ca->root_key);
	EVP_PKEY_free(ca->key);
	buf_deinit(&ca->root);
	buf_deinit(&ca->intermediate);
	pki_issuer_free(ca->root_issuer);
	pki_issuer_free(ca->issuer);
}

void make_leaf(const struct make_ca *ca, struct buf *ret)
{
	CLEANUP(make_key_freep) EVP_PKEY *key = make_key("P-256");
	const struct make_request request = { .key = key };
	const struct pki_profile profile = { 365, false };
	const struct signer signer = make_signer(ca->key);
	CLEANUP(pki_csr_freep) struct pki_csr *csr = NULL;
	uint8_t serial[PKI_SERIAL_LEN];
	struct err err;
	BUF_AUTO(der, PKI_CERT_MAX);

	make_csr(&request, &der);
	make_serial(3, serial);
	assert_int_equal(pki_csr_parse(buf_bytes(&der), &csr, &err), 0);
	assert_int_equal(
		pki_leaf_issue(ca->issuer, &profile, csr, "unit-1", serial, NOW_S, &signer, ret, &err), 0);
}

X509 *make_x509(struct bytes der)
{
	const unsigned char *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);

	assert_non_null(cert);
	assert_ptr_equal(p, der.p + der.len);
	return cert;
}

void assert_err(const struct err *err, enum err_class class, const char *part)
{
	if (strstr(err->what, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err->what, part);
	assert_string_equal(err_class_name(err->class), err_class_name(class));
}

int queue_is_empty(void **state)
{
	(void)state;
	assert_int_equal(ERR_peek_error(), 0);
	return 0;
}

void make_der(X509 *cert, struct buf *ret)
{
	CLEANUP(make_openssl_freep) unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);

	assert_true(n > 0);
	assert_int_equal(buf_set(ret, bytes_of(der, (size_t)n)), 0);
}
