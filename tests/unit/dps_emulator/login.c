/* Bearer tokens: from the emulated Entra ID by secret and assertion, and what they allow. */
#include "tests/unit/dps_emulator/service.h"

#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "enroll/emulator/login_internal.h"

#define TENANT   "8a8f5d0e-0000-4000-8000-000000000001"
#define CLIENT   "8a8f5d0e-0000-4000-8000-000000000002"
#define TOKENS   "/" TENANT "/oauth2/v2.0/token"
#define AUDIENCE "https://login.microsoftonline.com" TOKENS
#define SCOPE    "&scope=https%3A%2F%2Fazure-devices-provisioning.net%2F.default"
#define FORM     "grant_type=client_credentials&client_id=" CLIENT SCOPE
#define BY_JWT                                                                                               \
	"&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_"    \
	"assertion="
#define SECONDS (TEST_TICKS / 10000000)

struct application {
	struct service *service;
	EVP_PKEY *key;
	X509 *cert;
};

/* One key for all tests: it takes long to make. */
static int key_setup(void **state)
{
	*state = EVP_RSA_gen(2048);
	return *state != NULL ? 0 : -1;
}

static int key_teardown(void **state)
{
	EVP_PKEY_free(*state);
	return 0;
}

static int application_setup(void **state)
{
	struct application *app = calloc(1, sizeof(*app));
	void *service;
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long len;

	if (app == NULL || service_setup(&service) < 0)
		return -1;
	app->service = service;
	app->key = *state;
	app->cert = X509_new();
	(void)X509_gmtime_adj(X509_getm_notBefore(app->cert), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(app->cert), 3600);
	if (X509_set_pubkey(app->cert, app->key) != 1 || X509_sign(app->cert, app->key, EVP_sha256()) == 0 ||
	    PEM_write_bio_X509(bio, app->cert) != 1)
		return -1;
	len = BIO_get_mem_data(bio, &pem);
	app->service->conf.entra.certificate_pem = strndup(pem, (size_t)len);
	BIO_free(bio);
	(void)!str_format(app->service->conf.entra.tenant, 64, TENANT);
	(void)!str_format(app->service->conf.entra.client, 64, CLIENT);
	(void)!str_format(app->service->conf.entra.secret, 64, "a+b c~1");
	*state = app;
	return 0;
}

static int application_teardown(void **state)
{
	struct application *app = *state;
	void *service = app->service;

	free(app->service->conf.entra.certificate_pem);
	X509_free(app->cert);
	free(app);
	return service_teardown(&service);
}

/* --- Assertions ------------------------------------------------------------------------------------------------ */

struct assertion {
	const char *alg, *typ, *thumbprint; /* the name of the header's member */
	const char *aud, *iss, *sub, *jti;
	int nbf, exp; /* relative to now */
	bool spoilt;  /* one bit of the signature */
};

#define GOOD_PS256                                                                                           \
	{                                                                                                    \
		"PS256", "JWT", "x5t#S256", AUDIENCE, CLIENT, CLIENT, "id", -10, 600, false                  \
	}

static void append_url(struct buf *out, struct bytes in)
{
	BUF_AUTO(text, 8192);
	char *at = (char *)buf_reserve(&text, BASE64_LEN(in.len) + 1);

	assert_non_null(at);
	assert_int_equal(base64_encode(in, at, BASE64_LEN(in.len) + 1), 0);
	for (; *at != '\0' && *at != '='; at++)
		assert_int_equal(buf_append_u8(out, *at == '+' ? '-' : *at == '/' ? '_' : (uint8_t)*at), 0);
}

static void append_object(struct buf *out, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);

	assert_non_null(text);
	append_url(out, bytes_str(text));
	free(text);
	json_decref(object);
}

static void append_signature(const struct application *app, const struct assertion *assertion,
			     struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;
	uint8_t sig[256];
	size_t n = sizeof(sig);

	assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, EVP_sha256(), NULL, app->key), 1);
	if (strcmp(assertion->alg, "PS256") == 0) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, 32), 1);
	}
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, out->p, out->len), 1);
	EVP_MD_CTX_free(ctx);
	sig[100] ^= assertion->spoilt ? 1 : 0;
	assert_int_equal(buf_append_u8(out, '.'), 0);
	append_url(out, bytes_of(sig, n));
}

