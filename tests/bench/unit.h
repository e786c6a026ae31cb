/* A unit in memory whose key and CSR were made before the clock started: the pipeline's cost, not the device's. */
#ifndef TESTS_BENCH_UNIT_H
#define TESTS_BENCH_UNIT_H

#include "fixtures/fixture.h"

struct evp_pkey_st;

struct bench_unit {
	struct unit_info info;
	struct evp_pkey_st *key;
	struct buf csr;
	struct buf items[UNIT_ITEM_DPS + 1];
};

/* Makes key and CSR; serial is its registration ID. */
MUST_USE int bench_unit_init(struct bench_unit *unit, unsigned number, struct err *err);
void bench_unit_deinit(struct bench_unit *unit);
/* impl is a struct bench_unit. */
extern const struct fixture_ops bench_unit_ops;

#endif
