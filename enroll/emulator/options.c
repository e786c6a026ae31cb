/* The command line. Every number is whole and in range, or the option is named. */
#include "enroll/emulator/dps_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

const char dps_usage[] =
	"usage: dps-emulator --dir DIR [options]\n"
	"The Azure IoT Hub Device Provisioning Service on loopback, for tests. DIR gets dps-ca.pem and "
	"dps.json.\n"
	"  --listen ADDRESS:PORT      127.0.0.0/8; port 0: any (default 127.0.0.1:0)\n"
	"  --mqtt-port PORT           MQTT over TLS at the same address (default 0: any)\n"
	"  --state FILE               keep records and identity on disk\n"
	"  --id-scope ID              default: made up\n"
	"  --policy NAME              default: provisioningserviceowner\n"
	"  --operations-per-minute N  answer 429 beyond this\n"
	"  --retry-after S            of a 429; 0: no such header (default: what is left of the minute)\n"
	"  --latency-ms N             wait before each answer\n"
	"  --fail-every N             refuse each Nth call with --fail-status\n"
	"  --fail-status STATUS       400 to 599 (default 500)\n"
	"  --drop-reply-every N       do each Nth change, then close the connection without an answer\n"
	"  --fail-item-every N        refuse each Nth item of bulk calls with 500001\n"
	"  --stay                     go on when standard input closes or the parent ends\n"
	"  --help\n"
	"Ends on SIGTERM, SIGINT, and when standard input closes.\n";

enum option_id {
	OPT_DIR = 256,
	OPT_LISTEN,
	OPT_MQTT_PORT,
	OPT_STATE,
	OPT_ID_SCOPE,
	OPT_POLICY,
	OPT_OPERATIONS,
	OPT_RETRY_AFTER,
	OPT_LATENCY,
	OPT_FAIL_EVERY,
	OPT_FAIL_STATUS,
	OPT_DROP_REPLY,
	OPT_FAIL_ITEM,
	OPT_STAY,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "mqtt-port", required_argument, NULL, OPT_MQTT_PORT },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "id-scope", required_argument, NULL, OPT_ID_SCOPE },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "operations-per-minute", required_argument, NULL, OPT_OPERATIONS },
	{ "retry-after", required_argument, NULL, OPT_RETRY_AFTER },
	{ "latency-ms", required_argument, NULL, OPT_LATENCY },
	{ "fail-every", required_argument, NULL, OPT_FAIL_EVERY },
	{ "fail-status", required_argument, NULL, OPT_FAIL_STATUS },
	{ "drop-reply-every", required_argument, NULL, OPT_DROP_REPLY },
	{ "fail-item-every", required_argument, NULL, OPT_FAIL_ITEM },
	{ "stay", no_argument, NULL, OPT_STAY },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int take_number(const char *text, unsigned least, unsigned most, unsigned *ret, struct err *err)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = digits > 0 && digits < 10 ? strtoul(text, NULL, 10) : (unsigned long)most + 1;

	if (text[digits] != '\0' || value < least || value > most)
		return err_set(err, ERR_OPERATOR, 0, "%.40s is not a number from %u to %u", text, least,
			       most);
	*ret = (unsigned)value;
	return 0;
}

static int take_port(const char *text, uint16_t *ret, struct err *err)
{
	unsigned port = 0;

	if (take_number(text, 0, UINT16_MAX, &port, err) < 0)
		return -1;
	*ret = (uint16_t)port;
	return 0;
}

/* The service gives its key away, so it must never be reachable from elsewhere. */
static int take_listen(const char *text, struct dps_options *options, struct err *err)
{
	size_t len = strcspn(text, ":");
	struct in_addr address;

	if (bytes_to_str(bytes_of(text, len), options->address, sizeof(options->address)) < 0 ||
	    inet_pton(AF_INET, options->address, &address) != 1 || (ntohl(address.s_addr) >> 24) != 127)
		return err_set(err, ERR_OPERATOR, 0, "%.40s is not an address of 127.0.0.0/8", text);
	return text[len] == ':' ? take_port(text + len + 1, &options->port, err) : 0;
}

static int take_knob(int id, const char *text, struct dps_knobs *knobs, struct err *err)
{
	unsigned seconds = 0;

	switch (id) {
	case OPT_OPERATIONS:
		return take_number(text, 1, 10000000, &knobs->operations_per_minute, err);
	case OPT_LATENCY:
		return take_number(text, 0, 600000, &knobs->latency_ms, err);
	case OPT_FAIL_EVERY:
		return take_number(text, 1, 1000000, &knobs->fail_every, err);
	case OPT_FAIL_STATUS:
		return take_number(text, 400, 599, &knobs->fail_status, err);
	case OPT_DROP_REPLY:
		return take_number(text, 1, 1000000, &knobs->drop_reply_every, err);
	case OPT_FAIL_ITEM:
		return take_number(text, 1, 1000000, &knobs->fail_item_every, err);
	case OPT_RETRY_AFTER:
		if (take_number(text, 0, 86400, &seconds, err) < 0)
			return -1;
		knobs->retry_after_s = (int)seconds;
		return 0;
	default:
		return err_set(err, ERR_OPERATOR, 0, "unknown option");
	}
}

static int take_option(int id, struct dps_options *options, bool *help, struct err *err)
{
	switch (id) {
	case OPT_DIR:
		options->dir = optarg;
		return 0;
	case OPT_LISTEN:
		return take_listen(optarg, options, err);
	case OPT_MQTT_PORT:
		return take_port(optarg, &options->mqtt_port, err);
	case OPT_STATE:
		options->state_file = optarg;
		return 0;
	case OPT_ID_SCOPE:
		options->id_scope = optarg;
		return 0;
	case OPT_POLICY:
		options->policy = optarg;
		return 0;
	case OPT_STAY:
		options->stay = true;
		return 0;
	case OPT_HELP:
		*help = true;
		return 0;
	default:
		return take_knob(id, optarg, &options->knobs, err);
	}
}

int dps_options_parse(int argc, char **argv, struct dps_options *ret_options, bool *ret_help, struct err *err)
{
	struct dps_options options = { .address = "127.0.0.1",
				       .knobs = { .retry_after_s = -1, .fail_status = 500 } };
	int index = 0, id;

	*ret_help = false;
	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, "", long_options, &index)) != -1) {
		if (id == '?' || id == ':')
			return err_set(err, ERR_OPERATOR, 0, "unknown or incomplete option %.60s",
				       argv[optind - 1]);
		if (take_option(id, &options, ret_help, err) < 0)
			return err_wrap(err, "option --%s", long_options[id - OPT_DIR].name);
	}
	if (*ret_help)
		return 0;
	if (optind < argc)
		return err_set(err, ERR_OPERATOR, 0, "%.60s is not an option", argv[optind]);
	if (options.dir == NULL)
		return err_set(err, ERR_OPERATOR, 0, "--dir DIR is missing");
	*ret_options = options;
	return 0;
}
