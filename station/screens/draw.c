/*
 * Texts on the canvas. A text is measured in what it takes there (a wide
 * character two cells, an ellipsis three in ASCII), never in bytes.
 */
#include <stdarg.h>

#include "station/screens/canvas.h"
#include "station/screens/glyph.h"

#define ELLIPSIS "\u2026"

int text_columns(const char *text)
{
	struct glyph glyph;
	int cols = 0;

	while (glyph_take(&text, &glyph))
		cols += glyph.cols;
	return cols;
}

static int columns_on(const struct canvas *canvas, const char *text)
{
	struct glyph glyph;
	int cols = 0;

	while (glyph_take_for(canvas, &text, &glyph))
		cols += glyph.cols;
	return cols;
}

/* Draws from text to end (NULL: its end) while glyphs fit whole; returns the columns taken. */
static int put_span(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text,
		    const char *end)
{
	struct glyph glyph;
	int taken = 0;

	while ((end == NULL || text < end) && glyph_take_for(canvas, &text, &glyph)) {
		if (glyph.cols > cols - taken)
			break;
		canvas_put(canvas, row, col + taken, ink, &glyph);
		taken += glyph.cols;
	}
	return taken;
}

int draw_text(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text)
{
	int dots = columns_on(canvas, ELLIPSIS);
	int taken;

	if (!canvas_clip_row(canvas, row, &col, &cols))
		return 0;
	if (columns_on(canvas, text) <= cols || cols <= dots)
		return put_span(canvas, row, col, cols, ink, text, NULL);
	taken = put_span(canvas, row, col, cols - dots, ink, text, NULL);
	return taken + put_span(canvas, row, col + taken, dots, ink, ELLIPSIS, NULL);
}

int draw_tail(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text)
{
	int dots = columns_on(canvas, ELLIPSIS);
	int over, taken;

	if (!canvas_clip_row(canvas, row, &col, &cols))
		return 0;
	over = columns_on(canvas, text) - cols;
	if (over <= 0 || cols <= dots)
		return put_span(canvas, row, col, cols, ink, text, NULL);
	over += dots;
	for (struct glyph glyph; over > 0 && glyph_take_for(canvas, &text, &glyph);)
		over -= glyph.cols;
	taken = put_span(canvas, row, col, dots, ink, ELLIPSIS, NULL);
	return taken + put_span(canvas, row, col + taken, cols - taken, ink, text, NULL);
}

int draw_right(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text)
{
	int need;

	if (!canvas_clip_row(canvas, row, &col, &cols))
		return 0;
	need = columns_on(canvas, text);
	return draw_text(canvas, row, need < cols ? col + cols - need : col, cols, ink, text);
}

int draw_center(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text)
{
	int need;

	if (!canvas_clip_row(canvas, row, &col, &cols))
		return 0;
	need = columns_on(canvas, text);
	return need < cols ? draw_text(canvas, row, col + (cols - need) / 2, need, ink, text)
			   : draw_text(canvas, row, col, cols, ink, text);
}

/* A cut through the bytes of a character would show as '?'. */
static void drop_half_character(char *text, size_t len)
{
	size_t start = len;

	while (start > 0 && len - start < 3 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (uint8_t)text[start - 1] >= 0xc0) {
		uint8_t first = (uint8_t)text[start - 1];
		size_t need = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

		if (len - start + 1 < need)
			text[start - 1] = '\0';
	}
}

int draw_format(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *fmt, ...)
{
	char text[401];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len < 0)
		return 0;
	if ((size_t)len >= sizeof(text))
		drop_half_character(text, sizeof(text) - 1);
	return draw_text(canvas, row, col, cols, ink, text);
}

/* Chinese puts these never at the beginning of a line. */
static bool closes(uint32_t ch)
{
	static const uint32_t marks[] = { 0x3001, 0x3002, 0xff0c, 0xff0e, 0xff1a, 0xff1b, 0xff01, 0xff1f,
					  0xff09, 0x3011, 0x300d, 0x300f, 0x300b, 0x201d, 0x2019 };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (marks[i] == ch)
			return true;
	return false;
}

static const char *skip_blanks(const char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

/*
 * Where the line that begins at text ends: at the last blank, or between wide characters, before
 * cols are full; in the middle of a word that is longer than a line. At least one character.
 */
static const char *line_end(const struct canvas *canvas, const char *text, int cols)
{
	const char *at = text, *brk = NULL;
	struct glyph glyph = { { 0 }, 0, 0 };
	int taken = 0;

	for (;;) {
		const char *next = at;
		bool wide = glyph.cols == 2 && glyph.n == 1;

		if (!glyph_take_for(canvas, &next, &glyph))
			return at;
		if (at > text &&
		    (*at == ' ' || ((wide || (glyph.cols == 2 && glyph.n == 1)) && !closes(glyph.ch[0]))))
			brk = at;
		if (glyph.cols > cols - taken && *at != ' ')
			return brk != NULL ? brk : at > text ? at : next;
		taken += glyph.cols;
		at = next;
	}
}

int draw_words(struct canvas *canvas, const struct area *area, enum ink ink, const char *text)
{
	struct area in = *area;
	int row = 0;

	if (!canvas_clip(canvas, &in))
		return 0;
	for (text = skip_blanks(text); *text != '\0' && row < in.rows - 1; row++) {
		const char *end = line_end(canvas, text, in.cols);

		(void)put_span(canvas, in.row + row, in.col, in.cols, ink, text, end);
		text = skip_blanks(end);
	}
	if (*text == '\0')
		return row;
	(void)draw_text(canvas, in.row + row, in.col, in.cols, ink, text);
	return row + 1;
}

int words_rows(const struct canvas *canvas, int cols, const char *text)
{
	int rows = 0;

	if (cols <= 0)
		return 0;
	for (text = skip_blanks(text); *text != '\0'; rows++)
		text = skip_blanks(line_end(canvas, text, cols));
	return rows;
}
