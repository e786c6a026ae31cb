/* One device's MQTT connection, packet by packet, against the service itself. */
#include "tests/unit/dps_emulator/service.h"

#include "enroll/emulator/mqtt_internal.h"

#include <stdlib.h>

#define USER   "0ne00TEST/registrations/sym-dev-01/api-version=2019-03-31&ClientVersion=azure%2F1.9.1"
#define FILTER "$dps/registrations/res/#"
#define SAS    "SharedAccessSignature sr=0ne00TEST/registrations/sym-dev-01&sig=a&skn=registration&se=1"

struct world {
	struct service *service;
	struct mqtt_session session;
	struct buf in, out;
	int rc;
};

static int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	void *service;

	if (world == NULL || service_setup(&service) < 0)
		return -1;
	world->service = service;
	world->session.dps = world->service->dps;
	buf_init(&world->in, MQTT_PACKET_MAX);
	buf_init(&world->out, DPS_REPLY_MAX);
	*state = world;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *world = *state;
	void *service = world->service;

	buf_deinit(&world->in);
	buf_deinit(&world->out);
	free(world);
	return service_teardown(&service);
}

static void put_field(struct buf *buf, const char *text)
{
	assert_int_equal(buf_append_u16(buf, (uint16_t)strlen(text)), 0);
	assert_int_equal(buf_append(buf, bytes_str(text)), 0);
}

/* Sends the first byte, the length and what is in world->in. */
static void send_packet(struct world *world, uint8_t first)
{
	BUF_AUTO(packet, MQTT_PACKET_MAX);
	size_t rest = world->in.len;
	struct err err;

	assert_int_equal(buf_append_u8(&packet, first), 0);
	do {
		assert_int_equal(buf_append_u8(&packet, (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))),
				 0);
		rest >>= 7;
	} while (rest > 0);
	assert_int_equal(buf_append(&packet, buf_bytes(&world->in)), 0);
	buf_clear(&world->in);
	buf_clear(&world->out);
	world->rc = mqtt_session_take(&world->session, buf_bytes(&packet), TEST_TICKS, &world->out, &err);
}

static void send_connect(struct world *world, const char *client_id, const char *user, const char *password)
{
	const uint8_t flags = (uint8_t)(2 | (user != NULL ? 0x80 : 0) | (password != NULL ? 0x40 : 0));

	put_field(&world->in, "MQTT");
	assert_int_equal(buf_append_u8(&world->in, 4), 0);
	assert_int_equal(buf_append_u8(&world->in, flags), 0);
	assert_int_equal(buf_append_u16(&world->in, 180), 0);
	put_field(&world->in, client_id);
	if (user != NULL)
		put_field(&world->in, user);
	if (password != NULL)
		put_field(&world->in, password);
	send_packet(world, MQTT_CONNECT << 4);
}

static void send_subscribe(struct world *world, const char *filter, uint8_t qos)
{
	assert_int_equal(buf_append_u16(&world->in, 5), 0);
	put_field(&world->in, filter);
	assert_int_equal(buf_append_u8(&world->in, qos), 0);
	send_packet(world, MQTT_SUBSCRIBE << 4 | 2);
}

static void send_publish(struct world *world, uint16_t packet_id, const char *topic, const char *payload)
{
	put_field(&world->in, topic);
	if (packet_id != 0)
		assert_int_equal(buf_append_u16(&world->in, packet_id), 0);
	assert_int_equal(buf_append(&world->in, bytes_str(payload)), 0);
	send_packet(world, (uint8_t)(MQTT_PUBLISH << 4 | (packet_id != 0 ? 2 : 0)));
}

static void open_session(struct world *world)
{
	send_connect(world, "sym-dev-01", USER, SAS);
	assert_int_equal(world->session.state, MQTT_OPEN);
	send_subscribe(world, FILTER, 1);
	assert_true(world->session.subscribed);
}

static void assert_out(const struct world *world, struct bytes right)
{
	assert_int_equal(world->rc, 0);
	assert_int_equal(world->out.len, right.len);
	assert_memory_equal(world->out.p, right.p, right.len);
}

#define OUT(lit) assert_out(world, BYTES_LIT(lit))

