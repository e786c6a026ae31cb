/*
 * Texts in the operator's language: gettext (dgettext with a domain per
 * language, station-de, station-es …, so that the language changes while threads
 * run without touching the environment). A text without a translation is shown
 * in English. Only the main thread calls this.
 */
#ifndef STATION_SCREENS_TEXT_H
#define STATION_SCREENS_TEXT_H

#include <stddef.h>

#include "base/cleanup.h"

struct language {
	const char *code;   /* "en", "de", "es", "vi", "zh_CN" */
	const char *name;   /* in itself: "Deutsch" */
	const char *domain; /* NULL for English */
};
extern const struct language languages[];
extern const size_t languages_n;

/* Once, before any thread: locale for characters, catalogues beside the program, LANGUAGE unset. */
void text_init(void);
/* The language that code names ("de", "de_AT.UTF-8", "zh_CN"), or English. */
const struct language *language_find(const char *code);
/* The one after it, for the key that changes the language. */
const struct language *language_next(const struct language *language);

/* The text in this language. xgettext finds T(language, "…") and N_("…"). */
const char *T(const struct language *language, const char *text);
#define N_(text) text

#endif
