/* The Help screen: the keys of the screen before it, the keys that work everywhere, and how to scan. */
#include "station/screens/list.h"

#define KEY_COLS 12
#define INDENT   2

static const char *const everywhere[] = {
	"F8  o", N_("log in or out"),
	"Esc",   N_("back"),
	"g",     N_("the next language"),
	"d",     N_("leaves the terminal; the work goes on"),
	"x",     N_("ends the station, after asking"),
	NULL,
};

/* Each block draws from the top of left and takes its rows from it. */
static void take_rows(struct area *left, int rows)
{
	rows = rows < left->rows ? rows : left->rows;
	left->row += rows;
	left->rows -= rows;
}

static void draw_title(struct canvas *canvas, struct area *left, const char *title)
{
	if (left->rows > 0)
		(void)draw_text(canvas, left->row, left->col, left->cols, INK_BOLD, title);
	take_rows(left, 1);
}

static void draw_key(struct canvas *canvas, struct area *left, const char *key, const char *text)
{
	const int col = INDENT + KEY_COLS + 1;

	if (left->rows > 0) {
		(void)draw_text(canvas, left->row, left->col + INDENT, KEY_COLS, INK_PLAIN, key);
		(void)draw_text(canvas, left->row, left->col + col, left->cols - col, INK_PLAIN, text);
	}
	take_rows(left, 1);
}

static void draw_keys(const struct ui *ui, struct canvas *canvas, struct area *left, const char *const *pairs)
{
	for (; pairs[0] != NULL; pairs += 2)
		draw_key(canvas, left, T(ui->language, pairs[0]), T(ui->language, pairs[1]));
	take_rows(left, 1);
}

/* Every screen by its letter and name; letters are the same in all languages, names are not. */
static void draw_letters(const struct ui *ui, struct canvas *canvas, struct area *left)
{
	int col = left->col + INDENT + KEY_COLS + 1, end = left->col + left->cols;

	draw_key(canvas, left, "F1-F7", T(ui->language, N_("the screens; or by a letter:")));
	for (int i = 0; i < SCREEN_COUNT && left->rows > 0; i++) {
		const struct screen_ops *screen = screen_ops((enum screen)i);
		const char letter[] = { screen->letter, ' ', '\0' };

		col += draw_text(canvas, left->row, col, end - col, INK_BOLD, letter);
		col += draw_text(canvas, left->row, col, end - col, INK_PLAIN,
				 T(ui->language, screen->title));
		col += 2;
	}
	take_rows(left, 1);
}

static void draw_scanning(const struct ui *ui, struct canvas *canvas, struct area *left)
{
	draw_title(canvas, left, T(ui->language, N_("Scanning")));
	left->col += INDENT;
	left->cols -= INDENT;
	if (left->rows > 0 && left->cols > 0)
		(void)draw_words(
			canvas, left, INK_PLAIN,
			T(ui->language, N_("Scan your badge to log in. Scan a unit's label, then the "
					   "barcode of its slot; the slot may come first. A unit that "
					   "waits for its label takes it without the slot. A scan "
					   "never presses a key.")));
}

static void draw(const struct ui *ui, struct canvas *canvas, const struct area *area)
{
	const struct screen_ops *before = screen_ops(ui->before);
	struct area left = *area;

	if (before->help[0] != NULL) {
		draw_title(canvas, &left, T(ui->language, before->title));
		draw_keys(ui, canvas, &left, before->help);
	}
	draw_title(canvas, &left, T(ui->language, N_("On every screen")));
	draw_letters(ui, canvas, &left);
	draw_keys(ui, canvas, &left, everywhere);
	draw_scanning(ui, canvas, &left);
}

static bool key(struct ui *ui, uint32_t key)
{
	(void)ui;
	(void)key;
	return false;
}

static const char *const no_keys[] = { NULL };

const struct screen_ops screen_help = { N_("Help"), '?', no_keys, draw, key };
