/*
 * The Unit screen: who the unit is, its certificate in words, and what happened
 * when. A unit that the station refused before it had a job is not in the
 * database; what its tile knows is shown then.
 */
#include "station/screens/list.h"

#define WIDE      76 /* two facts side by side from here on */
#define FACTS     10
#define WORD_ROWS 3 /* certificate and cause */
#define LABEL_GAP 2

struct fact {
	const char *label; /* N_() */
	const char *value;
};

static const struct list_column columns[] = {
	/* TRANSLATORS: at most 14 columns */
	{ N_("Time"), 14, 0 },
	/* TRANSLATORS: at most 16 columns */
	{ N_("What"), 16, 1 },
	/* TRANSLATORS: at most 40 columns */
	{ N_("Log"), 40, 5 },
};

static int fact_rows(int cols)
{
	return cols >= WIDE ? (FACTS + 1) / 2 : FACTS;
}

/* Search line or state, facts, words. */
static int head_rows(int cols)
{
	return 1 + fact_rows(cols) + WORD_ROWS + 1;
}

static int label_columns(const struct ui *ui, const struct fact *facts, size_t n)
{
	int cols = 0;

	for (size_t i = 0; i < n; i++) {
		int need = text_columns(T(ui->language, facts[i].label));

		cols = need > cols ? need : cols;
	}
	return cols + LABEL_GAP;
}

static void draw_facts(const struct ui *ui, struct canvas *canvas, const struct area *area,
		       const struct fact *facts, size_t n)
{
	int label = label_columns(ui, facts, n), rows = fact_rows(area->cols);
	int cols = area->cols >= WIDE ? area->cols / 2 : area->cols;

	for (size_t i = 0; i < n; i++) {
		int row = area->row + (int)i % rows, col = area->col + (int)i / rows * cols;

		(void)draw_text(canvas, row, col, label - 1, INK_DIM, T(ui->language, facts[i].label));
		(void)draw_tail(canvas, row, col + label, cols - label - 1, INK_PLAIN, facts[i].value);
	}
}

static void draw_identity(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_unit *page = &ui->page_unit;
	char started[LIST_TIME_LEN + 1], finished[LIST_TIME_LEN + 1] = "";
	const struct fact facts[FACTS] = {
		/* TRANSLATORS: at most 20 columns */
		{ N_("Serial"), page->serial },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Registration ID"), page->registration_id },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Model"), page->model },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Hardware ID"), page->hwid },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Slot"), page->slot },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Profile"), page->profile },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Identity by"), word_for(ui->language, page->attest) },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Operator"), page->operator_id },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Begun"), started },
		/* TRANSLATORS: at most 20 columns */
		{ N_("Ended"), finished },
	};

	list_time(page->started_ms, started);
	if (page->finished_ms != 0)
		list_time(page->finished_ms, finished);
	draw_facts(ui, canvas, area, facts, FACTS);
}

static void certificate_words(const struct ui *ui, char *out, size_t cap)
{
	const struct page_unit *page = &ui->page_unit;
	char from[11], to[11];

	str_clip(from, sizeof(from), page->cert_not_before);
	str_clip(to, sizeof(to), page->cert_not_after);
	if (str_format(
		    out, cap,
		    T(ui->language, N_("Certificate valid from %s to %s, key %s, issued by %s, serial %s.")),
		    from, to, page->cert_key[0] != '\0' ? page->cert_key : "?", page->cert_issuer,
		    page->cert_serial) < 0)
		str_clip(out, cap, page->cert_serial);
}

static void draw_words_of(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	struct area left = *area;
	char text[400];

	if (ui->page_unit.has_certificate) {
		certificate_words(ui, text, sizeof(text));
		left.rows = ui->page_unit.cause[0] != '\0' ? 2 : WORD_ROWS;
		left.row += draw_words(canvas, &left, INK_PLAIN, text);
	}
	left.rows = area->row + area->rows - left.row;
	if (ui->page_unit.cause[0] != '\0')
		(void)draw_words(canvas, &left, INK_WARN, ui->page_unit.cause);
}

static enum ink ink_of_state(const char *state)
{
	if (strcmp(state, "passed") == 0)
		return INK_PASS;
	return strcmp(state, "failed") == 0 ? INK_FAIL : INK_RUN;
}

static void draw_state(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_unit *page = &ui->page_unit;
	int taken = draw_format(canvas, area->row, area->col, area->cols, ink_of_state(page->state), " %s ",
				word_for(ui->language, page->state)) +
		    1;

	if (page->attempts > 0)
		(void)draw_format(canvas, area->row, area->col + taken, area->cols - taken, INK_PLAIN,
				  T(ui->language, N_("failed attempts: %lld")), (long long)page->attempts);
}

