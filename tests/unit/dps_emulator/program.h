/* The program itself as a child process: what tests over real TLS stand on. */
#ifndef TESTS_DPS_PROGRAM_H
#define TESTS_DPS_PROGRAM_H

#include "tests/unit/dps_emulator/service.h"

#include <curl/curl.h>

struct program {
	char dir[256];
	char state_file[300], ca_file[300];
	pid_t pid;
	int to, from; /* its standard input and output */
	int port, mqtt_port, identity_port;
	struct service client; /* only conf and the clock: it signs */
	CURL *curl;
	size_t got;      /* bytes of the last answer's body ... */
	char body[1024]; /* ... which begins so                 */
	char date[64];   /* its Date                            */
};

/* cmocka fixtures; *state is a struct program that is not started yet. */
int program_setup(void **state);
int program_teardown(void **state);
/* With these options besides --dir, NULL at the end; returns when it is ready. */
void program_start(struct program *program, const char *const *extra);
/* Waits for the end; returns the exit status, or minus the signal. */
int program_ended(struct program *program);
/* One signed call to host, at the program's port whatever host's address is. */
CURLcode program_call(struct program *program, const char *host, const char *method, const char *path,
		      const char *body, long *ret_status);

#endif
