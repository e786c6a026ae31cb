/*
 * The Report screen: one day of the line. Units per hour as columns, the yield,
 * why units failed, and how long each slot takes: what a lead looks at before
 * the hand-over.
 */
#include "station/screens/list.h"

#define HOURS     24
#define HEAD      1 /* the day's sums          */
#define CHART_MIN 4 /* rows of columns at least */
#define LABELS    3 /* rows under the columns: hours, passed, failed */
#define TABLE_MIN 6
#define AXIS_MIN  7
#define AXIS_MAX  12

static const struct list_column cause_columns[] = {
	/* TRANSLATORS: at most 20 columns */
	{ N_("Failed at"), 20, 1 },
	/* TRANSLATORS: at most 13 columns */
	{ N_("Because"), 13, 1 },
	/* TRANSLATORS: at most 5 columns */
	{ N_("Units"), 5, 0 },
};
static const struct list_column slot_columns[] = {
	/* TRANSLATORS: at most 6 columns */
	{ N_("Slot"), 6, 0 },  /* TRANSLATORS: at most 5 columns */
	{ N_("Units"), 5, 0 }, /* TRANSLATORS: at most 7 columns */
	{ N_("Median"), 7, 0 },
	/* TRANSLATORS: at most 7 columns */
	{ N_("Worst"), 7, 0 },
	{ "", 6, 1 },
};

struct sums {
	unsigned passed, failed, busiest; /* units of the busiest hour */
};

static struct sums sums_of(const struct page_report *page)
{
	struct sums sums = { 0, 0, 0 };

	for (size_t i = 0; i < HOURS; i++) {
		unsigned units = page->passed[i] + page->failed[i];

		sums.passed += page->passed[i];
		sums.failed += page->failed[i];
		sums.busiest = units > sums.busiest ? units : sums.busiest;
	}
	return sums;
}

static void draw_sums(const struct ui *ui, struct canvas *canvas, const struct area *area,
		      const struct sums *sums)
{
	unsigned units = sums->passed + sums->failed;
	char day[LIST_TIME_LEN + 1];

	list_time(ui->page_report.day_ms, day);
	day[10] = '\0';
	if (units == 0)
		(void)draw_format(canvas, area->row, area->col, area->cols, INK_BOLD,
				  T(ui->language, N_("%s: no units")), day);
	else
		(void)draw_format(canvas, area->row, area->col, area->cols, INK_BOLD,
				  T(ui->language, N_("%s: %u units, %u passed, %u failed, yield %.1f %%")),
				  day, units, sums->passed, sums->failed, 100.0 * sums->passed / units);
}

/* What an hour without units would show as 0 stays blank: the eye finds the others. */
static void draw_number(struct canvas *canvas, int row, int col, int cols, enum ink ink, unsigned n)
{
	char text[16];

	if (n > 0 && str_format(text, sizeof(text), "%u", n) == 0)
		(void)draw_right(canvas, row, col, cols, ink, text);
}

static void draw_hour(const struct ui *ui, struct canvas *canvas, const struct area *column, size_t hour,
		      const struct sums *sums)
{
	const struct page_report *page = &ui->page_report;
	const struct area bar = { column->row, column->col + 1, column->rows - LABELS, column->cols - 1 };
	int row = column->row + bar.rows;
	char text[8];

	draw_column(canvas, &bar, INK_PLAIN, page->passed[hour] + page->failed[hour], sums->busiest);
	if (str_format(text, sizeof(text), "%02zu", hour) == 0)
		(void)draw_right(canvas, row, column->col, column->cols, INK_DIM, text);
	draw_number(canvas, row + 1, column->col, column->cols, INK_PLAIN, page->passed[hour]);
	draw_number(canvas, row + 2, column->col, column->cols, INK_WARN, page->failed[hour]);
}

static void draw_chart(const struct ui *ui, struct canvas *canvas, const struct area *area,
		       const struct sums *sums)
{
	int left = area->cols - 3 * HOURS; /* three columns hold 999 units */
	int label = left < AXIS_MIN ? 0 : left < AXIS_MAX ? left : AXIS_MAX;
	int cols = (area->cols - label) / HOURS;
	int row = area->row + area->rows - LABELS;

	/* TRANSLATORS: at most 8 columns */
	(void)draw_text(canvas, row, area->col, label, INK_DIM, T(ui->language, N_("Hour")));
	/* TRANSLATORS: at most 8 columns */
	(void)draw_text(canvas, row + 1, area->col, label, INK_DIM, T(ui->language, N_("passed")));
	/* TRANSLATORS: at most 8 columns */
	(void)draw_text(canvas, row + 2, area->col, label, INK_DIM, T(ui->language, N_("failed")));
	for (size_t i = 0; i < HOURS; i++) {
		const struct area column = { area->row, area->col + label + (int)i * cols, area->rows, cols };

		draw_hour(ui, canvas, &column, i, sums);
	}
}

