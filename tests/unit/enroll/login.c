/* What logins are made of: assertions against golden ones, replies of token endpoints, the Arc agent's key file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "tests/unit/enroll/login_key.h"
#include "tests/unit/enroll/world.h"

#define NOW_S    (WORLD_NOW_MS / 1000)
#define AUDIENCE "https://login.microsoftonline.com/contoso/oauth2/v2.0/token"
#define JTI      "6f1ed002-ab5c-4b2a-9c3d-0123456789ab"

DEFINE_CLEANUP(bio_freep, BIO, BIO_free_all)
DEFINE_CLEANUP(pkey_freep, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(md_ctx_freep, EVP_MD_CTX, EVP_MD_CTX_free)

static EVP_PKEY *test_key(void)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(login_key, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	assert_non_null(key);
	return key;
}

static void set_padding(EVP_PKEY_CTX *ctx, enum sign_alg alg)
{
	if (alg != SIGN_RSA_PSS_SHA256)
		return;
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32), 1);
}

/* What a key in an HSM does, by OpenSSL. */
static int sign(void *unused, enum sign_alg alg, struct bytes message, struct buf *ret_sig, struct err *err)
{
	CLEANUP(pkey_freep) EVP_PKEY *key = test_key();
	CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx = NULL;
	uint8_t *to = buf_reserve(ret_sig, 256);
	size_t n = 256;

	(void)unused, (void)err;
	assert_int_equal(EVP_DigestSignInit(ctx, &key_ctx, EVP_sha256(), NULL, key), 1);
	set_padding(key_ctx, alg);
	assert_int_equal(EVP_DigestSign(ctx, to, &n, message.p, message.len), 1);
	ret_sig->len += n;
	return 0;
}

static int sign_refused(void *unused, enum sign_alg alg, struct bytes message, struct buf *ret_sig,
			struct err *err)
{
	(void)unused, (void)alg, (void)message, (void)ret_sig;
	return err_set(err, ERR_OPERATOR, 0, "the token is not present");
}

static const struct signer signer = { sign, NULL, SIGN_RSA_PSS_SHA256 };
static const struct signer refusing = { sign_refused, NULL, SIGN_RSA_PSS_SHA256 };

static struct enroll_login login_with(enum enroll_assertion assertion, const struct signer *with)
{
	return (struct enroll_login){
		.auth = ENROLL_AUTH_ENTRA_CERTIFICATE,
		.tenant = "contoso",
		.client_id = "station",
		.certificate_pem = bytes_str(login_certificate),
		.signer = with,
		.assertion = assertion,
	};
}

