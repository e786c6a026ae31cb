/*
 * Tests the detail screens of station/screens: each against a screen of 80x24
 * that was looked at and checked in (screens/NAME.txt beside this file), their
 * keys, and that no text of a device reaches the terminal as it came. A
 * missing picture is written, and the test fails until somebody looked at it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "station/screens/list.h"

#define NOW_MS  INT64_C(1795314013123) /* 2026-11-22T02:20:13.123Z */
#define HOSTILE "\x1b[2J\x07\xe2\x80\xae\xff<"

struct desktop {
	struct view view;
	struct ui ui;
	struct canvas canvas;
};

static int setup(void **state)
{
	struct desktop *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	d->ui.view = &d->view;
	d->ui.language = language_find("en");
	d->ui.wall_ms = NOW_MS;
	d->ui.rows = 24;
	d->ui.cols = 80;
	d->canvas.utf8 = true;
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define SET(to, text) str_clip(to, sizeof(to), text)

/* --- what the pages hold ------------------------------------------------------------------------------- */

static void add_entry(struct page_unit *page, const char *kind, const char *step, const char *text)
{
	struct page_unit_entry *entry = &page->entries[page->entries_n];

	entry->at_ms = NOW_MS + (int64_t)page->entries_n++ * 1234;
	SET(entry->kind, kind);
	SET(entry->step, step);
	SET(entry->text, text);
}

static void fill_unit(struct desktop *d)
{
	struct page_unit *page = &d->ui.page_unit;

	SET(d->ui.unit, "SN-2026-000042");
	page->found = true;
	SET(page->serial, "SN-2026-000042");
	SET(page->registration_id, "sn-2026-000042");
	SET(page->model, "gateway-2");
	SET(page->hwid, "0011223344556677");
	SET(page->profile, "sensor");
	SET(page->attest, "x509");
	SET(page->slot, "1");
	SET(page->state, "passed");
	SET(page->operator_id, "anna");
	page->started_ms = NOW_MS - 1500;
	page->finished_ms = NOW_MS + 5000;
	page->attempts = 1;
	page->has_certificate = true;
	SET(page->cert_serial, "4a0000000000000000000000000000000000000f");
	SET(page->cert_issuer, "line-07 issuing CA");
	SET(page->cert_subject, "sn-2026-000042");
	SET(page->cert_key, "P-256");
	SET(page->cert_not_before, "2026-11-22T02:20:12.000Z");
	SET(page->cert_not_after, "2036-11-19T02:20:12.000Z");
	add_entry(page, "unit-failed", "inject", "the unit did not answer within 2.0 s");
	add_entry(page, "certificate-issued", "", "cert_serial 4a00, issuer line-07 issuing CA");
	add_entry(page, "unit-provisioned", "", "attest x509, profile sensor, slot 1");
}

static void add_record(struct page_queue *page, const char *id, const char *state, const char *reason)
{
	struct page_queue_row *row = &page->rows[page->rows_n];

	SET(row->registration_id, id);
	SET(row->state, state);
	SET(row->reason, reason);
	row->attempts = (int64_t)page->rows_n;
	row->changed_ms = NOW_MS - (int64_t)page->rows_n++ * 40000000;
}

static void fill_queue(struct desktop *d)
{
	struct page_queue *page = &d->ui.page_queue;

	page->queued = 3;
	page->retry = 1;
	page->quarantined = 1;
	page->enrolled = 123456;
	add_record(page, "sn-1", "quarantined",
		   "another enrollment has this registration ID: its certificate differs");
	add_record(page, "sn-2", "retry", "the service is busy (429)");
	add_record(page, "a7b64kc4rmb5p4r3bkqqmzzuu5ysrzqqopu5nkuxzqyptwmhqs2a", "queued", "");
	add_record(page, "\xe5\xb7\xa5\xe5\x8e\x82-4", "queued", "\xe7\xad\x89\xe5\xbe\x85 x");
	add_record(page, "sn-5", "queued", "");
}

static void add_row(struct page_audit *page, const char *kind, const char *unit, const char *text)
{
	struct page_audit_row *row = &page->rows[page->rows_n];

	row->index = 123455 - (int64_t)page->rows_n;
	row->at_ms = NOW_MS - (int64_t)page->rows_n++ * 61000;
	SET(row->kind, kind);
	SET(row->unit, unit);
	SET(row->operator_id, "anna");
	SET(row->text, text);
}

static void fill_audit(struct desktop *d)
{
	struct page_audit *page = &d->ui.page_audit;

	page->size = 123456;
	SET(page->root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	add_row(page, "unit-provisioned", "SN-2026-000042", "attest x509, profile sensor, slot 1");
	add_row(page, "unit-failed", "SN-2026-000041", "inject: the unit did not answer");
	add_row(page, "a-kind-of-tomorrow", "", "name value");
	add_row(page, "malformed", "", "");
	page->rows[3].at_ms = 0;
	for (int i = 0; i < 100; i++)
		add_row(page, "certificate-issued", "SN-2026-000040", "issuer line-07 issuing CA");
}

static void fill_hsm(struct desktop *d)
{
	struct page_hsm *page = &d->ui.page_hsm;

	page->ok = true;
	SET(page->label, "line-07");
	SET(page->manufacturer, "SoftHSM project");
	SET(page->model, "SoftHSM v2");
	SET(page->serial, "8f2b1c00d4e5a697");
	page->keys_n = 3;
	page->keys[0] = (struct page_hsm_key){ "pkcs11:object=issuing", "issuing-key", true };
	page->keys[1] = (struct page_hsm_key){ "pkcs11:object=dps-policy", "service-key", false };
	page->keys[2] = (struct page_hsm_key){ "pkcs11:object=group-b", "meter", true };
}

static void fill_report(struct desktop *d)
{
	struct page_report *page = &d->ui.page_report;

	page->day_ms = NOW_MS - NOW_MS % 86400000;
	for (unsigned i = 6; i < 15; i++) {
		page->passed[i] = 40 + i * (i % 3);
		page->failed[i] = i % 4;
	}
	page->passed[22] = 1;
	page->causes_n = 2;
	page->causes[0] = (struct page_report_cause){ "inject", "unit", 8 };
	page->causes[1] = (struct page_report_cause){ "issue", "operator", 4 };
	page->slots_n = 3;
	page->slots[0] = (struct page_report_slot){ "1", 201, 12345, 30999 };
	page->slots[1] = (struct page_report_slot){ "2", 150, 13000, 61000 };
	page->slots[2] = (struct page_report_slot){ "10", 12, 25000, 25100 };
}

/* --- pictures ------------------------------------------------------------------------------------------ */

static void draw(struct desktop *d, const struct screen_ops *screen)
{
	const struct area area = ui_area(d->ui.rows, d->ui.cols);

	canvas_clear(&d->canvas, d->ui.rows, d->ui.cols);
	screen->draw(&d->ui, &d->canvas, &area);
}

static void read_picture(const char *path, struct buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *to = buf_reserve(ret, 65536);
	ssize_t n;

	assert_non_null(to);
	n = fd >= 0 ? read(fd, to, 65536) : -1;
	if (fd >= 0)
		(void)close(fd);
	if (n > 0)
		ret->len += (size_t)n;
}

static void write_picture(const char *path, const struct buf *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text->p, text->len), (ssize_t)text->len);
	(void)close(fd);
}

