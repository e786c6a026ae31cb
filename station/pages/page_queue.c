/* The queue's page: counts, which the outbox keeps, and the rows that a person would ask about first. */
#include "station/pages/pages.h"

#include <stdlib.h>

#include "enroll/enroll.h"

DEFINE_CLEANUP(page_queue_freep, struct page_queue, free)

static int copy_row(void *arg, const struct enroll_row *row, struct err *err)
{
	struct page_queue *page = arg;
	struct page_queue_row *to = &page->rows[page->rows_n];

	(void)err;
	if (page->rows_n == PAGE_ROWS_MAX)
		return 0;
	str_clip(to->registration_id, sizeof(to->registration_id), row->registration_id);
	str_clip(to->state, sizeof(to->state), enroll_state_name(row->state));
	str_clip(to->reason, sizeof(to->reason), row->reason != NULL ? row->reason : "");
	to->attempts = row->attempts;
	to->changed_ms = row->changed_ms;
	page->rows_n++;
	return 0;
}

int page_queue_load(struct db *db, struct page_queue *ret, struct err *err)
{
	CLEANUP(page_queue_freep) struct page_queue *page = calloc(1, sizeof(*page));
	struct enroll_counts counts;

	if (page == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	if (enroll_count(db, &counts, err) < 0 ||
	    enroll_each_waiting(db, PAGE_ROWS_MAX, copy_row, page, err) < 0)
		return -1;
	page->queued = counts.queued;
	page->sending = counts.sending;
	page->retry = counts.retry;
	page->quarantined = counts.quarantined;
	page->enrolled = counts.enrolled;
	page->dropped = counts.dropped;
	page->carried = counts.carried;
	*ret = *page;
	return 0;
}
