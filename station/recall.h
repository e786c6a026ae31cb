/* Which units: those that a recall is about, or that an auditor asks for. */
#ifndef STATION_RECALL_H
#define STATION_RECALL_H

#include "station/journal.h"

/* NULL and 0: whatever it is. All that is given must fit. */
struct recall {
	const char *certificate; /* its SHA-256, or its serial number: hexadecimal, colons or not */
	const char *key;         /* SHA-256 of the SubjectPublicKeyInfo, or of the derived key, hexadecimal */
	const char *issuer;      /* CN of who signed the certificate */
	const char *operator_id; /* under whom its last step was begun */
	const char *profile, *slot;
	int64_t since_ms, until_ms; /* when it passed, or was begun if it has not; until is not included */
};

/*
 * Jobs of all states, oldest first; *ret_n of them. Certificate numbers, keys, operators and times are found by
 * index, the rest by looking at what those leave. ERR_OPERATOR if a text is not what it must be.
 */
MUST_USE int recall_each(struct db *db, const struct recall *recall, journal_visit_fn *visit, void *arg,
			 int64_t *ret_n, struct err *err);
/* "2026-11-22" (its first moment) or "2026-11-22T08:00:00Z". ERR_OPERATOR. */
MUST_USE int recall_time(const char *text, int64_t *ret_ms, struct err *err);

#endif
