/*
 * From UTF-8 to cells. Strict, since the text may come from a device: what is
 * not one printable character by RFC 3629 and wcwidth(3) is a question mark.
 * The plain forms keep a serial console readable in languages with accents.
 */
#include "station/screens/glyph.h"

#include <wchar.h>

/* Invisible, but not harmless: they join, hide or turn the text around them. */
static const struct {
	uint32_t first, last;
} refused[] = {
	{ 0x0000, 0x001f }, /* C0 */
	{ 0x007f, 0x009f }, /* DEL, C1 */
	{ 0x00ad, 0x00ad }, /* soft hyphen */
	{ 0x061c, 0x061c }, /* Arabic letter mark */
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
};

static const struct {
	uint32_t ch;
	const char *plain;
} drawn[] = {
	{ 0x00a0, " " },   { 0x00a1, "!" },   { 0x00ab, "<" },  { 0x00b0, " " },  { 0x00b5, "u" },
	{ 0x00b7, "." },   { 0x00bb, ">" },   { 0x00c4, "A" },  { 0x00c6, "AE" }, { 0x00df, "ss" },
	{ 0x00e6, "ae" },  { 0x01a0, "O" },   { 0x01a1, "o" },  { 0x01af, "U" },  { 0x01b0, "u" },
	{ 0x0152, "OE" },  { 0x0153, "oe" },  { 0x2013, "-" },  { 0x2014, "-" },  { 0x2018, "'" },
	{ 0x2019, "'" },   { 0x201a, "'" },   { 0x201c, "\"" }, { 0x201d, "\"" }, { 0x201e, "\"" },
	{ 0x2022, "*" },   { 0x2026, "..." }, { 0x2190, "<" },  { 0x2191, "^" },  { 0x2192, ">" },
	{ 0x2193, "v" },   { 0x2500, "-" },   { 0x2502, "|" },  { 0x250c, "+" },  { 0x2510, "+" },
	{ 0x2514, "+" },   { 0x2518, "+" },   { 0x251c, "+" },  { 0x2524, "+" },  { 0x252c, "+" },
	{ 0x2534, "+" },   { 0x253c, "+" },   { 0x2550, "=" },  { 0x2551, "|" },  { 0x2554, "#" },
	{ 0x2557, "#" },   { 0x255a, "#" },   { 0x255d, "#" },  { 0x2581, "_" },  { 0x2582, "_" },
	{ 0x2583, "_" },   { 0x2584, "#" },   { 0x2585, "#" },  { 0x2586, "#" },  { 0x2587, "#" },
	{ 0x2588, "#" },   { 0x2591, "." },   { 0x2592, "." },  { 0x2593, "#" },  { 0x25b6, ">" },
	{ 0x25ba, ">" },   { 0x25cf, "*" },   { 0x25cb, "o" },  { 0x2713, "OK" }, { 0x2714, "[OK]" },
	{ 0x2717, "[X]" }, { 0x2718, "[X]" }, { 0x26a0, "!" },
};

/* Base letters, in the order of the code points from first on. */
static const struct {
	uint32_t first;
	const char *letters;
} bases[] = {
	{ 0x00c0, "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty" },
	{ 0x0100, "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLl"
		  "NnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs" },
	/* Vietnamese */
	{ 0x1ea0, "AaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEeEeEeEeEeIiIiOoOoOoOoOoOoOoOoOoOoOoOo"
		  "UuUuUuUuUuUuUuYyYyYyYy" },
};

/* RFC 3629 4: the bytes of a character by its first one; 0 if none begins so. */
static int sequence_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* Returns how many bytes were taken, with *ret_ch 0xffffffff for one that is no UTF-8. */
static int take_code_point(const char *text, uint32_t *ret_ch)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *p = (const uint8_t *)text;
	int len = sequence_length(p[0]);
	uint32_t ch;

	*ret_ch = UINT32_MAX;
	if (len == 0)
		return 1;
	ch = len == 1 ? p[0] : p[0] & (0x7fU >> len);
	for (int i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		ch = ch << 6 | (p[i] & 0x3f);
	}
	if (ch < least[len] || ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff))
		return 1;
	*ret_ch = ch;
	return len;
}

static bool is_refused(uint32_t ch)
{
	if (ch > 0x10ffff)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (ch >= refused[i].first && ch <= refused[i].last)
			return true;
	return false;
}

bool glyph_take(const char **text, struct glyph *ret_glyph)
{
	uint32_t ch;
	int width;

	if (**text == '\0')
		return false;
	*text += take_code_point(*text, &ch);
	width = is_refused(ch) ? -1 : wcwidth((wchar_t)ch);
	*ret_glyph = width < 0 ? (struct glyph){ { '?' }, 1, 1 } : (struct glyph){ { ch }, width > 0, width };
	return true;
}

static void set_letters(struct glyph *glyph, const char *letters)
{
	for (glyph->n = 0; letters[glyph->n] != '\0' && glyph->n < (int)ARRAY_LEN(glyph->ch); glyph->n++)
		glyph->ch[glyph->n] = (uint8_t)letters[glyph->n];
	glyph->cols = glyph->n;
}

void glyph_plain(struct glyph *glyph)
{
	uint32_t ch = glyph->ch[0];

	if (glyph->n == 0 || ch < 0x80)
		return;
	for (size_t i = 0; i < ARRAY_LEN(drawn); i++)
		if (drawn[i].ch == ch) {
			set_letters(glyph, drawn[i].plain);
			return;
		}
	for (size_t i = 0; i < ARRAY_LEN(bases); i++)
		if (ch >= bases[i].first && ch - bases[i].first < strlen(bases[i].letters)) {
			glyph->ch[0] = (uint8_t)bases[i].letters[ch - bases[i].first];
			return;
		}
	set_letters(glyph, "?");
}

bool glyph_take_for(const struct canvas *canvas, const char **text, struct glyph *ret_glyph)
{
	if (!glyph_take(text, ret_glyph))
		return false;
	if (!canvas->utf8)
		glyph_plain(ret_glyph);
	return true;
}
