/*
 * One batch: a bulk call for the rows that can share one, then single calls for
 * what that left open. HTTP 200 proves nothing; each record is judged by
 * itself, and what is unclear is fetched and compared (dps-api 1.6, 11).
 */
#include "enroll/enroll_internal.h"

#define WAIT_MAX_MS 2000 /* for the budget or a row, inside enroll_send_batch */
#define BLOCKED_MS  100  /* until a row is looked at again that another connection holds */

static bool in_bulk(const struct item *item)
{
	return item->verdict == ITEM_OPEN && item->next == NEXT_BULK;
}

#define BODY_START "{\"mode\":\"create\",\"enrollments\":["
#define BODY_END   "]}"

/* The body of a bulk call: on the secure heap, which is small, only if a key is in it. */
struct body {
	bool has_key;
	struct secret secret; /* its len is what is written */
	size_t cap;           /* of secret                  */
	struct buf plain;
	unsigned n; /* enrollments in it */
};

static void body_deinit(struct body *body)
{
	secret_wipe(&body->secret);
	buf_deinit(&body->plain);
}

static struct bytes body_bytes(const struct body *body)
{
	return body->has_key ? secret_bytes(&body->secret) : buf_bytes(&body->plain);
}

/* As long as its payloads are together. */
static int body_init(const struct run *run, struct body *body, struct err *err)
{
	size_t cap = sizeof(BODY_START) + sizeof(BODY_END);

	for (size_t i = 0; i < run->batch->n; i++) {
		const struct item *item = &run->batch->items[i];

		if (!in_bulk(item))
			continue;
		cap += item->payload.len + 1 + (item->has_key ? PAYLOAD_KEY_ROOM : 0);
		body->has_key |= item->has_key;
	}
	if (cap > ENROLL_BODY_MAX)
		return err_set(err, ERR_BUG, 0, "a bulk call is longer than %d bytes", ENROLL_BODY_MAX);
	buf_init(&body->plain, cap);
	if (!body->has_key)
		return 0;
	if (secret_new(cap, &body->secret, err) < 0)
		return -1;
	body->cap = cap;
	body->secret.len = 0;
	return 0;
}

static int body_append(struct body *body, struct bytes text, struct err *err)
{
	if (!body->has_key)
		return buf_append(&body->plain, text) == 0 ? 0
							   : err_set(err, ERR_STATION, 0, "out of memory");
	if (text.len > body->cap - body->secret.len)
		return err_set(err, ERR_BUG, 0, "a bulk call did not fit into its %zu bytes", body->cap);
	memcpy(body->secret.p + body->secret.len, text.p, text.len);
	body->secret.len += text.len;
	return 0;
}

static int body_append_item(const struct run *run, struct item *item, struct body *body, struct err *err)
{
	SECRET_AUTO with_key = { NULL, 0 };
	struct bytes payload = BYTES_NONE;

	if (item_wire_payload(run, item, &with_key, &payload, err) < 0)
		return -1;
	if (item->verdict != ITEM_OPEN)
		return 0;
	if (body->n++ > 0 && body_append(body, BYTES_LIT(","), err) < 0)
		return -1;
	return body_append(body, payload, err);
}

