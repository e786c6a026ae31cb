/*
 * The screens. Each is a const table of draw and key; the loop (ui.c) owns
 * the terminal, feeds keys, and draws when something changed. A screen reads the
 * view and the pages, never a module; what it wants done it leaves in ui->command.
 */
#ifndef STATION_SCREENS_UI_H
#define STATION_SCREENS_UI_H

#include "station/desk.h"
#include "station/pages/pages.h"
#include "station/screens/canvas.h"
#include "station/screens/input.h"
#include "station/screens/text.h"
#include "station/view.h"

#define UI_SEARCH_MAX 64

/* In the order of F1 to F7. */
enum screen {
	SCREEN_HELP, /* of the screen before it */
	SCREEN_LINE,
	SCREEN_UNIT,
	SCREEN_QUEUE,
	SCREEN_AUDIT,
	SCREEN_HSM,
	SCREEN_REPORT,
	SCREEN_COUNT,
};

enum ui_command {
	UI_NOTHING,
	UI_LOGIN,        /* asks for an ID; F8 or o                  */
	UI_LOGOUT,       /* F8 or o again                            */
	UI_ANSWER_ID,    /* id_typed is complete                 */
	UI_CANCEL_LOGIN, /* Esc in the dialog                    */
	UI_REDRAW,       /* somebody else wrote on the terminal      */
	UI_LANGUAGE,     /* the next language                        */
	UI_RELOAD,       /* the page of this screen wants other data */
	UI_DETACH,       /* leaves the terminal, the work goes on    */
	UI_QUIT,         /* asked for, and confirmed                 */
};

struct ui {
	const struct view *view;
	const struct language *language;
	int64_t now_ms;  /* monotonic: elapsed times and the flash */
	int64_t wall_ms; /* the clock in the footer */
	int rows, cols;  /* the terminal's, as drawn last: for keys that move by what is seen */

	enum screen screen, before; /* before: whose help it is, and where Esc goes back to */
	size_t selected;            /* tile */
	size_t scroll;              /* first row of a list */
	bool searching;             /* typed characters go to search */
	char search[UI_SEARCH_MAX + 1];
	char unit[65];        /* serial that the Unit screen shows */
	int report_days_back; /* which day the report shows: 0 is today */
	bool asks_quit;

	struct desk_dialog dialog;
	char id_typed[OPERATOR_ID_MAX + 1];
	unsigned pin_typed; /* how many digits; the digits are not here */

	/* Loaded by the loop for the screen that is open. */
	struct page_unit page_unit;
	struct page_queue page_queue;
	struct page_audit page_audit;
	struct page_hsm page_hsm;
	struct page_report page_report;
	char page_text[200]; /* why it can't be shown; empty when it can */

	enum ui_command command;
};

struct screen_ops {
	const char *title;       /* N_() */
	char letter;             /* opens it from any screen */
	const char *const *help; /* "key", N_("what it does"), …, NULL */
	void (*draw)(const struct ui *ui, struct canvas *canvas, const struct area *area);
	bool (*key)(struct ui *ui, uint32_t key); /* true if it was one of this screen's */
};
extern const struct screen_ops screen_help, screen_line, screen_unit, screen_queue, screen_audit, screen_hsm,
	screen_report;
const struct screen_ops *screen_ops(enum screen screen);

/* Everything: header, the screen, footer, dialog over it. Pure: canvas out. */
void ui_draw(const struct ui *ui, struct canvas *canvas);
/* What the frame leaves to a screen on a terminal of this size. */
struct area ui_area(int rows, int cols);
/* A key: the dialog's, else every screen's (F1–F8, letters, Esc), else this screen's. */
void ui_key(struct ui *ui, uint32_t key);

/* Shows a screen; Esc leads back from it. */
void ui_open(struct ui *ui, enum screen screen);
/* Rows of a list that fit; scrolls so that row stays in sight. Shared by the list screens. */
void ui_scroll_by(struct ui *ui, long by, size_t rows_n, size_t visible);

/*
 * What happened and what to do, one translated sentence each, for a failed tile: by step and
 * class (advice.c). The English text of the event says the rest.
 */
struct advice {
	const char *what;
	const char *todo;
};
struct advice advice_for(const char *step, enum err_class class);
/* What a waiting tile asks for. */
const char *advice_wait(enum wait wait);
/* The step in the operator's words; a step that nobody named is itself. */
const char *step_title(const char *step);

#endif
