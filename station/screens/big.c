/*
 * Letters five rows high and multiples of it: PASS and FAIL are read from two
 * metres. A bit per cell, so they look the same in every font.
 */
#include "base/err.h"
#include "station/screens/canvas.h"
#include "station/screens/glyph.h"

#define BIG_ROWS   5
#define FULL_BLOCK 0x2588

/* The rows from above, each of cols bits, the left one highest. */
static const struct letter {
	char ch;
	int cols;
	uint8_t rows[BIG_ROWS];
} alphabet[] = {
	{ ' ', 2, { 0x00, 0x00, 0x00, 0x00, 0x00 } }, { '0', 4, { 0x06, 0x09, 0x09, 0x09, 0x06 } },
	{ '1', 3, { 0x02, 0x06, 0x02, 0x02, 0x07 } }, { '2', 4, { 0x0e, 0x01, 0x06, 0x08, 0x0f } },
	{ '3', 4, { 0x0e, 0x01, 0x06, 0x01, 0x0e } }, { '4', 4, { 0x09, 0x09, 0x0f, 0x01, 0x01 } },
	{ '5', 4, { 0x0f, 0x08, 0x0e, 0x01, 0x0e } }, { '6', 4, { 0x06, 0x08, 0x0e, 0x09, 0x06 } },
	{ '7', 4, { 0x0f, 0x01, 0x02, 0x04, 0x04 } }, { '8', 4, { 0x06, 0x09, 0x06, 0x09, 0x06 } },
	{ '9', 4, { 0x06, 0x09, 0x07, 0x01, 0x06 } }, { 'A', 4, { 0x06, 0x09, 0x0f, 0x09, 0x09 } },
	{ 'B', 4, { 0x0e, 0x09, 0x0e, 0x09, 0x0e } }, { 'C', 4, { 0x07, 0x08, 0x08, 0x08, 0x07 } },
	{ 'D', 4, { 0x0e, 0x09, 0x09, 0x09, 0x0e } }, { 'E', 4, { 0x0f, 0x08, 0x0e, 0x08, 0x0f } },
	{ 'F', 4, { 0x0f, 0x08, 0x0e, 0x08, 0x08 } }, { 'G', 4, { 0x07, 0x08, 0x0b, 0x09, 0x07 } },
	{ 'H', 4, { 0x09, 0x09, 0x0f, 0x09, 0x09 } }, { 'I', 3, { 0x07, 0x02, 0x02, 0x02, 0x07 } },
	{ 'J', 4, { 0x03, 0x01, 0x01, 0x09, 0x06 } }, { 'K', 4, { 0x09, 0x0a, 0x0c, 0x0a, 0x09 } },
	{ 'L', 4, { 0x08, 0x08, 0x08, 0x08, 0x0f } }, { 'M', 5, { 0x11, 0x1b, 0x15, 0x11, 0x11 } },
	{ 'N', 5, { 0x11, 0x19, 0x15, 0x13, 0x11 } }, { 'O', 4, { 0x06, 0x09, 0x09, 0x09, 0x06 } },
	{ 'P', 4, { 0x0e, 0x09, 0x0e, 0x08, 0x08 } }, { 'Q', 4, { 0x06, 0x09, 0x09, 0x0a, 0x05 } },
	{ 'R', 4, { 0x0e, 0x09, 0x0e, 0x0a, 0x09 } }, { 'S', 4, { 0x07, 0x08, 0x06, 0x01, 0x0e } },
	{ 'T', 5, { 0x1f, 0x04, 0x04, 0x04, 0x04 } }, { 'U', 4, { 0x09, 0x09, 0x09, 0x09, 0x06 } },
	{ 'V', 5, { 0x11, 0x11, 0x11, 0x0a, 0x04 } }, { 'W', 5, { 0x11, 0x11, 0x15, 0x1b, 0x11 } },
	{ 'X', 5, { 0x11, 0x0a, 0x04, 0x0a, 0x11 } }, { 'Y', 5, { 0x11, 0x0a, 0x04, 0x04, 0x04 } },
	{ 'Z', 4, { 0x0f, 0x01, 0x06, 0x08, 0x0f } },
};

static const struct letter *find(char ch)
{
	for (size_t i = 0; i < ARRAY_LEN(alphabet); i++)
		if (alphabet[i].ch == ch)
			return &alphabet[i];
	return NULL;
}

/* Columns with a blank one between letters; 0 if a letter is not in the alphabet, or there is none. */
static int big_columns(const char *letters)
{
	int cols = 0;

	for (const char *ch = letters; *ch != '\0'; ch++) {
		const struct letter *letter = find(*ch);

		if (letter == NULL || cols > CANVAS_COLS_MAX)
			return 0;
		cols += letter->cols + (ch > letters);
	}
	return cols;
}

static void draw_letter(struct canvas *canvas, const struct area *area, enum ink ink,
			const struct letter *letter)
{
	int scale = area->rows / BIG_ROWS;

	for (int y = 0; y < area->rows; y++)
		for (int x = 0; x < area->cols; x++)
			if ((letter->rows[y / scale] >> (letter->cols - 1 - x / scale) & 1) != 0)
				canvas_put_drawn(canvas, area->row + y, area->col + x, ink, FULL_BLOCK);
}

bool draw_big(struct canvas *canvas, const struct area *area, enum ink ink, const char *letters)
{
	struct area in = *area, at;
	int cols = big_columns(letters), scale;

	if (cols == 0 || !canvas_clip(canvas, &in) || in.rows < BIG_ROWS || in.cols < cols)
		return false;
	scale = in.rows / BIG_ROWS < in.cols / cols ? in.rows / BIG_ROWS : in.cols / cols;
	at.rows = BIG_ROWS * scale;
	at.row = in.row + (in.rows - at.rows) / 2;
	at.col = in.col + (in.cols - cols * scale) / 2;
	for (; *letters != '\0'; letters++) {
		const struct letter *letter = find(*letters);

		base_assert(letter != NULL); /* big_columns found them all */
		at.cols = letter->cols * scale;
		draw_letter(canvas, &at, ink, letter);
		at.col += at.cols + scale;
	}
	return true;
}
