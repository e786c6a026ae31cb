/* The program as a whole: the TPM behind the line, its end by every way, duplicates, pacing, options. */
#include "tests/unit/emulator/bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/deadline.h"
#include "fixtures/fixture.h"
#include "tests/unit/emulator/crypto.h"

#define GATEWAY                                                                                              \
	(const char *const[])                                                                                \
	{                                                                                                    \
		"--kinds", "gateway", NULL                                                                   \
	}
#define RSP_LEN 20 /* header, u16 length, 8 bytes */
#define END_MS  3000

/* TPM2_GetRandom(8): tag, size, TPM_CC_GetRandom, bytes (TPM 2.0 Library, Part 3, 16.1) */
static const uint8_t get_random[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8 };

static unsigned ask_tpm(struct line *line, struct bytes cmd, struct bytes *ret_rsp)
{
	unsigned rc = line_ask(line, SMP_WRITE, SMP_PROVISION_TPM, SMP_FIELDS(smp_bytes("cmd", cmd)));

	if (rc == 0)
		assert_int_equal(smp_body_bytes(&line->body, "rsp", ret_rsp), 0);
	return rc;
}

static void assert_random(struct line *line)
{
	struct bytes rsp = BYTES_NONE;

	assert_int_equal(ask_tpm(line, BYTES_ARRAY(get_random), &rsp), 0);
	assert_int_equal(rsp.len, RSP_LEN);
	/* TPM_RC_SUCCESS */
	assert_true(bytes_equal(bytes_of(rsp.p + 6, 4), BYTES_LIT("\0\0\0\0")));
}

static void test_tpm_command_passes_through_to_a_real_tpm(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(file, 65536);

	bench_start(bench, "1", GATEWAY);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(bench_processes(bench, "swtpm"), 0);
	assert_random(line);
	assert_int_equal(bench_processes(bench, "swtpm"), 1);
	assert_true(bench_flash(bench, bench->devices[0].serial, "tpm/tpm2-00.permall", &file));
}

static void test_tpm_command_with_a_wrong_length_is_refused(void **state)
{
	uint8_t cmd[sizeof(get_random)];
	struct bench *bench = *state;
	struct bytes rsp;

	memcpy(cmd, get_random, sizeof(cmd));
	cmd[5] = 13;
	bench_start(bench, "1", GATEWAY);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(ask_tpm(line, BYTES_ARRAY(cmd), &rsp), SMP_RC_INVALID);
	assert_int_equal(ask_tpm(line, bytes_of(get_random, 9), &rsp), SMP_RC_INVALID);
	assert_int_equal(ask_tpm(line, BYTES_LIT(""), &rsp), SMP_RC_INVALID);
	assert_random(line);
}

static void test_tpm_command_to_a_sensor_is_not_supported(void **state)
{
	struct bench *bench = *state;
	struct bytes rsp;

	bench_start(bench, "1", (const char *const[]){ "--kinds", "sensor", NULL });
	LINE_AUTO(line, bench, 0);
	assert_int_equal(ask_tpm(line, BYTES_ARRAY(get_random), &rsp), SMP_RC_NOT_SUPPORTED);
}

static void wait_until_no_swtpm(const struct bench *bench)
{
	struct deadline dl = deadline_in_ms(END_MS);

	while (bench_processes(bench, "swtpm") > 0 && !deadline_passed(&dl))
		deadline_sleep(&dl, 10);
	assert_int_equal(bench_processes(bench, "swtpm"), 0);
}

static void test_kill_leaves_no_swtpm_and_a_tpm_that_starts_again(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", GATEWAY);
	LINE_AUTO(line, bench, 0);
	assert_random(line);
	bench_kill(bench);
	wait_until_no_swtpm(bench);
	bench_start(bench, "1", GATEWAY);
	LINE_AUTO(again, bench, 0);
	assert_random(again);
}

static void test_stdin_closing_ends_everything(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", GATEWAY);
	LINE_AUTO(line, bench, 0);
	assert_random(line);
	assert_int_equal(bench_stop(bench), 0);
	assert_int_equal(bench_processes(bench, "swtpm"), 0);
}

static bool has_list(const struct bench *bench)
{
	char path[300];

	assert_int_equal(str_format(path, sizeof(path), "%s/devices.json", bench->dir), 0);
	return access(path, F_OK) == 0;
}

static void test_list_of_devices_is_there_while_they_answer(void **state)
{
	struct bench *bench = *state;
	const char *const args[] = { "device-emulator", "--dir", bench->dir, "--count", "1", NULL };

	bench_start(bench, "1", NULL);
	assert_true(has_list(bench));
	/* One that is refused takes nothing away from the one that runs. */
	assert_int_equal(bench_run(bench, args), 2);
	assert_true(has_list(bench));
	assert_int_equal(bench_stop(bench), 0);
	assert_false(has_list(bench));
}

