/*
 * TLS and threads around mqtt_session_take: one thread per connection, blocking,
 * ended by shutting its socket down. As with HTTPS a client's certificates are
 * asked for, not demanded, and not judged here (dps-api 5.3).
 */
#include "enroll/emulator/mqtt_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/deadline.h"

#define CONNECTIONS_MAX   128
#define CHUNK             2048
#define CONNECT_SECONDS   30 /* for TLS and CONNECT */
#define SEND_SECONDS      30
#define PAUSE_MS          50
#define CERTIFICATE_BYTES (16 * 1024)

DEFINE_CLEANUP(x509_freep, X509, X509_free)
DEFINE_CLEANUP(pkey_freep, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(bio_freep, BIO, BIO_vfree)

enum slot_state {
	SLOT_FREE,
	SLOT_BUSY,
	SLOT_DONE, /* its thread is to be joined */
};

struct slot {
	struct mqtt_server *server;
	pthread_t thread;
	enum slot_state state;
	int fd; /* closed and set to -1 under the lock */
};

struct mqtt_server {
	struct dps *dps;
	SSL_CTX *tls[DPS_TLS_N];
	int fd;
	pthread_t acceptor;
	pthread_mutex_t lock; /* over slots */
	struct slot slots[CONNECTIONS_MAX];
	atomic_bool stop;
};

/* What a connection's thread has. */
struct link {
	SSL *ssl;
	struct mqtt_session session;
	struct bytes chain[DPS_CHAIN_MAX];
	struct buf certs[DPS_CHAIN_MAX];
	struct buf in, out;
};

/* --- One connection ---------------------------------------------------------------------------------------------- */

static void link_free(struct link *link)
{
	for (size_t i = 0; i < DPS_CHAIN_MAX; i++)
		buf_deinit(&link->certs[i]);
	buf_deinit(&link->in);
	buf_deinit(&link->out);
	SSL_free(link->ssl);
	free(link);
}
DEFINE_CLEANUP(link_freep, struct link, link_free)

static void set_patience(int fd, int option, time_t seconds)
{
	const struct timeval patience = { .tv_sec = seconds };

	(void)setsockopt(fd, SOL_SOCKET, option, &patience, sizeof(patience));
}

static void add_certificate(struct link *link, X509 *cert)
{
	struct buf *der = &link->certs[link->session.chain_n];
	int len = i2d_X509(cert, NULL);
	uint8_t *at;

	if (link->session.chain_n == DPS_CHAIN_MAX || len <= 0)
		return;
	buf_init(der, CERTIFICATE_BYTES);
	at = buf_reserve(der, (size_t)len);
	if (at == NULL || i2d_X509(cert, &at) != len)
		return;
	der->len = (size_t)len;
	link->chain[link->session.chain_n++] = buf_bytes(der);
}

/* Of a server OpenSSL's list of the peer's chain begins after the leaf. */
static void collect_chain(struct link *link)
{
	CLEANUP(x509_freep) X509 *leaf = SSL_get1_peer_certificate(link->ssl);
	STACK_OF(X509) *others = SSL_get_peer_cert_chain(link->ssl);

	link->session.chain = link->chain;
	if (leaf == NULL)
		return;
	add_certificate(link, leaf);
	for (int i = 0; others != NULL && i < sk_X509_num(others); i++)
		add_certificate(link, sk_X509_value(others, i));
}

static struct link *link_open(struct slot *slot)
{
	CLEANUP(link_freep) struct link *link = calloc(1, sizeof(*link));
	struct dps_knobs knobs;
	struct link *opened;

	dps_knobs_now(slot->server->dps, &knobs);
	if (link == NULL)
		return NULL;
	buf_init(&link->in, MQTT_PACKET_MAX + CHUNK);
	buf_init(&link->out, DPS_REPLY_MAX);
	link->session.dps = slot->server->dps;
	link->ssl = SSL_new(slot->server->tls[knobs.tls]);
	set_patience(slot->fd, SO_RCVTIMEO, CONNECT_SECONDS);
	set_patience(slot->fd, SO_SNDTIMEO, SEND_SECONDS);
	if (link->ssl == NULL || SSL_set_fd(link->ssl, slot->fd) != 1 || SSL_accept(link->ssl) != 1)
		return NULL;
	collect_chain(link);
	opened = link;
	link = NULL;
	return opened;
}

static int receive(struct link *link)
{
	uint8_t *at = buf_reserve(&link->in, CHUNK);
	int n = at != NULL ? SSL_read(link->ssl, at, CHUNK) : 0;

	if (n <= 0)
		return -1;
	link->in.len += (size_t)n;
	return 0;
}

static int send_out(struct link *link)
{
	int rc = link->out.len == 0 || SSL_write(link->ssl, link->out.p, (int)link->out.len) > 0 ? 0 : -1;

	buf_clear(&link->out);
	return rc;
}

/* What a device publishes is answered as late as the knob says. */
static void wait_latency(const struct link *link)
{
	struct dps_knobs knobs;
	struct deadline patience;

	if (link->in.p[0] >> 4 != MQTT_PUBLISH)
		return;
	dps_knobs_now(link->session.dps, &knobs);
	patience = deadline_in_ms(knobs.latency_ms);
	deadline_sleep(&patience, knobs.latency_ms);
}

/* Every whole packet that is there. */
static int take_packets(struct link *link)
{
	struct err err;
	size_t len;

	while (link->session.state != MQTT_ENDED) {
		if (mqtt_packet_length(buf_bytes(&link->in), &len, &err) < 0)
			return -1;
		if (len == 0 || len > link->in.len)
			return 0;
		wait_latency(link);
		if (mqtt_session_take(&link->session, bytes_of(link->in.p, len), dps_time_now(), &link->out,
				      &err) < 0) {
			(void)send_out(link);
			return -1;
		}
		buf_consume(&link->in, len);
		if (send_out(link) < 0)
			return -1;
	}
	return 0;
}

/* A client that says nothing for one and a half of its keep-alive is gone: MQTT 3.1.2.10. */
static void talk(struct slot *slot)
{
	CLEANUP(link_freep) struct link *link = link_open(slot);
	bool open = false;

	while (link != NULL && receive(link) == 0 && take_packets(link) == 0 &&
	       link->session.state != MQTT_ENDED) {
		if (!open && link->session.state == MQTT_OPEN)
			set_patience(slot->fd, SO_RCVTIMEO, link->session.keepalive_s * 3 / 2);
		open = link->session.state == MQTT_OPEN;
	}
	if (link != NULL && link->session.reset)
		dps_reset(slot->fd);
	else if (link != NULL)
		(void)SSL_shutdown(link->ssl);
}

static void *run_connection(void *arg)
{
	struct slot *slot = arg;

	talk(slot);
	(void)pthread_mutex_lock(&slot->server->lock);
	(void)close(slot->fd);
	slot->fd = -1;
	slot->state = SLOT_DONE;
	(void)pthread_mutex_unlock(&slot->server->lock);
	return NULL;
}

/* --- All of them --------------------------------------------------------------------------------------------------- */

/* With the lock held. A thread that is done holds it no more. */
static struct slot *free_slot(struct mqtt_server *server)
{
	struct slot *found = NULL;

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct slot *slot = &server->slots[i];

		if (slot->state == SLOT_DONE) {
			(void)pthread_join(slot->thread, NULL);
			slot->state = SLOT_FREE;
		}
		if (slot->state == SLOT_FREE && found == NULL)
			found = slot;
	}
	return found;
}

