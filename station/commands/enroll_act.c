/* Who decides about a device's enrollment, and the entry that says so. */
#include "station/commands/enroll_act.h"

#include <inttypes.h>

#include "base/deadline.h"
#include "enroll/enroll.h"
#include "station/journal.h"

int enroll_act_open(const struct options *options, const char *doing, struct enroll_act *ret_act,
		    struct err *err)
{
	CLEANUP(enroll_act_close) struct enroll_act act = { .doing = doing, .reason = options->reason };

	if (act.reason == NULL)
		return err_set(err, ERR_OPERATOR, 0, "the log must say why: --reason TEXT");
	if (journal_check_reason(act.reason, err) < 0 || acting_open(options->dir, &act.acting, err) < 0 ||
	    enroll_init(act.acting.db, err) < 0 || acting_lead(&act.acting, doing, act.by, err) < 0)
		return -1;
	*ret_act = act;
	act = (struct enroll_act){ 0 };
	return 0;
}

void enroll_act_close(struct enroll_act *act)
{
	acting_close(&act->acting);
}

int enroll_act_log(const struct enroll_act *act, struct db_tx *tx, const struct enroll_act_entry *entry,
		   struct err *err)
{
	char key[64];
	const struct audit_field fields[] = {
		{ "registration_id", entry->registration_id },
		{ "unit", entry->unit },
		{ "job", entry->job },
		{ "was", entry->was },
		{ "reason", act->reason },
		{ "operator", act->by[0] != '\0' ? act->by : NULL },
		{ "station", act->acting.conf->id },
	};
	const struct audit_event event = { entry->kind, key, fields, ARRAY_LEN(fields) };
	struct audit_head head;

	if (people_check_lead(tx, act->by, act->doing, err) < 0 || audit_head(tx, &head, err) < 0)
		return -1;
	if (str_format(key, sizeof(key), "enrollment-%" PRId64, head.size) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}
