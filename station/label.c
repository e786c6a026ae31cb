/*
 * Label rules. A pattern is looked through before regcomp(3) sees it: glibc
 * expands bounded repetitions while it compiles, and back-references make it
 * backtrack. It is compiled for each scan anew, because a compiled one grows with
 * every text it has seen; a person scans once a second at most.
 */
#include "station/label.h"

#include <regex.h>
#include <stdlib.h>

#define DEPTH_MAX  8
#define REPEAT_MAX 64

/* Where a look through a pattern stands. */
struct look {
	const char *at;
	unsigned depth;
	bool repeats[DEPTH_MAX + 1]; /* per group: a bounded repetition is in it */
	bool atom_repeats;           /* the last atom is one, or holds one */
};

static int bad(struct err *err, const char *why)
{
	return err_set(err, ERR_OPERATOR, 0, "label-pattern %s", why);
}

/* [...], where a ] in first place and those of [:alpha:] are none. */
static int skip_bracket(struct look *look, struct err *err)
{
	const char *c = look->at + 1;

	if (*c == '^')
		c++;
	if (*c == ']')
		c++;
	while (*c != '\0' && *c != ']') {
		if (c[0] == '[' && (c[1] == ':' || c[1] == '.' || c[1] == '=')) {
			const char ending[] = { c[1], ']', '\0' };

			c = strstr(c + 2, ending);
			if (c == NULL)
				return bad(err, "has a [ without its ]");
			c++;
		}
		c++;
	}
	if (*c == '\0')
		return bad(err, "has a [ without its ]");
	look->at = c + 1;
	look->atom_repeats = false;
	return 0;
}

static int take_number(const char **at)
{
	int n = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		n = n > REPEAT_MAX ? n : n * 10 + (**at - '0');
	return n;
}

/* {n}, {n,} or {n,m} after an atom that has no such thing in it. */
static int take_repeat(struct look *look, struct err *err)
{
	const char *c = look->at + 1;

	if (look->atom_repeats)
		return bad(err, "repeats what repeats already");
	if (*c < '0' || *c > '9')
		return bad(err, "has a { without a number");
	if (take_number(&c) > REPEAT_MAX || (*c == ',' && (c++, take_number(&c)) > REPEAT_MAX))
		return bad(err, "repeats more often than a label is long");
	if (*c != '}')
		return bad(err, "has a { without its }");
	look->at = c + 1;
	look->atom_repeats = true;
	look->repeats[look->depth] = true;
	return 0;
}

static int open_group(struct look *look, struct err *err)
{
	if (look->depth == DEPTH_MAX)
		return bad(err, "has too many groups in groups");
	look->repeats[++look->depth] = false;
	look->at++;
	return 0;
}

static int close_group(struct look *look, struct err *err)
{
	if (look->depth == 0)
		return bad(err, "has a ) without its (");
	look->atom_repeats = look->repeats[look->depth--];
	look->repeats[look->depth] = look->repeats[look->depth] || look->atom_repeats;
	look->at++;
	return 0;
}

