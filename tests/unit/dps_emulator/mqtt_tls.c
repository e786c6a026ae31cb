/* MQTT over real TLS: the program's port, its certificate, a client's certificate, streams in pieces. */
#include "tests/unit/dps_emulator/program.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define CONNECT_SAS                                                                                          \
	"\x10\x45\0\x04MQTT\x04\xc2\0\0\0\x05"                                                               \
	"dev-1\0\x2f"                                                                                        \
	"0neX/registrations/dev-1/api-version=2019-03-31\0\x01p"
#define CONNECT_X509                                                                                         \
	"\x10\x42\0\x04MQTT\x04\x82\0\0\0\x05"                                                               \
	"dev-1\0\x2f"                                                                                        \
	"0neX/registrations/dev-1/api-version=2019-03-31"
#define SUBSCRIBE "\x82\x1d\0\x07\0\x18$dps/registrations/res/#\x01"
#define REGISTER  "\x30\x32\0\x2e$dps/registrations/PUT/iotdps-register/?$rid=1{}"

struct client {
	SSL_CTX *tls;
	SSL *ssl;
	int fd;
};

/* Up to the handshake, whose result is returned. */
static int client_connect(const struct program *program, struct client *client, EVP_PKEY *key, X509 *cert)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)program->mqtt_port) };

	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr), 1);
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	client->tls = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_load_verify_locations(client->tls, program->ca_file, NULL), 1);
	SSL_CTX_set_verify(client->tls, SSL_VERIFY_PEER, NULL);
	if (cert != NULL) {
		assert_int_equal(SSL_CTX_use_certificate(client->tls, cert), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(client->tls, key), 1);
	}
	client->ssl = SSL_new(client->tls);
	assert_int_equal(SSL_set1_host(client->ssl, "global.azure-devices-provisioning.net"), 1);
	assert_int_equal(SSL_set_fd(client->ssl, client->fd), 1);
	return SSL_connect(client->ssl);
}

static void client_open(const struct program *program, struct client *client, EVP_PKEY *key, X509 *cert)
{
	assert_int_equal(client_connect(program, client, key, cert), 1);
}

static void client_close(struct client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->tls);
	(void)close(client->fd);
}

static void client_send(const struct client *client, struct bytes bytes)
{
	assert_int_equal(SSL_write(client->ssl, bytes.p, (int)bytes.len), (int)bytes.len);
}

#define SEND(lit) client_send(&client, BYTES_LIT(lit))

static void client_expect(const struct client *client, struct bytes right)
{
	uint8_t got[64];
	size_t n = 0;

	while (n < right.len) {
		int more = SSL_read(client->ssl, got + n, (int)(right.len - n));

		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_memory_equal(got, right.p, right.len);
}

#define EXPECT(lit) client_expect(&client, BYTES_LIT(lit))

static void client_expect_end(const struct client *client)
{
	uint8_t byte;

	assert_true(SSL_read(client->ssl, &byte, 1) <= 0);
}

static X509 *make_cert(EVP_PKEY *key)
{
	X509 *cert = X509_new();

	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
						    (const unsigned char *)"dev-1", -1, -1, 0),
			 1);
	assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(cert)), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	return cert;
}

static void test_session_over_tls(void **state)
{
	struct program *program = *state;
	struct client client;

	program_start(program, NULL);
	client_open(program, &client, NULL, NULL);
	SEND(CONNECT_SAS);
	EXPECT("\x20\x02\0\0");
	SEND(SUBSCRIBE "\xc0\0"); /* two packets at once */
	EXPECT("\x90\x03\0\x07\x01\xd0\0");
	SEND("\xc0"); /* one in two pieces */
	SEND("\0");
	EXPECT("\xd0\0");
	SEND("\xe0\0");
	client_expect_end(&client);
	client_close(&client);
}

static void test_without_credential_connack_5_and_the_end(void **state)
{
	struct program *program = *state;
	struct client client;

	program_start(program, NULL);
	client_open(program, &client, NULL, NULL);
	SEND(CONNECT_X509);
	EXPECT("\x20\x02\0\x05");
	client_expect_end(&client);
	client_close(&client);
}

