/*
 * A stream of MQTT packets as a client could send it: no crash, no packet reaches
 * beyond its own bytes, and lengths are told alike from a part and from the whole.
 */
#include <stdlib.h>

#include "enroll/emulator/mqtt_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct bytes field, struct bytes packet)
{
	if (field.p != NULL && (field.p < packet.p || field.len > packet.len ||
				(size_t)(field.p - packet.p) > packet.len - field.len))
		abort();
}

static void check_packet(struct bytes bytes)
{
	struct mqtt_packet packet;
	struct err err;

	if (mqtt_packet_parse(bytes, &packet, &err) < 0)
		return;
	check_inside(packet.client_id, bytes);
	check_inside(packet.user, bytes);
	check_inside(packet.password, bytes);
	check_inside(packet.topic, bytes);
	check_inside(packet.payload, bytes);
	if (packet.filters_n > MQTT_FILTERS_MAX || packet.qos > 1)
		abort();
	for (size_t i = 0; i < packet.filters_n; i++)
		check_inside(packet.filters[i], bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), packet;
	size_t len, again;
	struct err err;

	while (mqtt_packet_length(in, &len, &err) == 0 && len > 0) {
		if (mqtt_packet_length(bytes_of(in.p, in.len < len ? in.len : len), &again, &err) < 0 ||
		    again != len)
			abort();
		if (take(&in, len, &packet) < 0)
			break;
		check_packet(packet);
	}
	return 0;
}
