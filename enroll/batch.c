/*
 * One batch: a bulk call for the rows that can share one, then single calls for
 * what that left open. HTTP 200 proves nothing; each record is judged by
 * itself, and what is unclear is fetched and compared (dps-api 1.6, 11). How a
 * row is to be settled is stored with it, so a batch may stop after any call.
 */
#include "enroll/enroll_internal.h"

#define LOST_MAX 3 /* calls that a record may lose before it travels alone */

/* What the steps of one batch share. */
struct run {
	struct enroll_service *service;
	struct batch *batch;
	int64_t now_ms, started_ms;
	unsigned calls;
};

/* The caller's clock, moved on by the time that the calls took. */
static int64_t run_now(const struct run *run)
{
	return run->now_ms + (deadline_now_ms() - run->started_ms);
}

static int call(struct run *run, const struct http_request *request, struct answer *ret, struct err *err)
{
	run->calls++;
	return service_call(run->service, run_now(run), request, ret, err);
}

/* 404 where something is created: this is not the service. It must not be asked every moment. */
static int wrong_host(struct run *run, const struct answer *answer, struct err *err)
{
	pace_failed(&run->service->pace, run_now(run), -1, service_chance());
	return http_status_error(&answer->http, err);
}

static void set_reason(struct item *item, const char *text)
{
	(void)snprintf(item->reason, sizeof(item->reason), "%s", text);
}

static void quarantine(struct item *item, const char *reason)
{
	item->verdict = ITEM_QUARANTINED;
	set_reason(item, reason);
}

static void enrolled(struct item *item)
{
	item->verdict = ITEM_ENROLLED;
	item->reason[0] = '\0';
}

/* The service refused this very record. */
static void judge_refusal(const struct run *run, struct item *item, int64_t code, const char *text)
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
		quarantine(item, reason);
		return;
	case REFUSAL_TRANSIENT:
		break;
	}
	if (item->attempts >= (int64_t)run->service->conf->attempts_max) {
		quarantine(item, reason);
		return;
	}
	item->verdict = ITEM_RETRY;
	item->not_before_ms = run_now(run) + pace_backoff_ms((unsigned)item->attempts, service_chance());
	set_reason(item, reason);
}

static void judge_difference(struct item *item, const struct difference *difference)
{
	char reason[REASON_MAX];

	if (!difference->differs) {
		enrolled(item);
		return;
	}
	(void)snprintf(reason, sizeof(reason), "the service holds another record: %s", difference->text);
	quarantine(item, reason);
}

/* --- A record's symmetric key, made again for the call and wiped after it ---------------------------- */

/* *ret_ok false: the item is settled, because its key can't be had. */
static int wire_payload(const struct run *run, struct item *item, struct secret *ret, bool *ret_ok,
			struct err *err)
{
	const struct macer *keys = run->service->device_keys;
	SECRET_AUTO key = { NULL, 0 };
	uint8_t digest[SHA256_LEN];

	*ret_ok = true;
	if (!item->has_key)
		return payload_with_key(buf_bytes(&item->payload), NULL, ret, err);
	if (keys == NULL) {
		quarantine(item, "its symmetric key can't be derived: no key for it is configured");
		*ret_ok = false;
		return 0;
	}
	if (secret_new(SHA256_LEN, &key, err) < 0 ||
	    keys->mac(keys->key, bytes_str(item->registration_id), key.p, err) < 0)
		return err_wrap(err, "deriving the key of %s", item->registration_id);
	sha256(secret_bytes(&key), digest);
	if (!bytes_equal(BYTES_ARRAY(digest), BYTES_ARRAY(item->key_sha256))) {
		quarantine(item, "its symmetric key was derived from another group key than today's");
		*ret_ok = false;
		return 0;
	}
	return payload_with_key(buf_bytes(&item->payload), &key, ret, err);
}

/* --- The bulk call -------------------------------------------------------------------------------------- */

static bool in_bulk(const struct item *item)
{
	return item->verdict == ITEM_OPEN && item->next == NEXT_BULK;
}