static void draw_causes(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_report *page = &ui->page_report;
	struct list list;

	list_begin(ui, canvas, area, cause_columns, ARRAY_LEN(cause_columns), page->causes_n, &list);
	for (size_t i = list.first; i < list.end; i++) {
		const struct page_report_cause *cause = &page->causes[i];

		list_cell(&list, i, 0, INK_PLAIN, T(ui->language, step_title(cause->step)));
		list_cell(&list, i, 1, INK_PLAIN, word_for(ui->language, cause->class));
		list_number(&list, i, 2, INK_PLAIN, cause->n);
	}
}

static void draw_seconds(const struct list *list, size_t row, size_t column, unsigned ms)
{
	char text[24];

	if (str_format(text, sizeof(text), "%u.%u s", ms / 1000, ms % 1000 / 100) == 0)
		(void)draw_right(list->canvas, list->area.row + 1 + (int)(row - list->first),
				 list->at[column], list->cols[column], INK_PLAIN, text);
}

/* Slots share one scale, the slowest median's: a slot that differs is seen. */
static void draw_slots(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_report *page = &ui->page_report;
	unsigned slowest = 0;
	struct list list;

	for (size_t i = 0; i < page->slots_n; i++)
		slowest = page->slots[i].median_ms > slowest ? page->slots[i].median_ms : slowest;
	list_begin(ui, canvas, area, slot_columns, ARRAY_LEN(slot_columns), page->slots_n, &list);
	for (size_t i = list.first; i < list.end; i++) {
		const struct page_report_slot *slot = &page->slots[i];

		list_cell(&list, i, 0, INK_PLAIN, slot->slot);
		list_number(&list, i, 1, INK_PLAIN, slot->n);
		draw_seconds(&list, i, 2, slot->median_ms);
		draw_seconds(&list, i, 3, slot->worst_ms);
		draw_bar(canvas, area->row + 1 + (int)(i - list.first), list.at[4], list.cols[4], INK_PLAIN,
			 slot->median_ms, slowest);
	}
}

/* A third of the room for the columns, the rest for the tables. */
static int chart_rows(int rows)
{
	int chart = rows / 3;

	if (chart < CHART_MIN + LABELS)
		chart = CHART_MIN + LABELS;
	return rows - HEAD - chart - 1 < TABLE_MIN ? LABELS + 1 : chart;
}

static void draw(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const int chart = chart_rows(area->rows), top = HEAD + chart + 1, left = area->cols * 11 / 20;
	const struct area columns = { area->row + HEAD, area->col, chart, area->cols };
	const struct area causes = { area->row + top, area->col, area->rows - top, left - 2 };
	const struct area slots = { area->row + top, area->col + left, area->rows - top, area->cols - left };
	struct sums sums;

	if (page_text_draw(ui, canvas, area))
		return;
	sums = sums_of(&ui->page_report);
	draw_sums(ui, canvas, area, &sums);
	draw_chart(ui, canvas, &columns, &sums);
	draw_causes(ui, canvas, &causes);
	draw_slots(ui, canvas, &slots);
}

static void turn_day(struct ui *ui, int by)
{
	if (ui->report_days_back + by < 0)
		return;
	ui->report_days_back += by;
	ui->scroll = 0;
	ui->command = UI_RELOAD;
}

/* Both tables scroll together; the longer one says how far. */
static bool key(struct ui *ui, uint32_t key)
{
	const struct page_report *page = &ui->page_report;
	size_t rows_n = page->slots_n > page->causes_n ? page->slots_n : page->causes_n;
	int chart = chart_rows(ui_area(ui->rows, ui->cols).rows);

	switch (key) {
	case INPUT_LEFT:
		turn_day(ui, 1);
		return true;
	case INPUT_RIGHT:
		turn_day(ui, -1);
		return true;
	default:
		return list_key(ui, key, HEAD + chart + 1, rows_n);
	}
}

static const char *const help[] = {
	/* TRANSLATORS: at most 12 columns */
	N_("left, right"), N_("the day before, the day after"), N_("up, down"), N_("scrolls the lists"), NULL,
};

const struct screen_ops screen_report = { N_("Report"), 'r', help, draw, key };