static void test_assertion_rs256_is_the_golden_one(void **state)
{
	const struct enroll_login login = login_with(ENROLL_ASSERTION_RS256, &signer);
	SECRET_AUTO jwt = { NULL, 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(assertion_make(&login, AUDIENCE, JTI, NOW_S, &jwt, &err), 0);
	assert_string_equal((const char *)jwt.p, golden_rs256);
}

/* base64url of RFC 4648 section 5, which the library only writes. */
static size_t decode_url(const char *in, uint8_t *out, size_t cap)
{
	char text[1024] = "";
	size_t n = 0;

	assert_int_equal(str_format(text, sizeof(text), "%s", in), 0);
	for (char *c = text; *c != '\0'; c++)
		*c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
	while (strlen(text) % 4 != 0)
		text[strlen(text)] = '=';
	assert_int_equal(base64_decode(bytes_str(text), out, cap, &n), 0);
	return n;
}

static void test_assertion_ps256_is_verified_by_openssl(void **state)
{
	const struct enroll_login login = login_with(ENROLL_ASSERTION_PS256, &signer);
	CLEANUP(pkey_freep) EVP_PKEY *key = test_key();
	CLEANUP(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx = NULL;
	size_t n = strlen(golden_ps256_signed);
	SECRET_AUTO jwt = { NULL, 0 };
	struct err err = { 0 };
	uint8_t signature[256];

	(void)state;
	assert_int_equal(assertion_make(&login, AUDIENCE, JTI, NOW_S, &jwt, &err), 0);
	assert_memory_equal(jwt.p, golden_ps256_signed, n);
	assert_int_equal(jwt.p[n], '.');
	assert_int_equal(decode_url((const char *)jwt.p + n + 1, signature, sizeof(signature)), 256);
	assert_int_equal(EVP_DigestVerifyInit(ctx, &key_ctx, EVP_sha256(), NULL, key), 1);
	set_padding(key_ctx, SIGN_RSA_PSS_SHA256);
	assert_int_equal(EVP_DigestVerify(ctx, signature, 256, jwt.p, n), 1);
}

static void test_assertion_key_fails_says_what_for(void **state)
{
	const struct enroll_login login = login_with(ENROLL_ASSERTION_PS256, &refusing);
	SECRET_AUTO jwt = { NULL, 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(assertion_make(&login, AUDIENCE, JTI, NOW_S, &jwt, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.where, "signing the login"));
	assert_null(jwt.p);
}

static void test_guid_is_random_and_shaped(void **state)
{
	char one[GUID_LEN + 1], other[GUID_LEN + 1];
	struct err err = { 0 };

	(void)state;
	assert_int_equal(guid_make(one, &err), 0);
	assert_int_equal(guid_make(other, &err), 0);
	assert_string_not_equal(one, other);
	assert_int_equal(strlen(one), GUID_LEN);
	assert_int_equal(one[14], '4');
	assert_int_equal(strspn(one, "0123456789abcdef-"), GUID_LEN);
}

/* --- Replies ----------------------------------------------------------------------------------------- */

static void test_token_reply_numbers_and_strings(void **state)
{
	static const struct {
		const char *body;
		int64_t lifetime_s, refresh_s;
	} good[] = {
		{ "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"a.b\"}", 3599, 0 },
		{ "{\"token_type\":\"bearer\",\"expires_in\":\"86399\",\"access_token\":\"a.b\"}", 86399, 0 },
		{ "{\"token_type\":\"Bearer\",\"expires_in\":60,\"refresh_in\":\"30\",\"access_token\":\"a."
		  "b\"}",
		  60, NOW_S + 30 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(auth_token_deinit) struct auth_token token = { 0 };
		struct err err = { 0 };

		assert_int_equal(token_reply_parse(bytes_str(good[i].body), NOW_S, &token, &err), 0);
		assert_string_equal((const char *)token.header.p, "Authorization: Bearer a.b");
		assert_int_equal(token.expires_s, NOW_S + good[i].lifetime_s);
		assert_int_equal(token.refresh_s, good[i].refresh_s);
	}
}

static void test_token_reply_anything_else_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"<html>",
		"{\"token_type\":\"Bearer\",\"expires_in\":3599}",
		"{\"token_type\":\"Bearer\",\"access_token\":\"a\"}",
		"{\"expires_in\":3599,\"access_token\":\"a\"}",
		"{\"token_type\":\"mac\",\"expires_in\":3599,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":0,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":-5,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":99999999,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":\"1e3\",\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":1.5,\"access_token\":\"a\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"\"}",
		"{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"a\\r\\nHost: b\"}",
		("{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"a\",\"access_token\":"
		 "\"b\"}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct auth_token token = { 0 };
		struct err err = { 0 };

		assert_int_equal(token_reply_parse(bytes_str(bad[i]), NOW_S, &token, &err), -1);
		assert_int_equal(err.class, ERR_RETRY);
		assert_null(token.header.p);
	}
}

static void test_token_error_code_and_word(void **state)
{
	struct token_error error;

	(void)state;
	assert_true(token_error_parse(bytes_str("{\"error\":\"invalid_client\",\"error_codes\":[7000215,1]}"),
				      &error));
	assert_string_equal(error.error, "invalid_client");
	assert_int_equal(error.code, 7000215);
	assert_true(token_error_parse(bytes_str("{\"error\":\"bad_request_102\"}"), &error));
	assert_int_equal(error.code, 0);
	assert_false(token_error_parse(bytes_str("{\"error\":{\"code\":1}}"), &error));
	assert_false(token_error_parse(bytes_str("{\"error\":\"In Valid\"}"), &error));
	assert_false(token_error_parse(bytes_str("{\"error\":\"e\",\"error_codes\":[\"1\"]}"), &error));
	assert_false(token_error_parse(bytes_str("<html>"), &error));
}

static void test_identity_waits_as_documented(void **state)
{
	static const int waits[] = { 0, 2, 6, 14, 30 };

	(void)state;
	for (unsigned n = 0; n < ARRAY_LEN(waits); n++) {
		assert_int_equal(identity_wait_s(404, n), waits[n]);
		assert_int_equal(identity_wait_s(410, n), waits[n]);
		assert_int_equal(identity_wait_s(429, n), waits[n]);
		assert_int_equal(identity_wait_s(503, n), waits[n]);
		assert_int_equal(identity_wait_s(400, n), -1);
		assert_int_equal(identity_wait_s(401, n), -1);
		assert_int_equal(identity_wait_s(200, n), -1);
	}
	assert_int_equal(identity_wait_s(404, 5), -1);
	/* 0 + 2 + 6 + 14 + 30 + 30: at least 70 seconds */
	assert_int_equal(identity_wait_s(410, 5), 30);
	assert_int_equal(identity_wait_s(410, 6), -1);
}

/* --- The Arc agent's key file -------------------------------------------------------------------------- */

struct keys {
	char dir[100], outside[120];
};

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	assert_int_equal(str_format(path, sizeof(path), "%s/%s", dir, name), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int keys_setup(void **state)
{
	struct keys *keys = calloc(1, sizeof(*keys));
	const char *tmp = getenv("TMPDIR");
	static char big[5000];
	char path[256];

	assert_non_null(keys);
	assert_int_equal(str_format(keys->outside, sizeof(keys->outside), "%s/keys.XXXXXX",
				    tmp != NULL ? tmp : "/tmp"),
			 0);
	assert_non_null(mkdtemp(keys->outside));
	assert_int_equal(str_format(keys->dir, sizeof(keys->dir), "%.90s/tokens", keys->outside), 0);
	assert_int_equal(mkdir(keys->dir, 0700), 0);
	memset(big, 'x', sizeof(big) - 1);
	write_file(keys->dir, "good.key", "the-key\n");
	write_file(keys->dir, "empty.key", "");
	write_file(keys->dir, "lines.key", "a\nb");
	write_file(keys->dir, "big.key", big);
	write_file(keys->dir, "other.txt", "the-key");
	write_file(keys->outside, "outside.key", "not yours");
	assert_int_equal(str_format(path, sizeof(path), "%s/link.key", keys->dir), 0);
	assert_int_equal(symlink("../outside.key", path), 0);
	assert_int_equal(str_format(path, sizeof(path), "%s/folder.key", keys->dir), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(str_format(path, sizeof(path), "%s/pipe.key", keys->dir), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	*state = keys;
	return 0;
}

static int keys_teardown(void **state)
{
	static const char *const names[] = { "tokens/good.key",   "tokens/empty.key",
					     "tokens/lines.key",  "tokens/big.key",
					     "tokens/other.txt",  "tokens/link.key",
					     "tokens/folder.key", "tokens/pipe.key",
					     "outside.key",       "tokens" };
	struct keys *keys = *state;
	char path[256];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_format(path, sizeof(path), "%s/%s", keys->outside, names[i]) == 0)
			(void)remove(path);
	(void)rmdir(keys->outside);
	free(keys);
	return 0;
}

static void test_arc_key_in_the_folder_is_read(void **state)
{
	struct keys *keys = *state;
	char challenge[256];

	for (size_t i = 0; i < 2; i++) {
		SECRET_AUTO key = { NULL, 0 };
		struct err err = { 0 };

		(void)snprintf(challenge, sizeof(challenge),
			       i == 0 ? "Basic realm=%s/good.key" : "basic realm=\"%s/good.key\"", keys->dir);
		assert_int_equal(arc_key_read(challenge, keys->dir, &key, &err), 0);
		assert_true(bytes_equal(secret_bytes(&key), bytes_str("the-key")));
	}
}

static void test_arc_key_elsewhere_is_not(void **state)
{
	struct keys *keys = *state;
	static const char *const rest[] = {
		"/empty.key", "/lines.key",       "/big.key",
		"/other.txt", "/link.key",        "/folder.key",
		"/pipe.key",  "/absent.key",      "/../outside.key",
		"/.key",      "//good.key",       "/./good.key",
		"/good.key ", "/sub/../good.key", "good.key",
		"x/good.key", "/good.key\"",      "",
	};

	for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
		SECRET_AUTO key = { NULL, 0 };
		struct err err = { 0 };
		char challenge[256];

		assert_int_equal(
			str_format(challenge, sizeof(challenge), "Basic realm=%s%s", keys->dir, rest[i]), 0);
		assert_int_equal(arc_key_read(challenge, keys->dir, &key, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
		assert_null(key.p);
	}
}

static void test_arc_challenge_of_another_kind_is_refused(void **state)
{
	static const char *const bad[] = { "", "Basic", "Bearer realm=x", "Basic realm=", "Basic realm=\"" };
	struct keys *keys = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		SECRET_AUTO key = { NULL, 0 };
		struct err err = { 0 };

		assert_int_equal(arc_key_read(bad[i], keys->dir, &key, &err), -1);
		assert_int_equal(err.class, ERR_OPERATOR);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assertion_rs256_is_the_golden_one),
		cmocka_unit_test(test_assertion_ps256_is_verified_by_openssl),
		cmocka_unit_test(test_assertion_key_fails_says_what_for),
		cmocka_unit_test(test_guid_is_random_and_shaped),
		cmocka_unit_test(test_token_reply_numbers_and_strings),
		cmocka_unit_test(test_token_reply_anything_else_refused),
		cmocka_unit_test(test_token_error_code_and_word),
		cmocka_unit_test(test_identity_waits_as_documented),
		cmocka_unit_test_setup_teardown(test_arc_key_in_the_folder_is_read, keys_setup,
						keys_teardown),
		cmocka_unit_test_setup_teardown(test_arc_key_elsewhere_is_not, keys_setup, keys_teardown),
		cmocka_unit_test_setup_teardown(test_arc_challenge_of_another_kind_is_refused, keys_setup,
						keys_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
