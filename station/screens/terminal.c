/*
 * The terminal. An ink is colours where there are eight, else bold and reverse
 * alone: no ink is told by colour only, since the words stand there, too.
 */
#include "station/screens/terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include <curses.h>
#include <term.h>

#include "station/screens/input.h"
#include "station/screens/outlet.h"

#define ESCAPE_MS 50 /* a lone Esc is told from a key's sequence after so long */

struct terminal {
	struct terminal_conf conf;
	struct outlet *outlet;
	FILE *in, *out;
	SCREEN *screen;
	bool colour;
	bool hung_up;
};

struct paint {
	short fg, bg; /* -1: the terminal's own */
	attr_t attr;  /* with colours */
	attr_t plain; /* without */
};
static const struct paint paints[INK_COUNT] = {
	[INK_PLAIN] = { -1, -1, A_NORMAL, A_NORMAL },
	[INK_DIM] = { -1, -1, A_DIM, A_NORMAL },
	[INK_BOLD] = { -1, -1, A_BOLD, A_BOLD },
	[INK_TITLE] = { COLOR_WHITE, COLOR_BLUE, A_BOLD, A_REVERSE },
	[INK_PASS] = { COLOR_BLACK, COLOR_GREEN, A_NORMAL, A_BOLD },
	[INK_FAIL] = { COLOR_WHITE, COLOR_RED, A_BOLD, A_REVERSE | A_BOLD },
	[INK_RUN] = { COLOR_CYAN, -1, A_NORMAL, A_NORMAL },
	[INK_WAIT] = { COLOR_BLACK, COLOR_YELLOW, A_NORMAL, A_REVERSE },
	[INK_WARN] = { COLOR_YELLOW, -1, A_BOLD, A_BOLD },
	[INK_SELECTED] = { -1, -1, A_REVERSE, A_REVERSE },
};

static void set_up_colours(struct terminal *terminal)
{
	if (!has_colors() || start_color() == ERR || COLORS < 8)
		return;
	(void)use_default_colors();
	for (short ink = 0; ink < INK_COUNT; ink++)
		(void)init_pair((short)(ink + 1), paints[ink].fg, paints[ink].bg);
	terminal->colour = true;
}

