/* The client against dps-emulator: the service as the product ships it. */
#ifndef TESTS_UNIT_ENROLL_EMULATED_H
#define TESTS_UNIT_ENROLL_EMULATED_H

#include "tests/fakes/dps.h"
#include "tests/unit/enroll/world.h"

struct emulated {
	struct world *world;
	struct fake_dps dps;
	struct macer macer; /* with the emulator's policy key */
	struct enroll_conf conf;
	struct enroll_login login;
	unsigned operations_per_minute;
	struct enroll_gate *gate;
	struct enroll_service *service;
	int64_t now_ms;
};

/* cmocka setup and teardown; *state is a struct emulated with no emulator yet. */
int emulated_setup(void **state);
int emulated_teardown(void **state);
/* Starts the emulator with these options (ended by NULL) and opens the service. */
void emulated_start(struct emulated *e, const char *const *options);
#define EMULATE(e, ...) emulated_start((e), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
/* Opens the service anew with another macer. */
void emulated_open(struct emulated *e, const struct macer *macer);

/* Batches until nothing is queued or waiting, moving the time on to when the next may be; the calls made. */
unsigned drain(struct emulated *e);
/* One batch that must not fail. */
struct enroll_progress send_one(struct emulated *e);
/* Whether the service has an enrollment of this ID. */
bool service_has(struct emulated *e, const char *registration_id);

#endif
