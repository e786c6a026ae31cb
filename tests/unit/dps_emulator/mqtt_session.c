/* One device's MQTT connection, packet by packet, against the service itself. */
#include "tests/unit/dps_emulator/mqtt_client.h"

#define USER   "0ne00TEST/registrations/sym-dev-01/api-version=2019-03-31&ClientVersion=azure%2F1.9.1"
#define FILTER "$dps/registrations/res/#"
#define SAS    "SharedAccessSignature sr=0ne00TEST/registrations/sym-dev-01&sig=a&skn=registration&se=1"

static void open_session(struct mqtt_client *client)
{
	mqtt_client_connect(client, "sym-dev-01", USER, SAS);
	assert_int_equal(client->session.state, MQTT_OPEN);
	mqtt_client_subscribe(client, FILTER, 1);
	assert_true(client->session.subscribed);
}

static void assert_out(const struct mqtt_client *client, struct bytes right)
{
	assert_int_equal(client->rc, 0);
	assert_int_equal(client->out.len, right.len);
	assert_memory_equal(client->out.p, right.p, right.len);
}

#define OUT(lit) assert_out(client, BYTES_LIT(lit))

static void test_connect_accepted_with_sas(void **state)
{
	struct mqtt_client *client = *state;

	mqtt_client_connect(client, "sym-dev-01", USER, SAS);
	OUT("\x20\x02\0\0");
	assert_string_equal(client->session.scope, "0ne00TEST");
	assert_string_equal(client->session.id, "sym-dev-01");
	assert_string_equal(client->session.api_version, "2019-03-31");
	assert_int_equal(client->session.keepalive_s, 180);
}

static void test_connect_without_credential_refused(void **state)
{
	struct mqtt_client *client = *state;

	mqtt_client_connect(client, "sym-dev-01", USER, NULL);
	OUT("\x20\x02\0\x05");
	assert_int_equal(client->session.state, MQTT_ENDED);
}

static void test_connect_certificate_is_a_credential(void **state)
{
	struct mqtt_client *client = *state;
	const struct bytes chain[] = { BYTES_LIT("x") };

	client->session.chain = chain;
	client->session.chain_n = 1;
	mqtt_client_connect(client, "sym-dev-01", USER, NULL);
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
	struct mqtt_client *client = *state;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		client->session = (struct mqtt_session){ .dps = client->service->dps };
		mqtt_client_connect(client, "sym-dev-01", wrong[i], SAS);
		OUT("\x20\x02\0\x05");
	}
	client->session = (struct mqtt_session){ .dps = client->service->dps };
	mqtt_client_connect(client, "sym-dev-01", NULL, NULL);
	OUT("\x20\x02\0\x05");
}

static void test_connect_client_id_is_the_registration_id(void **state)
{
	struct mqtt_client *client = *state;

	mqtt_client_connect(client, "other", USER, SAS);
	OUT("\x20\x02\0\x02");
}

static void test_connect_twice_ends_the_connection(void **state)
{
	struct mqtt_client *client = *state;

	open_session(client);
	mqtt_client_connect(client, "sym-dev-01", USER, SAS);
	assert_int_equal(client->rc, -1);
}

static void test_anything_before_connect_ends_the_connection(void **state)
{
	struct mqtt_client *client = *state;

	mqtt_client_packet(client, MQTT_PINGREQ << 4);
	assert_int_equal(client->rc, -1);
}

static void test_subscribe_only_to_answers(void **state)
{
	struct mqtt_client *client = *state;

	mqtt_client_connect(client, "sym-dev-01", USER, SAS);
	mqtt_client_subscribe(client, "#", 1);
	OUT("\x90\x03\0\x05\x80");
	assert_false(client->session.subscribed);
	mqtt_client_subscribe(client, FILTER, 2);
	OUT("\x90\x03\0\x05\x01");
	assert_int_equal(buf_append_u16(&client->in, 6), 0);
	mqtt_client_field(&client->in, FILTER);
	mqtt_client_packet(client, MQTT_UNSUBSCRIBE << 4 | 2);
	OUT("\xb0\x02\0\x06");
	assert_false(client->session.subscribed);
}

static void test_ping_and_disconnect(void **state)
{
	struct mqtt_client *client = *state;

	open_session(client);
	mqtt_client_packet(client, MQTT_PINGREQ << 4);
	OUT("\xd0\0");
	mqtt_client_packet(client, MQTT_DISCONNECT << 4);
	assert_int_equal(client->rc, 0);
	assert_int_equal(client->out.len, 0);
	assert_int_equal(client->session.state, MQTT_ENDED);
}

/* The scope is not this service's: the device API's own answer, with the error body. */
static void test_register_with_qos_1_is_acknowledged_and_answered(void **state)
{
	struct mqtt_client *client = *state;
	char topic[200];
	json_t *body;

	open_session(client);
	mqtt_client_publish(client, 0x7d29, "$dps/registrations/PUT/iotdps-register/?$rid=a9-26", "{}");
	assert_memory_equal(client->out.p, "\x40\x02\x7d\x29", 4);
	mqtt_client_answer(client, 4, topic, sizeof(topic), &body);
	assert_memory_equal(topic, "$dps/registrations/res/4", 24);
	assert_string_equal(topic + 26, "/?$rid=a9-26");
	assert_non_null(json_object_get(body, "errorCode"));
	assert_non_null(json_object_get(body, "trackingId"));
	json_decref(body);
}

static void test_register_with_qos_0_is_not_acknowledged(void **state)
{
	struct mqtt_client *client = *state;
	char topic[200];
	json_t *body;

	open_session(client);
	mqtt_client_publish(client, 0, "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	mqtt_client_answer(client, 0, topic, sizeof(topic), &body);
	json_decref(body);
}

static void test_answers_go_to_subscribers_only(void **state)
{
	struct mqtt_client *client = *state;

	mqtt_client_connect(client, "sym-dev-01", USER, SAS);
	mqtt_client_publish(client, 0, "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	OUT("");
}

static void test_register_throttled_says_retry_after(void **state)
{
	struct mqtt_client *client = *state;
	char topic[200];
	json_t *body;

	client->service->conf.knobs.fail_every = 1;
	client->service->conf.knobs.fail_status = 429;
	client->service->conf.knobs.retry_after_s = 3;
	(void)!str_format(client->service->conf.id_scope, sizeof(client->service->conf.id_scope),
			  "0ne00TEST");
	open_session(client);
	mqtt_client_publish(client, 0, "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	mqtt_client_answer(client, 0, topic, sizeof(topic), &body);
	json_decref(body);
	if (strncmp(topic, "$dps/registrations/res/429", 26) == 0)
		assert_string_equal(topic, "$dps/registrations/res/429/?$rid=1&retry-after=3");
}

static void test_register_that_is_reset_is_not_answered(void **state)
{
	struct mqtt_client *client = *state;

	client->service->conf.knobs.reset_before_every = 1;
	open_session(client);
	mqtt_client_publish(client, 0, "$dps/registrations/PUT/iotdps-register/?$rid=1", "{}");
	OUT("");
	assert_int_equal(client->session.state, MQTT_ENDED);
	assert_true(client->session.reset);
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
	struct mqtt_client *client = *state;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		client->session = (struct mqtt_session){ .dps = client->service->dps };
		open_session(client);
		mqtt_client_publish(client, 0, wrong[i], "{}");
		assert_int_equal(client->rc, -1);
		assert_int_equal(client->out.len, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, mqtt_client_setup, mqtt_client_teardown)

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
