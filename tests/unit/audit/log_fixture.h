/* A log in a temporary folder, for the tests of audit. */
#ifndef TESTS_UNIT_AUDIT_LOG_FIXTURE_H
#define TESTS_UNIT_AUDIT_LOG_FIXTURE_H

#include "audit/audit.h"

struct log_fixture {
	char dir[128];
	char path[160];
	struct db *db;
};

/* cmocka setup and teardown; *state is a struct log_fixture with an empty log. */
int log_setup(void **state);
int log_teardown(void **state);

/* Appends "key-<n>" with one field, and commits. */
void log_append(struct db *db, int n);
/* Appends entries first to last - 1. */
void log_fill(struct db *db, int first, int last);
struct audit_head log_head_of(struct db *db);
/* Closes the log, runs SQL on the file behind its back with the triggers dropped, opens it again. */
void log_tamper(struct log_fixture *log, const char *sql);

#endif
