/*
 * The table of screens, and what a key means on all of them. Every screen can
 * be reached by F1 to F7 and by a letter; Esc goes back.
 */
#include "station/screens/ui.h"

#include <ctype.h>

#include "station/screens/frame.h"

#define SMALLEST_ROWS 10
#define SMALLEST_COLS 40
#define CTRL_C        3
#define CTRL_L        12

static const struct screen_ops *const screens[SCREEN_COUNT] = {
	[SCREEN_HELP] = &screen_help,     [SCREEN_LINE] = &screen_line,   [SCREEN_UNIT] = &screen_unit,
	[SCREEN_QUEUE] = &screen_queue,   [SCREEN_AUDIT] = &screen_audit, [SCREEN_HSM] = &screen_hsm,
	[SCREEN_REPORT] = &screen_report,
};

const struct screen_ops *screen_ops(enum screen screen)
{
	return screens[screen];
}

struct area ui_area(int rows, int cols)
{
	return (struct area){ FRAME_HEADER_ROWS, 0, rows - FRAME_HEADER_ROWS - FRAME_FOOTER_ROWS, cols };
}

void ui_draw(const struct ui *ui, struct canvas *canvas)
{
	const struct area area = ui_area(canvas->rows, canvas->cols);

	if (canvas->rows < SMALLEST_ROWS || canvas->cols < SMALLEST_COLS) {
		(void)draw_format(canvas, 0, 0, canvas->cols, INK_WAIT, "%dx%d: %s", canvas->cols,
				  canvas->rows, T(ui->language, N_("The window is too small.")));
		return;
	}
	frame_draw_header(ui, canvas);
	screen_ops(ui->screen)->draw(ui, canvas, &area);
	frame_draw_footer(ui, canvas);
	dialog_draw(ui, canvas);
}

void ui_open(struct ui *ui, enum screen screen)
{
	if (screen == ui->screen)
		return;
	if (ui->screen != SCREEN_HELP)
		ui->before = ui->screen;
	ui->screen = screen;
	ui->scroll = 0;
	ui->searching = false;
	ui->search[0] = '\0';
	ui->report_days_back = 0;
	ui->command = UI_RELOAD;
}

static void go_back(struct ui *ui)
{
	if (ui->search[0] != '\0') {
		ui->search[0] = '\0';
		ui->command = UI_RELOAD;
	} else {
		ui_open(ui, ui->screen == SCREEN_HELP ? ui->before : SCREEN_LINE);
	}
}

/* F1 to F7, or a screen's letter. */
static bool opens_screen(struct ui *ui, uint32_t key)
{
	for (int i = 0; i < SCREEN_COUNT; i++) {
		if (key == INPUT_F1 + (uint32_t)i || key == (uint32_t)screens[i]->letter) {
			ui_open(ui, (enum screen)i);
			return true;
		}
	}
	return false;
}

static bool gives_command(struct ui *ui, uint32_t key)
{
	const bool somebody = ui->view->operator_id[0] != '\0';

	switch (key) {
	case INPUT_F1 + 7:
	case 'o':
		if (ui->view->login_required)
			ui->command = somebody ? UI_LOGOUT : UI_LOGIN;
		return true;
	case 'g':
		ui->command = UI_LANGUAGE;
		return true;
	case 'd':
		ui->command = UI_DETACH;
		return true;
	case CTRL_L:
		ui->command = UI_REDRAW;
		return true;
	case 'x':
	case CTRL_C:
		ui->asks_quit = true;
		return true;
	case INPUT_ESCAPE:
		go_back(ui);
		return true;
	default:
		return false;
	}
}

void ui_key(struct ui *ui, uint32_t key)
{
	const struct screen_ops *screen = screen_ops(ui->screen);

	if (dialog_key(ui, key))
		return;
	if (ui->searching && screen->key(ui, key))
		return;
	if (key < 0x80 && isupper((int)key))
		key = (uint32_t)tolower((int)key);
	if (!opens_screen(ui, key) && !gives_command(ui, key))
		(void)screen->key(ui, key);
}

void ui_scroll_by(struct ui *ui, long by, size_t rows_n, size_t visible)
{
	const size_t last = rows_n > visible ? rows_n - visible : 0;

	if (by < 0)
		ui->scroll = ui->scroll > (size_t)-by ? ui->scroll - (size_t)-by : 0;
	else
		ui->scroll += (size_t)by;
	if (ui->scroll > last)
		ui->scroll = last;
}
