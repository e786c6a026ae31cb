/* Tests station/screens/{line,tile}.c: what a technician sees of made-up lines, and what the arrows do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>

#include "station/screens/layout.h"
#include "station/screens/ui.h"

#define NOW_MS 142000

struct scene {
	struct canvas canvas;
	struct view view;
	struct ui ui;
	struct area area;
};

/* One of each, in turn. */
static const struct tile samples[] = {
	{ .state = TILE_PASS, .seated = true, .serial = "SN-0042", .elapsed_ms = 42000 },
	{ .state = TILE_FAIL,
	  .seated = true,
	  .serial = "SN-0043",
	  .step = "verify",
	  .class = ERR_UNIT,
	  .elapsed_ms = 61000,
	  .flash_until_ms = 1000,
	  .text = "unit SN-0043, step verify: the unit does not hold what it said it stored" },
	{ .state = TILE_RUNNING,
	  .seated = true,
	  .serial = "SN-0044-ABCDEFGHIJKLMNOPQRS",
	  .step = "issue",
	  .step_index = 2,
	  .steps_n = 6,
	  .since_ms = 100000 },
	{ .state = TILE_WAITING, .seated = true, .serial = "SN-0045", .wait = WAIT_LABEL },
	{ .state = TILE_EMPTY },
	{ .state = TILE_PORT, .class = ERR_OPERATOR, .text = "serial port /dev/ttyUSB3: Permission denied" },
	{ .state = TILE_ALREADY, .serial = "SN-0046", .elapsed_ms = 900 },
	{ .state = TILE_PASS, .serial = "SN-0047", .elapsed_ms = 3723000 },
};

