/* Keys that work on every screen, the frame around them, and dialogs that take every key. */
#include "station/screens/ui.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct stage {
	struct ui ui;
	struct view view;
	struct canvas canvas;
};

static int set_stage(void **state)
{
	struct stage *stage = test_calloc(1, sizeof(*stage));
	struct conf *conf = test_calloc(1, sizeof(*conf));

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	conf->slots_n = 2;
	str_clip(conf->id, sizeof(conf->id), "line-07");
	str_clip(conf->slots[0].name, sizeof(conf->slots[0].name), "1");
	str_clip(conf->slots[1].name, sizeof(conf->slots[1].name), "2");
	view_init(&stage->view, conf, true);
	test_free(conf);
	stage->canvas.utf8 = true;
	stage->ui = (struct ui){ .view = &stage->view,
				 .language = language_find("en"),
				 .screen = SCREEN_LINE,
				 .before = SCREEN_LINE };
	*state = stage;
	return 0;
}

static int strike_stage(void **state)
{
	test_free(*state);
	return 0;
}

/* The row as text, in a buffer of the canvas's own making. */
static bool row_has(struct stage *stage, int row, const char *text)
{
	BUF_AUTO(all, 512 * 1024);
	const char *line;
	bool has;

	canvas_clear(&stage->canvas, 24, 80);
	ui_draw(&stage->ui, &stage->canvas);
	assert_int_equal(canvas_text(&stage->canvas, &all), 0);
	assert_int_equal(buf_append_u8(&all, 0), 0);
	line = (const char *)all.p;
	for (int i = 0; i < row; i++)
		line = strchr(line, '\n') + 1;
	has = strstr(line, text) != NULL && strstr(line, text) < strchr(line, '\n');
	if (!has)
		print_message("row %d: %.100s\n", row, line);
	return has;
}

static void test_each_screen_has_a_function_key_and_a_letter(void **state)
{
	struct stage *stage = *state;

	for (int i = 0; i < SCREEN_COUNT; i++) {
		stage->ui.screen = i == SCREEN_LINE ? SCREEN_QUEUE : SCREEN_LINE;
		ui_key(&stage->ui, INPUT_F1 + (uint32_t)i);
		assert_int_equal(stage->ui.screen, i);
		stage->ui.screen = i == SCREEN_LINE ? SCREEN_QUEUE : SCREEN_LINE;
		ui_key(&stage->ui, (uint32_t)screen_ops((enum screen)i)->letter);
		assert_int_equal(stage->ui.screen, i);
		assert_int_equal(stage->ui.command, UI_RELOAD);
	}
}

static void test_no_letter_means_two_things(void **state)
{
	static const char commands[] = "ogdx";

	(void)state;
	for (int i = 0; i < SCREEN_COUNT; i++) {
		const char letter = screen_ops((enum screen)i)->letter;

		assert_null(strchr(commands, letter));
		for (int j = i + 1; j < SCREEN_COUNT; j++)
			assert_int_not_equal(letter, screen_ops((enum screen)j)->letter);
	}
}

static void test_escape_leads_back_to_the_line(void **state)
{
	struct stage *stage = *state;

	ui_key(&stage->ui, INPUT_F1 + SCREEN_AUDIT);
	ui_key(&stage->ui, INPUT_F1 + SCREEN_HELP);
	assert_int_equal(stage->ui.screen, SCREEN_HELP);
	ui_key(&stage->ui, INPUT_ESCAPE);
	assert_int_equal(stage->ui.screen, SCREEN_AUDIT);
	ui_key(&stage->ui, INPUT_ESCAPE);
	assert_int_equal(stage->ui.screen, SCREEN_LINE);
}

static void test_quitting_is_asked_and_can_be_refused(void **state)
{
	struct stage *stage = *state;

	ui_key(&stage->ui, 'x');
	assert_true(stage->ui.asks_quit);
	assert_int_equal(stage->ui.command, UI_NOTHING);
	ui_key(&stage->ui, INPUT_ESCAPE);
	assert_false(stage->ui.asks_quit);
	assert_int_equal(stage->ui.command, UI_NOTHING);
	ui_key(&stage->ui, 3); /* Ctrl-C */
	assert_true(row_has(stage, 8, "Stop the station?"));
	ui_key(&stage->ui, INPUT_ENTER);
	assert_int_equal(stage->ui.command, UI_QUIT);
}

static void type(struct stage *stage, const char *text)
{
	for (; *text != '\0'; text++)
		ui_key(&stage->ui, (uint8_t)*text);
}

static void test_an_id_is_typed_without_pressing_any_command(void **state)
{
	struct stage *stage = *state;

	ui_key(&stage->ui, 'o');
	assert_int_equal(stage->ui.command, UI_LOGIN);
	stage->ui.command = UI_NOTHING;
	stage->ui.dialog.asks = DESK_ASKS_ID;
	type(stage, "xqannad");
	ui_key(&stage->ui, INPUT_BACKSPACE);
	ui_key(&stage->ui, 7);
	ui_key(&stage->ui, INPUT_F1 + 3);
	assert_string_equal(stage->ui.id_typed, "xqanna");
	assert_int_equal(stage->ui.screen, SCREEN_LINE);
	assert_int_equal(stage->ui.command, UI_NOTHING);
	ui_key(&stage->ui, INPUT_ENTER);
	assert_int_equal(stage->ui.command, UI_ANSWER_ID);
	type(stage, "0123456789012345678901234567890123456789");
	assert_int_equal(strlen(stage->ui.id_typed), OPERATOR_ID_MAX);
	ui_key(&stage->ui, INPUT_ESCAPE);
	assert_int_equal(stage->ui.command, UI_CANCEL_LOGIN);
}