static void make_assertion(const struct application *app, const struct assertion *assertion, struct buf *out)
{
	bool sha1 = strcmp(assertion->thumbprint, "x5t") == 0;
	uint8_t digest[32];
	unsigned n = 0;
	BUF_AUTO(thumbprint, 100);

	assert_int_equal(X509_digest(app->cert, sha1 ? EVP_sha1() : EVP_sha256(), digest, &n), 1);
	append_url(&thumbprint, bytes_of(digest, n));
	append_object(out, json_pack("{s:s, s:s, s:s%}", "alg", assertion->alg, "typ", assertion->typ,
				     assertion->thumbprint, (const char *)thumbprint.p, thumbprint.len));
	assert_int_equal(buf_append_u8(out, '.'), 0);
	append_object(out, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "aud", assertion->aud, "iss",
				     assertion->iss, "sub", assertion->sub, "jti", assertion->jti, "nbf",
				     (json_int_t)(SECONDS + assertion->nbf), "iat", (json_int_t)SECONDS,
				     "exp", (json_int_t)(SECONDS + assertion->exp)));
	append_signature(app, assertion, out);
}

static void request(const struct application *app, const char *target, const char *form, struct reply *ret)
{
	const struct dps_header headers[] = { { "Host", "localhost:8443" },
					      { "Content-Type", "application/x-www-form-urlencoded" } };

	service_call_raw(app->service, "POST", target, headers, ARRAY_LEN(headers), form, ret);
}

static void request_by_jwt(const struct application *app, const struct assertion *assertion,
			   struct reply *ret)
{
	BUF_AUTO(form, 16384);

	BUF_AUTO(jwt, 8192);

	make_assertion(app, assertion, &jwt);
	assert_int_equal(buf_append(&form, BYTES_LIT(FORM BY_JWT)), 0);
	assert_int_equal(buf_append(&form, buf_bytes(&jwt)), 0);
	assert_int_equal(buf_append_u8(&form, '\0'), 0);
	request(app, TOKENS, (const char *)form.p, ret);
}

static int entra_code(const struct reply *reply)
{
	return (int)json_integer_value(json_array_get(json_object_get(reply->body, "error_codes"), 0));
}

static void assert_refused(const struct reply *reply, unsigned status, const char *error, int code)
{
	assert_int_equal(reply->res.status, status);
	assert_string_equal(reply_text(reply, "error"), error);
	assert_int_equal(entra_code(reply), code);
	assert_memory_equal(reply_text(reply, "error_description"), "AADSTS", 6);
	assert_non_null(reply_text(reply, "correlation_id"));
}

/* A call of the service with this token. */
static int call_with(struct service *service, const char *token, const char *method, const char *path,
		     const char *body)
{
	char target[256], header[256];
	const struct dps_header headers[] = { { "Host", "localhost" },
					      { "Authorization", header },
					      { "Content-Type", "application/json" },
					      { "Content-Length", "1" } };
	REPLY_AUTO reply;

	assert_int_equal(str_format(header, sizeof(header), "Bearer %s", token), 0);
	assert_int_equal(str_format(target, sizeof(target), "%s?api-version=2021-10-01", path), 0);
	service_call_raw(service, method, target, headers, ARRAY_LEN(headers), body, &reply);
	return reply_code(&reply);
}

/* --- Tests ------------------------------------------------------------------------------------------------------- */

static void test_secret_gives_a_token_that_the_service_takes(void **state)
{
	const struct application *app = *state;
	REPLY_AUTO reply;

	request(app, TOKENS, FORM "&client_secret=a%2Bb+c%7E1", &reply);
	assert_int_equal(reply.res.status, 200);
	assert_string_equal(reply_text(&reply, "token_type"), "Bearer");
	assert_int_equal(json_integer_value(json_object_get(reply.body, "expires_in")), 3599);
	assert_int_equal(call_with(app->service, reply_text(&reply, "access_token"), "PUT", "/enrollments/a",
				   SYM("a")),
			 200);
}

/* What Entra ID does not read as a form has no parameters. */
static void test_token_request_that_is_no_form_refused(void **state)
{
	static const char *const types[] = { "application/json", "application/x-www-form-urlencodedx", "" };
	const struct application *app = *state;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const struct dps_header headers[] = { { "Host", "localhost" }, { "Content-Type", types[i] } };
		REPLY_AUTO reply;

		service_call_raw(app->service, "POST", TOKENS, headers, ARRAY_LEN(headers),
				 FORM "&client_secret=a%2Bb+c%7E1", &reply);
		assert_refused(&reply, 400, "invalid_request", 900144);
	}
}

static void test_wrong_secret_refused(void **state)
{
	const struct application *app = *state;
	REPLY_AUTO wrong, none, unset;

	request(app, TOKENS, FORM "&client_secret=a%2Bb+c%7E2", &wrong);
	assert_refused(&wrong, 401, "invalid_client", 7000215);
	request(app, TOKENS, FORM, &none);
	assert_refused(&none, 401, "invalid_client", 7000216);
	app->service->conf.entra.secret[0] = '\0';
	request(app, TOKENS, FORM "&client_secret=%00", &unset);
	assert_refused(&unset, 401, "invalid_client", 7000216);
}