static int setup(void **state)
{
	struct scene *scene;

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return -1;
	scene = calloc(1, sizeof(*scene));
	if (scene == NULL)
		return -1;
	scene->ui.view = &scene->view;
	scene->ui.language = language_find("en");
	scene->ui.screen = SCREEN_LINE;
	scene->ui.now_ms = NOW_MS;
	scene->canvas.utf8 = true;
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void set_line(struct scene *scene, size_t n)
{
	scene->view.tiles_n = n;
	for (size_t i = 0; i < n; i++) {
		scene->view.tiles[i] = samples[i % ARRAY_LEN(samples)];
		assert_int_equal(str_format(scene->view.tiles[i].slot, sizeof(scene->view.tiles[i].slot),
					    "S%zu", i + 1),
				 0);
	}
}

/* As large as a terminal of rows and cols leaves it; header and footer are not ours. */
static void draw(struct scene *scene, int rows, int cols)
{
	scene->ui.rows = rows;
	scene->ui.cols = cols;
	scene->area = ui_area(rows, cols);
	canvas_clear(&scene->canvas, rows, cols);
	screen_line.draw(&scene->ui, &scene->canvas, &scene->area);
}

static void text_of(const struct scene *scene, struct buf *text)
{
	buf_clear(text);
	assert_int_equal(canvas_text(&scene->canvas, text), 0);
	assert_int_equal(buf_append_u8(text, 0), 0);
}

static void assert_shows(const struct scene *scene, const char *expected)
{
	BUF_AUTO(text, 1 << 20);

	text_of(scene, &text);
	assert_string_equal((const char *)text.p, expected);
}

static bool shows(const struct scene *scene, const char *part)
{
	BUF_AUTO(text, 1 << 20);

	text_of(scene, &text);
	return strstr((const char *)text.p, part) != NULL;
}

/* The text of one tile alone: the canvas cut to its area. */
static bool tile_shows(struct scene *scene, const struct area *tile, const char *part)
{
	struct canvas *cut = calloc(1, sizeof(*cut));
	BUF_AUTO(text, 1 << 20);
	bool found;

	assert_non_null(cut);
	canvas_clear(cut, tile->rows, tile->cols);
	for (int row = 0; row < tile->rows; row++)
		memcpy(cut->cells[row], &scene->canvas.cells[tile->row + row][tile->col],
		       (size_t)tile->cols * sizeof(struct cell));
	assert_int_equal(canvas_text(cut, &text), 0);
	assert_int_equal(buf_append_u8(&text, 0), 0);
	found = strstr((const char *)text.p, part) != NULL;
	free(cut);
	return found;
}

static void test_line_four_slots_are_large_tiles(void **state)
{
	struct scene *scene = *state;

	set_line(scene, 4);
	draw(scene, 24, 80);
	assert_shows(scene,
		     "\n"
		     "┌» S1 ──────────────────────── SN-0042 ┐┌ S2 ───────────────────────── SN-0043 ┐\n"
		     "│                                      ││          ████  ██  ███ █             │\n"
		     "│         ███   ██   ███  ███          ││          █    █  █  █  █             │\n"
		     "│         █  █ █  █ █    █             ││          ███  ████  █  █             │\n"
		     "│         ███  ████  ██   ██           ││          █    █  █  █  █             │\n"
		     "│         █    █  █    █    █          ││          █    █  █ ███ ████          │\n"
		     "│         █    █  █ ███  ███           ││                                      │\n"
		     "│                                      ││ The unit did not pass the test. Put  │\n"
		     "│                                      ││ the unit aside.                      │\n"
		     "└ ✔ PASS 0:42 ─────────────────────────┘└ ✘ FAIL 1:01 ─────────────────────────┘\n"
		     "┌ S3 ───── SN-0044-ABCDEFGHIJKLMNOPQRS ┐┌ S4 ───────────────────────── SN-0045 ┐\n"
		     "│                                      ││                                      │\n"
		     "│                                      ││                                      │\n"
		     "│                                      ││                                      │\n"
		     "│               Signing                ││                                      │\n"
		     "│                                      ││           ▶ SCAN THE LABEL           │\n"
		     "│                                      ││                                      │\n"
		     "│                                      ││                                      │\n"
		     "│                                      ││                                      │\n"
		     "│ ████████████░░░░░░░░░░░░░░░░░░░░░░░░ ││                                      │\n"
		     "└ ● 3/6 0:42 ──────────────────────────┘└──────────────────────────────────────┘\n"
		     "\n"
		     "\n");
}

static void test_line_eight_slots_in_ascii(void **state)
{
	struct scene *scene = *state;

	set_line(scene, 8);
	scene->canvas.utf8 = false;
	scene->ui.selected = 4;
	draw(scene, 24, 80);
	assert_shows(scene,
		     "\n"
		     "+ S1 ----------- SN-0042 ++ S2 ------------ SN-0043 ++ S3 - ...EFGHIJKLMNOPQRS +\n"
		     "|  ###   ##   ###  ###   ||        [X] FAIL         ||                         |\n"
		     "|  #  # #  # #    #      || The unit did not pass   ||         Signing         |\n"
		     "|  ###  ####  ##   ##    || the test. Put the unit  ||                         |\n"
		     "|  #    #  #    #    #   || aside.                  ||                         |\n"
		     "|  #    #  # ###  ###    || unit SN-0043, step v... || #######................ |\n"
		     "+ [OK] PASS 0:42 --------++ [X] FAIL 1:01 ----------++ * 3/6 0:42 -------------+\n"
		     "+ S4 ----------- SN-0045 ++> S5 --------------------++ S6 ---------------------+\n"
		     "|                        ||                         || The slot can't be used. |\n"
		     "|                        ||                         || Check the cable of the  |\n"
		     "|    > SCAN THE LABEL    ||       Seat a unit       || slot.                   |\n"
		     "|                        ||                         || serial port             |\n"
		     "|                        ||                         || /dev/ttyUSB3: Permis... |\n"
		     "+------------------------++-------------------------++ ! PORT -----------------+\n"
		     "+ S7 ----------- SN-0046 ++ S8 ------------ SN-0047 +\n"
		     "|                        ||   ###   ##   ###  ###   |\n"
		     "|                        ||   #  # #  # #    #      |\n"
		     "|   [OK] ALREADY DONE    ||   ###  ####  ##   ##    |\n"
		     "|                        ||   #    #  #    #    #   |\n"
		     "|                        ||   #    #  # ###  ###    |\n"
		     "+ [OK] ALREADY DONE -- o ++ [OK] PASS 1:02:03 --- o +\n"
		     "\n"
		     "\n");
}

static void test_line_thirty_two_slots_fit_80x24(void **state)
{
	struct scene *scene = *state;

	set_line(scene, 32);
	draw(scene, 24, 80);
	assert_shows(scene,
		     "\n"
		     "»S1 SN-0042          S2 SN-0043          S3 …FGHIJKLMNOPQRS  S4 SN-0045\n"
		     "✔ PASS 0:42         ✘ FAIL 1:01         ● 3/6 ██░░░░░░ 0:42 ▶ SCAN THE LABEL\n"
		     " S5                  S6                  S7 SN-0046          S8 SN-0047\n"
		     " Seat a unit        ! PORT              ✔ ALREADY DONE    ○ ✔ PASS 1:02:03    ○\n"
		     " S9 SN-0042          S10 SN-0043         S11 …GHIJKLMNOPQRS  S12 SN-0045\n"
		     "✔ PASS 0:42         ✘ FAIL 1:01         ● 3/6 ██░░░░░░ 0:42 ▶ SCAN THE LABEL\n"
		     " S13                 S14                 S15 SN-0046         S16 SN-0047\n"
		     " Seat a unit        ! PORT              ✔ ALREADY DONE    ○ ✔ PASS 1:02:03    ○\n"
		     " S17 SN-0042         S18 SN-0043         S19 …GHIJKLMNOPQRS  S20 SN-0045\n"
		     "✔ PASS 0:42         ✘ FAIL 1:01         ● 3/6 ██░░░░░░ 0:42 ▶ SCAN THE LABEL\n"
		     " S21                 S22                 S23 SN-0046         S24 SN-0047\n"
		     " Seat a unit        ! PORT              ✔ ALREADY DONE    ○ ✔ PASS 1:02:03    ○\n"
		     " S25 SN-0042         S26 SN-0043         S27 …GHIJKLMNOPQRS  S28 SN-0045\n"
		     "✔ PASS 0:42         ✘ FAIL 1:01         ● 3/6 ██░░░░░░ 0:42 ▶ SCAN THE LABEL\n"
		     " S29                 S30                 S31 SN-0046         S32 SN-0047\n"
		     " Seat a unit        ! PORT              ✔ ALREADY DONE    ○ ✔ PASS 1:02:03    ○\n"
		     "\n"
		     " S2  SN-0043: The unit did not pass the test. Put the unit aside.\n"
		     " unit SN-0043, step verify: the unit does not hold what it said it stored\n"
		     "\n"
		     "\n"
		     "\n"
		     "\n");
}

static void test_line_one_slot_has_the_largest_letters(void **state)
{
	struct scene *scene = *state;

	set_line(scene, 1);
	draw(scene, 24, 80);
	assert_true(shows(scene, "█████████         ██████         █████████      █████████"));
	assert_true(shows(scene, "✔ PASS 0:42"));
}

/* What is on a tile stands on it, and nothing of it on another. */
static void assert_tile(struct scene *scene, const struct layout *layout, size_t i)
{
	const struct tile *tile = &scene->view.tiles[i];
	const struct area at = layout_tile(layout, i);

	assert_true(tile_shows(scene, &at, tile->slot));
	if (tile->serial[0] != '\0')
		assert_true(tile_shows(scene, &at, tile->serial + strlen(tile->serial) - 4));
	if (tile->state == TILE_PASS)
		assert_true(tile_shows(scene, &at, scene->canvas.utf8 ? "✔ PASS" : "[OK] PASS"));
	if (tile->state == TILE_FAIL)
		assert_true(tile_shows(scene, &at, scene->canvas.utf8 ? "✘ FAIL" : "[X] FAIL"));
	if (tile->state == TILE_WAITING)
		assert_true(
			tile_shows(scene, &at, scene->canvas.utf8 ? "▶ SCAN THE LABEL" : "> SCAN THE LABEL"));
	if (tile->state == TILE_RUNNING)
		assert_true(tile_shows(scene, &at, "3/6"));
}

static void test_line_every_slot_is_seen_on_every_screen(void **state)
{
	static const int sizes[][2] = { { 24, 80 },  { 50, 80 },  { 43, 132 },
					{ 40, 120 }, { 60, 200 }, { 120, 400 } };
	struct scene *scene = *state;
	struct layout layout;

	for (size_t s = 0; s < ARRAY_LEN(sizes) * 2; s++) {
		const int *size = sizes[s / 2];

		scene->canvas.utf8 = s % 2 == 0;
		for (size_t n = 1; n <= CONF_SLOTS_MAX; n++) {
			set_line(scene, n);
			draw(scene, size[0], size[1]);
			assert_true(layout_init(&layout, &scene->area, n));
			for (size_t i = 0; i < n; i++)
				assert_tile(scene, &layout, i);
		}
	}
}

static void test_line_too_small_a_window_says_so(void **state)
{
	struct scene *scene = *state;

	set_line(scene, 32);
	draw(scene, 12, 40);
	assert_shows(scene, "\nThe window is too small.\n\n\n\n\n\n\n\n\n\n\n");
}

static enum ink ink_at(const struct scene *scene, size_t i)
{
	struct layout layout;
	struct area at;

	assert_true(layout_init(&layout, &scene->area, scene->view.tiles_n));
	at = layout_tile(&layout, i);
	return (enum ink)scene->canvas.cells[at.row + 1][at.col].ink;
}

static void test_line_results_colour_the_whole_tile(void **state)
{
	struct scene *scene = *state;

	for (size_t n = 8; n <= 32; n += 24) {
		set_line(scene, n);
		draw(scene, 24, 80);
		assert_int_equal(ink_at(scene, 0), INK_PASS);
		assert_int_equal(ink_at(scene, 1), INK_FAIL);
		assert_int_equal(ink_at(scene, 3), INK_WAIT);
		assert_int_equal(ink_at(scene, 6), INK_PASS);
	}
}

static void test_line_new_fail_flashes_then_stands(void **state)
{
	struct scene *scene = *state;
	unsigned changes = 0;
	enum ink before = INK_FAIL;

	set_line(scene, 4);
	scene->view.tiles[1].flash_until_ms = NOW_MS + VIEW_FLASH_MS;
	for (int ms = 0; ms < VIEW_FLASH_MS; ms += 50) {
		scene->ui.now_ms = NOW_MS + ms;
		draw(scene, 24, 80);
		assert_true(shows(scene, "✘ FAIL 1:01"));
		changes += ink_at(scene, 1) != before;
		before = ink_at(scene, 1);
	}
	assert_in_range(changes, 10, 12);
	for (int ms = 0; ms < 1000; ms += 50) {
		scene->ui.now_ms = NOW_MS + VIEW_FLASH_MS + ms;
		draw(scene, 24, 80);
		assert_int_equal(ink_at(scene, 1), INK_FAIL);
	}
}

static void test_line_result_without_its_unit_asks_for_the_next(void **state)
{
	struct scene *scene = *state;

	set_line(scene, 1);
	draw(scene, 24, 80);
	assert_false(shows(scene, "Seat the next unit"));
	scene->view.tiles[0].seated = false;
	draw(scene, 24, 80);
	assert_true(shows(scene, "✔ PASS 0:42"));
	assert_true(shows(scene, "Seat the next unit"));
}

static void test_line_message_is_of_the_selected_tile_else_of_the_last_fail(void **state)
{
	struct scene *scene = *state;

	set_line(scene, 32);
	scene->view.tiles[9].flash_until_ms = 2000;
	scene->view.tiles[9].step[0] = '\0';
	draw(scene, 24, 80);
	assert_true(shows(scene, "S10  SN-0043: The unit was not recognized."));
	scene->ui.selected = 1;
	draw(scene, 24, 80);
	assert_true(shows(scene, "S2  SN-0043: The unit did not pass the test. Put the unit aside."));
	assert_true(shows(scene, "the unit does not hold what it said"));
	scene->ui.selected = 5;
	draw(scene, 24, 80);
	assert_true(shows(scene, "S6: The slot can't be used."));
	assert_true(shows(scene, "/dev/ttyUSB3"));
}

static void test_line_of_odd_facts_breaks_nothing(void **state)
{
	struct scene *scene = *state;
	struct tile *tile = &scene->view.tiles[0];

	set_line(scene, 2);
	*tile = (struct tile){ .state = TILE_RUNNING, .since_ms = NOW_MS + 5000, .step = "polish" };
	memset(tile->slot, 'W', sizeof(tile->slot) - 1);
	memset(tile->serial, 0xe8, sizeof(tile->serial) - 1);
	draw(scene, 24, 80);
	assert_true(shows(scene, "polish"));
	assert_true(shows(scene, "● 0:00"));
	assert_true(shows(scene, "????"));
	tile->step[0] = '\0';
	tile->steps_n = 0;
	scene->ui.selected = 99;
	for (int rows = 0; rows < 30; rows++)
		for (int cols = 0; cols < 90; cols++)
			draw(scene, rows, cols);
}

static void test_line_arrows_move_and_enter_opens_the_unit(void **state)
{
	struct scene *scene = *state;

	set_line(scene, 8);
	draw(scene, 24, 80);
	assert_true(screen_line.key(&scene->ui, INPUT_RIGHT));
	assert_true(screen_line.key(&scene->ui, INPUT_DOWN));
	assert_int_equal(scene->ui.selected, 4);
	assert_true(screen_line.key(&scene->ui, INPUT_ENTER)); /* an empty slot has no unit to show */
	assert_int_equal(scene->ui.screen, SCREEN_LINE);
	assert_true(screen_line.key(&scene->ui, INPUT_LEFT));
	assert_true(screen_line.key(&scene->ui, INPUT_ENTER));
	assert_int_equal(scene->ui.screen, SCREEN_UNIT);
	assert_int_equal(scene->ui.before, SCREEN_LINE);
	assert_string_equal(scene->ui.unit, "SN-0045");
	assert_false(screen_line.key(&scene->ui, 'q'));
	assert_false(screen_line.key(&scene->ui, INPUT_PAGE_DOWN));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_line_four_slots_are_large_tiles),
		TEST(test_line_eight_slots_in_ascii),
		TEST(test_line_thirty_two_slots_fit_80x24),
		TEST(test_line_one_slot_has_the_largest_letters),
		TEST(test_line_every_slot_is_seen_on_every_screen),
		TEST(test_line_too_small_a_window_says_so),
		TEST(test_line_results_colour_the_whole_tile),
		TEST(test_line_new_fail_flashes_then_stands),
		TEST(test_line_result_without_its_unit_asks_for_the_next),
		TEST(test_line_message_is_of_the_selected_tile_else_of_the_last_fail),
		TEST(test_line_of_odd_facts_breaks_nothing),
		TEST(test_line_arrows_move_and_enter_opens_the_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
