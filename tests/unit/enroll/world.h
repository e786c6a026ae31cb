/* What the tests of enroll/ share: a database, records, a macer in software, the public test certificates. */
#ifndef TESTS_UNIT_ENROLL_WORLD_H
#define TESTS_UNIT_ENROLL_WORLD_H

#include "enroll/enroll_internal.h"

#define WORLD_NOW_MS INT64_C(1800000000000)

/* Two leaves and their thumbprints, and a CA. */
extern const char certificate_a[], certificate_b[], certificate_ca[];
extern const char thumbprint_a[], thumbprint_b[], thumbprint_ca[];

struct world {
	char dir[128];
	char db_path[160];
	struct db *db;
};
/* cmocka setup and teardown; *state is a struct world with an empty outbox. */
int world_setup(void **state);
int world_teardown(void **state);

/* HMAC-SHA256 with a key of 32 bytes: 0, 1, 2, ... */
extern const struct macer world_macer;
/* The same with another key. */
extern const struct macer other_macer;

#define TEST_EK_LEN 316

/* Queues a TPM record with job and registration ID id, and an EK that seed makes. */
void queue_tpm(struct world *world, const char *id, uint8_t seed);
/* The endorsement key that queue_tpm uses; an RSA-2048 one by its shape. */
struct bytes test_ek(uint8_t seed, uint8_t out[TEST_EK_LEN]);
int enqueue(struct db *db, const struct enroll_record *record, struct err *err);
struct enroll_counts counts(struct world *world);

/* A person queues the quarantined record of this registration ID again. */
void release(struct world *world, const char *registration_id);

/* A copy of the row of this registration ID. */
struct seen_row {
	enum enroll_state state;
	int64_t attempts;
	bool found;
	char reason[REASON_MAX];
};
struct seen_row row_of(struct world *world, const char *registration_id);

#endif
