/*
 * Header and footer. The footer's facts stand from left to right in the order
 * of what stops a line first; what no longer fits is left out.
 */
#include "station/screens/frame.h"

#include <time.h>

#define FACT_MAX 160

/* --- header ------------------------------------------------------------------------------------ */

static void operator_text(const struct ui *ui, char *out, size_t cap)
{
	const struct view *view = ui->view;
	const char *name = view->operator_name[0] != '\0' ? view->operator_name : view->operator_id;

	if (view->operator_id[0] == '\0')
		str_clip(out, cap, view->login_required ? T(ui->language, N_("Nobody is logged in")) : "");
	else
		str_clip(out, cap, name);
}

static void clock_text(const struct ui *ui, char out[16])
{
	time_t seconds = (time_t)(ui->wall_ms / 1000);
	struct tm now;

	if (localtime_r(&seconds, &now) == NULL || strftime(out, 16, "%H:%M:%S", &now) == 0)
		str_clip(out, 16, "--:--:--");
}

void frame_draw_header(const struct ui *ui, struct canvas *canvas)
{
	const struct area row = { 0, 0, FRAME_HEADER_ROWS, canvas->cols };
	char person[80], clock[16], right[120];
	int used;

	operator_text(ui, person, sizeof(person));
	clock_text(ui, clock);
	if (str_format(right, sizeof(right), "%s  %s ", person, clock) < 0)
		str_clip(right, sizeof(right), clock);
	draw_fill(canvas, &row, INK_TITLE);
	used = draw_right(canvas, 0, canvas->cols / 3, canvas->cols - canvas->cols / 3, INK_TITLE, right);
	(void)draw_format(canvas, 0, 1, canvas->cols - used - 2, INK_TITLE, "%s  %s", ui->view->station_id,
			  T(ui->language, screen_ops(ui->screen)->title));
}

/* --- facts ---------------------------------------------------------------------------------------- */

struct line_of_facts {
	struct canvas *canvas;
	int row, col;
};

static void fact(struct line_of_facts *line, enum ink ink, const char *label, const char *value)
{
	char text[FACT_MAX];
	int cols;

	if (str_format(text, sizeof(text), "%s %s", label, value) < 0)
		return;
	cols = text_columns(text);
	if (line->col + cols > line->canvas->cols)
		return;
	(void)draw_text(line->canvas, line->row, line->col, cols, ink, text);
	line->col += cols + 2;
}

/* A word and a sign, since colour alone says nothing to some. */
static void health(struct line_of_facts *line, const struct ui *ui, const char *label, bool known, bool ok)
{
	const char *sign = line->canvas->utf8 ? (ok ? "✔" : "✘") : (ok ? "ok" : "OFF");

	fact(line, known && !ok ? INK_FAIL : INK_TITLE, T(ui->language, label), known ? sign : "?");
}

static void shift_fact(struct line_of_facts *line, const struct ui *ui)
{
	const unsigned passed = ui->view->shift.passed, failed = ui->view->shift.failed;
	const char *pass = line->canvas->utf8 ? "✔" : "ok:";
	const char *fail = line->canvas->utf8 ? "✘" : "failed:";
	char value[64];
	int cut;

	if (passed + failed == 0)
		cut = str_format(value, sizeof(value), "%s 0  %s 0", pass, fail);
	else
		cut = str_format(value, sizeof(value), "%s %u  %s %u  %u %%", pass, passed, fail, failed,
				 (unsigned)(100ull * passed / (passed + failed)));
	if (cut == 0)
		fact(line, INK_TITLE, T(ui->language, N_("Shift")), value);
}

static void queue_fact(struct line_of_facts *line, const struct ui *ui)
{
	char value[64];

	if (ui->view->refused > 0) {
		if (str_format(value, sizeof(value), "%lld  %s %lld", (long long)ui->view->waiting,
			       T(ui->language, N_("refused")), (long long)ui->view->refused) == 0)
			fact(line, INK_FAIL, T(ui->language, N_("Queue")), value);
		return;
	}
	if (str_format(value, sizeof(value), "%lld", (long long)ui->view->waiting) == 0)
		fact(line, INK_TITLE, T(ui->language, N_("Queue")), value);
}

