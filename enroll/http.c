/*
 * HTTPS through one curl handle that is kept alive. The service's certificate is
 * always checked, nothing is redirected, every length is capped. The table
 * here is the only place where a curl code gets a meaning; a status gets it in http_status.c.
 */
#include "enroll/enroll_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <curl/curl.h>

#include "enroll/route.h"

#define CONNECT_MAX_MS 10000

struct http {
	CURL *curl;
	struct route *route;
	const struct enroll_conf *conf;
	atomic_bool *abort;
	bool plain; /* no TLS, for addresses of this machine's own */
	char why[CURL_ERROR_SIZE];
};

/* ERR_OPERATOR: nothing reached the service. ERR_RETRY: it may have. Codes that are not here are ERR_RETRY. */
static const struct {
	CURLcode code;
	enum err_class class;
	const char *advice;
} transport_table[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_OPERATOR, "check the host in [service], and the network" },
	{ CURLE_COULDNT_RESOLVE_PROXY, ERR_OPERATOR, "check the network" },
	{ CURLE_INTERFACE_FAILED, ERR_OPERATOR,
	  "check bind-address in [service]: it must be an address of this computer" },
	{ CURLE_COULDNT_CONNECT, ERR_OPERATOR,
	  "check the network; the service must be reachable on its port" },
	{ CURLE_SSL_CONNECT_ERROR, ERR_OPERATOR, "check for a proxy in between; TLS 1.2 is the least" },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_OPERATOR,
	  "its certificate is not trusted: a proxy in between, the wrong host, or a wrong clock" },
	{ CURLE_SSL_CACERT_BADFILE, ERR_OPERATOR, "check the file with the trusted certificates" },
	{ CURLE_SSL_ISSUER_ERROR, ERR_OPERATOR, "its certificate is not trusted" },
	{ CURLE_URL_MALFORMAT, ERR_OPERATOR, "check the host in [service]" },
	{ CURLE_OUT_OF_MEMORY, ERR_STATION, "out of memory" },
	{ CURLE_FAILED_INIT, ERR_STATION, "curl can't be used" },
	{ CURLE_ABORTED_BY_CALLBACK, ERR_RETRY, "the call was given up because the station stops" },
	{ CURLE_OPERATION_TIMEDOUT, ERR_RETRY, "no answer in time" },
	{ CURLE_WRITE_ERROR, ERR_RETRY, "the answer is longer than any of the service's" },
};

void http_reply_deinit(struct http_reply *reply)
{
	buf_deinit(&reply->body);
}

int http_open(const struct enroll_conf *conf, atomic_bool *abort, struct http **ret_http, struct err *err)
{
	CLEANUP(http_closep) struct http *http = NULL;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_STATION, 0, "curl can't be used");
	http = calloc(1, sizeof(*http));
	if (http == NULL) {
		curl_global_cleanup();
		return err_set(err, ERR_STATION, 0, "out of memory");
	}
	http->conf = conf;
	http->abort = abort;
	http->curl = curl_easy_init();
	if (http->curl == NULL)
		return err_set(err, ERR_STATION, 0, "curl can't be used");
	if (route_new(&conf->network, &http->route, err) < 0)
		return -1;
	*ret_http = http;
	http = NULL;
	return 0;
}

int http_open_plain(const struct enroll_conf *conf, atomic_bool *abort, struct http **ret_http,
		    struct err *err)
{
	if (http_open(conf, abort, ret_http, err) < 0)
		return -1;
	route_free((*ret_http)->route);
	(*ret_http)->route = NULL;
	(*ret_http)->plain = true;
	return 0;
}

void http_close(struct http *http)
{
	if (http == NULL)
		return;
	curl_easy_cleanup(http->curl);
	route_free(http->route);
	curl_global_cleanup();
	free(http);
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct buf *body = arg;

	/* Anything but n makes curl give up. */
	return buf_append(body, bytes_of(data, one * n)) < 0 ? 0 : one * n;
}

/* "Name: value\r\n" of a header that we want; one that is too long is as good as none. */
static void keep_header(struct bytes line, const char *name, char *out, size_t cap)
{
	size_t n = strlen(name);

	if (line.len <= n || strncasecmp((const char *)line.p, name, n) != 0 || line.p[n] != ':')
		return;
	line = bytes_of(line.p + n + 1, line.len - n - 1);
	while (line.len > 0 && isspace(line.p[0]))
		line = bytes_of(line.p + 1, line.len - 1);
	while (line.len > 0 && isspace(line.p[line.len - 1]))
		line.len--;
	if (bytes_to_str(line, out, cap) < 0)
		out[0] = '\0';
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
	struct bytes line = bytes_of(data, one * n);
	struct http_reply *reply = arg;

	keep_header(line, "Retry-After", reply->retry_after, sizeof(reply->retry_after));
	keep_header(line, "Content-Type", reply->content_type, sizeof(reply->content_type));
	keep_header(line, "Date", reply->date, sizeof(reply->date));
	keep_header(line, "WWW-Authenticate", reply->challenge, sizeof(reply->challenge));
	return one * n;
}

