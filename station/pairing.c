/*
 * The pairing. A wait ends only when pairing_next tells so, so that no scan is
 * forgotten in silence. Slots are at most 32 and held labels as many: everything
 * is found by looking through them.
 */
#include "station/pairing.h"

void pairing_init(struct pairing *pairing, size_t slots_n)
{
	*pairing = (struct pairing){ .slots_n = slots_n };
}

static struct pairing_answer answer(enum scan_fate fate, const char *label)
{
	struct pairing_answer a = { .fate = fate };

	str_clip(a.label, sizeof(a.label), label);
	return a;
}

static struct pairing_answer answer_on(size_t slot, enum scan_fate fate, const char *label)
{
	struct pairing_answer a = answer(fate, label);

	a.has_slot = true;
	a.slot = slot;
	return a;
}

static enum scan_fate compare(const struct pairing_slot *slot, const char *label)
{
	return label_names(slot->rules, label, slot->serial) ? SCAN_MATCHED : SCAN_MISMATCH;
}

static void drop_held(struct pairing *pairing, size_t i)
{
	pairing->held[i] = pairing->held[--pairing->held_n];
}

/* The label has found its place: it waits nowhere else. */
static void forget_elsewhere(struct pairing *pairing, const char *label)
{
	for (size_t i = 0; i < pairing->held_n; i++)
		if (strcmp(pairing->held[i].label, label) == 0)
			drop_held(pairing, i--);
	for (size_t i = 0; i < pairing->slots_n; i++)
		if (!pairing->slots[i].seated && strcmp(pairing->slots[i].label, label) == 0)
			pairing->slots[i].label[0] = '\0';
}

static struct pairing_answer bind(struct pairing *pairing, size_t i, const char *label, int64_t now_ms)
{
	struct pairing_slot *slot = &pairing->slots[i];

	forget_elsewhere(pairing, label);
	if (slot->begun)
		return answer_on(i, compare(slot, label), label);
	str_clip(slot->label, sizeof(slot->label), label);
	slot->until_ms = now_ms + PAIRING_MS;
	slot->untold = SCAN_NONE;
	return answer_on(i, slot->seated ? compare(slot, label) : SCAN_HELD, label);
}

static bool hold(struct pairing *pairing, const char *label, int64_t now_ms)
{
	size_t i = 0;

	while (i < pairing->held_n && strcmp(pairing->held[i].label, label) != 0)
		i++;
	if (i == PAIRING_HELD_MAX)
		return false;
	if (i == pairing->held_n)
		pairing->held_n++;
	str_clip(pairing->held[i].label, sizeof(pairing->held[i].label), label);
	pairing->held[i].until_ms = now_ms + PAIRING_MS;
	return true;
}

/* The slot whose unit reports the serial that this label stands for; slots_n if none does. */
static size_t find_unit(const struct pairing *pairing, const char *label)
{
	size_t i = 0;

	while (i < pairing->slots_n &&
	       !(pairing->slots[i].seated && compare(&pairing->slots[i], label) == SCAN_MATCHED))
		i++;
	return i;
}

struct pairing_answer pairing_label(struct pairing *pairing, const char *label, int64_t now_ms)
{
	size_t slot;

	if (pairing->last.what == LAST_SLOT) {
		pairing->last.what = LAST_NONE;
		return bind(pairing, pairing->last.slot, label, now_ms);
	}
	/* Also when its unit is found: who scans slots after labels does so always. */
	pairing->last.what = LAST_LABEL;
	pairing->last.until_ms = now_ms + PAIRING_MS;
	str_clip(pairing->last.label, sizeof(pairing->last.label), label);
	slot = find_unit(pairing, label);
	if (slot < pairing->slots_n)
		return bind(pairing, slot, label, now_ms);
	return answer(hold(pairing, label, now_ms) ? SCAN_HELD : SCAN_NONE, label);
}

/* Of a label that has found its unit the slot's barcode is only confirmed; any other slot waits for its own label. */
static bool is_pair(const struct pairing *pairing, const char *label, size_t slot)
{
	const struct pairing_slot *at = &pairing->slots[slot];

	return (at->seated && compare(at, label) == SCAN_MATCHED) ||
	       find_unit(pairing, label) == pairing->slots_n;
}