static void assert_picture(struct desktop *d, const char *name)
{
	BUF_AUTO(want, 1 << 20);
	BUF_AUTO(have, 1 << 20);
	const char *source = getenv("STATION_SOURCE");
	char path[300];

	assert_int_equal(str_format(path, sizeof(path), "%s/tests/unit/station/screens/%s.txt",
				    source != NULL ? source : ".", name),
			 0);
	assert_int_equal(canvas_text(&d->canvas, &have), 0);
	read_picture(path, &want);
	if (want.len == 0) {
		write_picture(path, &have);
		fail_msg("%s is new: look at it", path);
	}
	if (!bytes_equal(buf_bytes(&want), buf_bytes(&have)))
		fail_msg("%s is now:\n%.*s", path, (int)have.len, (const char *)have.p);
}

static bool shows(struct desktop *d, const char *text)
{
	BUF_AUTO(have, 1 << 20);

	assert_int_equal(canvas_text(&d->canvas, &have), 0);
	assert_int_equal(buf_append_u8(&have, 0), 0);
	return strstr((const char *)have.p, text) != NULL;
}

static void test_unit_picture(void **state)
{
	struct desktop *d = *state;

	fill_unit(d);
	draw(d, &screen_unit);
	assert_picture(d, "unit");
	d->ui.rows = 60;
	d->ui.cols = 200;
	draw(d, &screen_unit);
	assert_picture(d, "unit-200x60");
}

