/* The sub-commands; main.c holds the table. Each returns an exit status (station/exit.h). */
#ifndef STATION_COMMANDS_COMMANDS_H
#define STATION_COMMANDS_COMMANDS_H

#include "station/options.h"

int command_demo(const struct options *options);
int command_init(const struct options *options);
int command_run(const struct options *options);
/* run at a terminal (run_screens.c) */
int run_on_screens(const struct options *options);
int command_status(const struct options *options);
int command_sync(const struct options *options);
int command_unit(const struct options *options);
int command_enroll(const struct options *options);
int command_audit(const struct options *options);
int command_hsm(const struct options *options);
int command_operator(const struct options *options);
int command_clock(const struct options *options);
int command_fixture(const struct options *options);

#endif
