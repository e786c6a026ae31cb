/* Tests station/screens/{canvas,glyph,draw,big}.c: what reaches a cell, and that nothing leaves the canvas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>

#include "station/screens/canvas.h"

static int setup(void **state)
{
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return -1;
	*state = calloc(1, sizeof(struct canvas));
	return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct canvas *blank(void **state, int rows, int cols, bool utf8)
{
	struct canvas *canvas = *state;

	canvas->utf8 = utf8;
	canvas_clear(canvas, rows, cols);
	return canvas;
}

static void assert_shows(const struct canvas *canvas, const char *expected)
{
	BUF_AUTO(text, 1 << 20);

	assert_int_equal(canvas_text(canvas, &text), 0);
	assert_int_equal(buf_append_u8(&text, 0), 0);
	assert_string_equal((const char *)text.p, expected);
}

static void assert_text(void **state, bool utf8, const char *text, const char *expected)
{
	struct canvas *canvas = blank(state, 1, 20, utf8);

	(void)draw_text(canvas, 0, 0, 20, INK_PLAIN, text);
	assert_shows(canvas, expected);
}

static void test_text_invalid_utf8_is_question_marks(void **state)
{
	assert_text(state, true,
		    "a\xff"
		    "b\xc3",
		    "a?b?\n");
	assert_text(state, true, "\xc0\xaf|\xe0\x80\xaf", "??|???\n"); /* overlong */
	assert_text(state, true, "\xed\xa0\x80|", "???|\n");           /* a surrogate */
	assert_text(state, true, "\xf4\x90\x80\x80|", "????|\n");      /* beyond U+10FFFF */
	assert_text(state, true, "\xe4\xbd", "??\n");
}

static void test_text_control_characters_never_reach_a_cell(void **state)
{
	assert_text(state, true, "a\x1b[2Jb\r\n\tc\x7f", "a?[2Jb???c?\n");
	assert_text(state, true,
		    "\xc2\x9b"
		    "31m\xc2\x85",
		    "?31m?\n");
	assert_text(state, true, "\u200b\u200e\u202e\u2066\ufeff\u00ad\u2028", "???????\n");
	assert_text(state, false, "a\x1b[2J\u202e\xc2\x9b", "a?[2J??\n");
	assert_text(state, true, "e\u0301\u0378", "e?\n"); /* a combining mark; unassigned */
}

static void test_text_in_ascii_has_plain_forms(void **state)
{
	assert_text(state, false, "Größe ñandú", "Grosse nandu\n");
	assert_text(state, false, "Đặt thiết bị ở", "Dat thiet bi o\n");
	assert_text(state, false, "✔ ✘ ▶ ● … —", "[OK] [X] > * ... -\n");
	assert_text(state, false, "请扫描", "???\n");
	assert_text(state, true, "Größe ✔ ế", "Größe ✔ ế\n");
}

static void test_text_that_does_not_fit_ends_with_dots(void **state)
{
	struct canvas *canvas = blank(state, 4, 12, true);

	assert_int_equal(draw_text(canvas, 0, 1, 6, INK_PLAIN, "ABCDEFGH"), 6);
	assert_int_equal(draw_text(canvas, 1, 1, 8, INK_PLAIN, "ABCDEFGH"), 8);
	assert_int_equal(draw_tail(canvas, 2, 1, 6, INK_PLAIN, "ABCDEFGH"), 6);
	assert_int_equal(draw_text(canvas, 3, 1, 1, INK_PLAIN, "ABCDEFGH"), 1);
	assert_shows(canvas, " ABCDE…\n ABCDEFGH\n …DEFGH\n A\n");
	canvas = blank(state, 2, 12, false);
	(void)draw_text(canvas, 0, 0, 6, INK_PLAIN, "ABCDEFGH");
	(void)draw_tail(canvas, 1, 0, 6, INK_PLAIN, "ABCDEFGH");
	assert_shows(canvas, "ABC...\n...FGH\n");
}

