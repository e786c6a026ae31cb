/*
 * station enroll disable | enable | delete SERIAL --reason TEXT; SERIAL may be a registration ID, also one of a released
 * job. The log says first what is about to be done and by
 * whom, and then that it was: what has no second entry may have happened, and the same command settles it.
 */
#include "enroll/enroll.h"

#include "station/commands/enroll.h"
#include "station/commands/enroll_act.h"
#include "station/exit.h"
#include "station/find.h"
#include "station/line.h"

enum act_kind {
	ACT_DISABLE,
	ACT_ENABLE,
	ACT_DELETE,
};

static const struct {
	const char *doing, *kind, *done; /* done: the second entry, and the JSON event */
	const char *said;
} acts[] = {
	[ACT_DISABLE] = { "disabling a device", "enrollment-disabling", "enrollment-disabled",
			  "registers no more; what its hub knows of it stays" },
	[ACT_ENABLE] = { "enabling a device", "enrollment-enabling", "enrollment-enabled", "may register" },
	[ACT_DELETE] = { "deleting an enrollment", "enrollment-deleting", "enrollment-deleted",
			 "has no enrollment of its own any more" },
};

struct changing {
	enum act_kind kind;
	const struct enroll_act *act;
	const struct found_unit *unit;
	bool in_group;
	bool newer_waits; /* a record of it, of the job after a rework perhaps, is not sent yet */
};

static int log_step(const struct changing *c, const char *kind, struct err *err)
{
	char job[24];
	const struct enroll_act_entry entry = {
		.kind = kind, .registration_id = c->unit->registration_id, .unit = c->unit->serial, .job = job
	};
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (str_format(job, sizeof(job), "%lld", (long long)c->unit->job) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	if (db_begin(c->act->acting.db, &tx, err) < 0 || enroll_act_log(c->act, &tx, &entry, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

static int no_record(const struct changing *c, struct err *err)
{
	if (c->in_group)
		return err_set(
			err, ERR_OPERATOR, 0,
			"the service has no record of %.60s, whose group decides; to shut it out alone: "
			"station enroll disable %.60s",
			c->unit->registration_id, c->unit->serial);
	return err_set(
		err, ERR_OPERATOR, 0,
		"the service has no record of %.60s; what is not there yet, and why: station enroll list",
		c->unit->registration_id);
}

/* A unit of a group has no record of its own: a disabled one shuts it out, since it comes first (dps-api 5.3). */
static int change(const struct changing *c, struct enroll_service *service, struct err *err)
{
	const struct enroll_device device = { c->unit->registration_id, buf_bytes(&c->unit->leaf_pem),
					      c->newer_waits };
	bool found = false;
	int rc = -1;

	switch (c->kind) {
	case ACT_DISABLE:
		rc = enroll_set_status(service, &device, ENROLL_STATUS_DISABLED, &found, err);
		if (rc == 0 && !found && c->in_group)
			return enroll_block(service, &device, err);
		break;
	case ACT_ENABLE:
		if (c->in_group)
			return err_set(
				err, ERR_OPERATOR, 0,
				"the group of %.60s decides about it; if a record of its own shuts it out: "
				"station enroll delete %.60s",
				c->unit->registration_id, c->unit->serial);
		rc = enroll_set_status(service, &device, ENROLL_STATUS_ENABLED, &found, err);
		break;
	case ACT_DELETE:
		rc = enroll_delete(service, device.registration_id, &found, err);
		break;
	}
	if (rc < 0)
		return -1;
	return found ? 0 : no_record(c, err);
}

/* What the service must be asked for is not queued: who shuts a device out has to know that it is out. */
static int status_of(const struct err *err)
{
	/* An errorCode of the service has six digits, and is about the record. */
	bool away = err->class == ERR_OPERATOR && err->code > 0 && err->code < 1000 && err->code != 412;

	return away || err->class == ERR_RETRY ? EXIT_SERVICE : -1;
}

static int open_service(const struct options *options, struct line **ret_line,
			struct enroll_service **ret_service, int *ret_exit, struct err *err)
{
	int unused = 0;

	if (line_open_sync(options->dir, ret_line, &unused, err) < 0)
		return -1;
	if (line_service_open(*ret_line, ret_service, err) == 0)
		return 0;
	*ret_exit = status_of(err);
	return -1;
}

static bool is_in_group(const struct conf *conf, const struct found_unit *unit)
{
	for (size_t i = 0; i < conf->profiles_n; i++)
		if (strcmp(conf->profiles[i].name, unit->profile) == 0)
			return conf->profiles[i].enroll == ENROLL_GROUP;
	return false;
}

static int find_waiting(struct changing *c, struct err *err)
{
	BUF_AUTO(payload, ENROLL_PAYLOAD_MAX);
	enum enroll_state state = ENROLL_ENROLLED;
	bool found = false;

	if (enroll_payload(c->act->acting.db, c->unit->registration_id, &payload, &state, &found, err) < 0)
		return -1;
	c->newer_waits =
		found && (state == ENROLL_QUEUED || state == ENROLL_SENDING || state == ENROLL_RETRY);
	return 0;
}

static void print_done(const struct options *options, const struct changing *c)
{
	if (options->json)
		(void)printf("{\"event\":\"%s\",\"serial\":\"%s\",\"registrationId\":\"%s\"}\n",
			     acts[c->kind].done, c->unit->serial, c->unit->registration_id);
	else
		(void)printf("%s %s.\n", c->unit->registration_id, acts[c->kind].said);
}

static int run(const struct options *options, enum act_kind kind, int *ret_exit, struct err *err)
{
	CLEANUP(enroll_act_close) struct enroll_act act = { 0 };
	CLEANUP(line_closep) struct line *line = NULL;
	FOUND_UNIT_AUTO(unit);
	struct enroll_service *service = NULL;
	struct changing c = { .kind = kind, .act = &act, .unit = &unit };

	if (enroll_act_open(options, acts[kind].doing, &act, err) < 0 ||
	    unit_find(act.acting.db, options->args[1], &unit, err) < 0 || find_waiting(&c, err) < 0 ||
	    open_service(options, &line, &service, ret_exit, err) < 0)
		return -1;
	c.in_group = is_in_group(act.acting.conf, &unit);
	if (log_step(&c, acts[kind].kind, err) < 0)
		return -1;
	if (change(&c, service, err) < 0) {
		*ret_exit = status_of(err);
		return -1;
	}
	if (log_step(&c, acts[kind].done, err) < 0)
		return -1;
	print_done(options, &c);
	*ret_exit = EXIT_DONE;
	return 0;
}

int enroll_command_disable(const struct options *options, int *ret_exit, struct err *err)
{
	return run(options, ACT_DISABLE, ret_exit, err);
}

int enroll_command_enable(const struct options *options, int *ret_exit, struct err *err)
{
	return run(options, ACT_ENABLE, ret_exit, err);
}

int enroll_command_delete(const struct options *options, int *ret_exit, struct err *err)
{
	return run(options, ACT_DELETE, ret_exit, err);
}
