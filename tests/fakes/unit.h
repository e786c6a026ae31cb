/*
 * A unit inside the test's own process, for tests that die and come again: its
 * flash is a folder with the emulator's own files, its TPM a swtpm that outlives
 * whoever speaks to it. A callback hears of every effect that a unit remembers,
 * before and after it, so that a crash test can die there.
 */
#ifndef TESTS_FAKES_UNIT_H
#define TESTS_FAKES_UNIT_H

#include "fixtures/fixture.h"

/* The models of the emulator: what each can do is the emulator's business. */
#define FAKE_SENSOR     "sensor"     /* makes its own key               */
#define FAKE_CONTROLLER "controller" /* is given a key by the station   */
#define FAKE_METER      "meter"      /* keeps a symmetric key           */
#define FAKE_GATEWAY    "gateway"    /* has a TPM at DIR/tpm/socket     */
/* The same with stock firmware: it can't prove its key, and a put that is cut off leaves half a file. */
#define FAKE_STOCK            "stock-"
#define FAKE_STOCK_CONTROLLER FAKE_STOCK FAKE_CONTROLLER
#define FAKE_STOCK_METER      FAKE_STOCK FAKE_METER

/* Called in the thread that speaks to the unit: before an effect, and when it is durable. It may _exit. */
typedef void fake_unit_event_fn(void *arg);

struct fake_unit_conf {
	const char *dir;           /* its flash, absolute; made if missing   */
	const char *model;         /* one of the above                       */
	const char *serial;        /* made into a hardware ID, too           */
	fake_unit_event_fn *event; /* or NULL */
	void *arg;
};
struct fake_unit;
/* conf's texts are copied. The fixture owns the unit, which is borrowed; what is on the flash stays. */
MUST_USE int fake_unit_open(const struct fake_unit_conf *conf, struct fake_unit **ret_unit,
			    struct fixture **ret_fixture, struct err *err);
/* It was taken out: nothing answers any more. The event callback may call it, and the next, too. */
void fake_unit_pull(struct fake_unit *unit);
/* It was taken out and another one put in so quickly that the link did not notice. Without a TPM only. */
MUST_USE int fake_unit_swap(struct fake_unit *unit, const char *dir, const char *serial, struct err *err);

/* --- Its TPM ---------------------------------------------------------------------------------------- */

/* Starts swtpm on DIR/tpm; it ends with the calling process at the latest. ERR_OPERATOR if it does not come up. */
MUST_USE int fake_tpm_start(const char *unit_dir, int *ret_pid, struct err *err);
/* Ends it in order and waits; 0 is none. */
void fake_tpm_stop(int pid);

#endif
