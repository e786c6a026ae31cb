/*
 * A tile. What became of a unit is said three times, in a word, a symbol and a
 * colour over the whole tile, so that neither the colour-blind nor a terminal
 * without colours misses it; a framed tile says it in big letters, too.
 */
#include "station/screens/tile.h"

#define FLASH_MS    250
#define MARK        "»"
#define SERIAL_COLS 4 /* fewer say nothing */
#define BIG_ROWS    5
#define TEXT_ROWS   3

static const struct look {
	const char *symbol, *word;
	enum ink ink;
	const char *big; /* when the translated word has no big letters, or too many */
} looks[] = {
	[TILE_EMPTY] = { "", "", INK_DIM, "" },
	[TILE_RUNNING] = { "●", "", INK_RUN, "" },
	[TILE_WAITING] = { "▶", "", INK_WAIT, "" },
	/* TRANSLATORS: at most 10 columns */
	[TILE_PASS] = { "✔", N_("PASS"), INK_PASS, "PASS" },
	/* TRANSLATORS: at most 16 columns. The unit has passed before. */
	[TILE_ALREADY] = { "✔", N_("ALREADY DONE"), INK_PASS, "" },
	/* TRANSLATORS: at most 10 columns */
	[TILE_FAIL] = { "✘", N_("FAIL"), INK_FAIL, "FAIL" },
	/* TRANSLATORS: at most 10 columns. A serial port that can't be opened. */
	[TILE_PORT] = { "!", N_("PORT"), INK_WARN, "" },
};

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* A new FAIL blinks between its colour and none. */
static enum ink ink_of(const struct ui *ui, const struct tile *tile)
{
	if (tile->state == TILE_FAIL && ui->now_ms < tile->flash_until_ms && ui->now_ms / FLASH_MS % 2 != 0)
		return INK_BOLD;
	return looks[tile->state].ink;
}

static bool is_result(const struct tile *tile)
{
	return tile->state == TILE_PASS || tile->state == TILE_ALREADY || tile->state == TILE_FAIL;
}

static bool is_filled(const struct tile *tile)
{
	return is_result(tile) || tile->state == TILE_WAITING;
}

static const char *word_of(const struct ui *ui, const struct tile *tile)
{
	const char *word = looks[tile->state].word;

	return word[0] != '\0' ? T(ui->language, word) : "";
}

