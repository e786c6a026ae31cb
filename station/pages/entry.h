/*
 * One log entry as screens show it. The log's own folder checks entries; here
 * a person only wants to see them, so what can't be read is shown as such.
 */
#ifndef STATION_PAGES_ENTRY_H
#define STATION_PAGES_ENTRY_H

#include "base/bytes.h"

#define ENTRY_MALFORMED "malformed" /* the kind of an entry that can't be read */

struct entry {
	int64_t at_ms; /* 0 when malformed */
	char kind[33], unit[65], operator_id[33], step[17];
	char text[200]; /* the cause of a failure, else "name value" of what has no column; cut */
};
/* Never fails. Texts are as they came: the canvas decides what of them is printable. */
void entry_read(struct bytes json, struct entry *ret);

#endif
