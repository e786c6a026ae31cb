/*
 * A job: one unit getting its identity. The pipeline of its kind is a const
 * table of steps, run in order by job_run; the journal remembers what must not
 * happen twice. Steps speak to each other only through the fields below.
 */
#ifndef STATION_JOB_H
#define STATION_JOB_H

#include "station/station.h"

struct job;

enum effect {
	EFFECT_NONE, /* reads only: run it again whenever you like        */
	EFFECT_SAME, /* writes, but a second run leaves the same result   */
	EFFECT_ONCE, /* must not happen twice: probe before running again */
};

struct step {
	const char *name; /* stored data: never renamed, only added */
	enum effect effect;
	unsigned timeout_ms;
	bool talks; /* to the unit; else nothing in it can be the unit's fault */
	int (*run)(struct job *job, struct err *err);
	/* EFFECT_ONCE: did it happen in an earlier try, or before a crash? Reloads what the step would have produced. */
	int (*probe)(struct job *job, bool *ret_done, struct err *err);
	/* What must be durable, in the same transaction as the intent, before run may start. */
	int (*intend)(struct job *job, struct db_tx *tx, struct err *err);
};

struct pipeline {
	const char *name; /* stored data, as the steps' names */
	enum attest attest;
	enum key_source key;
	const struct step *steps;
	size_t steps_n;
};

/* Raised when a table changes; an open job of another version goes to a person. */
#define PIPELINE_VERSION 1

struct job {
	/* given */
	struct station *st;
	const struct tools *tools;
	const struct conf_slot *slot;
	const struct conf_profile *profile;
	const struct pipeline *pipeline;
	struct fixture *fixture;
	struct unit_info unit;  /* as it was seated; identify reads it again */
	struct seating seating; /* who was logged in, and which label was scanned */
	int64_t started_ms;     /* monotonic */

	/* where it stands */
	size_t next;
	struct deadline deadline; /* of the step that runs */

	/* the journal's (station/journal.h): 0 and -1 while nothing durable exists */
	int64_t id;
	int intended; /* index of the last step whose intent is durable */
	int64_t attempts;
	char intended_by[OPERATOR_ID_MAX + 1]; /* under whom that step was begun first; or empty */
	bool claimed; /* registration ID and key are the row's; cleared by who changes them */

	/* what the steps give each other */
	char registration_id[PKI_CN_MAX + 1];
	uint8_t key_sha256[SHA256_LEN]; /* of the SPKI or the EK: no two units share it */
	bool has_key_sha256;
	struct fixture_tpm *tpm;
	struct fixture_ek ek;
	unsigned ek_defects; /* set of pki_ek_defect */
	struct buf csr;
	struct pki_csr *request; /* csr, parsed and checked */
	/*
	 * Of csr's private key as it was put, if the unit can't prove it: what the unit is then asked for.
	 * 256 random bits are in the key, so its digest gives nothing away.
	 */
	uint8_t key_item_sha256[SHA256_LEN];
	bool has_key_item_sha256;
	uint8_t cert_serial[PKI_SERIAL_LEN];
	struct buf leaf;      /* DER  */
	struct buf chain_pem; /* leaf, intermediates */
	struct secret symkey;
	const char *proof; /* how verify found that the unit holds its key, in the log's words */
};

/* A job for the unit that sits on the slot. fixture and tools are borrowed. */
void job_init(struct job *job, struct station *st, const struct tools *tools, const struct conf_slot *slot,
	      struct fixture *fixture, const struct unit_info *unit);
void job_deinit(struct job *job);
/* Who was logged in when it was seated, for records; NULL: nobody. */
static inline const char *job_operator(const struct job *job)
{
	return job->seating.operator_id[0] != '\0' ? job->seating.operator_id : NULL;
}
/* Chooses profile and pipeline by the unit's model. ERR_UNIT if no profile of the slot takes it. */
MUST_USE int job_choose_profile(struct job *job, struct err *err);

/*
 * Runs the steps from where the job stands. After ERR_RETRY it may be called
 * again, with a fresh fixture if need be: it continues at the failed step, and
 * a step that may have happened is probed first.
 */
MUST_USE int job_run(struct job *job, struct err *err);
/* Asks who sits there: ERR_UNIT if it is another unit than the job's. */
MUST_USE int job_check_unit(struct job *job, const struct deadline *dl, struct err *err);
/* Drops what hangs on the fixture, so that another may take its place. */
void job_set_fixture(struct job *job, struct fixture *fixture);

/* All pipelines, for lookup and for the test that walks them. */
extern const struct pipeline job_pipelines[];
extern const size_t job_pipelines_n;

#endif
