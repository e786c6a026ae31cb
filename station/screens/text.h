/*
 * Texts in the operator's language: gettext (dgettext with a domain per
 * language, station-de, station-es …, so that the language changes while threads
 * run without touching the environment). A text without a translation is shown
 * in English. Only the main thread calls this.
 */
#ifndef STATION_SCREENS_TEXT_H
#define STATION_SCREENS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct language {
	const char *code;   /* "en", "de", "es", "vi", "zh_CN" */
	const char *name;   /* in itself: "Deutsch" */
	const char *domain; /* NULL for English */
};
extern const struct language languages[];
extern const size_t languages_n;

/*
 * Once, before any thread: locale for characters, catalogues beside the program, LANGUAGE unset.
 * Returns the language that the environment asks for (LANGUAGE, LC_ALL, LC_MESSAGES, LANG).
 */
const struct language *text_init(void);
/*
 * Whether the terminal shows UTF-8, as LC_ALL, LC_CTYPE or LANG says; text_init sets the
 * program's own locale to UTF-8 whatever they say. Before any thread, too.
 */
bool text_environment_is_utf8(void);

/* The language that code names ("de", "de_AT.UTF-8", "zh_CN"; of "fr:de" the first we have), or English. */
const struct language *language_find(const char *code);
/* The one after it, for the key that changes the language. */
const struct language *language_next(const struct language *language);

/* The text in this language. xgettext finds T(language, "…") and N_("…"). */
const char *T(const struct language *language, const char *text) __attribute__((format_arg(2)));
#define N_(text) text

#endif
