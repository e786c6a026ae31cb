/*
 * Tables that scroll. Columns have a least width and a share of what is left,
 * so the same table fits 80 columns and uses 200; everything is measured in
 * columns of the terminal, never in bytes.
 */
#include "station/screens/list.h"

#include "base/deadline.h"

#define GAP 1

static void lay_out(struct list *list, const struct list_column *columns)
{
	int left = list->area.cols, shares = 0, at = list->area.col;

	for (size_t i = 0; i < list->columns_n; i++) {
		left -= columns[i].cols + GAP;
		shares += columns[i].share;
	}
	left += GAP;
	for (size_t i = 0; i < list->columns_n; i++) {
		int more = left > 0 && shares > 0 ? left * columns[i].share / shares : 0;

		list->at[i] = at;
		list->cols[i] = columns[i].cols + more;
		at += list->cols[i] + GAP;
	}
}

/* Under the heading; one row fewer when the list is longer than that, to say where it stands. */
static size_t visible_rows(int rows, size_t rows_n)
{
	size_t visible = rows > 1 ? (size_t)rows - 1 : 0;

	return rows_n > visible && visible > 0 ? visible - 1 : visible;
}

static void draw_position(const struct list *list, size_t rows_n)
{
	int row = list->area.row + list->area.rows - 1;

	(void)draw_format(list->canvas, row, list->area.col, list->area.cols, INK_DIM,
			  T(list->ui->language, N_("Rows %zu to %zu of %zu")), list->first + 1, list->end,
			  rows_n);
}

void list_begin(const struct ui *ui, struct canvas *canvas, const struct area *area,
		const struct list_column *columns, size_t columns_n, size_t rows_n, struct list *ret_list)
{
	struct list list = { .ui = ui, .canvas = canvas, .area = *area, .columns_n = columns_n };
	size_t visible = visible_rows(area->rows, rows_n);
	size_t last = rows_n > visible ? rows_n - visible : 0;

	base_assert(columns_n <= LIST_COLUMNS_MAX);
	lay_out(&list, columns);
	list.first = ui->scroll < last ? ui->scroll : last;
	list.end = list.first + visible < rows_n ? list.first + visible : rows_n;
	*ret_list = list;
	if (area->rows < 1)
		return;
	for (size_t i = 0; i < columns_n; i++)
		(void)draw_text(canvas, area->row, list.at[i], list.cols[i], INK_BOLD,
				T(ui->language, columns[i].title));
	if (rows_n > visible)
		draw_position(&list, rows_n);
}

static int row_of(const struct list *list, size_t row)
{
	return list->area.row + 1 + (int)(row - list->first);
}

void list_cell(const struct list *list, size_t row, size_t column, enum ink ink, const char *text)
{
	(void)draw_text(list->canvas, row_of(list, row), list->at[column], list->cols[column], ink, text);
}

void list_id(const struct list *list, size_t row, size_t column, enum ink ink, const char *text)
{
	(void)draw_tail(list->canvas, row_of(list, row), list->at[column], list->cols[column], ink, text);
}

void list_number(const struct list *list, size_t row, size_t column, enum ink ink, int64_t number)
{
	char text[24];

	if (str_format(text, sizeof(text), "%lld", (long long)number) == 0)
		(void)draw_right(list->canvas, row_of(list, row), list->at[column], list->cols[column], ink,
				 text);
}

bool list_key(struct ui *ui, uint32_t key, int head, size_t rows_n)
{
	size_t visible = visible_rows(ui_area(ui->rows, ui->cols).rows - head, rows_n);
	long by;

	switch (key) {
	case INPUT_UP:
		by = -1;
		break;
	case INPUT_DOWN:
		by = 1;
		break;
	case INPUT_PAGE_UP:
		by = -(long)visible;
		break;
	case INPUT_PAGE_DOWN:
		by = (long)visible;
		break;
	case INPUT_HOME:
		by = -(long)rows_n;
		break;
	case INPUT_END:
		by = (long)rows_n;
		break;
	default:
		return false;
	}
	ui_scroll_by(ui, by, rows_n, visible);
	return true;
}

void list_time(int64_t wall_ms, char out[LIST_TIME_LEN + 1])
{
	clock_local(wall_ms, out);
}

void list_time_short(int64_t wall_ms, char out[LIST_TIME_LEN + 1])
{
	char whole[LIST_TIME_LEN + 1];

	list_time(wall_ms, whole);
	str_clip(out, LIST_TIME_LEN + 1, whole + 5);
}

static void type_character(struct ui *ui, uint32_t key)
{
	size_t n = strlen(ui->search);

	if (key == INPUT_BACKSPACE && n > 0)
		ui->search[n - 1] = '\0';
	if (key >= 0x20 && key < 0x7f && n < UI_SEARCH_MAX) {
		ui->search[n] = (char)key;
		ui->search[n + 1] = '\0';
	}
}

enum search search_key(struct ui *ui, uint32_t key)
{
	if (!ui->searching) {
		if (key != '/')
			return SEARCH_NOT_MINE;
		ui->searching = true;
		ui->search[0] = '\0';
		return SEARCH_TYPED;
	}
	switch (key) {
	case INPUT_ENTER:
		ui->searching = false;
		return SEARCH_DONE;
	case INPUT_ESCAPE:
		ui->searching = false;
		ui->search[0] = '\0';
		return SEARCH_LEFT;
	default:
		if (key != INPUT_BACKSPACE && (key < 0x20 || key >= 0x7f))
			return SEARCH_NOT_MINE;
		type_character(ui, key);
		return SEARCH_TYPED;
	}
}

bool search_draw(const struct ui *ui, struct canvas *canvas, int row, int col, int cols, const char *label)
{
	int taken;

	if (!ui->searching && ui->search[0] == '\0')
		return false;
	taken = draw_text(canvas, row, col, cols, INK_BOLD, label) + 1;
	taken += draw_tail(canvas, row, col + taken, cols - taken - 1, INK_PLAIN, ui->search);
	if (ui->searching)
		(void)draw_text(canvas, row, col + taken, 1, INK_SELECTED, "_");
	return true;
}

bool page_text_draw(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct area below = { area->row + 1, area->col, area->rows - 1, area->cols };

	if (ui->page_text[0] == '\0')
		return false;
	(void)draw_text(canvas, area->row, area->col, area->cols, INK_FAIL,
			T(ui->language, N_("This page can't be shown:")));
	(void)draw_words(canvas, &below, INK_PLAIN, ui->page_text);
	return true;
}
