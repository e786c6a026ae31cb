/*
 * The line: a tile per slot. Compact tiles have no room for a sentence, so the
 * one that a person needs most stands below them: of the tile that the arrows
 * are on, else of the last one that failed.
 */
#include "station/screens/layout.h"
#include "station/screens/tile.h"

static bool has_sentence(const struct tile *tile)
{
	return tile->state == TILE_FAIL || tile->state == TILE_PORT || tile->state == TILE_WAITING;
}

static const struct tile *newest_fail(const struct view *view)
{
	const struct tile *newest = NULL;

	for (size_t i = 0; i < view->tiles_n; i++) {
		const struct tile *tile = &view->tiles[i];

		if (tile->state == TILE_FAIL &&
		    (newest == NULL || tile->flash_until_ms > newest->flash_until_ms))
			newest = tile;
	}
	return newest;
}

static const struct tile *tile_to_explain(const struct ui *ui)
{
	const struct view *view = ui->view;

	if (ui->selected < view->tiles_n && has_sentence(&view->tiles[ui->selected]))
		return &view->tiles[ui->selected];
	return newest_fail(view);
}

/* "3  SN-0042: What happened. What to do." */
static void sentence(const struct ui *ui, const struct tile *tile, char *out, size_t cap)
{
	struct advice advice = tile->state == TILE_PORT ? advice_for("seat", ERR_OPERATOR)
							: advice_for(tile->step, tile->class);
	const char *gap = tile->serial[0] != '\0' ? "  " : "";
	int cut;

	if (tile->state == TILE_WAITING)
		cut = str_format(out, cap, "%s%s%s: %s", tile->slot, gap, tile->serial,
				 T(ui->language, advice_wait(tile->wait)));
	else
		cut = str_format(out, cap, "%s%s%s: %s %s", tile->slot, gap, tile->serial,
				 T(ui->language, advice.what), T(ui->language, advice.todo));
	if (cut < 0)
		out[0] = '\0';
}

/* At the bottom, with the English text below if there is room. */
static void draw_message(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct tile *tile = tile_to_explain(ui);
	struct area rest = { area->row, area->col + 1, area->rows, area->cols - 2 };
	char text[600];
	int taken;

	if (tile == NULL)
		return;
	sentence(ui, tile, text, sizeof(text));
	if (rest.rows > 1) {
		rest.row++;
		rest.rows--;
	}
	taken = draw_words(canvas, &rest, INK_BOLD, text);
	rest.row += taken;
	rest.rows -= taken;
	if (rest.rows > 0 && tile->state != TILE_WAITING)
		(void)draw_words(canvas, &rest, INK_DIM, tile->text);
}

static void draw_line(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct view *view = ui->view;
	struct layout layout;

	if (!layout_init(&layout, area, view->tiles_n)) {
		(void)draw_words(canvas, area, INK_WAIT, T(ui->language, N_("The window is too small.")));
		return;
	}
	for (size_t i = 0; i < view->tiles_n; i++) {
		const struct area at = layout_tile(&layout, i);
		enum tile_mark mark = i == ui->selected ? TILE_MARKED : TILE_UNMARKED;

		if (layout.framed)
			tile_draw_framed(ui, canvas, &at, &view->tiles[i], mark);
		else
			tile_draw_compact(ui, canvas, &at, &view->tiles[i], mark);
	}
	if (!layout.framed)
		draw_message(ui, canvas, &layout.message);
}

static void show_unit(struct ui *ui)
{
	const char *serial;

	if (ui->selected >= ui->view->tiles_n)
		return;
	serial = ui->view->tiles[ui->selected].serial;
	if (serial[0] == '\0')
		return;
	str_clip(ui->unit, sizeof(ui->unit), serial);
	ui_open(ui, SCREEN_UNIT);
}

static bool key_line(struct ui *ui, uint32_t key)
{
	const struct area area = ui_area(ui->rows, ui->cols);
	struct layout layout;

	if (key == INPUT_ENTER) {
		show_unit(ui);
		return true;
	}
	if (key < INPUT_UP || key > INPUT_END || key == INPUT_PAGE_UP || key == INPUT_PAGE_DOWN)
		return false;
	if (layout_init(&layout, &area, ui->view->tiles_n))
		ui->selected = layout_move(&layout, ui->selected, key);
	return true;
}

static const char *const help[] = {
	"← → ↑ ↓", N_("Choose a slot"), "Enter", N_("Show its unit"), NULL,
};

const struct screen_ops screen_line = { N_("Line"), 'l', help, draw_line, key_line };
