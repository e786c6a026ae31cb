/* What the device keeps: puts in chunks, resumed, spoiled, refused; the lock; a kill in the middle. */
#include "tests/unit/emulator/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/digest.h"
#include "fixtures/fixture.h"

#define SENSOR                                                                                               \
	(const char *const[])                                                                                \
	{                                                                                                    \
		"--kinds", "sensor", NULL                                                                    \
	}
#define METER                                                                                                \
	(const char *const[])                                                                                \
	{                                                                                                    \
		"--kinds", "meter", NULL                                                                     \
	}

/* Bytes that no chunk boundary makes look alike. */
static void fill(uint8_t *p, size_t n, uint8_t from)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(from + i * 31 + i / 251);
}

static void test_put_in_chunks_then_get_gives_the_same(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(back, FIXTURE_ITEM_MAX);
	static uint8_t item[9001];

	fill(item, sizeof(item), 1);
	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_put(line, "chain", BYTES_ARRAY(item), 700), 0);
	assert_int_equal(line_get(line, "chain", &back), 0);
	assert_true(bytes_equal(buf_bytes(&back), BYTES_ARRAY(item)));
	assert_true(bench_flash(bench, bench->devices[0].serial, "chain.pem", &back));
	assert_true(bytes_equal(buf_bytes(&back), BYTES_ARRAY(item)));
}

static void test_put_begun_again_goes_on_where_it_was(void **state)
{
	struct bench *bench = *state;
	uint8_t item[900];
	uint64_t off = 0;

	fill(item, sizeof(item), 2);
	bench_start(bench, "1", SENSOR);
	LINE_AUTO(first, bench, 0);
	assert_int_equal(line_chunk(first, "dps", BYTES_ARRAY(item), 0, 500, &off), 0);
	assert_int_equal(off, 500);
	/* Another station, which begins at the beginning, is told what is still wanted. */
	LINE_AUTO(second, bench, 0);
	assert_int_equal(line_chunk(second, "dps", BYTES_ARRAY(item), 0, 500, &off), 0);
	assert_int_equal(off, 500);
	assert_int_equal(line_chunk(second, "dps", BYTES_ARRAY(item), 500, 400, &off), 0);
	assert_int_equal(off, 900);
	/* And once more after it is stored, as after a lost reply. */
	assert_int_equal(line_chunk(second, "dps", BYTES_ARRAY(item), 500, 400, &off), 0);
	assert_int_equal(off, 900);
}

static void test_put_out_of_order_says_what_is_wanted(void **state)
{
	struct bench *bench = *state;
	uint8_t item[900];
	uint64_t off = 99;

	fill(item, sizeof(item), 3);
	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_chunk(line, "dps", BYTES_ARRAY(item), 400, 100, &off), 0);
	assert_int_equal(off, 0);
}

static void test_put_with_wrong_sha_is_not_kept(void **state)
{
	struct bench *bench = *state;
	const uint8_t wrong[SHA256_LEN] = { 1 };
	BUF_AUTO(back, FIXTURE_ITEM_MAX);

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_ask(line, SMP_WRITE, SMP_PROVISION_PUT,
				  SMP_FIELDS(smp_text("item", "dps"), smp_uint("off", 0), smp_uint("len", 2),
					     smp_bytes("sha", BYTES_ARRAY(wrong)),
					     smp_bytes("data", BYTES_LIT("{}")))),
			 SMP_RC_CORRUPT);
	assert_int_equal(line_get(line, "dps", &back), SMP_RC_NO_ENTRY);
	assert_false(bench_flash(bench, bench->devices[0].serial, "provisioning.json", &back));
}

static unsigned put_raw(struct line *line, uint64_t off, uint64_t len, size_t sha_len, struct bytes data)
{
	const uint8_t sha[SHA256_LEN] = { 0 };

	return line_ask(line, SMP_WRITE, SMP_PROVISION_PUT,
			SMP_FIELDS(smp_text("item", "dps"), smp_uint("off", off), smp_uint("len", len),
				   smp_bytes("sha", bytes_of(sha, sha_len)), smp_bytes("data", data)));
}

static void test_put_with_lengths_that_lie_is_refused(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(put_raw(line, 0, 1, 32, BYTES_LIT("{}")), SMP_RC_INVALID);
	assert_int_equal(put_raw(line, 3, 2, 32, BYTES_LIT("")), SMP_RC_INVALID);
	assert_int_equal(put_raw(line, UINT64_MAX, 2, 32, BYTES_LIT("{}")), SMP_RC_INVALID);
	assert_int_equal(put_raw(line, 0, 0, 32, BYTES_LIT("")), SMP_RC_INVALID);
	assert_int_equal(put_raw(line, 0, 2, 31, BYTES_LIT("{}")), SMP_RC_INVALID);
	assert_int_equal(put_raw(line, 0, FIXTURE_ITEM_MAX + 1, 32, BYTES_LIT("{}")), SMP_RC_TOO_LARGE);
}

static void test_put_of_an_item_the_kind_has_not_is_refused(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_put(line, "symkey", BYTES_LIT("0123456789abcdef"), 16), SMP_RC_NOT_SUPPORTED);
	assert_int_equal(line_put(line, "firmware", BYTES_LIT("0123456789abcdef"), 16), SMP_RC_NOT_SUPPORTED);
}

