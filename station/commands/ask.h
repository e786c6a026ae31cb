/*
 * Asking people. On a terminal each question is asked with echo off; else the answers are lines
 * of standard input, in the order in which they would be asked for. Never an argument: those
 * show in the list of processes.
 */
#ifndef STATION_COMMANDS_ASK_H
#define STATION_COMMANDS_ASK_H

#include "base/secret.h"

/* ERR_OPERATOR if nothing was answered. */
MUST_USE int ask_secret(const char *question, struct secret *ret_answer, struct err *err);
/* Enter alone, an empty line or the end of the input: an empty answer. */
MUST_USE int ask_optional(const char *question, struct secret *ret_answer, struct err *err);
/* A file or pipe must end here: ERR_OPERATOR if more follows, which was meant as something else. */
MUST_USE int ask_end(struct err *err);

#endif