/* "0:42", "1:02:03"; empty where no time is worth a word. */
static void elapsed_text(const struct ui *ui, const struct tile *tile, char out[24])
{
	int64_t ms = tile->state == TILE_RUNNING ? ui->now_ms - tile->since_ms : tile->elapsed_ms;
	unsigned s = ms < 0 ? 0 : (unsigned)(ms / 1000 % (1000 * 3600));
	int cut;

	out[0] = '\0';
	if (tile->state != TILE_RUNNING && tile->state != TILE_PASS && tile->state != TILE_FAIL)
		return;
	if (s >= 3600)
		cut = str_format(out, 24, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
	else
		cut = str_format(out, 24, "%u:%02u", s / 60, s % 60);
	if (cut < 0)
		out[0] = '\0';
}

static void step_count(const struct tile *tile, char out[24])
{
	if (tile->steps_n == 0 || str_format(out, 24, "%u/%u", tile->step_index + 1, tile->steps_n) < 0)
		out[0] = '\0';
}

/* --- sentences ----------------------------------------------------------------------------------- */

/* What happened and what to do; only the latter if both don't fit. */
static void advice_text(const struct ui *ui, const struct canvas *canvas, const struct tile *tile, int rows,
			int cols, char out[400])
{
	struct advice advice = tile->state == TILE_PORT ? advice_for("seat", ERR_OPERATOR)
							: advice_for(tile->step, tile->class);
	const char *what = T(ui->language, advice.what), *todo = T(ui->language, advice.todo);

	if (str_format(out, 400, "%s %s", what, todo) < 0 || words_rows(canvas, cols, out) > rows)
		str_clip(out, 400, todo);
}

/* The English text below it is for who repairs the unit. */
static void draw_advice(const struct ui *ui, struct canvas *canvas, const struct area *area,
			const struct tile *tile, enum ink ink)
{
	struct area rest = *area;
	char text[400];
	int taken;

	advice_text(ui, canvas, tile, area->rows, area->cols, text);
	taken = draw_words(canvas, area, ink, text);
	rest.row += taken;
	rest.rows = smaller(rest.rows - taken, words_rows(canvas, rest.cols, tile->text));
	draw_fill(canvas, &rest, INK_DIM);
	(void)draw_words(canvas, &rest, INK_DIM, tile->text);
}

static void draw_middle(struct canvas *canvas, const struct area *area, enum ink ink, const char *text)
{
	int rows = words_rows(canvas, area->cols, text);

	if (rows == 1)
		(void)draw_center(canvas, area->row + (area->rows - 1) / 2, area->col, area->cols, ink, text);
	else
		(void)draw_words(canvas, area, ink, text);
}

/* The symbol before the word, in the middle. */
static void draw_sign(struct canvas *canvas, const struct area *area, enum ink ink, const char *symbol,
		      const char *word)
{
	char text[200];

	if (str_format(text, sizeof(text), "%s %s", symbol, word) == 0)
		draw_middle(canvas, area, ink, text);
}

/* --- framed ---------------------------------------------------------------------------------------- */

static void draw_head(struct canvas *canvas, const struct area *area, const struct tile *tile,
		      enum tile_mark mark, enum ink ink)
{
	int col = area->col + 1, cols = area->cols - 2;
	int used = mark == TILE_MARKED
			   ? draw_format(canvas, area->row, col, cols, INK_SELECTED, MARK " %s ", tile->slot)
			   : draw_format(canvas, area->row, col, cols, ink, " %s ", tile->slot);
	int left = cols - used - 3; /* a bit of the frame, and a blank on each side */
	int serial = text_columns(tile->serial);

	if (serial == 0 || left < SERIAL_COLS)
		return;
	if (serial > left)
		serial = left;
	col += cols - serial - 2;
	(void)draw_text(canvas, area->row, col, 1, ink, " ");
	(void)draw_tail(canvas, area->row, col + 1, serial, ink, tile->serial);
	(void)draw_text(canvas, area->row, col + 1 + serial, 1, ink, " ");
}

/* In the lower edge: state and time to the left, what comes next to the right. */
static void draw_foot(const struct ui *ui, struct canvas *canvas, const struct area *area,
		      const struct tile *tile, enum ink ink)
{
	/* TRANSLATORS: at most 20 columns */
	const char *next = T(ui->language, N_("Seat the next unit"));
	int row = area->row + area->rows - 1, col = area->col + 1, cols = area->cols - 2;
	int used, need = text_columns(next) + 2;
	char elapsed[24], count[24];
	const char *word;

	if (tile->state == TILE_EMPTY || tile->state == TILE_WAITING)
		return;
	elapsed_text(ui, tile, elapsed);
	step_count(tile, count);
	word = tile->state == TILE_RUNNING ? count : word_of(ui, tile);
	used = draw_format(canvas, row, col, cols, ink, " %s %s%s%s ", looks[tile->state].symbol, word,
			   word[0] != '\0' && elapsed[0] != '\0' ? " " : "", elapsed);
	if (!is_result(tile) || tile->seated)
		return;
	if (need <= cols - used - 1)
		(void)draw_format(canvas, row, col + cols - need, need, ink, " %s ", next);
	else if (cols - used > 3)
		(void)draw_text(canvas, row, col + cols - 3, 3, ink, " ○ ");
}

static void draw_running(const struct ui *ui, struct canvas *canvas, const struct area *inside,
			 const struct tile *tile)
{
	struct area title = { inside->row, inside->col, inside->rows - 1, inside->cols };

	if (tile->step[0] != '\0')
		draw_middle(canvas, &title, INK_BOLD, T(ui->language, step_title(tile->step)));
	draw_bar(canvas, inside->row + inside->rows - 1, inside->col, inside->cols, INK_RUN, tile->step_index,
		 tile->steps_n);
}

/* The translated word if it has big letters, else the English one; the foot says it in the language. */
static bool draw_big_word(const struct ui *ui, struct canvas *canvas, const struct area *area,
			  const struct tile *tile, enum ink ink)
{
	return draw_big(canvas, area, ink, word_of(ui, tile)) ||
	       draw_big(canvas, area, ink, looks[tile->state].big);
}

static void draw_passed(const struct ui *ui, struct canvas *canvas, const struct area *inside,
			const struct tile *tile, enum ink ink)
{
	if (!draw_big_word(ui, canvas, inside, tile, ink))
		draw_sign(canvas, inside, ink, looks[tile->state].symbol, word_of(ui, tile));
}

/* Rows for the word above the advice; a few are left for the English text if there are plenty. */
static int word_rows(int spare)
{
	if (spare < BIG_ROWS)
		return spare > 0;
	return spare >= BIG_ROWS + TEXT_ROWS ? spare - TEXT_ROWS : smaller(spare, BIG_ROWS + 1);
}

static void draw_failed(const struct ui *ui, struct canvas *canvas, const struct area *inside,
			const struct tile *tile, enum ink ink)
{
	struct area top = *inside, text = { inside->row, inside->col + 1, inside->rows, inside->cols - 2 };
	char advice[400];

	advice_text(ui, canvas, tile, text.rows, text.cols, advice);
	top.rows = word_rows(inside->rows - words_rows(canvas, text.cols, advice));
	if (top.rows > 0 && !draw_big_word(ui, canvas, &top, tile, ink)) {
		top.rows = 1;
		draw_sign(canvas, &top, ink, looks[tile->state].symbol, word_of(ui, tile));
	}
	text.row += top.rows;
	text.rows -= top.rows;
	draw_advice(ui, canvas, &text, tile, ink);
}

static void draw_body(const struct ui *ui, struct canvas *canvas, const struct area *inside,
		      const struct tile *tile, enum ink ink)
{
	struct area text = { inside->row, inside->col + 1, inside->rows, inside->cols - 2 };

	switch (tile->state) {
	case TILE_EMPTY:
		/* TRANSLATORS: at most 18 columns */
		draw_middle(canvas, &text, ink, T(ui->language, N_("Seat a unit")));
		break;
	case TILE_RUNNING:
		draw_running(ui, canvas, &text, tile);
		break;
	case TILE_WAITING:
		draw_sign(canvas, &text, ink, looks[TILE_WAITING].symbol,
			  T(ui->language, advice_wait(tile->wait)));
		break;
	case TILE_PASS:
	case TILE_ALREADY:
		draw_passed(ui, canvas, inside, tile, ink);
		break;
	case TILE_FAIL:
		draw_failed(ui, canvas, inside, tile, ink);
		break;
	case TILE_PORT:
		draw_advice(ui, canvas, &text, tile, ink);
		break;
	}
}

void tile_draw_framed(const struct ui *ui, struct canvas *canvas, const struct area *area,
		      const struct tile *tile, enum tile_mark mark)
{
	const struct area inside = { area->row + 1, area->col + 1, area->rows - 2, area->cols - 2 };
	enum ink ink = ink_of(ui, tile);

	if (is_filled(tile))
		draw_fill(canvas, area, ink);
	draw_frame(canvas, area, ink, NULL);
	draw_head(canvas, area, tile, mark, ink);
	draw_foot(ui, canvas, area, tile, ink);
	draw_body(ui, canvas, &inside, tile, ink);
}

/* --- compact --------------------------------------------------------------------------------------- */

static void draw_name(struct canvas *canvas, const struct area *area, const struct tile *tile,
		      enum tile_mark mark, enum ink ink)
{
	int used = draw_format(canvas, area->row, area->col, area->cols,
			       mark == TILE_MARKED ? INK_SELECTED : ink, "%s%s",
			       mark == TILE_MARKED ? MARK : " ", tile->slot);
	int left = area->cols - used - 1;

	if (left >= SERIAL_COLS)
		(void)draw_tail(canvas, area->row, area->col + used + 1, left, ink, tile->serial);
}

static void draw_progress(const struct ui *ui, struct canvas *canvas, const struct area *area, int row,
			  const struct tile *tile)
{
	char elapsed[24], count[24];
	int used, right;

	elapsed_text(ui, tile, elapsed);
	step_count(tile, count);
	used = draw_format(canvas, row, area->col, area->cols, INK_RUN, "%s %s", looks[TILE_RUNNING].symbol,
			   count) +
	       1;
	right = draw_right(canvas, row, area->col + used, area->cols - used, INK_RUN, elapsed) + 1;
	draw_bar(canvas, row, area->col + used, area->cols - used - right, INK_RUN, tile->step_index,
		 tile->steps_n);
}

static void draw_state(const struct ui *ui, struct canvas *canvas, const struct area *area,
		       const struct tile *tile, enum ink ink)
{
	int row = area->row + 1, used;
	char elapsed[24];

	elapsed_text(ui, tile, elapsed);
	switch (tile->state) {
	case TILE_EMPTY:
		/* TRANSLATORS: at most 18 columns */
		(void)draw_text(canvas, row, area->col + 1, area->cols - 1, ink,
				T(ui->language, N_("Seat a unit")));
		break;
	case TILE_RUNNING:
		draw_progress(ui, canvas, area, row, tile);
		break;
	case TILE_WAITING:
		(void)draw_format(canvas, row, area->col, area->cols, ink, "%s %s",
				  looks[TILE_WAITING].symbol, T(ui->language, advice_wait(tile->wait)));
		break;
	case TILE_PASS:
	case TILE_ALREADY:
	case TILE_FAIL:
	case TILE_PORT:
		used = draw_format(canvas, row, area->col, area->cols, ink, "%s %s %s",
				   looks[tile->state].symbol, word_of(ui, tile), elapsed);
		if (is_result(tile) && !tile->seated && area->cols - used >= 2)
			(void)draw_right(canvas, row, area->col, area->cols, ink, "○");
		break;
	}
}

/* What larger compact tiles have room for. */
static void draw_more(const struct ui *ui, struct canvas *canvas, const struct area *area,
		      const struct tile *tile, enum ink ink)
{
	const struct area more = { area->row + 2, area->col, area->rows - 2, area->cols };

	if (more.rows <= 0)
		return;
	if (tile->state == TILE_RUNNING && tile->step[0] != '\0')
		(void)draw_words(canvas, &more, ink, T(ui->language, step_title(tile->step)));
	else if (tile->state == TILE_FAIL || tile->state == TILE_PORT)
		draw_advice(ui, canvas, &more, tile, ink);
}

void tile_draw_compact(const struct ui *ui, struct canvas *canvas, const struct area *area,
		       const struct tile *tile, enum tile_mark mark)
{
	const struct area in = { area->row, area->col, area->rows, area->cols - 1 };
	enum ink ink = ink_of(ui, tile);

	if (is_filled(tile))
		draw_fill(canvas, &in, ink);
	draw_name(canvas, &in, tile, mark, ink);
	draw_state(ui, canvas, &in, tile, ink);
	draw_more(ui, canvas, &in, tile, ink);
}
