/*
 * The time that the log knows. An append keeps it in the head's row (record.c);
 * reading it costs one row, so that it can be asked before every unit.
 */
#include "audit/audit.h"

bool audit_clock_contradicts(int64_t log_ms, int64_t now_ms)
{
	return now_ms < log_ms - AUDIT_CLOCK_BACK_MS || now_ms > log_ms + AUDIT_CLOCK_AHEAD_MS;
}

int audit_clock(struct db_tx *tx, int64_t *ret_ms, bool *ret_known, struct err *err)
{
	return db_get_int(tx, "SELECT clock_ms FROM audit_head", DB_NO_VALUES, ret_ms, ret_known, err);
}
