/* The Audit screen: the log, newest first, and a search through its end. */
#include "station/screens/list.h"

#define HEAD 3

static const struct list_column columns[] = {
	/* TRANSLATORS: at most 8 columns */
	{ N_("Index"), 8, 0 }, /* TRANSLATORS: at most 14 columns */
	{ N_("Time"), 14, 0 }, /* TRANSLATORS: at most 13 columns */
	{ N_("Event"), 13, 0 },
	/* TRANSLATORS: at most 13 columns */
	{ N_("Unit"), 13, 2 },    /* TRANSLATORS: at most 8 columns */
	{ N_("Operator"), 8, 1 }, /* TRANSLATORS: at most 19 columns */
	{ N_("Text"), 19, 5 },
};

static void draw_head(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_audit *page = &ui->page_audit;
	int taken = draw_format(canvas, area->row, area->col, area->cols, INK_BOLD,
				T(ui->language, N_("%lld entries, root")), (long long)page->size) +
		    1;

	(void)draw_text(canvas, area->row, area->col + taken, area->cols - taken, INK_DIM, page->root);
	if (!search_draw(ui, canvas, area->row + 1, area->col, area->cols, T(ui->language, N_("Search:"))))
		(void)draw_text(canvas, area->row + 1, area->col, area->cols, INK_DIM,
				T(ui->language, N_("/ searches: a serial, an operator, any text")));
	else if (page->more)
		(void)draw_format(canvas, area->row + 2, area->col, area->cols, INK_WARN,
				  T(ui->language, N_("Only the newest %d entries were searched.")),
				  AUDIT_SEARCH_MAX);
	else if (page->rows_n == 0)
		(void)draw_text(canvas, area->row + 2, area->col, area->cols, INK_WARN,
				T(ui->language, N_("No entry holds this.")));
}

static enum ink ink_of(const char *kind)
{
	if (strcmp(kind, "unit-failed") == 0 || strcmp(kind, "malformed") == 0)
		return INK_WARN;
	return INK_PLAIN;
}

static void draw_row(const struct list *list, size_t i)
{
	const struct page_audit_row *row = &list->ui->page_audit.rows[i];
	enum ink ink = ink_of(row->kind);
	char at[LIST_TIME_LEN + 1] = "";

	if (row->at_ms != 0)
		list_time_short(row->at_ms, at);
	list_number(list, i, 0, INK_DIM, row->index);
	list_cell(list, i, 1, INK_PLAIN, at);
	list_cell(list, i, 2, ink, word_for(list->ui->language, row->kind));
	list_id(list, i, 3, INK_PLAIN, row->unit);
	list_cell(list, i, 4, INK_PLAIN, row->operator_id);
	list_cell(list, i, 5, ink, row->text);
}

static void draw(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct area below = { area->row + HEAD, area->col, area->rows - HEAD, area->cols };
	struct list list;

	if (page_text_draw(ui, canvas, area))
		return;
	draw_head(ui, canvas, area);
	list_begin(ui, canvas, &below, columns, ARRAY_LEN(columns), ui->page_audit.rows_n, &list);
	for (size_t i = list.first; i < list.end; i++)
		draw_row(&list, i);
}

/* The page follows what is typed; a new search begins at the newest entry again. */
static bool key(struct ui *ui, uint32_t key)
{
	switch (search_key(ui, key)) {
	case SEARCH_NOT_MINE:
		return list_key(ui, key, HEAD, ui->page_audit.rows_n);
	case SEARCH_TYPED:
	case SEARCH_LEFT:
		ui->scroll = 0;
		ui->command = UI_RELOAD;
		return true;
	case SEARCH_DONE:
		break;
	}
	return true;
}

static const char *const help[] = {
	/* TRANSLATORS: at most 12 columns */
	N_("up, down"), N_("scrolls the list"), "/", N_("searches; Enter ends it"), NULL,
};

const struct screen_ops screen_audit = { N_("Audit"), 'a', help, draw, key };
