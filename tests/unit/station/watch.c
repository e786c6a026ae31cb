/* Counting through SQLite's own hooks: an automatic extension sees each connection, a profile each statement. */
#include "tests/unit/station/watch.h"

#include <stddef.h>

#include <sqlite3.h>

static long steps, scans;

static int on_profile(unsigned kind, void *context, void *stmt, void *ns)
{
	(void)kind;
	(void)context;
	(void)ns;
	steps += sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
	scans += sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
	return 0;
}

static int on_open(sqlite3 *sq, const char **ret_text, const void *routines)
{
	(void)ret_text;
	(void)routines;
	return sqlite3_trace_v2(sq, SQLITE_TRACE_PROFILE, on_profile, NULL);
}

void watch_start(void)
{
	(void)sqlite3_auto_extension((void (*)(void))on_open);
	watch_reset();
}

void watch_stop(void)
{
	(void)sqlite3_cancel_auto_extension((void (*)(void))on_open);
}

void watch_reset(void)
{
	steps = 0;
	scans = 0;
}

long watch_steps(void)
{
	return steps;
}

long watch_scans(void)
{
	return scans;
}
