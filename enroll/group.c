/*
 * Single calls: enrollment groups and one enrollment's JSON. They are for
 * setting up and checking by hand, so they wait for the budget rather than
 * come back later.
 */
#include "enroll/enroll_internal.h"

static int call_when_allowed(struct enroll_service *service, const struct http_request *request,
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
	return service_call(service, clock_wall_ms(), request, ret, err);
}

static int group_id_check(const char *id, struct err *err)
{
	if (id[0] == '\0' || strlen(id) > ENROLL_ID_MAX || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
		return err_set(err, ERR_OPERATOR, 0, "this is no group ID: %.130s", id);
	return 0;
}

static int refused(const struct answer *answer, const char *doing, const char *id, struct err *err)
{
	return err_set(err, ERR_OPERATOR, (long)answer->error.code,
		       "%s %s: the service refused (%lld): %.120s", doing, id, (long long)answer->error.code,
		       answer->error.text);
}

static int check_group(struct bytes wanted, const struct answer *answer, const char *id, struct err *err)
{
	struct difference difference;

	if (compare_group(wanted, buf_bytes(&answer->http.body), &difference, err) < 0)
		return -1;
	if (difference.differs)
		return err_set(err, ERR_OPERATOR, 0, "group %.60s exists and differs: %s", id,
			       difference.text);
	return 0;
}

/* PUT without If-Match creates; an existing group is a conflict and is fetched (dps-api 1.5). */
int enroll_group_put_x509(struct enroll_service *service, const char *group_id, struct bytes ca_cert_pem,
			  struct err *err)
{
	BUF_AUTO(json, ENROLL_BODY_MAX);
	ANSWER_AUTO(answer);
	char path[PATH_CAP];
	struct http_request put = { "PUT", path, BYTES_NONE };
	const struct http_request get = { "GET", path, BYTES_NONE };

	if (group_id_check(group_id, err) < 0 ||
	    service_path("enrollmentGroups", group_id, "", path, err) < 0 ||
	    payload_group_x509(group_id, ca_cert_pem, &json, err) < 0)
		return -1;
	put.body = buf_bytes(&json);
	if (call_when_allowed(service, &put, &answer, err) < 0)
		return err_wrap(err, "group %s", group_id);
	if (answer.http.kind == REPLY_EXISTS && call_when_allowed(service, &get, &answer, err) < 0)
		return err_wrap(err, "group %s", group_id);
	if (answer.http.kind != REPLY_DONE)
		return refused(&answer, "group", group_id, err);
	return check_group(buf_bytes(&json), &answer, group_id, err);
}

/* GET never returns keys; attestationmechanism does (dps-api 0.4). */
int enroll_group_put_symmetric(struct enroll_service *service, const char *group_id, struct secret *ret_key,
			       struct err *err)
{
	BUF_AUTO(json, ENROLL_BODY_MAX);
	ANSWER_AUTO(answer);
	char path[PATH_CAP], keys_path[PATH_CAP];
	struct http_request put = { "PUT", path, BYTES_NONE };
	const struct http_request keys = { "POST", keys_path, BYTES_NONE };

	if (group_id_check(group_id, err) < 0 ||
	    service_path("enrollmentGroups", group_id, "", path, err) < 0 ||
	    service_path("enrollmentGroups", group_id, "/attestationmechanism", keys_path, err) < 0 ||
	    payload_group_symmetric(group_id, &json, err) < 0)
		return -1;
	put.body = buf_bytes(&json);
	if (call_when_allowed(service, &put, &answer, err) < 0)
		return err_wrap(err, "group %s", group_id);
	if (answer.http.kind == REPLY_EXISTS && call_when_allowed(service, &keys, &answer, err) < 0)
		return err_wrap(err, "key of group %s", group_id);
	if (answer.http.kind != REPLY_DONE)
		return refused(&answer, "group", group_id, err);
	if (symmetric_key_of(buf_bytes(&answer.http.body), ret_key, err) < 0)
		return err_wrap(err, "group %s", group_id);
	return 0;
}

int enroll_get(struct enroll_service *service, const char *registration_id, struct buf *ret_json,
	       bool *ret_found, struct err *err)
{
	ANSWER_AUTO(answer);
	char path[PATH_CAP];
	const struct http_request get = { "GET", path, BYTES_NONE };

	if (registration_id_check(registration_id, err) < 0 ||
	    service_path("enrollments", registration_id, "", path, err) < 0 ||
	    call_when_allowed(service, &get, &answer, err) < 0)
		return -1;
	if (answer.http.kind == REPLY_REFUSED || answer.http.kind == REPLY_EXISTS)
		return refused(&answer, "enrollment", registration_id, err);
	if (answer.http.kind == REPLY_DONE && buf_set(ret_json, buf_bytes(&answer.http.body)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the enrollment of %s does not fit", registration_id);
	*ret_found = answer.http.kind == REPLY_DONE;
	return 0;
}