static void test_wide_characters_are_never_halved(void **state)
{
	struct canvas *canvas = blank(state, 4, 8, true);

	assert_int_equal(text_columns("请a扫"), 5);
	assert_int_equal(draw_text(canvas, 0, 0, 4, INK_PLAIN, "请扫描"), 3);
	assert_int_equal(draw_text(canvas, 1, 7, 4, INK_PLAIN, "请"), 0);
	(void)draw_text(canvas, 2, 0, 8, INK_PLAIN, "请扫描");
	(void)draw_text(canvas, 2, 1, 1, INK_PLAIN, "x"); /* over a right half */
	(void)draw_text(canvas, 2, 4, 1, INK_PLAIN, "y"); /* over a left half */
	assert_int_equal(draw_tail(canvas, 3, 0, 4, INK_PLAIN, "请扫描"), 3);
	assert_shows(canvas, "请…\n\n x扫y\n…描\n");
	assert_int_equal(canvas->cells[0][1].ch, 0);
}

static void test_right_and_center_count_columns(void **state)
{
	struct canvas *canvas = blank(state, 3, 10, true);

	assert_int_equal(draw_right(canvas, 0, 0, 10, INK_PLAIN, "请扫"), 4);
	assert_int_equal(draw_center(canvas, 1, 0, 10, INK_PLAIN, "请扫"), 4);
	assert_int_equal(draw_right(canvas, 2, 0, 3, INK_PLAIN, "12345"), 3);
	assert_shows(canvas, "      请扫\n   请扫\n12…\n");
}

static void test_words_wrap_at_blanks_and_between_wide_characters(void **state)
{
	struct canvas *canvas = blank(state, 4, 12, true);

	assert_int_equal(draw_words(canvas, &(struct area){ 0, 1, 4, 9 }, INK_PLAIN, "Seat  the unit again"),
			 3);
	assert_shows(canvas, " Seat  the\n unit\n again\n\n");
	canvas = blank(state, 4, 12, true);
	assert_int_equal(draw_words(canvas, &(struct area){ 0, 0, 4, 7 }, INK_PLAIN, "请扫描标签。再放"), 3);
	assert_shows(canvas, "请扫描\n标签。\n再放\n\n");
	canvas = blank(state, 3, 12, true); /* the full stop takes a character with it */
	assert_int_equal(draw_words(canvas, &(struct area){ 0, 0, 3, 4 }, INK_PLAIN, "请扫。"), 2);
	assert_shows(canvas, "请\n扫。\n\n");
}

static void test_words_rows_are_those_that_are_drawn(void **state)
{
	static const char *const texts[] = { "", "  ", "Seat  the unit again", "overlongword and more",
					     "请扫描标签。再放" };
	struct canvas *canvas = blank(state, 40, 12, true);

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (int cols = 2; cols <= 12; cols++)
			assert_int_equal(
				words_rows(canvas, cols, texts[i]),
				draw_words(canvas, &(struct area){ 0, 0, 40, cols }, INK_PLAIN, texts[i]));
	assert_int_equal(words_rows(canvas, 0, "text"), 0);
}

static void test_words_that_do_not_fit_end_with_dots(void **state)
{
	struct canvas *canvas = blank(state, 2, 8, true);

	assert_int_equal(draw_words(canvas, &(struct area){ 0, 0, 2, 8 }, INK_PLAIN, "overlongword and more"),
			 2);
	assert_shows(canvas, "overlong\nword an…\n");
	canvas = blank(state, 2, 8, true);
	assert_int_equal(draw_words(canvas, &(struct area){ 0, 0, 2, 1 }, INK_PLAIN, "请扫"), 2);
	assert_shows(canvas, "\n\n");
}