static void draw_entry(const struct list *list, size_t i, const struct page_unit_entry *entry)
{
	const struct language *language = list->ui->language;
	bool failed = strcmp(entry->kind, "unit-failed") == 0;
	enum ink ink = failed ? INK_WARN : INK_PLAIN;
	char at[LIST_TIME_LEN + 1] = "", text[300];

	if (entry->at_ms != 0)
		list_time_short(entry->at_ms, at);
	list_cell(list, i, 0, INK_PLAIN, at);
	list_cell(list, i, 1, ink, word_for(language, entry->kind));
	if (entry->step[0] == '\0' ||
	    str_format(text, sizeof(text), "%s: %s", T(language, step_title(entry->step)), entry->text) < 0)
		str_clip(text, sizeof(text), entry->text);
	list_cell(list, i, 2, ink, text);
}

/* The first row is the journal's: when the unit began. */
static void draw_log(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	char at[LIST_TIME_LEN + 1];
	struct list list;

	list_begin(ui, canvas, area, columns, ARRAY_LEN(columns), ui->page_unit.entries_n + 1, &list);
	list_time_short(ui->page_unit.started_ms, at);
	for (size_t i = list.first; i < list.end; i++) {
		if (i > 0) {
			draw_entry(&list, i, &ui->page_unit.entries[i - 1]);
			continue;
		}
		list_cell(&list, 0, 0, INK_PLAIN, at);
		list_cell(&list, 0, 1, INK_PLAIN, /* TRANSLATORS: at most 16 columns */
			  T(ui->language, N_("begun")));
	}
}

static void draw_found(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const int facts = fact_rows(area->cols), head = head_rows(area->cols);
	const struct area identity = { area->row + 1, area->col, facts, area->cols };
	const struct area words = { area->row + 1 + facts, area->col, WORD_ROWS, area->cols };
	const struct area log = { area->row + head, area->col, area->rows - head, area->cols };

	draw_state(ui, canvas, area);
	draw_identity(ui, canvas, &identity);
	draw_words_of(ui, canvas, &words);
	draw_log(ui, canvas, &log);
}

static const struct tile *tile_of(const struct ui *ui)
{
	for (size_t i = 0; i < ui->view->tiles_n; i++)
		if (strcmp(ui->view->tiles[i].serial, ui->unit) == 0)
			return &ui->view->tiles[i];
	return NULL;
}

static void draw_unknown(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct tile *tile = tile_of(ui);
	struct area words = { area->row + 3, area->col, area->rows - 3, area->cols };

	(void)draw_format(canvas, area->row, area->col, area->cols, INK_BOLD,
			  T(ui->language, N_("Unit %s is not in the station's records.")), ui->unit);
	if (tile == NULL)
		return;
	(void)draw_format(canvas, area->row + 1, area->col, area->cols, INK_PLAIN,
			  T(ui->language, N_("It was last seen on slot %s. Step: %s")), tile->slot,
			  tile->step[0] != '\0' ? T(ui->language, step_title(tile->step)) : "-");
	if (tile->text[0] != '\0')
		(void)draw_words(canvas, &words, INK_WARN, tile->text);
}

static void draw(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct area below = { area->row + 2, area->col, area->rows - 2, area->cols };

	if (search_draw(ui, canvas, area->row, area->col, area->cols, T(ui->language, N_("Serial:"))))
		return;
	if (ui->unit[0] == '\0') {
		(void)draw_text(canvas, area->row, area->col, area->cols, INK_BOLD,
				T(ui->language, N_("No unit is chosen.")));
		(void)draw_words(
			canvas, &below, INK_PLAIN,
			T(ui->language, N_("Press / and scan the unit's label, or type its serial and "
					   "press Enter. Or select a slot on the Line screen and "
					   "press Enter.")));
		return;
	}
	if (page_text_draw(ui, canvas, area))
		return;
	if (ui->page_unit.found)
		draw_found(ui, canvas, area);
	else
		draw_unknown(ui, canvas, area);
}

static void open_unit(struct ui *ui)
{
	if (ui->search[0] != '\0')
		str_clip(ui->unit, sizeof(ui->unit), ui->search);
	ui->search[0] = '\0';
	ui->scroll = 0;
	ui->command = UI_RELOAD;
}

/* A digit opens the search line with itself: serials begin with one more often than not. */
static bool key(struct ui *ui, uint32_t key)
{
	if (!ui->searching && key >= '0' && key <= '9')
		(void)search_key(ui, '/');
	switch (search_key(ui, key)) {
	case SEARCH_NOT_MINE:
		return list_key(ui, key, head_rows(ui->cols), ui->page_unit.entries_n + 1);
	case SEARCH_DONE:
		open_unit(ui);
		return true;
	case SEARCH_TYPED:
	case SEARCH_LEFT:
		break;
	}
	return true;
}

static const char *const help[] = { "/", N_("opens another unit: scan its label or type its serial"),
				    N_("up, down"), N_("scrolls the list"), NULL };

const struct screen_ops screen_unit = { N_("Unit"), 'u', help, draw, key };
