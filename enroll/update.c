/*
 * A unit that was released and reworked has a new record under its old registration ID. Where the
 * service still holds exactly what this station enrolled for the unit's job before, the new record
 * replaces it; whatever else is there is somebody else's, and for a person to judge.
 */
#include "enroll/enroll_internal.h"

int item_consider_update(struct run *run, struct item *item, struct bytes theirs, struct err *err)
{
	EARLIER_AUTO(earlier);
	struct difference difference;

	if (outbox_earlier(run->db, item, &earlier, err) < 0)
		return -1;
	/* What holds a key is shown by its keys alone, which only a record of the same kind gets to compare. */
	if (!earlier.found || earlier.has_key)
		return 0;
	if (compare_enrollment(buf_bytes(&earlier.payload), theirs, &difference, err) < 0)
		return -1;
	if (difference.differs)
		return 0;
	if (revise_update(theirs, buf_bytes(&earlier.payload), buf_bytes(&item->payload), &item->update,
			  item->etag, err) < 0)
		return -1;
	item->difference = (struct difference){ 0 };
	item->next = NEXT_UPDATE;
	return 0;
}

/* It has changed since it was fetched, or is not what was put: decided anew, a limited number of times. */
static void look_again(const struct run *run, struct item *item, const char *why)
{
	item->next = NEXT_GET;
	item->attempts++;
	if (item->attempts >= (int64_t)run->service->conf->attempts_max)
		item_quarantine(item, why);
}

static int judge(struct run *run, struct item *item, const struct answer *answer, struct err *err)
{
	struct difference difference;

	if (compare_enrollment(buf_bytes(&item->payload), buf_bytes(&answer->http.body), &difference, err) <
	    0)
		return -1;
	if (difference.differs)
		look_again(run, item, "the service does not keep what replaces the unit's earlier record");
	else
		item_enrolled(item);
	return 0;
}

int item_update(struct run *run, struct item *item, struct answer *answer, struct err *err)
{
	char path[PATH_CAP];
	struct http_request put = { "PUT", path, BYTES_NONE };
	SECRET_AUTO with_key = { NULL, 0 };

	if (service_path("enrollments", item->registration_id, "", path, err) < 0 ||
	    item_wire(run, item, buf_bytes(&item->update), &with_key, &put.body, err) < 0)
		return -1;
	if (item->verdict != ITEM_OPEN)
		return 0;
	if (run_call_if(run, &put, item->etag, answer, err) < 0)
		return -1;
	if (answer->http.kind == REPLY_DONE)
		return judge(run, item, answer, err);
	if (answer->http.kind == REPLY_REFUSED && answer->http.status != 412 &&
	    refusal_of(answer->error.code) != REFUSAL_EXISTS) {
		item_refused(run, item, answer->error.code, answer->error.text);
		return 0;
	}
	look_again(run, item, "the unit's earlier record in the service changes all the time");
	return 0;
}
