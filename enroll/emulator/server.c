/*
 * HTTPS around dps_handle, by libmicrohttpd: one thread per connection, so that
 * latency on request holds nobody else up. Answers carry Content-Length and the
 * connection stays open, because the C SDK's parser needs both (dps-api 0.9).
 *
 * A device may show certificates. None is demanded and none is judged here, so
 * that the answer to a bad chain is the service's own (dps-api 5.3).
 */
#include "enroll/emulator/dps_internal.h"

#include <errno.h>
#include <stdlib.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "base/deadline.h"

#define IDLE_SECONDS   120
#define HEADERS_MAX    64
#define FILLER_BLOCK   (64 * 1024)
#define DISCARD_MAX    (1024 * 1024) /* how much of a body that is too large is still read */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct dps_server {
	struct MHD_Daemon *daemon;
	struct dps *dps;
	bool plain;
	gnutls_certificate_credentials_t faulty[DPS_TLS_N]; /* NULL for the good one */
};

/* One request on its way in. */
struct exchange {
	char *target;
	struct buf body;
	size_t received;
	bool begun, too_large;
};

/* The client's certificates, borrowed from its TLS session. */
struct chain {
	struct bytes certs[DPS_CHAIN_MAX];
	size_t n;
};

struct header_list {
	struct dps_header headers[HEADERS_MAX];
	size_t n;
};

/* The first thing that libmicrohttpd tells of a request; the target is still as it was sent. */
static void *exchange_new(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	(void)cls;
	(void)connection;
	if (exchange == NULL)
		return NULL;
	exchange->target = strdup(uri);
	buf_init(&exchange->body, DPS_BODY_MAX);
	return exchange;
}

static void exchange_free(void *cls, struct MHD_Connection *connection, void **slot,
			  enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *slot;

	(void)cls;
	(void)connection;
	(void)code;
	if (exchange == NULL)
		return;
	free(exchange->target);
	buf_deinit(&exchange->body);
	free(exchange);
	*slot = NULL;
}

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct header_list *list = cls;

	(void)kind;
	if (list->n == HEADERS_MAX)
		return MHD_NO;
	list->headers[list->n++] = (struct dps_header){ name, value != NULL ? value : "" };
	return MHD_YES;
}

/* A body beyond the limit is read and dropped, so that the client gets to see the 413. */
static enum MHD_Result collect_body(struct exchange *exchange, const char *data, size_t *size)
{
	exchange->received += *size;
	if (exchange->received > DISCARD_MAX)
		return MHD_NO;
	if (exchange->too_large || buf_append(&exchange->body, bytes_of(data, *size)) < 0)
		exchange->too_large = true;
	*size = 0;
	return MHD_YES;
}

/* A body that white space follows, too large to be made at once. */
static ssize_t read_filled(void *cls, uint64_t at, char *out, size_t max)
{
	const struct buf *body = cls;
	size_t n = at < body->len ? body->len - (size_t)at : 0;

	n = n < max ? n : max;
	if (n > 0)
		memcpy(out, body->p + at, n);
	memset(out + n, ' ', max - n);
	return (ssize_t)max;
}

static void free_filled(void *cls)
{
	struct buf *body = cls;

	buf_deinit(body);
	free(body);
}

static struct MHD_Response *response_filled(const struct dps_response *res)
{
	struct buf *body = calloc(1, sizeof(*body));

	if (body == NULL)
		return NULL;
	buf_init(body, DPS_REPLY_MAX);
	if (buf_set(body, buf_bytes(&res->body)) < 0) {
		free_filled(body);
		return NULL;
	}
	return MHD_create_response_from_callback(body->len + res->filler, FILLER_BLOCK, read_filled, body,
						 free_filled);
}

static struct MHD_Response *response_plain(const struct dps_response *res)
{
	char nothing[1] = ""; /* copied, if at all */

	return MHD_create_response_from_buffer(
		res->body.len, res->body.len > 0 ? res->body.p : (void *)nothing, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_response(struct MHD_Connection *connection, const struct dps_response *res)
{
	struct MHD_Response *out = res->filler > 0 ? response_filled(res) : response_plain(res);
	enum MHD_Result rc = MHD_NO;

	if (out == NULL)
		return MHD_NO;
	for (size_t i = 0; i < res->headers_n; i++)
		(void)MHD_add_response_header(out, res->headers[i].name, res->headers[i].value);
	rc = MHD_queue_response(connection, res->status, out);
	MHD_destroy_response(out);
	return rc;
}

/* MHD_NO closes the connection: what was committed stays, and the client never hears of it. */
static enum MHD_Result finish(struct MHD_Connection *connection, const struct dps_response *res)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	switch (res->end) {
	case DPS_END_ANSWER:
		return send_response(connection, res);
	case DPS_END_CLOSE:
		return MHD_NO;
	case DPS_END_RESET:
		if (info != NULL)
			dps_reset(info->connect_fd);
		return MHD_NO;
	}
	return MHD_NO;
}

static gnutls_session_t tls_session(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info != NULL ? info->tls_session : NULL;
}

/* Before the handshake: which certificate is shown, and that one is asked for. Without names of authorities: clients send nothing that is not under one of them. */
static void prepare_tls(void *cls, struct MHD_Connection *connection, void **slot,
			enum MHD_ConnectionNotificationCode code)
{
	gnutls_session_t session = tls_session(connection);
	struct dps_server *server = cls;
	struct dps_knobs knobs;

