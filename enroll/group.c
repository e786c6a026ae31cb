/*
 * Single calls: enrollment groups and one enrollment's JSON. They are for
 * setting up and checking by hand, so they wait for the budget rather than
 * come back later.
 */
#include "enroll/enroll_internal.h"

#include <stdlib.h>

int call_when_allowed(struct enroll_service *service, const struct http_request *request, const char *etag,
		      struct answer *ret, struct err *err)
{
	const struct deadline dl = deadline_in_ms(service->conf->timeout_ms);
	int64_t wait;

	while ((wait = service_leave(service, clock_wall_ms())) > 0) {
		if (wait > deadline_left_ms(&dl))
			return err_set(err, ERR_RETRY, 0, "the service wants no call for another %lld s",
				       (long long)(wait + 999) / 1000);
		deadline_sleep(&dl, (unsigned)wait);
	}
	return service_call_if(service, clock_wall_ms(), request, etag, ret, err);
}

static int refused(const struct answer *answer, const char *doing, const char *id, struct err *err)
{
	return err_set(err, ERR_OPERATOR, (long)answer->error.code,
		       "%s %s: the service refused (%lld): %.120s", doing, id, (long long)answer->error.code,
		       answer->error.text);
}

static void difference_free(struct difference *difference)
{
	free(difference);
}
DEFINE_CLEANUP(difference_freep, struct difference, difference_free)

