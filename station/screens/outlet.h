/*
 * An outlet: curses writes into a pipe, and a thread carries it to the terminal.
 * A terminal that takes nothing (a stalled connection, 9600 baud) thus never
 * stops the line; the loop asks outlet_busy and leaves out pictures instead.
 */
#ifndef STATION_SCREENS_OUTLET_H
#define STATION_SCREENS_OUTLET_H

#include <stdbool.h>

#include "base/err.h"

struct outlet;
/* terminal_fd stays the caller's, open until outlet_close returned. */
MUST_USE int outlet_open(int terminal_fd, struct outlet **ret_outlet, struct err *err);
/* What was written goes out first, for two seconds at most; every other writer of outlet_fd is closed by now. */
void outlet_close(struct outlet *outlet);
/* Where to write; blocks only when a picture is larger than the pipe: 1 MiB where the kernel grants it, else 64 KiB. */
int outlet_fd(const struct outlet *outlet);
/* What was written before has not all gone out yet. */
bool outlet_busy(const struct outlet *outlet);
/* The terminal refused a write: it is gone. */
bool outlet_broken(const struct outlet *outlet);

#endif
