/*
 * One record: what an answer of the service means for it, and the single calls
 * that settle it. Each step either gives a verdict or names the next step, which
 * is stored with the row, so that a batch may stop after any call.
 */
#include "enroll/enroll_internal.h"

#define LOST_MAX 3 /* calls that a record may lose before it travels alone */

int64_t run_now(const struct run *run)
{
	return run->now_ms + (deadline_now_ms() - run->started_ms);
}

int run_call_if(struct run *run, const struct http_request *request, const char *etag, struct answer *ret,
		struct err *err)
{
	int rc = service_call_if(run->service, run_now(run), request, etag, ret, err);

	run->calls += ret->sent;
	return rc;
}

int run_call(struct run *run, const struct http_request *request, struct answer *ret, struct err *err)
{
	return run_call_if(run, request, NULL, ret, err);
}

int run_wrong_host(struct run *run, const struct answer *answer, struct err *err)
{
	gate_failed(run->service->gate, &run->service->leave, run_now(run), -1);
	return http_status_error(&answer->http, err);
}

void item_set_reason(struct item *item, const char *text)
{
	(void)snprintf(item->reason, sizeof(item->reason), "%s", text);
}

void item_quarantine(struct item *item, const char *reason)
{
	item->verdict = ITEM_QUARANTINED;
	item_set_reason(item, reason);
}

void item_enrolled(struct item *item)
{
	item->verdict = ITEM_ENROLLED;
	item->reason[0] = '\0';
}

/* The service refused this very record. */
void item_refused(const struct run *run, struct item *item, int64_t code, const char *text)
{
	char reason[REASON_MAX];

	(void)snprintf(reason, sizeof(reason), "the service refused it (%lld): %.160s", (long long)code,
		       text);
	item->attempts++;
	switch (refusal_of(code)) {
	case REFUSAL_EXISTS:
		item->attempts--;
		item->next = NEXT_GET;
		return;
	case REFUSAL_FINAL:
		item_quarantine(item, reason);
		return;
	case REFUSAL_TRANSIENT:
		break;
	}
	if (item->attempts >= (int64_t)run->service->conf->attempts_max) {
		item_quarantine(item, reason);
		return;
	}
	item->verdict = ITEM_RETRY;
	item->not_before_ms = run_now(run) + pace_backoff_ms((unsigned)item->attempts, service_chance());
	item_set_reason(item, reason);
}

static void judge_difference(struct item *item)
{
	char reason[REASON_MAX];

	if (!item->difference.differs) {
		item_enrolled(item);
		return;
	}
	(void)snprintf(reason, sizeof(reason), "the service holds another record: %s", item->difference.text);
	item_quarantine(item, reason);
}

/*
 * Only what a later pass or somebody else must handle is an error; a key that is
 * gone is this item's own trouble and must not stop the others.
 */
static int derive_key(const struct macer *keys, struct item *item, struct secret *ret, struct err *err)
{
	SECRET_AUTO key = { NULL, 0 };
	uint8_t digest[SHA256_LEN];
	struct err why = { 0 };
	char text[REASON_MAX], reason[REASON_MAX];

	if (secret_new(SHA256_LEN, &key, err) < 0)
		return -1;
	if (keys->mac(keys->key, bytes_str(item->registration_id), key.p, &why) < 0) {
		if (why.class != ERR_OPERATOR && why.class != ERR_UNIT) {
			*err = why;
			return err_wrap(err, "deriving the key of %s", item->registration_id);
		}
		(void)snprintf(reason, sizeof(reason), "its symmetric key can't be derived: %.200s",
			       err_text(&why, text, sizeof(text)));
		item_quarantine(item, reason);
		return 0;
	}
	sha256(secret_bytes(&key), digest);
	if (!bytes_equal(BYTES_ARRAY(digest), BYTES_ARRAY(item->key_sha256))) {
		item_quarantine(item, "its symmetric key was derived from another group key than today's");
		return 0;
	}
	*ret = key;
	key = (struct secret){ NULL, 0 };
	return 0;
}

int item_wire_payload(const struct run *run, struct item *item, struct secret *with_key, struct bytes *ret,
		      struct err *err)
{
	return item_wire(run, item, buf_bytes(&item->payload), with_key, ret, err);
}

int item_wire(const struct run *run, struct item *item, struct bytes payload, struct secret *with_key,
	      struct bytes *ret, struct err *err)
{
	const struct macer *keys = run->service->device_keys;
	SECRET_AUTO key = { NULL, 0 };

	if (item->has_key && keys == NULL)
		item_quarantine(item, "its symmetric key can't be derived: no key for it is configured");
	else if (item->has_key && derive_key(keys, item, &key, err) < 0)
		return -1;
	if (item->has_key && item->verdict == ITEM_OPEN) {
		if (payload_with_key(payload, &key, with_key, err) < 0)
			return -1;
		payload = secret_bytes(with_key);
	}
	*ret = item->verdict == ITEM_OPEN ? payload : BYTES_NONE;
	return 0;
}

/*
 * No usable answer. In a bulk call any record may be the cause, so those that are
 * lost often travel alone. A lost single call counts as an attempt if the call
 * before it was answered: the service is there, and this record breaks it. In an
 * outage no call is answered, so it costs one attempt of one record and no more.
 */
