/*
 * What the names stand for here. A private endpoint is only used if this network's
 * DNS gives its address; else the public one answers, and refuses or is blocked.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdarg.h>
#include <strings.h>

#include "enroll/check_internal.h"

#define DNS_PATIENCE_S 3

static enum address_class class_of_ipv4(uint32_t a)
{
	static const struct {
		uint32_t net, mask;
		enum address_class class;
	} table[] = {
		{ 0x0a000000, 0xff000000, ADDRESS_PRIVATE },    { 0xac100000, 0xfff00000, ADDRESS_PRIVATE },
		{ 0xc0a80000, 0xffff0000, ADDRESS_PRIVATE },    { 0x64400000, 0xffc00000, ADDRESS_PRIVATE },
		{ 0xa9fe0000, 0xffff0000, ADDRESS_LINK_LOCAL }, { 0x7f000000, 0xff000000, ADDRESS_LOOPBACK },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if ((a & table[i].mask) == table[i].net)
			return table[i].class;
	return ADDRESS_PUBLIC;
}

static enum address_class class_of_ipv6(const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		return class_of_ipv4((uint32_t)a->s6_addr[12] << 24 | (uint32_t)a->s6_addr[13] << 16 |
				     (uint32_t)a->s6_addr[14] << 8 | a->s6_addr[15]);
	if (IN6_IS_ADDR_LOOPBACK(a))
		return ADDRESS_LOOPBACK;
	if (a->s6_addr[0] == 0xfe && (a->s6_addr[1] & 0xc0) == 0x80)
		return ADDRESS_LINK_LOCAL;
	return (a->s6_addr[0] & 0xfe) == 0xfc ? ADDRESS_PRIVATE : ADDRESS_PUBLIC;
}

enum address_class address_class_of(const struct sockaddr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		return class_of_ipv4(ntohl(v4.sin_addr.s_addr));
	}
	if (address->sa_family != AF_INET6)
		return ADDRESS_PUBLIC;
	memcpy(&v6, address, sizeof(v6));
	return class_of_ipv6(&v6.sin6_addr);
}

static const char *class_name(enum address_class class)
{
	switch (class) {
	case ADDRESS_PUBLIC:
		return "public";
	case ADDRESS_PRIVATE:
		return "private";
	case ADDRESS_LINK_LOCAL:
		return "link-local";
	case ADDRESS_LOOPBACK:
		return "this computer";
	}
	return "";
}

/* What is too long ends early: it is for reading. */
static void PRINTF(2, 3) append(char text[CHECK_TEXT_MAX], const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + n, CHECK_TEXT_MAX - n, format, args);
	va_end(args);
}

/* The aliases, as far as the name server tells them; no answer is no news. */
static void ask_aliases(const char *name, struct dns_names *ret)
{
	BUF_AUTO(answer, DNS_ANSWER_MAX);
	uint8_t *to = buf_reserve(&answer, DNS_ANSWER_MAX);
	struct __res_state state = { 0 };
	struct err err;
	int n;

	ret->n = 0;
	if (to == NULL || res_ninit(&state) < 0)
		return;
	state.retrans = DNS_PATIENCE_S;
	state.retry = 1;
	n = res_nquery(&state, name, ns_c_in, ns_t_a, to, DNS_ANSWER_MAX);
	if (n > 0 && n <= DNS_ANSWER_MAX)
		(void)!dns_answer_parse(bytes_of(to, (size_t)n), ret, &err);
	res_nclose(&state);
}

/* Whether one of the aliases is a private endpoint's. */
static bool tell_aliases(const char *name, char text[CHECK_TEXT_MAX])
{
	struct dns_names aliases;
	bool link = false;

	ask_aliases(name, &aliases);
	for (size_t i = 0; i < aliases.n; i++) {
		append(text, "%s%s", i == 0 ? "is " : ", is ", aliases.names[i]);
		link |= strcasestr(aliases.names[i], ".privatelink.") != NULL;
	}
	if (aliases.n > 0)
		append(text, "; ");
	return link;
}

/* Whether one of the addresses is public. */
static bool tell_addresses(const struct addrinfo *list, char text[CHECK_TEXT_MAX])
{
	bool public = false;
	char address[64];

	for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
		enum address_class class = address_class_of(at->ai_addr);

		if (getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof(address), NULL, 0,
				NI_NUMERICHOST) != 0)
			continue;
		append(text, "%s%s (%s)", at == list ? "" : ", ", address, class_name(class));
		public |= class == ADDRESS_PUBLIC;
	}
	return public;
}

static void free_addresses(struct addrinfo **list)
{
	if (*list != NULL)
		freeaddrinfo(*list);
}

/* Of "host:port:address", the address for this host. */
static const char *resolved_by_hand(const struct enroll_network *network, const char *host)
{
	char want[300];
	const char *port = strchr(host, ':') != NULL ? "" : ":443";

	if (str_format(want, sizeof(want), "%s%s:", host, port) < 0)
		return NULL;
	for (size_t i = 0; i < network->resolve_n; i++)
		if (strncasecmp(network->resolve[i], want, strlen(want)) == 0)
			return network->resolve[i] + strlen(want);
	return NULL;
}

static bool is_address(const char *name)
{
	struct in6_addr any;

	return inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1;
}

static void check_resolved(const struct check_target *target, const char *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	CLEANUP(free_addresses) struct addrinfo *list = NULL;
	char text[CHECK_TEXT_MAX] = "";
	int rc = getaddrinfo(name, NULL, &hints, &list);
	bool link, public;

	if (rc != 0) {
		append(text, "%s: %s", name, gai_strerror(rc));
		check_tell(
			target, "names", ENROLL_CHECK_BAD, text,
			"check the name, and this computer's DNS servers; or name the address with resolve = "
			"HOST=ADDRESS");
		return;
	}
	link = !is_address(name) && tell_aliases(name, text);
	public = tell_addresses(list, text);
	if (link && public)
		check_tell(
			target, "names", ENROLL_CHECK_DOUBT, text,
			"there is a private endpoint, but this network's DNS gives a public address: forward "
			"the zone privatelink.azure-devices-provisioning.net to Azure's private DNS, or use "
			"resolve");
	else
		check_tell(target, "names", ENROLL_CHECK_GOOD, text, NULL);
}

/* "http://HOST:PORT" */
static void check_proxy_name(const struct check_target *target)
{
	const char *begin = strstr(target->check->network->proxy, "://");
	char name[256];

	begin = begin != NULL ? begin + 3 : target->check->network->proxy;
	if (bytes_to_str(bytes_of(begin, strcspn(begin, ":/")), name, sizeof(name)) == 0)
		check_resolved(target, name);
}

void check_names(const struct check_target *target)
{
	const char *by_hand = resolved_by_hand(target->check->network, target->host);
	char text[CHECK_TEXT_MAX] = "";

	if (target->check->network->proxy != NULL) {
		append(text, "resolved by the proxy, %s", target->check->network->proxy);
		check_tell(target, "names", ENROLL_CHECK_LEFT_OUT, text, NULL);
		check_proxy_name(target);
	} else if (by_hand != NULL) {
		append(text, "%s, by resolve in [service]; no DNS is asked", by_hand);
		check_tell(target, "names", ENROLL_CHECK_GOOD, text, NULL);
	} else {
		check_resolved(target, target->name);
	}
}
