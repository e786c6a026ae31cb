/*
 * Pairing: which label belongs to which slot. A label and a slot's barcode that
 * are scanned one right after the other belong together. A label alone belongs to
 * the unit that reports the same serial, wherever it sits now or is seated soon,
 * and to no other slot that is scanned after it.
 * Nothing is ever bound by guess.
 *
 * Pure: the caller brings scans, seats and times (monotonic). Slots are numbers.
 */
#ifndef STATION_PAIRING_H
#define STATION_PAIRING_H

#include "station/conf.h"
#include "station/events.h"

#define PAIRING_MS       30000 /* so long a scan waits for its other half */
#define PAIRING_HELD_MAX 32

struct pairing_slot {
	bool seated, begun; /* begun: its label is not asked for any more */
	char serial[65];
	const struct label_rules *rules;
	char label[LABEL_MAX + 1]; /* bound; empty: none */
	int64_t until_ms;          /* of a label that waits for a unit to be seated */
	enum scan_fate untold;     /* what became of the label when the unit came */
};

struct pairing {
	size_t slots_n;
	struct pairing_slot slots[CONF_SLOTS_MAX];
	struct pairing_held {
		char label[LABEL_MAX + 1];
		int64_t until_ms;
	} held[PAIRING_HELD_MAX];
	size_t held_n;
	/* The last scan, while its other half may follow. */
	struct {
		enum { LAST_NONE, LAST_LABEL, LAST_SLOT } what;
		char label[LABEL_MAX + 1];
		size_t slot;
		int64_t until_ms;
	} last;
};

struct pairing_answer {
	enum scan_fate fate;
	bool has_slot;
	size_t slot;
	char label[LABEL_MAX + 1];
};

void pairing_init(struct pairing *pairing, size_t slots_n);

/* A label was scanned. SCAN_NONE: too many are held already, this one is not. */
struct pairing_answer pairing_label(struct pairing *pairing, const char *label, int64_t now_ms);
/* A slot's barcode was scanned. */
struct pairing_answer pairing_slot(struct pairing *pairing, size_t slot, int64_t now_ms);
/* Something was scanned that could not be read: what came before it and what comes after are no pair. */
void pairing_break(struct pairing *pairing);

/* A unit sits on the slot and waits; the label that is bound to it, or an empty text. Borrowed. */
const char *pairing_sit(struct pairing *pairing, size_t slot, const char *serial,
			const struct label_rules *rules);
/* The unit that sits there starts: what is scanned for the slot from now on comes too late. */
void pairing_begin(struct pairing *pairing, size_t slot);
/* The slot is free. */
void pairing_leave(struct pairing *pairing, size_t slot);

/* What is to be told: a scan that waited too long, a label whose unit came. False when there is no more. */
bool pairing_next(struct pairing *pairing, int64_t now_ms, struct pairing_answer *ret_answer);

#endif
