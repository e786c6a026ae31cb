/*
 * The grid is the one in which the tiles are largest: framed before compact,
 * with room for big letters before without, then by the smaller of width and
 * four times height, since a tile is read from left to right.
 */
#include "station/screens/layout.h"

#include "station/screens/input.h"

#define COMPACT_ROWS     2
#define COMPACT_ROWS_MAX 4
#define MESSAGE_ROWS     2 /* rather than a third row in tiles */

static int ceil_div(int a, int b)
{
	return (a + b - 1) / b;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* How good a grid with so many columns is; 0 if it does not do. */
static int score(const struct area *area, int n, int grid_cols)
{
	int grid_rows = ceil_div(n, grid_cols);
	int rows = area->rows / grid_rows, cols = area->cols / grid_cols;
	int size = smaller(cols, 4 * rows);

	if (ceil_div(n, grid_rows) != grid_cols) /* a column would stay empty */
		return 0;
	if (rows >= LAYOUT_BIG_ROWS && cols >= LAYOUT_BIG_COLS)
		return 20000 + size;
	if (rows >= LAYOUT_FRAMED_ROWS)
		return 10000 + size;
	return (area->rows - 1) / grid_rows >= COMPACT_ROWS ? size : 0;
}

static void set_compact(struct layout *layout)
{
	const struct area *area = &layout->area;
	int rows = smaller((area->rows - MESSAGE_ROWS) / layout->grid_rows, COMPACT_ROWS_MAX);
	int used;

	layout->tile_rows = rows < COMPACT_ROWS ? COMPACT_ROWS : rows;
	used = layout->tile_rows * layout->grid_rows;
	layout->message = (struct area){ area->row + used, area->col, area->rows - used, area->cols };
}

bool layout_init(struct layout *layout, const struct area *area, size_t n)
{
	int best = 0;

	if (n == 0 || n > INT16_MAX)
		return false;
	*layout = (struct layout){ .area = *area, .n = n };
	for (int cols = 1; cols <= (int)n && cols <= area->cols / LAYOUT_TILE_COLS; cols++) {
		int this = score(area, (int)n, cols);

		if (this > best) {
			best = this;
			layout->grid_cols = cols;
			layout->grid_rows = ceil_div((int)n, cols);
		}
	}
	if (best == 0)
		return false;
	layout->framed = area->rows / layout->grid_rows >= LAYOUT_FRAMED_ROWS;
	if (!layout->framed)
		set_compact(layout);
	return true;
}

struct area layout_tile(const struct layout *layout, size_t i)
{
	const struct area *area = &layout->area;
	int row = (int)i / layout->grid_cols, col = (int)i % layout->grid_cols;
	int left = area->cols * col / layout->grid_cols;
	int right = area->cols * (col + 1) / layout->grid_cols;
	int top = layout->tile_rows * row, bottom = layout->tile_rows * (row + 1);

	if (layout->framed) {
		top = area->rows * row / layout->grid_rows;
		bottom = area->rows * (row + 1) / layout->grid_rows;
	}
	return (struct area){ area->row + top, area->col + left, bottom - top, right - left };
}

size_t layout_move(const struct layout *layout, size_t from, uint32_t key)
{
	size_t cols = (size_t)layout->grid_cols, last = layout->n - 1;

	if (from > last)
		return 0;
	switch (key) {
	case INPUT_LEFT:
		return from > 0 ? from - 1 : from;
	case INPUT_RIGHT:
		return from < last ? from + 1 : from;
	case INPUT_UP:
		return from >= cols ? from - cols : from;
	case INPUT_DOWN:
		if (from / cols == last / cols)
			return from;
		return from + cols < last ? from + cols : last;
	case INPUT_HOME:
		return 0;
	case INPUT_END:
		return last;
	default:
		return from;
	}
}
