/* Dialogs: who are you, and shall the station stop. They lie over any screen; the slots work on behind them. */
#include "station/screens/frame.h"

#define DIALOG_COLS 46
#define DIALOG_ROWS 7

static struct area open_box(struct canvas *canvas, const char *title)
{
	const int cols = canvas->cols < DIALOG_COLS + 2 ? canvas->cols - 2 : DIALOG_COLS;
	const struct area box = { (canvas->rows - DIALOG_ROWS) / 2, (canvas->cols - cols) / 2, DIALOG_ROWS,
				  cols };
	const struct area inside = { box.row + 1, box.col + 2, DIALOG_ROWS - 2, cols - 4 };

	draw_fill(canvas, &box, INK_PLAIN);
	draw_frame(canvas, &box, INK_BOLD, title);
	return inside;
}

static const char *verdict_sentence(enum people_verdict verdict)
{
	switch (verdict) {
	case PEOPLE_WELCOME:
	case PEOPLE_ASK_PIN:
		return "";
	case PEOPLE_UNKNOWN:
		return N_("Nobody has this ID.");
	case PEOPLE_WRONG_PIN:
		return N_("Wrong PIN.");
	case PEOPLE_LOCKED:
		return N_("Locked. Ask the line lead.");
	}
	return "";
}

static void draw_verdict(const struct ui *ui, struct canvas *canvas, const struct area *inside)
{
	const char *sentence = verdict_sentence(ui->dialog.verdict);
	int used;

	if (sentence[0] == '\0')
		return;
	used = draw_text(canvas, inside->row + 2, inside->col, inside->cols, INK_FAIL,
			 T(ui->language, sentence));
	if (ui->dialog.verdict == PEOPLE_WRONG_PIN)
		(void)draw_format(canvas, inside->row + 2, inside->col + used + 1, inside->cols - used - 1,
				  INK_PLAIN, "%s %u", T(ui->language, N_("Tries left:")),
				  ui->dialog.tries_left);
}

/* Below its question, which takes the row in most languages: an ID is read whole. */
static void draw_id(const struct ui *ui, struct canvas *canvas, const struct area *inside)
{
	(void)draw_text(canvas, inside->row, inside->col, inside->cols, INK_BOLD,
			/* TRANSLATORS: at most 42 columns */
			T(ui->language, N_("Scan your badge, or type your ID:")));
	(void)draw_format(canvas, inside->row + 1, inside->col, inside->cols, INK_SELECTED, "%s_",
			  ui->id_typed);
}

static void draw_pin(const struct ui *ui, struct canvas *canvas, const struct area *inside)
{
	int used = draw_text(canvas, inside->row, inside->col, inside->cols, INK_BOLD,
			     T(ui->language, N_("PIN:")));
	char stars[PEOPLE_PIN_MAX + 1] = "";

	for (unsigned i = 0; i < ui->pin_typed && i < PEOPLE_PIN_MAX; i++) {
		stars[i] = '*';
		stars[i + 1] = '\0';
	}
	(void)draw_format(canvas, inside->row, inside->col + used + 1, inside->cols - used - 1, INK_SELECTED,
			  "%s_", stars);
	(void)draw_text(canvas, inside->row + 1, inside->col, inside->cols, INK_PLAIN,
			ui->dialog.operator_id);
}

static void draw_login(const struct ui *ui, struct canvas *canvas)
{
	const struct area inside = open_box(canvas, T(ui->language, N_("Log in")));

	if (ui->dialog.asks == DESK_ASKS_ID)
		draw_id(ui, canvas, &inside);
	else
		draw_pin(ui, canvas, &inside);
	draw_verdict(ui, canvas, &inside);
	(void)draw_text(canvas, inside.row + 4, inside.col, inside.cols, INK_DIM,
			/* TRANSLATORS: at most 42 columns */
			T(ui->language, N_("Enter: go on   Esc: cancel")));
}

static void draw_quit(const struct ui *ui, struct canvas *canvas)
{
	const struct area inside = open_box(canvas, T(ui->language, N_("Stop the station?")));
	const struct area words = { inside.row, inside.col, 3, inside.cols };

	(void)draw_words(
		canvas, &words, INK_PLAIN,
		T(ui->language, N_("Units that run stop at their next step and go on when they are seated "
				   "again.")));
	(void)draw_text(canvas, inside.row + 4, inside.col, inside.cols, INK_DIM,
			/* TRANSLATORS: at most 42 columns */
			T(ui->language, N_("Enter: stop   Esc: go on working")));
}

void dialog_draw(const struct ui *ui, struct canvas *canvas)
{
	if (ui->dialog.asks != DESK_ASKS_NOTHING)
		draw_login(ui, canvas);
	else if (ui->asks_quit)
		draw_quit(ui, canvas);
}

static void type_id(struct ui *ui, uint32_t key)
{
	size_t n = strlen(ui->id_typed);

	if (key == INPUT_BACKSPACE && n > 0)
		ui->id_typed[n - 1] = '\0';
	else if (key > ' ' && key < 0x7f && n < sizeof(ui->id_typed) - 1)
		ui->id_typed[n] = (char)key; /* what follows is NUL already */
}

static void login_key(struct ui *ui, uint32_t key)
{
	if (key == INPUT_ESCAPE)
		ui->command = UI_CANCEL_LOGIN;
	else if (key == INPUT_ENTER && ui->id_typed[0] != '\0')
		ui->command = UI_ANSWER_ID;
	else
		type_id(ui, key);
}

static void quit_key(struct ui *ui, uint32_t key)
{
	if (key == INPUT_ENTER)
		ui->command = UI_QUIT;
	if (key == INPUT_ENTER || key == INPUT_ESCAPE)
		ui->asks_quit = false;
}

bool dialog_key(struct ui *ui, uint32_t key)
{
	switch (ui->dialog.asks) {
	case DESK_ASKS_ID:
		login_key(ui, key);
		return true;
	case DESK_ASKS_PIN:
		return true; /* its digits go another way; what was typed before it opened does nothing */
	case DESK_ASKS_NOTHING:
		break;
	}
	if (!ui->asks_quit)
		return false;
	quit_key(ui, key);
	return true;
}
