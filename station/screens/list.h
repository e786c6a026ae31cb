/*
 * What the detail screens share: a table that scrolls, a search line, and the
 * words for stored names. Private to the screens.
 */
#ifndef STATION_SCREENS_LIST_H
#define STATION_SCREENS_LIST_H

#include "station/screens/ui.h"

#define LIST_COLUMNS_MAX 8

struct list_column {
	const char *title; /* N_() */
	int cols;          /* at least */
	int share;         /* parts of the room that is left */
};

struct list {
	const struct ui *ui;
	struct canvas *canvas;
	struct area area; /* heading, rows, and where they stand */
	int at[LIST_COLUMNS_MAX], cols[LIST_COLUMNS_MAX];
	size_t columns_n;
	size_t first, end; /* of the rows that are seen */
};
/* Lays out the columns with a blank between them and draws heading and position; ret_list borrows ui and canvas. */
void list_begin(const struct ui *ui, struct canvas *canvas, const struct area *area,
		const struct list_column *columns, size_t columns_n, size_t rows_n, struct list *ret_list);
/* One cell of row first to end - 1. */
void list_cell(const struct list *list, size_t row, size_t column, enum ink ink, const char *text);
/* An ID: of one too long the end is seen. */
void list_id(const struct list *list, size_t row, size_t column, enum ink ink, const char *text);
void list_number(const struct list *list, size_t row, size_t column, enum ink ink, int64_t number);

/* Arrows, pages, Home and End, for a list below head rows of the screen's area. */
bool list_key(struct ui *ui, uint32_t key, int head, size_t rows_n);

/* "2026-11-22 02:20:13", or from the month on; UTC, as the log has it. */
#define LIST_TIME_LEN 19
void list_time(int64_t wall_ms, char out[LIST_TIME_LEN + 1]);
void list_time_short(int64_t wall_ms, char out[LIST_TIME_LEN + 1]);

/* The search line: '/' opens it, printable ASCII goes in, Enter and Esc end it. */
enum search {
	SEARCH_NOT_MINE, /* the key was not for it          */
	SEARCH_TYPED,    /* ui->search changed, or it began */
	SEARCH_DONE,     /* Enter                           */
	SEARCH_LEFT,     /* Esc: ui->search is empty        */
};
enum search search_key(struct ui *ui, uint32_t key);
/* label and what is typed; nothing when neither typed nor searched. Returns whether it drew. */
bool search_draw(const struct ui *ui, struct canvas *canvas, int row, int col, int cols, const char *label);

/* What is stored ("quarantined", "unit-failed", "tpm") in the operator's words; an unknown name is itself. */
const char *word_for(const struct language *language, const char *stored);

/* ui->page_text across the area, if there is one. */
bool page_text_draw(const struct ui *ui, struct canvas *canvas, const struct area *area);

#endif
