/*
 * From the keys of [service] to what enroll wants: names get the port that they
 * are called at, the password comes from its source. What can be known to be wrong is
 * said when the configuration is read, not by the first call.
 */
#include "station/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "hsm/hsm.h"

#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static bool is_address(const char *text, bool *ret_v6)
{
	struct in6_addr any;

	*ret_v6 = inet_pton(AF_INET6, text, &any) == 1;
	return *ret_v6 || inet_pton(AF_INET, text, &any) == 1;
}

/* Whether endpoint is this host, with a port of its own. */
static const char *port_in(const char *endpoint, struct bytes host)
{
	if (strncasecmp(endpoint, (const char *)host.p, host.len) != 0 || endpoint[host.len] != ':')
		return NULL;
	return endpoint + host.len + 1;
}

static const char *port_of(const struct conf *conf, struct bytes host)
{
	const char *port = port_in(conf->host, host);

	if (port == NULL)
		port = port_in(conf->login.host, host);
	return port != NULL ? port : "443";
}

/* HOST=ADDRESS to "host:port:address" (CURLOPT_RESOLVE) */
static int resolve_entry(const struct conf *conf, struct bytes word, char out[CONF_TEXT_MAX + 1],
			 struct err *err)
{
	const uint8_t *equals = memchr(word.p, '=', word.len);
	size_t n = equals != NULL ? (size_t)(equals - word.p) : 0;
	struct bytes host = bytes_of(word.p, n);
	char address[64], name[CONF_TEXT_MAX + 1];
	bool v6;

	if (n == 0 || bytes_to_str(host, name, sizeof(name)) < 0 || strspn(name, HOST_LETTERS) != n ||
	    bytes_to_str(bytes_of(word.p + n + 1, word.len - n - 1), address, sizeof(address)) < 0 ||
	    !is_address(address, &v6))
		return err_set(err, ERR_OPERATOR, 0, "resolve: not HOST=ADDRESS: \"%.*s\"",
			       (int)(word.len < 100 ? word.len : 100), (const char *)word.p);
	if (str_format(out, CONF_TEXT_MAX + 1, "%s:%s:%s%s%s", name, port_of(conf, host), v6 ? "[" : "",
		       address, v6 ? "]" : "") < 0)
		return err_set(err, ERR_OPERATOR, 0, "resolve: \"%.60s\" is too long", name);
	return 0;
}

static int resolve_entries(const struct conf *conf, struct network *network, struct err *err)
{
	const char *rest = conf->network.resolve;
	size_t n = 0;

	while (*(rest += strspn(rest, " \t")) != '\0') {
		struct bytes word = bytes_of(rest, strcspn(rest, " \t"));

		if (n == ENROLL_RESOLVE_MAX)
			return err_set(err, ERR_OPERATOR, 0, "resolve: more than %d names",
				       ENROLL_RESOLVE_MAX);
		if (resolve_entry(conf, word, network->resolve[n], err) < 0)
			return -1;
		network->entries[n] = network->resolve[n];
		n++;
		rest += word.len;
	}
	network->settings.resolve_n = n;
	return 0;
}

int network_init(const struct conf *conf, struct network *ret_network, struct err *err)
{
	const struct conf_network *from = &conf->network;
	struct network *network = ret_network;

	if (resolve_entries(conf, network, err) < 0)
		return err_wrap(err, "[service]");
	if (from->proxy_password_source[0] != '\0' &&
	    hsm_source_read(from->proxy_password_source, "", &network->proxy_password, err) < 0)
		return err_wrap(err, "proxy-password-source");
	network->settings.ca_file = or_null(from->ca_file);
	network->settings.extra_ca_file = or_null(from->extra_ca_file);
	network->settings.proxy = or_null(from->proxy);
	network->settings.proxy_user = or_null(from->proxy_user);
	network->settings.proxy_password =
		network->proxy_password.p != NULL ? &network->proxy_password : NULL;
	network->settings.resolve = network->entries;
	network->settings.bind_address = or_null(from->bind_address);
	return 0;
}

void network_deinit(struct network *network)
{
	secret_wipe(&network->proxy_password);
}

/* http://HOST:PORT and nothing behind it: credentials have keys of their own. */
static int check_proxy(const struct conf_network *network, struct err *err)
{
	static const char scheme[] = "http://";
	const char *host = network->proxy + sizeof(scheme) - 1, *port;
	unsigned long number;
	char *end = NULL;

	if (network->proxy[0] == '\0') {
		if (network->proxy_user[0] != '\0' || network->proxy_password_source[0] != '\0')
			return err_set(err, ERR_OPERATOR, 0, "proxy-user needs the key proxy");
		return 0;
	}
	if (strncmp(network->proxy, scheme, sizeof(scheme) - 1) != 0 || strchr(network->proxy, '@') != NULL)
		return err_set(err, ERR_OPERATOR, 0,
			       "proxy: not http://HOST:PORT; user and password have keys of their own");
	port = host + strspn(host, HOST_LETTERS);
	number = port > host && port[0] == ':' && port[1] >= '0' && port[1] <= '9'
			 ? strtoul(port + 1, &end, 10)
			 : 0;
	if (number < 1 || number > 65535 || *end != '\0')
		return err_set(err, ERR_OPERATOR, 0, "proxy: not http://HOST:PORT: \"%.80s\"",
			       network->proxy);
	if (network->proxy_password_source[0] != '\0' && network->proxy_user[0] == '\0')
		return err_set(err, ERR_OPERATOR, 0, "proxy-password-source needs the key proxy-user");
	if (strcmp(network->proxy_password_source, "prompt") == 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "proxy-password-source: file:PATH or credential:NAME; nobody is there to ask");
	/* RFC 7617 2: the first colon ends the user's name. */
	if (strchr(network->proxy_user, ':') != NULL)
		return err_set(err, ERR_OPERATOR, 0, "proxy-user: no colon may stand in it");
	return 0;
}

static int check_file(const char *key, const char *path, struct err *err)
{
	if (path[0] != '\0' && access(path, R_OK) < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %.120s: %s", key, path, strerror(errno));
	return 0;
}

int network_check(const struct conf *conf, struct err *err)
{
	struct network network = { .settings = { .ca_file = NULL } };
	bool v6;

	if (check_proxy(&conf->network, err) < 0 || resolve_entries(conf, &network, err) < 0)
		return -1;
	if (conf->network.bind_address[0] != '\0' && !is_address(conf->network.bind_address, &v6))
		return err_set(err, ERR_OPERATOR, 0, "bind-address: not an IP address: \"%s\"",
			       conf->network.bind_address);
	return check_file("extra-ca-file", conf->network.extra_ca_file, err);
}