static void test_client_certificate_of_nobody_connects(void **state)
{
	struct program *program = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_cert(key);
	struct client client;

	program_start(program, NULL);
	client_open(program, &client, key, cert);
	SEND(CONNECT_X509);
	EXPECT("\x20\x02\0\0");
	client_close(&client);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void test_register_is_answered_by_the_device_api(void **state)
{
	struct program *program = *state;
	struct client client;
	uint8_t head[64];
	int n;

	program_start(program, NULL);
	client_open(program, &client, NULL, NULL);
	SEND(CONNECT_SAS SUBSCRIBE REGISTER);
	EXPECT("\x20\x02\0\0\x90\x03\0\x07\x01");
	n = SSL_read(client.ssl, head, sizeof(head) - 1);
	assert_true(n > 40);
	head[n] = '\0';
	assert_int_equal(head[0], 0x30);
	assert_memory_equal(head + 5, "$dps/registrations/res/4", 24);
	client_close(&client);
}

static void test_nonsense_ends_the_connection_alone(void **state)
{
	struct program *program = *state;
	struct client client, other;

	program_start(program, NULL);
	client_open(program, &other, NULL, NULL);
	client_open(program, &client, NULL, NULL);
	SEND("GET / HTTP/1.1\r\nHost: global.azure-devices-provisioning.net\r\nAccept: */*\r\n\r\n");
	client_expect_end(&client);
	client_close(&client);
	client_send(&other, BYTES_LIT(CONNECT_SAS));
	client_expect(&other, BYTES_LIT("\x20\x02\0\0"));
	client_close(&other);
}

static void test_certificate_is_the_knobs(void **state)
{
	static const char *const args[] = { "--tls", "expired", NULL };
	struct program *program = *state;
	struct client client;

	program_start(program, args);
	assert_true(client_connect(program, &client, NULL, NULL) <= 0);
	assert_int_equal(SSL_get_verify_result(client.ssl), X509_V_ERR_CERT_HAS_EXPIRED);
	client_close(&client);
}

static void test_reset_ends_the_connection_without_an_answer(void **state)
{
	static const char *const args[] = { "--reset-before-every", "1", NULL };
	struct program *program = *state;
	struct client client;

	program_start(program, args);
	client_open(program, &client, NULL, NULL);
	SEND(CONNECT_SAS SUBSCRIBE);
	EXPECT("\x20\x02\0\0\x90\x03\0\x07\x01");
	SEND(REGISTER);
	client_expect_end(&client);
	client_close(&client);
}

static void test_silent_client_ends_after_its_keepalive(void **state)
{
	struct program *program = *state;
	struct client client;

	program_start(program, NULL);
	client_open(program, &client, NULL, NULL);
	SEND("\x10\x45\0\x04MQTT\x04\xc2\0\x01\0\x05"
	     "dev-1\0\x2f"
	     "0neX/registrations/dev-1/api-version=2019-03-31\0\x01p");
	EXPECT("\x20\x02\0\0");
	client_expect_end(&client);
	client_close(&client);
}

static void test_program_ends_with_connections_open(void **state)
{
	struct program *program = *state;
	struct client client;

	program_start(program, NULL);
	client_open(program, &client, NULL, NULL);
	SEND(CONNECT_SAS);
	EXPECT("\x20\x02\0\0");
	assert_int_equal(kill(program->pid, SIGTERM), 0);
	assert_int_equal(program_ended(program), 0);
	client_expect_end(&client);
	client_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, program_setup, program_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_session_over_tls),
		TEST(test_without_credential_connack_5_and_the_end),
		TEST(test_client_certificate_of_nobody_connects),
		TEST(test_register_is_answered_by_the_device_api),
		TEST(test_nonsense_ends_the_connection_alone),
		TEST(test_certificate_is_the_knobs),
		TEST(test_reset_ends_the_connection_without_an_answer),
		TEST(test_silent_client_ends_after_its_keepalive),
		TEST(test_program_ends_with_connections_open),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
