/*
 * station fixture list | probe SLOT | wizard SLOT | record SLOT FILE: what an integrator asks while a line is
 * built. Beside a running station, too: what that has open is shown as busy, and can't be probed.
 */
#include "station/commands/fixture.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "station/commands/commands.h"
#include "station/directory.h"
#include "station/exit.h"
#include "station/report.h"

int plugged_read(struct plugged *ret, struct err *err)
{
	struct plugged plugged = { calloc(FIXTURE_PLACES_MAX, sizeof(*plugged.places)), 0 };

	if (plugged.places == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "out of memory");
	if (fixture_places(plugged.places, FIXTURE_PLACES_MAX, &plugged.n, err) < 0) {
		free(plugged.places);
		return -1;
	}
	*ret = plugged;
	return 0;
}

void plugged_free(struct plugged *plugged)
{
	free(plugged->places);
	*plugged = (struct plugged){ NULL, 0 };
}

static void print_object(json_t *object)
{
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;

	if (text != NULL)
		(void)puts(text);
	free(text);
	json_decref(object);
}

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static const char *or_dash(const char *text)
{
	return text[0] != '\0' ? text : "-";
}

void plugged_print(const struct fixture_place *place, const char *slot, bool json)
{
	char link[CONF_TEXT_MAX + 1] = "";

	if (slot == NULL)
		slot = "";
	if (fixture_place_link(place, link, sizeof(link)) < 0)
		link[0] = '\0'; /* too long for station.ini */
	if (json) {
		print_object(
			json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "event",
				  "place", "kind", place->kind == FIXTURE_PLACE_USB ? "usb" : "serial",
				  "place", place->place, "device", or_null(place->device), "driver",
				  or_null(place->driver), "id", or_null(place->id), "serial",
				  or_null(place->serial), "product", or_null(place->product), "busy_by",
				  or_null(place->busy_by), "slot", or_null(slot), "link", or_null(link)));
		return;
	}
	(void)printf("%s\n    %s  driver %s  id %s  serial %s  %s\n", place->place, or_dash(place->device),
		     or_dash(place->driver), or_dash(place->id), or_dash(place->serial), place->product);
	if (place->busy_by[0] != '\0')
		(void)printf("    in use by %s\n", place->busy_by);
	if (slot[0] != '\0')
		(void)printf("    slot \"%s\"\n", slot);
	else
		(void)printf("    no slot; in station.ini it is:  link = %s\n", or_dash(link));
}

const struct conf_slot *fixture_slot(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->slots_n; i++)
		if (strcmp(conf->slots[i].name, name) == 0)
			return &conf->slots[i];
	return NULL;
}

static const struct conf_slot *slot_of(const struct conf *conf, const struct fixture_place *place)
{
	for (size_t i = 0; conf != NULL && i < conf->slots_n; i++)
		if (fixture_place_is(place, conf->slots[i].link))
			return &conf->slots[i];
	return NULL;
}

static bool is_listed(const struct plugged *plugged, const struct conf_slot *slot)
{
	for (size_t i = 0; i < plugged->n; i++)
		if (fixture_place_is(&plugged->places[i], slot->link))
			return true;
	return false;
}

/* The slots whose place is empty, or none that udev knows. */
static void print_other_slots(const struct conf *conf, const struct plugged *plugged, bool json)
{
	for (size_t i = 0; i < conf->slots_n; i++) {
		const struct conf_slot *slot = &conf->slots[i];
		bool present = fixture_link_stamp(slot->link) != 0;

		if (is_listed(plugged, slot))
			continue;
		if (json)
			print_object(json_pack("{s:s, s:s, s:s, s:b}", "event", "slot", "slot", slot->name,
					       "link", slot->link, "plugged_in", present ? 1 : 0));
		else
			(void)printf("slot \"%s\"  %s\n    %s\n", slot->name, slot->link,
				     present ? "not a port of this machine's hardware"
					     : "nothing is plugged in there");
	}
}

/* An integrator lists before there is a configuration; but one that is there has to be right. */
static int load_if_there(const char *dir, struct conf **ret_conf, struct err *err)
{
	char path[DIRECTORY_PATH_MAX];

	if (directory_path(dir, "station.ini", path, err) < 0)
		return -1;
	return access(path, F_OK) == 0 ? conf_load(dir, ret_conf, err) : 0;
}

int fixture_command_list(const struct options *options, int *ret_exit, struct err *err)
{
	CLEANUP(conf_freep) struct conf *conf = NULL;
	CLEANUP(plugged_free) struct plugged plugged = { NULL, 0 };

	if (load_if_there(options->dir, &conf, err) < 0 || plugged_read(&plugged, err) < 0)
		return -1;
	for (size_t i = 0; i < plugged.n; i++) {
		const struct conf_slot *slot = slot_of(conf, &plugged.places[i]);

		plugged_print(&plugged.places[i], slot != NULL ? slot->name : NULL, options->json);
	}
	if (conf != NULL)
		print_other_slots(conf, &plugged, options->json);
	if (plugged.n == 0 && !options->json)
		(void)printf("no serial port and no USB device is plugged in\n");
	*ret_exit = EXIT_DONE;
	return 0;
}

int command_fixture(const struct options *options)
{
	static const struct {
		const char *name;
		unsigned args_n;
		int (*run)(const struct options *options, int *ret_exit, struct err *err);
	} table[] = {
		{ "list", 1, fixture_command_list },
		{ "probe", 2, fixture_command_probe },
		{ "wizard", 2, fixture_command_wizard },
		{ "record", 3, fixture_command_record },
	};
	struct err err = { 0 };
	int status = EXIT_CONFIG;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (options->args_n != table[i].args_n || strcmp(options->args[0], table[i].name) != 0)
			continue;
		if (table[i].run(options, &status, &err) == 0)
			return status;
		report_error(options->json, &err);
		return err.class >= ERR_STATION ? EXIT_NOT_TRUSTED : EXIT_CONFIG;
	}
	(void)err_set(&err, ERR_OPERATOR, 0,
		      "usage: station fixture list | probe SLOT | wizard SLOT | record SLOT FILE");
	report_error(options->json, &err);
	return EXIT_CONFIG;
}
