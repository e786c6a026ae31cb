/* Each fault does what its name says, and those that spoil a transfer let a patient station win. */
#include "tests/unit/emulator/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/deadline.h"
#include "fixtures/fixture.h"
#include "tests/unit/emulator/crypto.h"

static void start_with(struct bench *bench, const char *fault)
{
	const char *const args[] = { "--kinds", "sensor", "--fault", fault, NULL };

	bench_start(bench, "1", args);
}

/* Patient, as a station is: what gets no answer soon is asked again. */
static void assert_put_wins_in_the_end(struct bench *bench, const char *fault)
{
	BUF_AUTO(file, FIXTURE_ITEM_MAX);
	static const uint8_t item[4000] = { 7 };

	start_with(bench, fault);
	LINE_AUTO(line, bench, 0);
	line->wait_ms = 120;
	assert_int_equal(line_put(line, "chain", BYTES_ARRAY(item), 200), 0);
	assert_true(bench_flash(bench, bench->devices[0].serial, "chain.pem", &file));
	assert_true(bytes_equal(buf_bytes(&file), BYTES_ARRAY(item)));
	assert_true(line->seq > 20);
}

static void test_fault_drop_put_wins_in_the_end(void **state)
{
	assert_put_wins_in_the_end(*state, "drop");
}

static void test_fault_garbage_put_wins_in_the_end(void **state)
{
	assert_put_wins_in_the_end(*state, "garbage");
}

static void test_fault_truncate_put_wins_in_the_end(void **state)
{
	assert_put_wins_in_the_end(*state, "truncate");
}

static void test_fault_reboot_put_wins_in_the_end(void **state)
{
	assert_put_wins_in_the_end(*state, "reboot");
}

static void test_fault_slow_answers_take_seconds(void **state)
{
	struct bench *bench = *state;
	int64_t longest = 0;

	start_with(bench, "slow");
	LINE_AUTO(line, bench, 0);
	for (int i = 0; i < 40 && longest < 1000; i++) {
		int64_t before = deadline_now_ms();

		assert_int_equal(line_ask(line, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
		longest = deadline_now_ms() - before;
	}
	assert_in_range(longest, 1000, 4000);
}

static void test_fault_silent_says_yes_and_keeps_nothing(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(out, FIXTURE_CSR_MAX);

	start_with(bench, "silent");
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_put(line, "dps", BYTES_LIT("{}"), 2), 0);
	assert_int_equal(line_get(line, "dps", &out), SMP_RC_NO_ENTRY);
	assert_int_equal(line_csr(line, "a", &out), 0);
	assert_false(bench_flash(bench, bench->devices[0].serial, "device.key", &out));
	assert_false(bench_flash(bench, bench->devices[0].serial, "provisioning.json", &out));
}

static void assert_never_answers(struct bench *bench, const char *fault)
{
	start_with(bench, fault);
	LINE_AUTO(line, bench, 0);
	line->wait_ms = 150;
	for (int i = 0; i < 3; i++)
		assert_int_equal(line_ask(line, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), NO_ANSWER);
}

static void test_fault_mute_never_answers(void **state)
{
	assert_never_answers(*state, "mute");
}

static void test_fault_length_is_no_frame(void **state)
{
	assert_never_answers(*state, "length");
}

static void spoiled_csr(struct bench *bench, const char *fault, struct buf *csr)
{
	start_with(bench, fault);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_csr(line, "unit-1", csr), 0);
}

static void test_fault_csr_sig_does_not_verify(void **state)
{
	CLEANUP(crypto_req_freep) X509_REQ *req = NULL;
	BUF_AUTO(csr, FIXTURE_CSR_MAX);

	spoiled_csr(*state, "csr-sig", &csr);
	req = crypto_req(buf_bytes(&csr));
	assert_non_null(req);
	assert_true(crypto_req_named(req, "unit-1"));
	assert_false(crypto_req_signed(req));
}

static void test_fault_csr_cn_is_for_another_name(void **state)
{
	CLEANUP(crypto_req_freep) X509_REQ *req = NULL;
	BUF_AUTO(csr, FIXTURE_CSR_MAX);

	spoiled_csr(*state, "csr-cn", &csr);
	req = crypto_req(buf_bytes(&csr));
	assert_non_null(req);
	assert_true(crypto_req_signed(req));
	assert_false(crypto_req_named(req, "unit-1"));
}

static void test_fault_csr_trailing_has_bytes_behind(void **state)
{
	CLEANUP(crypto_req_freep) X509_REQ *req = NULL;
	BUF_AUTO(csr, FIXTURE_CSR_MAX);

	spoiled_csr(*state, "csr-trailing", &csr);
	assert_null(crypto_req(buf_bytes(&csr)));
	req = crypto_req(bytes_of(csr.p, csr.len - 2));
	assert_non_null(req);
	assert_true(crypto_req_signed(req));
}

static void test_fault_of_one_serial_leaves_the_others_alone(void **state)
{
	struct bench *bench = *state;
	char fault[80];

	bench_start(bench, "2", (const char *const[]){ "--kinds", "sensor", NULL });
	assert_int_equal(str_format(fault, sizeof(fault), "mute:%s", bench->devices[1].serial), 0);
	assert_int_equal(bench_stop(bench), 0);
	bench_start(bench, "2", (const char *const[]){ "--kinds", "sensor", "--fault", fault, NULL });
	LINE_AUTO(good, bench, 0);
	assert_int_equal(line_ask(good, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
	LINE_AUTO(mute, bench, 1);
	mute->wait_ms = 150;
	assert_int_equal(line_ask(mute, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), NO_ANSWER);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_fault_drop_put_wins_in_the_end),
		CASE(test_fault_garbage_put_wins_in_the_end),
		CASE(test_fault_truncate_put_wins_in_the_end),
		CASE(test_fault_reboot_put_wins_in_the_end),
		CASE(test_fault_slow_answers_take_seconds),
		CASE(test_fault_silent_says_yes_and_keeps_nothing),
		CASE(test_fault_mute_never_answers),
		CASE(test_fault_length_is_no_frame),
		CASE(test_fault_csr_sig_does_not_verify),
		CASE(test_fault_csr_cn_is_for_another_name),
		CASE(test_fault_csr_trailing_has_bytes_behind),
		CASE(test_fault_of_one_serial_leaves_the_others_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
