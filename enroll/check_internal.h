/* The parts of enroll check: names (check_names.c, dns_answer.c), TLS (check_tls.c, check_way.c), calls (check_calls.c). */
#ifndef ENROLL_CHECK_INTERNAL_H
#define ENROLL_CHECK_INTERNAL_H

#include <netdb.h>
#include <sys/socket.h>

#include "enroll/enroll_internal.h"
#include "enroll/route.h"

#define CHECK_TEXT_MAX 512

/* Who is told, and what has been found so far. */
struct check {
	const struct enroll_check_conf *conf;
	struct enroll_service *service;
	const struct enroll_network *network;
	enroll_check_fn *tell;
	void *arg;
	bool bad;
};

/* One name that is reached. */
struct check_target {
	struct check *check;
	const char *role; /* "service", "devices", "login" */
	const char *host; /* HOST or HOST:PORT             */
	char name[256];   /* without its port              */
};

/* advice NULL: nothing is to be done. */
void check_tell(const struct check_target *target, const char *check, enum enroll_verdict verdict,
		const char *found, const char *advice);

/* --- check_names.c ------------------------------------------------------------------------------------ */

enum address_class {
	ADDRESS_PUBLIC,
	ADDRESS_PRIVATE,    /* RFC 1918, RFC 6598, RFC 4193 */
	ADDRESS_LINK_LOCAL, /* RFC 3927, RFC 4291 2.5.6     */
	ADDRESS_LOOPBACK,
};
/* IPv4, IPv6, and IPv4 mapped into it; anything else is public. */
enum address_class address_class_of(const struct sockaddr *address);

void check_names(const struct check_target *target);

/* --- dns_answer.c ------------------------------------------------------------------------------------- */

#define DNS_NAMES_MAX  5
#define DNS_ANSWER_MAX 4096
struct dns_names {
	char names[DNS_NAMES_MAX][256]; /* of the CNAME records, in their order */
	size_t n;
};
/* An answer as it came over the network (RFC 1035 4). ERR_RETRY if it is none. */
MUST_USE int dns_answer_parse(struct bytes answer, struct dns_names *ret, struct err *err);

/* --- check_tls.c -------------------------------------------------------------------------------------- */

enum tls_trust {
	TLS_TRUSTED, /* by ca-file, or by the system */
	TLS_TRUSTED_EXTRA,
	TLS_UNTRUSTED,
};

struct tls_seen {
	char version[16], suite[64];
	bool usual; /* it is what our calls get; else only what the other side would take */
	bool host_matches;
	char subject[128], issuer[128]; /* "CN, O" */
	char from[32], until[32];
	bool early, late; /* by this computer's clock */
	enum tls_trust trust;
	char why_untrusted[96];
};
/*
 * Shakes hands on a wire of its own, with what our calls offer; if that fails, with everything
 * that OpenSSL knows, to name what the other side has. ERR_OPERATOR: neither worked.
 */
MUST_USE int tls_look(const struct enroll_network *network, const char *host, unsigned timeout_ms,
		      struct tls_seen *ret, struct err *err);
/* "TLSv1.3" with any suite, "TLSv1.2" with one of ROUTE_TLS12_SUITES. */
bool tls_is_recommended(const char *version, const char *suite);
/* Whether an organisation that signs for Azure is in "CN, O" (Azure Certificate Authority details). */
bool tls_issuer_signs_for_azure(const char *issuer);

/* --- check_way.c -------------------------------------------------------------------------------------- */

void check_way(const struct check_target *target);

/* --- check_calls.c ------------------------------------------------------------------------------------ */

void check_calls(const struct check_target *target, int64_t now_ms);
/* dps-api 5: "0ne" and eight hexadecimal digits. */
bool id_scope_is_plausible(const char *id_scope);

#endif
