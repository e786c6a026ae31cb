/* Pages and pictures: what the open screen needs is read once a second, and drawn when something changed. */
#include "station/screens/session_internal.h"

#define RELOAD_MS 1000
#define FLASH_MS  250
#define BUSY_MS   50
#define SECOND_MS 1000
#define DAY_MS    INT64_C(86400000)

/* Noon, since a day of 23 or 25 hours would move its midnight to another day. */
static int64_t noon_of_day(int days_back)
{
	return clock_local_midnight_ms(clock_wall_ms()) + DAY_MS / 2 - days_back * DAY_MS;
}

static int load(struct session *session, struct err *err)
{
	struct ui *ui = &session->ui;
	struct station *st = session->st;

	switch (ui->screen) {
	case SCREEN_HELP:
	case SCREEN_LINE:
		return 0;
	case SCREEN_UNIT:
		return page_unit_load(st->db, ui->unit, &ui->page_unit, err);
	case SCREEN_QUEUE:
		return page_queue_load(st->db, &ui->page_queue, err);
	case SCREEN_AUDIT:
		return page_audit_load(st->db, ui->search, &ui->page_audit, err);
	case SCREEN_HSM:
		line_get_hsm_page(session->conf.line, &ui->page_hsm);
		return 0;
	case SCREEN_REPORT:
		return page_report_load(st->db, noon_of_day(ui->report_days_back), &ui->page_report, err);
	case SCREEN_COUNT:
		break;
	}
	return 0;
}

/* A page that can't be read says so in its place: a screen is no reason to stop the line. */
void session_load_page(struct session *session)
{
	struct err err = { 0 };

	session->ui.page_text[0] = '\0';
	if (load(session, &err) < 0)
		(void)err_text(&err, session->ui.page_text, sizeof(session->ui.page_text));
	session->loaded_ms = deadline_now_ms();
	session->dirty = true;
}

static bool page_is_old(const struct session *session)
{
	return session->ui.screen != SCREEN_LINE && session->ui.screen != SCREEN_HELP &&
	       deadline_now_ms() - session->loaded_ms >= RELOAD_MS;
}

static bool flashes(const struct session *session)
{
	for (size_t i = 0; i < session->view.tiles_n; i++)
		if (session->view.tiles[i].flash_until_ms > session->ui.now_ms)
			return true;
	return false;
}

/* The clock goes on, a flash has another phase, a dialog opened. */
static void look_at_time(struct session *session)
{
	struct ui *ui = &session->ui;
	bool flashed = flashes(session);

	ui->now_ms = deadline_now_ms();
	ui->wall_ms = clock_wall_ms();
	if (ui->wall_ms / SECOND_MS != session->shown_second ||
	    (flashed && ui->now_ms / FLASH_MS != session->flash_phase))
		session->dirty = true;
}

static void look_at_desk(struct session *session)
{
	struct desk_dialog dialog;

	desk_get_dialog(session->st->desk, &dialog);
	if (dialog.asks != session->ui.dialog.asks || dialog.verdict != session->ui.dialog.verdict ||
	    dialog.tries_left != session->ui.dialog.tries_left)
		session->dirty = true;
	session->ui.dialog = dialog;
}

static void ring(struct session *session)
{
	if (session->fails == session->view.fails)
		return;
	session->fails = session->view.fails;
	terminal_bell(session->terminal);
}

/* A terminal without UTF-8 shows Latin letters without their accents, but no Chinese ones. */
static const struct language *showable(const struct session *session)
{
	if (!terminal_is_utf8(session->terminal) && strcmp(session->language->code, "zh_CN") == 0)
		return language_find("en");
	return session->language;
}

static void look_at_size(struct session *session)
{
	int rows, cols;

	terminal_get_size(session->terminal, &rows, &cols);
	if (rows != session->canvas.rows || cols != session->canvas.cols)
		session->dirty = true;
	session->canvas.utf8 = terminal_is_utf8(session->terminal);
	if (session->dirty)
		canvas_clear(&session->canvas, rows, cols);
	session->ui.rows = session->canvas.rows;
	session->ui.cols = session->canvas.cols;
}

void session_draw(struct session *session)
{
	struct ui *ui = &session->ui;

	look_at_time(session);
	look_at_desk(session);
	if (page_is_old(session) && session->terminal != NULL)
		session_load_page(session);
	if (session->terminal == NULL || terminal_is_busy(session->terminal))
		return;
	look_at_size(session);
	if (!session->dirty)
		return;
	ui->language = showable(session);
	ui_draw(ui, &session->canvas);
	ring(session);
	terminal_show(session->terminal, &session->canvas);
	session->dirty = false;
	session->shown_second = ui->wall_ms / SECOND_MS;
	session->flash_phase = ui->now_ms / FLASH_MS;
}

unsigned session_quiet_ms(const struct session *session)
{
	const int held = input_wait_ms(&session->input, deadline_now_ms());
	unsigned quiet = SECOND_MS - (unsigned)(clock_wall_ms() % SECOND_MS);

	if (session->terminal != NULL && session->dirty)
		quiet = BUSY_MS;
	else if (session->terminal != NULL && flashes(session))
		quiet = FLASH_MS;
	return held >= 0 && (unsigned)held < quiet ? (unsigned)held : quiet;
}