	(void)slot;
	if (code != MHD_CONNECTION_NOTIFY_STARTED || session == NULL)
		return;
	dps_knobs_now(server->dps, &knobs);
	if (server->faulty[knobs.tls] != NULL)
		(void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, server->faulty[knobs.tls]);
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	gnutls_certificate_send_x509_rdn_sequence(session, 1); /* 1: don't */
}

static void collect_chain(struct MHD_Connection *connection, struct chain *ret)
{
	gnutls_session_t session = tls_session(connection);
	unsigned n = 0;
	const gnutls_datum_t *certs = session != NULL ? gnutls_certificate_get_peers(session, &n) : NULL;

	ret->n = 0;
	for (unsigned i = 0; certs != NULL && i < n && i < DPS_CHAIN_MAX; i++)
		ret->certs[ret->n++] = bytes_of(certs[i].data, certs[i].size);
}

static enum MHD_Result answer(struct dps_server *server, struct MHD_Connection *connection,
			      const char *method, const struct exchange *exchange)
{
	struct deadline patience;
	struct dps_knobs knobs;
	struct header_list list = { .n = 0 };
	struct dps_response res;
	struct dps_request req;
	struct chain chain;
	enum MHD_Result rc;

	collect_chain(connection, &chain);
	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, collect_header, &list);
	dps_knobs_now(server->dps, &knobs);
	patience = deadline_in_ms(knobs.latency_ms);
	deadline_sleep(&patience, knobs.latency_ms);
	req = (struct dps_request){ .method = method,
				    .target = exchange->target,
				    .headers = list.headers,
				    .headers_n = list.n,
				    .body = buf_bytes(&exchange->body),
				    .too_large = exchange->too_large,
				    .at_ticks = dps_time_now(),
				    .chain = chain.certs,
				    .chain_n = chain.n,
				    .plain = server->plain };
	dps_response_init(&res);
	dps_handle(server->dps, &req, &res);
	rc = finish(connection, &res);
	dps_response_deinit(&res);
	return rc;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload_data,
			      size_t *upload_data_size, void **slot)
{
	struct exchange *exchange = *slot;

	(void)url;
	(void)version;
	if (exchange == NULL || exchange->target == NULL)
		return MHD_NO;
	if (!exchange->begun) {
		exchange->begun = true;
		return MHD_YES;
	}
	if (*upload_data_size > 0)
		return collect_body(exchange, upload_data, upload_data_size);
	return answer(cls, connection, method, exchange);
}

/* libmicrohttpd owns fd from here on, unless it fails. */
static struct MHD_Daemon *daemon_start(struct dps_server *server, const struct dps_identity *identity, int fd)
{
	const unsigned flags = MHD_USE_POLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION;
	const char *const priorities = TLS_PRIORITIES;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (identity != NULL) {
		tls[0].ptr_value = (void *)(uintptr_t)identity->server[DPS_TLS_GOOD].cert_pem;
		tls[1].ptr_value = (void *)(uintptr_t)identity->server[DPS_TLS_GOOD].key_pem;
	}
	return MHD_start_daemon(flags | (identity != NULL ? MHD_USE_TLS : 0), 0, NULL, NULL, handle, server,
				MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, exchange_new, NULL,
				MHD_OPTION_NOTIFY_COMPLETED, exchange_free, NULL,
				MHD_OPTION_NOTIFY_CONNECTION, prepare_tls, server,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_ARRAY,
				identity != NULL ? tls : &tls[ARRAY_LEN(tls) - 1], MHD_OPTION_END);
}

/* GnuTLS only reads it. */
static gnutls_datum_t datum_of(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)text, (unsigned)strlen(text) };
}

static int load_faulty(struct dps_server *server, const struct dps_identity *identity)
{
	for (unsigned i = DPS_TLS_GOOD + 1; i < DPS_TLS_N; i++) {
		gnutls_datum_t cert = datum_of(identity->server[i].cert_pem);
		gnutls_datum_t key = datum_of(identity->server[i].key_pem);

		if (gnutls_certificate_allocate_credentials(&server->faulty[i]) < 0 ||
		    gnutls_certificate_set_x509_key_mem(server->faulty[i], &cert, &key, GNUTLS_X509_FMT_PEM) <
			    0)
			return -1;
	}
	return 0;
}

int dps_server_start(struct dps *dps, const struct dps_identity *identity, const char *address, uint16_t port,
		     struct dps_server **ret_server, uint16_t *ret_port, struct err *err)
{
	CLEANUP(dps_server_stopp) struct dps_server *server = calloc(1, sizeof(*server));
	CLEANUP(fd_closep) int fd = -1;
	uint16_t got;

	if (server == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "no memory");
	fd = dps_listen(address, port, &got, err);
	if (fd < 0)
		return -1;
	server->dps = dps;
	server->plain = identity == NULL;
	if (identity != NULL && load_faulty(server, identity) < 0)
		return err_set(err, ERR_STATION, 0, "the HTTPS server's certificates can't be used");
	server->daemon = daemon_start(server, identity, fd);
	if (server->daemon == NULL)
		return err_set(err, ERR_STATION, errno, "the HTTP server can't start");
	fd = -1;
	*ret_port = got;
	*ret_server = server;
	server = NULL;
	return 0;
}

void dps_server_stop(struct dps_server *server)
{
	if (server == NULL)
		return;
	if (server->daemon != NULL)
		MHD_stop_daemon(server->daemon);
	for (size_t i = 0; i < DPS_TLS_N; i++) {
		if (server->faulty[i] != NULL)
			gnutls_certificate_free_credentials(server->faulty[i]);
	}
	free(server);
}
