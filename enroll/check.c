/*
 * enroll check: each name that is needed, one after the other, then the calls.
 * A target that stands for two roles is looked at once.
 */
#include <strings.h>

#include "enroll/check_internal.h"

void check_tell(const struct check_target *target, const char *check, enum enroll_verdict verdict,
		const char *found, const char *advice)
{
	const struct enroll_check_result result = {
		check, target->role, target->host, verdict, found, advice
	};

	if (verdict == ENROLL_CHECK_BAD)
		target->check->bad = true;
	target->check->tell(target->check->arg, &result);
}

static struct check_target target_of(struct check *check, const char *role, const char *host)
{
	struct check_target target = { .check = check, .role = role, .host = host };

	if (bytes_to_str(bytes_of(host, strcspn(host, ":")), target.name, sizeof(target.name)) < 0)
		target.name[0] = '\0';
	return target;
}

/* "a" and "a:443" are the same. */
static bool same_host(const char *a, const char *b)
{
	size_t n = strcspn(a, ":");
	const char *port_a = a[n] != '\0' ? a + n : ":443";

	return strcspn(b, ":") == n && strncasecmp(a, b, n) == 0 &&
	       strcmp(port_a, b[n] != '\0' ? b + n : ":443") == 0;
}

bool enroll_check(struct enroll_service *service, const struct enroll_check_conf *conf, int64_t now_ms)
{
	struct check check = { .conf = conf,
			       .service = service,
			       .network = &service->conf->network,
			       .tell = conf->tell,
			       .arg = conf->arg };
	const char *host = service->conf->host;
	const struct check_target target = target_of(&check, "service", host);
	const struct check_target devices = target_of(&check, "devices", conf->device_host);
	const struct check_target login =
		target_of(&check, "login", conf->login_host != NULL ? conf->login_host : host);

	check_way(&target);
	if (same_host(host, conf->device_host))
		check_tell(&devices, "names", ENROLL_CHECK_GOOD, "the service's own host, for devices, too",
			   NULL);
	else
		check_way(&devices);
	if (!same_host(host, login.host))
		check_way(&login);
	check_calls(&target, now_ms);
	return !check.bad;
}
