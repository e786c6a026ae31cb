/*
 * Tests the translations where they are read: every screen, dialog and sentence in every language at
 * 80x24. Nothing of the station's own words is cut, and what stands right of wide characters stays in its
 * column. The devices' texts here are short, so an ellipsis is always a translation that is too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <wchar.h>

#include "station/screens/list.h"

#define ROWS   24
#define COLS   80
#define NOW_MS INT64_C(1795314013123) /* 2026-11-22T02:20:13.123Z */

#define SET(to, text) str_clip(to, sizeof(to), text)

struct world {
	struct view view;
	struct ui ui;
	struct canvas canvas;
};

static const char *const steps[] = { "",       "seat",  "identify", "attest", "own",   "key",
				     "derive", "issue", "inject",   "verify", "record" };

/* --- what is drawn ------------------------------------------------------------------------------------- */

static void fill_view(struct view *view)
{
	SET(view->station_id, "line-07");
	SET(view->operator_id, "anna");
	SET(view->operator_name, "Anna K.");
	view->login_required = true;
	view->hsm_known = view->hsm_ok = view->service_known = true;
	view->shift.passed = 987;
	view->shift.failed = 12;
	view->waiting = 345;
	view->refused = 6;
}

static void set_tiles(struct view *view, size_t n, const struct tile *tile)
{
	view->tiles_n = n;
	for (size_t i = 0; i < n; i++) {
		view->tiles[i] = *tile;
		assert_int_equal(str_format(view->tiles[i].slot, sizeof(view->tiles[i].slot), "%zu", i + 1),
				 0);
	}
}

static void fill_unit(struct page_unit *page)
{
	static const char *const kinds[] = { "certificate-issued", "key-derived",   "key-imported",
					     "unit-failed",        "unit-released", "unit-provisioned" };

	page->found = page->has_certificate = true;
	SET(page->serial, "SN-0042");
	SET(page->registration_id, "sn-0042");
	SET(page->state, "passed");
	page->started_ms = page->finished_ms = NOW_MS;
	page->attempts = 3;
	SET(page->cause, "the unit did not answer");
	SET(page->cert_not_before, "2026-11-22T02:20:12.000Z");
	SET(page->cert_not_after, "2036-11-19T02:20:12.000Z");
	SET(page->cert_key, "P-256");
	SET(page->cert_issuer, "line-07 issuing CA");
	SET(page->cert_serial, "4a0000000000000000000000000000000000000f");
	page->entries_n = ARRAY_LEN(kinds);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		page->entries[i].at_ms = NOW_MS;
		SET(page->entries[i].kind, kinds[i]);
		SET(page->entries[i].step, steps[i + 1]);
		SET(page->entries[i].text, "no answer");
	}
}

static void fill_queue(struct page_queue *page)
{
	static const char *const states[] = { "quarantined", "retry", "sending", "queued" };
	static const int64_t ages_s[] = { 59, 59 * 60, 47 * 3600, 99 * 86400 };

	page->queued = 345;
	page->carried = 12;
	page->quarantined = 6;
	page->enrolled = 123456;
	page->rows_n = ARRAY_LEN(states);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		SET(page->rows[i].registration_id, "sn-0042");
		SET(page->rows[i].state, states[i]);
		page->rows[i].changed_ms = NOW_MS - ages_s[i] * 1000;
	}
}

/* Whatever the log has: an entry of another kind would stand there in the program's English. */
static const char *const log_kinds[] = {
	"certificate-issued",  "key-derived",         "key-imported",       "key-made",
	"unit-provisioned",    "unit-failed",         "unit-released",      "station-started",
	"operator-added",      "operator-disabled",   "operator-reset",     "operator-locked",
	"operator-logged-in",  "operator-logged-out", "shift-handed-over",  "clock-accepted",
	"group-changed",       "enrollment-released", "enrollment-dropped", "enrollment-disabling",
	"enrollment-disabled", "enrollment-enabling", "enrollment-enabled", "enrollment-deleting",
	"enrollment-deleted",  "station-trusted",     "batch-exported",     "batch-imported",
	"batch-cancelled",     "receipt-written",     "receipt-imported",   "malformed"
};

/* More rows than there is room for, so that it says where it stands; as many kinds as fit, from first on. */
static void fill_audit(struct page_audit *page, size_t first)
{
	page->size = 123456;
	SET(page->root, "e3b0c44298fc1c149afb");
	page->rows_n = PAGE_ROWS_MAX;
	for (size_t i = 0; i < page->rows_n; i++) {
		page->rows[i].index = (int64_t)(page->rows_n - i);
		SET(page->rows[i].kind, log_kinds[(first + i) % ARRAY_LEN(log_kinds)]);
	}
}

