/*
 * MQTT 3.1.1 as far as the Device Provisioning Service speaks it (dps-api 5.5):
 * packets in mqtt_packet.c, what a connection may do in mqtt_session.c, TLS and
 * threads in mqtt_server.c alone. "MQTT n.n" cites the OASIS standard.
 */
#ifndef MQTT_INTERNAL_H
#define MQTT_INTERNAL_H

#include "enroll/emulator/dps_internal.h"

#define MQTT_TOPIC_MAX   1024
#define MQTT_PACKET_MAX  (DPS_BODY_MAX + MQTT_TOPIC_MAX + 16)
#define MQTT_FILTERS_MAX 8

enum mqtt_type {
	MQTT_CONNECT = 1,
	MQTT_CONNACK = 2,
	MQTT_PUBLISH = 3,
	MQTT_PUBACK = 4,
	MQTT_SUBSCRIBE = 8,
	MQTT_SUBACK = 9,
	MQTT_UNSUBSCRIBE = 10,
	MQTT_UNSUBACK = 11,
	MQTT_PINGREQ = 12,
	MQTT_PINGRESP = 13,
	MQTT_DISCONNECT = 14,
};

/* Return codes of CONNACK: MQTT 3.2.2.3. */
enum mqtt_connack {
	MQTT_ACCEPTED = 0,
	MQTT_WRONG_VERSION = 1,
	MQTT_ID_REJECTED = 2,
	MQTT_NOT_AUTHORIZED = 5,
};
#define MQTT_SUBSCRIBE_FAILED 0x80

/* --- Packets: pure --------------------------------------------------------------------------------------- */

/* A packet of a client. Borrows the bytes it was read from; only the members of its type are set. */
struct mqtt_packet {
	enum mqtt_type type;
	uint16_t packet_id; /* PUBLISH with QoS 1, SUBSCRIBE, UNSUBSCRIBE, PUBACK */

	uint8_t level; /* CONNECT: the protocol's; nothing after it is read unless it is 4 */
	bool clean;
	uint16_t keepalive_s;
	struct bytes client_id, user, password; /* p is NULL where there is none */

	struct bytes topic, payload; /* PUBLISH */
	uint8_t qos;

	struct bytes filters[MQTT_FILTERS_MAX]; /* SUBSCRIBE, UNSUBSCRIBE */
	uint8_t filter_qos[MQTT_FILTERS_MAX];
	size_t filters_n;
};

/* Whole length of the packet that in begins with; 0 while that can't be told. ERR_UNIT beyond MQTT_PACKET_MAX. */
MUST_USE int mqtt_packet_length(struct bytes in, size_t *ret_len, struct err *err);
/* One whole packet. ERR_UNIT: malformed, or not one that a client may send here; the connection ends. */
MUST_USE int mqtt_packet_parse(struct bytes in, struct mqtt_packet *ret, struct err *err);

/* Each adds a packet, or returns -1 with out as it was. */
MUST_USE int mqtt_put_connack(struct buf *out, enum mqtt_connack code);
/* PUBACK and UNSUBACK. */
MUST_USE int mqtt_put_ack(struct buf *out, enum mqtt_type type, uint16_t packet_id);
MUST_USE int mqtt_put_suback(struct buf *out, uint16_t packet_id, const uint8_t *codes, size_t n);
MUST_USE int mqtt_put_pingresp(struct buf *out);
/* With QoS 0. */
MUST_USE int mqtt_put_publish(struct buf *out, const char *topic, struct bytes payload);

/* --- A connection, without its transport ----------------------------------------------------------------- */

enum mqtt_state {
	MQTT_NEW, /* waits for CONNECT */
	MQTT_OPEN,
	MQTT_ENDED, /* to be closed once what was answered is sent */
};

/* Fill dps and the chain, the rest is zero. */
struct mqtt_session {
	struct dps *dps;
	const struct bytes *chain; /* of TLS, as in struct dps_request */
	size_t chain_n;

	enum mqtt_state state;
	bool reset; /* once ENDED: by TCP reset */
	bool subscribed;
	uint16_t keepalive_s; /* 0: the client promises nothing */
	char scope[64], id[DPS_ID_MAX + 1], api_version[32];
	char password[1024]; /* a SAS token; "": the certificate speaks for it */
};

/*
 * Takes one whole packet and adds what is answered to out. ERR_UNIT: the client breaks the protocol
 * and the connection ends, with what out has.
 */
MUST_USE int mqtt_session_take(struct mqtt_session *session, struct bytes packet, int64_t at_ticks,
			       struct buf *out, struct err *err);

/* --- TLS and threads -------------------------------------------------------------------------------------- */

struct mqtt_server;
/* Listens on address:port; *ret_port is the one it got. ERR_RETRY if the port is taken. */
MUST_USE int mqtt_server_start(struct dps *dps, const struct dps_identity *identity, const char *address,
			       uint16_t port, struct mqtt_server **ret_server, uint16_t *ret_port,
			       struct err *err);
/* Ends all connections. */
void mqtt_server_stop(struct mqtt_server *server);
DEFINE_CLEANUP(mqtt_server_stopp, struct mqtt_server, mqtt_server_stop)

#endif