static void test_unit_nobody_chosen_says_what_to_do(void **state)
{
	struct desktop *d = *state;

	draw(d, &screen_unit);
	assert_picture(d, "unit-none");
}

static void test_unit_refused_before_it_had_a_job_shows_its_tile(void **state)
{
	struct desktop *d = *state;

	SET(d->ui.unit, "SN-9");
	d->view.tiles_n = 1;
	SET(d->view.tiles[0].serial, "SN-9");
	SET(d->view.tiles[0].slot, "3");
	SET(d->view.tiles[0].step, "identify");
	SET(d->view.tiles[0].text, "the unit is locked");
	draw(d, &screen_unit);
	assert_true(shows(d, "Unit SN-9 is not in the station's records."));
	assert_true(shows(d, "slot 3"));
	assert_true(shows(d, "the unit is locked"));
}

static void test_queue_picture(void **state)
{
	struct desktop *d = *state;

	fill_queue(d);
	draw(d, &screen_queue);
	assert_picture(d, "queue");
}

static void test_queue_empty_says_that_all_is_well(void **state)
{
	struct desktop *d = *state;

	d->ui.page_queue.enrolled = 12;
	draw(d, &screen_queue);
	assert_true(shows(d, "Everything is in the service: 12 records."));
}

static void test_queue_what_a_carrier_has_does_not_wait_and_what_was_given_up_is_not_all(void **state)
{
	struct desktop *d = *state;

	d->ui.page_queue.queued = 7;
	d->ui.page_queue.carried = 5;
	d->ui.page_queue.enrolled = 12;
	draw(d, &screen_queue);
	assert_true(shows(d, "2 wait, 5 with a carrier, 0 refused, 12 in the service"));
	d->ui.page_queue.queued = d->ui.page_queue.carried = 0;
	d->ui.page_queue.dropped = 1;
	draw(d, &screen_queue);
	assert_true(shows(d, "0 wait, 0 refused, 12 in the service"));
}

static void test_audit_picture(void **state)
{
	struct desktop *d = *state;

	fill_audit(d);
	draw(d, &screen_audit);
	assert_picture(d, "audit");
	d->ui.rows = 60;
	d->ui.cols = 200;
	draw(d, &screen_audit);
	assert_picture(d, "audit-200x60");
}

static void test_audit_search_says_how_far_it_looked(void **state)
{
	struct desktop *d = *state;

	fill_audit(d);
	SET(d->ui.search, "SN-1");
	d->ui.searching = true;
	d->ui.page_audit.more = true;
	draw(d, &screen_audit);
	assert_true(shows(d, "Search: SN-1_"));
	assert_true(shows(d, "Only the newest 20000 entries were searched."));
}

static void test_hsm_picture(void **state)
{
	struct desktop *d = *state;

	fill_hsm(d);
	draw(d, &screen_hsm);
	assert_picture(d, "hsm");
}

static void test_hsm_that_does_not_answer_says_why_and_what_to_do(void **state)
{
	struct desktop *d = *state;

	SET(d->ui.page_hsm.label, "line-07");
	SET(d->ui.page_hsm.text, "C_GetTokenInfo: CKR_DEVICE_REMOVED");
	draw(d, &screen_hsm);
	assert_picture(d, "hsm-gone");
}

static void test_report_picture(void **state)
{
	struct desktop *d = *state;

	fill_report(d);
	draw(d, &screen_report);
	assert_picture(d, "report");
	d->canvas.utf8 = false;
	draw(d, &screen_report);
	assert_picture(d, "report-ascii");
	d->canvas.utf8 = true;
	d->ui.rows = 60;
	d->ui.cols = 200;
	draw(d, &screen_report);
	assert_picture(d, "report-200x60");
}

