/*
 * Private to people. Table operator: one row per ID that ever was, since the log
 * names it; a badge is unique among those that are not disabled, so that it can be
 * handed on. changes counts what was changed, and makes the keys of audit entries.
 */
#ifndef STATION_PEOPLE_PEOPLE_INTERNAL_H
#define STATION_PEOPLE_PEOPLE_INTERNAL_H

#include "audit/audit.h"
#include "station/people/people.h"

#define PIN_SALT_LEN    16
#define PIN_HASH_LEN    32
#define BADGE_MIN       4
#define BADGE_MAX       128
#define OPERATOR_NOBODY "setup" /* who adds the first one; nobody's ID */

/* A PIN as it is stored; the parameters stand beside it, so that new PINs may get stronger ones. */
struct pin {
	uint8_t salt[PIN_SALT_LEN];
	uint8_t hash[PIN_HASH_LEN];
	int64_t n, r, p; /* RFC 7914 section 2: cost, block size, parallelization */
};

/* An operator with what only this folder sees. */
struct operator
{
	struct person person;
	struct pin pin; /* if person.has_pin */
	int64_t changes;
};

/* pin.c. A failing random generator or scrypt is ERR_STATION. */
MUST_USE int pin_make(const struct secret *secret, struct pin *ret_pin, struct err *err);
MUST_USE int pin_matches(const struct pin *pin, const struct secret *secret, bool *ret_matches,
			 struct err *err);
MUST_USE int badge_hash(struct db_tx *tx, struct bytes badge, uint8_t ret[SHA256_LEN], struct err *err);

/* person.c. ERR_OPERATOR: ID, name or language is none. */
MUST_USE int person_check(const struct person *person, struct err *err);
/* What is stored of badge and PIN; made before the transaction, since it takes its time. */
struct proofs {
	bool has_badge, has_pin;
	uint8_t badge[SHA256_LEN];
	struct pin pin;
};
/* Each may be empty. ERR_OPERATOR for what no badge or PIN can be; neither text is ever said. */
MUST_USE int proofs_make(struct db *db, const struct secret *badge, const struct secret *pin,
			 struct proofs *ret_proofs, struct err *err);

/* people.c. Those that are not disabled. */
MUST_USE int operators_count(struct db_tx *tx, int64_t *ret_n, struct err *err);
/* Officers that are not disabled, but for this one ("": all). */
MUST_USE int officers_count(struct db_tx *tx, const char *but_id, int64_t *ret_n, struct err *err);
MUST_USE int operator_find(struct db_tx *tx, const char *id, struct operator* ret, bool *ret_found,
			   struct err *err);
/* Among those that are not disabled. */
MUST_USE int operator_find_badge(struct db_tx *tx, const uint8_t hash[SHA256_LEN], struct operator* ret,
				 bool *ret_found, struct err *err);

/* acts.c */
MUST_USE int change_takes_two(struct db_tx *tx, enum role of, bool *ret_two, struct err *err);

/* change.c: "operator-locked", once per lock, however often it is asked for. */
MUST_USE int record_lock(struct db_tx *tx, const struct operator* locked, int64_t at_ms, struct err *err);

#endif
