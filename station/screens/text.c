/*
 * A language is a domain, not a locale: a bare Debian has no locale but C.UTF-8,
 * so the catalogues of all languages lie in its folder, a domain each (station/po).
 */
#include "station/screens/text.h"

#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define CATALOGUES "/share/locale"
#define PATH_SIZE  1024
#define LOCALE     "C.UTF-8"

/* In the order of the key that changes the language. */
const struct language languages[] = {
	{ "en", "English", NULL },         { "zh_CN", "中文", "station-zh_CN" },
	{ "es", "Español", "station-es" }, { "vi", "Tiếng Việt", "station-vi" },
	{ "de", "Deutsch", "station-de" },
};
const size_t languages_n = ARRAY_LEN(languages);

/* The program is in bin, the catalogues are in share/locale beside it: in a build as when installed. */
static bool catalogues_path(char ret_path[PATH_SIZE])
{
	ssize_t len = readlink("/proc/self/exe", ret_path, PATH_SIZE - sizeof(CATALOGUES));
	char *end = ret_path;

	if (len <= 0 || (size_t)len >= PATH_SIZE - sizeof(CATALOGUES))
		return false;
	ret_path[len] = '\0';
	for (int up = 0; up < 2; up++) {
		end = strrchr(ret_path, '/');
		if (end == NULL)
			return false;
		*end = '\0';
	}
	memcpy(end, CATALOGUES, sizeof(CATALOGUES));
	return true;
}

static const char *environment(const char *const names[])
{
	for (size_t i = 0; names[i] != NULL; i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return value;
	}
	return "";
}

const struct language *text_init(void)
{
	static const char *const names[] = { "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", NULL };
	const struct language *language = language_find(environment(names));
	char path[PATH_SIZE];

	/* gettext would look for the catalogue of LANGUAGE, and strerror would follow it into the log. */
	(void)unsetenv("LANGUAGE");
	if (setlocale(LC_CTYPE, LOCALE) == NULL || setlocale(LC_MESSAGES, LOCALE) == NULL ||
	    !catalogues_path(path))
		return language;
	for (size_t i = 0; i < languages_n; i++) {
		if (languages[i].domain == NULL)
			continue;
		(void)bindtextdomain(languages[i].domain, path);
		(void)bind_textdomain_codeset(languages[i].domain, "UTF-8");
	}
	return language;
}

bool text_environment_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG", NULL };
	const char *locale = environment(names);

	return strcasestr(locale, "utf-8") != NULL || strcasestr(locale, "utf8") != NULL;
}

/* The language of code, else one that shares the part before the '_': "zh" and "zh_TW" get zh_CN. */
static const struct language *find(const char *code)
{
	size_t exact = strcspn(code, ".@:"), part = strcspn(code, "_.@:");

	for (size_t i = 0; i < languages_n; i++)
		if (bytes_equal(bytes_of(code, exact), bytes_str(languages[i].code)))
			return &languages[i];
	for (size_t i = 0; i < languages_n; i++)
		if (bytes_equal(bytes_of(code, part),
				bytes_of(languages[i].code, strcspn(languages[i].code, "_"))))
			return &languages[i];
	return NULL;
}

const struct language *language_find(const char *code)
{
	while (code != NULL && *code != '\0') {
		const struct language *language = find(code);

		if (language != NULL)
			return language;
		code += strcspn(code, ":");
		code += *code == ':' ? 1 : 0;
	}
	return &languages[0];
}

const struct language *language_next(const struct language *language)
{
	return &languages[((size_t)(language - languages) + 1) % languages_n];
}

const char *T(const struct language *language, const char *text)
{
	/* The text of "" is the catalogue's header. */
	if (language->domain == NULL || text[0] == '\0')
		return text;
	return dgettext(language->domain, text);
}