static int append_text(struct secret *body, struct bytes text, struct err *err)
{
	if (text.len > ENROLL_BODY_MAX - body->len)
		return err_set(err, ERR_BUG, 0, "a bulk call is longer than %d bytes", ENROLL_BODY_MAX);
	memcpy(body->p + body->len, text.p, text.len);
	body->len += text.len;
	return 0;
}

static int append_item(const struct run *run, struct item *item, struct secret *body, unsigned *n,
		       struct err *err)
{
	SECRET_AUTO payload = { NULL, 0 };
	bool ok = false;

	if (wire_payload(run, item, &payload, &ok, err) < 0)
		return -1;
	if (!ok)
		return 0;
	if ((*n)++ > 0 && append_text(body, BYTES_LIT(","), err) < 0)
		return -1;
	return append_text(body, secret_bytes(&payload), err);
}

/* {"mode":"create","enrollments":[…]}; *ret_n of them */
static int bulk_body(const struct run *run, struct secret *ret_body, unsigned *ret_n, struct err *err)
{
	SECRET_AUTO body = { NULL, 0 };
	unsigned n = 0;

	if (secret_new(ENROLL_BODY_MAX, &body, err) < 0)
		return -1;
	body.len = 0;
	if (append_text(&body, BYTES_LIT("{\"mode\":\"create\",\"enrollments\":["), err) < 0)
		return -1;
	for (size_t i = 0; i < run->batch->n; i++)
		if (in_bulk(&run->batch->items[i]) &&
		    append_item(run, &run->batch->items[i], &body, &n, err) < 0)
			return -1;
	if (append_text(&body, BYTES_LIT("]}"), err) < 0)
		return -1;
	*ret_body = body;
	*ret_n = n;
	body = (struct secret){ NULL, 0 };
	return 0;
}

static const struct item_error *error_of(const struct bulk_reply *reply, const char *id)
{
	for (size_t i = 0; i < reply->errors_n; i++)
		if (same_id(reply->errors[i].registration_id, id))
			return &reply->errors[i];
	return NULL;
}

/* Not named beside others that failed: applied, says the schema, but nobody has seen it (dps-api 1.6). */
static void judge_bulk(const struct run *run)
{
	const struct bulk_reply *reply = &run->batch->reply;

	for (size_t i = 0; i < run->batch->n; i++) {
		struct item *item = &run->batch->items[i];
		const struct item_error *error = error_of(reply, item->registration_id);

		if (!in_bulk(item))
			continue;
		if (error != NULL)
			judge_refusal(run, item, error->code, error->text);
		else if (reply->successful)
			enrolled(item);
		else
			item->next = NEXT_GET;
	}
}

/* One of them is bad, or the call was: each travels alone, so that only the bad one stops. */
static void part_bulk(const struct run *run)
{
	for (size_t i = 0; i < run->batch->n; i++)
		if (in_bulk(&run->batch->items[i]))
			run->batch->items[i].next = NEXT_PUT;
}

/* No usable answer: a record that this happens to again and again may be the cause, and travels alone. */
static void lose(struct item *item, const struct err *why)
{
	if (why->class != ERR_RETRY || why->code == 429)
		return;
	item->lost++;
	if (item->lost >= LOST_MAX && item->next == NEXT_BULK)
		item->next = NEXT_PUT;
}

static void lose_bulk(const struct run *run, const struct err *why)
{
	for (size_t i = 0; i < run->batch->n; i++)
		if (in_bulk(&run->batch->items[i]))
			lose(&run->batch->items[i], why);
}

