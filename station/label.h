/*
 * Labels: what a profile says about the stickers on its units, and whether a
 * scanned text is one. Pure: text in, serial out.
 */
#ifndef STATION_LABEL_H
#define STATION_LABEL_H

#include "base/bytes.h"
#include "base/err.h"

#define LABEL_MAX         64
#define LABEL_PATTERN_MAX 128

/* The last character is computed from those before it. */
enum label_check {
	LABEL_CHECK_NONE,
	LABEL_CHECK_MOD10, /* digits; GS1 General Specifications 7.9.1 */
	LABEL_CHECK_MOD43, /* the 43 characters of Code 39; ISO/IEC 16388 annex A */
};

/* Which part of the label is the unit's serial. */
enum label_serial {
	LABEL_SERIAL_ALL,
	LABEL_SERIAL_BEFORE_CHECK,
};

struct label_rules {
	bool demanded;                       /* a unit waits until its label is scanned */
	char pattern[LABEL_PATTERN_MAX + 1]; /* POSIX extended, matches whole labels; empty: any */
	enum label_check check;
	enum label_serial serial;
};

/*
 * ERR_OPERATOR if the pattern does not compile, or could cost more than a label is worth:
 * back-references, repetitions over 64, repetitions of repetitions, groups deeper than 8.
 */
MUST_USE int label_pattern_check(const char *pattern, struct err *err);

/*
 * Is text a label under these rules? Writes the serial it stands for. ERR_OPERATOR says why not,
 * without quoting it: it may be anything.
 */
MUST_USE int label_read(const struct label_rules *rules, const char *text, char ret_serial[LABEL_MAX + 1],
			struct err *err);
/* It is one, and of this very serial. */
bool label_names(const struct label_rules *rules, const char *text, const char *serial);

#endif