/* What most terminals send, whatever TERM says: a serial console is often seen through another terminal. */
static void define_keys(void)
{
	static const struct {
		const char *sequence;
		int key;
	} keys[] = {
		{ "\033OP", KEY_F(1) },   { "\033OQ", KEY_F(2) },   { "\033OR", KEY_F(3) },
		{ "\033OS", KEY_F(4) },   { "\033[11~", KEY_F(1) }, { "\033[12~", KEY_F(2) },
		{ "\033[13~", KEY_F(3) }, { "\033[14~", KEY_F(4) }, { "\033[15~", KEY_F(5) },
		{ "\033[17~", KEY_F(6) }, { "\033[18~", KEY_F(7) }, { "\033[19~", KEY_F(8) },
		{ "\033[A", KEY_UP },     { "\033[B", KEY_DOWN },   { "\033[C", KEY_RIGHT },
		{ "\033[D", KEY_LEFT },   { "\033OA", KEY_UP },     { "\033OB", KEY_DOWN },
		{ "\033OC", KEY_RIGHT },  { "\033OD", KEY_LEFT },   { "\033[5~", KEY_PPAGE },
		{ "\033[6~", KEY_NPAGE },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (key_defined(keys[i].sequence) == 0)
			(void)define_key(keys[i].sequence, keys[i].key);
}

static void set_up_screen(struct terminal *terminal)
{
	(void)set_term(terminal->screen);
	(void)set_escdelay(ESCAPE_MS);
	(void)keypad(stdscr, TRUE);
	define_keys();
	(void)nodelay(stdscr, TRUE);
	(void)intrflush(stdscr, FALSE);
	(void)leaveok(stdscr, TRUE);
	(void)curs_set(0);
	set_up_colours(terminal);
	terminal_refresh(terminal);
}

static void release(struct terminal *terminal)
{
	if (terminal->out != NULL)
		(void)fclose(terminal->out);
	outlet_close(terminal->outlet);
	if (terminal->in != NULL)
		(void)fclose(terminal->in);
	else
		(void)close(terminal->conf.in_fd);
	(void)close(terminal->conf.out_fd);
	free(terminal);
}
DEFINE_CLEANUP(releasep, struct terminal, release)

/* curses gets a descriptor of its own into the outlet: it closes what it was given. */
static int open_streams(struct terminal *terminal, struct err *err)
{
	int fd;

	if (outlet_open(terminal->conf.out_fd, &terminal->outlet, err) < 0)
		return -1;
	terminal->in = fdopen(terminal->conf.in_fd, "r");
	fd = dup(outlet_fd(terminal->outlet));
	terminal->out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (terminal->in == NULL || terminal->out == NULL)
		return err_set(err, ERR_STATION, errno, "terminal: %s", strerror(errno));
	return 0;
}

static int unknown(const char *type, struct err *err)
{
	return err_set(err, ERR_OPERATOR, 0,
		       "the terminal type \"%s\" is not known here; set TERM, or use --headless", type);
}

static bool has_capability(const char *name)
{
	const char *text = tigetstr(name);

	return text != NULL && text != (const char *)-1;
}

int terminal_check(const char *type, struct err *err)
{
	bool draws;
	int ret;

	if (setupterm(type, STDOUT_FILENO, &ret) == ERR)
		return unknown(type, err);
	draws = has_capability("cup") && has_capability("clear");
	(void)del_curterm(cur_term);
	if (!draws)
		return err_set(
			err, ERR_OPERATOR, 0,
			"nothing can be drawn on a terminal of type \"%s\"; set TERM, or use --headless",
			type);
	return 0;
}

int terminal_open(const struct terminal_conf *conf, struct terminal **ret_terminal, struct err *err)
{
	CLEANUP(releasep) struct terminal *terminal = calloc(1, sizeof(*terminal));

	if (terminal == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	terminal->conf = *conf;
	if (open_streams(terminal, err) < 0)
		return -1;
	terminal->screen = newterm(terminal->conf.type, terminal->out, terminal->in);
	if (terminal->screen == NULL)
		return unknown(terminal->conf.type, err);
	set_up_screen(terminal);
	*ret_terminal = terminal;
	terminal = NULL;
	return 0;
}

void terminal_close(struct terminal *terminal)
{
	if (terminal == NULL)
		return;
	(void)set_term(terminal->screen);
	(void)endwin();
	delscreen(terminal->screen);
	release(terminal);
}

void terminal_rescue(const char *type)
{
	static const char *const capabilities[] = { "sgr0", "op", "rmkx", "cnorm", "rmcup" };
	int ret;

	if (setupterm(type, STDOUT_FILENO, &ret) == ERR)
		return;
	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++) {
		if (has_capability(capabilities[i]))
			(void)putp(tigetstr(capabilities[i]));
	}
	(void)putchar('\n');
	(void)fflush(stdout);
}

int terminal_fd(const struct terminal *terminal)
{
	return terminal->conf.in_fd;
}

void terminal_get_size(const struct terminal *terminal, int *ret_rows, int *ret_cols)
{
	struct winsize size = { 0 };

	/* A serial console knows no size; 24 by 80 is what it has. */
	if (ioctl(terminal->conf.out_fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	*ret_rows = size.ws_row < CANVAS_ROWS_MAX ? size.ws_row : CANVAS_ROWS_MAX;
	*ret_cols = size.ws_col < CANVAS_COLS_MAX ? size.ws_col : CANVAS_COLS_MAX;
}

bool terminal_is_utf8(const struct terminal *terminal)
{
	return terminal->conf.utf8;
}

bool terminal_is_gone(const struct terminal *terminal)
{
	struct pollfd fd = { .fd = terminal->conf.in_fd, .events = POLLIN };

	if (terminal->hung_up || outlet_broken(terminal->outlet))
		return true;
	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool terminal_is_busy(const struct terminal *terminal)
{
	return outlet_busy(terminal->outlet);
}

static void show_cell(const struct terminal *terminal, int row, int col, const struct cell *cell)
{
	const struct paint *paint = &paints[cell->ink];
	const wchar_t text[] = { (wchar_t)cell->ch, L'\0' };
	const short pair = terminal->colour ? (short)(cell->ink + 1) : (short)0;
	cchar_t ch;

	if (setcchar(&ch, text, terminal->colour ? paint->attr : paint->plain, pair, NULL) == OK)
		(void)mvadd_wch(row, col, &ch);
}

void terminal_show(struct terminal *terminal, const struct canvas *canvas)
{
	(void)set_term(terminal->screen);
	if (canvas->rows != LINES || canvas->cols != COLS) {
		(void)resizeterm(canvas->rows, canvas->cols);
		(void)clearok(stdscr, TRUE);
	}
	for (int row = 0; row < canvas->rows; row++)
		for (int col = 0; col < canvas->cols; col++)
			if (canvas->cells[row][col].ch != 0)
				show_cell(terminal, row, col, &canvas->cells[row][col]);
	(void)refresh();
}

void terminal_refresh(struct terminal *terminal)
{
	(void)set_term(terminal->screen);
	(void)clearok(stdscr, TRUE);
}

void terminal_bell(struct terminal *terminal)
{
	(void)set_term(terminal->screen);
	(void)beep();
}

static uint32_t function_key(int key)
{
	static const struct {
		int from;
		uint32_t to;
	} keys[] = {
		{ KEY_UP, INPUT_UP },
		{ KEY_DOWN, INPUT_DOWN },
		{ KEY_LEFT, INPUT_LEFT },
		{ KEY_RIGHT, INPUT_RIGHT },
		{ KEY_PPAGE, INPUT_PAGE_UP },
		{ KEY_NPAGE, INPUT_PAGE_DOWN },
		{ KEY_HOME, INPUT_HOME },
		{ KEY_END, INPUT_END },
		{ KEY_ENTER, INPUT_ENTER },
		{ KEY_EXIT, INPUT_ESCAPE },
		{ KEY_BACKSPACE, INPUT_BACKSPACE },
	};

	if (key >= KEY_F(1) && key <= KEY_F(8))
		return INPUT_F1 + (uint32_t)(key - KEY_F(1));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].from == key)
			return keys[i].to;
	return INPUT_OTHER;
}

/* The rest of a character of several bytes (RFC 3629); what does not belong to it stays. */
static void skip_continuation(int first)
{
	const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : 0;

	for (int i = 0; i < more; i++) {
		const int next = getch();

		if (next == ERR)
			return;
		if (next < 0x80 || next > 0xbf) {
			(void)ungetch(next);
			return;
		}
	}
}

static uint32_t character(int byte)
{
	if (byte == '\r' || byte == '\n')
		return INPUT_ENTER;
	if (byte == 0x7f || byte == '\b')
		return INPUT_BACKSPACE;
	if (byte >= 0x80)
		skip_continuation(byte);
	return byte == 0 || byte >= 0x80 ? INPUT_OTHER : (uint32_t)byte;
}

/* Bytes, not wide characters: curses drops those that are none in silence, and silence parts a scan from keys. */
bool terminal_key(struct terminal *terminal, uint32_t *ret_key)
{
	int key;

	(void)set_term(terminal->screen);
	/* resizeterm leaves a key of its own; nobody pressed it. */
	do
		key = getch();
	while (key == KEY_RESIZE);
	if (key == ERR)
		return false;
	*ret_key = key >= KEY_MIN ? function_key(key) : character(key);
	return true;
}

bool terminal_byte(struct terminal *terminal, uint8_t *ret_byte)
{
	struct pollfd fd = { .fd = terminal->conf.in_fd, .events = POLLIN };
	ssize_t n;

	if (poll(&fd, 1, 0) <= 0 || (fd.revents & POLLIN) == 0)
		return false;
	n = read(terminal->conf.in_fd, ret_byte, 1);
	/* Readable without a byte: that is how a terminal says good-bye. */
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		terminal->hung_up = true;
	return n == 1;
}
