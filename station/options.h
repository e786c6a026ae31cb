/* The command line: one table of options; each command names the ones it takes. */
#ifndef STATION_OPTIONS_H
#define STATION_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"

#define OPTIONS_ARGS_MAX 4

struct options {
	const char *dir; /* --dir, else $STATION_DIR, else /var/lib/station */
	bool dir_given;
	const char *id;
	const char *role, *name, *language; /* of an operator */
	const char *reason;
	const char *certificate; /* a PEM file, of a CA; of unit list: which one */
	/* which units (station/recall.h) */
	const char *key, *issuer, *operator_id, *profile, *slot, *since, *until;
	const char *ca, *ca_secondary; /* names of CA certificates in the service */
	bool json, headless, keep, watch, all, finish, cancel;
	const char *format; /* of an export */
	unsigned count;     /* 0: no limit */
	unsigned devices;   /* of the demo */
	unsigned slots;
	const char *args[OPTIONS_ARGS_MAX];
	unsigned args_n;
};

struct command {
	const char *name;
	const char *usage; /* after the name */
	const char *help;  /* one line */
	const char *takes; /* letters of the options it takes (options.c) */
	unsigned args_max;
	int (*run)(const struct options *options); /* returns an exit status */
};

/* ERR_OPERATOR with a usage sentence. argv[0] is the command's name. */
MUST_USE int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
			   struct err *err);

/* Neither --headless nor --json was asked for, and a person sits at the terminal. */
bool options_want_screens(const struct options *options);

#endif
