/* The Queue screen: what the service does not have yet, the refused first, and since when. */
#include "station/screens/list.h"

#define HEAD 3

static const struct list_column columns[] = {
	/* TRANSLATORS: at most 22 columns */
	{ N_("Registration ID"), 22, 2 }, /* TRANSLATORS: at most 12 columns */
	{ N_("State"), 12, 0 },           /* TRANSLATORS: at most 6 columns */
	{ N_("Tries"), 6, 0 },            /* TRANSLATORS: at most 7 columns */
	{ N_("Age"), 7, 0 },
	/* TRANSLATORS: at most 29 columns */
	{ N_("Reason"), 29, 3 },
};

static enum ink ink_of(const char *state)
{
	if (strcmp(state, "quarantined") == 0)
		return INK_WARN;
	return INK_PLAIN;
}

/* One unit is enough: "5 min", "3 h". */
static void draw_age(const struct list *list, size_t row, int64_t ms)
{
	const struct language *language = list->ui->language;
	long long s = ms > 0 ? ms / 1000 : 0;
	char text[64];
	int rc;

	if (s < 60)
		rc = str_format(text, sizeof(text), T(language, N_("%lld s")), s);
	else if (s < 3600)
		rc = str_format(text, sizeof(text), T(language, N_("%lld min")), s / 60);
	else if (s < 2 * 86400)
		rc = str_format(text, sizeof(text), T(language, N_("%lld h")), s / 3600);
	else
		rc = str_format(text, sizeof(text), T(language, N_("%lld d")), s / 86400);
	list_cell(list, row, 3, INK_PLAIN, rc == 0 ? text : "");
}

static bool all_is_sent(const struct page_queue *page)
{
	return page->queued + page->sending + page->retry + page->quarantined + page->dropped == 0;
}

/* Of the queued ones those with a carrier are told apart: nothing sends them from here. */
static void draw_waiting(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_queue *page = &ui->page_queue;
	long long carried = page->carried;
	long long waiting = page->queued + page->sending + page->retry - carried;

	if (carried == 0)
		(void)draw_format(canvas, area->row, area->col, area->cols, INK_BOLD,
				  T(ui->language, N_("%lld wait, %lld refused, %lld in the service")),
				  waiting, (long long)page->quarantined, (long long)page->enrolled);
	else
		(void)draw_format(canvas, area->row, area->col, area->cols, INK_BOLD,
				  T(ui->language,
				    N_("%lld wait, %lld with a carrier, %lld refused, %lld in the service")),
				  waiting, carried, (long long)page->quarantined, (long long)page->enrolled);
}

static void draw_counts(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_queue *page = &ui->page_queue;

	if (all_is_sent(page)) {
		(void)draw_format(canvas, area->row, area->col, area->cols, INK_BOLD,
				  T(ui->language, N_("Everything is in the service: %lld records.")),
				  (long long)page->enrolled);
		return;
	}
	draw_waiting(ui, canvas, area);
	if (page->quarantined > 0)
		(void)draw_text(canvas, area->row + 1, area->col, area->cols, INK_WARN,
				T(ui->language, N_("Refused records stay here until the line lead acts. "
						   "Call the line lead.")));
}

static void draw_row(const struct list *list, size_t i)
{
	const struct page_queue_row *row = &list->ui->page_queue.rows[i];
	enum ink ink = ink_of(row->state);

	list_id(list, i, 0, ink, row->registration_id);
	list_cell(list, i, 1, ink, word_for(list->ui->language, row->state));
	list_number(list, i, 2, INK_PLAIN, row->attempts);
	draw_age(list, i, list->ui->wall_ms - row->changed_ms);
	list_cell(list, i, 4, ink, row->reason);
}

static void draw(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct area below = { area->row + HEAD, area->col, area->rows - HEAD, area->cols };
	struct list list;

	if (page_text_draw(ui, canvas, area))
		return;
	draw_counts(ui, canvas, area);
	if (ui->page_queue.rows_n == 0)
		return;
	list_begin(ui, canvas, &below, columns, ARRAY_LEN(columns), ui->page_queue.rows_n, &list);
	for (size_t i = list.first; i < list.end; i++)
		draw_row(&list, i);
}

static bool key(struct ui *ui, uint32_t key)
{
	return list_key(ui, key, HEAD, ui->page_queue.rows_n);
}

static const char *const help[] = { N_("up, down"), N_("scrolls the list"), NULL };

const struct screen_ops screen_queue = { N_("Queue"), 'q', help, draw, key };