static void test_wrong_requests_refused_by_their_numbers(void **state)
{
	static const struct {
		const char *target, *form, *error;
		int code;
	} wrong[] = {
		{ "/another/oauth2/v2.0/token", FORM "&client_secret=x", "invalid_request", 90002 },
		{ TOKENS, "client_id=" CLIENT SCOPE "&client_secret=x", "invalid_request", 900144 },
		{ TOKENS, "grant_type=client_credentials&client_id=" CLIENT, "invalid_request", 900144 },
		{ TOKENS, "", "invalid_request", 900144 },
		{ TOKENS, "grant_type=password&client_id=" CLIENT SCOPE, "unsupported_grant_type", 70003 },
		{ TOKENS, "grant_type=client_credentials&client_id=x" SCOPE, "unauthorized_client", 700016 },
		{ TOKENS,
		  "grant_type=client_credentials&client_id=" CLIENT "&scope=https%3A%2F%2Fx%2F.default",
		  "invalid_scope", 70011 },
		{ TOKENS,
		  "grant_type=client_credentials&client_id=" CLIENT
		  "&scope=https%3A%2F%2Fazure-devices-provisioning.net",
		  "invalid_scope", 70011 },
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		REPLY_AUTO reply;

		request(*state, wrong[i].target, wrong[i].form, &reply);
		assert_refused(&reply, 400, wrong[i].error, wrong[i].code);
	}
}

static void test_both_kinds_of_assertion_give_tokens(void **state)
{
	static const struct assertion good[] = {
		GOOD_PS256,
		{ "RS256", "JWT", "x5t", AUDIENCE, CLIENT, CLIENT, "id", -10, 600, false },
		{ "PS256", "JWT", "x5t#S256", "https://localhost:8443" TOKENS, CLIENT, CLIENT, "id", 0, 1,
		  false },
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		REPLY_AUTO reply;

		request_by_jwt(*state, &good[i], &reply);
		assert_int_equal(reply.res.status, 200);
	}
}

static void test_wrong_assertions_refused(void **state)
{
	static const struct {
		struct assertion assertion;
		int code;
	} wrong[] = {
		{ { "PS256", "JWT", "x5t#S256", AUDIENCE, CLIENT, CLIENT, "id", -10, 600, true }, 700027 },
		{ { "RS256", "JWT", "x5t", AUDIENCE, CLIENT, CLIENT, "id", -10, 600, true }, 700027 },
		{ { "PS256", "JWT", "x5t", AUDIENCE, CLIENT, CLIENT, "id", -10, 600, false }, 700027 },
		{ { "RS256", "JWT", "x5t#S256", AUDIENCE, CLIENT, CLIENT, "id", -10, 600, false }, 700027 },
		{ { "RS384", "JWT", "x5t#S256", AUDIENCE, CLIENT, CLIENT, "id", -10, 600, false }, 700027 },
		{ { "PS256", "at", "x5t#S256", AUDIENCE, CLIENT, CLIENT, "id", -10, 600, false }, 700027 },
		{ { "PS256", "JWT", "x5t#S256", AUDIENCE, "x", CLIENT, "id", -10, 600, false }, 700027 },
		{ { "PS256", "JWT", "x5t#S256", AUDIENCE, CLIENT, "x", "id", -10, 600, false }, 700027 },
		{ { "PS256", "JWT", "x5t#S256", AUDIENCE, CLIENT, CLIENT, "", -10, 600, false }, 700027 },
		{ { "PS256", "JWT", "x5t#S256", "https://x", CLIENT, CLIENT, "id", -10, 600, false },
		  700023 },
		{ { "PS256", "JWT", "x5t#S256", AUDIENCE, CLIENT, CLIENT, "id", -900, -301, false }, 700024 },
		{ { "PS256", "JWT", "x5t#S256", AUDIENCE, CLIENT, CLIENT, "id", 301, 900, false }, 700024 },
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		REPLY_AUTO reply;

		request_by_jwt(*state, &wrong[i].assertion, &reply);
		assert_refused(&reply, 401, "invalid_client", wrong[i].code);
	}
}

static void test_assertion_of_another_certificate_refused(void **state)
{
	static const struct assertion good = GOOD_PS256;
	struct application *app = *state;
	REPLY_AUTO other, none;

	assert_true(X509_gmtime_adj(X509_getm_notAfter(app->cert), 7200) != NULL);
	assert_true(X509_sign(app->cert, app->key, EVP_sha256()) > 0);
	request_by_jwt(app, &good, &other);
	assert_refused(&other, 401, "invalid_client", 700027);
	free(app->service->conf.entra.certificate_pem);
	app->service->conf.entra.certificate_pem = NULL;
	request_by_jwt(app, &good, &none);
	assert_refused(&none, 401, "invalid_client", 700027);
}

