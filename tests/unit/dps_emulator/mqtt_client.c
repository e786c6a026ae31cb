/* Packets as a client puts them together. */
#include "tests/unit/dps_emulator/mqtt_client.h"

#include <stdlib.h>

int mqtt_client_setup(void **state)
{
	struct mqtt_client *client = calloc(1, sizeof(*client));
	void *service;

	if (client == NULL || service_setup(&service) < 0)
		return -1;
	client->service = service;
	client->session.dps = client->service->dps;
	buf_init(&client->in, MQTT_PACKET_MAX);
	buf_init(&client->out, DPS_REPLY_MAX);
	*state = client;
	return 0;
}

int mqtt_client_teardown(void **state)
{
	struct mqtt_client *client = *state;
	void *service = client->service;

	buf_deinit(&client->in);
	buf_deinit(&client->out);
	free(client);
	return service_teardown(&service);
}

void mqtt_client_field(struct buf *buf, const char *text)
{
	assert_int_equal(buf_append_u16(buf, (uint16_t)strlen(text)), 0);
	assert_int_equal(buf_append(buf, bytes_str(text)), 0);
}

void mqtt_client_packet(struct mqtt_client *client, uint8_t first)
{
	BUF_AUTO(packet, MQTT_PACKET_MAX);
	size_t rest = client->in.len;
	struct err err;

	assert_int_equal(buf_append_u8(&packet, first), 0);
	do {
		assert_int_equal(buf_append_u8(&packet, (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))),
				 0);
		rest >>= 7;
	} while (rest > 0);
	assert_int_equal(buf_append(&packet, buf_bytes(&client->in)), 0);
	buf_clear(&client->in);
	buf_clear(&client->out);
	client->rc = mqtt_session_take(&client->session, buf_bytes(&packet), TEST_TICKS, &client->out, &err);
}

void mqtt_client_connect(struct mqtt_client *client, const char *client_id, const char *user,
			 const char *password)
{
	const uint8_t flags = (uint8_t)(2 | (user != NULL ? 0x80 : 0) | (password != NULL ? 0x40 : 0));

	mqtt_client_field(&client->in, "MQTT");
	assert_int_equal(buf_append_u8(&client->in, 4), 0);
	assert_int_equal(buf_append_u8(&client->in, flags), 0);
	assert_int_equal(buf_append_u16(&client->in, 180), 0);
	mqtt_client_field(&client->in, client_id);
	if (user != NULL)
		mqtt_client_field(&client->in, user);
	if (password != NULL)
		mqtt_client_field(&client->in, password);
	mqtt_client_packet(client, MQTT_CONNECT << 4);
}

void mqtt_client_subscribe(struct mqtt_client *client, const char *filter, uint8_t qos)
{
	assert_int_equal(buf_append_u16(&client->in, 5), 0);
	mqtt_client_field(&client->in, filter);
	assert_int_equal(buf_append_u8(&client->in, qos), 0);
	mqtt_client_packet(client, MQTT_SUBSCRIBE << 4 | 2);
}

void mqtt_client_publish(struct mqtt_client *client, uint16_t packet_id, const char *topic,
			 const char *payload)
{
	mqtt_client_field(&client->in, topic);
	if (packet_id != 0)
		assert_int_equal(buf_append_u16(&client->in, packet_id), 0);
	assert_int_equal(buf_append(&client->in, bytes_str(payload)), 0);
	mqtt_client_packet(client, (uint8_t)(MQTT_PUBLISH << 4 | (packet_id != 0 ? 2 : 0)));
}

void mqtt_client_answer(const struct mqtt_client *client, size_t skip, char *topic, size_t cap,
			json_t **ret_body)
{
	struct mqtt_packet packet;
	struct err err;

	assert_int_equal(client->rc, 0);
	assert_true(client->out.len > skip);
	assert_int_equal(
		mqtt_packet_parse(bytes_of(client->out.p + skip, client->out.len - skip), &packet, &err), 0);
	assert_int_equal(packet.type, MQTT_PUBLISH);
	assert_int_equal(bytes_to_str(packet.topic, topic, cap), 0);
	*ret_body = json_loadb((const char *)packet.payload.p, packet.payload.len, 0, NULL);
	assert_non_null(*ret_body);
}