static int check_group(struct bytes wanted, const struct answer *answer, const char *id, struct err *err)
{
	/* Not on the stack: it is large, and the callers have an answer there. */
	CLEANUP(difference_freep) struct difference *difference = calloc(1, sizeof(*difference));

	if (difference == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (compare_group(wanted, buf_bytes(&answer->http.body), difference, err) < 0)
		return -1;
	if (difference->differs)
		return err_set(err, ERR_OPERATOR, 0, "group %.60s exists and differs: %s", id,
			       difference->text);
	return 0;
}

/* PUT without If-Match creates; an existing group is a conflict and is fetched (dps-api 1.5). */
static int put_group(struct enroll_service *service, const struct enroll_group *group, bool *ret_existed,
		     struct answer *answer, struct err *err)
{
	BUF_AUTO(json, ENROLL_BODY_MAX);
	char path[PATH_CAP];
	struct http_request put = { "PUT", path, BYTES_NONE };
	const struct http_request get = { "GET", path, BYTES_NONE };

	if (payload_group(group, &json, err) < 0 ||
	    service_path("enrollmentGroups", group->id, "", path, err) < 0)
		return -1;
	put.body = buf_bytes(&json);
	if (call_when_allowed(service, &put, NULL, answer, err) < 0)
		return -1;
	*ret_existed = answer->http.kind == REPLY_EXISTS;
	if (*ret_existed && call_when_allowed(service, &get, NULL, answer, err) < 0)
		return -1;
	if (answer->http.kind != REPLY_DONE)
		return refused(answer, "group", group->id, err);
	return check_group(buf_bytes(&json), answer, group->id, err);
}

int enroll_group_put_x509(struct enroll_service *service, const struct enroll_group *group, struct err *err)
{
	ANSWER_AUTO(answer);
	bool existed = false;

	if (group->primary_pem.p == NULL && group->primary_ca == NULL)
		return err_set(err, ERR_BUG, 0, "a group of X.509 without a certificate");
	if (put_group(service, group, &existed, &answer, err) < 0)
		return err_wrap(err, "group %.60s", group->id);
	return 0;
}

/* GET never returns keys; attestationmechanism does (dps-api 0.4). */
static int fetch_mechanism(struct enroll_service *service, const char *id, struct answer *answer,
			   struct err *err)
{
	char path[PATH_CAP];
	const struct http_request post = { "POST", path, BYTES_NONE };

	if (service_path("enrollmentGroups", id, "/attestationmechanism", path, err) < 0 ||
	    call_when_allowed(service, &post, NULL, answer, err) < 0)
		return err_wrap(err, "key of group %.60s", id);
	if (answer->http.kind != REPLY_DONE)
		return refused(answer, "key of group", id, err);
	return 0;
}

int enroll_group_put_symmetric(struct enroll_service *service, const struct enroll_group *group,
			       struct secret *ret_key, struct err *err)
{
	ANSWER_AUTO(answer);
	bool existed = false;

	if (put_group(service, group, &existed, &answer, err) < 0)
		return err_wrap(err, "group %.60s", group->id);
	if (existed && fetch_mechanism(service, group->id, &answer, err) < 0)
		return -1;
	if (symmetric_key_of(buf_bytes(&answer.http.body), ret_key, err) < 0)
		return err_wrap(err, "group %.60s", group->id);
	return 0;
}

static int get_json(struct enroll_service *service, const char *folder, const char *id, struct buf *ret_json,
		    bool *ret_found, struct err *err)
{
	ANSWER_AUTO(answer);
	char path[PATH_CAP];
	const struct http_request get = { "GET", path, BYTES_NONE };

	if (service_path(folder, id, "", path, err) < 0 ||
	    call_when_allowed(service, &get, NULL, &answer, err) < 0)
		return -1;
	if (answer.http.kind == REPLY_REFUSED || answer.http.kind == REPLY_EXISTS)
		return refused(&answer, folder, id, err);
	if (answer.http.kind == REPLY_DONE && buf_set(ret_json, buf_bytes(&answer.http.body)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "%s: the answer about %s does not fit", folder, id);
	*ret_found = answer.http.kind == REPLY_DONE;
	return 0;
}

int enroll_group_get(struct enroll_service *service, const char *id, struct buf *ret_json, bool *ret_found,
		     struct err *err)
{
	return get_json(service, "enrollmentGroups", id, ret_json, ret_found, err);
}

static int put_changed(struct enroll_service *service, const char *id, struct bytes json, const char *etag,
		       struct answer *answer, struct err *err)
{
	char path[PATH_CAP];
	const struct http_request put = { "PUT", path, json };

	if (service_path("enrollmentGroups", id, "", path, err) < 0 ||
	    call_when_allowed(service, &put, etag, answer, err) < 0)
		return -1;
	if (answer->http.status == 412)
		return err_set(err, ERR_RETRY, 412,
			       "somebody else changed it meanwhile; nothing was written");
	if (answer->http.kind != REPLY_DONE)
		return refused(answer, "group", id, err);
	return check_group(json, answer, id, err);
}

int enroll_group_change(struct enroll_service *service, const char *id,
			const struct enroll_group_change *change, bool *ret_changed, struct err *err)
{
	BUF_AUTO(group, ENROLL_REPLY_MAX);
	ANSWER_AUTO(answer);
	SECRET_AUTO json = { NULL, 0 };
	char etag[ETAG_MAX];
	bool found = false;

	if (enroll_group_get(service, id, &group, &found, err) < 0)
		return err_wrap(err, "group %.60s", id);
	if (!found)
		return err_set(err, ERR_OPERATOR, 0, "the service has no group %.130s", id);
	if (payload_group_has_keys(buf_bytes(&group)) && fetch_mechanism(service, id, &answer, err) < 0)
		return -1;
	if (payload_group_change(buf_bytes(&group), buf_bytes(&answer.http.body), change, &json, etag, err) <
		    0 ||
	    (json.len > 0 && put_changed(service, id, secret_bytes(&json), etag, &answer, err) < 0))
		return err_wrap(err, "group %.60s", id);
	*ret_changed = json.len > 0;
	return 0;
}

int enroll_get(struct enroll_service *service, const char *registration_id, struct buf *ret_json,
	       bool *ret_found, struct err *err)
{
	if (registration_id_check(registration_id, err) < 0)
		return -1;
	return get_json(service, "enrollments", registration_id, ret_json, ret_found, err);
}
