/*
 * People: who may work at this station and what for. An operator has an ID, a
 * role, and a badge, a PIN, or both. Badges are kept as a salted SHA-256, PINs as
 * scrypt (RFC 7914); neither can be read back. Every change is an audit entry
 * that names who made it, in the same transaction.
 *
 * A station without operators asks nobody to log in: everything it records has
 * no operator. From the first one on, units wait until somebody has logged in.
 */
#ifndef STATION_PEOPLE_PEOPLE_H
#define STATION_PEOPLE_PEOPLE_H

#include "base/db.h"
#include "base/secret.h"

#define OPERATOR_ID_MAX   32 /* [a-z0-9._-], so that it fits a badge, a log and a file name */
#define OPERATOR_NAME_MAX 64
#define PEOPLE_PIN_MIN    4
#define PEOPLE_PIN_MAX    16
#define PEOPLE_WRONG_MAX  5 /* wrong PINs in a row lock an operator until somebody resets them */

/* In this order: each may do what those before it may. Stored by name. */
enum role {
	ROLE_TECHNICIAN,
	ROLE_LEAD,
	ROLE_OFFICER,
};
const char *role_name(enum role role);
/* -1 if it is none of the three. */
MUST_USE int role_parse(const char *name, enum role *ret_role);

struct person {
	char id[OPERATOR_ID_MAX + 1];
	char name[OPERATOR_NAME_MAX + 1];
	enum role role;
	char language[9]; /* "zh_CN"; empty: the station's */
	bool has_badge, has_pin;
	bool disabled;
	unsigned wrong; /* PINs in a row; PEOPLE_WRONG_MAX: locked */
};

MUST_USE int people_init(struct db *db, struct err *err);

/* Operators that are not disabled; 0 means that nobody need log in. */
MUST_USE int people_count(struct db *db, int64_t *ret_n, struct err *err);
typedef int people_visit_fn(void *arg, const struct person *person, struct err *err);
/* All, by ID. */
MUST_USE int people_each(struct db *db, people_visit_fn *visit, void *arg, struct err *err);

/* disabled ones too */
MUST_USE int people_find(struct db *db, const char *id, struct person *ret_person, bool *ret_found,
			 struct err *err);

/* Who changes people: one, or "setup" for the first officer of a station. */
struct people_change {
	const char *by;      /* operator ID */
	const char *with;    /* the second officer, where it takes two; else NULL */
	int64_t at_ms;       /* wall clock */
	const char *station; /* ID, for the audit entry */
};
/*
 * Adds an operator; badge or pin may be empty, not both. The first one of a station must be
 * an officer. ERR_OPERATOR if the ID or the badge is taken, or a text is out of its bounds; and,
 * as with the other changes, if change->by may not do it (people_check_change) any more. Adding or resetting
 * an officer takes change->with as well (people_takes_two).
 */
MUST_USE int people_add(struct db *db, const struct people_change *change, const struct person *person,
			const struct secret *badge, const struct secret *pin, struct err *err);
/*
 * Ends what the ID may do; never deleted, since the log names it. One officer may disable another: that takes
 * power away and gives none. ERR_OPERATOR if it is the last active officer.
 */
MUST_USE int people_disable(struct db *db, const struct people_change *change, const char *id,
			    struct err *err);
/* Unlocks, and sets what is given (empty: as it was). Also makes a disabled one active again. */
MUST_USE int people_reset(struct db *db, const struct people_change *change, const char *id,
			  const struct secret *badge, const struct secret *pin, struct err *err);

/* The answer to somebody who wants to log in. */
enum people_verdict {
	PEOPLE_WELCOME,   /* it is this operator                                  */
	PEOPLE_ASK_PIN,   /* the badge is right; this operator has a PIN as well  */
	PEOPLE_UNKNOWN,   /* nobody has this badge or ID, or it is disabled       */
	PEOPLE_WRONG_PIN, /* counted; ret_person->wrong says how many so far      */
	PEOPLE_LOCKED,    /* too many wrong PINs: until somebody resets it          */
};
/* Who has this badge. *ret_person is set unless PEOPLE_UNKNOWN. */
MUST_USE int people_ask_badge(struct db *db, struct bytes badge, struct person *ret_person,
			      enum people_verdict *ret_verdict, struct err *err);
/* By ID; PEOPLE_ASK_PIN if there is such an operator with a PIN. */
MUST_USE int people_ask_id(struct db *db, const char *id, struct person *ret_person,
			   enum people_verdict *ret_verdict, struct err *err);
/*
 * One try with one PIN. The try is durable as wrong before the PIN is looked at, so pulling
 * the plug wins no further tries. Takes some 50 ms and 16 MiB (scrypt). A lock is an audit entry.
 */
MUST_USE int people_ask_pin(struct db *db, const struct people_change *change, const char *id,
			    const struct secret *pin, struct person *ret_person,
			    enum people_verdict *ret_verdict, struct err *err);

/* --- Acts of two people ------------------------------------------------------------------------------ */

/* What no one may do alone. acts.c says which roles the two must have. */
enum act {
	ACT_CEREMONY, /* keys come into the token: hsm import               */
	ACT_CLOCK,    /* work goes on though the clock contradicts the log  */
	ACT_RELEASE,  /* a unit that stays refused may get a new identity   */
	ACT_TRUST,    /* batches and receipts of another station are taken  */
	ACT_OFFICER,  /* somebody becomes an officer, or an officer is reset: people_takes_two */
};
/* The two who agreed; both in the audit entry of what they did. Empty in a station without operators. */
struct witnesses {
	char first[OPERATOR_ID_MAX + 1];
	char second[OPERATOR_ID_MAX + 1];
};
/*
 * Do these two suffice? ERR_OPERATOR that says what is missing: one person twice,
 * a role too low, somebody disabled or locked.
 */
MUST_USE int people_check_act(enum act act, const struct person *first, const struct person *second,
			      struct err *err);
/*
 * The same once more in the transaction that acts, and whose entry names them: since they said who they are, somebody
 * may have been disabled, or become the station's first operator. Without operators there is nothing to check.
 */
MUST_USE int people_check_witnesses(struct db_tx *tx, enum act act, const struct witnesses *witnesses,
				    struct err *err);
/*
 * What one person may decide: a lead or an officer. In the transaction that acts, as above; id is "" in a station
 * without operators. doing: "dropping a record".
 */
MUST_USE int people_check_lead(struct db_tx *tx, const char *id, const char *doing, struct err *err);
/* "releasing a unit needs an officer, and a lead or another officer": for who asks them. */
const char *people_act_needs(enum act act);
/*
 * Whether adding or resetting somebody of that role is ACT_OFFICER: an officer, as soon as two are not disabled.
 * Otherwise one of them made the second whom the other acts need. Locked ones count: one alone can lock the other.
 */
MUST_USE int people_takes_two(struct db *db, enum role of, bool *ret_two, struct err *err);
/* Whether this person may add, disable or reset one of that role: officers all, leads technicians. ERR_OPERATOR. */
MUST_USE int people_check_change(const struct person *by, enum role of, struct err *err);

#endif
