/*
 * A canvas: the cells of one screen, filled by the screens and shown by the
 * terminal (terminal.h). It knows nothing of curses, so tests draw on it and
 * read it back as text. Whatever text comes in, only printable characters that
 * the terminal can show reach a cell: nothing that a device says can act on it.
 */
#ifndef STATION_SCREENS_CANVAS_H
#define STATION_SCREENS_CANVAS_H

#include "base/bytes.h"

#define CANVAS_ROWS_MAX 120
#define CANVAS_COLS_MAX 400

/* What a cell means. The terminal chooses colour, or bold and reverse where there is none. */
enum ink {
	INK_PLAIN,
	INK_DIM,      /* what matters least                    */
	INK_BOLD,     /* what matters most                     */
	INK_TITLE,    /* header and footer                     */
	INK_PASS,     /* black on green                        */
	INK_FAIL,     /* white on red: other polarity, so the colour-blind see it, too */
	INK_RUN,      /* a step runs                           */
	INK_WAIT,     /* a person must act: black on yellow    */
	INK_WARN,     /* text in warning colour                */
	INK_SELECTED, /* where the arrows are                  */
	INK_COUNT,
};

struct cell {
	uint32_t ch; /* a code point; 0: the right half of a wide character */
	uint8_t ink; /* enum ink */
};

struct canvas {
	int rows, cols;
	bool utf8; /* else ASCII only: other characters become '?', drawn ones have a plain form */
	struct cell cells[CANVAS_ROWS_MAX][CANVAS_COLS_MAX];
};

struct area {
	int row, col, rows, cols;
};

/* Blank, of this size, utf8 as it was; larger sizes are cut to the maximum. */
void canvas_clear(struct canvas *canvas, int rows, int cols);
/* Columns the text takes in UTF-8 (wcwidth(3) of each character; needs LC_CTYPE C.UTF-8, see text_init). */
int text_columns(const char *text);

/*
 * Each draws only inside the canvas, and returns the columns (rows, for words) that it took.
 * What does not fit ends with "…".
 */
int draw_text(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text);
/* The end of a text that does not fit, with "…" in front: serials differ at their ends. */
int draw_tail(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text);
/* Against the right edge of the cols columns. */
int draw_right(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text);
int draw_center(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *text);
/* printf(3); cut at 400 bytes. */
int draw_format(struct canvas *canvas, int row, int col, int cols, enum ink ink, const char *fmt, ...)
	PRINTF(6, 7);
/* Wraps at blanks, or between wide characters, inside the area. */
int draw_words(struct canvas *canvas, const struct area *area, enum ink ink, const char *text);
/* Rows that draw_words needs for the whole text in so many columns. */
int words_rows(const struct canvas *canvas, int cols, const char *text);
void draw_fill(struct canvas *canvas, const struct area *area, enum ink ink);
/* A bar of part/whole: blocks, or '#' and '.' in ASCII. */
void draw_bar(struct canvas *canvas, int row, int col, int cols, enum ink ink, unsigned part, unsigned whole);
/* A frame along the area's edge, with a title in its top line. */
void draw_frame(struct canvas *canvas, const struct area *area, enum ink ink, const char *title);
/* A vertical bar of the area's height, part/whole of it filled from below: for charts. */
void draw_column(struct canvas *canvas, const struct area *area, enum ink ink, unsigned part, unsigned whole);
/*
 * Letters in the middle, five rows high or as many times that as fit: readable from two metres.
 * Latin capitals, digits and blanks; false (and nothing drawn) if there are others or they don't fit.
 */
bool draw_big(struct canvas *canvas, const struct area *area, enum ink ink, const char *letters);

/* The canvas as UTF-8 text, a line per row, blanks at line ends cut: for tests and screenshots. */
MUST_USE int canvas_text(const struct canvas *canvas, struct buf *ret_text);

#endif
