/*
 * The demo: what surrounds a line when no plant does. It starts the emulators,
 * plays the technician's hands, and checks the result from outside.
 */
#ifndef STATION_DEMO_DEMO_H
#define STATION_DEMO_DEMO_H

#include <sys/types.h>

#include "station/directory.h"
#include "station/line.h"

#define DEMO_DEVICES_MAX 10000

/* --- children.c: an emulator as a child process ------------------------------------------------- */

struct child {
	pid_t pid;    /* 0: none */
	int stdin_fd; /* closing it asks the child to end */
};
/*
 * Starts program, which lies beside this executable, and waits until it prints
 * its ready line. stay: it outlives us. ERR_OPERATOR if it is missing or ends.
 */
MUST_USE int child_start(const char *program, const char *const *args, bool stay, struct child *ret_child,
			 struct err *err);
/* Asks it to end and waits for it. Accepts one that never started. */
void child_stop(struct child *child);

/* --- service.c: the emulated service, as dps.json says -------------------------------------------- */

struct demo_service {
	char host[160]; /* HOST:PORT */
	char ca_file[DIRECTORY_PATH_MAX];
	char id_scope[33];
	char policy[65];
	struct secret key;
};
MUST_USE int demo_service_read(const char *dir, struct demo_service *ret_service, struct err *err);
/* Imports the policy's key into the token, once. */
MUST_USE int demo_service_import_key(struct line *line, const struct demo_service *service, struct err *err);
/* Makes the enrollment groups of the configuration's profiles, and imports the keys of the symmetric ones. */
MUST_USE int demo_groups_make(struct line *line, struct enroll_service *service, struct err *err);
/* ERR_OPERATOR if DIR holds a station.ini of another id than demo: a real line's is never overwritten. */
MUST_USE int demo_check_ini(const char *dir, struct err *err);
/* station.ini for the demo's slots and profiles; made anew each time, since the port may change. */
MUST_USE int demo_write_ini(const char *dir, unsigned slots, const struct demo_service *service,
			    struct err *err);

/* --- hand.c: seats devices on slots ----------------------------------------------------------------- */

struct hand;
/* Reads devices.json. A slot is a link DIR/slots/NAME to the terminal of the seated device. */
MUST_USE int hand_new(const char *dir, struct hand **ret_hand, struct err *err);
void hand_free(struct hand *hand);
DEFINE_CLEANUP(hand_freep, struct hand, hand_free)
/* Takes out what sits on the slot and seats the next device, or leaves it empty. */
MUST_USE int hand_seat_next(struct hand *hand, const char *slot, struct err *err);
/* The same after a pause, in hand_work: people look at a result before they reach for the unit. */
void hand_seat_later(struct hand *hand, const char *slot, unsigned pause_ms);
MUST_USE int hand_work(struct hand *hand, struct err *err);
/* Devices there are; devices that have been taken out again. */
unsigned hand_devices(const struct hand *hand);
unsigned hand_done(const struct hand *hand);

/* --- check.c: is it true? --------------------------------------------------------------------------- */

struct demo_check {
	unsigned passed, group;
	unsigned wrong;  /* units whose flash or enrollment is not what it should be */
	char first[200]; /* the first of them, in words                              */
	int64_t audit_entries;
};
/*
 * Looks at every passed unit from outside: its chain verifies against the root,
 * its enrollment is in the service. Recomputes the audit log: ERR_STATION if it is not whole.
 */
MUST_USE int demo_check(const char *dir, struct line *line, struct enroll_service *service,
			struct demo_check *ret_check, struct err *err);

#endif