static void fill_report(struct page_report *page)
{
	static const char *const classes[] = { "unit", "operator", "station", "bug" };

	page->day_ms = NOW_MS;
	page->passed[7] = 987;
	page->failed[7] = 12;
	page->causes_n = REPORT_CAUSES_MAX;
	for (size_t i = 0; i < REPORT_CAUSES_MAX; i++) {
		SET(page->causes[i].step, steps[(i + 1) % ARRAY_LEN(steps)]);
		SET(page->causes[i].class, classes[i % ARRAY_LEN(classes)]);
		page->causes[i].n = 3;
	}
	page->slots_n = 1;
	page->slots[0] = (struct page_report_slot){ "1", 201, 12345, 30999 };
}

static void fill_hsm(struct page_hsm *page)
{
	static const char *const keys[] = { "issuing-key", "audit-key", "service-key" };

	page->ok = true;
	SET(page->manufacturer, "SoftHSM project");
	SET(page->model, "SoftHSM v2");
	SET(page->serial, "8f2b1c00d4e5a697");
	page->keys_n = ARRAY_LEN(keys);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		SET(page->keys[i].what, keys[i]);
		page->keys[i].found = i > 0;
	}
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (world == NULL)
		return -1;
	(void)text_init();
	fill_view(&world->view);
	world->ui = (struct ui){ .view = &world->view, .screen = SCREEN_LINE, .wall_ms = NOW_MS };
	SET(world->ui.unit, "SN-0042");
	fill_unit(&world->ui.page_unit);
	fill_queue(&world->ui.page_queue);
	fill_audit(&world->ui.page_audit, 0);
	fill_hsm(&world->ui.page_hsm);
	fill_report(&world->ui.page_report);
	set_tiles(&world->view, 4, &(struct tile){ .state = TILE_EMPTY });
	world->canvas.utf8 = true;
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* --- what is checked ------------------------------------------------------------------------------------- */

/* Row by row: cmocka cuts long messages. */
static void show(const struct world *world)
{
	BUF_AUTO(text, 512 * 1024);
	const char *line;

	assert_int_equal(canvas_text(&world->canvas, &text), 0);
	assert_int_equal(buf_append_u8(&text, 0), 0);
	print_message("%s:\n", world->ui.language->code);
	for (line = (const char *)text.p; *line != '\0'; line = strchr(line, '\n') + 1)
		print_message("%.*s\n", (int)strcspn(line, "\n"), line);
}

/* Every character stands where the canvas has it, once a terminal has printed those left of it. */
static bool row_lines_up(const struct cell *cells, int cols)
{
	int at = 0;

	for (int col = 0; col < cols; col++) {
		if (cells[col].ch == 0)
			continue;
		if (at != col)
			return false;
		at += wcwidth((wchar_t)cells[col].ch);
	}
	return at == cols;
}

static bool row_is_whole(const struct cell *cells, int cols)
{
	for (int col = 0; col < cols; col++)
		if (cells[col].ch == 0x2026)
			return false;
	return true;
}

/* From the upper left corner: an edge down the right side in one column, to the lower right corner. */
static bool frame_closes(const struct canvas *canvas, int row, int col)
{
	int right = col;

	while (right < canvas->cols && canvas->cells[row][right].ch != 0x2510)
		right++;
	for (row++; row < canvas->rows && canvas->cells[row][col].ch == 0x2502; row++)
		if (canvas->cells[row][right].ch != 0x2502)
			return false;
	return row < canvas->rows && right < canvas->cols && canvas->cells[row][col].ch == 0x2514 &&
	       canvas->cells[row][right].ch == 0x2518;
}

/* Returns how many frames there are. */
static unsigned check_frames(const struct world *world)
{
	unsigned n = 0;

	for (int row = 0; row < ROWS; row++)
		for (int col = 0; col < COLS; col++)
			if (world->canvas.cells[row][col].ch == 0x250c) {
				n++;
				if (!frame_closes(&world->canvas, row, col))
					fail_msg("the frame at row %d, column %d", row, col);
			}
	return n;
}

static void draw(struct world *world)
{
	canvas_clear(&world->canvas, ROWS, COLS);
	ui_draw(&world->ui, &world->canvas);
	for (int row = 0; row < ROWS; row++) {
		const struct cell *cells = world->canvas.cells[row];

		if (row_lines_up(cells, COLS) && row_is_whole(cells, COLS))
			continue;
		show(world);
		fail_msg("row %d is cut or out of line", row);
	}
}

