/* getopt_long over one table; an option that the command does not take is an error, not ignored. */
#include "station/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define DEFAULT_DIR "/var/lib/station"

static const struct option table[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "json", no_argument, NULL, 'j' },
	{ "headless", no_argument, NULL, 'h' },
	{ "keep", no_argument, NULL, 'k' },
	{ "watch", no_argument, NULL, 'w' },
	{ "count", required_argument, NULL, 'c' },
	{ "devices", required_argument, NULL, 'n' },
	{ "slots", required_argument, NULL, 's' },
	{ "id", required_argument, NULL, 'i' },
	{ "role", required_argument, NULL, 'r' },
	{ "name", required_argument, NULL, 'm' },
	{ "language", required_argument, NULL, 'l' },
	{ "reason", required_argument, NULL, 'R' },
	{ "all", no_argument, NULL, 'a' },
	{ "certificate", required_argument, NULL, 'C' },
	{ "ca", required_argument, NULL, 'g' },
	{ "ca-secondary", required_argument, NULL, 'G' },
	{ "finish", no_argument, NULL, 'f' },
	{ "cancel", no_argument, NULL, 'x' },
	{ "key", required_argument, NULL, 'K' },
	{ "issuer", required_argument, NULL, 'I' },
	{ "operator", required_argument, NULL, 'O' },
	{ "profile", required_argument, NULL, 'P' },
	{ "slot", required_argument, NULL, 'S' },
	{ "since", required_argument, NULL, 'F' },
	{ "until", required_argument, NULL, 'U' },
	{ "format", required_argument, NULL, 'E' },
	{ NULL, 0, NULL, 0 },
};

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

static int set(struct options *o, int letter, const char *value, struct err *err)
{
	switch (letter) {
	case 'd':
		o->dir = value;
		o->dir_given = true;
		return 0;
	case 'i':
		o->id = value;
		return 0;
	case 'r':
		o->role = value;
		return 0;
	case 'm':
		o->name = value;
		return 0;
	case 'l':
		o->language = value;
		return 0;
	case 'R':
		o->reason = value;
		return 0;
	case 'a':
		o->all = true;
		return 0;
	case 'C':
		o->certificate = value;
		return 0;
	case 'g':
		o->ca = value;
		return 0;
	case 'G':
		o->ca_secondary = value;
		return 0;
	case 'f':
		o->finish = true;
		return 0;
	case 'x':
		o->cancel = true;
		return 0;
	case 'K':
		o->key = value;
		return 0;
	case 'I':
		o->issuer = value;
		return 0;
	case 'O':
		o->operator_id = value;
		return 0;
	case 'P':
		o->profile = value;
		return 0;
	case 'S':
		o->slot = value;
		return 0;
	case 'F':
		o->since = value;
		return 0;
	case 'U':
		o->until = value;
		return 0;
	case 'E':
		o->format = value;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'h':
		o->headless = true;
		return 0;
	case 'k':
		o->keep = true;
		return 0;
	case 'w':
		o->watch = true;
		return 0;
	case 'c':
		return number(value, 1000000000, &o->count, err);
	case 'n':
		return number(value, 10000, &o->devices, err);
	case 's':
		return number(value, 32, &o->slots, err);
	default:
		return err_set(err, ERR_BUG, 0, "an option without a meaning");
	}
}

static int usage(const struct command *command, const char *problem, struct err *err)
{
	return err_set(err, ERR_OPERATOR, 0, "%s; usage: station %s %s", problem, command->name,
		       command->usage);
}

int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
		  struct err *err)
{
	struct options o = { .dir = getenv("STATION_DIR"), .devices = 24, .slots = 4 };
	int letter;

	if (o.dir == NULL || o.dir[0] == '\0')
		o.dir = DEFAULT_DIR;
	optind = 1;
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (letter == '?' || strchr(command->takes, letter) == NULL)
			return usage(command, "unknown option", err);
		if (set(&o, letter, optarg, err) < 0)
			return err_wrap(err, "station %s", command->name);
	}
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
