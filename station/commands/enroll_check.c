/* station enroll check: what stands between here and the service, and what to do about it. */
#include <stdlib.h>

#include <jansson.h>

#include "station/commands/enroll.h"
#include "station/exit.h"
#include "station/line.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

static const char *verdict_name(enum enroll_verdict verdict)
{
	switch (verdict) {
	case ENROLL_CHECK_GOOD:
		return "good";
	case ENROLL_CHECK_DOUBT:
		return "doubt";
	case ENROLL_CHECK_BAD:
		return "bad";
	case ENROLL_CHECK_LEFT_OUT:
		return "left-out";
	}
	return "";
}

static void tell_json(const struct enroll_check_result *result)
{
	CLEANUP(json_freep)
	json_t *object =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?}", "event", "check", "check", result->check,
			  "role", result->role, "host", result->host, "result", verdict_name(result->verdict),
			  "found", result->found, "advice", result->advice);
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	if (text != NULL)
		(void)puts(text);
	free(text);
}

static void tell(void *arg, const struct enroll_check_result *result)
{
	const bool *json = arg;

	if (*json) {
		tell_json(result);
	} else {
		(void)printf("%-8s  %-11s  %-8s %s: %s\n", verdict_name(result->verdict), result->check,
			     result->role, result->host, result->found);
		if (result->advice != NULL)
			(void)printf("          do: %s\n", result->advice);
	}
	/* A name server or a firewall may take long over the next one. */
	(void)fflush(stdout);
}

/* As the devices get it. */
static int device_host(const struct conf *conf, char *out, size_t cap, struct err *err)
{
	int rc = conf->device_port == 443
			 ? str_format(out, cap, "%s", conf->device_host)
			 : str_format(out, cap, "%s:%u", conf->device_host, conf->device_port);

	return rc < 0 ? err_set(err, ERR_OPERATOR, 0, "[service] device-host is too long") : 0;
}

static bool asks_for_tokens(const struct conf *conf)
{
	return conf->login.auth == ENROLL_AUTH_ENTRA_CERTIFICATE ||
	       conf->login.auth == ENROLL_AUTH_ENTRA_SECRET;
}

int enroll_command_check(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(line_closep) struct line *line = NULL;
	struct enroll_service *service;
	const struct conf *conf;
	struct enroll_check_conf check = { .tell = tell };
	char host[CONF_TEXT_MAX + 8];
	bool json = options->json;

	if (line_open_sync(options->dir, &line, ret_exit, err) < 0)
		return -1;
	conf = line_station(line)->conf;
	*ret_exit = -1;
	if (line_service_open(line, &service, err) < 0 || device_host(conf, host, sizeof(host), err) < 0)
		return -1;
	check.device_host = host;
	check.login_host = asks_for_tokens(conf) ? conf->login.host : NULL;
	check.id_scope = conf->id_scope;
	check.arg = &json;
	*ret_exit = enroll_check(service, &check, clock_wall_ms()) ? EXIT_DONE : EXIT_SERVICE;
	return 0;
}