static void test_help_picture(void **state)
{
	struct desktop *d = *state;

	d->ui.before = SCREEN_AUDIT;
	draw(d, &screen_help);
	assert_picture(d, "help");
}

static void test_page_that_could_not_be_read_says_why_on_every_screen(void **state)
{
	static const struct screen_ops *const screens[] = { &screen_unit, &screen_queue, &screen_audit,
							    &screen_hsm, &screen_report };
	struct desktop *d = *state;

	fill_unit(d);
	SET(d->ui.page_text, "database: disk I/O error");
	for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
		draw(d, screens[i]);
		assert_true(shows(d, "This page can't be shown:"));
		assert_true(shows(d, "database: disk I/O error"));
		assert_false(shows(d, "Serial"));
	}
}

/* --- hostile texts ------------------------------------------------------------------------------------- */

/* In each text that a device, the service or the log gives. */
static void test_hostile_texts_are_question_marks(void **state)
{
	struct desktop *d = *state;

	fill_unit(d);
	SET(d->ui.page_unit.serial, HOSTILE);
	SET(d->ui.page_unit.cause, HOSTILE);
	SET(d->ui.page_unit.cert_issuer, HOSTILE);
	SET(d->ui.page_unit.entries[0].kind, HOSTILE);
	SET(d->ui.page_unit.entries[1].text, HOSTILE);
	draw(d, &screen_unit);
	assert_picture(d, "unit-hostile");
	add_record(&d->ui.page_queue, HOSTILE, HOSTILE, HOSTILE);
	draw(d, &screen_queue);
	assert_true(shows(d, "?[2J??\?<"));
	assert_false(shows(d, "\x1b"));
	add_row(&d->ui.page_audit, HOSTILE, HOSTILE, HOSTILE);
	draw(d, &screen_audit);
	assert_true(shows(d, "?[2J??\?<"));
	assert_false(shows(d, "\x1b"));
	d->ui.page_hsm.keys_n = 1;
	d->ui.page_hsm.ok = true;
	SET(d->ui.page_hsm.label, HOSTILE);
	SET(d->ui.page_hsm.keys[0].object, HOSTILE);
	draw(d, &screen_hsm);
	assert_true(shows(d, "?[2J??\?<"));
	assert_false(shows(d, "\x1b"));
}

/* Nothing that a terminal of any size makes a screen do leaves the canvas. */
static void test_every_size_is_drawn(void **state)
{
	static const struct screen_ops *const screens[] = { &screen_unit, &screen_queue,  &screen_audit,
							    &screen_hsm,  &screen_report, &screen_help };
	struct desktop *d = *state;

	fill_unit(d);
	fill_queue(d);
	fill_audit(d);
	fill_hsm(d);
	fill_report(d);
	for (d->ui.rows = 1; d->ui.rows < 40; d->ui.rows += 3)
		for (d->ui.cols = 1; d->ui.cols < 250; d->ui.cols += 7)
			for (size_t i = 0; i < ARRAY_LEN(screens); i++) {
				draw(d, screens[i]);
				(void)screens[i]->key(&d->ui, INPUT_PAGE_DOWN);
			}
}

/* --- keys ---------------------------------------------------------------------------------------------- */

static void type(struct desktop *d, const struct screen_ops *screen, const char *text)
{
	for (; *text != '\0'; text++)
		assert_true(screen->key(&d->ui, (uint8_t)*text));
}

static void test_list_scrolls_to_its_end_and_no_further(void **state)
{
	struct desktop *d = *state;

	fill_audit(d);
	assert_true(screen_audit.key(&d->ui, INPUT_END));
	draw(d, &screen_audit);
	assert_true(shows(d, "of 104"));
	assert_true(shows(d, "to 104 of 104"));
	assert_true(screen_audit.key(&d->ui, INPUT_UP));
	draw(d, &screen_audit);
	assert_true(shows(d, "to 103 of 104"));
	assert_true(screen_audit.key(&d->ui, INPUT_HOME));
	assert_int_equal(d->ui.scroll, 0);
	assert_true(screen_audit.key(&d->ui, INPUT_PAGE_DOWN));
	draw(d, &screen_audit);
	assert_true(shows(d, "Rows 17 to 32 of 104"));
	assert_false(screen_audit.key(&d->ui, INPUT_OTHER));
}