void item_lost(const struct run *run, struct item *item, const struct err *why)
{
	char text[REASON_MAX], reason[REASON_MAX];

	if (why->class != ERR_RETRY || why->code == 429 || atomic_load(&run->service->abort))
		return;
	item->lost++;
	if (item->next == NEXT_BULK) {
		if (item->lost >= LOST_MAX)
			item->next = NEXT_PUT;
		return;
	}
	if (!run->service->answering)
		return;
	item->attempts++;
	if (item->attempts < (int64_t)run->service->conf->attempts_max)
		return;
	(void)snprintf(reason, sizeof(reason), "no answer to it, but to others: %.200s",
		       err_text(why, text, sizeof(text)));
	item_quarantine(item, reason);
}

/*
 * It, or what it needs, is not there: create it alone, a limited number of times.
 * The 404 is the service's own, with its error body; service_call saw to that.
 * A service that does not show what it says exists would lead us in circles.
 */
static void create_again(const struct run *run, struct item *item, const struct answer *answer)
{
	int64_t code = answer->error.code;

	if (answer->http.kind == REPLY_ABSENT || refusal_of(code) == REFUSAL_EXISTS)
		code = 0;
	item->next = NEXT_PUT;
	item_refused(run, item, code, answer->error.text);
}

static int step_put(struct run *run, struct item *item, struct answer *answer, struct err *err)
{
	char path[PATH_CAP];
	struct http_request put = { "PUT", path, BYTES_NONE };
	SECRET_AUTO with_key = { NULL, 0 };

	if (service_path("enrollments", item->registration_id, "", path, err) < 0 ||
	    item_wire_payload(run, item, &with_key, &put.body, err) < 0)
		return -1;
	if (item->verdict != ITEM_OPEN)
		return 0;
	if (run_call(run, &put, answer, err) < 0)
		return -1;
	switch (answer->http.kind) {
	case REPLY_DONE:
		break;
	case REPLY_EXISTS:
		item->next = NEXT_GET;
		return 0;
	case REPLY_ABSENT:
		create_again(run, item, answer);
		return 0;
	case REPLY_REFUSED:
	case REPLY_BUSY:
	case REPLY_LOGIN:
	case REPLY_STRANGE:
		item_refused(run, item, answer->error.code, answer->error.text);
		return 0;
	}
	/* It echoes what it stored, but a key only here and now; anything else than ours is looked at again. */
	if (compare_enrollment(buf_bytes(&item->payload), buf_bytes(&answer->http.body), &item->difference,
			       err) < 0)
		return -1;
	if (item->difference.differs) {
		item->difference = (struct difference){ 0 };
		item->next = NEXT_GET;
		return 0;
	}
	item_enrolled(item);
	return 0;
}

static int step_get(struct run *run, struct item *item, struct answer *answer, struct err *err)
{
	char path[PATH_CAP];
	const struct http_request get = { "GET", path, BYTES_NONE };

	if (service_path("enrollments", item->registration_id, "", path, err) < 0 ||
	    run_call(run, &get, answer, err) < 0)
		return -1;
	if (answer->http.kind != REPLY_DONE) {
		create_again(run, item, answer);
		return 0;
	}
	if (compare_enrollment(buf_bytes(&item->payload), buf_bytes(&answer->http.body), &item->difference,
			       err) < 0)
		return -1;
	if (item->difference.differs &&
	    item_consider_update(run, item, buf_bytes(&answer->http.body), err) < 0)
		return -1;
	if (item->next == NEXT_UPDATE)
		return 0;
	if (!item->difference.differs && item->has_key)
		item->next = NEXT_KEYS;
	else
		judge_difference(item);
	return 0;
}

static int step_keys(struct run *run, struct item *item, struct answer *answer, struct err *err)
{
	char path[PATH_CAP];
	const struct http_request post = { "POST", path, BYTES_NONE };

	if (service_path("enrollments", item->registration_id, "/attestationmechanism", path, err) < 0 ||
	    run_call(run, &post, answer, err) < 0)
		return -1;
	if (answer->http.kind != REPLY_DONE) {
		create_again(run, item, answer);
		return 0;
	}
	if (compare_keys(item->key_sha256, buf_bytes(&answer->http.body), &item->difference, err) < 0)
		return -1;
	judge_difference(item);
	return 0;
}

static int step_next(struct run *run, struct item *item, struct answer *answer, struct err *err)
{
	switch (item->next) {
	case NEXT_BULK:
	case NEXT_PUT:
		return step_put(run, item, answer, err);
	case NEXT_GET:
		return step_get(run, item, answer, err);
	case NEXT_KEYS:
		return step_keys(run, item, answer, err);
	case NEXT_UPDATE:
		return item_update(run, item, answer, err);
	}
	return 0;
}

static int step(struct run *run, struct item *item, struct err *err)
{
	ANSWER_AUTO(answer);

	if (step_next(run, item, &answer, err) < 0) {
		if (answer.sent) {
			item_lost(run, item, err);
			run->service->answering = false;
		}
		return err_wrap(err, "enrollment of %s", item->registration_id);
	}
	if (answer.sent)
		run->service->answering = true;
	return 0;
}

/* Steps until the item is settled or the budget is used up; then it waits, and no attempt is counted. */
int item_settle(struct run *run, struct item *item, struct err *err)
{
	int64_t wait = 0;

	while (item->verdict == ITEM_OPEN && (wait = service_leave(run->service, run_now(run))) == 0)
		if (step(run, item, err) < 0)
			return -1;
	if (item->verdict == ITEM_OPEN) {
		item->verdict = ITEM_RETRY;
		item->not_before_ms = run_now(run) + wait;
		item_set_reason(item, "waits for its turn");
	}
	return 0;
}
