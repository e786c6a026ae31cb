/*
 * What the detail screens show, read from the database when they are open and
 * then once a second. Every page is bounded, so a full database costs no more
 * than an empty one.
 */
#ifndef STATION_PAGES_PAGES_H
#define STATION_PAGES_PAGES_H

#include "base/db.h"
#include "base/err.h"

#define PAGE_ROWS_MAX    200
#define AUDIT_SEARCH_MAX 20000 /* entries that a search looks at, newest first */

struct page_unit {
	bool found;
	char serial[65], registration_id[129], model[33], hwid[65], profile[33], attest[17], slot[17],
		state[17];
	char operator_id[33];
	int64_t started_ms, finished_ms, attempts;
	char cause[400];
	bool has_certificate;
	char cert_serial[65], cert_subject[129], cert_issuer[129];
	char cert_not_before[25], cert_not_after[25], cert_key[33];
	/* What the log says of it, oldest first; of more than fit, the newest. */
	struct page_unit_entry {
		int64_t at_ms;
		char kind[33], step[17], text[200];
	} entries[PAGE_ROWS_MAX];
	size_t entries_n;
};

struct page_queue {
	int64_t queued, sending, retry, quarantined, enrolled, dropped;
	int64_t carried; /* of the queued ones */
	struct page_queue_row {
		char registration_id[129], state[17], reason[200];
		int64_t attempts, changed_ms;
	} rows[PAGE_ROWS_MAX]; /* what is not in the service yet: refused first, then oldest first */
	size_t rows_n;
};

struct page_audit {
	int64_t size;
	char root[65]; /* hex */
	struct page_audit_row {
		int64_t index, at_ms;
		char kind[33], unit[65], operator_id[33], text[200];
	} rows[PAGE_ROWS_MAX]; /* newest first */
	size_t rows_n;
	bool more; /* the search looked at AUDIT_SEARCH_MAX entries only */
};

struct page_hsm {
	char label[33], manufacturer[33], model[17], serial[17];
	bool ok;
	char text[200]; /* why not */
	struct page_hsm_key {
		char object[65], what[33];
		bool found;
	} keys[24];
	size_t keys_n;
};

#define REPORT_CAUSES_MAX 12
struct page_report {
	int64_t day_ms;                  /* its midnight in the plant's time zone */
	unsigned passed[24], failed[24]; /* by hour */
	struct page_report_cause {
		char step[17], class[17];
		unsigned n;
	} causes[REPORT_CAUSES_MAX]; /* most frequent first */
	size_t causes_n;
	struct page_report_slot {
		char slot[17];
		unsigned n;
		unsigned median_ms, worst_ms; /* of passed units */
	} slots[32];
	size_t slots_n;
};

/* Each fills its page whole, or leaves it as it was and says why. */
MUST_USE int page_unit_load(struct db *db, const char *serial, struct page_unit *ret, struct err *err);
MUST_USE int page_queue_load(struct db *db, struct page_queue *ret, struct err *err);
/* search: text that an entry must hold, in letters of either case; empty: all. */
MUST_USE int page_audit_load(struct db *db, const char *search, struct page_audit *ret, struct err *err);
/*
 * For the thread that owns the screen: waits as long as the token does. One that does not answer
 * is no failure but page.ok false.
 */
struct station;
/* Asks the token, which may take its time; one that does not answer is told on the page. */
void page_hsm_load(struct station *st, struct page_hsm *ret);
/* The day that holds at_ms. */
MUST_USE int page_report_load(struct db *db, int64_t at_ms, struct page_report *ret, struct err *err);

#endif
