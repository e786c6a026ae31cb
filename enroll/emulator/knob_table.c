/*
 * All knobs by name: what the command line and PUT /_knobs take, within the same
 * bounds. A knob that is not named has its default, which is to do nothing.
 */
#include "enroll/emulator/dps_internal.h"

#include <stddef.h>
#include <stdlib.h>

enum knob_type {
	KNOB_COUNT,  /* unsigned */
	KNOB_SIGNED, /* int      */
	KNOB_WORD,   /* unsigned, an index of words */
};

struct knob {
	const char *name;
	enum knob_type type;
	size_t offset; /* in struct dps_knobs */
	int least, most, normal;
	const char *const *words; /* most + 1 of them */
};

static const char *const tls_words[] = { "good", "expired", "other-host" };
static const char *const garble_words[] = { "portal", "text", "duplicate", "unknown-field", "huge" };

#define COUNT(name, member, least, most, normal)                                                             \
	{                                                                                                    \
		name, KNOB_COUNT, offsetof(struct dps_knobs, member), least, most, normal, NULL              \
	}
#define SIGNED(name, member, least, most, normal)                                                            \
	{                                                                                                    \
		name, KNOB_SIGNED, offsetof(struct dps_knobs, member), least, most, normal, NULL             \
	}
#define WORD(name, member, words)                                                                            \
	{                                                                                                    \
		name, KNOB_WORD, offsetof(struct dps_knobs, member), 0, (int)ARRAY_LEN(words) - 1, 0, words  \
	}

static const char *const role_words[] = { "contributor", "reader", "none" };

static const struct knob knobs_by_name[] = {
	COUNT("operations-per-minute", operations_per_minute, 0, 10000000, 0),
	SIGNED("retry-after", retry_after_s, -1, 86400, -1),
	COUNT("latency-ms", latency_ms, 0, 600000, 0),
	COUNT("fail-every", fail_every, 0, 1000000, 0),
	COUNT("fail-status", fail_status, 400, 599, 500),
	COUNT("drop-reply-every", drop_reply_every, 0, 1000000, 0),
	COUNT("fail-item-every", fail_item_every, 0, 1000000, 0),
	COUNT("registrations-per-minute", registrations_per_minute, 0, 10000000, 0),
	COUNT("polls-per-10-s", polls_per_10_s, 0, 1000000, 0),
	COUNT("assigning-polls", assigning_polls, 0, 1000, 1),
	COUNT("poll-retry-after", poll_retry_after_s, 0, 300, 3),
	COUNT("reset-before-every", reset_before_every, 0, 1000000, 0),
	COUNT("reset-after-every", reset_after_every, 0, 1000000, 0),
	COUNT("wrong-etag-every", wrong_etag_every, 0, 1000000, 0),
	COUNT("garble-every", garble_every, 0, 1000000, 0),
	WORD("garble-as", garble_as, garble_words),
	SIGNED("clock-skew-s", clock_skew_s, -100000000, 100000000, 0),
	WORD("tls", tls, tls_words),
	COUNT("token-lifetime-s", token_lifetime_s, 0, 86400, 3599),
	COUNT("token-fail-every", token_fail_every, 0, 1000000, 0),
	WORD("bearer-role", bearer_role, role_words),
};

static void put(struct dps_knobs *knobs, const struct knob *knob, int value)
{
	void *at = (char *)knobs + knob->offset;

	if (knob->type == KNOB_SIGNED)
		*(int *)at = value;
	else
		*(unsigned *)at = (unsigned)value;
}

static int get(const struct dps_knobs *knobs, const struct knob *knob)
{
	const void *at = (const char *)knobs + knob->offset;

	return knob->type == KNOB_SIGNED ? *(const int *)at : (int)*(const unsigned *)at;
}

static const struct knob *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(knobs_by_name); i++) {
		if (strcmp(knobs_by_name[i].name, name) == 0)
			return &knobs_by_name[i];
	}
	return NULL;
}

const char *dps_knob_name(size_t i)
{
	return i < ARRAY_LEN(knobs_by_name) ? knobs_by_name[i].name : NULL;
}

void dps_knobs_init(struct dps_knobs *knobs)
{
	*knobs = (struct dps_knobs){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(knobs_by_name); i++)
		put(knobs, &knobs_by_name[i], knobs_by_name[i].normal);
}

static int out_of_bounds(const struct knob *knob, const char *text, struct err *err)
{
	return err_set(err, ERR_OPERATOR, 0, "%.40s is not a number from %d to %d", text, knob->least,
		       knob->most);
}

static int set_number(struct dps_knobs *knobs, const struct knob *knob, const char *text, struct err *err)
{
	const char *digits = text + (text[0] == '-' ? 1 : 0);
	size_t n = strspn(digits, "0123456789");
	long value = n > 0 && n < 10 && digits[n] == '\0' ? strtol(text, NULL, 10) : (long)knob->most + 1;

	if (value < knob->least || value > knob->most)
		return out_of_bounds(knob, text, err);
	put(knobs, knob, (int)value);
	return 0;
}

static int set_word(struct dps_knobs *knobs, const struct knob *knob, const char *text, struct err *err)
{
	for (int i = 0; i <= knob->most; i++) {
		if (strcmp(knob->words[i], text) == 0) {
			put(knobs, knob, i);
			return 0;
		}
	}
	return err_set(err, ERR_OPERATOR, 0, "%.40s is none of its words", text);
}

int dps_knob_set(struct dps_knobs *knobs, const char *name, const char *text, struct err *err)
{
	const struct knob *knob = find(name);

	if (knob == NULL)
		return err_set(err, ERR_OPERATOR, 0, "there is no knob %.60s", name);
	return knob->type == KNOB_WORD ? set_word(knobs, knob, text, err)
				       : set_number(knobs, knob, text, err);
}

static int set_json(struct dps_knobs *knobs, const char *name, const json_t *value, struct err *err)
{
	char number[24];

	if (json_is_string(value))
		return dps_knob_set(knobs, name, json_string_value(value), err);
	if (!json_is_integer(value) ||
	    str_format(number, sizeof(number), "%lld", (long long)json_integer_value(value)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "%.60s is neither a number nor a word", name);
	return dps_knob_set(knobs, name, number, err);
}

int dps_knobs_from_json(json_t *doc, struct dps_knobs *ret_knobs, struct err *err)
{
	struct dps_knobs knobs;
	const char *name;
	json_t *value;

	dps_knobs_init(&knobs);
	json_object_foreach(doc, name, value)
	{
		if (set_json(&knobs, name, value, err) < 0)
			return err_wrap(err, "knob %s", name);
	}
	*ret_knobs = knobs;
	return 0;
}

json_t *dps_knobs_json(const struct dps_knobs *knobs)
{
	json_t *doc = json_object();

	for (size_t i = 0; i < ARRAY_LEN(knobs_by_name); i++) {
		const struct knob *knob = &knobs_by_name[i];
		int value = get(knobs, knob);
		json_t *shown =
			knob->type == KNOB_WORD ? json_string(knob->words[value]) : json_integer(value);

		if (json_object_set_new(doc, knob->name, shown) < 0) {
			json_decref(doc);
			return NULL;
		}
	}
	return doc;
}