static void test_audit_search_is_typed_corrected_and_left(void **state)
{
	struct desktop *d = *state;

	d->ui.scroll = 5;
	type(d, &screen_audit, "/snq");
	assert_true(d->ui.searching);
	assert_true(screen_audit.key(&d->ui, INPUT_BACKSPACE));
	assert_string_equal(d->ui.search, "sn");
	assert_int_equal(d->ui.command, UI_RELOAD);
	assert_int_equal(d->ui.scroll, 0);
	assert_true(screen_audit.key(&d->ui, INPUT_ENTER));
	assert_false(d->ui.searching);
	assert_string_equal(d->ui.search, "sn");
	type(d, &screen_audit, "/x");
	assert_true(screen_audit.key(&d->ui, INPUT_ESCAPE));
	assert_false(d->ui.searching);
	assert_string_equal(d->ui.search, "");
}

static void test_search_longer_than_its_room_is_cut(void **state)
{
	struct desktop *d = *state;

	type(d, &screen_audit, "/");
	for (int i = 0; i < UI_SEARCH_MAX + 10; i++)
		assert_true(screen_audit.key(&d->ui, 'a'));
	assert_int_equal(strlen(d->ui.search), UI_SEARCH_MAX);
	draw(d, &screen_audit);
}

static void test_unit_opens_by_typed_serial(void **state)
{
	struct desktop *d = *state;

	type(d, &screen_unit, "/SN-7\n");
	assert_string_equal(d->ui.unit, "SN-7");
	assert_string_equal(d->ui.search, "");
	assert_int_equal(d->ui.command, UI_RELOAD);
	assert_false(d->ui.searching);
	type(d, &screen_unit, "2026\n");
	assert_string_equal(d->ui.unit, "2026");
	type(d, &screen_unit, "/\n");
	assert_string_equal(d->ui.unit, "2026");
}

static void test_report_turns_days_but_not_into_the_future(void **state)
{
	struct desktop *d = *state;

	assert_true(screen_report.key(&d->ui, INPUT_RIGHT));
	assert_int_equal(d->ui.report_days_back, 0);
	assert_int_equal(d->ui.command, UI_NOTHING);
	assert_true(screen_report.key(&d->ui, INPUT_LEFT));
	assert_true(screen_report.key(&d->ui, INPUT_LEFT));
	assert_int_equal(d->ui.report_days_back, 2);
	assert_int_equal(d->ui.command, UI_RELOAD);
	assert_true(screen_report.key(&d->ui, INPUT_RIGHT));
	assert_int_equal(d->ui.report_days_back, 1);
}

static void test_words_unknown_names_are_themselves(void **state)
{
	(void)state;
	assert_string_equal(word_for(language_find("en"), "quarantined"), "refused");
	assert_string_equal(word_for(language_find("en"), "of-tomorrow"), "of-tomorrow");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_unit_picture),
		CASE(test_unit_nobody_chosen_says_what_to_do),
		CASE(test_unit_refused_before_it_had_a_job_shows_its_tile),
		CASE(test_queue_picture),
		CASE(test_queue_empty_says_that_all_is_well),
		CASE(test_queue_what_a_carrier_has_does_not_wait_and_what_was_given_up_is_not_all),
		CASE(test_audit_picture),
		CASE(test_audit_search_says_how_far_it_looked),
		CASE(test_hsm_picture),
		CASE(test_hsm_that_does_not_answer_says_why_and_what_to_do),
		CASE(test_report_picture),
		CASE(test_help_picture),
		CASE(test_page_that_could_not_be_read_says_why_on_every_screen),
		CASE(test_hostile_texts_are_question_marks),
		CASE(test_every_size_is_drawn),
		CASE(test_list_scrolls_to_its_end_and_no_further),
		CASE(test_audit_search_is_typed_corrected_and_left),
		CASE(test_search_longer_than_its_room_is_cut),
		CASE(test_unit_opens_by_typed_serial),
		CASE(test_report_turns_days_but_not_into_the_future),
		CASE(test_words_unknown_names_are_themselves),
	};

	(void)setenv("TZ", "UTC0", 1); /* pictures hold local times */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
