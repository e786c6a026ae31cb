/* getopt_long over one table; an option that the command does not take is an error, not ignored. */
#include "station/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define DEFAULT_DIR "/var/lib/station"

enum value_kind {
	VALUE_NONE, /* a bool becomes true */
	VALUE_TEXT,
	VALUE_NUMBER, /* from 1 to max */
};

static const struct {
	const char *name;
	char letter; /* in a command's takes */
	enum value_kind value;
	size_t offset; /* in struct options */
	unsigned max;
} table[] = {
	{ "dir", 'd', VALUE_TEXT, offsetof(struct options, dir), 0 },
	{ "json", 'j', VALUE_NONE, offsetof(struct options, json), 0 },
	{ "headless", 'h', VALUE_NONE, offsetof(struct options, headless), 0 },
	{ "keep", 'k', VALUE_NONE, offsetof(struct options, keep), 0 },
	{ "watch", 'w', VALUE_NONE, offsetof(struct options, watch), 0 },
	{ "count", 'c', VALUE_NUMBER, offsetof(struct options, count), 1000000000 },
	{ "devices", 'n', VALUE_NUMBER, offsetof(struct options, devices), 10000 },
	{ "slots", 's', VALUE_NUMBER, offsetof(struct options, slots), 32 },
	{ "id", 'i', VALUE_TEXT, offsetof(struct options, id), 0 },
	{ "role", 'r', VALUE_TEXT, offsetof(struct options, role), 0 },
	{ "name", 'm', VALUE_TEXT, offsetof(struct options, name), 0 },
	{ "language", 'l', VALUE_TEXT, offsetof(struct options, language), 0 },
	{ "reason", 'R', VALUE_TEXT, offsetof(struct options, reason), 0 },
	{ "all", 'a', VALUE_NONE, offsetof(struct options, all), 0 },
	{ "certificate", 'C', VALUE_TEXT, offsetof(struct options, certificate), 0 },
	{ "ca", 'g', VALUE_TEXT, offsetof(struct options, ca), 0 },
	{ "ca-secondary", 'G', VALUE_TEXT, offsetof(struct options, ca_secondary), 0 },
	{ "finish", 'f', VALUE_NONE, offsetof(struct options, finish), 0 },
	{ "cancel", 'x', VALUE_NONE, offsetof(struct options, cancel), 0 },
	{ "key", 'K', VALUE_TEXT, offsetof(struct options, key), 0 },
	{ "issuer", 'I', VALUE_TEXT, offsetof(struct options, issuer), 0 },
	{ "operator", 'O', VALUE_TEXT, offsetof(struct options, operator_id), 0 },
	{ "profile", 'P', VALUE_TEXT, offsetof(struct options, profile), 0 },
	{ "slot", 'S', VALUE_TEXT, offsetof(struct options, slot), 0 },
	{ "since", 'F', VALUE_TEXT, offsetof(struct options, since), 0 },
	{ "until", 'U', VALUE_TEXT, offsetof(struct options, until), 0 },
	{ "format", 'E', VALUE_TEXT, offsetof(struct options, format), 0 },
};

/* getopt_long says '?' of what it does not know, and places otherwise. */
_Static_assert(ARRAY_LEN(table) < '?', "a place would read as an unknown option");

static int number(const char *text, unsigned max, unsigned *ret, struct err *err)
{
	char *end = NULL;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || n < 1 || n > max)
		return err_set(err, ERR_OPERATOR, 0, "\"%s\" is not a number from 1 to %u", text, max);
	*ret = (unsigned)n;
	return 0;
}

static int set(struct options *o, size_t i, const char *value, struct err *err)
{
	char *field = (char *)o + table[i].offset;

	switch (table[i].value) {
	case VALUE_NONE:
		*(bool *)field = true;
		return 0;
	case VALUE_TEXT:
		*(const char **)field = value;
		return 0;
	case VALUE_NUMBER:
		return number(value, table[i].max, (unsigned *)field, err);
	}
	return err_set(err, ERR_BUG, 0, "an option without a meaning");
}

static int usage(const struct command *command, const char *problem, struct err *err)
{
	return err_set(err, ERR_OPERATOR, 0, "%s; usage: station %s %s", problem, command->name,
		       command->usage);
}

static int set_all(const struct command *command, int argc, char **argv, struct options *o, struct err *err)
{
	struct option known[ARRAY_LEN(table) + 1] = { 0 };
	int found;

	/* getopt_long gives each option's place in our table. */
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		known[i] = (struct option){
			.name = table[i].name,
			.has_arg = table[i].value == VALUE_NONE ? no_argument : required_argument,
			.val = (int)i,
		};
	optind = 1;
	opterr = 0;
	while ((found = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (found == '?' || strchr(command->takes, table[found].letter) == NULL)
			return usage(command, "unknown option", err);
		if (set(o, (size_t)found, optarg, err) < 0)
			return err_wrap(err, "station %s", command->name);
	}
	return 0;
}

static void default_dir(struct options *o)
{
	o->dir_given = o->dir != NULL;
	if (o->dir == NULL)
		o->dir = getenv("STATION_DIR");
	if (o->dir == NULL || (!o->dir_given && o->dir[0] == '\0'))
		o->dir = DEFAULT_DIR;
}

int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
		  struct err *err)
{
	struct options o = { .devices = 24, .slots = 4 };

	if (set_all(command, argc, argv, &o, err) < 0)
		return -1;
	default_dir(&o);
	for (int i = optind; i < argc; i++) {
		if (o.args_n == command->args_max || o.args_n == OPTIONS_ARGS_MAX)
			return usage(command, "too many words", err);
		o.args[o.args_n++] = argv[i];
	}
	*ret_options = o;
	return 0;
}

bool options_want_screens(const struct options *options)
{
	return !options->headless && !options->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}
