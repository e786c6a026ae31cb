/*
 * The log's page: its head, and the newest entries that hold the text. A search
 * goes back AUDIT_SEARCH_MAX entries and says so; whoever looks for older ones
 * asks the command line, which may take its time.
 */
#include "station/pages/pages.h"

#include <ctype.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "base/encode.h"
#include "station/pages/entry.h"

struct searching {
	struct page_audit page;
	const char *search;
};
DEFINE_CLEANUP(searching_freep, struct searching, free)

static uint8_t lower(uint8_t c)
{
	return c < 0x80 ? (uint8_t)tolower(c) : c;
}

/* Whether text begins with what, ASCII letters of either case. */
static bool begins(struct bytes text, struct bytes what)
{
	for (size_t i = 0; i < what.len; i++)
		if (lower(text.p[i]) != lower(what.p[i]))
			return false;
	return true;
}

/* In the entry's bytes: only those that hold it are parsed. Most bytes are not even its first letter. */
static bool holds(struct bytes text, struct bytes what)
{
	uint8_t low, up;

	if (what.len == 0)
		return true;
	low = lower(what.p[0]);
	up = low < 0x80 ? (uint8_t)toupper(low) : low;
	for (size_t i = 0; i + what.len <= text.len; i++)
		if ((text.p[i] == low || text.p[i] == up) && begins(bytes_of(text.p + i, text.len - i), what))
			return true;
	return false;
}

/* A failed step stands in front of its cause. */
static void copy_text(const struct entry *entry, char *out, size_t cap)
{
	if (entry->step[0] == '\0' || str_format(out, cap, "%s: %s", entry->step, entry->text) < 0)
		str_clip(out, cap, entry->text);
}

static int copy_entry(void *arg, int64_t index, struct bytes json, struct err *err)
{
	struct searching *searching = arg;
	struct page_audit *page = &searching->page;
	struct page_audit_row *row = &page->rows[page->rows_n];
	struct entry entry;

	(void)err;
	if (page->rows_n == PAGE_ROWS_MAX || !holds(json, bytes_str(searching->search)))
		return 0;
	entry_read(json, &entry);
	row->index = index;
	row->at_ms = entry.at_ms;
	str_clip(row->kind, sizeof(row->kind), entry.kind);
	str_clip(row->unit, sizeof(row->unit), entry.unit);
	str_clip(row->operator_id, sizeof(row->operator_id), entry.operator_id);
	copy_text(&entry, row->text, sizeof(row->text));
	page->rows_n++;
	return 0;
}

static int load_head(struct db *db, struct page_audit *page, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct audit_head head;

	db_read_begin(db, &tx);
	if (audit_head(&tx, &head, err) < 0)
		return -1;
	page->size = head.size;
	if (hex_encode(BYTES_ARRAY(head.root), page->root, sizeof(page->root)) < 0)
		return err_set(err, ERR_BUG, 0, "the log's root does not fit");
	return 0;
}

/* A piece at a time: workers read between two of them. */
static int load_rows(struct db *db, struct searching *searching, struct err *err)
{
	struct page_audit *page = &searching->page;
	int64_t oldest = page->size > AUDIT_SEARCH_MAX ? page->size - AUDIT_SEARCH_MAX : 0;
	int64_t before = page->size;

	while (before > oldest && page->rows_n < PAGE_ROWS_MAX) {
		int64_t left = before - oldest;
		int n = left < PAGE_ROWS_MAX ? (int)left : PAGE_ROWS_MAX;

		if (audit_each_before(db, before, n, copy_entry, searching, err) < 0)
			return -1;
		before -= n;
	}
	page->more = searching->search[0] != '\0' && before == oldest && oldest > 0;
	return 0;
}

int page_audit_load(struct db *db, const char *search, struct page_audit *ret, struct err *err)
{
	CLEANUP(searching_freep) struct searching *searching = calloc(1, sizeof(*searching));

	if (searching == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	searching->search = search;
	if (load_head(db, &searching->page, err) < 0 || load_rows(db, searching, err) < 0)
		return -1;
	*ret = searching->page;
	return 0;
}
