/* A unit as people name it: by its serial, or by the ID that the service knows it by. */
#ifndef STATION_FIND_H
#define STATION_FIND_H

#include "base/db.h"
#include "base/digest.h"
#include "pki/pki.h"

struct found_unit {
	char serial[129];
	char registration_id[129];
	char profile[33];
	char attest[17];
	int64_t job;
	struct buf leaf_pem; /* empty without a certificate */
	uint8_t leaf_sha256[SHA256_LEN];
};
#define FOUND_UNIT_AUTO(name)                                                                                \
	CLEANUP(found_unit_deinit) struct found_unit name = { .leaf_pem = { NULL, 0, 0, PKI_CHAIN_MAX } }
void found_unit_deinit(struct found_unit *unit);

/*
 * The unit's job that has passed, else the last released one, of this serial or this registration ID. So an ID that
 * only a released job had leads to that job, whatever its unit has now. ERR_OPERATOR if this station knows none.
 */
MUST_USE int unit_find(struct db *db, const char *name, struct found_unit *ret_unit, struct err *err);

#endif
