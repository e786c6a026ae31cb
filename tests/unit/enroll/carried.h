/* Two stations, line-a without a network and line-b with one, that trust each other's keys. */
#ifndef TESTS_UNIT_ENROLL_CARRIED_H
#define TESTS_UNIT_ENROLL_CARRIED_H

#include "enroll/carry.h"
#include "tests/unit/enroll/world.h"

struct side {
	struct world *world;
	struct enroll_carrier carrier;
	struct signer signer;
	uint8_t key; /* HMAC-SHA256 under it stands for a signature */
	int notes;
	int left_out;
	char last_note[32];
	char last_left_out[ENROLL_ID_MAX + 1];
};
struct pair {
	struct side a, b;
	char file[200], receipt[200];
};
int pair_setup(void **state);
int pair_teardown(void **state);

/* Jobs line-a/N of the side a; n is its registration ID as well. */
void queue_at(struct side *side, const char *station, int n);
void queue_symmetric_at(struct side *side, const char *station, int n);
/* What lies in the file, in a buffer that the test owns. */
void read_whole(const char *path, struct buf *ret);
void write_whole(const char *path, struct bytes content);
/* The next call would send none, or so many. */
size_t sendable(struct side *side);
/* All that is sendable is settled like that. */
void settle_as(struct side *side, enum item_verdict verdict, const char *reason);

#endif
