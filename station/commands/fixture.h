/* What the files of station fixture share. */
#ifndef STATION_COMMANDS_FIXTURE_H
#define STATION_COMMANDS_FIXTURE_H

#include "station/conf.h"
#include "station/options.h"

/* Everything that is plugged in; the caller frees places with free. */
struct plugged {
	struct fixture_place *places;
	size_t n;
};
MUST_USE int plugged_read(struct plugged *ret, struct err *err);
void plugged_free(struct plugged *plugged);
/* A line, or an object: slot NULL or "" if none names it. */
void plugged_print(const struct fixture_place *place, const char *slot, bool json);

/* NULL: no slot of this name. */
const struct conf_slot *fixture_slot(const struct conf *conf, const char *name);

/* Sub-sub-commands: -1, or 0 with an exit status. */
MUST_USE int fixture_command_list(const struct options *options, int *ret_exit, struct err *err);
MUST_USE int fixture_command_probe(const struct options *options, int *ret_exit, struct err *err);
MUST_USE int fixture_command_record(const struct options *options, int *ret_exit, struct err *err);
MUST_USE int fixture_command_wizard(const struct options *options, int *ret_exit, struct err *err);

#endif