static void test_format_cuts_between_characters(void **state)
{
	struct canvas *canvas = blank(state, 1, 400, true);
	char text[600] = "ab";

	for (size_t i = 2; i < 500; i += 3)
		memcpy(text + i, "请", 3);
	assert_int_equal(draw_format(canvas, 0, 0, 400, INK_PLAIN, "%s", text), 2 + 132 * 2);
	canvas = blank(state, 1, 10, true);
	assert_int_equal(draw_format(canvas, 0, 0, 10, INK_PLAIN, "%u/%u", 2U, 6U), 3);
	assert_shows(canvas, "2/6\n");
}

static void test_bar_shows_its_share(void **state)
{
	struct canvas *canvas = blank(state, 4, 10, true);

	draw_bar(canvas, 0, 0, 10, INK_RUN, 3, 6);
	draw_bar(canvas, 1, 0, 10, INK_RUN, 9, 6);
	draw_bar(canvas, 2, 0, 10, INK_RUN, 99, 100);
	draw_bar(canvas, 3, 0, 10, INK_RUN, 1, 0);
	assert_shows(canvas, "█████░░░░░\n██████████\n█████████░\n░░░░░░░░░░\n");
	canvas = blank(state, 1, 4, false);
	draw_bar(canvas, 0, 0, 4, INK_RUN, 1, 2);
	assert_shows(canvas, "##..\n");
}

static void test_column_shows_its_share_from_below(void **state)
{
	struct canvas *canvas = blank(state, 3, 8, true);

	draw_column(canvas, &(struct area){ 0, 0, 3, 2 }, INK_RUN, 1, 2);
	draw_column(canvas, &(struct area){ 0, 3, 3, 1 }, INK_RUN, 1, 1000);
	draw_column(canvas, &(struct area){ 0, 5, 3, 1 }, INK_RUN, 5, 5);
	draw_column(canvas, &(struct area){ 0, 7, 3, 1 }, INK_RUN, 0, 5);
	assert_shows(canvas, "     █\n▄▄   █\n██ ▁ █\n");
}

static void test_frame_holds_its_title(void **state)
{
	struct canvas *canvas = blank(state, 3, 12, true);

	draw_frame(canvas, &(struct area){ 0, 0, 3, 12 }, INK_PLAIN, "Slot");
	assert_shows(canvas, "┌─ Slot ───┐\n│          │\n└──────────┘\n");
	canvas = blank(state, 3, 12, false);
	draw_frame(canvas, &(struct area){ 0, 0, 3, 12 }, INK_PLAIN, "Slot number");
	assert_shows(canvas, "+- Slo... -+\n|          |\n+----------+\n");
}

static void test_big_letters_fit_or_are_not_drawn(void **state)
{
	struct canvas *canvas = blank(state, 5, 18, false);

	assert_true(draw_big(canvas, &(struct area){ 0, 0, 5, 18 }, INK_FAIL, "FAIL"));
	assert_shows(canvas, "####  ##  ### #\n"
			     "#    #  #  #  #\n"
			     "###  ####  #  #\n"
			     "#    #  #  #  #\n"
			     "#    #  # ### ####\n");
	assert_false(draw_big(canvas, &(struct area){ 0, 0, 5, 17 }, INK_FAIL, "FAIL"));
	assert_false(draw_big(canvas, &(struct area){ 0, 0, 4, 18 }, INK_FAIL, "FAIL"));
	assert_false(draw_big(canvas, &(struct area){ 0, 0, 5, 18 }, INK_FAIL, "失败"));
	assert_false(draw_big(canvas, &(struct area){ 0, 0, 5, 18 }, INK_FAIL, ""));
}

static void test_big_letters_grow_with_their_room(void **state)
{
	struct canvas *canvas = blank(state, 11, 16, false);

	assert_true(draw_big(canvas, &(struct area){ 0, 0, 11, 16 }, INK_PASS, "I1"));
	assert_shows(canvas, " ######    ##\n ######    ##\n"
			     "   ##    ####\n   ##    ####\n"
			     "   ##      ##\n   ##      ##\n"
			     "   ##      ##\n   ##      ##\n"
			     " ######  ######\n ######  ######\n\n");
}

