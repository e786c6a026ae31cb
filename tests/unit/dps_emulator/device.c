/* Certificates are made with OpenSSL, tokens as Microsoft's Node SDK makes them: sr is not encoded. */
#include "tests/unit/dps_emulator/device.h"

#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/digest.h"
#include "base/encode.h"

#define DAY_SECONDS 86400

void device_token(const struct service *service, const char *id, const char *key, int expires_s, char *out,
		  size_t cap)
{
	long long se = service->at_ticks / 10000000 + expires_s;
	char message[512], sig[BASE64_LEN(SHA256_LEN) + 1], encoded[3 * sizeof(sig)];
	uint8_t raw[DPS_KEY_LEN], mac[SHA256_LEN];
	size_t n = 0, used = 0;

	assert_int_equal(base64_decode(bytes_str(key), raw, sizeof(raw), &n), 0);
	assert_int_equal(
		str_format(message, sizeof(message), "%s/registrations/%s\n%lld", TEST_SCOPE, id, se), 0);
	hmac_sha256(bytes_of(raw, n), bytes_str(message), mac);
	assert_int_equal(base64_encode(BYTES_ARRAY(mac), sig, sizeof(sig)), 0);
	for (const char *c = sig; *c != '\0'; c++) {
		bool plain = strchr("+/=", *c) == NULL;

		assert_int_equal(str_format(encoded + used, sizeof(encoded) - used, plain ? "%c" : "%%%02X",
					    (unsigned char)*c),
				 0);
		used += plain ? 1 : 3;
	}
	assert_int_equal(
		str_format(out, cap,
			   "SharedAccessSignature sr=%s/registrations/%s&sig=%s&se=%lld&skn=registration",
			   TEST_SCOPE, id, encoded, se),
		0);
}

void device_call(struct service *service, const char *method, const char *path, const char *body,
		 const char *authorization, struct reply *ret)
{
	char target[512], length[16];
	const struct dps_header headers[] = {
		{ "Host", "127.0.0.42:443" },
		{ "content-length", length },
		{ "Content-Type", "application/json; charset=utf-8" },
		{ "Authorization", authorization },
	};

	assert_int_equal(str_format(target, sizeof(target), "/%s%s?api-version=2021-06-01", TEST_SCOPE, path),
			 0);
	assert_int_equal(str_format(length, sizeof(length), "%zu", body != NULL ? strlen(body) : 0), 0);
	service_call_raw(service, method, target, headers,
			 authorization != NULL ? ARRAY_LEN(headers) : ARRAY_LEN(headers) - 1, body, ret);
}

void device_register(struct service *service, const char *id, const char *authorization, struct reply *ret)
{
	char path[256], body[256];

	assert_int_equal(str_format(path, sizeof(path), "/registrations/%s/register", id), 0);
	assert_int_equal(str_format(body, sizeof(body), "{\"registrationId\":\"%s\"}", id), 0);
	device_call(service, "PUT", path, body, authorization, ret);
}

int device_register_code(struct service *service, const char *id, const char *authorization)
{
	REPLY_AUTO reply;

	device_register(service, id, authorization, &reply);
	return reply_code(&reply);
}

void device_poll(struct service *service, const char *id, const struct reply *begun,
		 const char *authorization, struct reply *ret)
{
	const char *operation = reply_text(begun, "operationId");
	char path[256];

	assert_non_null(operation);
	assert_int_equal(str_format(path, sizeof(path), "/registrations/%s/operations/%s", id, operation), 0);
	device_call(service, "GET", path, NULL, authorization, ret);
}

void device_register_all(struct service *service, const char *id, const char *key, struct reply *ret)
{
	char token[600] = "";
	REPLY_AUTO begun;

	if (key != NULL)
		device_token(service, id, key, 3600, token, sizeof(token));
	device_register(service, id, key != NULL ? token : NULL, &begun);
	assert_int_equal(reply_code(&begun), 202);
	for (;;) {
		device_poll(service, id, &begun, key != NULL ? token : NULL, ret);
		if (reply_code(ret) != 202)
			return;
		reply_deinit(ret);
	}
}

static void add_constraints(X509 *cert, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

void party_make(struct party *party, const char *common_name, const struct party *issuer,
		const struct terms *terms)
{
	static const struct terms usual = { NULL, 0, 0 };
	time_t now = (time_t)(TEST_TICKS / 10000000);
	int len;

	*party = (struct party){ EVP_EC_gen("P-256"), X509_new(), NULL, BYTES_NONE };
	assert_non_null(party->cert);
	if (terms == NULL)
		terms = &usual;
	assert_int_equal(X509_set_version(party->cert, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(party->cert), 7), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(party->cert), "CN", MBSTRING_UTF8,
						    (const unsigned char *)common_name, -1, -1, 0),
			 1);
	assert_int_equal(
		X509_set_issuer_name(party->cert,
				     X509_get_subject_name(issuer != NULL ? issuer->cert : party->cert)),
		1);
	assert_non_null(X509_time_adj_ex(X509_getm_notBefore(party->cert), 0,
					 terms->from_s != 0 ? terms->from_s : -DAY_SECONDS, &now));
	assert_non_null(X509_time_adj_ex(X509_getm_notAfter(party->cert), 0,
					 terms->to_s != 0 ? terms->to_s : DAY_SECONDS, &now));
	assert_int_equal(X509_set_pubkey(party->cert, party->key), 1);
	if (terms->basic_constraints != NULL)
		add_constraints(party->cert, terms->basic_constraints);
	assert_int_not_equal(X509_sign(party->cert, issuer != NULL ? issuer->key : party->key, EVP_sha256()),
			     0);
	len = i2d_X509(party->cert, &party->der);
	assert_true(len > 0);
	party->bytes = bytes_of(party->der, (size_t)len);
}

void party_deinit(struct party *party)
{
	X509_free(party->cert);
	EVP_PKEY_free(party->key);
	OPENSSL_free(party->der);
}

void party_pem(const struct party *party, char *out, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	size_t used = 0;

	assert_int_equal(PEM_write_bio_X509(bio, party->cert), 1);
	len = BIO_get_mem_data(bio, &text);
	for (long i = 0; i < len; i++) {
		assert_int_equal(str_format(out + used, cap - used, text[i] == '\n' ? "\\n" : "%c", text[i]),
				 0);
		used += text[i] == '\n' ? 2 : 1;
	}
	(void)BIO_free(bio);
}

void device_shows(struct service *service, const struct party *const *parties)
{
	for (service->chain_n = 0; *parties != NULL; parties++)
		service->chain[service->chain_n++] = (*parties)->bytes;
}
