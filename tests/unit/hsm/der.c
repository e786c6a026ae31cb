/* The DER that is written by hand, against bytes written by hand. */
#include "world.h"

static void assert_buf(const struct buf *buf, struct bytes expected)
{
	assert_true(bytes_equal(buf_bytes(buf), expected));
}

static void test_der_uint_shortest_form_with_sign_byte(void **state)
{
	static const uint8_t in[] = { 0x00, 0x00, 0x80, 0x01 };
	static const uint8_t out[] = { 0x02, 0x03, 0x00, 0x80, 0x01 };
	static const uint8_t zero[] = { 0x00, 0x00 };
	static const uint8_t zero_out[] = { 0x02, 0x01, 0x00 };
	BUF_AUTO(buf, 64);

	(void)state;
	assert_int_equal(der_uint(&buf, BYTES_ARRAY(in)), 0);
	assert_buf(&buf, BYTES_ARRAY(out));
	buf_clear(&buf);
	assert_int_equal(der_uint(&buf, BYTES_ARRAY(zero)), 0);
	assert_buf(&buf, BYTES_ARRAY(zero_out));
	assert_int_equal(der_uint(&buf, BYTES_NONE), -1);
}

static void test_der_tlv_length_forms(void **state)
{
	static const uint8_t content[300];
	static const struct {
		size_t len;
		uint8_t head[4];
		size_t head_len;
	} cases[] = {
		{ 127, { 0x30, 0x7f }, 2 },
		{ 128, { 0x30, 0x81, 0x80 }, 3 },
		{ 255, { 0x30, 0x81, 0xff }, 3 },
		{ 256, { 0x30, 0x82, 0x01, 0x00 }, 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		BUF_AUTO(buf, 512);

		assert_int_equal(der_tlv(&buf, 0x30, bytes_of(content, cases[i].len)), 0);
		assert_int_equal(buf.len, cases[i].head_len + cases[i].len);
		assert_memory_equal(buf.p, cases[i].head, cases[i].head_len);
	}
}

static void test_der_tlv_beyond_the_maximum_refused(void **state)
{
	BUF_AUTO(buf, 8);

	(void)state;
	assert_int_equal(der_tlv(&buf, 0x30, BYTES_LIT("1234567")), -1);
}

static void test_der_octets_whole_string_only(void **state)
{
	static const uint8_t good[] = { 0x04, 0x02, 0xaa, 0xbb };
	static const uint8_t trailing[] = { 0x04, 0x01, 0xaa, 0xbb };
	static const uint8_t cut[] = { 0x04, 0x03, 0xaa, 0xbb };
	static const uint8_t long_form[] = { 0x04, 0x81, 0x02, 0xaa, 0xbb };
	static const uint8_t other_tag[] = { 0x03, 0x02, 0xaa, 0xbb };
	struct bytes content = BYTES_NONE;

	(void)state;
	assert_int_equal(der_octets(BYTES_ARRAY(trailing), &content), -1);
	assert_int_equal(der_octets(BYTES_ARRAY(cut), &content), -1);
	assert_int_equal(der_octets(BYTES_ARRAY(long_form), &content), -1);
	assert_int_equal(der_octets(BYTES_ARRAY(other_tag), &content), -1);
	assert_int_equal(der_octets(BYTES_NONE, &content), -1);
	assert_null(content.p);
	assert_int_equal(der_octets(BYTES_ARRAY(good), &content), 0);
	assert_true(bytes_equal(content, bytes_of(good + 2, 2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_der_uint_shortest_form_with_sign_byte),
		cmocka_unit_test(test_der_tlv_length_forms),
		cmocka_unit_test(test_der_tlv_beyond_the_maximum_refused),
		cmocka_unit_test(test_der_octets_whole_string_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