static int on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	const struct http *http = arg;

	(void)down_all, (void)down, (void)up_all, (void)up;
	return atomic_load(http->abort) ? 1 : 0;
}

/* curl copies header lines into ordinary memory; the token must not stay there. */
static void wipe_list(struct curl_slist **list)
{
	for (struct curl_slist *at = *list; at != NULL; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(*list);
}

static int add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return -1;
	*list = longer;
	return 0;
}

/*
 * Options are set anew for every call; the connection outlives curl_easy_reset.
 * If a kept connection dies before the first byte of an answer, curl repeats the
 * request once by itself: harmless, because what exists already is compared.
 */
static bool set_connection(struct http *http)
{
	CURL *c = http->curl;
	long total = (long)http->conf->timeout_ms;
	bool ok = true;

	curl_easy_reset(c);
	ok &= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, http->plain ? "http" : "https") == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, total) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
			       total < CONNECT_MAX_MS ? total : CONNECT_MAX_MS) == CURLE_OK;
	return route_set(http->route, c) && ok;
}

static bool set_callbacks(struct http *http, struct http_reply *reply)
{
	CURL *c = http->curl;
	bool ok = true;

	http->why[0] = '\0';
	ok &= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->why) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_WRITEDATA, &reply->body) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_HEADERDATA, reply) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_XFERINFODATA, http) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
	return ok;
}

/* A body, even an empty one, goes with its Content-Length: without it the service says 411 (dps-api 1.8). */
static bool set_request(struct http *http, const struct http_request *request, struct curl_slist *lines)
{
	CURL *c = http->curl;
	char url[PATH_CAP + 300];
	bool ok = str_format(url, sizeof(url), "%s://%s%s", http->plain ? "http" : "https", http->conf->host,
			     request->path) == 0;

	ok = ok && curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_HTTPHEADER, lines) == CURLE_OK;
	if (strcmp(request->method, "GET") == 0)
		return ok && curl_easy_setopt(c, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_POSTFIELDS,
			       request->body.p != NULL ? (const char *)request->body.p : "") == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
	return ok;
}

static int transport_error(struct http *http, CURLcode code, struct err *err)
{
	const char *why = http->why[0] != '\0' ? http->why : curl_easy_strerror(code);
	enum err_class class = ERR_RETRY;
	const char *advice = "the connection broke";
	long sent = 0;

	if (route_proxy_error(http->curl, err) < 0)
		return err_wrap(err, "%s", http->conf->host);
	for (size_t i = 0; i < ARRAY_LEN(transport_table); i++)
		if (transport_table[i].code == code) {
			class = transport_table[i].class;
			advice = transport_table[i].advice;
		}
	/* A timeout or a reset before the first byte of the request is the same as no connection. */
	if (class == ERR_RETRY && code != CURLE_ABORTED_BY_CALLBACK &&
	    curl_easy_getinfo(http->curl, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK && sent == 0) {
		class = ERR_OPERATOR;
		advice = "check the network";
	}
	return err_set(err, class, (long)code, "%s: %.110s; %s", http->conf->host, why, advice);
}

static int add_lines(struct curl_slist **list, const struct http_extra *extra,
		     const struct secret *auth_header)
{
	char type[96];

	if (str_format(type, sizeof(type), "Content-Type: %s",
		       extra->type != NULL ? extra->type : "application/json; charset=utf-8") < 0)
		return -1;
	if ((auth_header != NULL && add_line(list, (const char *)auth_header->p) < 0) ||
	    (extra->header != NULL && add_line(list, extra->header) < 0) ||
	    add_line(list, "Accept: application/json") < 0 || add_line(list, type) < 0 ||
	    add_line(list, "Expect:") < 0)
		return -1;
	return 0;
}

int http_perform(struct http *http, const struct http_request *request, const struct secret *auth_header,
		 struct http_reply *ret, struct err *err)
{
	const struct http_extra none = { NULL, NULL };

	return http_perform_extra(http, request, &none, auth_header, ret, err);
}

int http_perform_extra(struct http *http, const struct http_request *request, const struct http_extra *extra,
		       const struct secret *auth_header, struct http_reply *ret, struct err *err)
{
	CLEANUP(wipe_list) struct curl_slist *lines = NULL;
	CURLcode code;

	buf_clear(&ret->body);
	ret->retry_after[0] = ret->content_type[0] = ret->date[0] = ret->challenge[0] = '\0';
	if (add_lines(&lines, extra, auth_header) < 0)
		return err_set(err, ERR_STATION, 0, "out of memory for a call to the service");
	if (!set_connection(http) || !set_callbacks(http, ret) || !set_request(http, request, lines))
		return err_set(err, ERR_STATION, 0,
			       "curl refuses an option that the station can't do without");
	code = curl_easy_perform(http->curl);
	route_done(http->route, http->curl);
	/* curl keeps a pointer to the list until the next reset. */
	(void)curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, NULL);
	if (code != CURLE_OK)
		return transport_error(http, code, err);
	if (curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &ret->status) != CURLE_OK)
		return err_set(err, ERR_STATION, 0, "curl does not know the HTTP status");
	ret->kind = http_kind_of(ret);
	return 0;
}
