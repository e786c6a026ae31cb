/* The program itself, over real TLS with libcurl: start, restart, loss, end. */
#include "base/file.h"
#include "tests/unit/dps_emulator/program.h"

#include <signal.h>
#include <stdlib.h>

static long status_of(struct program *program, const char *method, const char *path, const char *body)
{
	long status = 0;

	assert_int_equal(program_call(program, "localhost", method, path, body, &status), CURLE_OK);
	return status;
}

static void test_https_calls_share_a_connection(void **state)
{
	struct program *program = *state;
	long connects = -1;

	program_start(program, NULL);
	assert_int_equal(status_of(program, "PUT", "/enrollments/a%3a1", SYM("a:1")), 200);
	assert_int_equal(status_of(program, "GET", "/enrollments/a:1", NULL), 200);
	assert_int_equal(curl_easy_getinfo(program->curl, CURLINFO_NUM_CONNECTS, &connects), CURLE_OK);
	assert_int_equal(connects, 0);
	assert_int_equal(status_of(program, "DELETE", "/enrollments/a:1", NULL), 204);
	assert_int_equal(curl_easy_getinfo(program->curl, CURLINFO_NUM_CONNECTS, &connects), CURLE_OK);
	assert_int_equal(connects, 0);
}

static void test_https_each_name_in_the_certificate_works(void **state)
{
	static const char *const names[] = { "localhost", "127.0.0.1",
					     "global.azure-devices-provisioning.net",
					     "contoso.azure-devices-provisioning.net" };
	struct program *program = *state;
	long status = 0;

	program_start(program, NULL);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(program_call(program, names[i], "GET", "/enrollments/a", NULL, &status),
				 CURLE_OK);
		assert_int_equal(status, 404);
	}
	assert_int_equal(program_call(program, "fabrikam.azure-devices-provisioning.net", "GET",
				      "/enrollments/a", NULL, &status),
			 CURLE_PEER_FAILED_VERIFICATION);
}

static void test_https_client_with_another_ca_refuses(void **state)
{
	struct program *program = *state;
	struct dps_identity *other = calloc(1, sizeof(*other));
	long status = 0;
	struct err err;

	program_start(program, NULL);
	assert_non_null(other);
	assert_int_equal(dps_ca_make(other, &err), 0);
	assert_int_equal(file_replace(program->ca_file, bytes_str(other->ca_pem), 0644, &err), 0);
	assert_int_equal(program_call(program, "localhost", "GET", "/enrollments/a", NULL, &status),
			 CURLE_PEER_FAILED_VERIFICATION);
	dps_identity_free(other);
}

static void test_https_wrong_key_answers_401(void **state)
{
	struct program *program = *state;

	program_start(program, NULL);
	program->client.conf.key[0] ^= 1;
	assert_int_equal(status_of(program, "GET", "/enrollments/a", NULL), 401);
}

static void test_https_large_body_answers_413(void **state)
{
	struct program *program = *state;
	char *body = calloc(1, DPS_BODY_MAX + 2);

	program_start(program, NULL);
	assert_non_null(body);
	memset(body, ' ', DPS_BODY_MAX + 1);
	assert_int_equal(status_of(program, "PUT", "/enrollments/a", body), 413);
	body[DPS_BODY_MAX] = '\0';
	assert_int_equal(status_of(program, "PUT", "/enrollments/a", body), 400);
	free(body);
}

/* On a first call: libcurl sends again by itself when a connection it has used before says nothing. */
static void test_https_dropped_reply_was_committed(void **state)
{
	static const char *const args[] = { "--drop-reply-every", "1", NULL };
	struct program *program = *state;
	long status = 0;

	program_start(program, args);
	assert_int_equal(program_call(program, "localhost", "PUT", "/enrollments/a", SYM("a"), &status),
			 CURLE_GOT_NOTHING);
	assert_int_equal(status_of(program, "GET", "/enrollments/a", NULL), 200);
}

