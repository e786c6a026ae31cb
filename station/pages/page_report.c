/*
 * The day's page, from the results of its 24 hours. Times are kept until the
 * end, for a median is no sum; of a day beyond TIMES_MAX passes the first ones count.
 */
#include "station/pages/pages.h"

#include <stdlib.h>

#include "base/deadline.h"
#include "station/results.h"

#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    (24 * HOUR_MS)
#define TIMES_MAX 500000
#define KINDS_MAX 64 /* of failures: steps by classes */

struct passed {
	uint32_t slot; /* index in page.slots */
	uint32_t ms;
};

struct counting {
	struct page_report page;
	struct page_report_cause causes[KINDS_MAX];
	size_t causes_n;
	struct buf times; /* struct passed */
};

static void counting_freep(struct counting **counting)
{
	if (*counting == NULL)
		return;
	buf_deinit(&(*counting)->times);
	free(*counting);
}

static void count_failure(struct counting *counting, const struct result *result)
{
	const char *step = result->step != NULL ? result->step : "", *class = err_class_name(result->class);
	struct page_report_cause *cause = counting->causes;

	for (size_t i = 0; i < counting->causes_n; i++, cause++)
		if (strcmp(cause->step, step) == 0 && strcmp(cause->class, class) == 0) {
			cause->n++;
			return;
		}
	if (counting->causes_n == KINDS_MAX)
		return;
	str_clip(cause->step, sizeof(cause->step), step);
	str_clip(cause->class, sizeof(cause->class), class);
	cause->n = 1;
	counting->causes_n++;
}

/* The slot's index, or -1 if the page has no room for it. */
static int find_slot(struct page_report *page, const char *name)
{
	for (size_t i = 0; i < page->slots_n; i++)
		if (strcmp(page->slots[i].slot, name) == 0)
			return (int)i;
	if (page->slots_n == ARRAY_LEN(page->slots))
		return -1;
	str_clip(page->slots[page->slots_n].slot, sizeof(page->slots[0].slot), name);
	return (int)page->slots_n++;
}

static void count_pass(struct counting *counting, const struct result *result)
{
	int64_t ms = result->elapsed_ms < 0 ? 0 : result->elapsed_ms;
	int slot = find_slot(&counting->page, result->slot);
	const struct passed passed = { (uint32_t)slot, ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX };

	if (slot < 0 || buf_append(&counting->times, bytes_of(&passed, sizeof(passed))) < 0)
		return;
	counting->page.slots[slot].n++;
}

static int count(void *arg, const struct result *result, struct err *err)
{
	struct counting *counting = arg;
	size_t hour = (size_t)((result->at_ms - counting->page.day_ms) / HOUR_MS);

	(void)err;
	if (hour >= ARRAY_LEN(counting->page.passed))
		return 0;
	if (result->class == ERR_NONE) {
		counting->page.passed[hour]++;
		count_pass(counting, result);
	} else {
		counting->page.failed[hour]++;
		count_failure(counting, result);
	}
	return 0;
}

static int by_slot_and_time(const void *a, const void *b)
{
	const struct passed *left = a, *right = b;

	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	return left->ms < right->ms ? -1 : left->ms > right->ms;
}

static int by_frequency(const void *a, const void *b)
{
	const struct page_report_cause *left = a, *right = b;

	if (left->n != right->n)
		return left->n > right->n ? -1 : 1;
	return strcmp(left->step, right->step);
}

/* "2" before "10". */
static int by_name(const void *a, const void *b)
{
	const struct page_report_slot *left = a, *right = b;
	size_t left_n = strlen(left->slot), right_n = strlen(right->slot);

	if (left_n != right_n)
		return left_n < right_n ? -1 : 1;
	return strcmp(left->slot, right->slot);
}

static unsigned time_at(const struct buf *times, size_t i)
{
	struct passed passed;

	memcpy(&passed, times->p + i * sizeof(passed), sizeof(passed));
	return passed.ms;
}

/* Sorted by slot, so each slot's times are a run of slots[i].n. */
static void fill_times(struct counting *counting)
{
	struct page_report *page = &counting->page;
	size_t first = 0;

	if (counting->times.len > 0)
		qsort(counting->times.p, counting->times.len / sizeof(struct passed), sizeof(struct passed),
		      by_slot_and_time);
	for (size_t i = 0; i < page->slots_n; i++) {
		struct page_report_slot *slot = &page->slots[i];

		if (slot->n == 0)
			continue;
		slot->median_ms = time_at(&counting->times, first + (slot->n - 1) / 2);
		slot->worst_ms = time_at(&counting->times, first + slot->n - 1);
		first += slot->n;
	}
	qsort(page->slots, page->slots_n, sizeof(page->slots[0]), by_name);
}

static void fill_causes(struct counting *counting)
{
	struct page_report *page = &counting->page;

	qsort(counting->causes, counting->causes_n, sizeof(counting->causes[0]), by_frequency);
	page->causes_n =
		counting->causes_n < REPORT_CAUSES_MAX ? counting->causes_n : (size_t)REPORT_CAUSES_MAX;
	memcpy(page->causes, counting->causes, page->causes_n * sizeof(page->causes[0]));
}

int page_report_load(struct db *db, int64_t at_ms, struct page_report *ret, struct err *err)
{
	CLEANUP(counting_freep) struct counting *counting = calloc(1, sizeof(*counting));

	if (counting == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	buf_init(&counting->times, TIMES_MAX * sizeof(struct passed));
	counting->page.day_ms = clock_local_midnight_ms(at_ms);
	if (results_each(db, counting->page.day_ms, counting->page.day_ms + DAY_MS, count, counting, err) < 0)
		return -1;
	fill_times(counting);
	fill_causes(counting);
	*ret = counting->page;
	return 0;
}