static void draw_all(struct canvas *canvas, const struct area *a)
{
	(void)draw_text(canvas, a->row, a->col, a->cols, INK_PLAIN, "text 请");
	(void)draw_tail(canvas, a->row, a->col, a->cols, INK_PLAIN, "text 请");
	(void)draw_right(canvas, a->row, a->col, a->cols, INK_PLAIN, "text 请");
	(void)draw_center(canvas, a->row, a->col, a->cols, INK_PLAIN, "text 请");
	(void)draw_words(canvas, a, INK_PLAIN, "some words 请扫描 to wrap");
	draw_fill(canvas, a, INK_PASS);
	draw_bar(canvas, a->row, a->col, a->cols, INK_RUN, 1, 3);
	draw_frame(canvas, a, INK_PLAIN, "title");
	draw_column(canvas, a, INK_PLAIN, 1, 3);
	(void)draw_big(canvas, a, INK_PASS, "PASS");
}

static void test_drawing_beyond_the_canvas_is_clipped(void **state)
{
	static const int at[] = { INT_MIN, -7, -1, 0, 1, 9, 10, 39, 40, INT_MAX };
	struct canvas *canvas = blank(state, 10, 40, true);

	for (size_t r = 0; r < ARRAY_LEN(at); r++)
		for (size_t c = 0; c < ARRAY_LEN(at); c++)
			for (size_t n = 0; n < ARRAY_LEN(at); n++)
				draw_all(canvas, &(struct area){ at[r], at[c], at[n], at[9 - n] });
	draw_all(canvas, &(struct area){ -1, -1, INT_MAX, INT_MAX });
	for (int row = 0; row < 12; row++)
		for (int col = 0; col < 50; col++)
			if (row >= 10 || col >= 40)
				assert_int_equal(canvas->cells[row][col].ch, 0);
}

static void test_clear_cuts_to_the_maximum(void **state)
{
	struct canvas *canvas = blank(state, INT_MAX, INT_MAX, true);

	assert_int_equal(canvas->rows, CANVAS_ROWS_MAX);
	assert_int_equal(canvas->cols, CANVAS_COLS_MAX);
	canvas = blank(state, -1, -1, true);
	assert_int_equal(canvas->rows, 0);
	assert_int_equal(canvas->cols, 0);
}

static void test_canvas_text_over_maximum_leaves_the_buffer(void **state)
{
	struct canvas *canvas = blank(state, 3, 8, true);
	BUF_AUTO(text, 12);

	assert_int_equal(buf_append(&text, BYTES_LIT("kept")), 0);
	(void)draw_text(canvas, 0, 0, 8, INK_PLAIN, "ABCDEFGH");
	assert_int_equal(canvas_text(canvas, &text), -1);
	assert_true(bytes_equal(buf_bytes(&text), BYTES_LIT("kept")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text_invalid_utf8_is_question_marks),
		TEST(test_text_control_characters_never_reach_a_cell),
		TEST(test_text_in_ascii_has_plain_forms),
		TEST(test_text_that_does_not_fit_ends_with_dots),
		TEST(test_wide_characters_are_never_halved),
		TEST(test_right_and_center_count_columns),
		TEST(test_words_wrap_at_blanks_and_between_wide_characters),
		TEST(test_words_rows_are_those_that_are_drawn),
		TEST(test_words_that_do_not_fit_end_with_dots),
		TEST(test_format_cuts_between_characters),
		TEST(test_bar_shows_its_share),
		TEST(test_column_shows_its_share_from_below),
		TEST(test_frame_holds_its_title),
		TEST(test_big_letters_fit_or_are_not_drawn),
		TEST(test_big_letters_grow_with_their_room),
		TEST(test_drawing_beyond_the_canvas_is_clipped),
		TEST(test_clear_cuts_to_the_maximum),
		TEST(test_canvas_text_over_maximum_leaves_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
