/*
 * What an operator may be called, and which badges and PINs are taken: names end on terminals and in
 * reports, badges and PINs in what is stored of them.
 */
#include <openssl/asn1.h>

#include "station/people/people_internal.h"

static bool is_graphic(struct bytes text, uint8_t from)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < from || text.p[i] == 0x7f)
			return false;
	return true;
}

/* C0 and C1, which a terminal obeys, and what turns the direction of the text around it. */
static bool acts_on_text(unsigned long ch)
{
	return ch < 0x20 || (ch >= 0x7f && ch <= 0x9f) || (ch >= 0x2028 && ch <= 0x202e) ||
	       (ch >= 0x2066 && ch <= 0x2069);
}

/* UTF-8 that any terminal and any report may show. */
static bool is_name(struct bytes text)
{
	unsigned long ch = 0;

	while (text.len > 0) {
		const int n = UTF8_getc(text.p, (int)text.len, &ch);

		if (n <= 0 || acts_on_text(ch))
			return false;
		text = bytes_of(text.p + n, text.len - (size_t)n);
	}
	return true;
}

/* "de" or "zh_CN"; empty: the station's. */
static bool is_language(const char *text)
{
	const char *lower = "abcdefghijklmnopqrstuvwxyz", *upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (text[0] == '\0')
		return true;
	if (strspn(text, lower) != 2)
		return false;
	return text[2] == '\0' || (text[2] == '_' && strspn(text + 3, upper) == 2 && text[5] == '\0');
}

int person_check(const struct person *person, struct err *err)
{
	size_t n = strspn(person->id, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	if (n == 0 || person->id[n] != '\0' || strcmp(person->id, OPERATOR_NOBODY) == 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "operator ID \"%s\": 1 to %d of a-z, 0-9 and ._- (and not \"%s\")", person->id,
			       OPERATOR_ID_MAX, OPERATOR_NOBODY);
	if (!is_name(bytes_str(person->name)))
		return err_set(err, ERR_OPERATOR, 0, "the name is not UTF-8, or it holds control characters");
	if (!is_language(person->language))
		return err_set(err, ERR_OPERATOR, 0, "language \"%s\" is not of the form de or zh_CN",
			       person->language);
	return 0;
}

/* Neither text is ever said, not even a wrong one. */
static int check_proofs(const struct secret *badge, const struct secret *pin, struct err *err)
{
	if (badge->len > 0 &&
	    (badge->len < BADGE_MIN || badge->len > BADGE_MAX || !is_graphic(secret_bytes(badge), 0x20)))
		return err_set(err, ERR_OPERATOR, 0,
			       "a badge has %d to %d characters, none of them a control character", BADGE_MIN,
			       BADGE_MAX);
	if (pin->len > 0 &&
	    (pin->len < PEOPLE_PIN_MIN || pin->len > PEOPLE_PIN_MAX || !is_graphic(secret_bytes(pin), 0x21)))
		return err_set(err, ERR_OPERATOR, 0, "a PIN has %d to %d characters without blanks",
			       PEOPLE_PIN_MIN, PEOPLE_PIN_MAX);
	return 0;
}

int proofs_make(struct db *db, const struct secret *badge, const struct secret *pin, struct proofs *ret,
		struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };

	if (check_proofs(badge, pin, err) < 0)
		return -1;
	*ret = (struct proofs){ .has_badge = badge->len > 0, .has_pin = pin->len > 0 };
	if (ret->has_pin && pin_make(pin, &ret->pin, err) < 0)
		return -1;
	if (!ret->has_badge)
		return 0;
	db_read_begin(db, &tx);
	return badge_hash(&tx, secret_bytes(badge), ret->badge, err);
}