/* {"mode":"create","enrollments":[...]} */
static int body_fill(const struct run *run, struct body *body, struct err *err)
{
	if (body_init(run, body, err) < 0 || body_append(body, BYTES_LIT(BODY_START), err) < 0)
		return -1;
	for (size_t i = 0; i < run->batch->n; i++)
		if (in_bulk(&run->batch->items[i]) &&
		    body_append_item(run, &run->batch->items[i], body, err) < 0)
			return -1;
	return body_append(body, BYTES_LIT(BODY_END), err);
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
			item_refused(run, item, error->code, error->text);
		else if (reply->successful)
			item_enrolled(item);
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

static void lose_bulk(const struct run *run, const struct err *why)
{
	run->service->answering = false;
	for (size_t i = 0; i < run->batch->n; i++)
		if (in_bulk(&run->batch->items[i]))
			item_lost(run, &run->batch->items[i], why);
}

static int send_bulk(struct run *run, struct err *err)
{
	static const char path[] = "/enrollments?api-version=" ENROLL_API_VERSION;
	struct http_request post = { "POST", path, BYTES_NONE };
	CLEANUP(body_deinit) struct body body = { 0 };
	ANSWER_AUTO(answer);

	if (body_fill(run, &body, err) < 0)
		return -1;
	if (body.n == 0)
		return 0;
	post.body = body_bytes(&body);
	if (run_call(run, &post, &answer, err) < 0 ||
	    (answer.http.kind == REPLY_DONE &&
	     bulk_reply_parse(buf_bytes(&answer.http.body), &run->batch->reply, err) < 0)) {
		if (answer.sent)
			lose_bulk(run, err);
		return -1;
	}
	if (answer.http.kind == REPLY_ABSENT)
		return run_wrong_host(run, &answer, err);
	run->service->answering = true;
	if (answer.http.kind == REPLY_DONE)
		judge_bulk(run);
	else
		part_bulk(run);
	return 0;
}

static int send_all(struct run *run, struct err *err)
{
	if (send_bulk(run, err) < 0)
		return err_wrap(err, "bulk call");
	for (size_t i = 0; i < run->batch->n; i++)
		if (item_settle(run, &run->batch->items[i], err) < 0)
			return -1;
	return 0;
}

/* A passing failure: what is open waits as long as the pace does, or longer if that, or its loss, goes on. */
static void postpone(struct run *run, const struct err *why)
{
	int64_t now = run_now(run), hold = now + gate_wait_ms(run->service->gate, now);
	unsigned times = ++run->service->postponed;
	char reason[REASON_MAX];

	for (size_t i = 0; i < run->batch->n; i++) {
		struct item *item = &run->batch->items[i];
		unsigned lost = (unsigned)item->lost;
		int64_t own = now + pace_backoff_ms(lost > times ? lost : times, service_chance());

		if (item->verdict != ITEM_OPEN)
			continue;
		item->verdict = ITEM_RETRY;
		item->not_before_ms = own > hold ? own : hold;
		item_set_reason(item, err_text(why, reason, sizeof(reason)));
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

static void keep_unsettled(const struct run *run)
{
	for (size_t i = 0; i < run->batch->n; i++)
		run->service->unsettled[i] = run->batch->items[i].id;
	run->service->unsettled_n = run->batch->n;
}

/* Rows are stored whatever the calls came to; only then the calls' own failure counts. */
static int send_claimed(struct run *run, struct db *db, struct enroll_progress *ret, struct err *err)
{
	struct err why = { 0 };
	int rc = send_all(run, &why);

	if (rc == 0)
		run->service->postponed = 0;
	if (rc < 0 && why.class == ERR_RETRY) {
		postpone(run, &why);
		rc = 0;
	}
	if (outbox_settle(db, run_now(run), run->batch, err) < 0) {
		keep_unsettled(run);
		return -1;
	}
	if (rc < 0) {
		*err = why;
		return -1;
	}
	count(run, ret);
	return 0;
}

/* The leave comes first: what is claimed is sent at once. Another connection may be faster at either. */
static int send_due(struct run *run, struct db *db, struct enroll_progress *ret, struct err *err)
{
	int rc;

	if (service_leave(run->service, run_now(run)) > 0)
		return 0;
	rc = outbox_claim(db, run_now(run), run->batch, err);
	run->blocked = rc == 0 && run->batch->n == 0;
	if (rc == 0 && run->batch->n > 0)
		rc = send_claimed(run, db, ret, err);
	service_give_back(run->service);
	return rc;
}

/* When the next call has both a row and the leave to be made; 0: no row waits. */
static int next_call_at(const struct run *run, struct db *db, int64_t *ret_at_ms, struct err *err)
{
	int64_t now = run_now(run), next = 0, allowed;
	bool due = false;

	if (outbox_outlook(db, now, &due, &next, err) < 0)
		return -1;
	allowed = now + gate_wait_ms(run->service->gate, now);
	if (due)
		next = now;
	*ret_at_ms = next != 0 && next < allowed ? allowed : next;
	return 0;
}

static bool soon(const struct run *run, int64_t at_ms)
{
	return at_ms != 0 && at_ms - run_now(run) <= WAIT_MAX_MS;
}

/* In short pieces, because the sender may be stopped meanwhile. */
static void wait_until(const struct run *run, int64_t at_ms)
{
	const struct deadline dl = deadline_in_ms(WAIT_MAX_MS);

	while (run_now(run) < at_ms && !atomic_load(&run->service->abort) && !deadline_passed(&dl))
		deadline_sleep(&dl, at_ms - run_now(run) < 50 ? (unsigned)(at_ms - run_now(run)) : 50);
}

int enroll_next_call(struct enroll_service *service, struct db *db, int64_t now_ms, int64_t *ret_at_ms,
		     struct err *err)
{
	const struct run run = { .service = service, .now_ms = now_ms, .started_ms = deadline_now_ms() };

	return next_call_at(&run, db, ret_at_ms, err);
}

static int release_unsettled(struct enroll_service *service, struct db *db, struct err *err)
{
	if (service->unsettled_n > 0 && outbox_release(db, service->unsettled, service->unsettled_n, err) < 0)
		return -1;
	service->unsettled_n = 0;
	return 0;
}

int enroll_send_batch(struct enroll_service *service, struct db *db, int64_t now_ms,
		      struct enroll_progress *ret_progress, struct err *err)
{
	CLEANUP(batch_freep) struct batch *batch = NULL;
	struct enroll_progress progress = { 0 };
	struct run run = { .service = service, .db = db, .now_ms = now_ms, .started_ms = deadline_now_ms() };
	int64_t at_ms = 0;

	if (release_unsettled(service, db, err) < 0 || batch_new(&batch, err) < 0 ||
	    next_call_at(&run, db, &at_ms, err) < 0)
		return -1;
	run.batch = batch;
	if (soon(&run, at_ms)) {
		wait_until(&run, at_ms);
		if (!atomic_load(&service->abort) && send_due(&run, db, &progress, err) < 0)
			return -1;
	}
	if (next_call_at(&run, db, &progress.next_due_ms, err) < 0)
		return -1;
	progress.more = !run.blocked && soon(&run, progress.next_due_ms);
	if (run.blocked && progress.next_due_ms != 0 && progress.next_due_ms < run_now(&run) + BLOCKED_MS)
		progress.next_due_ms = run_now(&run) + BLOCKED_MS;
	*ret_progress = progress;
	return 0;
}
