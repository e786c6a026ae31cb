/* Tests station/screens/text.c, with the catalogues of this build: each language finds its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <libintl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "station/screens/text.h"

static int clear_environment(void **state)
{
	(void)state;
	return unsetenv("LANGUAGE") | unsetenv("LC_ALL") | unsetenv("LC_MESSAGES") | unsetenv("LC_CTYPE") |
	       unsetenv("LANG");
}

static void test_language_code_known_found(void **state)
{
	static const struct {
		const char *code, *found;
	} cases[] = {
		{ "en", "en" },
		{ "de", "de" },
		{ "de_AT.UTF-8", "de" },
		{ "de@euro", "de" },
		{ "zh_CN", "zh_CN" },
		{ "zh_CN.GB18030", "zh_CN" },
		{ "zh", "zh_CN" },
		{ "zh_TW", "zh_CN" },
		{ "es_MX", "es" },
		{ "vi_VN.utf8", "vi" },
		{ "fr:de", "de" },
		{ "en_GB:de", "en" },
		{ "fr_FR.UTF-8:es", "es" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(language_find(cases[i].code)->code, cases[i].found);
}

static void test_language_code_unknown_english(void **state)
{
	static const char *const codes[] = { "",    "C",      "C.UTF-8", "POSIX", "fr", "d",
					     "deu", "german", ":",       "fr:",   "_" };

	(void)state;
	assert_string_equal(language_find(NULL)->code, "en");
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_string_equal(language_find(codes[i])->code, "en");
}

static void test_language_next_goes_round(void **state)
{
	const struct language *language = &languages[0];

	(void)state;
	for (size_t i = 1; i < languages_n; i++) {
		language = language_next(language);
		assert_ptr_equal(language, &languages[i]);
	}
	assert_ptr_equal(language_next(language), &languages[0]);
}

static void test_text_init_environment_in_order(void **state)
{
	static const char *const names[] = { "LANG", "LC_MESSAGES", "LC_ALL", "LANGUAGE" };
	static const char *const values[] = { "de_DE.UTF-8", "es_ES", "vi", "zh_CN:de" };
	static const char *const found[] = { "de", "es", "vi", "zh_CN" };

	(void)state;
	assert_string_equal(text_init()->code, "en");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(setenv(names[i], values[i], 1), 0);
		assert_string_equal(text_init()->code, found[i]);
	}
	assert_null(getenv("LANGUAGE"));
	/* Empty is as good as unset. */
	assert_int_equal(setenv("LC_ALL", "", 1), 0);
	assert_string_equal(text_init()->code, "es");
}

/* A locale of the environment that does not exist here changes nothing: the language is a domain. */
static void test_text_every_language_finds_its_catalogue(void **state)
{
	(void)state;
	assert_int_equal(setenv("LANGUAGE", "de", 1), 0);
	assert_int_equal(setenv("LC_ALL", "de_DE.UTF-8", 1), 0);
	(void)text_init();
	for (size_t i = 0; i < languages_n; i++) {
		char line[64];

		if (languages[i].domain == NULL)
			continue;
		assert_true(snprintf(line, sizeof(line), "Language: %s\n", languages[i].code) <
			    (int)sizeof(line));
		assert_non_null(strstr(dgettext(languages[i].domain, ""), line));
	}
}

static void test_text_is_in_the_language_asked_for(void **state)
{
	static const struct {
		const char *code, *text;
	} cases[] = {
		{ "en", "Seat a unit" },  { "de", "Gerät einlegen" }, { "es", "Coloque una unidad" },
		{ "vi", "Đặt thiết bị" }, { "zh_CN", "放入设备" },
	};

	(void)state;
	(void)text_init();
	assert_int_equal(ARRAY_LEN(cases), languages_n);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(T(language_find(cases[i].code), "Seat a unit"), cases[i].text);
}

static void test_text_without_translation_english(void **state)
{
	(void)state;
	(void)text_init();
	for (size_t i = 0; i < languages_n; i++) {
		assert_string_equal(T(&languages[i], "nobody translated this"), "nobody translated this");
		assert_string_equal(T(&languages[i], ""), "");
	}
}

static void test_text_init_characters_utf8_numbers_plain(void **state)
{
	(void)state;
	assert_int_equal(setenv("LC_ALL", "de_DE.UTF-8", 1), 0);
	(void)text_init();
	assert_string_equal(setlocale(LC_CTYPE, NULL), "C.UTF-8");
	assert_string_equal(setlocale(LC_NUMERIC, NULL), "C");
	assert_int_equal(mblen("ü", 2), 2);
}

static void test_environment_utf8_by_first_that_is_set(void **state)
{
	(void)state;
	assert_false(text_environment_is_utf8());
	assert_int_equal(setenv("LANG", "en_US.utf8", 1), 0);
	assert_true(text_environment_is_utf8());
	assert_int_equal(setenv("LC_CTYPE", "de_DE.ISO-8859-1", 1), 0);
	assert_false(text_environment_is_utf8());
	assert_int_equal(setenv("LC_ALL", "C.UTF-8", 1), 0);
	(void)text_init();
	assert_true(text_environment_is_utf8());
	assert_int_equal(setenv("LC_ALL", "C", 1), 0);
	(void)text_init();
	assert_false(text_environment_is_utf8());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_language_code_known_found),
		cmocka_unit_test(test_language_code_unknown_english),
		cmocka_unit_test(test_language_next_goes_round),
		cmocka_unit_test_setup(test_text_init_environment_in_order, clear_environment),
		cmocka_unit_test_setup(test_text_every_language_finds_its_catalogue, clear_environment),
		cmocka_unit_test_setup(test_text_is_in_the_language_asked_for, clear_environment),
		cmocka_unit_test_setup(test_text_without_translation_english, clear_environment),
		cmocka_unit_test_setup(test_text_init_characters_utf8_numbers_plain, clear_environment),
		cmocka_unit_test_setup(test_environment_utf8_by_first_that_is_set, clear_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