/* The topic of the one PUBLISH in out, after skip bytes, and its body. */
static void take_answer(const struct world *world, size_t skip, char *topic, size_t cap, json_t **ret_body)
{
	struct mqtt_packet packet;
	struct err err;

	assert_int_equal(world->rc, 0);
	assert_true(world->out.len > skip);
	assert_int_equal(
		mqtt_packet_parse(bytes_of(world->out.p + skip, world->out.len - skip), &packet, &err), 0);
	assert_int_equal(packet.type, MQTT_PUBLISH);
	assert_int_equal(bytes_to_str(packet.topic, topic, cap), 0);
	*ret_body = json_loadb((const char *)packet.payload.p, packet.payload.len, 0, NULL);
	assert_non_null(*ret_body);
}

static void test_connect_accepted_with_sas(void **state)
{
	struct world *world = *state;

	send_connect(world, "sym-dev-01", USER, SAS);
	OUT("\x20\x02\0\0");
	assert_string_equal(world->session.scope, "0ne00TEST");
	assert_string_equal(world->session.id, "sym-dev-01");
	assert_string_equal(world->session.api_version, "2019-03-31");
	assert_int_equal(world->session.keepalive_s, 180);
}

static void test_connect_without_credential_refused(void **state)
{
	struct world *world = *state;

	send_connect(world, "sym-dev-01", USER, NULL);
	OUT("\x20\x02\0\x05");
	assert_int_equal(world->session.state, MQTT_ENDED);
}

static void test_connect_certificate_is_a_credential(void **state)
{
	struct world *world = *state;
	const struct bytes chain[] = { BYTES_LIT("x") };

	world->session.chain = chain;
	world->session.chain_n = 1;
	send_connect(world, "sym-dev-01", USER, NULL);
	OUT("\x20\x02\0\0");
}

static void test_connect_wrong_user_names_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"0ne00TEST",
		"0ne00TEST/registrations/sym-dev-01",
		"0ne00TEST/registrations/sym-dev-01/",
		"0ne00TEST/registrations/sym-dev-01/ClientVersion=1",
		"0ne00TEST/registration/sym-dev-01/api-version=2019-03-31",
		"/registrations/sym-dev-01/api-version=2019-03-31",
		"0ne?/registrations/sym-dev-01/api-version=2019-03-31",
		"0ne00TEST/registrations/sym dev/api-version=2019-03-31",
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		world->session = (struct mqtt_session){ .dps = world->service->dps };
		send_connect(world, "sym-dev-01", wrong[i], SAS);
		OUT("\x20\x02\0\x05");
	}
	world->session = (struct mqtt_session){ .dps = world->service->dps };
	send_connect(world, "sym-dev-01", NULL, NULL);
	OUT("\x20\x02\0\x05");
}

static void test_connect_client_id_is_the_registration_id(void **state)
{
	struct world *world = *state;

	send_connect(world, "other", USER, SAS);
	OUT("\x20\x02\0\x02");
}

static void test_connect_twice_ends_the_connection(void **state)
{
	struct world *world = *state;

	open_session(world);
	send_connect(world, "sym-dev-01", USER, SAS);
	assert_int_equal(world->rc, -1);
}

static void test_anything_before_connect_ends_the_connection(void **state)
{
	struct world *world = *state;

	send_packet(world, MQTT_PINGREQ << 4);
	assert_int_equal(world->rc, -1);
}

static void test_subscribe_only_to_answers(void **state)
{
	struct world *world = *state;

	send_connect(world, "sym-dev-01", USER, SAS);
	send_subscribe(world, "#", 1);
	OUT("\x90\x03\0\x05\x80");
	assert_false(world->session.subscribed);
	send_subscribe(world, FILTER, 2);
	OUT("\x90\x03\0\x05\x01");
	assert_int_equal(buf_append_u16(&world->in, 6), 0);
	put_field(&world->in, FILTER);
	send_packet(world, MQTT_UNSUBSCRIBE << 4 | 2);
	OUT("\xb0\x02\0\x06");
	assert_false(world->session.subscribed);
}

static void test_ping_and_disconnect(void **state)
{
	struct world *world = *state;

	open_session(world);
	send_packet(world, MQTT_PINGREQ << 4);
	OUT("\xd0\0");
	send_packet(world, MQTT_DISCONNECT << 4);
	assert_int_equal(world->rc, 0);
	assert_int_equal(world->out.len, 0);
	assert_int_equal(world->session.state, MQTT_ENDED);
}

