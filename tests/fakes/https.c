/*
 * The server behind https.h, on libmicrohttpd. A call is answered when its whole
 * body is there; hanging up is done by refusing to queue any answer.
 */
#include "tests/fakes/https.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include <microhttpd.h>

#define BODY_MAX (1024 * 1024)

static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
				  "MIIBpTCCAUqgAwIBAgIUA5ybJrlnfOCrfSG2YhkEIdWPz2UwCgYIKoZIzj0EAwIw\n"
				  "HzEdMBsGA1UEAwwUc3RhdGlvbiB0ZXN0IHNlcnZpY2UwHhcNMjYxMTIyMDQwODQ1\n"
				  "WhcNNDYxMTE3MDQwODQ1WjAfMR0wGwYDVQQDDBRzdGF0aW9uIHRlc3Qgc2Vydmlj\n"
				  "ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKbzGT38OsYQkMOG224hWoBpaZ4F\n"
				  "e6v27+TWtdiVM5B7/UMyvfI26p3Q1SZJUqa6VygR+UmBmMPIVB4YFoQw/32jZDBi\n"
				  "MB0GA1UdDgQWBBQt+AKz+qtQ9625wOjnMTA6afcE6jAfBgNVHSMEGDAWgBQt+AKz\n"
				  "+qtQ9625wOjnMTA6afcE6jAPBgNVHRMBAf8EBTADAQH/MA8GA1UdEQQIMAaHBH8A\n"
				  "AAEwCgYIKoZIzj0EAwIDSQAwRgIhAIxd1DWvDMHacA1Y6BRvvMspcqR3xhuFko+n\n"
				  "Xtp3x0lJAiEAriBKiPew1V3RK9sfQyWD2L+qE6mclZWXydZgrArJI14=\n"
				  "-----END CERTIFICATE-----\n";

static const char private_key[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVymfHfympGA3C1Z0\n"
				  "SHD6H01yLJJ9NnGPJCtwok4F5xGhRANCAASm8xk9/DrGEJDDhttuIVqAaWmeBXur\n"
				  "9u/k1rXYlTOQe/1DMr3yNuqd0NUmSVKmulcoEflJgZjDyFQeGBaEMP99\n"
				  "-----END PRIVATE KEY-----\n";

struct https {
	struct MHD_Daemon *daemon;
	https_fn *answer;
	void *arg;
};

const char *https_certificate(void)
{
	return certificate;
}

static int add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return value == NULL || MHD_add_response_header(response, name, value) == MHD_YES ? 0 : -1;
}

static enum MHD_Result reply(struct MHD_Connection *connection, const struct https_answer *answer)
{
	const char *body = answer->body != NULL ? answer->body : "";
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;

	if (answer->hang_up)
		return MHD_NO;
	/* The body is copied, so that the cast can't hurt it. */
	response =
		MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	if (add_header(response, "Content-Type",
		       answer->content_type != NULL ? answer->content_type
						    : "application/json; charset=utf-8") == 0 &&
	    add_header(response, "Retry-After", answer->retry_after) == 0 &&
	    add_header(response, "Location", answer->location) == 0 &&
	    add_header(response, "WWW-Authenticate", answer->challenge) == 0)
		result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result on_call(void *arg, struct MHD_Connection *connection, const char *url,
			       const char *method, const char *version, const char *data, size_t *data_n,
			       void **state)
{
	struct https *https = arg;
	struct buf *body = *state;
	struct https_answer answer = { 0 };
	struct https_call call = { .method = method, .path = url };

	(void)version;
	if (body == NULL) {
		body = calloc(1, sizeof(*body));
		*state = body;
		if (body != NULL)
			buf_init(body, BODY_MAX);
		return body != NULL ? MHD_YES : MHD_NO;
	}
	if (*data_n > 0) {
		int rc = buf_append(body, bytes_of(data, *data_n));

		*data_n = 0;
		return rc == 0 ? MHD_YES : MHD_NO;
	}
	call.authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
	call.content_length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
	call.metadata = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Metadata");
	call.body = buf_bytes(body);
	https->answer(https->arg, &call, &answer);
	return reply(connection, &answer);
}

static void on_done(void *arg, struct MHD_Connection *connection, void **state,
		    enum MHD_RequestTerminationCode code)
{
	struct buf *body = *state;

	(void)arg, (void)connection, (void)code;
	if (body != NULL)
		buf_deinit(body);
	free(body);
	*state = NULL;
}

static struct https *start(https_fn *answer, void *arg, unsigned flags)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)private_key },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct https *https = calloc(1, sizeof(*https));

	if (https == NULL)
		return NULL;
	https->answer = answer;
	https->arg = arg;
	https->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | flags, 0, NULL, NULL, on_call,
					 https, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
					 on_done, NULL, MHD_OPTION_ARRAY,
					 (flags & MHD_USE_TLS) != 0 ? tls : &tls[2], MHD_OPTION_END);
	if (https->daemon == NULL) {
		free(https);
		return NULL;
	}
	return https;
}

struct https *https_start(https_fn *answer, void *arg)
{
	return start(answer, arg, MHD_USE_TLS);
}

struct https *https_start_plain(https_fn *answer, void *arg)
{
	return start(answer, arg, 0);
}

void https_stop(struct https *https)
{
	if (https == NULL)
		return;
	MHD_stop_daemon(https->daemon);
	free(https);
}

uint16_t https_port(const struct https *https)
{
	return MHD_get_daemon_info(https->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}