static void test_packet_larger_than_the_buffer_is_refused(void **state)
{
	static const uint8_t item[2000] = { 9 };
	struct bench *bench = *state;
	BUF_AUTO(back, FIXTURE_ITEM_MAX);

	bench_start(bench, "1", (const char *const[]){ "--kinds", "sensor", "--buf-size", "512", NULL });
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_put(line, "chain", BYTES_ARRAY(item), 512), SMP_RC_TOO_LARGE);
	assert_int_equal(line_put(line, "chain", BYTES_ARRAY(item), 400), 0);
	/* What it sends keeps to the same size. */
	assert_int_equal(line_get(line, "chain", &back), 0);
	assert_true(bytes_equal(buf_bytes(&back), BYTES_ARRAY(item)));
	assert_true(line->answer.len <= 512 - SMP_HEADER_LEN);
}

static void test_get_of_a_secret_is_refused(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(back, FIXTURE_ITEM_MAX);

	bench_start(bench, "2", (const char *const[]){ "--kinds", "controller,meter", NULL });
	LINE_AUTO(controller, bench, 0);
	assert_int_equal(line_get(controller, "key", &back), SMP_RC_NOT_SUPPORTED);
	LINE_AUTO(meter, bench, 1);
	assert_int_equal(line_put(meter, "symkey", BYTES_LIT("0123456789abcdef"), 16), 0);
	assert_int_equal(line_get(meter, "symkey", &back), SMP_RC_NOT_SUPPORTED);
}

static void test_symkey_is_base64_on_the_flash(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(file, 256);

	bench_start(bench, "1", METER);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_put(line, "symkey", BYTES_LIT("0123456789abcdef"), 7), 0);
	assert_true(bench_flash(bench, bench->devices[0].serial, "symmetric.key", &file));
	assert_true(bytes_equal(buf_bytes(&file), BYTES_LIT("MDEyMzQ1Njc4OWFiY2RlZg==\n")));
}

static void test_lock_of_a_blank_device_is_refused(void **state)
{
	struct bench *bench = *state;

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_ask(line, SMP_WRITE, SMP_PROVISION_LOCK, SMP_NO_FIELDS), SMP_RC_BAD_STATE);
}

static void test_locked_device_refuses_changes_after_restart_too(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(out, FIXTURE_ITEM_MAX);
	char unit_state[16];

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_csr(line, "a", &out), 0);
	assert_int_equal(line_put(line, "dps", BYTES_LIT("{\"a\":1}"), 64), 0);
	assert_int_equal(line_ask(line, SMP_WRITE, SMP_PROVISION_LOCK, SMP_NO_FIELDS), 0);
	assert_int_equal(line_put(line, "dps", BYTES_LIT("{\"a\":2}"), 64), SMP_RC_BAD_STATE);
	assert_int_equal(bench_stop(bench), 0);

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(again, bench, 0);
	assert_int_equal(line_ask(again, SMP_READ, SMP_PROVISION_INFO, SMP_NO_FIELDS), 0);
	assert_int_equal(smp_body_text(&again->body, "state", unit_state, sizeof(unit_state)), 0);
	assert_string_equal(unit_state, "locked");
	assert_int_equal(line_put(again, "dps", BYTES_LIT("{\"a\":2}"), 64), SMP_RC_BAD_STATE);
	assert_int_equal(line_csr(again, "a", &out), SMP_RC_BAD_STATE);
	assert_int_equal(line_get(again, "dps", &out), 0);
	assert_true(bytes_equal(buf_bytes(&out), BYTES_LIT("{\"a\":1}")));
}

static void test_kill_in_the_middle_of_a_put_leaves_the_old_item(void **state)
{
	struct bench *bench = *state;
	BUF_AUTO(back, FIXTURE_ITEM_MAX);
	static uint8_t old[3000], new[3000];
	uint64_t off = 0;

	fill(old, sizeof(old), 4);
	fill(new, sizeof(new), 5);
	bench_start(bench, "1", SENSOR);
	LINE_AUTO(line, bench, 0);
	assert_int_equal(line_put(line, "chain", BYTES_ARRAY(old), 1000), 0);
	assert_int_equal(line_chunk(line, "chain", BYTES_ARRAY(new), 0, 2000, &off), 0);
	bench_kill(bench);

	bench_start(bench, "1", SENSOR);
	LINE_AUTO(again, bench, 0);
	assert_int_equal(line_get(again, "chain", &back), 0);
	assert_true(bytes_equal(buf_bytes(&back), BYTES_ARRAY(old)));
	/* What was half there is forgotten: the device wants the new one from its beginning. */
	assert_int_equal(line_chunk(again, "chain", BYTES_ARRAY(new), 2000, 500, &off), 0);
	assert_int_equal(off, 0);
	assert_int_equal(line_put(again, "chain", BYTES_ARRAY(new), 1000), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_put_in_chunks_then_get_gives_the_same),
		CASE(test_put_begun_again_goes_on_where_it_was),
		CASE(test_put_out_of_order_says_what_is_wanted),
		CASE(test_put_with_wrong_sha_is_not_kept),
		CASE(test_put_with_lengths_that_lie_is_refused),
		CASE(test_put_of_an_item_the_kind_has_not_is_refused),
		CASE(test_packet_larger_than_the_buffer_is_refused),
		CASE(test_get_of_a_secret_is_refused),
		CASE(test_symkey_is_base64_on_the_flash),
		CASE(test_lock_of_a_blank_device_is_refused),
		CASE(test_locked_device_refuses_changes_after_restart_too),
		CASE(test_kill_in_the_middle_of_a_put_leaves_the_old_item),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
