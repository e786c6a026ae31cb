/* Buffers with a maximum and the cursor: every refusal leaves things as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_buf_append_to_the_maximum_then_refused(void **state)
{
	BUF_AUTO(buf, 4);

	(void)state;
	assert_int_equal(buf_append(&buf, BYTES_LIT("abc")), 0);
	assert_int_equal(buf_append(&buf, BYTES_LIT("de")), -1);
	assert_int_equal(buf.len, 3);
	assert_int_equal(buf_append(&buf, BYTES_LIT("d")), 0);
	assert_int_equal(buf_append_u8(&buf, 0), -1);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES_LIT("abcd")));
}

static void test_buf_grows_past_its_first_block(void **state)
{
	BUF_AUTO(buf, 100000);

	(void)state;
	for (unsigned i = 0; i < 25000; i++)
		assert_int_equal(buf_append_u32(&buf, i), 0);
	assert_int_equal(buf.len, 100000);
	assert_int_equal(buf.p[99999], 24999 & 255);
	assert_int_equal(buf.p[99998], 24999 >> 8);
}

static void test_buf_integers_are_big_endian(void **state)
{
	static const uint8_t expected[] = { 1, 2, 3, 4, 5, 6, 7 };
	BUF_AUTO(buf, 7);

	(void)state;
	assert_int_equal(buf_append_u8(&buf, 1), 0);
	assert_int_equal(buf_append_u16(&buf, 0x0203), 0);
	assert_int_equal(buf_append_u32(&buf, 0x04050607), 0);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES_ARRAY(expected)));
}

static void test_buf_set_too_long_keeps_the_content(void **state)
{
	BUF_AUTO(buf, 3);

	(void)state;
	assert_int_equal(buf_set(&buf, BYTES_LIT("abc")), 0);
	assert_int_equal(buf_set(&buf, BYTES_LIT("abcd")), -1);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES_LIT("abc")));
	assert_int_equal(buf_set(&buf, BYTES_LIT("z")), 0);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES_LIT("z")));
}

static void test_buf_clear_wipes_and_keeps_the_memory(void **state)
{
	BUF_AUTO(buf, 100);
	const uint8_t *p;

	(void)state;
	assert_int_equal(buf_append(&buf, BYTES_LIT("secret")), 0);
	p = buf.p;
	buf_clear(&buf);
	assert_ptr_equal(buf.p, p);
	assert_int_equal(buf.len, 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(p[i], 0);
}

static void test_buf_reserve_over_the_maximum_refused(void **state)
{
	BUF_AUTO(buf, 10);

	(void)state;
	assert_non_null(buf_reserve(&buf, 10));
	assert_null(buf_reserve(&buf, 11));
	assert_null(buf_reserve(&buf, SIZE_MAX));
	assert_int_equal(buf_append(&buf, BYTES_LIT("abc")), 0);
	assert_null(buf_reserve(&buf, SIZE_MAX - 1));
}

static void test_buf_consume_more_than_there_is_empties(void **state)
{
	BUF_AUTO(buf, 10);

	(void)state;
	buf_consume(&buf, 1);
	assert_int_equal(buf_append(&buf, BYTES_LIT("abcdef")), 0);
	buf_consume(&buf, 2);
	assert_true(bytes_equal(buf_bytes(&buf), BYTES_LIT("cdef")));
	buf_consume(&buf, 99);
	assert_int_equal(buf.len, 0);
}

static void test_take_integers_in_order(void **state)
{
	static const uint8_t data[] = { 1, 2, 3, 0xf4, 5, 6, 7 };
	struct bytes in = BYTES_ARRAY(data);
	uint8_t u8 = 0;
	uint16_t u16 = 0;
	uint32_t u32 = 0;

	(void)state;
	assert_int_equal(take_u8(&in, &u8), 0);
	assert_int_equal(take_u16(&in, &u16), 0);
	assert_int_equal(take_u32(&in, &u32), 0);
	assert_int_equal(u8, 1);
	assert_int_equal(u16, 0x0203);
	assert_true(u32 == 0xf4050607);
	assert_int_equal(in.len, 0);
}

static void test_take_past_the_end_changes_nothing(void **state)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct bytes in = BYTES_ARRAY(data), out = BYTES_LIT("kept");
	uint32_t u32 = 7;
	uint16_t u16 = 7;

	(void)state;
	assert_int_equal(take(&in, 4, &out), -1);
	assert_int_equal(take(&in, SIZE_MAX, &out), -1);
	assert_int_equal(take_u32(&in, &u32), -1);
	assert_true(bytes_equal(out, BYTES_LIT("kept")));
	assert_int_equal(u32, 7);
	assert_int_equal(take(&in, 2, &out), 0);
	assert_int_equal(take_u16(&in, &u16), -1);
	assert_int_equal(u16, 7);
	assert_int_equal(in.len, 1);
}

static void test_take_nothing_from_nothing(void **state)
{
	struct bytes in = BYTES_NONE, out = BYTES_LIT("x");
	uint8_t u8 = 7;

	(void)state;
	assert_int_equal(take(&in, 0, &out), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(take_u8(&in, &u8), -1);
}

static void test_bytes_to_str_too_long_or_with_nul_refused(void **state)
{
	char out[4] = "old";

	(void)state;
	assert_int_equal(bytes_to_str(BYTES_LIT("abcd"), out, sizeof(out)), -1);
	assert_int_equal(bytes_to_str(BYTES_LIT("a\0b"), out, sizeof(out)), -1);
	assert_string_equal(out, "old");
	assert_int_equal(bytes_to_str(BYTES_LIT("abc"), out, sizeof(out)), 0);
	assert_string_equal(out, "abc");
	assert_int_equal(bytes_to_str(BYTES_NONE, out, sizeof(out)), 0);
	assert_string_equal(out, "");
}

static void test_str_format_truncation_is_failure(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(str_format(out, sizeof(out), "%d", 123), 0);
	assert_int_equal(str_format(out, sizeof(out), "%d", 1234), -1);
}

static void test_bytes_equal_compares_length_and_content(void **state)
{
	(void)state;
	assert_true(bytes_equal(BYTES_NONE, BYTES_LIT("")));
	assert_false(bytes_equal(BYTES_LIT("ab"), BYTES_LIT("abc")));
	assert_false(bytes_equal(BYTES_LIT("ab"), BYTES_LIT("ac")));
}

static void test_str_make_printable_leaves_no_control_character(void **state)
{
	char text[] = "a\033[2Jb\x7f\tc\xc2\x9b"
		      "d\xc2\xb5 \xc3\x9f\xc2";

	(void)state;
	str_make_printable(text);
	/* CSI in both its forms is gone; a micro sign, a sharp s and half a character stay. */
	assert_string_equal(text, "a?[2Jb??c??d\xc2\xb5 \xc3\x9f\xc2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_append_to_the_maximum_then_refused),
		cmocka_unit_test(test_buf_grows_past_its_first_block),
		cmocka_unit_test(test_buf_integers_are_big_endian),
		cmocka_unit_test(test_buf_set_too_long_keeps_the_content),
		cmocka_unit_test(test_buf_clear_wipes_and_keeps_the_memory),
		cmocka_unit_test(test_buf_reserve_over_the_maximum_refused),
		cmocka_unit_test(test_buf_consume_more_than_there_is_empties),
		cmocka_unit_test(test_take_integers_in_order),
		cmocka_unit_test(test_take_past_the_end_changes_nothing),
		cmocka_unit_test(test_take_nothing_from_nothing),
		cmocka_unit_test(test_bytes_to_str_too_long_or_with_nul_refused),
		cmocka_unit_test(test_str_format_truncation_is_failure),
		cmocka_unit_test(test_str_make_printable_leaves_no_control_character),
		cmocka_unit_test(test_bytes_equal_compares_length_and_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