static void make_token(struct service *service, enum dps_audience audience, char out[DPS_BEARER_MAX])
{
	struct err err;

	assert_int_equal(dps_bearer_new(&service->conf, audience, service->at_ticks, out, &err), 0);
}

static void test_token_expires_with_its_lifetime(void **state)
{
	struct service *service = ((struct application *)*state)->service;
	char token[DPS_BEARER_MAX];

	service->conf.knobs.token_lifetime_s = 60;
	make_token(service, DPS_AUDIENCE_SERVICE, token);
	service->at_ticks += 60 * 10000000LL;
	assert_int_equal(call_with(service, token, "GET", "/enrollments/a", NULL), 404201);
	service->at_ticks += 10000000LL;
	assert_int_equal(call_with(service, token, "GET", "/enrollments/a", NULL), 401002);
}

static void test_token_changed_or_for_another_audience_refused(void **state)
{
	struct service *service = ((struct application *)*state)->service;
	char token[DPS_BEARER_MAX];

	make_token(service, DPS_AUDIENCE_MANAGEMENT, token);
	assert_int_equal(call_with(service, token, "GET", "/enrollments/a", NULL), 401002);
	token[5] = 's';
	assert_int_equal(call_with(service, token, "GET", "/enrollments/a", NULL), 401002);
	assert_int_equal(call_with(service, "", "GET", "/enrollments/a", NULL), 401002);
	assert_int_equal(call_with(service, "dps1.s.9999999999.00", "GET", "/enrollments/a", NULL), 401002);
}

static void test_reader_reads_and_nothing_else(void **state)
{
	struct service *service = ((struct application *)*state)->service;
	char token[DPS_BEARER_MAX];

	make_token(service, DPS_AUDIENCE_SERVICE, token);
	assert_int_equal(call_with(service, token, "PUT", "/enrollments/a", SYM("a")), 200);
	service->conf.knobs.bearer_role = DPS_ROLE_READER;
	assert_int_equal(call_with(service, token, "GET", "/enrollments/a", NULL), 200);
	assert_int_equal(call_with(service, token, "POST", "/enrollments/query", "{\"query\":\"SELECT *\"}"),
			 200);
	assert_int_equal(call_with(service, token, "POST", "/enrollments/a/attestationmechanism", NULL),
			 403001);
	assert_int_equal(call_with(service, token, "PUT", "/enrollments/b", SYM("b")), 403001);
	assert_int_equal(call_with(service, token, "DELETE", "/enrollments/a", NULL), 403001);
	service->conf.knobs.bearer_role = DPS_ROLE_NONE;
	assert_int_equal(call_with(service, token, "GET", "/enrollments/a", NULL), 403001);
}

static void test_requests_for_tokens_fail_when_asked(void **state)
{
	const struct application *app = *state;
	REPLY_AUTO first, second;

	app->service->conf.knobs.token_fail_every = 2;
	app->service->conf.knobs.fail_status = 503;
	request(app, TOKENS, FORM "&client_secret=a%2Bb+c%7E1", &first);
	request(app, TOKENS, FORM "&client_secret=a%2Bb+c%7E1", &second);
	assert_int_equal(first.res.status, 200);
	assert_int_equal(second.res.status, 503);
}

static void test_form_values(void **state)
{
	const struct bytes form = BYTES_LIT("a=1&empty=&ab=x+y%2B&bad=%zz&a=2");
	char value[8];

	(void)state;
	assert_int_equal(dps_form_value(form, "a", value, sizeof(value)), 0);
	assert_string_equal(value, "1");
	assert_int_equal(dps_form_value(form, "ab", value, sizeof(value)), 0);
	assert_string_equal(value, "x y+");
	assert_int_equal(dps_form_value(form, "ab", value, 4), -1);
	assert_int_equal(dps_form_value(form, "b", value, sizeof(value)), -1);
	assert_int_equal(dps_form_value(form, "bad", value, sizeof(value)), -1);
	assert_int_equal(dps_form_value(form, "empty", value, sizeof(value)), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, application_setup, application_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_secret_gives_a_token_that_the_service_takes),
		TEST(test_token_request_that_is_no_form_refused),
		TEST(test_wrong_secret_refused),
		TEST(test_wrong_requests_refused_by_their_numbers),
		TEST(test_both_kinds_of_assertion_give_tokens),
		TEST(test_wrong_assertions_refused),
		TEST(test_assertion_of_another_certificate_refused),
		TEST(test_token_expires_with_its_lifetime),
		TEST(test_token_changed_or_for_another_audience_refused),
		TEST(test_reader_reads_and_nothing_else),
		TEST(test_requests_for_tokens_fail_when_asked),
		cmocka_unit_test(test_form_values),
	};

	return cmocka_run_group_tests(tests, key_setup, key_teardown);
}
