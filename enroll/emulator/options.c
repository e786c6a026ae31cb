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
	"  --identity-port PORT       give managed identities there, over plain HTTP (0: any; default: not "
	"at all)\n"
	"  --entra-tenant ID          of the emulated Entra ID, POST /TENANT/oauth2/v2.0/token (default "
	"contoso)\n"
	"  --entra-client ID          the application that it knows (default station)\n"
	"  --entra-certificate FILE   its certificate, PEM\n"
	"  --entra-secret-file FILE   its secret\n"
	"  --state FILE               keep records and identity on disk\n"
	"  --id-scope ID              default: made up\n"
	"  --policy NAME              default: provisioningserviceowner\n"
	"  --hub HOST                 a linked IoT hub; may be given again (default "
	"contoso.azure-devices.net)\n"
	"  --operations-per-minute N  answer 429 beyond this\n"
	"  --retry-after S            of a 429; 0: no such header (default: what is left of the minute)\n"
	"  --latency-ms N             wait before each answer\n"
	"  --fail-every N             refuse each Nth call with --fail-status\n"
	"  --fail-status STATUS       400 to 599 (default 500)\n"
	"  --drop-reply-every N       do each Nth change, then close the connection without an answer\n"
	"  --fail-item-every N        refuse each Nth item of bulk calls with 500001\n"
	"  --registrations-per-minute N  answer devices 429 beyond this\n"
	"  --polls-per-10-s N         of one device; answer 429 beyond this\n"
	"  --assigning-polls N        so many polls find a registration unfinished (default 1)\n"
	"  --poll-retry-after S       what a device is told to wait; 0: nothing (default 3)\n"
	"  --reset-before-every N     each Nth call: TCP reset, nothing is done\n"
	"  --reset-after-every N      each Nth change: done, then TCP reset\n"
	"  --wrong-etag-every N       each Nth answer with an etag shows another\n"
	"  --garble-every N           spoil each Nth answer as --garble-as says\n"
	"  --garble-as WORD           portal (nothing is done, HTML with status 200), text (no JSON),\n"
	"                             duplicate, unknown-field, huge (100 MB)\n"
	"  --clock-skew-s S           the service's clock is wrong by so many seconds\n"
	"  --tls WORD                 the certificate shown: good, expired, other-host\n"
	"  --token-lifetime-s S       of bearer tokens (default 3599)\n"
	"  --token-fail-every N       each Nth request for a token gets --fail-status\n"
	"  --bearer-role WORD         what bearer tokens allow: contributor, reader, none\n"
	"  --stay                     go on when standard input closes or the parent ends\n"
	"  --help\n"
	"From --operations-per-minute on these are knobs: PUT /_knobs replaces all of them while it runs,\n"
	"with JSON such as {\"fail-every\": 3} and the policy's SAS; GET /_knobs shows them.\n"
	"Ends on SIGTERM, SIGINT, and when standard input closes.\n";

enum option_id {
	OPT_DIR = 256,
	OPT_LISTEN,
	OPT_MQTT_PORT,
	OPT_IDENTITY_PORT,
	OPT_ENTRA_TENANT,
	OPT_ENTRA_CLIENT,
	OPT_ENTRA_CERTIFICATE,
	OPT_ENTRA_SECRET_FILE,
	OPT_STATE,
	OPT_ID_SCOPE,
	OPT_POLICY,
	OPT_HUB,
	OPT_STAY,
	OPT_HELP,
	OPT_KNOB, /* the first of them */
};

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "mqtt-port", required_argument, NULL, OPT_MQTT_PORT },
	{ "identity-port", required_argument, NULL, OPT_IDENTITY_PORT },
	{ "entra-tenant", required_argument, NULL, OPT_ENTRA_TENANT },
	{ "entra-client", required_argument, NULL, OPT_ENTRA_CLIENT },
	{ "entra-certificate", required_argument, NULL, OPT_ENTRA_CERTIFICATE },
	{ "entra-secret-file", required_argument, NULL, OPT_ENTRA_SECRET_FILE },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "id-scope", required_argument, NULL, OPT_ID_SCOPE },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "hub", required_argument, NULL, OPT_HUB },
	{ "stay", no_argument, NULL, OPT_STAY },
	{ "help", no_argument, NULL, OPT_HELP },
};

#define OPTIONS_MAX 64
/* Ours, then every knob. */
static void all_options(struct option out[OPTIONS_MAX])
{
	size_t n = ARRAY_LEN(long_options);

	memcpy(out, long_options, sizeof(long_options));
	for (size_t i = 0; dps_knob_name(i) != NULL; i++) {
		base_assert(n + 1 < OPTIONS_MAX);
		out[n++] = (struct option){ dps_knob_name(i), required_argument, NULL, OPT_KNOB + (int)i };
	}
	out[n] = (struct option){ NULL, 0, NULL, 0 };
}

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

static int take_hub(const char *host, struct dps_options *options, struct err *err)
{
	size_t n = 0;

	while (n < DPS_HUBS_MAX && options->hubs[n] != NULL)
		n++;
	if (n == DPS_HUBS_MAX)
		return err_set(err, ERR_OPERATOR, 0, "there are more than %d", DPS_HUBS_MAX);
	if (!dps_hub_valid(host))
		return err_set(err, ERR_OPERATOR, 0, "%.40s is no host name of an IoT hub", host);
	options->hubs[n] = host;
	return 0;
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
	case OPT_IDENTITY_PORT:
		options->identity = true;
		return take_port(optarg, &options->identity_port, err);
	case OPT_ENTRA_TENANT:
		options->entra_tenant = optarg;
		return 0;
	case OPT_ENTRA_CLIENT:
		options->entra_client = optarg;
		return 0;
	case OPT_ENTRA_CERTIFICATE:
		options->entra_certificate = optarg;
		return 0;
	case OPT_ENTRA_SECRET_FILE:
		options->entra_secret_file = optarg;
		return 0;
	case OPT_STATE:
		options->state_file = optarg;
		return 0;
	case OPT_ID_SCOPE:
		options->id_scope = optarg;
		return 0;
	case OPT_POLICY:
		options->policy = optarg;
		return 0;
	case OPT_HUB:
		return take_hub(optarg, options, err);
	case OPT_STAY:
		options->stay = true;
		return 0;
	case OPT_HELP:
		*help = true;
		return 0;
	default:
		return dps_knob_set(&options->knobs, dps_knob_name((size_t)(id - OPT_KNOB)), optarg, err);
	}
}

int dps_options_parse(int argc, char **argv, struct dps_options *ret_options, bool *ret_help, struct err *err)
{
	struct dps_options options = { .address = "127.0.0.1" };
	struct option known[OPTIONS_MAX];
	int index = 0, id;

	*ret_help = false;
	all_options(known);
	dps_knobs_init(&options.knobs);
	opterr = 0;
	optind = 1;
	while ((id = getopt_long(argc, argv, "", known, &index)) != -1) {
		if (id == '?' || id == ':')
			return err_set(err, ERR_OPERATOR, 0, "unknown or incomplete option %.60s",
				       argv[optind - 1]);
		if (take_option(id, &options, ret_help, err) < 0)
			return err_wrap(err, "option --%s", known[index].name);
	}
	if (*ret_help)
		return 0;
	if (optind < argc)
		return err_set(err, ERR_OPERATOR, 0, "%.60s is not an option", argv[optind]);
	if (options.dir == NULL)
		return err_set(err, ERR_OPERATOR, 0, "--dir DIR is missing");
	if (options.hubs[0] == NULL)
		options.hubs[0] = "contoso.azure-devices.net";
	*ret_options = options;
	return 0;
}
