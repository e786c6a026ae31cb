/*
 * Texts on a canvas: the first three bytes choose place and width, the rest is the text. Whatever
 * it is, each cell holds one printable character, or the right half of a wide one.
 */
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>

#include "station/screens/canvas.h"

#define ROWS 12
#define COLS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void draw_all(struct canvas *canvas, const uint8_t *at, const char *text)
{
	struct area area = { (at[0] & 31) - 8, (at[1] & 63) - 12, 1 + (at[0] >> 5), at[2] };

	(void)draw_text(canvas, area.row, area.col, area.cols, INK_PLAIN, text);
	(void)draw_tail(canvas, area.row + 1, area.col, area.cols, INK_PLAIN, text);
	(void)draw_right(canvas, area.row + 2, area.col, area.cols, INK_PLAIN, text);
	(void)draw_center(canvas, area.row + 3, area.col, area.cols, INK_PLAIN, text);
	(void)draw_format(canvas, area.row + 4, area.col, area.cols, INK_PLAIN, "%s", text);
	(void)draw_words(canvas, &area, INK_PLAIN, text);
	draw_frame(canvas, &area, INK_PLAIN, text);
	(void)draw_big(canvas, &area, INK_PLAIN, text);
}

/* A control character prints nothing of itself; a terminal would act on it. */
static void check_cells(const struct canvas *canvas)
{
	for (int row = 0; row < ROWS; row++)
		for (int col = 0; col < COLS; col++) {
			uint32_t ch = canvas->cells[row][col].ch;
			int width = ch == 0 ? 0 : wcwidth((wchar_t)ch);
			bool half = col + 1 < COLS && canvas->cells[row][col + 1].ch == 0;

			if (ch == 0 ? col == 0 || wcwidth((wchar_t)canvas->cells[row][col - 1].ch) != 2
				    : width < 1 || (width == 2) != half)
				abort();
			if (ch != 0 &&
			    (ch < 0x20 || (ch >= 0x7f && ch < 0xa0) || (!canvas->utf8 && ch > 0x7e)))
				abort();
			if ((ch >= 0x200b && ch <= 0x200f) || (ch >= 0x202a && ch <= 0x202e) ||
			    (ch >= 0x2066 && ch <= 0x2069) || ch == 0xfeff)
				abort();
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct canvas *canvas;
	char text[300];

	if (size < 3 || size - 3 >= sizeof(text) || setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 0;
	canvas = calloc(1, sizeof(*canvas));
	if (canvas == NULL)
		return 0;
	memcpy(text, data + 3, size - 3);
	text[size - 3] = '\0';
	for (int pass = 0; pass < 2; pass++) {
		canvas->utf8 = pass == 0;
		canvas_clear(canvas, ROWS, COLS);
		draw_all(canvas, data, text);
		check_cells(canvas);
	}
	free(canvas);
	return 0;
}
