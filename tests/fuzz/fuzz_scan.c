/*
 * Everything that a scanner's text goes through: lines, label rules, pairing. The first line is a
 * label-pattern; of the others "+N…" seats a unit that reports the rest on slot N, "*N" starts it, "-N" takes
 * it out, "#N" is the slot's barcode, "!" something unreadable, and all else may be a label. A second goes by each time.
 */
#include <stdlib.h>

#include "station/desk.h"
#include "station/pairing.h"
#include "station/scan_lines.h"

#define SLOTS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_answer(const struct pairing *p, struct pairing_answer answer)
{
	must(!answer.has_slot || answer.slot < SLOTS);
	must(strlen(answer.label) <= LABEL_MAX && p->held_n <= PAIRING_HELD_MAX);
	if (answer.fate != SCAN_MATCHED)
		return;
	must(answer.has_slot && p->slots[answer.slot].seated);
	must(label_names(p->slots[answer.slot].rules, answer.label, p->slots[answer.slot].serial));
}

static void take_label(struct pairing *p, const struct label_rules *rules, const char *text, int64_t now_ms)
{
	char serial[LABEL_MAX + 1];
	struct err err = { 0 };

	if (label_read(rules, text, serial, &err) == 0) {
		must(strncmp(text, serial, strlen(serial)) == 0);
		check_answer(p, pairing_label(p, text, now_ms));
	} else {
		must(err.class == ERR_OPERATOR && err.what[0] != '\0');
		pairing_break(p);
	}
}

static void take_text(struct pairing *p, const struct label_rules *rules, const char *text, int64_t now_ms)
{
	size_t slot = text[1] != '\0' ? (size_t)text[1] % SLOTS : 0;
	struct pairing_answer told;

	if (text[0] == '+')
		(void)pairing_sit(p, slot, text[1] != '\0' ? text + 2 : "", rules);
	else if (text[0] == '*' && p->slots[slot].seated)
		pairing_begin(p, slot);
	else if (text[0] == '-')
		pairing_leave(p, slot);
	else if (text[0] == '#')
		check_answer(p, pairing_slot(p, slot, now_ms));
	else if (text[0] == '!')
		pairing_break(p);
	else
		take_label(p, rules, text, now_ms);
	while (pairing_next(p, now_ms, &told))
		check_answer(p, told);
}

/* The rules that the first line chooses: its first character the check, the rest the pattern. */
static void take_rules(struct label_rules *rules, const char *text)
{
	struct err err = { 0 };

	rules->check = (enum label_check)((unsigned char)text[0] % 3);
	rules->serial = text[0] > 'P' ? LABEL_SERIAL_BEFORE_CHECK : LABEL_SERIAL_ALL;
	if (label_pattern_check(text + 1, &err) == 0)
		str_clip(rules->pattern, sizeof(rules->pattern), text + 1);
	else
		must(err.class == ERR_OPERATOR && err.what[0] != '\0');
}

struct world {
	struct scan_lines lines;
	struct label_rules rules;
	bool has_rules;
	int64_t now_ms;
	struct pairing pairing;
};

static void take_lines(struct world *w)
{
	struct bytes line = BYTES_NONE;
	enum scan_line what;
	char text[SCAN_MAX + 1];

	while ((what = scan_lines_next(&w->lines, &line)) != SCAN_LINE_NONE) {
		if (what == SCAN_LINE_REFUSED)
			continue;
		must(line.len > 0 && bytes_to_str(line, text, sizeof(text)) == 0);
		if (w->has_rules)
			take_text(&w->pairing, &w->rules, text, w->now_ms += 1000);
		else
			take_rules(&w->rules, text);
		w->has_rules = true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err err;

	must(w != NULL && scan_lines_init(&w->lines, &err) == 0);
	pairing_init(&w->pairing, SLOTS);
	while (size > 0) {
		size_t room, n;
		uint8_t *to = scan_lines_room(&w->lines, &room);

		must(room > 0);
		n = size < room ? size : room;
		n = n > 100 ? 100 : n;
		memcpy(to, data, n);
		scan_lines_add(&w->lines, n);
		data += n;
		size -= n;
		take_lines(w);
	}
	scan_lines_deinit(&w->lines);
	free(w);
	return 0;
}
