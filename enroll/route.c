/*
 * The way from the plant's network to the service: proxy, addresses that no DNS
 * gives, the network card, whose certificates are trusted, the suites offered.
 * One place sets it for every connection, so that a check takes the way of a call.
 */
#include "enroll/route.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#define ROOTS_MAX      (4 * 1024 * 1024)
#define CREDENTIAL_MAX 512

struct route {
	const struct enroll_network *network;
	struct buf roots; /* PEM, in memory; empty: the files as they are */
	struct curl_slist *resolve;
	struct secret proxy_login; /* "Proxy-Authorization: Basic …", NUL-terminated */
	struct curl_slist *proxy_lines;
};

int pem_file_read(const char *path, struct buf *out, struct err *err)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "re");
	char part[2048];
	size_t n;

	if (file == NULL)
		return err_set(err, ERR_OPERATOR, errno, "%.120s: %s", path, strerror(errno));
	while ((n = fread(part, 1, sizeof(part), file)) > 0)
		if (buf_append(out, bytes_of(part, n)) < 0)
			return err_set(err, ERR_OPERATOR, 0, "%.120s is too long for certificates", path);
	if (ferror(file) != 0)
		return err_set(err, ERR_OPERATOR, errno, "%.120s: %s", path, strerror(errno));
	if (out->len == 0 || memmem(out->p, out->len, "-----BEGIN CERTIFICATE-----", 27) == NULL)
		return err_set(err, ERR_OPERATOR, 0, "%.120s holds no certificate in PEM", path);
	return 0;
}

/* Beside the system's folder, or beside a bundle that stands for it. */
static int read_roots(struct route *route, struct err *err)
{
	const struct enroll_network *network = route->network;

	if (network->extra_ca_file == NULL)
		return 0;
	if (network->ca_file != NULL && (pem_file_read(network->ca_file, &route->roots, err) < 0 ||
					 buf_append(&route->roots, BYTES_LIT("\n")) < 0))
		return err_wrap(err, "ca-file");
	if (pem_file_read(network->extra_ca_file, &route->roots, err) < 0)
		return err_wrap(err, "extra-ca-file");
	return 0;
}

static int add(struct curl_slist **list, const char *line, struct err *err)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	*list = longer;
	return 0;
}

/* RFC 7617 2: base64 of user:password */
static int make_proxy_login(struct route *route, struct err *err)
{
	static const char begin[] = "Proxy-Authorization: Basic ";
	const struct enroll_network *network = route->network;
	const struct secret none = { NULL, 0 };
	const struct secret *password = network->proxy_password != NULL ? network->proxy_password : &none;
	SECRET_AUTO plain = { NULL, 0 };
	SECRET_AUTO text = { NULL, 0 };
	size_t user_n = strlen(network->proxy_user);

	if (user_n + password->len + 1 > CREDENTIAL_MAX)
		return err_set(err, ERR_OPERATOR, 0, "the proxy's user and password are too long");
	if (secret_new(user_n + 1 + password->len, &plain, err) < 0)
		return -1;
	memcpy(plain.p, network->proxy_user, user_n);
	plain.p[user_n] = ':';
	if (password->len > 0)
		memcpy(plain.p + user_n + 1, password->p, password->len);
	if (secret_base64_encode(&plain, &text, err) < 0 ||
	    secret_new(sizeof(begin) + text.len, &route->proxy_login, err) < 0)
		return -1;
	memcpy(route->proxy_login.p, begin, sizeof(begin) - 1);
	memcpy(route->proxy_login.p + sizeof(begin) - 1, text.p, text.len);
	return 0;
}