/* The port without TLS gives managed identities and nothing else. */
static void test_plain_port_gives_identities_alone(void **state)
{
	static const char *const args[] = { "--identity-port", "0", NULL };
	struct program *program = *state;
	char url[128];
	long status = 0;

	program_start(program, args);
	assert_true(program->identity_port > 0);
	assert_int_equal(str_format(url, sizeof(url),
				    "http://127.0.0.1:%d/enrollments/a?api-version=2021-10-01",
				    program->identity_port),
			 0);
	(void)curl_easy_setopt(program->curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(program->curl, CURLOPT_NOBODY, 1L);
	assert_int_equal(curl_easy_perform(program->curl), CURLE_OK);
	(void)curl_easy_getinfo(program->curl, CURLINFO_RESPONSE_CODE, &status);
	assert_int_equal(status, 404);
}

static void test_program_entra_files_are_read(void **state)
{
	struct program *program = *state;
	const char *const args[] = { "--entra-secret-file", program->state_file, NULL };
	struct err err;
	long status = 0;

	assert_int_equal(file_replace(program->state_file, BYTES_LIT("secret-1\n"), 0600, &err), 0);
	program_start(program, args);
	assert_int_equal(program_call(program, "localhost", "POST", "/contoso/oauth2/v2.0/token",
				      "grant_type=client_credentials&client_id=station&client_secret=secret-1"
				      "&scope=https%3A%2F%2Fazure-devices-provisioning.net%2F.default",
				      &status),
			 CURLE_OK);
	assert_int_equal(status, 200);
}

static void test_program_killed_comes_back_with_everything(void **state)
{
	struct program *program = *state;
	const char *const args[] = { "--state", program->state_file, NULL };
	uint8_t key[DPS_KEY_LEN];
	int port;

	program_start(program, args);
	assert_int_equal(status_of(program, "PUT", "/enrollments/a", SYM("a")), 200);
	memcpy(key, program->client.conf.key, sizeof(key));
	port = program->port;
	assert_int_equal(kill(program->pid, SIGKILL), 0);
	assert_int_equal(program_ended(program), -SIGKILL);
	program_start(program, args);
	assert_memory_equal(key, program->client.conf.key, sizeof(key));
	assert_int_equal(program->port, port);
	assert_int_equal(status_of(program, "GET", "/enrollments/a", NULL), 200);
}

static void test_program_restart_keeps_its_ca(void **state)
{
	struct program *program = *state;
	const char *const args[] = { "--state", program->state_file, NULL };
	char kept[300];

	assert_int_equal(str_format(kept, sizeof(kept), "%s/kept.pem", program->dir), 0);
	program_start(program, args);
	assert_int_equal(link(program->ca_file, kept), 0);
	assert_int_equal(kill(program->pid, SIGTERM), 0);
	assert_int_equal(program_ended(program), 0);
	program_start(program, args);
	memcpy(program->ca_file, kept, sizeof(kept));
	assert_int_equal(status_of(program, "GET", "/enrollments/a", NULL), 404);
}

static void test_program_ends_when_stdin_closes(void **state)
{
	struct program *program = *state;

	program_start(program, NULL);
	(void)close(program->to);
	program->to = -1;
	assert_int_equal(program_ended(program), 0);
}

static void test_program_stays_when_asked(void **state)
{
	static const char *const args[] = { "--stay", NULL };
	struct program *program = *state;

	program_start(program, args);
	(void)close(program->to);
	program->to = -1;
	assert_int_equal(status_of(program, "GET", "/enrollments/a", NULL), 404);
	assert_int_equal(kill(program->pid, SIGINT), 0);
	assert_int_equal(program_ended(program), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_setup, program_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_https_calls_share_a_connection),
		TEST(test_https_each_name_in_the_certificate_works),
		TEST(test_https_client_with_another_ca_refuses),
		TEST(test_https_wrong_key_answers_401),
		TEST(test_https_large_body_answers_413),
		TEST(test_https_dropped_reply_was_committed),
		TEST(test_plain_port_gives_identities_alone),
		TEST(test_program_entra_files_are_read),
		TEST(test_program_killed_comes_back_with_everything),
		TEST(test_program_restart_keeps_its_ca),
		TEST(test_program_ends_when_stdin_closes),
		TEST(test_program_stays_when_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
