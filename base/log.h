/*
 * The log: one line per event, key=value. The sink is the one global of the
 * house. A failing log write is never fatal; records that matter go to audit.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/bytes.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Lines at or above level go to fd, which the caller keeps open. -1 silences the log. */
void log_open(int fd, enum log_level level);
bool log_enabled(enum log_level level);

/*
 * log_line(LOG_LEVEL_INFO, "unit-passed", "unit=%s slot=%s", serial, slot)
 * Control characters in the values become '?', so no value can forge a line.
 */
void log_line(enum log_level level, const char *event, const char *fmt, ...) PRINTF(3, 4);

/* A dump of at most 64 bytes at debug level. It can't take a struct secret. */
void log_bytes(const char *event, const char *name, struct bytes data);

#endif
