/*
 * A terminal: curses (ncursesw) on a pair of descriptors. The only place that
 * knows curses. Who sits at the terminal (station/screens/attach.h) has put it into
 * raw mode and puts it back; here nothing but characters goes out and keys come in.
 */
#ifndef STATION_SCREENS_TERMINAL_H
#define STATION_SCREENS_TERMINAL_H

#include "base/secret.h"
#include "station/screens/canvas.h"

#define TERMINAL_TYPE_MAX 63

struct terminal;
struct terminal_conf {
	int in_fd, out_fd;                /* the terminal's from terminal_open on, also when that fails */
	char type[TERMINAL_TYPE_MAX + 1]; /* $TERM */
	bool utf8;
};
/* ERR_OPERATOR unless screens can be drawn on a terminal of this type; for who still has standard output. */
MUST_USE int terminal_check(const char *type, struct err *err);
/* ERR_OPERATOR if the type is not known. One at a time. */
MUST_USE int terminal_open(const struct terminal_conf *conf, struct terminal **ret_terminal, struct err *err);
/* Leaves the screen as it was before, if the terminal still listens. Accepts NULL. */
void terminal_close(struct terminal *terminal);
/* Leaves the screen on standard output to the shell, after who drew on it died. */
void terminal_rescue(const char *type);

/* Readable when a key waits. */
int terminal_fd(const struct terminal *terminal);
/* The size as it is now: a resize needs no signal. */
void terminal_get_size(const struct terminal *terminal, int *ret_rows, int *ret_cols);
bool terminal_is_utf8(const struct terminal *terminal);
/* It hung up, or refused a write. */
bool terminal_is_gone(const struct terminal *terminal);
/* It has not taken the last picture yet: draw later. */
bool terminal_is_busy(const struct terminal *terminal);

/* Sends what differs from the picture before. */
void terminal_show(struct terminal *terminal, const struct canvas *canvas);
/* The next picture is sent whole: somebody else may have written there. */
void terminal_refresh(struct terminal *terminal);
void terminal_bell(struct terminal *terminal);

/* The next key (station/screens/input.h), if one waits. Beyond ASCII all are INPUT_OTHER. */
bool terminal_key(struct terminal *terminal, uint32_t *ret_key);
/* The next raw byte past curses, for a PIN that must not rest in its buffers. */
bool terminal_byte(struct terminal *terminal, uint8_t *ret_byte);

#endif