/* \d is no POSIX, and \1 makes matching exponential: only what is no letter or digit is escaped. */
static int skip_escape(struct look *look, struct err *err)
{
	const char c = look->at[1];

	if (c == '\0' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return bad(err, "has a \\ before a letter, a digit or nothing");
	look->at += 2;
	look->atom_repeats = false;
	return 0;
}

static int look_at(struct look *look, struct err *err)
{
	switch (*look->at) {
	case '\\':
		return skip_escape(look, err);
	case '[':
		return skip_bracket(look, err);
	case '{':
		return take_repeat(look, err);
	case '(':
		return open_group(look, err);
	case ')':
		return close_group(look, err);
	case '*':
	case '+':
	case '?': /* belongs to the atom before it */
		look->at++;
		return 0;
	default:
		if (*look->at < ' ' || *look->at > '~')
			return bad(err, "holds a character that no label has");
		look->atom_repeats = false;
		look->at++;
		return 0;
	}
}

static int look_through(const char *pattern, struct err *err)
{
	struct look look = { .at = pattern };

	while (*look.at != '\0')
		if (look_at(&look, err) < 0)
			return -1;
	return look.depth == 0 ? 0 : bad(err, "has a ( without its )");
}

/* As whole texts: the groups of the pattern are balanced, so it can't escape from ours. */
static int compile(const char *pattern, regex_t *ret_regex, struct err *err)
{
	char whole[LABEL_PATTERN_MAX + 5], why[120];
	int rc;

	if (str_format(whole, sizeof(whole), "^(%s)$", pattern) < 0)
		return bad(err, "is too long");
	rc = regcomp(ret_regex, whole, REG_EXTENDED | REG_NOSUB);
	if (rc == 0)
		return 0;
	(void)regerror(rc, ret_regex, why, sizeof(why));
	return err_set(err, ERR_OPERATOR, rc, "label-pattern: %s", why);
}

int label_pattern_check(const char *pattern, struct err *err)
{
	CLEANUP(regfree) regex_t regex = { 0 };

	if (look_through(pattern, err) < 0)
		return -1;
	return compile(pattern, &regex, err);
}

static int match_pattern(const struct label_rules *rules, const char *text, struct err *err)
{
	CLEANUP(regfree) regex_t regex = { 0 };

	if (rules->pattern[0] == '\0')
		return 0;
	if (compile(rules->pattern, &regex, err) < 0)
		return -1;
	if (regexec(&regex, text, 0, NULL, 0) != 0)
		return err_set(err, ERR_OPERATOR, 0, "the label does not look as the profile says");
	return 0;
}

/* From the right, the check digit not counted, every other digit weighs 3, the last one first. */
static int check_mod10(const char *text, size_t n, struct err *err)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return err_set(err, ERR_OPERATOR, 0, "the label is not of digits alone");
		sum += (unsigned)(text[i] - '0') * ((n - 1 - i) % 2 == 1 ? 3u : 1u);
	}
	if (sum % 10 != 0)
		return err_set(err, ERR_OPERATOR, 0, "the label's check digit is wrong");
	return 0;
}

static int check_mod43(const char *text, size_t n, struct err *err)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%";
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		const char *c = strchr(alphabet, text[i]);

		if (c == NULL)
			return err_set(err, ERR_OPERATOR, 0,
				       "the label has a character that Code 39 has not");
		if (i + 1 < n)
			sum += (size_t)(c - alphabet);
		else if (sum % 43 != (size_t)(c - alphabet))
			return err_set(err, ERR_OPERATOR, 0, "the label's check character is wrong");
	}
	return 0;
}

static int check_last(const struct label_rules *rules, const char *text, size_t n, struct err *err)
{
	if (rules->check != LABEL_CHECK_NONE && n < 2)
		return err_set(err, ERR_OPERATOR, 0, "the label is too short for a check character");
	switch (rules->check) {
	case LABEL_CHECK_MOD10:
		return check_mod10(text, n, err);
	case LABEL_CHECK_MOD43:
		return check_mod43(text, n, err);
	case LABEL_CHECK_NONE:
		break;
	}
	return 0;
}

int label_read(const struct label_rules *rules, const char *text, char ret_serial[LABEL_MAX + 1],
	       struct err *err)
{
	size_t n = strnlen(text, LABEL_MAX + 1);

	if (n == 0 || n > LABEL_MAX)
		return err_set(err, ERR_OPERATOR, 0, "a label has 1 to %d characters", LABEL_MAX);
	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return err_set(err, ERR_OPERATOR, 0,
				       "the label holds a character that can't be printed");
	if (match_pattern(rules, text, err) < 0 || check_last(rules, text, n, err) < 0)
		return -1;
	if (rules->check != LABEL_CHECK_NONE && rules->serial == LABEL_SERIAL_BEFORE_CHECK)
		n--;
	memcpy(ret_serial, text, n);
	ret_serial[n] = '\0';
	return 0;
}

bool label_names(const struct label_rules *rules, const char *text, const char *serial)
{
	char says[LABEL_MAX + 1];
	struct err err;

	return label_read(rules, text, says, &err) == 0 && strcmp(says, serial) == 0;
}
