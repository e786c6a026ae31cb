/*
 * The world of the crash tests: one station directory with a real token, one
 * unit with its state on disk, and runs of a station in child processes that
 * die where they are told. The parent never opens PKCS#11: a child must not
 * inherit it.
 */
#ifndef TESTS_CRASH_WORLD_H
#define TESTS_CRASH_WORLD_H

#include "base/bytes.h"
#include "base/err.h"

#define WORLD_PATH_MAX 256
#define WORLD_SERIAL   "UNIT-0001"
#define WORLD_OTHER    "OTHER-002" /* the unit that is seated in its place */
#define WORLD_DEATH    99          /* the exit status of a station that died as told */

/* What can kill a station: each of these is an event, and is counted. */
enum world_events {
	EVENTS_DISK = 1, /* before each write and each sync of the database and its WAL   */
	EVENTS_UNIT = 2, /* before and after each effect on the unit (tests/fakes/unit.h) */
};

struct world_death {
	long at; /* the number of the fatal event, from 0; -1: live on */
	unsigned events;
	bool power_cut; /* what was not synced is lost, too */
};
#define WORLD_LIVE ((const struct world_death){ -1, 0, false })

struct world {
	char root[WORLD_PATH_MAX / 2];
	char station[WORLD_PATH_MAX]; /* the station directory */
	char unit[WORLD_PATH_MAX];    /* the unit's flash      */
	char other[WORLD_PATH_MAX];   /* the other unit's; there is none until it is seated */
	const char *model;            /* of the unit, from tests/fakes/unit.h */
	int tpm_pid;                  /* 0: none */
};

/* Makes the directory and its token once; assertions fail the test. */
struct world *world_new(const char *model);
void world_free(struct world *w);

/* A station that never saw a unit, and a unit that never saw a station; its TPM is blank. */
void world_reset(struct world *w);
/* Keeps the TPM as it is now for world_reset, so that not every run waits for RSA keys. */
void world_keep_tpm(struct world *w);

/*
 * A station opens, meets the unit on this slot (0 or 1), works until the outcome
 * is there, and closes; in a child process. Returns its enum outcome, or
 * WORLD_DEATH. Whatever else goes wrong in it is printed and fails the test.
 */
int world_run(const struct world *w, unsigned slot, struct world_death death);

/* What a process leaves behind that is killed while SoftHSM logs in. */
void world_empty_token(const struct world *w);

/* How a unit leaves its slot while it is worked on. */
enum world_swap {
	SWAP_NOTICED, /* the link breaks; the other one sits there when it is opened again */
	SWAP_SILENT,  /* the link notices nothing                                          */
};
/* As world_run on slot 0, but at the unit's event number at the other unit takes its place. */
int world_run_swapped(const struct world *w, long at, enum world_swap swap);

/* What must be true whenever a station died, however it died. */
void check_after_death(const struct world *w);
/* What must be true once the unit has passed: one of everything. */
void check_resumed(const struct world *w);
/* The same, and no attempt was recorded as failed: a dead station fails nothing. */
void check_passed(const struct world *w);
/* Everything durable as one digest; equal when nothing was changed. */
void check_digest(const struct world *w, uint8_t ret[32]);

#endif
