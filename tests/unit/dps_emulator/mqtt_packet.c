/* Packets of MQTT 3.1.1: what clients send, what they must not, what they are answered. */
#include "enroll/emulator/mqtt_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void parse(struct bytes in, struct mqtt_packet *ret)
{
	struct err err;
	size_t len = 0;

	assert_int_equal(mqtt_packet_length(in, &len, &err), 0);
	assert_int_equal(len, in.len);
	assert_int_equal(mqtt_packet_parse(in, ret, &err), 0);
}

#define PARSE(lit, ret) parse(BYTES_LIT(lit), ret)
#define REFUSED(lit)    assert_int_equal(mqtt_packet_parse(BYTES_LIT(lit), &packet, &err), -1)

static void assert_text(struct bytes bytes, const char *text)
{
	assert_true(bytes_equal(bytes, bytes_str(text)));
}

static void test_connect_each_field_is_read(void **state)
{
	struct mqtt_packet packet;

	(void)state;
	PARSE("\x10\x14\0\x04MQTT\x04\xc2\0\xb4\0\x02id\0\x01u\0\x01p", &packet);
	assert_int_equal(packet.type, MQTT_CONNECT);
	assert_int_equal(packet.level, 4);
	assert_true(packet.clean);
	assert_int_equal(packet.keepalive_s, 180);
	assert_text(packet.client_id, "id");
	assert_text(packet.user, "u");
	assert_text(packet.password, "p");
}

static void test_connect_without_password_has_none(void **state)
{
	struct mqtt_packet packet;

	(void)state;
	PARSE("\x10\x11\0\x04MQTT\x04\x82\0\0\0\x02id\0\x01u", &packet);
	assert_null(packet.password.p);
	assert_int_equal(packet.keepalive_s, 0);
}

static void test_connect_will_is_passed_over(void **state)
{
	struct mqtt_packet packet;

	(void)state;
	PARSE("\x10\x17\0\x04MQTT\x04\x86\0\0\0\x02id\0\x01t\0\x01m\0\x01u", &packet);
	assert_text(packet.user, "u");
}

static void test_connect_of_another_version_is_told_apart(void **state)
{
	struct mqtt_packet packet;

	(void)state;
	PARSE("\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01x", &packet);
	assert_int_equal(packet.level, 0);
	PARSE("\x10\x0e\0\x04MQTT\x05\x02\0\x3c\0\0\x01x", &packet);
	assert_int_equal(packet.level, 0);
}

static void test_connect_malformed_refused(void **state)
{
	struct mqtt_packet packet;
	struct err err;

	(void)state;
	REFUSED("\x10\x0c\0\x04MQTT\x04\x03\0\0\0\0");         /* reserved flag   */
	REFUSED("\x10\x0e\0\x04MQTT\x04\x42\0\0\0\0\0\0");     /* password alone  */
	REFUSED("\x10\x0c\0\x04MQTT\x04\x22\0\0\0\0");         /* retain, no will */
	REFUSED("\x10\x10\0\x04MQTT\x04\x1e\0\0\0\0\0\0\0\0"); /* will of QoS 3   */
	REFUSED("\x10\x0d\0\x04MQTT\x04\x02\0\0\0\0x");        /* trailing byte   */
	REFUSED("\x10\x0d\0\x04MQTT\x04\x82\0\0\0\0\x01");     /* user cut        */
	REFUSED("\x11\x0c\0\x04MQTT\x04\x02\0\0\0\0");         /* header flag     */
}

static void test_publish_of_both_qualities(void **state)
{
	struct mqtt_packet packet;

	(void)state;
	PARSE("\x30\x06\0\x03"
	      "a/bX",
	      &packet);
	assert_int_equal(packet.qos, 0);
	assert_text(packet.topic, "a/b");
	assert_text(packet.payload, "X");
	PARSE("\x32\x07\0\x03"
	      "a/b\x7d\x29",
	      &packet);
	assert_int_equal(packet.qos, 1);
	assert_int_equal(packet.packet_id, 0x7d29);
	assert_int_equal(packet.payload.len, 0);
}

static void test_publish_malformed_refused(void **state)
{
	struct mqtt_packet packet;
	struct err err;

	(void)state;
	REFUSED("\x34\x07\0\x03"
		"a/b\0\x01"); /* QoS 2 is not offered */
	REFUSED("\x32\x07\0\x03"
		"a/b\0\0"); /* packet id 0          */
	REFUSED("\x32\x05\0\x03"
		"a/b");          /* no packet id         */
	REFUSED("\x30\x02\0\0"); /* no topic             */
	REFUSED("\x30\x04\0\x03"
		"a/"); /* topic cut            */
}