static void test_the_longest_id_is_read_whole_below_its_question(void **state)
{
	struct stage *stage = *state;

	stage->ui.dialog.asks = DESK_ASKS_ID;
	type(stage, "0123456789abcdef0123456789abcdef");
	assert_true(row_has(stage, 9, "Scan your badge, or type your ID: "));
	assert_true(row_has(stage, 10, "0123456789abcdef0123456789abcdef_"));
}

static void test_a_pin_is_shown_as_stars_with_what_went_wrong(void **state)
{
	struct stage *stage = *state;

	stage->ui.dialog = (struct desk_dialog){
		.asks = DESK_ASKS_PIN, .operator_id = "anna", .verdict = PEOPLE_WRONG_PIN, .tries_left = 3
	};
	stage->ui.pin_typed = 4;
	assert_true(row_has(stage, 9, "PIN: ****_"));
	assert_true(row_has(stage, 10, "anna"));
	assert_true(row_has(stage, 11, "Wrong PIN. Tries left: 3"));
}

static void test_logging_out_needs_somebody_logged_in(void **state)
{
	struct stage *stage = *state;

	str_clip(stage->view.operator_id, sizeof(stage->view.operator_id), "anna");
	ui_key(&stage->ui, INPUT_F1 + 7);
	assert_int_equal(stage->ui.command, UI_LOGOUT);
	stage->ui.command = UI_NOTHING;
	stage->view.operator_id[0] = '\0';
	stage->view.login_required = false;
	ui_key(&stage->ui, 'o');
	assert_int_equal(stage->ui.command, UI_NOTHING);
}

static void test_header_and_footer_tell_the_facts(void **state)
{
	struct stage *stage = *state;
	struct view *view = &stage->view;

	view->shift.passed = 19;
	view->shift.failed = 1;
	view->hsm_known = view->hsm_ok = true;
	view->service_known = true;
	view->waiting = 5;
	str_clip(view->operator_id, sizeof(view->operator_id), "anna");
	str_clip(view->operator_name, sizeof(view->operator_name), "Anna K.");
	assert_true(row_has(stage, 0, "line-07  Line"));
	assert_true(row_has(stage, 0, "Anna K."));
	assert_true(row_has(stage, 22, "Shift ✔ 19  ✘ 1  95 %"));
	assert_true(row_has(stage, 22, "HSM ✔  Service ✘  Queue 5"));
	assert_true(row_has(stage, 23, "F1 Help F2 Line"));
	assert_true(row_has(stage, 23, "F8 Log out"));
}

static void test_a_scans_fate_stands_for_a_while(void **state)
{
	struct stage *stage = *state;

	stage->view.scan = SCAN_MISMATCH;
	stage->view.scan_until_ms = 5000;
	stage->ui.now_ms = 4999;
	str_clip(stage->view.scan_slot, sizeof(stage->view.scan_slot), "2");
	assert_true(row_has(stage, 23, "The label is of another unit.  Slot 2"));
	stage->ui.now_ms = 5000;
	assert_true(row_has(stage, 23, "F1"));
}

static void test_a_stopped_station_says_so_over_everything(void **state)
{
	struct stage *stage = *state;

	stage->view.stopped = true;
	stage->view.scan = SCAN_MATCHED;
	stage->view.scan_until_ms = 5000;
	assert_true(row_has(stage, 23, "The station stopped."));
}

static void test_a_window_that_is_too_small_says_so(void **state)
{
	struct stage *stage = *state;
	BUF_AUTO(all, 8192);

	canvas_clear(&stage->canvas, 5, 30);
	ui_draw(&stage->ui, &stage->canvas);
	assert_int_equal(canvas_text(&stage->canvas, &all), 0);
	assert_int_equal(buf_append_u8(&all, 0), 0);
	assert_non_null(strstr((const char *)all.p, "30x5: The window is too sma"));
}

static void test_scrolling_stays_inside_the_list(void **state)
{
	struct stage *stage = *state;

	ui_scroll_by(&stage->ui, 5, 20, 10);
	assert_int_equal(stage->ui.scroll, 5);
	ui_scroll_by(&stage->ui, 50, 20, 10);
	assert_int_equal(stage->ui.scroll, 10);
	ui_scroll_by(&stage->ui, -50, 20, 10);
	assert_int_equal(stage->ui.scroll, 0);
	ui_scroll_by(&stage->ui, 1, 5, 10);
	assert_int_equal(stage->ui.scroll, 0);
}

#define UI_TEST(f) cmocka_unit_test_setup_teardown(f, set_stage, strike_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UI_TEST(test_each_screen_has_a_function_key_and_a_letter),
		UI_TEST(test_no_letter_means_two_things),
		UI_TEST(test_escape_leads_back_to_the_line),
		UI_TEST(test_quitting_is_asked_and_can_be_refused),
		UI_TEST(test_an_id_is_typed_without_pressing_any_command),
		UI_TEST(test_the_longest_id_is_read_whole_below_its_question),
		UI_TEST(test_a_pin_is_shown_as_stars_with_what_went_wrong),
		UI_TEST(test_logging_out_needs_somebody_logged_in),
		UI_TEST(test_header_and_footer_tell_the_facts),
		UI_TEST(test_a_scans_fate_stands_for_a_while),
		UI_TEST(test_a_stopped_station_says_so_over_everything),
		UI_TEST(test_a_window_that_is_too_small_says_so),
		UI_TEST(test_scrolling_stays_inside_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
