/*
 * The cells themselves, and what is drawn of lines and blocks. Everything is
 * clipped here, so no caller can leave the canvas, whatever sizes it computes.
 */
#include "station/screens/canvas.h"

#include "station/screens/glyph.h"

#define FULL_BLOCK  0x2588
#define LIGHT_SHADE 0x2591
#define HORIZONTAL  0x2500
#define VERTICAL    0x2502

static int clamp(int n, int max)
{
	return n < 0 ? 0 : n > max ? max : n;
}

void canvas_clear(struct canvas *canvas, int rows, int cols)
{
	canvas->rows = clamp(rows, CANVAS_ROWS_MAX);
	canvas->cols = clamp(cols, CANVAS_COLS_MAX);
	for (int row = 0; row < canvas->rows; row++)
		for (int col = 0; col < canvas->cols; col++)
			canvas->cells[row][col] = (struct cell){ ' ', INK_PLAIN };
}

bool canvas_clip_row(const struct canvas *canvas, int row, int *col, int *cols)
{
	if (row < 0 || row >= canvas->rows || *cols <= 0 || *col >= canvas->cols)
		return false;
	if (*col < 0) {
		*cols += *col;
		*col = 0;
	}
	if (*cols > canvas->cols - *col)
		*cols = canvas->cols - *col;
	return *cols > 0;
}

bool canvas_clip(const struct canvas *canvas, struct area *area)
{
	if (area->rows <= 0 || area->row >= canvas->rows)
		return false;
	if (area->row < 0) {
		area->rows += area->row;
		area->row = 0;
	}
	if (area->rows > canvas->rows - area->row)
		area->rows = canvas->rows - area->row;
	return area->rows > 0 && canvas_clip_row(canvas, area->row, &area->col, &area->cols);
}

/* Half a wide character must not stay behind when its other half goes. */
static void set_cell(struct canvas *canvas, int row, int col, struct cell cell)
{
	struct cell *cells = canvas->cells[row];

	if (cells[col].ch == 0 && col > 0)
		cells[col - 1].ch = ' ';
	if (col + 1 < canvas->cols && cells[col + 1].ch == 0)
		cells[col + 1].ch = ' ';
	cells[col] = cell;
}

void canvas_put(struct canvas *canvas, int row, int col, enum ink ink, const struct glyph *glyph)
{
	if (row < 0 || row >= canvas->rows || col < 0 || col >= canvas->cols ||
	    glyph->cols > canvas->cols - col)
		return;
	for (int i = 0; i < glyph->cols; i++)
		set_cell(canvas, row, col + i, (struct cell){ ' ', (uint8_t)ink });
	for (int i = 0; i < glyph->n; i++)
		canvas->cells[row][col + i].ch = glyph->ch[i];
	if (glyph->n == 1 && glyph->cols == 2)
		canvas->cells[row][col + 1].ch = 0;
}

void canvas_put_drawn(struct canvas *canvas, int row, int col, enum ink ink, uint32_t ch)
{
	struct glyph glyph = { { ch }, 1, 1 };

	if (!canvas->utf8)
		glyph_plain(&glyph);
	glyph.n = glyph.cols = 1;
	canvas_put(canvas, row, col, ink, &glyph);
}

static void draw_line(struct canvas *canvas, int row, int col, int cols, enum ink ink, uint32_t ch)
{
	if (!canvas_clip_row(canvas, row, &col, &cols))
		return;
	for (int i = 0; i < cols; i++)
		canvas_put_drawn(canvas, row, col + i, ink, ch);
}

void draw_fill(struct canvas *canvas, const struct area *area, enum ink ink)
{
	struct area in = *area;

	if (!canvas_clip(canvas, &in))
		return;
	for (int row = 0; row < in.rows; row++)
		draw_line(canvas, in.row + row, in.col, in.cols, ink, ' ');
}

/* part/whole of n, rounded down: full only when it is; more than the whole is the whole. */
static int share(unsigned part, unsigned whole, int n)
{
	if (whole == 0 || n <= 0)
		return 0;
	return part >= whole ? n : (int)((uint64_t)part * (unsigned)n / whole);
}

void draw_bar(struct canvas *canvas, int row, int col, int cols, enum ink ink, unsigned part, unsigned whole)
{
	int done = share(part, whole, cols);

	if (cols <= 0)
		return;
	draw_line(canvas, row, col, done, ink, FULL_BLOCK);
	if (col <= canvas->cols - done)
		draw_line(canvas, row, col + done, cols - done, ink, LIGHT_SHADE);
}

void draw_column(struct canvas *canvas, const struct area *area, enum ink ink, unsigned part, unsigned whole)
{
	struct area in = *area;
	int eighths;

	if (!canvas_clip(canvas, &in))
		return;
	eighths = share(part, whole, in.rows * 8);
	if (eighths == 0 && part > 0 && whole > 0)
		eighths = 1; /* what is not nothing is seen */
	for (int row = in.rows - 1; row >= 0; row--, eighths -= 8) {
		int here = clamp(eighths, 8);

		draw_line(canvas, in.row + row, in.col, in.cols, ink,
			  here == 0 ? ' ' : FULL_BLOCK - 8 + (uint32_t)here);
	}
}

void draw_frame(struct canvas *canvas, const struct area *area, enum ink ink, const char *title)
{
	struct area in = *area;

	if (!canvas_clip(canvas, &in) || in.rows < 2 || in.cols < 2)
		return;
	for (int row = 0; row < in.rows; row++) {
		bool edge = row == 0 || row == in.rows - 1;

		if (edge)
			draw_line(canvas, in.row + row, in.col, in.cols, ink, HORIZONTAL);
		canvas_put_drawn(canvas, in.row + row, in.col, ink,
				 !edge      ? VERTICAL
				 : row == 0 ? 0x250c
					    : 0x2514);
		canvas_put_drawn(canvas, in.row + row, in.col + in.cols - 1, ink,
				 !edge      ? VERTICAL
				 : row == 0 ? 0x2510
					    : 0x2518);
	}
	if (title != NULL && title[0] != '\0' && in.cols > 6) {
		int taken = draw_text(canvas, in.row, in.col + 3, in.cols - 6, ink, title);

		canvas_put_drawn(canvas, in.row, in.col + 2, ink, ' ');
		canvas_put_drawn(canvas, in.row, in.col + 3 + taken, ink, ' ');
	}
}

static int append_utf8(struct buf *text, uint32_t ch)
{
	uint8_t out[4];
	size_t len = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;

	for (size_t i = len; i-- > 1; ch >>= 6)
		out[i] = (uint8_t)(0x80 | (ch & 0x3f));
	out[0] = (uint8_t)(len == 1 ? ch : (0xf0U << (4 - len) & 0xff) | ch);
	return buf_append(text, bytes_of(out, len));
}

static int append_row(struct buf *text, const struct cell *cells, int cols)
{
	while (cols > 0 && cells[cols - 1].ch == ' ')
		cols--;
	for (int col = 0; col < cols; col++)
		if (cells[col].ch != 0 && append_utf8(text, cells[col].ch) < 0)
			return -1;
	return buf_append_u8(text, '\n');
}

int canvas_text(const struct canvas *canvas, struct buf *ret_text)
{
	size_t len = ret_text->len;

	for (int row = 0; row < canvas->rows; row++)
		if (append_row(ret_text, canvas->cells[row], canvas->cols) < 0) {
			ret_text->len = len;
			return -1;
		}
	return 0;
}