struct pairing_answer pairing_slot(struct pairing *pairing, size_t slot, int64_t now_ms)
{
	if (pairing->last.what == LAST_LABEL && is_pair(pairing, pairing->last.label, slot)) {
		pairing->last.what = LAST_NONE;
		return bind(pairing, slot, pairing->last.label, now_ms);
	}
	pairing->last.what = LAST_SLOT;
	pairing->last.slot = slot;
	pairing->last.until_ms = now_ms + PAIRING_MS;
	return answer_on(slot, SCAN_SLOT, "");
}

void pairing_break(struct pairing *pairing)
{
	pairing->last.what = LAST_NONE;
}

/* A label that was scanned before its unit came. */
static void take_held(struct pairing *pairing, struct pairing_slot *slot)
{
	for (size_t i = 0; i < pairing->held_n; i++) {
		if (compare(slot, pairing->held[i].label) != SCAN_MATCHED)
			continue;
		str_clip(slot->label, sizeof(slot->label), pairing->held[i].label);
		slot->untold = SCAN_MATCHED;
		drop_held(pairing, i);
		return;
	}
}

const char *pairing_sit(struct pairing *pairing, size_t i, const char *serial,
			const struct label_rules *rules)
{
	struct pairing_slot *slot = &pairing->slots[i];

	if (slot->seated && strcmp(slot->serial, serial) != 0)
		pairing_leave(pairing, i);
	slot->rules = rules;
	if (slot->seated)
		return slot->label;
	slot->seated = true;
	str_clip(slot->serial, sizeof(slot->serial), serial);
	if (slot->label[0] != '\0')
		slot->untold = compare(slot, slot->label);
	else
		take_held(pairing, slot);
	return slot->label;
}

void pairing_begin(struct pairing *pairing, size_t slot)
{
	pairing->slots[slot].begun = true;
}

void pairing_leave(struct pairing *pairing, size_t i)
{
	struct pairing_slot *slot = &pairing->slots[i];

	/* What was scanned for the next unit stays. */
	if (!slot->seated)
		return;
	/* The last label was this unit's: the next slot that is scanned is another's. */
	if (pairing->last.what == LAST_LABEL && compare(slot, pairing->last.label) == SCAN_MATCHED)
		pairing->last.what = LAST_NONE;
	*slot = (struct pairing_slot){ 0 };
}

static bool next_of_slot(struct pairing *pairing, size_t i, int64_t now_ms, struct pairing_answer *ret)
{
	struct pairing_slot *slot = &pairing->slots[i];

	if (slot->untold != SCAN_NONE) {
		*ret = answer_on(i, slot->untold, slot->label);
		slot->untold = SCAN_NONE;
		return true;
	}
	if (slot->seated || slot->label[0] == '\0' || slot->until_ms > now_ms)
		return false;
	*ret = answer_on(i, SCAN_EXPIRED, slot->label);
	slot->label[0] = '\0';
	return true;
}

static bool next_held(struct pairing *pairing, int64_t now_ms, struct pairing_answer *ret)
{
	for (size_t i = 0; i < pairing->held_n; i++) {
		if (pairing->held[i].until_ms > now_ms)
			continue;
		*ret = answer(SCAN_EXPIRED, pairing->held[i].label);
		drop_held(pairing, i);
		return true;
	}
	return false;
}

bool pairing_next(struct pairing *pairing, int64_t now_ms, struct pairing_answer *ret_answer)
{
	for (size_t i = 0; i < pairing->slots_n; i++)
		if (next_of_slot(pairing, i, now_ms, ret_answer))
			return true;
	if (next_held(pairing, now_ms, ret_answer))
		return true;
	if (pairing->last.what == LAST_NONE || pairing->last.until_ms > now_ms)
		return false;
	/* A label is told where it is held. */
	*ret_answer = answer_on(pairing->last.slot, SCAN_EXPIRED, "");
	if (pairing->last.what == LAST_LABEL) {
		pairing->last.what = LAST_NONE;
		return false;
	}
	pairing->last.what = LAST_NONE;
	return true;
}