int route_new(const struct enroll_network *network, struct route **ret_route, struct err *err)
{
	CLEANUP(route_freep) struct route *route = calloc(1, sizeof(*route));

	if (route == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	route->network = network;
	buf_init(&route->roots, ROOTS_MAX);
	if (read_roots(route, err) < 0)
		return -1;
	for (size_t i = 0; i < network->resolve_n; i++)
		if (add(&route->resolve, network->resolve[i], err) < 0)
			return -1;
	if (network->proxy != NULL && network->proxy_user != NULL && make_proxy_login(route, err) < 0)
		return -1;
	*ret_route = route;
	route = NULL;
	return 0;
}

/* curl copies header lines into ordinary memory; no credentials must stay there. */
static void wipe_lines(struct route *route)
{
	for (struct curl_slist *at = route->proxy_lines; at != NULL; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(route->proxy_lines);
	route->proxy_lines = NULL;
}

void route_free(struct route *route)
{
	if (route == NULL)
		return;
	wipe_lines(route);
	secret_wipe(&route->proxy_login);
	curl_slist_free_all(route->resolve);
	buf_deinit(&route->roots);
	free(route);
}

static bool set_roots(struct route *route, CURL *c)
{
	struct curl_blob blob = { route->roots.p, route->roots.len, CURL_BLOB_NOCOPY };
	const char *ca_file = route->network->ca_file;
	bool ok = true;

	if (ca_file != NULL) {
		/* Instead of the system's, not beside it. */
		ok &= curl_easy_setopt(c, CURLOPT_CAINFO, ca_file) == CURLE_OK;
		ok &= curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK;
	}
	/* It takes the place of the file; the system's folder stays. */
	if (route->roots.len > 0)
		ok &= curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
	return ok;
}

static bool set_proxy(struct route *route, CURL *c)
{
	struct err err;
	bool ok = true;

	if (route->network->proxy == NULL)
		return true;
	ok &= curl_easy_setopt(c, CURLOPT_PROXY, route->network->proxy) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK;
	wipe_lines(route);
	if (route->proxy_login.p == NULL)
		return ok;
	ok = ok && add(&route->proxy_lines, (const char *)route->proxy_login.p, &err) == 0;
	ok &= curl_easy_setopt(c, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PROXYHEADER, route->proxy_lines) == CURLE_OK;
	return ok;
}

/* Without both, curl would take a proxy, or exceptions from it, from the environment. */
static bool set_direct(CURL *c)
{
	return curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOPROXY, "") == CURLE_OK;
}

bool route_set(struct route *route, void *curl)
{
	const struct enroll_network *network;
	CURL *c = curl;
	char card[80];
	bool ok;

	if (route == NULL)
		return set_direct(c);
	network = route->network;
	ok = set_direct(c) && set_proxy(route, c) && set_roots(route, c);

	ok &= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_SSL_CIPHER_LIST, ROUTE_TLS12_SUITES) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_RESOLVE, route->resolve) == CURLE_OK;
	if (network->bind_address == NULL)
		return ok;
	/* "host!": never the name of a card, which curl would try first. */
	return ok && str_format(card, sizeof(card), "host!%s", network->bind_address) == 0 &&
	       curl_easy_setopt(c, CURLOPT_INTERFACE, card) == CURLE_OK;
}

void route_done(struct route *route, void *curl)
{
	if (route == NULL)
		return;
	(void)curl_easy_setopt((CURL *)curl, CURLOPT_PROXYHEADER, NULL);
	wipe_lines(route);
}

int route_proxy_error(void *curl, struct err *err)
{
	long status = 0;

	if (curl_easy_getinfo((CURL *)curl, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK || status < 300)
		return 0;
	if (status == 407)
		return err_set(err, ERR_OPERATOR, status,
			       "the proxy refuses the login (HTTP 407); check proxy-user and "
			       "proxy-password-source");
	return err_set(err, ERR_OPERATOR, status,
		       "the proxy opens no way (HTTP %ld); its administrator must allow the host", status);
}

void route_system_roots(const char **ret_file, const char **ret_folder)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	*ret_file = info->age >= CURLVERSION_SEVENTH ? info->cainfo : NULL;
	*ret_folder = info->age >= CURLVERSION_SEVENTH ? info->capath : NULL;
}

void wire_close(struct wire *wire)
{
	curl_easy_cleanup(wire->curl);
	route_free(wire->route);
	*wire = (struct wire){ .fd = -1 };
}

/* The scheme is HTTP so that curl speaks no TLS by itself; the proxy is asked for a tunnel all the same. */
static bool set_wire(struct wire *wire, const char *host, unsigned timeout_ms)
{
	CURL *c = wire->curl;
	char url[300];
	bool ok = str_format(url, sizeof(url), "http://%s%s/", host,
			     strchr(host, ':') == NULL ? ":443" : "") == 0;

	ok = ok && curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_HTTPPROXYTUNNEL, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms) == CURLE_OK;
	ok &= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK;
	return ok && route_set(wire->route, c);
}

int wire_open(const struct enroll_network *network, const char *host, unsigned timeout_ms,
	      struct wire *ret_wire, struct err *err)
{
	CLEANUP(wire_close) struct wire wire = { .fd = -1 };
	curl_socket_t fd = CURL_SOCKET_BAD;
	const char *address = NULL;
	CURLcode code;

	if (route_new(network, &wire.route, err) < 0)
		return -1;
	wire.curl = curl_easy_init();
	if (wire.curl == NULL || !set_wire(&wire, host, timeout_ms))
		return err_set(err, ERR_STATION, 0, "curl can't be used");
	code = curl_easy_perform(wire.curl);
	route_done(wire.route, wire.curl);
	if (code != CURLE_OK && route_proxy_error(wire.curl, err) < 0)
		return -1;
	if (code != CURLE_OK || curl_easy_getinfo(wire.curl, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
	    fd == CURL_SOCKET_BAD)
		return err_set(err, ERR_OPERATOR, (long)code, "%s", curl_easy_strerror(code));
	if (curl_easy_getinfo(wire.curl, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address != NULL)
		str_clip(wire.address, sizeof(wire.address), address);
	wire.fd = fd;
	*ret_wire = wire;
	wire = (struct wire){ .fd = -1 };
	return 0;
}