/* The scope is not this service's: the device API's own answer, with the error body. */
static void test_register_with_qos_1_is_acknowledged_and_answered(void **state)
{
	struct world *world = *state;
	char topic[200];
	json_t *body;

	open_session(world);
	send_publish(world, 0x7d29, "$dps/registrations/PUT/iotdps-register/?$rid=a9-26", "{}");
	assert_memory_equal(world->out.p, "\x40\x02\x7d\x29", 4);
	take_answer(world, 4, topic, sizeof(topic), &body);
	assert_memory_equal(topic, "$dps/registrations/res/4", 24);
	assert_string_equal(topic + 26, "/?$rid=a9-26");
	assert_non_null(json_object_get(body, "errorCode"));
	assert_non_null(json_object_get(body, "trackingId"));
	json_decref(body);
}

static void test_register_with_qos_0_is_not_acknowledged(void **state)
{
	struct world *world = *state;
	char topic[200];
	json_t *body;

	open_session(world);
	send_publish(world, 0, "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	take_answer(world, 0, topic, sizeof(topic), &body);
	json_decref(body);
}

static void test_answers_go_to_subscribers_only(void **state)
{
	struct world *world = *state;

	send_connect(world, "sym-dev-01", USER, SAS);
	send_publish(world, 0, "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	OUT("");
}

static void test_register_throttled_says_retry_after(void **state)
{
	struct world *world = *state;
	char topic[200];
	json_t *body;

	world->service->conf.knobs.fail_every = 1;
	world->service->conf.knobs.fail_status = 429;
	world->service->conf.knobs.retry_after_s = 3;
	(void)!str_format(world->service->conf.id_scope, sizeof(world->service->conf.id_scope), "0ne00TEST");
	open_session(world);
	send_publish(world, 0, "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	take_answer(world, 0, topic, sizeof(topic), &body);
	json_decref(body);
	if (strncmp(topic, "$dps/registrations/res/429", 26) == 0)
		assert_string_equal(topic, "$dps/registrations/res/429/?$rid=1&retry-after=3");
}

static void test_register_that_is_reset_is_not_answered(void **state)
{
	struct world *world = *state;

	world->service->conf.knobs.reset_before_every = 1;
	open_session(world);
	send_publish(world, 0, "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	OUT("");
	assert_int_equal(world->session.state, MQTT_ENDED);
	assert_true(world->session.reset);
}

static void test_publish_to_other_topics_ends_the_connection(void **state)
{
	static const char *const wrong[] = {
		"a",
		"$dps/registrations/PUT/iotdps-register/",
		"$dps/registrations/PUT/iotdps-register/?",
		"$dps/registrations/PUT/iotdps-register/?rid=1",
		"$dps/registrations/PUT/iotdps-register/?$rid=",
		"$dps/registrations/PUT/iotdps-register/?$rid=a#",
		"$dps/registrations/PUT/iotdps-register?$rid=1",
		"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1",
		"$dps/registrations/GET/iotdps-get-operationstatus/?operationId=1",
		"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=../x",
		"$dps/registrations/res/200/?$rid=1",
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		world->session = (struct mqtt_session){ .dps = world->service->dps };
		open_session(world);
		send_publish(world, 0, wrong[i], "{}");
		assert_int_equal(world->rc, -1);
		assert_int_equal(world->out.len, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connect_accepted_with_sas),
		TEST(test_connect_without_credential_refused),
		TEST(test_connect_certificate_is_a_credential),
		TEST(test_connect_wrong_user_names_refused),
		TEST(test_connect_client_id_is_the_registration_id),
		TEST(test_connect_twice_ends_the_connection),
		TEST(test_anything_before_connect_ends_the_connection),
		TEST(test_subscribe_only_to_answers),
		TEST(test_ping_and_disconnect),
		TEST(test_register_with_qos_1_is_acknowledged_and_answered),
		TEST(test_register_with_qos_0_is_not_acknowledged),
		TEST(test_answers_go_to_subscribers_only),
		TEST(test_register_throttled_says_retry_after),
		TEST(test_register_that_is_reset_is_not_answered),
		TEST(test_publish_to_other_topics_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
