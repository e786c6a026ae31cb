/* A device that speaks MQTT to the service, without a transport between them. */
#ifndef TESTS_DPS_MQTT_CLIENT_H
#define TESTS_DPS_MQTT_CLIENT_H

#include "tests/unit/dps_emulator/service.h"

#include "enroll/emulator/mqtt_internal.h"

struct mqtt_client {
	struct service *service;
	struct mqtt_session session;
	struct buf in, out;
	int rc;
};

/* cmocka fixtures; *state is a struct mqtt_client. */
int mqtt_client_setup(void **state);
int mqtt_client_teardown(void **state);

/* Each sends one packet; what is answered is in out, and rc says whether the connection goes on. */
void mqtt_client_connect(struct mqtt_client *client, const char *client_id, const char *user,
			 const char *password);
void mqtt_client_subscribe(struct mqtt_client *client, const char *filter, uint8_t qos);
/* packet_id 0: QoS 0. */
void mqtt_client_publish(struct mqtt_client *client, uint16_t packet_id, const char *topic,
			 const char *payload);
/* First byte, length, and what is in client->in. */
void mqtt_client_packet(struct mqtt_client *client, uint8_t first);
void mqtt_client_field(struct buf *buf, const char *text);
/* The topic of the one PUBLISH in out, after skip bytes, and its body, to be released. */
void mqtt_client_answer(const struct mqtt_client *client, size_t skip, char *topic, size_t cap,
			json_t **ret_body);

#endif
