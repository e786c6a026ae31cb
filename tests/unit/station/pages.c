/*
 * Tests station/pages on a database that the doors' own functions filled: what
 * a page shows, and that a full table costs it no more than an empty one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/journal.h"
#include "station/pages/entry.h"
#include "station/pages/pages.h"
#include "station/results.h"
#include "tests/unit/station/watch.h"
#include "tests/unit/station/world.h"

#define DAY_MS INT64_C(86400000)
#define AT_MS  (20000 * DAY_MS) /* a midnight */

static int setup(void **state)
{
	watch_start();
	return world_setup(state);
}

static int teardown(void **state)
{
	watch_stop();
	return world_teardown(state);
}

static void run(struct world *w, const char *sql)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, sql, DB_NO_VALUES, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

static void log_event(struct world *w, const char *kind, const char *key, const char *unit, const char *cause)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	const struct audit_field fields[] = {
		{ "unit", unit },
		{ "operator", "anna" },
		{ "slot", cause == NULL ? "4" : NULL },
		{ "key_sha256", "00ff" },
		{ "step", cause != NULL ? "verify" : NULL },
		{ "cause", cause },
	};
	const struct audit_event event = { kind, key, fields, ARRAY_LEN(fields) };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(audit_append(&tx, AT_MS, &event, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

static void make_job(struct world *w, struct job *job, const char *serial)
{
	static const struct step issue = { "issue", EFFECT_ONCE, 1, false, NULL, NULL, NULL };
	struct unit_info unit = { .model = "m1" };
	struct err err = { 0 };

	str_clip(unit.serial, sizeof(unit.serial), serial);
	str_clip(unit.hwid, sizeof(unit.hwid), serial);
	job_init(job, &w->st, &w->tools, &w->slot, NULL, &unit);
	assert_int_equal(job_choose_profile(job, &err), 0);
	str_clip(job->registration_id, sizeof(job->registration_id), serial);
	job->next = 2;
	assert_int_equal(journal_intend(job, &issue, &err), 0);
}

/* --- the unit ------------------------------------------------------------------------------------------ */

static struct page_unit *load_unit(struct world *w, const char *serial)
{
	struct page_unit *page = calloc(1, sizeof(*page));
	struct err err = { 0 };

	assert_non_null(page);
	assert_int_equal(page_unit_load(w->st.db, serial, page, &err), 0);
	return page;
}

static void test_unit_page_shows_journal_and_log(void **state)
{
	struct world *w = *state;
	struct err why = { 0 }, err = { 0 };
	struct page_unit *page;
	struct job job;

	make_job(w, &job, "a1");
	(void)err_set(&why, ERR_UNIT, 0, "it said no");
	assert_int_equal(journal_fail(&job, &why, &err), 0);
	log_event(w, "certificate-issued", "job-1/issued", "a1", NULL);
	log_event(w, "unit-provisioned", "job-11/record", "other", NULL); /* of another job */
	page = load_unit(w, "a1");
	assert_true(page->found);
	assert_string_equal(page->registration_id, "a1");
	assert_string_equal(page->model, "m1");
	assert_string_equal(page->state, "failed");
	assert_string_equal(page->cause, "it said no");
	assert_string_equal(page->operator_id, "anna");
	assert_int_equal(page->attempts, 1);
	assert_false(page->has_certificate);
	assert_int_equal(page->entries_n, 2);
	assert_string_equal(page->entries[0].kind, "unit-failed");
	assert_string_equal(page->entries[0].step, "issue");
	assert_string_equal(page->entries[0].text, "it said no");
	assert_string_equal(page->entries[1].kind, "certificate-issued");
	assert_string_equal(page->entries[1].text, "slot 4");
	assert_int_equal(page->entries[1].at_ms, AT_MS);
	free(page);
	job_deinit(&job);
}

static void test_unit_page_of_a_released_unit_shows_both_jobs_entries(void **state)
{
	struct world *w = *state;
	const struct witnesses nobody = { "", "" };
	const struct journal_release release = { .serial = "a1",
						 .reason = "a new board",
						 .witnesses = &nobody,
						 .at_ms = AT_MS,
						 .station = "line" };
	struct page_unit *page;
	struct job first, second;
	struct err err = { 0 };
	int64_t job = 0;

	make_job(w, &first, "a1");
	run(w, "UPDATE job SET state = 'passed', finished_ms = 5, cause = 'old' WHERE id = 1");
	assert_int_equal(journal_release(w->st.db, &release, &job, &err), 0);
	make_job(w, &second, "a1");
	log_event(w, "certificate-issued", "job-2/issued", "a1", NULL);
	page = load_unit(w, "a1");
	assert_string_equal(page->state, "open");
	assert_string_equal(page->cause, "");
	assert_int_equal(page->finished_ms, 0);
	assert_int_equal(page->entries_n, 2);
	assert_string_equal(page->entries[0].kind, "unit-released");
	assert_string_equal(page->entries[1].kind, "certificate-issued");
	free(page);
	job_deinit(&first);
	job_deinit(&second);
}

static void test_unit_page_of_nobody_is_not_found(void **state)
{
	struct page_unit *page = load_unit(*state, "nobody");

	assert_false(page->found);
	assert_string_equal(page->serial, "nobody");
	assert_int_equal(page->entries_n, 0);
	free(page);
}

static void test_unit_page_certificate_that_is_none_leaves_the_page_alone(void **state)
{
	struct world *w = *state;
	struct page_unit *page = calloc(1, sizeof(*page));
	struct err err = { 0 };
	struct job job;

	assert_non_null(page);
	make_job(w, &job, "a1");
	run(w, "UPDATE job SET leaf = X'3000'");
	page->attempts = 77;
	assert_int_equal(page_unit_load(w->st.db, "a1", page, &err), -1);
	assert_non_null(strstr(err.where, "certificate of unit a1"));
	assert_int_equal(page->attempts, 77);
	assert_false(page->found);
	free(page);
	job_deinit(&job);
}

static void test_unit_page_more_entries_than_fit_shows_the_newest(void **state)
{
	struct world *w = *state;
	struct page_unit *page;
	struct job job;
	char key[32];

	make_job(w, &job, "a1");
	for (int i = 0; i < PAGE_ROWS_MAX + 5; i++) {
		assert_int_equal(str_format(key, sizeof(key), "job-1/failed-%d", i), 0);
		log_event(w, "unit-failed", key, "a1", key);
	}
	page = load_unit(w, "a1");
	assert_int_equal(page->entries_n, PAGE_ROWS_MAX);
	assert_string_equal(page->entries[0].text, "job-1/failed-5");
	assert_string_equal(page->entries[PAGE_ROWS_MAX - 1].text, "job-1/failed-204");
	free(page);
	job_deinit(&job);
}

/* --- the queue ----------------------------------------------------------------------------------------- */

static void queue_records(struct world *w, int first, int end)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	SECRET_AUTO key = { NULL, 0 };
	char id[32];
	struct enroll_record record = { .job = id, .registration_id = id, .symmetric_key = &key };
	struct err err = { 0 };

	assert_int_equal(secret_new(32, &key, &err), 0);
	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	for (int i = first; i < end; i++) {
		assert_int_equal(str_format(id, sizeof(id), "unit-%d", i), 0);
		assert_int_equal(enroll_enqueue(&tx, AT_MS, &record, &err), 0);
	}
	assert_int_equal(db_commit(&tx, &err), 0);
}

static struct page_queue *load_queue(struct world *w)
{
	struct page_queue *page = calloc(1, sizeof(*page));
	struct err err = { 0 };

	assert_non_null(page);
	assert_int_equal(page_queue_load(w->st.db, page, &err), 0);
	return page;
}

static void test_queue_page_refused_first_then_oldest(void **state)
{
	struct world *w = *state;
	struct page_queue *page;

	queue_records(w, 0, 300);
	run(w, "UPDATE outbox SET state = 'quarantined', attempts = 3, reason = 'no' WHERE job = 'unit-250'");
	run(w, "UPDATE outbox SET state = 'enrolled' WHERE job = 'unit-0'");
	page = load_queue(w);
	assert_int_equal(page->queued, 298);
	assert_int_equal(page->quarantined, 1);
	assert_int_equal(page->enrolled, 1);
	assert_int_equal(page->rows_n, PAGE_ROWS_MAX);
	assert_string_equal(page->rows[0].registration_id, "unit-250");
	assert_string_equal(page->rows[0].state, "quarantined");
	assert_string_equal(page->rows[0].reason, "no");
	assert_int_equal(page->rows[0].attempts, 3);
	assert_string_equal(page->rows[1].registration_id, "unit-1");
	assert_string_equal(page->rows[1].reason, "");
	assert_int_equal(page->rows[1].changed_ms, AT_MS);
	free(page);
}

static void test_queue_page_counts_the_carried_and_the_given_up(void **state)
{
	struct world *w = *state;
	struct page_queue *page;

	queue_records(w, 0, 9);
	run(w, "UPDATE outbox SET carried_by = 1 WHERE job IN ('unit-3', 'unit-4')");
	run(w, "UPDATE outbox_count SET n = 1 WHERE state = 'dropped'");
	page = load_queue(w);
	assert_int_equal(page->queued, 9);
	assert_int_equal(page->carried, 2);
	assert_int_equal(page->dropped, 1);
	free(page);
}

static void test_queue_page_of_an_unknown_state_leaves_the_page_alone(void **state)
{
	struct world *w = *state;
	struct page_queue *page = load_queue(w);
	struct err err = { 0 };

	run(w, "INSERT INTO outbox_count VALUES('later', 1)");
	page->enrolled = 9;
	assert_int_equal(page_queue_load(w->st.db, page, &err), -1);
	assert_int_equal(page->enrolled, 9);
	free(page);
}

/* --- the log ------------------------------------------------------------------------------------------- */

static struct page_audit *load_audit(struct world *w, const char *search)
{
	struct page_audit *page = calloc(1, sizeof(*page));
	struct err err = { 0 };

	assert_non_null(page);
	assert_int_equal(page_audit_load(w->st.db, search, page, &err), 0);
	return page;
}

static void test_audit_page_newest_first_and_searched(void **state)
{
	struct world *w = *state;
	struct page_audit *page;

	log_event(w, "unit-provisioned", "job-1/record", "SN-1", NULL);
	log_event(w, "unit-failed", "job-2/failed-1", "SN-2", "no answer");
	page = load_audit(w, "");
	assert_int_equal(page->size, 2);
	assert_int_equal(strlen(page->root), 64);
	assert_int_equal(page->rows_n, 2);
	assert_int_equal(page->rows[0].index, 1);
	assert_string_equal(page->rows[0].text, "verify: no answer");
	assert_string_equal(page->rows[0].operator_id, "anna");
	assert_string_equal(page->rows[1].unit, "SN-1");
	assert_string_equal(page->rows[1].text, "slot 4");
	assert_false(page->more);
	free(page);
	page = load_audit(w, "sn-1");
	assert_int_equal(page->rows_n, 1);
	assert_int_equal(page->rows[0].index, 0);
	free(page);
	page = load_audit(w, "sn-3");
	assert_int_equal(page->rows_n, 0);
	free(page);
}

/* The log's own table, filled behind its back: entries that no program of ours wrote. */
static void test_audit_page_malformed_entries_are_shown_as_such(void **state)
{
	static const char *const entries[] = {
		"",
		"{",
		"[]",
		"{\"kind\":\"x\"}",
		"{\"at\":\"2026-11-22\",\"kind\":\"x\"}",
		"{\"at\":\"2026-13-22T02:20:13.123Z\",\"kind\":\"x\"}",
		"{\"at\":7,\"kind\":\"x\"}",
	};
	struct entry entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		entry_read(bytes_str(entries[i]), &entry);
		assert_string_equal(entry.kind, ENTRY_MALFORMED);
		assert_int_equal(entry.at_ms, 0);
	}
	entry_read(BYTES_LIT("{\"at\":\"2026-11-22T02:20:13.123Z\",\"cause\":7,\"kind\":\"x\",\"n\":1,\"z\":"
			     "\"q\"}"),
		   &entry);
	assert_string_equal(entry.kind, "x");
	assert_string_equal(entry.text, "z q");
	assert_int_equal(entry.at_ms, INT64_C(1795314013123));
}

