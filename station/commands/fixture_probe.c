/* station fixture probe SLOT: what is there, what is wrong, and what to do about it, in plain words. */
#include "station/commands/fixture.h"

#include <stdlib.h>

#include <jansson.h>

#include "station/exit.h"

struct words {
	const char *finding, *advice;
};

static const struct words words[] = {
	[FIXTURE_WELL] = { "A unit answers.", "Nothing: the slot works." },
	[FIXTURE_LOCKED] = { "A unit answers, and it is locked: its key and items can't be changed any more.",
			     "Seat a unit that was not finished before; this one can only be verified." },
	[FIXTURE_REFUSED] = { "A unit answers, but not as the slot's driver needs.",
			      "Compare with docs/PROTOCOL.md. Stock mcumgr firmware without our group needs "
			      "another "
			      "driver (docs/fixtures.md)." },
	[FIXTURE_NO_PLACE] = { "Nothing is plugged in at this place.",
			       "Plug the adapter into the port that the link names, or ask: station fixture "
			       "wizard SLOT." },
	[FIXTURE_NO_PERMISSION] = { "The port is there, but this user may not open it.",
				    "Install fixtures/60-station.rules, add the user to its group, and log "
				    "in again." },
	[FIXTURE_BUSY] = { "Another program has the port.",
			   "End it. A running station keeps the ports that it works on: probe when it is "
			   "idle or stopped. "
			   "ModemManager is kept away by fixtures/60-station.rules." },
	[FIXTURE_NO_PORT] = { "What the link names can't be opened as a port.",
			      "Check the link in station.ini; see: station fixture list." },
	[FIXTURE_SILENT] = { "The port is open, and nobody answers.",
			     "Check the unit's power, whether RX and TX are crossed, ground, and the baud "
			     "rate." },
	[FIXTURE_ECHO] = { "Our own bytes come back.", "RX and TX are connected to each other, or the unit "
						       "echoes: a loop-back plug, a bent pin, or a "
						       "terminal whose echo is on." },
	[FIXTURE_GARBAGE] = { "Bytes come that are no text and no answer.",
			      "Most often the baud rate is wrong: set ?baud=N in the link. Else two talk on "
			      "one line." },
	[FIXTURE_LOGIN] = { "A Linux log-in prompt is there.",
			    "Use driver = console, and name user and password-file in the profile." },
	[FIXTURE_SHELL] = { "A command line is there.", "Of a Linux device: driver = console. Of firmware: "
							"its SMP server is not on this port." },
	[FIXTURE_MODEM] = { "A modem answers: AT commands.",
			    "It is another port of the unit, or another device. See: station fixture list." },
	[FIXTURE_BOOT] = { "A boot log or a boot loader is there.",
			   "Wait until the unit has started. If it stays so, its boot loader waits for a "
			   "key: "
			   "?settle=newline in the link sends it a line end." },
	[FIXTURE_TEXT] = { "Somebody writes text, and does not answer.",
			   "It is the unit's log, or another protocol. Its SMP server may be on another "
			   "port." },
};

static const char *state_name(enum unit_state state)
{
	static const char *const names[] = {
		[UNIT_BLANK] = "blank",
		[UNIT_PROVISIONED] = "provisioned",
		[UNIT_LOCKED] = "locked",
	};

	return names[state];
}

static bool answers(const struct fixture_probe *probe)
{
	return probe->verdict == FIXTURE_WELL || probe->verdict == FIXTURE_LOCKED;
}

static void print_text(const struct conf_slot *slot, const struct fixture_probe *probe)
{
	(void)printf("slot \"%s\"  driver %s  %s\n", slot->name, slot->driver, slot->link);
	if (probe->device[0] != '\0')
		(void)printf("  device     %s\n", probe->device);
	(void)printf("  finding    %s\n", words[probe->verdict].finding);
	if (answers(probe))
		(void)printf("  unit       serial %s, model %s, hardware ID %s, firmware %s, %s\n",
			     probe->unit.serial, probe->unit.model, probe->unit.hwid, probe->unit.firmware,
			     state_name(probe->unit.state));
	if (probe->group[0] != '\0')
		(void)printf("  group      %s may open it\n", probe->group);
	if (probe->verdict == FIXTURE_BUSY)
		(void)printf("  in use by  %s\n",
			     probe->busy_by[0] != '\0' ? probe->busy_by : "a process that we may not see");
	if (probe->heard[0] != '\0')
		(void)printf("  heard      %s\n", probe->heard);
	if (probe->why[0] != '\0')
		(void)printf("  because    %s\n", probe->why);
	(void)printf("  to do      %s\n", words[probe->verdict].advice);
}

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void print_json(const struct conf_slot *slot, const struct fixture_probe *probe)
{
	const struct unit_info *unit = &probe->unit;
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s}",
		"event", "probe", "slot", slot->name, "link", slot->link, "verdict",
		fixture_verdict_name(probe->verdict), "answers", answers(probe) ? 1 : 0, "serial",
		or_null(unit->serial), "model", or_null(unit->model), "hwid", or_null(unit->hwid), "firmware",
		or_null(unit->firmware), "state", answers(probe) ? state_name(unit->state) : NULL, "device",
		or_null(probe->device), "busy_by", or_null(probe->busy_by), "heard", or_null(probe->heard),
		"why", or_null(probe->why), "advice", words[probe->verdict].advice);
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	if (text != NULL)
		(void)puts(text);
	free(text);
	json_decref(object);
}

int fixture_command_probe(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(conf_freep) struct conf *conf = NULL;
	const struct conf_slot *slot;
	struct fixture_settings settings;
	struct fixture_probe probe;

	if (conf_load(options->dir, &conf, err) < 0)
		return -1;
	slot = fixture_slot(conf, options->args[1]);
	if (slot == NULL)
		return err_set(err, ERR_OPERATOR, 0, "station.ini has no slot \"%s\"", options->args[1]);
	settings = conf_slot_settings(slot);
	if (fixture_probe(&(struct fixture_conf){ slot->driver, slot->link, &settings }, &probe, err) < 0)
		return err_wrap(err, "slot %s", slot->name);
	if (options->json)
		print_json(slot, &probe);
	else
		print_text(slot, &probe);
	*ret_exit = answers(&probe) ? EXIT_DONE : EXIT_IN_PART;
	return 0;
}
