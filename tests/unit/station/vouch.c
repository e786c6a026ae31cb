/* Whom a station trusts: what is handed over, what becomes a file, and what a signature must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/encode.h"
#include "station/vouch.h"

/* A key and its signature of "station", by openssl. */
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
			  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEp2cS2W5eEzvXEoZTm92vAMo5/v/A\n"
			  "haB3LDh9hhVDnOJS9RAka+7bGi0XUNtntIvttpnx/Wdkek690m0RiKjibQ==\n"
			  "-----END PUBLIC KEY-----\n";
static const char signature_hex[] = "304502204c948a3c3ee96078939f626be7e4550d92443f82283fdfd962116241bb1864fd"
				    "022100e2acd5f00cc6a475eb491684c2d13462a8de1dd998830541036c3be8256cb948";

struct bench {
	char dir[64], stations[80], file[100];
	struct buf spki, text;
	uint8_t key_sha256[SHA256_LEN], sig[80];
	struct bytes signature;
};

static int setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct err err = { 0 };
	size_t n = 0;

	assert_non_null(bench);
	buf_init(&bench->spki, PKI_SPKI_MAX);
	buf_init(&bench->text, VOUCH_TEXT_MAX);
	assert_int_equal(str_format(bench->dir, sizeof(bench->dir), "/tmp/vouch.XXXXXX"), 0);
	assert_non_null(mkdtemp(bench->dir));
	assert_int_equal(str_format(bench->stations, sizeof(bench->stations), "%s/stations", bench->dir), 0);
	assert_int_equal(str_format(bench->file, sizeof(bench->file), "%s/line-a.pem", bench->stations), 0);
	assert_int_equal(pki_spki_pem_read(bytes_str(pem), &bench->spki, &err), 0);
	assert_int_equal(vouch_text("line-a", buf_bytes(&bench->spki), &bench->text, &err), 0);
	sha256(buf_bytes(&bench->spki), bench->key_sha256);
	assert_int_equal(hex_decode(signature_hex, bench->sig, sizeof(bench->sig), &n), 0);
	bench->signature = bytes_of(bench->sig, n);
	*state = bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	(void)unlink(bench->file);
	(void)rmdir(bench->stations);
	(void)rmdir(bench->dir);
	buf_deinit(&bench->spki);
	buf_deinit(&bench->text);
	free(bench);
	return 0;
}

static int check(const struct bench *bench, const char *message, struct err *err)
{
	return vouch_check(bench->dir, "line-a", bench->key_sha256, bytes_str(message), bench->signature,
			   err);
}

static void test_what_is_handed_over_is_read_back(void **state)
{
	struct bench *bench = *state;
	char station[ENROLL_STATION_MAX + 1];
	BUF_AUTO(spki, PKI_SPKI_MAX);
	struct err err = { 0 };

	assert_int_equal(vouch_text_read(buf_bytes(&bench->text), station, &spki, &err), 0);
	assert_string_equal(station, "line-a");
	assert_true(bytes_equal(buf_bytes(&spki), buf_bytes(&bench->spki)));
}

static void test_each_changed_byte_of_what_is_handed_over_is_refused(void **state)
{
	struct bench *bench = *state;
	static const size_t id_end = sizeof("Station: line-a") - 1, id_start = sizeof("Station: ") - 1;
	char station[ENROLL_STATION_MAX + 1];
	BUF_AUTO(spki, PKI_SPKI_MAX);
	struct err err = { 0 };

	/* Another letter of the ID is another station; only its own officers can tell. */
	for (size_t i = 0; i < bench->text.len; i++) {
		bench->text.p[i] ^= 0x02;
		if (i < id_start || i >= id_end) {
			assert_int_equal(vouch_text_read(buf_bytes(&bench->text), station, &spki, &err), -1);
			assert_int_equal(err.class, ERR_OPERATOR);
		}
		bench->text.p[i] ^= 0x02;
	}
	assert_int_equal(vouch_text_read(bytes_str("Station: ../../x\n"), station, &spki, &err), -1);
}

static void test_signature_counts_once_the_station_is_trusted(void **state)
{
	struct bench *bench = *state;
	struct err err = { 0 };

	assert_int_equal(check(bench, "station", &err), -1);
	assert_non_null(strstr(err.what, "not trusted here"));
	assert_int_equal(vouch_trust(bench->dir, "line-a", buf_bytes(&bench->text), &err), 0);
	assert_int_equal(check(bench, "station", &err), 0);
	assert_int_equal(check(bench, "statiom", &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	bench->key_sha256[0] ^= 1;
	assert_int_equal(check(bench, "station", &err), -1);
	assert_non_null(strstr(err.what, "another key"));
}

static void test_file_under_anothers_name_is_refused(void **state)
{
	struct bench *bench = *state;
	struct err err = { 0 };

	assert_int_equal(vouch_text("line-b", buf_bytes(&bench->spki), &bench->text, &err), 0);
	assert_int_equal(vouch_trust(bench->dir, "line-a", buf_bytes(&bench->text), &err), 0);
	assert_int_equal(check(bench, "station", &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
}

static void test_station_without_a_key_says_how_to_make_one(void **state)
{
	struct bench *bench = *state;
	static const struct conf conf = { .id = "line-a" };
	VOUCH_AUTO(vouch);
	struct err err = { 0 };

	assert_int_equal(vouch_open_key(bench->dir, &conf, &vouch, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "station hsm make-signing audit"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_handed_over_is_read_back),
		TEST(test_each_changed_byte_of_what_is_handed_over_is_refused),
		TEST(test_signature_counts_once_the_station_is_trusted),
		TEST(test_file_under_anothers_name_is_refused),
		TEST(test_station_without_a_key_says_how_to_make_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