static void test_audit_page_row_that_somebody_broke_is_shown(void **state)
{
	struct world *w = *state;
	struct page_audit *page;

	log_event(w, "unit-provisioned", "job-1/record", "SN-1", NULL);
	run(w, "DROP TRIGGER audit_entry_no_update");
	run(w, "UPDATE audit_entry SET entry = '{\"kind\":'");
	page = load_audit(w, "");
	assert_int_equal(page->rows_n, 1);
	assert_string_equal(page->rows[0].kind, ENTRY_MALFORMED);
	free(page);
}

/* --- the day ------------------------------------------------------------------------------------------- */

static void add_result(struct world *w, const struct result *result)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(results_add(&tx, result, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

static void add_pass(struct world *w, const char *slot, int64_t at_ms, int64_t elapsed_ms)
{
	const struct result pass = { slot, "anna", NULL, ERR_NONE, at_ms, elapsed_ms };

	add_result(w, &pass);
}

static void add_failure(struct world *w, const char *step, int64_t at_ms)
{
	const struct result fail = { "2", "anna", step, ERR_UNIT, at_ms, 50 };

	add_result(w, &fail);
}

static void test_report_page_counts_the_day(void **state)
{
	struct world *w = *state;
	struct page_report page;
	struct err err = { 0 };

	add_pass(w, "10", AT_MS - 1, 1);
	add_pass(w, "10", AT_MS, 3000);
	add_pass(w, "2", AT_MS + 3600000, 100);
	add_pass(w, "2", AT_MS + 3600001, 900);
	add_pass(w, "2", AT_MS + 3600002, 200);
	add_failure(w, "key", AT_MS + 5);
	add_failure(w, "verify", AT_MS + 6);
	add_failure(w, "verify", AT_MS + DAY_MS - 1);
	add_pass(w, "2", AT_MS + DAY_MS, 1);
	assert_int_equal(page_report_load(w->st.db, AT_MS + 12345678, &page, &err), 0);
	assert_int_equal(page.day_ms, AT_MS);
	assert_int_equal(page.passed[0], 1);
	assert_int_equal(page.passed[1], 3);
	assert_int_equal(page.failed[0], 2);
	assert_int_equal(page.failed[23], 1);
	assert_int_equal(page.causes_n, 2);
	assert_string_equal(page.causes[0].step, "verify");
	assert_string_equal(page.causes[0].class, "unit");
	assert_int_equal(page.causes[0].n, 2);
	assert_int_equal(page.slots_n, 2);
	assert_string_equal(page.slots[0].slot, "2");
	assert_int_equal(page.slots[0].n, 3);
	assert_int_equal(page.slots[0].median_ms, 200);
	assert_int_equal(page.slots[0].worst_ms, 900);
	assert_string_equal(page.slots[1].slot, "10");
	assert_int_equal(page.slots[1].median_ms, 3000);
}

static void test_report_page_of_an_empty_day_is_empty(void **state)
{
	struct world *w = *state;
	struct page_report page;
	struct err err = { 0 };

	add_pass(w, "2", AT_MS, 1);
	assert_int_equal(page_report_load(w->st.db, AT_MS - 1, &page, &err), 0);
	assert_int_equal(page.day_ms, AT_MS - DAY_MS);
	assert_int_equal(page.slots_n + page.causes_n, 0);
}

/* --- full tables --------------------------------------------------------------------------------------- */

/* 100,000 of each, as the doors write them or as their rows look. */
static void fill(struct world *w)
{
	struct job job;

	make_job(w, &job, "first");
	queue_records(w, 0, 1);
	log_event(w, "unit-provisioned", "job-1/record", "first", NULL);
	run(w,
	    "WITH RECURSIVE n(i) AS (VALUES(2) UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
	    " INSERT INTO job(id, serial, hwid, model, profile, attest, pipeline, version, slot, state, step,"
	    " intended, started_ms) SELECT i, 'sn-' || i, 'sn-' || i, model, profile, attest, pipeline,"
	    " version, slot, state, step, intended, started_ms FROM n, job WHERE job.id = 1");
	run(w,
	    "WITH RECURSIVE n(i) AS (VALUES(2) UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
	    " INSERT INTO outbox(job, registration_id, payload, state, changed_ms)"
	    " SELECT 'j' || i, 'r' || i, X'00', CASE i % 3 WHEN 0 THEN 'enrolled' WHEN 1 THEN 'queued' ELSE"
	    " 'retry' END, 5 FROM n");
	run(w, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
	       " INSERT INTO audit_entry(idx, key, entry, nodes)"
	       " SELECT i, 'job-' || (i + 1) || '/record', '{\"at\":\"2026-11-22T02:20:13.123Z\",\"index\":' "
	       "|| i"
	       " || ',\"kind\":\"unit-provisioned\",\"unit\":\"sn-' || i || '\"}', X'' FROM n");
	run(w, "DROP TRIGGER audit_head_forward");
	/* 100,001 is 0x186a1: seven bits set, so seven peaks. */
	run(w, "UPDATE audit_head SET size = 100001, peaks = zeroblob(7 * 32)");
	run(w, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
	       " INSERT INTO result(at_ms, slot, elapsed_ms) SELECT i, '1', 1 FROM n");
	job_deinit(&job);
}

static void test_full_tables_cost_a_load_no_more_than_its_page(void **state)
{
	struct world *w = *state;
	struct page_report report;
	struct err err = { 0 };

	fill(w);
	watch_reset();
	free(load_unit(w, "sn-77777"));
	assert_in_range(watch_steps(), 1, 300);
	watch_reset();
	free(load_queue(w));
	assert_in_range(watch_steps(), PAGE_ROWS_MAX, 50 * PAGE_ROWS_MAX);
	watch_reset();
	free(load_audit(w, ""));
	assert_in_range(watch_steps(), PAGE_ROWS_MAX, 50 * PAGE_ROWS_MAX);
	watch_reset();
	assert_int_equal(page_report_load(w->st.db, AT_MS, &report, &err), 0);
	assert_in_range(watch_steps(), 1, 300);
	assert_int_equal(watch_scans(), 0);
}

static void test_audit_search_looks_at_the_newest_only_and_says_so(void **state)
{
	struct world *w = *state;
	struct page_audit *page;

	fill(w);
	watch_reset();
	page = load_audit(w, "nowhere");
	assert_int_equal(page->rows_n, 0);
	assert_true(page->more);
	assert_in_range(watch_steps(), AUDIT_SEARCH_MAX, 20 * AUDIT_SEARCH_MAX);
	free(page);
	page = load_audit(w, "sn-99999\"");
	assert_int_equal(page->rows_n, 1);
	free(page);
	page = load_audit(w, "sn-77777\"");
	assert_int_equal(page->rows_n, 0);
	free(page);
	/* A page that is full says nothing of the search's end: older ones were not looked at. */
	page = load_audit(w, "sn-");
	assert_int_equal(page->rows_n, PAGE_ROWS_MAX);
	assert_int_equal(page->rows[0].index, 100000);
	assert_false(page->more);
	free(page);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_unit_page_shows_journal_and_log),
		CASE(test_unit_page_of_a_released_unit_shows_both_jobs_entries),
		CASE(test_unit_page_of_nobody_is_not_found),
		CASE(test_unit_page_certificate_that_is_none_leaves_the_page_alone),
		CASE(test_unit_page_more_entries_than_fit_shows_the_newest),
		CASE(test_queue_page_refused_first_then_oldest),
		CASE(test_queue_page_counts_the_carried_and_the_given_up),
		CASE(test_queue_page_of_an_unknown_state_leaves_the_page_alone),
		CASE(test_audit_page_newest_first_and_searched),
		CASE(test_audit_page_malformed_entries_are_shown_as_such),
		CASE(test_audit_page_row_that_somebody_broke_is_shown),
		CASE(test_report_page_counts_the_day),
		CASE(test_report_page_of_an_empty_day_is_empty),
		CASE(test_full_tables_cost_a_load_no_more_than_its_page),
		CASE(test_audit_search_looks_at_the_newest_only_and_says_so),
	};

	(void)setenv("TZ", "UTC0", 1); /* pictures hold local times */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