static int send_bulk(struct run *run, struct err *err)
{
	static const char path[] = "/enrollments?api-version=" ENROLL_API_VERSION;
	struct http_request post = { "POST", path, BYTES_NONE };
	SECRET_AUTO body = { NULL, 0 };
	ANSWER_AUTO(answer);
	unsigned n = 0;

	if (bulk_body(run, &body, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	post.body = secret_bytes(&body);
	if (call(run, &post, &answer, err) < 0 ||
	    (answer.http.kind == REPLY_DONE &&
	     bulk_reply_parse(buf_bytes(&answer.http.body), &run->batch->reply, err) < 0)) {
		lose_bulk(run, err);
		return -1;
	}
	if (answer.http.kind == REPLY_ABSENT)
		return wrong_host(run, &answer, err);
	if (answer.http.kind == REPLY_DONE)
		judge_bulk(run);
	else
		part_bulk(run);
	return 0;
}

/* --- Single calls: each settles the item or moves it to its next step -------------------------------- */

static int step_put(struct run *run, struct item *item, struct answer *answer, struct err *err)
{
	char path[PATH_CAP];
	struct http_request put = { "PUT", path, BYTES_NONE };
	SECRET_AUTO payload = { NULL, 0 };
	struct difference difference;
	bool ok = false;

	if (service_path("enrollments", item->registration_id, "", path, err) < 0 ||
	    wire_payload(run, item, &payload, &ok, err) < 0)
		return -1;
	if (!ok)
		return 0;
	put.body = secret_bytes(&payload);
	if (call(run, &put, answer, err) < 0)
		return -1;
	switch (answer->http.kind) {
	case REPLY_DONE:
		break;
	case REPLY_EXISTS:
		item->next = NEXT_GET;
		return 0;
	case REPLY_ABSENT:
		return wrong_host(run, answer, err);
	case REPLY_REFUSED:
	case REPLY_BUSY:
	case REPLY_LOGIN:
	case REPLY_STRANGE:
		judge_refusal(run, item, answer->error.code, answer->error.text);
		return 0;
	}
	/* It echoes what it stored, but a key only here and now; anything else than ours is looked at again. */
	if (compare_enrollment(buf_bytes(&item->payload), buf_bytes(&answer->http.body), &difference, err) <
	    0)
		return -1;
	if (difference.differs)
		item->next = NEXT_GET;
	else
		enrolled(item);
	return 0;
}

static int step_get(struct run *run, struct item *item, struct answer *answer, struct err *err)
{
	char path[PATH_CAP];
	const struct http_request get = { "GET", path, BYTES_NONE };
	struct difference difference;

	if (service_path("enrollments", item->registration_id, "", path, err) < 0 ||
	    call(run, &get, answer, err) < 0)
		return -1;
	if (answer->http.kind != REPLY_DONE) {
		/* It is not there after all: create it alone, a limited number of times. */
		item->next = NEXT_PUT;
		judge_refusal(run, item, answer->http.kind == REPLY_ABSENT ? 0 : answer->error.code,
			      answer->error.text);
		return 0;
	}
	if (compare_enrollment(buf_bytes(&item->payload), buf_bytes(&answer->http.body), &difference, err) <
	    0)
		return -1;
	if (!difference.differs && item->has_key)
		item->next = NEXT_KEYS;
	else
		judge_difference(item, &difference);
	return 0;
}

static int step_keys(struct run *run, struct item *item, struct answer *answer, struct err *err)
{
	char path[PATH_CAP];
	const struct http_request post = { "POST", path, BYTES_NONE };
	struct difference difference;

	if (service_path("enrollments", item->registration_id, "/attestationmechanism", path, err) < 0 ||
	    call(run, &post, answer, err) < 0)
		return -1;
	if (answer->http.kind != REPLY_DONE) {
		item->next = NEXT_PUT;
		judge_refusal(run, item, answer->http.kind == REPLY_ABSENT ? 0 : answer->error.code,
			      answer->error.text);
		return 0;
	}
	if (compare_keys(item->key_sha256, buf_bytes(&answer->http.body), &difference, err) < 0)
		return -1;
	judge_difference(item, &difference);
	return 0;
}

static int step(struct run *run, struct item *item, struct err *err)
{
	ANSWER_AUTO(answer);

	switch (item->next) {
	case NEXT_BULK:
	case NEXT_PUT:
		return step_put(run, item, &answer, err);
	case NEXT_GET:
		return step_get(run, item, &answer, err);
	case NEXT_KEYS:
		return step_keys(run, item, &answer, err);
	}
	return 0;
}

/* Steps until the item is settled or the budget is used up; then it waits, and no attempt is counted. */
static int settle(struct run *run, struct item *item, struct err *err)
{
	int64_t wait = 0;

	while (item->verdict == ITEM_OPEN && (wait = pace_wait_ms(&run->service->pace, run_now(run))) == 0)
		if (step(run, item, err) < 0) {
			lose(item, err);
			return err_wrap(err, "enrollment of %s", item->registration_id);
		}
	if (item->verdict == ITEM_OPEN) {
		item->verdict = ITEM_RETRY;
		item->not_before_ms = run_now(run) + wait;
		set_reason(item, "waits for its turn");
	}
	return 0;
}

static int send_all(struct run *run, struct err *err)
{
	if (send_bulk(run, err) < 0)
		return err_wrap(err, "bulk call");
	for (size_t i = 0; i < run->batch->n; i++)
		if (settle(run, &run->batch->items[i], err) < 0)
			return -1;
	return 0;
}

/* --- The batch ------------------------------------------------------------------------------------------ */

/* A passing failure: what is open waits as long as the pace does, or longer if it was lost often. */
static void postpone(struct run *run, const struct err *why)
{
	int64_t now = run_now(run), hold = now + pace_wait_ms(&run->service->pace, now);
	char reason[REASON_MAX];

	for (size_t i = 0; i < run->batch->n; i++) {
		struct item *item = &run->batch->items[i];
		int64_t own = now + pace_backoff_ms((unsigned)item->lost, service_chance());

		if (item->verdict != ITEM_OPEN)
			continue;
		item->verdict = ITEM_RETRY;
		item->not_before_ms = own > hold ? own : hold;
		set_reason(item, err_text(why, reason, sizeof(reason)));
	}
}

static void count(const struct run *run, struct enroll_progress *ret)
{
	*ret = (struct enroll_progress){ .calls = run->calls };
	for (size_t i = 0; i < run->batch->n; i++) {
		enum item_verdict verdict = run->batch->items[i].verdict;

		ret->enrolled += verdict == ITEM_ENROLLED;
		ret->retried += verdict == ITEM_RETRY;
		ret->quarantined += verdict == ITEM_QUARANTINED;
	}
}

/* Rows are stored whatever the calls came to; only then the calls' own failure counts. */
static int send_claimed(struct run *run, struct db *db, struct enroll_progress *ret, struct err *err)
{
	struct err why = { 0 };
	int rc = send_all(run, &why);

	if (rc < 0 && why.class == ERR_RETRY) {
		postpone(run, &why);
		rc = 0;
	}
	if (outbox_settle(db, run_now(run), run->batch, err) < 0)
		return -1;
	if (rc < 0) {
		*err = why;
		return -1;
	}
	count(run, ret);
	return 0;
}

static int look_ahead(const struct run *run, struct db *db, struct enroll_progress *progress, struct err *err)
{
	int64_t now = run_now(run), next = 0, allowed;
	bool due = false;

	if (outbox_outlook(db, now, &due, &next, err) < 0)
		return -1;
	allowed = now + pace_wait_ms(&run->service->pace, now);
	progress->more = due && allowed == now;
	if (due)
		next = allowed;
	progress->next_due_ms = next != 0 && next < allowed ? allowed : next;
	return 0;
}

int enroll_send_batch(struct enroll_service *service, struct db *db, int64_t now_ms,
		      struct enroll_progress *ret_progress, struct err *err)
{
	CLEANUP(batch_freep) struct batch *batch = NULL;
	struct enroll_progress progress = { 0 };
	struct run run = { service, NULL, now_ms, deadline_now_ms(), 0 };

	if (batch_new(&batch, err) < 0)
		return -1;
	run.batch = batch;
	if (pace_wait_ms(&service->pace, now_ms) == 0) {
		if (outbox_claim(db, now_ms, batch, err) < 0)
			return -1;
		if (batch->n > 0 && send_claimed(&run, db, &progress, err) < 0)
			return -1;
	}
	if (look_ahead(&run, db, &progress, err) < 0)
		return -1;
	*ret_progress = progress;
	return 0;
}