static void test_stay_outlives_stdin_and_ends_by_sigterm(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", (const char *const[]){ "--kinds", "sensor", "--stay", NULL });
	(void)close(bench->stdin_fd);
	bench->stdin_fd = -1;
	LINE_AUTO(line, bench, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(line_ask(line, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
	assert_int_equal(kill(bench->pid, SIGTERM), 0);
	assert_int_equal(bench_stop(bench), 0);
}

static void test_line_opened_again_and_again_is_normal(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", (const char *const[]){ "--kinds", "sensor", NULL });
	for (int i = 0; i < 20; i++) {
		LINE_AUTO(line, bench, 0);
		assert_int_equal(line_ask(line, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
	}
}

static void test_baud_paces_the_line(void **state)
{
	struct bench *bench = *state;
	static const uint8_t item[3000] = { 7 };
	int64_t before, took;

	bench_start(bench, "1", (const char *const[]){ "--kinds", "sensor", "--baud", "57600", NULL });
	LINE_AUTO(line, bench, 0);
	before = deadline_now_ms();
	assert_int_equal(line_put(line, "chain", BYTES_ARRAY(item), 1000), 0);
	took = deadline_now_ms() - before;
	/* 3000 bytes are 4000 in base64: 694 ms at ten bits a byte, and something for the rest. */
	assert_in_range(took, 694, 1400);
}

static void test_duplicate_serial_is_the_first_ones_with_other_hwid(void **state)
{
	struct bench *bench = *state;
	char first[65], second[65];

	bench_start(bench, "2", (const char *const[]){ "--kinds", "sensor", "--duplicate", "serial", NULL });
	assert_string_equal(bench->devices[0].serial, bench->devices[1].serial);
	LINE_AUTO(a, bench, 0);
	LINE_AUTO(b, bench, 1);
	assert_int_equal(line_ask(a, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
	assert_int_equal(line_ask(b, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
	assert_int_equal(smp_body_text(&a->body, "hwid", first, sizeof(first)), 0);
	assert_int_equal(smp_body_text(&b->body, "hwid", second, sizeof(second)), 0);
	assert_string_not_equal(first, second);
}

static void csr_of(struct bench *bench, size_t device, X509_REQ **ret)
{
	BUF_AUTO(csr, FIXTURE_CSR_MAX);

	LINE_AUTO(line, bench, device);
	assert_int_equal(line_csr(line, "a", &csr), 0);
	*ret = crypto_req(buf_bytes(&csr));
	assert_non_null(*ret);
}

static void test_duplicate_key_is_the_first_ones(void **state)
{
	struct bench *bench = *state;
	CLEANUP(crypto_req_freep) X509_REQ *a = NULL;
	CLEANUP(crypto_req_freep) X509_REQ *b = NULL;
	CLEANUP(crypto_req_freep) X509_REQ *c = NULL;

	bench_start(bench, "3", (const char *const[]){ "--kinds", "sensor", "--duplicate", "key", NULL });
	csr_of(bench, 0, &a);
	csr_of(bench, 1, &b);
	csr_of(bench, 2, &c);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(a), X509_REQ_get0_pubkey(b)), 1);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(a), X509_REQ_get0_pubkey(c)), 0);
}

static void test_duplicate_ek_is_one_tpm_behind_two_lines(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "2", (const char *const[]){ "--kinds", "gateway", "--duplicate", "ek", NULL });
	LINE_AUTO(a, bench, 0);
	LINE_AUTO(b, bench, 1);
	assert_random(b);
	assert_random(a);
	assert_int_equal(bench_processes(bench, "swtpm"), 1);
}

static void test_second_emulator_in_the_folder_is_refused(void **state)
{
	struct bench *bench = *state;
	const char *const args[] = { "device-emulator", "--dir", bench->dir, "--count", "1", NULL };

	bench_start(bench, "1", NULL);
	assert_int_equal(bench_run(bench, args), 2);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_ask(line, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
}

static void test_options_that_mean_nothing_are_usage_errors(void **state)
{
	static const char *const bad[][2] = {
		{ "--count", "0" },       { "--count", "x" },           { "--kinds", "toaster" },
		{ "--fault", "fire" },    { "--fault", "drop:nobody" }, { "--baud", "-1" },
		{ "--duplicate", "all" }, { "--buf-size", "1" },        { "--sed", "1" }
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *const args[] = { "device-emulator", "--dir",   bench->dir, "--count", "1",
					     bad[i][0],         bad[i][1], NULL };

		assert_int_equal(bench_run(bench, args), 2);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_tpm_command_passes_through_to_a_real_tpm),
		CASE(test_tpm_command_with_a_wrong_length_is_refused),
		CASE(test_tpm_command_to_a_sensor_is_not_supported),
		CASE(test_kill_leaves_no_swtpm_and_a_tpm_that_starts_again),
		CASE(test_stdin_closing_ends_everything),
		CASE(test_list_of_devices_is_there_while_they_answer),
		CASE(test_stay_outlives_stdin_and_ends_by_sigterm),
		CASE(test_line_opened_again_and_again_is_normal),
		CASE(test_baud_paces_the_line),
		CASE(test_duplicate_serial_is_the_first_ones_with_other_hwid),
		CASE(test_duplicate_key_is_the_first_ones),
		CASE(test_duplicate_ek_is_one_tpm_behind_two_lines),
		CASE(test_second_emulator_in_the_folder_is_refused),
		CASE(test_options_that_mean_nothing_are_usage_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
