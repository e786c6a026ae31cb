/*
 * One connection to the service: login, pace and HTTP together. Every call of
 * the folder goes through service_call, so that none escapes the budget.
 */
#include "enroll/enroll_internal.h"

#include <stdlib.h>
#include <sys/random.h>

#include <curl/curl.h>

void answer_deinit(struct answer *answer)
{
	http_reply_deinit(&answer->http);
}

uint32_t service_chance(void)
{
	uint32_t chance = 0;

	/* Without randomness the backoff is short, and the next one is tried: nothing is lost. */
	if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
		return 0;
	return chance;
}

static int check_conf(const struct enroll_conf *conf, struct err *err)
{
	if (conf->host == NULL || conf->host[0] == '\0' ||
	    strspn(conf->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:") !=
		    strlen(conf->host))
		return err_set(err, ERR_OPERATOR, 0, "[service] host is no host name: %s",
			       conf->host != NULL ? conf->host : "(none)");
	if (conf->attempts_max == 0 || conf->timeout_ms == 0 || conf->timeout_ms > 600000)
		return err_set(err, ERR_OPERATOR, 0, "[service] attempts and timeout must be set");
	return 0;
}

/* The login names the host without its port. */
static int host_without_port(const char *host, char *out, size_t cap)
{
	return bytes_to_str(bytes_of(host, strcspn(host, ":")), out, cap);
}

int enroll_service_open(const struct enroll_conf *conf, const struct enroll_login *login,
			struct enroll_gate *gate, struct enroll_service **ret_service, struct err *err)
{
	CLEANUP(enroll_service_closep) struct enroll_service *service = NULL;

	if (check_conf(conf, err) < 0)
		return -1;
	payload_guard_memory();
	service = calloc(1, sizeof(*service));
	if (service == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (host_without_port(conf->host, service->host, sizeof(service->host)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "[service] host is too long");
	service->conf = conf;
	service->gate = gate;
	service->auth = (struct auth){ .login = login, .host = service->host };
	if (http_open(conf, &service->abort, &service->http, err) < 0 ||
	    auth_open(&service->auth, conf, &service->abort, err) < 0)
		return -1;
	*ret_service = service;
	service = NULL;
	return 0;
}

void enroll_service_close(struct enroll_service *service)
{
	if (service == NULL)
		return;
	service_give_back(service);
	http_close(service->http);
	auth_close(&service->auth);
	free(service);
}

void enroll_service_set_device_keys(struct enroll_service *service, const struct macer *device_keys)
{
	service->device_keys = device_keys;
}

/* A refused login is most often a wrong clock, and the answer says what the service's clock shows. */
static int login_error(struct enroll_service *service, int64_t now_ms, const struct http_reply *reply,
		       struct err *err)
{
	int64_t off_s = auth_clock_off_s(reply->date, now_ms);

	auth_forget(&service->auth);
	if (off_s != 0)
		return err_set(err, ERR_OPERATOR, reply->status,
			       "the service refused the login (HTTP %ld); this computer's clock is %lld s %s",
			       reply->status, (long long)(off_s > 0 ? off_s : -off_s),
			       off_s > 0 ? "ahead" : "behind");
	(void)err_set(err, ERR_OPERATOR, reply->status, "the service answered HTTP %ld; %s", reply->status,
		      auth_advice(&service->auth, reply->status));
	return err_wrap(err, "login refused");
}

static int judge(struct enroll_service *service, int64_t now_ms, struct answer *answer, struct err *err)
{
	struct http_reply *reply = &answer->http;

	switch (reply->kind) {
	case REPLY_DONE:
		return 0;
	case REPLY_REFUSED:
	case REPLY_EXISTS:
	case REPLY_ABSENT:
		/* Only the service's own word counts: a wrong host says 400 and 404 too (dps-api 10.13). */
		if (error_reply_parse(buf_bytes(&reply->body), &answer->error))
			return 0;
		reply->kind = REPLY_STRANGE;
		return http_status_error(reply, err);
	case REPLY_LOGIN:
		return login_error(service, now_ms, reply, err);
	case REPLY_BUSY:
	case REPLY_STRANGE:
		break;
	}
	return http_status_error(reply, err);
}

static int call_once(struct enroll_service *service, int64_t now_ms, const struct http_request *request,
		     const struct http_extra *extra, struct answer *ret, struct err *err)
{
	ret->sent = true;
	if (http_perform_extra(service->http, request, extra, &service->auth.token.header, &ret->http, err) <
	    0)
		return -1;
	return judge(service, now_ms, ret, err);
}

/*
 * A key that fails for a moment says nothing about anybody else, and is asked again soon; whoever
 * gives tokens is not.
 */
static int login(struct enroll_service *service, int64_t now_ms, struct err *err)
{
	if (auth_refresh(&service->auth, now_ms, err) == 0)
		return 0;
	if (err->class != ERR_RETRY || service->auth.asked)
		gate_failed(service->gate, &service->leave, now_ms,
			    pace_retry_after_ms(service->auth.retry_after, now_ms));
	service_give_back(service);
	return -1;
}

int64_t service_leave(struct enroll_service *service, int64_t now_ms)
{
	return service->leave.held ? 0 : gate_take(service->gate, now_ms, &service->leave);
}

void service_give_back(struct enroll_service *service)
{
	gate_give_back(service->gate, &service->leave);
}

/* A date in Retry-After is one of the service's clock, which its answer tells as well; ours may be hours off. */
static int64_t asked_ms(const struct http_reply *reply, int64_t now_ms)
{
	time_t theirs = curl_getdate(reply->date, NULL);

	return pace_retry_after_ms(reply->retry_after, theirs >= 0 ? (int64_t)theirs * 1000 : now_ms);
}

/* *ret_stale: the token was refused that had been good before. It may have been revoked, or a clock was set. */
static int call_with_login(struct enroll_service *service, int64_t now_ms, const struct http_request *request,
			   const struct http_extra *extra, struct answer *ret, bool *ret_stale,
			   struct err *err)
{
	unsigned made = service->auth.made;
	int64_t wait;

	*ret_stale = false;
	ret->http.retry_after[0] = '\0';
	if (login(service, now_ms, err) < 0)
		return -1;
	wait = service_leave(service, now_ms);
	if (wait > 0)
		return err_set(err, ERR_RETRY, 0, "the service wants no call for another %lld s",
			       (long long)(wait + 999) / 1000);
	ret->http.status = 0;
	if (call_once(service, now_ms, request, extra, ret, err) == 0) {
		gate_succeeded(service->gate, &service->leave);
		return 0;
	}
	*ret_stale = ret->http.status == 401 && service->auth.made == made;
	if (*ret_stale)
		gate_succeeded(service->gate, &service->leave);
	else
		gate_failed(service->gate, &service->leave, now_ms, asked_ms(&ret->http, now_ms));
	return -1;
}

int service_call_if(struct enroll_service *service, int64_t now_ms, const struct http_request *request,
		    const char *etag, struct answer *ret, struct err *err)
{
	char line[ETAG_MAX + 16];
	const struct http_extra extra = { NULL, etag != NULL ? line : NULL };
	struct err why = { 0 };
	bool stale;

	ret->sent = false;
	if (etag != NULL && str_format(line, sizeof(line), "If-Match: %s", etag) < 0)
		return err_set(err, ERR_BUG, 0, "an ETag does not fit");
	if (call_with_login(service, now_ms, request, &extra, ret, &stale, &why) == 0)
		return 0;
	/* The refused token is an answer: if no leave is left for another try, nobody's outcome is unknown. */
	if (stale)
		ret->sent = false;
	if (stale && call_with_login(service, now_ms, request, &extra, ret, &stale, &why) == 0)
		return 0;
	*err = why;
	return -1;
}

int service_call(struct enroll_service *service, int64_t now_ms, const struct http_request *request,
		 struct answer *ret, struct err *err)
{
	return service_call_if(service, now_ms, request, NULL, ret, err);
}

int service_path(const char *folder, const char *id, const char *tail, char out[PATH_CAP], struct err *err)
{
	char encoded[3 * ENROLL_ID_MAX + 1];

	if (percent_encode(id, encoded, sizeof(encoded)) < 0 ||
	    str_format(out, PATH_CAP, "/%s/%s%s?api-version=%s", folder, encoded, tail, ENROLL_API_VERSION) <
		    0)
		return err_set(err, ERR_OPERATOR, 0, "the ID is longer than %d characters: %.40s...",
			       ENROLL_ID_MAX, id);
	return 0;
}
