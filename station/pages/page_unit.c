/*
 * The unit's page: its row in the journal, its certificate, and what the log
 * says under the keys of its jobs. A released unit has several; the newest is
 * the one that counts, and the log of those before it stands above.
 */
#include "station/pages/pages.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/deadline.h"
#include "station/journal.h"
#include "station/pages/entry.h"

#define COPY(to, from) str_clip(to, sizeof(to), (from) != NULL ? (from) : "")

#define JOBS_MAX 8 /* whose entries are shown: the newest */

/* What is read before it is whole; the jobs find the log's entries. */
struct loading {
	struct page_unit page;
	int64_t jobs[JOBS_MAX]; /* a ring: jobs_n grows past it */
	size_t jobs_n;
};
DEFINE_CLEANUP(loading_freep, struct loading, free)

static int copy_certificate(struct bytes leaf, struct page_unit *page, struct err *err)
{
	struct pki_cert_info info;

	if (pki_cert_info(leaf, &info, err) < 0)
		return err_wrap(err, "the certificate of unit %s", page->serial);
	page->has_certificate = true;
	COPY(page->cert_serial, info.serial_hex);
	COPY(page->cert_subject, info.subject_cn);
	COPY(page->cert_issuer, info.issuer_cn);
	COPY(page->cert_key, info.key);
	clock_iso8601(info.not_before_s * 1000, page->cert_not_before);
	clock_iso8601(info.not_after_s * 1000, page->cert_not_after);
	return 0;
}

static int copy_unit(void *arg, const struct journal_unit *unit, struct err *err)
{
	struct loading *loading = arg;
	struct page_unit *page = &loading->page;

	loading->jobs[loading->jobs_n++ % JOBS_MAX] = unit->job;
	memset(page, 0, sizeof(*page));
	page->found = true;
	COPY(page->serial, unit->serial);
	COPY(page->registration_id, unit->registration_id);
	COPY(page->model, unit->model);
	COPY(page->hwid, unit->hwid);
	COPY(page->profile, unit->profile);
	COPY(page->attest, unit->attest);
	COPY(page->slot, unit->slot);
	COPY(page->state, unit->state);
	COPY(page->cause, unit->cause);
	COPY(page->operator_id, unit->operator_id);
	page->started_ms = unit->started_ms;
	page->finished_ms = unit->finished_ms;
	page->attempts = unit->attempts;
	return unit->leaf.len > 0 ? copy_certificate(unit->leaf, page, err) : 0;
}

/* Newest first. A unit begun by nobody may have been ended by somebody, who is named then. */
static int copy_entry(void *arg, int64_t index, struct bytes json, struct err *err)
{
	struct page_unit *page = arg;
	struct page_unit_entry *to = &page->entries[page->entries_n];
	struct entry entry;

	(void)index;
	(void)err;
	if (page->entries_n == PAGE_ROWS_MAX)
		return 0;
	entry_read(json, &entry);
	to->at_ms = entry.at_ms;
	COPY(to->kind, entry.kind);
	COPY(to->step, entry.step);
	COPY(to->text, entry.text);
	if (page->operator_id[0] == '\0')
		COPY(page->operator_id, entry.operator_id);
	page->entries_n++;
	return 0;
}

static void reverse(struct page_unit_entry *entries, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct page_unit_entry first = entries[i];

		entries[i] = entries[n - 1 - i];
		entries[n - 1 - i] = first;
	}
}

static int load_entries(struct db *db, struct loading *loading, struct err *err)
{
	size_t oldest = loading->jobs_n > JOBS_MAX ? loading->jobs_n - JOBS_MAX : 0;
	char prefix[40];

	for (size_t i = loading->jobs_n; i-- > oldest;) {
		if (str_format(prefix, sizeof(prefix), "job-%" PRId64 "/", loading->jobs[i % JOBS_MAX]) < 0)
			return err_set(err, ERR_BUG, 0, "an audit key does not fit");
		if (audit_each_key(db, prefix, PAGE_ROWS_MAX, copy_entry, &loading->page, err) < 0)
			return -1;
	}
	reverse(loading->page.entries, loading->page.entries_n);
	return 0;
}

int page_unit_load(struct db *db, const char *serial, struct page_unit *ret, struct err *err)
{
	CLEANUP(loading_freep) struct loading *loading = calloc(1, sizeof(*loading));
	int64_t n = 0;

	if (loading == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	COPY(loading->page.serial, serial);
	if (journal_each(db, serial, copy_unit, loading, &n, err) < 0 || load_entries(db, loading, err) < 0)
		return -1;
	*ret = loading->page;
	return 0;
}