static void assert_row_has(struct world *world, int row, const char *text)
{
	BUF_AUTO(all, 512 * 1024);
	const char *line, *found;

	assert_int_equal(canvas_text(&world->canvas, &all), 0);
	assert_int_equal(buf_append_u8(&all, 0), 0);
	line = (const char *)all.p;
	for (int i = 0; i < row; i++)
		line = strchr(line, '\n') + 1;
	found = strstr(line, text);
	if (found != NULL && found < strchr(line, '\n'))
		return;
	show(world);
	fail_msg("row %d lacks \"%s\"", row, text);
}

/* --- tests --------------------------------------------------------------------------------------------------- */

#define EACH_LANGUAGE(world)                                                                                 \
	for (size_t l = 0; l < languages_n && ((world)->ui.language = &languages[l]) != NULL; l++)

static void test_each_screen_fits(void **state)
{
	struct world *world = *state;

	EACH_LANGUAGE(world)
	{
		for (int i = 0; i < SCREEN_COUNT; i++) {
			world->ui.screen = (enum screen)i;
			draw(world);
			assert_row_has(world, 0, T(world->ui.language, screen_ops((enum screen)i)->title));
		}
	}
}

static void test_each_kind_of_entry_is_a_word_that_fits(void **state)
{
	struct world *world = *state;

	world->ui.screen = SCREEN_AUDIT;
	for (size_t i = 0; i < ARRAY_LEN(log_kinds); i++) {
		assert_string_not_equal(word_for(language_find("en"), log_kinds[i]), log_kinds[i]);
		fill_audit(&world->ui.page_audit, i);
		EACH_LANGUAGE(world)
		{
			draw(world);
			assert_row_has(world, 5, word_for(world->ui.language, log_kinds[i]));
		}
	}
}

static void test_the_help_of_each_screen_fits(void **state)
{
	struct world *world = *state;

	world->ui.screen = SCREEN_HELP;
	EACH_LANGUAGE(world)
	{
		for (int i = SCREEN_LINE; i < SCREEN_COUNT; i++) {
			world->ui.before = (enum screen)i;
			draw(world);
		}
	}
}

static void test_all_keys_and_facts_stand_in_the_footer(void **state)
{
	struct world *world = *state;

	EACH_LANGUAGE(world)
	{
		const struct language *language = world->ui.language;

		SET(world->view.operator_id, "anna");
		draw(world);
		for (int i = 0; i < SCREEN_COUNT; i++)
			assert_row_has(world, ROWS - 1, T(language, screen_ops((enum screen)i)->title));
		assert_row_has(world, ROWS - 1, T(language, "Log out"));
		assert_row_has(world, ROWS - 2, T(language, "Shift"));
		assert_row_has(world, ROWS - 2, T(language, "refused"));
		assert_row_has(world, ROWS - 2, T(language, "Order"));
		world->view.operator_id[0] = '\0';
		draw(world);
		assert_row_has(world, 0, T(language, "Nobody is logged in"));
		assert_row_has(world, ROWS - 1, T(language, "Log in"));
	}
}

static void test_log_in_fits_its_frame(void **state)
{
	struct world *world = *state;

	world->ui.screen = SCREEN_AUDIT;
	SET(world->ui.id_typed, "0123456789abcdef0123456789abcdef");
	EACH_LANGUAGE(world)
	{
		for (int verdict = PEOPLE_WELCOME; verdict <= PEOPLE_LOCKED; verdict++) {
			world->ui.dialog = (struct desk_dialog){ .verdict = (enum people_verdict)verdict,
								 .tries_left = 4 };
			world->ui.dialog.asks = DESK_ASKS_ID;
			draw(world);
			assert_int_equal(check_frames(world), 1);
			world->ui.dialog.asks = DESK_ASKS_PIN;
			world->ui.pin_typed = PEOPLE_PIN_MAX;
			draw(world);
			assert_int_equal(check_frames(world), 1);
		}
	}
}

static void test_the_question_before_the_end_fits_its_frame(void **state)
{
	struct world *world = *state;

	world->ui.screen = SCREEN_AUDIT;
	world->ui.asks_quit = true;
	EACH_LANGUAGE(world)
	{
		draw(world);
		assert_int_equal(check_frames(world), 1);
	}
}

static void test_each_sentence_of_the_last_line_fits(void **state)
{
	struct world *world = *state;

	EACH_LANGUAGE(world)
	{
		char slot[32];

		assert_int_equal(str_format(slot, sizeof(slot), "  %s 10", T(world->ui.language, "Slot")), 0);
		world->view.scan_until_ms = 1;
		SET(world->view.scan_slot, "10");
		SET(world->view.scan_text, "SN-2026-0042");
		for (int fate = SCAN_MATCHED; fate <= SCAN_BUSY; fate++) {
			world->view.scan = (enum scan_fate)fate;
			draw(world);
			assert_row_has(world, ROWS - 1, slot);
		}
		world->view.stopped = true;
		draw(world);
		world->view.stopped = false;
	}
}

