/* The station's own driver and serial link against the emulator: each kind from blank to proven. */
#include "tests/unit/emulator/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fixtures/fixture.h"
#include "tests/unit/emulator/crypto.h"

#define STEP_MS 20000

static const uint8_t nonce_bytes[FIXTURE_NONCE_LEN] = { 5 };

#define NONCE BYTES_ARRAY(nonce_bytes)

static struct fixture *open_fixture(const struct bench *bench, size_t device)
{
	char link[80];
	const struct fixture_conf conf = { .driver = "smp", .link = link };
	struct fixture *fixture = NULL;
	struct err err = { 0 };

	assert_int_equal(str_format(link, sizeof(link), "serial:%s", bench->devices[device].tty), 0);
	if (fixture_open(&conf, &fixture, &err) < 0)
		fail_msg("%s", err.what);
	return fixture;
}

static void assert_kept(struct fixture *fixture, enum unit_item item, struct bytes content)
{
	struct deadline dl = deadline_in_ms(STEP_MS);
	BUF_AUTO(back, FIXTURE_ITEM_MAX);
	struct err err = { 0 };

	if (fixture_put(fixture, &dl, item, content, &err) < 0 ||
	    fixture_get(fixture, &dl, item, &back, &err) < 0)
		fail_msg("%s", err.what);
	assert_true(bytes_equal(buf_bytes(&back), content));
}

static void assert_state(struct fixture *fixture, const struct bench *bench, enum unit_state expected)
{
	struct deadline dl = deadline_in_ms(STEP_MS);
	struct unit_info info;
	struct err err = { 0 };

	if (fixture_identify(fixture, &dl, &info, &err) < 0)
		fail_msg("%s", err.what);
	assert_string_equal(info.serial, bench->devices[0].serial);
	assert_int_equal(info.state, expected);
}

static void provision_sensor(struct bench *bench)
{
	CLEANUP(fixture_closep) struct fixture *fixture = open_fixture(bench, 0);
	CLEANUP(crypto_req_freep) X509_REQ *req = NULL;
	struct deadline dl = deadline_in_ms(STEP_MS);
	static const uint8_t chain[6000] = { 3 };
	BUF_AUTO(csr, FIXTURE_CSR_MAX);
	BUF_AUTO(sig, FIXTURE_PROOF_MAX);
	struct err err = { 0 };

	assert_state(fixture, bench, UNIT_BLANK);
	if (fixture_make_key(fixture, &dl, "unit-1", &csr, &err) < 0)
		fail_msg("%s", err.what);
	assert_kept(fixture, UNIT_ITEM_CHAIN, BYTES_ARRAY(chain));
	assert_kept(fixture, UNIT_ITEM_DPS, BYTES_LIT("{\"idScope\":\"0ne1\"}"));
	assert_state(fixture, bench, UNIT_PROVISIONED);
	if (fixture_prove(fixture, &dl, NONCE, &sig, &err) < 0)
		fail_msg("%s", err.what);
	req = crypto_req(buf_bytes(&csr));
	assert_non_null(req);
	assert_true(crypto_proof_good(req, NONCE, buf_bytes(&sig)));
}

static void test_sensor_from_blank_to_proven(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", (const char *const[]){ "--kinds", "sensor", NULL });
	provision_sensor(bench);
}

static void test_sensor_with_a_small_buffer_from_blank_to_proven(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", (const char *const[]){ "--kinds", "sensor", "--buf-size", "512", NULL });
	provision_sensor(bench);
}

static void test_sensor_that_loses_power_from_blank_to_proven(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1",
		    (const char *const[]){ "--kinds", "sensor", "--buf-size", "1024", "--fault", "reboot",
					   NULL });
	provision_sensor(bench);
}

static void test_gateway_reads_the_same_ek_twice(void **state)
{
	struct bench *bench = *state;
	struct deadline dl = deadline_in_ms(STEP_MS);
	struct fixture_ek first = { 0 }, second = { 0 };
	struct err err = { 0 };

	bench_start(bench, "2", (const char *const[]){ "--kinds", "gateway", "--duplicate", "ek", NULL });
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(fixture_closep) struct fixture *fixture = open_fixture(bench, i);
		CLEANUP(fixture_tpm_closep) struct fixture_tpm *tpm = NULL;

		if (fixture_tpm_open(fixture, &dl, &tpm, &err) < 0 ||
		    fixture_tpm_read_ek(tpm, i == 0 ? &first : &second, &err) < 0)
			fail_msg("%s", err.what);
	}
	assert_true(first.public_area.len > 64);
	assert_true(bytes_equal(buf_bytes(&first.public_area), buf_bytes(&second.public_area)));
	fixture_ek_deinit(&first);
	fixture_ek_deinit(&second);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_sensor_from_blank_to_proven),
		CASE(test_sensor_with_a_small_buffer_from_blank_to_proven),
		CASE(test_sensor_that_loses_power_from_blank_to_proven),
		CASE(test_gateway_reads_the_same_ek_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