static void draw_facts(const struct ui *ui, struct canvas *canvas, int row)
{
	const struct area area = { row, 0, 1, canvas->cols };
	struct line_of_facts line = { canvas, row, 1 };

	draw_fill(canvas, &area, INK_TITLE);
	shift_fact(&line, ui);
	health(&line, ui, N_("HSM"), ui->view->hsm_known, ui->view->hsm_ok);
	health(&line, ui, N_("Service"), ui->view->service_known, ui->view->service_ok);
	queue_fact(&line, ui);
	fact(&line, INK_TITLE, T(ui->language, N_("Order")), canvas->utf8 ? "–" : "-");
}

/* --- the last line: what just happened, else the keys ------------------------------------------------ */

static const char *scan_sentence(enum scan_fate fate)
{
	static const char *const sentences[] = {
		[SCAN_NONE] = "",
		[SCAN_MATCHED] = N_("The label is right."),
		[SCAN_HELD] = N_("Now scan the slot, or seat the unit."),
		[SCAN_SLOT] = N_("Now scan the label."),
		[SCAN_MISMATCH] = N_("The label is of another unit."),
		[SCAN_MALFORMED] = N_("This barcode can't be used. Scan again."),
		[SCAN_UNKNOWN] = N_("Nobody here has this badge."),
		[SCAN_EXPIRED] = N_("Too slow. Scan again."),
		[SCAN_BUSY] = N_("The station is busy. Try again."),
	};

	return sentences[fate];
}

static enum ink scan_ink(enum scan_fate fate)
{
	if (fate == SCAN_MATCHED)
		return INK_PASS;
	return fate == SCAN_HELD || fate == SCAN_SLOT ? INK_WAIT : INK_FAIL;
}

static void draw_scan(const struct ui *ui, struct canvas *canvas, int row)
{
	const struct view *view = ui->view;
	const struct area area = { row, 0, 1, canvas->cols };
	enum ink ink = scan_ink(view->scan);
	int used;

	draw_fill(canvas, &area, ink);
	used = draw_text(canvas, row, 1, canvas->cols - 2, ink, T(ui->language, scan_sentence(view->scan)));
	if (view->scan_slot[0] != '\0')
		used += draw_format(canvas, row, 2 + used, canvas->cols - used - 3, ink, " %s %s",
				    T(ui->language, N_("Slot")), view->scan_slot) +
			1;
	/* Why nothing could be done with it is in the log, in English. */
	if (view->scan != SCAN_MALFORMED && view->scan != SCAN_UNKNOWN && view->scan != SCAN_BUSY)
		(void)draw_text(canvas, row, 3 + used, canvas->cols - used - 4, ink, view->scan_text);
}

static void draw_stop(const struct ui *ui, struct canvas *canvas, int row)
{
	const struct area area = { row, 0, 1, canvas->cols };
	int used;

	draw_fill(canvas, &area, INK_FAIL);
	used = draw_text(
		canvas, row, 1, canvas->cols - 2, INK_FAIL,
		T(ui->language, N_("The station stopped. Nothing more is issued. Call the line lead.")));
	(void)draw_text(canvas, row, used + 3, canvas->cols - used - 4, INK_FAIL, ui->view->stop_text);
}

static void draw_keys(const struct ui *ui, struct canvas *canvas, int row)
{
	int col = 1;

	for (int i = 0; i < SCREEN_COUNT && col < canvas->cols; i++) {
		const char *title = T(ui->language, screen_ops((enum screen)i)->title);

		if (col + 3 + text_columns(title) > canvas->cols)
			return;
		col += draw_format(canvas, row, col, 3, INK_BOLD, "F%d ", i + 1);
		col += draw_text(canvas, row, col, canvas->cols - col,
				 (enum screen)i == ui->screen ? INK_SELECTED : INK_PLAIN, title) +
		       1;
	}
	if (ui->view->login_required && col + 3 < canvas->cols) {
		col += draw_text(canvas, row, col, 3, INK_BOLD, "F8 ");
		(void)draw_text(canvas, row, col, canvas->cols - col, INK_PLAIN,
				ui->view->operator_id[0] != '\0' ? T(ui->language, N_("Log out"))
								 : T(ui->language, N_("Log in")));
	}
}

void frame_draw_footer(const struct ui *ui, struct canvas *canvas)
{
	int row = canvas->rows - FRAME_FOOTER_ROWS;

	draw_facts(ui, canvas, row);
	if (ui->view->stopped)
		draw_stop(ui, canvas, row + 1);
	else if (ui->view->scan != SCAN_NONE && ui->now_ms < ui->view->scan_until_ms)
		draw_scan(ui, canvas, row + 1);
	else
		draw_keys(ui, canvas, row + 1);
}
