/*
 * One name on the way to the service, from TCP to the certificate's issuer: what
 * check_tls.c saw is judged here, and said with what to do about it.
 */
#include <strings.h>

#include "enroll/check_internal.h"

#define HANDSHAKE_MAX_MS 10000

static void tell_suite(const struct check_target *target, const struct tls_seen *seen)
{
	char text[CHECK_TEXT_MAX];
	bool old = strcmp(seen->version, "TLSv1.2") != 0 && strcmp(seen->version, "TLSv1.3") != 0;

	(void)snprintf(text, sizeof(text), "%s", seen->version);
	check_tell(
		target, "tls", old ? ENROLL_CHECK_BAD : ENROLL_CHECK_GOOD, text,
		old ? "TLS 1.2 is the least: this is no Azure service; look for a proxy or an old gateway in "
		      "between"
		    : NULL);
	if (seen->usual && tls_is_recommended(seen->version, seen->suite))
		check_tell(target, "cipher", ENROLL_CHECK_GOOD, seen->suite, NULL);
	else
		check_tell(target, "cipher", ENROLL_CHECK_BAD, seen->suite,
			   "not one of the service's recommended suites: " ROUTE_TLS12_SUITES
			   ", or TLS 1.3; whoever ends TLS in between must offer one");
}

static void tell_certificate(const struct check_target *target, const struct tls_seen *seen)
{
	char text[CHECK_TEXT_MAX];
	enum enroll_verdict verdict = ENROLL_CHECK_BAD;
	const char *advice = NULL;

	(void)snprintf(text, sizeof(text), "%s, from %s until %s", seen->subject, seen->from, seen->until);
	if (!seen->host_matches)
		advice = "it is for another host: check the name in [service], and that resolve and DNS lead "
			 "to "
			 "the service";
	else if (seen->late)
		advice = "it has expired, or this computer's clock is ahead";
	else if (seen->early)
		advice = "it is not valid yet: most often this computer's clock is behind";
	else
		verdict = ENROLL_CHECK_GOOD;
	check_tell(target, "certificate", verdict, text, advice);
}

static bool is_azure(const char *name)
{
	static const char *const ends[] = { ".azure-devices-provisioning.net", ".microsoftonline.com" };
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (n > strlen(ends[i]) && strcasecmp(name + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static void tell_issuer(const struct check_target *target, const struct tls_seen *seen)
{
	const bool foreign = is_azure(target->name) && !tls_issuer_signs_for_azure(seen->issuer);
	char text[CHECK_TEXT_MAX];

	switch (seen->trust) {
	case TLS_UNTRUSTED:
		(void)snprintf(text, sizeof(text), "signed by %s, which is not trusted: %s", seen->issuer,
			       seen->why_untrusted);
		check_tell(target, "issuer", ENROLL_CHECK_BAD, text,
			   "if that is your plant's TLS-inspecting proxy, have it leave this host alone "
			   "(devices "
			   "will not trust it either), or name its certificate with extra-ca-file; if not, "
			   "somebody is in between");
		return;
	case TLS_TRUSTED_EXTRA:
		(void)snprintf(text, sizeof(text),
			       "signed by %s, trusted by extra-ca-file: a proxy reads along", seen->issuer);
		check_tell(target, "issuer", ENROLL_CHECK_DOUBT, text,
			   "devices behind the same proxy must trust it, too, or be let past it");
		return;
	case TLS_TRUSTED:
		(void)snprintf(text, sizeof(text), "signed by %s%s", seen->issuer,
			       foreign ? ", trusted, but none that signs for Azure" : "");
		check_tell(target, "issuer", foreign ? ENROLL_CHECK_DOUBT : ENROLL_CHECK_GOOD, text,
			   foreign ? "most likely a TLS-inspecting proxy; have it leave this host alone"
				   : NULL);
		return;
	}
}

static void left_out(const struct check_target *target, const char *const *checks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_tell(target, checks[i], ENROLL_CHECK_LEFT_OUT, "the one before has to work first",
			   NULL);
}

static bool check_tcp(const struct check_target *target)
{
	CLEANUP(wire_close) struct wire wire = { .fd = -1 };
	char text[CHECK_TEXT_MAX];
	struct err err = { 0 };
	const char *proxy = target->check->network->proxy;

	if (wire_open(target->check->network, target->host, HANDSHAKE_MAX_MS, &wire, &err) < 0) {
		check_tell(target, "tcp", ENROLL_CHECK_BAD, err.what,
			   proxy != NULL
				   ? "check proxy, proxy-user and proxy-password-source in [service], and "
				     "that the proxy may reach this host"
				   : "the firewall must let this computer reach that port; bind-address "
				     "must be one of its own addresses; does the plant demand a proxy?");
		return false;
	}
	(void)snprintf(text, sizeof(text), "connected to %s%s", wire.address,
		       proxy != NULL ? ", the proxy, which opened the way" : "");
	check_tell(target, "tcp", ENROLL_CHECK_GOOD, text, NULL);
	return true;
}

void check_way(const struct check_target *target)
{
	static const char *const after[] = { "tls", "cipher", "certificate", "issuer" };
	struct tls_seen seen;
	struct err err = { 0 };

	check_names(target);
	if (!check_tcp(target)) {
		left_out(target, after, ARRAY_LEN(after));
		return;
	}
	if (tls_look(target->check->network, target->host, HANDSHAKE_MAX_MS, &seen, &err) < 0) {
		check_tell(
			target, "tls", ENROLL_CHECK_BAD, err.what,
			"whoever answers there does not speak TLS as the service does: check port, proxy and "
			"resolve");
		left_out(target, after + 1, ARRAY_LEN(after) - 1);
		return;
	}
	tell_suite(target, &seen);
	tell_certificate(target, &seen);
	tell_issuer(target, &seen);
}
