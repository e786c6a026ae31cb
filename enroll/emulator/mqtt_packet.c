/*
 * Packets of MQTT 3.1.1. What a client of this service never sends (wills with
 * QoS 3, QoS 2, reserved flags) is malformed here: a server has to close such a
 * connection anyway (MQTT 4.8).
 */
#include "enroll/emulator/mqtt_internal.h"

#define QOS(flags)       ((uint8_t)(((flags) >> 1) & 3))
#define SUBSCRIBE_FLAGS  2 /* MQTT 3.8.1, 3.10.1 */
#define LENGTH_BYTES_MAX 4
#define LEVEL_3_1_1      4

/* MQTT 3.1.2.3 */
enum connect_flag {
	FLAG_RESERVED = 0x01,
	FLAG_CLEAN = 0x02,
	FLAG_WILL = 0x04,
	FLAG_WILL_QOS = 0x18,
	FLAG_WILL_RETAIN = 0x20,
	FLAG_PASSWORD = 0x40,
	FLAG_USER = 0x80,
};

static int malformed(const char *what, struct err *err)
{
	return err_set(err, ERR_UNIT, 0, "malformed MQTT packet: %s", what);
}

/* type and flags, length 7 bits a byte, lowest first, highest bit: more follows (MQTT 2.2.3). */
static int take_header(struct bytes *in, uint8_t *ret_first, size_t *ret_rest, bool *ret_whole)
{
	uint8_t first, byte = 0x80;
	size_t rest = 0;

	*ret_whole = false;
	if (take_u8(in, &first) < 0)
		return 0;
	for (unsigned i = 0; (byte & 0x80) != 0; i++) {
		if (i == LENGTH_BYTES_MAX)
			return -1;
		if (take_u8(in, &byte) < 0)
			return 0;
		rest |= (size_t)(byte & 0x7f) << (7 * i);
	}
	*ret_first = first;
	*ret_rest = rest;
	*ret_whole = true;
	return 0;
}

int mqtt_packet_length(struct bytes in, size_t *ret_len, struct err *err)
{
	struct bytes at = in;
	uint8_t first;
	size_t rest;
	bool whole;

	if (take_header(&at, &first, &rest, &whole) < 0)
		return malformed("its length", err);
	if (whole && rest > MQTT_PACKET_MAX)
		return malformed("larger than this service takes", err);
	*ret_len = whole ? (size_t)(at.p - in.p) + rest : 0;
	return 0;
}

/* u16 length, bytes */
static int take_field(struct bytes *in, struct bytes *ret)
{
	struct bytes at = *in;
	uint16_t len;

	if (take_u16(&at, &len) < 0 || take(&at, len, ret) < 0)
		return -1;
	*in = at;
	return 0;
}

/* Packet identifiers are never 0: MQTT 2.3.1. */
static int take_id(struct bytes *in, uint16_t *ret)
{
	return take_u16(in, ret) < 0 || *ret == 0 ? -1 : 0;
}

static bool connect_flags_right(uint8_t flags)
{
	if ((flags & FLAG_RESERVED) != 0 || (flags & FLAG_WILL_QOS) == FLAG_WILL_QOS)
		return false;
	if ((flags & FLAG_WILL) == 0 && (flags & (FLAG_WILL_QOS | FLAG_WILL_RETAIN)) != 0)
		return false;
	return (flags & FLAG_USER) != 0 || (flags & FLAG_PASSWORD) == 0;
}

/* client id, [will topic, will message], [user], [password] */
static int take_connect_payload(struct bytes *in, uint8_t flags, struct mqtt_packet *ret)
{
	struct bytes will;

	if (take_field(in, &ret->client_id) < 0)
		return -1;
	if ((flags & FLAG_WILL) != 0 && (take_field(in, &will) < 0 || take_field(in, &will) < 0))
		return -1;
	if ((flags & FLAG_USER) != 0 && take_field(in, &ret->user) < 0)
		return -1;
	return (flags & FLAG_PASSWORD) != 0 ? take_field(in, &ret->password) : 0;
}

/* "MQTT", u8 level, u8 flags, u16 keep alive, payload */
static int take_connect(struct bytes *in, struct mqtt_packet *ret)
{
	struct bytes name;
	uint8_t flags;

	if (take_field(in, &name) < 0 || take_u8(in, &ret->level) < 0)
		return -1;
	if (!bytes_equal(name, BYTES_LIT("MQTT")) || ret->level != LEVEL_3_1_1) {
		ret->level = 0; /* answered with CONNACK 1: MQTT 3.1.2.2 */
		*in = BYTES_NONE;
		return 0;
	}
	if (take_u8(in, &flags) < 0 || !connect_flags_right(flags) || take_u16(in, &ret->keepalive_s) < 0)
		return -1;
	ret->clean = (flags & FLAG_CLEAN) != 0;
	return take_connect_payload(in, flags, ret);
}

