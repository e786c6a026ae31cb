/* The HSM screen: whether the token answers, and whether every key of the configuration is in it. */
#include "station/screens/list.h"

#define HEAD 4

static const struct list_column columns[] = {
	/* TRANSLATORS: at most 18 columns */
	{ N_("Key for"), 18, 1 },
	/* TRANSLATORS: at most 12 columns */
	{ N_("In the token"), 12, 0 },
	/* TRANSLATORS: at most 30 columns */
	{ N_("Object"), 30, 2 },
};

static const char *key_words(const struct language *language, const char *what)
{
	static const char *const words[][2] = {
		{ "issuing-key", N_("certificates") },
		{ "audit-key", N_("the log") },
		{ "service-key", N_("the service") },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(what, words[i][0]) == 0)
			return T(language, words[i][1]);
	return what;
}

static void draw_token(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_hsm *page = &ui->page_hsm;
	int taken =
		draw_format(canvas, area->row, area->col, area->cols, page->ok ? INK_PASS : INK_FAIL, " %s ",
			    page->ok ? T(ui->language, N_("The token answers"))
				     : T(ui->language, N_("The token does not answer"))) +
		1;

	(void)draw_text(canvas, area->row, area->col + taken, area->cols - taken, INK_BOLD, page->label);
	if (page->serial[0] != '\0')
		(void)draw_format(canvas, area->row + 1, area->col, area->cols, INK_PLAIN,
				  T(ui->language, N_("%s %s, serial %s")), page->manufacturer, page->model,
				  page->serial);
}

static bool all_found(const struct page_hsm *page)
{
	for (size_t i = 0; i < page->keys_n; i++)
		if (!page->keys[i].found)
			return false;
	return true;
}

/* What to do; nothing when all is well. */
static void draw_advice(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_hsm *page = &ui->page_hsm;
	struct area why = { area->row + 3, area->col, area->rows - 3, area->cols };

	if (page->ok && all_found(page))
		return;
	if (page->ok) {
		(void)draw_text(canvas, area->row + 2, area->col, area->cols, INK_WARN,
				T(ui->language, N_("A key is missing. Call the security officer: station hsm "
						   "import brings it in.")));
		return;
	}
	(void)draw_text(
		canvas, area->row + 2, area->col, area->cols, INK_WARN,
		T(ui->language, N_("Check that the token is plugged in. The station finds it again by "
				   "itself.")));
	(void)draw_words(canvas, &why, INK_PLAIN, page->text);
}

static void draw_keys(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct page_hsm *page = &ui->page_hsm;
	struct list list;

	list_begin(ui, canvas, area, columns, ARRAY_LEN(columns), page->keys_n, &list);
	for (size_t i = list.first; i < list.end; i++) {
		const struct page_hsm_key *key = &page->keys[i];

		list_cell(&list, i, 0, INK_PLAIN, key_words(ui->language, key->what));
		list_cell(&list, i, 1, key->found ? INK_PLAIN : INK_FAIL,
			  key->found ? T(ui->language, N_("found")) : T(ui->language, N_("MISSING")));
		list_cell(&list, i, 2, INK_DIM, key->object);
	}
}

static void draw(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct area below = { area->row + HEAD, area->col, area->rows - HEAD, area->cols };

	if (page_text_draw(ui, canvas, area))
		return;
	draw_token(ui, canvas, area);
	draw_advice(ui, canvas, area);
	if (ui->page_hsm.ok)
		draw_keys(ui, canvas, &below);
}

static bool key(struct ui *ui, uint32_t key)
{
	return list_key(ui, key, HEAD, ui->page_hsm.keys_n);
}

static const char *const help[] = { N_("up, down"), N_("scrolls the list"), NULL };

const struct screen_ops screen_hsm = { N_("HSM"), 'h', help, draw, key };