/* 4 tiles have frames; 32 are compact, with a sentence below them. */
static void draw_tile(struct world *world, const struct tile *tile)
{
	set_tiles(&world->view, 4, tile);
	draw(world);
	assert_int_equal(check_frames(world), 4);
	set_tiles(&world->view, CONF_SLOTS_MAX, tile);
	draw(world);
}

static void test_each_state_of_a_tile_fits(void **state)
{
	struct world *world = *state;

	EACH_LANGUAGE(world)
	{
		for (int i = TILE_EMPTY; i <= TILE_PORT; i++) {
			struct tile tile = { .state = (enum tile_state)i, .serial = "SN-0042" };

			tile.elapsed_ms = 754000;
			draw_tile(world, &tile);
		}
		for (int i = WAIT_NONE; i <= WAIT_CLOCK; i++)
			draw_tile(world, &(struct tile){ .state = TILE_WAITING,
							 .seated = true,
							 .wait = (enum wait)i });
	}
}

static void test_each_advice_fits(void **state)
{
	struct world *world = *state;

	EACH_LANGUAGE(world)
	{
		for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
			struct tile tile = { .state = TILE_RUNNING, .seated = true, .steps_n = 6 };

			SET(tile.step, steps[i]);
			draw_tile(world, &tile);
			tile.state = TILE_FAIL;
			for (int c = ERR_NONE; c <= ERR_BUG; c++) {
				tile.class = (enum err_class)c;
				draw_tile(world, &tile);
			}
		}
	}
}

static void test_rare_pages_fit(void **state)
{
	struct world *world = *state;

	world->ui.page_unit.found = world->ui.page_hsm.ok = false;
	world->ui.page_queue = (struct page_queue){ .enrolled = 123456 };
	world->ui.page_report = (struct page_report){ .day_ms = NOW_MS };
	world->ui.page_audit = (struct page_audit){ .size = 123456, .more = true };
	SET(world->ui.search, "anna");
	SET(world->view.tiles[0].serial, "SN-0042");
	EACH_LANGUAGE(world)
	{
		for (int i = SCREEN_UNIT; i < SCREEN_COUNT; i++) {
			world->ui.screen = (enum screen)i;
			draw(world);
		}
	}
	world->ui.search[0] = world->ui.unit[0] = '\0';
	world->ui.screen = SCREEN_UNIT;
	EACH_LANGUAGE(world)
	{
		draw(world);
	}
}

/* The checks themselves: a text that is cut, and a wide character that takes one cell. */
static void test_what_is_cut_or_out_of_line_is_seen(void **state)
{
	struct world *world = *state;
	struct cell *cells = world->canvas.cells[0];

	canvas_clear(&world->canvas, 1, 10);
	(void)draw_text(&world->canvas, 0, 0, 10, INK_PLAIN, "\u5de5\u4f4d 1");
	assert_true(row_lines_up(cells, 10) && row_is_whole(cells, 10));
	cells[1].ch = ' ';
	assert_false(row_lines_up(cells, 10));
	canvas_clear(&world->canvas, 1, 10);
	(void)draw_text(&world->canvas, 0, 0, 10, INK_PLAIN, "abcdefghijk");
	assert_false(row_is_whole(cells, 10));
	canvas_clear(&world->canvas, 3, 10);
	draw_frame(&world->canvas, &(struct area){ 0, 0, 3, 10 }, INK_PLAIN, NULL);
	assert_true(frame_closes(&world->canvas, 0, 0));
	world->canvas.cells[1][9].ch = ' ';
	assert_false(frame_closes(&world->canvas, 0, 0));
}

#define LANGUAGES_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LANGUAGES_TEST(test_each_screen_fits),
		LANGUAGES_TEST(test_each_kind_of_entry_is_a_word_that_fits),
		LANGUAGES_TEST(test_the_help_of_each_screen_fits),
		LANGUAGES_TEST(test_all_keys_and_facts_stand_in_the_footer),
		LANGUAGES_TEST(test_log_in_fits_its_frame),
		LANGUAGES_TEST(test_the_question_before_the_end_fits_its_frame),
		LANGUAGES_TEST(test_each_sentence_of_the_last_line_fits),
		LANGUAGES_TEST(test_each_state_of_a_tile_fits),
		LANGUAGES_TEST(test_each_advice_fits),
		LANGUAGES_TEST(test_rare_pages_fit),
		LANGUAGES_TEST(test_what_is_cut_or_out_of_line_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