/* topic, u16 packet id if QoS > 0, the rest is the payload */
static int take_publish(struct bytes *in, uint8_t flags, struct mqtt_packet *ret)
{
	ret->qos = QOS(flags);
	if (ret->qos > 1 || take_field(in, &ret->topic) < 0 || ret->topic.len == 0 ||
	    (ret->qos > 0 && take_id(in, &ret->packet_id) < 0))
		return -1;
	ret->payload = *in;
	*in = BYTES_NONE;
	return 0;
}

/* u16 packet id, 1*( filter, [u8 QoS] ) */
static int take_filters(struct bytes *in, struct mqtt_packet *ret)
{
	if (take_id(in, &ret->packet_id) < 0 || in->len == 0)
		return -1;
	for (; in->len > 0; ret->filters_n++) {
		size_t i = ret->filters_n;

		if (i == MQTT_FILTERS_MAX || take_field(in, &ret->filters[i]) < 0 || ret->filters[i].len == 0)
			return -1;
		if (ret->type == MQTT_SUBSCRIBE &&
		    (take_u8(in, &ret->filter_qos[i]) < 0 || ret->filter_qos[i] > 2))
			return -1;
	}
	return 0;
}

static int take_body(struct bytes *in, uint8_t flags, struct mqtt_packet *ret)
{
	switch (ret->type) {
	case MQTT_CONNECT:
		return flags == 0 ? take_connect(in, ret) : -1;
	case MQTT_PUBLISH:
		return take_publish(in, flags, ret);
	case MQTT_PUBACK:
		return flags == 0 ? take_id(in, &ret->packet_id) : -1;
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE:
		return flags == SUBSCRIBE_FLAGS ? take_filters(in, ret) : -1;
	case MQTT_PINGREQ:
	case MQTT_DISCONNECT:
		return flags == 0 ? 0 : -1;
	case MQTT_CONNACK:
	case MQTT_SUBACK:
	case MQTT_UNSUBACK:
	case MQTT_PINGRESP:
		return -1; /* a server's */
	}
	return -1;
}

int mqtt_packet_parse(struct bytes in, struct mqtt_packet *ret, struct err *err)
{
	struct mqtt_packet packet = { 0 };
	uint8_t first = 0;
	size_t rest = 0;
	bool whole;

	if (take_header(&in, &first, &rest, &whole) < 0 || !whole || rest != in.len)
		return malformed("its length", err);
	packet.type = (enum mqtt_type)(first >> 4);
	if (take_body(&in, first & 0x0f, &packet) < 0 || in.len != 0)
		return malformed("its content, or not a client's", err);
	*ret = packet;
	return 0;
}

int mqtt_put_connack(struct buf *out, enum mqtt_connack code)
{
	const uint8_t packet[] = { MQTT_CONNACK << 4, 2, 0, (uint8_t)code }; /* no session is ever present */

	return buf_append(out, BYTES_ARRAY(packet));
}

int mqtt_put_ack(struct buf *out, enum mqtt_type type, uint16_t packet_id)
{
	const uint8_t packet[] = { (uint8_t)(type << 4), 2, (uint8_t)(packet_id >> 8), (uint8_t)packet_id };

	return buf_append(out, BYTES_ARRAY(packet));
}

int mqtt_put_suback(struct buf *out, uint16_t packet_id, const uint8_t *codes, size_t n)
{
	uint8_t packet[4 + MQTT_FILTERS_MAX] = { MQTT_SUBACK << 4, (uint8_t)(2 + n),
						 (uint8_t)(packet_id >> 8), (uint8_t)packet_id };

	base_assert(n <= MQTT_FILTERS_MAX);
	memcpy(packet + 4, codes, n);
	return buf_append(out, bytes_of(packet, 4 + n));
}

int mqtt_put_pingresp(struct buf *out)
{
	const uint8_t packet[] = { MQTT_PINGRESP << 4, 0 };

	return buf_append(out, BYTES_ARRAY(packet));
}

static size_t length_encode(size_t rest, uint8_t out[LENGTH_BYTES_MAX])
{
	size_t n = 0;

	do {
		out[n++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
		rest >>= 7;
	} while (rest > 0);
	return n;
}

int mqtt_put_publish(struct buf *out, const char *topic, struct bytes payload)
{
	const struct bytes name = bytes_str(topic);
	const size_t rest = 2 + name.len + payload.len, before = out->len;
	uint8_t length[LENGTH_BYTES_MAX];

	if (name.len > UINT16_MAX || rest >= (size_t)1 << 28)
		return -1;
	if (buf_append_u8(out, MQTT_PUBLISH << 4) < 0 ||
	    buf_append(out, bytes_of(length, length_encode(rest, length))) < 0 ||
	    buf_append_u16(out, (uint16_t)name.len) < 0 || buf_append(out, name) < 0 ||
	    buf_append(out, payload) < 0) {
		out->len = before;
		return -1;
	}
	return 0;
}