static void serve(struct mqtt_server *server, int fd)
{
	struct slot *slot;

	(void)pthread_mutex_lock(&server->lock);
	slot = free_slot(server);
	if (slot != NULL) {
		slot->fd = fd;
		slot->state = pthread_create(&slot->thread, NULL, run_connection, slot) == 0 ? SLOT_BUSY
											     : SLOT_FREE;
	}
	if (slot == NULL || slot->state == SLOT_FREE)
		(void)close(fd);
	(void)pthread_mutex_unlock(&server->lock);
}

static void *run_acceptor(void *arg)
{
	struct mqtt_server *server = arg;

	while (!atomic_load(&server->stop)) {
		const struct deadline pause = deadline_in_ms(PAUSE_MS);
		int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			serve(server, fd);
		else if (!atomic_load(&server->stop))
			deadline_sleep(&pause, PAUSE_MS); /* no descriptors: some will be closed */
	}
	return NULL;
}

static int accept_any(int ok, X509_STORE_CTX *ctx)
{
	(void)ok;
	(void)ctx;
	return 1;
}

/* Without sessions to resume: a resumed one would not show its chain again. */
static SSL_CTX *tls_new(const struct dps_identity *identity, unsigned which)
{
	CLEANUP(bio_freep) BIO *cert_text = BIO_new_mem_buf(identity->server[which].cert_pem, -1);
	CLEANUP(bio_freep) BIO *key_text = BIO_new_mem_buf(identity->server[which].key_pem, -1);
	CLEANUP(x509_freep)
	X509 *cert = cert_text != NULL ? PEM_read_bio_X509(cert_text, NULL, NULL, NULL) : NULL;
	CLEANUP(pkey_freep)
	EVP_PKEY *key = key_text != NULL ? PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL) : NULL;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL)
		return NULL;
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, accept_any);
	(void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
	if (cert == NULL || key == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(tls, 0) != 1 || SSL_CTX_use_certificate(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(tls, key) != 1) {
		SSL_CTX_free(tls);
		return NULL;
	}
	return tls;
}

static void server_free(struct mqtt_server *server)
{
	if (server->fd >= 0)
		(void)close(server->fd);
	for (size_t i = 0; i < DPS_TLS_N; i++)
		SSL_CTX_free(server->tls[i]);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}
DEFINE_CLEANUP(server_freep, struct mqtt_server, server_free)

int mqtt_server_start(struct dps *dps, const struct dps_identity *identity, const char *address,
		      uint16_t port, struct mqtt_server **ret_server, uint16_t *ret_port, struct err *err)
{
	CLEANUP(server_freep) struct mqtt_server *server = calloc(1, sizeof(*server));
	uint16_t got = 0;

	if (server == NULL || pthread_mutex_init(&server->lock, NULL) != 0)
		return err_set(err, ERR_STATION, ENOMEM, "no memory");
	server->dps = dps;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		server->slots[i].server = server;
	server->fd = dps_listen(address, port, &got, err);
	if (server->fd < 0)
		return -1;
	for (unsigned i = 0; i < DPS_TLS_N; i++) {
		server->tls[i] = tls_new(identity, i);
		if (server->tls[i] == NULL)
			return err_set(err, ERR_STATION, 0, "the MQTT server's certificate can't be used");
	}
	if (pthread_create(&server->acceptor, NULL, run_acceptor, server) != 0)
		return err_set(err, ERR_STATION, errno, "the MQTT server can't start");
	*ret_port = got;
	*ret_server = server;
	server = NULL;
	return 0;
}

static bool in_use(struct slot *slot)
{
	enum slot_state state;

	(void)pthread_mutex_lock(&slot->server->lock);
	state = slot->state;
	if (state == SLOT_BUSY)
		(void)shutdown(slot->fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&slot->server->lock);
	return state != SLOT_FREE;
}

void mqtt_server_stop(struct mqtt_server *server)
{
	if (server == NULL)
		return;
	atomic_store(&server->stop, true);
	(void)shutdown(server->fd, SHUT_RDWR);
	(void)pthread_join(server->acceptor, NULL);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (in_use(&server->slots[i]))
			(void)pthread_join(server->slots[i].thread, NULL);
	}
	server_free(server);
}