static void test_subscribe_filters_and_qualities(void **state)
{
	struct mqtt_packet packet;
	struct err err;

	(void)state;
	PARSE("\x82\x0a\0\x07\0\x01"
	      "a\x01\0\x01"
	      "b\x02",
	      &packet);
	assert_int_equal(packet.packet_id, 7);
	assert_int_equal(packet.filters_n, 2);
	assert_text(packet.filters[1], "b");
	assert_int_equal(packet.filter_qos[1], 2);
	REFUSED("\x80\x06\0\x07\0\x01"
		"a\x01");          /* flags     */
	REFUSED("\x82\x02\0\x07"); /* no filter */
	REFUSED("\x82\x06\0\x07\0\x01"
		"a\x03"); /* QoS 3     */
	REFUSED("\x82\x06\0\0\0\x01"
		"a\x01"); /* id 0      */
	PARSE("\xa2\x05\0\x08\0\x01"
	      "a",
	      &packet);
	assert_int_equal(packet.type, MQTT_UNSUBSCRIBE);
}

static void test_packets_without_content(void **state)
{
	struct mqtt_packet packet;
	struct err err;

	(void)state;
	PARSE("\xc0\0", &packet);
	assert_int_equal(packet.type, MQTT_PINGREQ);
	PARSE("\xe0\0", &packet);
	assert_int_equal(packet.type, MQTT_DISCONNECT);
	REFUSED("\xc0\x01x");
	REFUSED("\xe1\0");
}

static void test_packets_of_a_server_refused(void **state)
{
	struct mqtt_packet packet;
	struct err err;

	(void)state;
	REFUSED("\x20\x02\0\0");
	REFUSED("\x90\x03\0\x01\0");
	REFUSED("\xd0\0");
	REFUSED("\x50\x02\0\x01"); /* of QoS 2 */
	REFUSED("\0\0");
	REFUSED("\xf0\0");
}

static void test_length_of_a_part_and_its_limits(void **state)
{
	struct err err;
	size_t len;

	(void)state;
	assert_int_equal(mqtt_packet_length(BYTES_NONE, &len, &err), 0);
	assert_int_equal(len, 0);
	assert_int_equal(mqtt_packet_length(BYTES_LIT("\x30\x80"), &len, &err), 0);
	assert_int_equal(len, 0);
	assert_int_equal(mqtt_packet_length(BYTES_LIT("\x30\x80\x01"), &len, &err), 0);
	assert_int_equal(len, 3 + 128);
	assert_int_equal(mqtt_packet_length(BYTES_LIT("\x30\xff\xff\xff\x7f"), &len, &err), -1);
	assert_int_equal(mqtt_packet_length(BYTES_LIT("\x30\x80\x80\x80\x80\x01"), &len, &err), -1);
}

static void test_answers_byte_for_byte(void **state)
{
	static const uint8_t codes[] = { 1, MQTT_SUBSCRIBE_FAILED };
	BUF_AUTO(out, 1024);

	(void)state;
	assert_int_equal(mqtt_put_connack(&out, MQTT_NOT_AUTHORIZED), 0);
	assert_int_equal(mqtt_put_ack(&out, MQTT_PUBACK, 0x1234), 0);
	assert_int_equal(mqtt_put_suback(&out, 7, codes, 2), 0);
	assert_int_equal(mqtt_put_pingresp(&out), 0);
	assert_int_equal(mqtt_put_publish(&out, "t", BYTES_LIT("{}")), 0);
	assert_true(
		bytes_equal(buf_bytes(&out), BYTES_LIT("\x20\x02\0\x05\x40\x02\x12\x34\x90\x04\0\x07\x01\x80"
						       "\xd0\0\x30\x05\0\x01t{}")));
}

static void test_publish_with_a_long_length(void **state)
{
	static const uint8_t payload[200] = { 0 };
	BUF_AUTO(out, 1024);

	(void)state;
	assert_int_equal(mqtt_put_publish(&out, "t", BYTES_ARRAY(payload)), 0);
	assert_memory_equal(out.p, "\x30\xcb\x01\0\x01t", 6);
	assert_int_equal(out.len, 3 + 3 + 200);
}

static void test_publish_without_room_leaves_nothing(void **state)
{
	BUF_AUTO(out, 4);

	(void)state;
	assert_int_equal(mqtt_put_publish(&out, "topic", BYTES_LIT("{}")), -1);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect_each_field_is_read),
		cmocka_unit_test(test_connect_without_password_has_none),
		cmocka_unit_test(test_connect_will_is_passed_over),
		cmocka_unit_test(test_connect_of_another_version_is_told_apart),
		cmocka_unit_test(test_connect_malformed_refused),
		cmocka_unit_test(test_publish_of_both_qualities),
		cmocka_unit_test(test_publish_malformed_refused),
		cmocka_unit_test(test_subscribe_filters_and_qualities),
		cmocka_unit_test(test_packets_without_content),
		cmocka_unit_test(test_packets_of_a_server_refused),
		cmocka_unit_test(test_length_of_a_part_and_its_limits),
		cmocka_unit_test(test_answers_byte_for_byte),
		cmocka_unit_test(test_publish_with_a_long_length),
		cmocka_unit_test(test_publish_without_room_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
