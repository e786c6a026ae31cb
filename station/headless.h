/*
 * A line without screens: prints what happens, and takes the lines of its
 * standard input as scans. While a PIN is asked for, the next line is the PIN.
 */
#ifndef STATION_HEADLESS_H
#define STATION_HEADLESS_H

#include "station/line.h"
#include "station/options.h"
#include "station/report.h"

/*
 * Until a signal, until options->count units passed or failed (one that passed before is none of them), or until
 * the station stops.
 */
MUST_USE int headless_serve(struct line *line, const struct options *options, struct tally *tally,
			    struct err *err);

#endif
