/* Faults as a client sees them over TLS, turned on and off while the program runs. */
#include "tests/unit/dps_emulator/program.h"

#include <stdlib.h>

#include "base/deadline.h"

static CURLcode call(struct program *program, const char *method, const char *path, const char *body,
		     long *ret_status)
{
	*ret_status = 0;
	return program_call(program, "localhost", method, path, body, ret_status);
}

static void set_knobs(struct program *program, const char *knobs)
{
	long status;

	assert_int_equal(call(program, "PUT", "/_knobs", knobs, &status), CURLE_OK);
	assert_int_equal(status, 200);
}

/* A connection of its own: what is there already has had its handshake. */
static void new_connection(struct program *program)
{
	curl_easy_cleanup(program->curl);
	program->curl = curl_easy_init();
	assert_non_null(program->curl);
}

static void test_certificate_expired(void **state)
{
	struct program *program = *state;
	long status;

	program_start(program, NULL);
	set_knobs(program, "{\"tls\":\"expired\"}");
	new_connection(program);
	assert_int_equal(call(program, "GET", "/enrollments/a", NULL, &status),
			 CURLE_PEER_FAILED_VERIFICATION);
}

static void test_certificate_for_another_host(void **state)
{
	static const char *const args[] = { "--tls", "other-host", NULL };
	struct program *program = *state;
	long status;

	program_start(program, args);
	assert_int_equal(call(program, "GET", "/enrollments/a", NULL, &status),
			 CURLE_PEER_FAILED_VERIFICATION);
	assert_int_equal(
		program_call(program, "another-host.invalid", "GET", "/enrollments/a", NULL, &status),
		CURLE_OK);
	assert_int_equal(status, 401); /* not a host of the service's */
}

static void test_reset_before_and_after_the_commit(void **state)
{
	struct program *program = *state;
	long status;

	program_start(program, NULL);
	set_knobs(program, "{\"reset-before-every\":1}");
	new_connection(program);
	assert_int_equal(call(program, "PUT", "/enrollments/a", SYM("a"), &status), CURLE_RECV_ERROR);
	set_knobs(program, "{\"reset-after-every\":1}");
	new_connection(program);
	assert_int_equal(call(program, "PUT", "/enrollments/b", SYM("b"), &status), CURLE_RECV_ERROR);
	assert_int_equal(call(program, "GET", "/enrollments/a", NULL, &status), CURLE_OK);
	assert_int_equal(status, 404);
	assert_int_equal(call(program, "GET", "/enrollments/b", NULL, &status), CURLE_OK);
	assert_int_equal(status, 200);
}

static void test_portal_is_html_with_status_200(void **state)
{
	struct program *program = *state;
	long status;

	program_start(program, NULL);
	set_knobs(program, "{\"garble-every\":1}");
	assert_int_equal(call(program, "GET", "/enrollments/a", NULL, &status), CURLE_OK);
	assert_int_equal(status, 200);
	assert_memory_equal(program->body, "<!DOCTYPE html>", 15);
}

static void test_huge_answer_arrives_whole(void **state)
{
	struct program *program = *state;
	long status;

	program_start(program, NULL);
	set_knobs(program, "{\"garble-every\":1,\"garble-as\":\"huge\"}");
	assert_int_equal(call(program, "GET", "/enrollments/a", NULL, &status), CURLE_OK);
	assert_int_equal(status, 404);
	assert_int_equal(program->body[0], '{');
	assert_true(program->got > 100 * 1024 * 1024);
}

static void test_slow_answer_is_slow(void **state)
{
	struct program *program = *state;
	int64_t began;
	long status;

	program_start(program, NULL);
	set_knobs(program, "{\"latency-ms\":300}");
	began = deadline_now_ms();
	assert_int_equal(call(program, "GET", "/enrollments/a", NULL, &status), CURLE_OK);
	assert_true(deadline_now_ms() - began >= 300);
}

static void test_wrong_clock_is_in_the_date(void **state)
{
	struct program *program = *state;
	long status;

	program_start(program, NULL);
	set_knobs(program, "{\"clock-skew-s\":100000000}");
	assert_int_equal(call(program, "GET", "/enrollments/a", NULL, &status), CURLE_OK);
	assert_int_equal(status, 401);
	assert_true(curl_getdate(program->date, NULL) > dps_time_now() / 10000000 + 99999000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_setup, program_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_certificate_expired),
		TEST(test_certificate_for_another_host),
		TEST(test_reset_before_and_after_the_commit),
		TEST(test_portal_is_html_with_status_200),
		TEST(test_huge_answer_arrives_whole),
		TEST(test_slow_answer_is_slow),
		TEST(test_wrong_clock_is_in_the_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
