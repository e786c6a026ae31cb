/*
 * dps-emulator: the Azure IoT Hub Device Provisioning Service on loopback, for
 * lines that are being qualified and for tests. It guards nothing: its policy key
 * is in dps.json, its CA is thrown away.
 *
 *   options.c             the command line
 *   identity.c ca.c       who the service is, and its certificate
 *   server.c              HTTPS; the only file that knows libmicrohttpd
 *   mqtt_{packet,session,server}.c    MQTT over TLS, for devices
 *   route.c sas.c token.c which handler, who may call
 *   knobs.c faults.c      limits and faults; knob_table.c control.c: by name, while it runs
 *   enrollment.c bulk.c query.c       the handlers
 *   register.c registration.c allocation.c      devices register, and belong to a hub
 *   device_{auth,x509,group,tpm}.c tpm_blob.c   who a device is
 *   fields.c attestation.c x509.c     what a record may hold
 *   store.c journal.c     records in memory and on disk
 *   entra.c managed_identity.c bearer.c jwt.c form.c login_conf.c     logins by token
 *   management.c ca_certificate.c proof.c    the instance and its CA certificates
 *   errors.c text.c       responses, error bodies, text forms
 */
#include "enroll/emulator/mqtt_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/encode.h"
#include "base/file.h"

static int signals_to_fd(struct err *err)
{
	sigset_t set;
	int fd;

	/* Before the first thread: all of them inherit the mask. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || (fd = signalfd(-1, &set, SFD_CLOEXEC)) < 0)
		return err_set(err, ERR_STATION, errno, "signals: %s", strerror(errno));
	return fd;
}

static int end_with_parent(struct err *err)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return err_set(err, ERR_STATION, errno, "prctl: %s", strerror(errno));
	if (getppid() != parent)
		return err_set(err, ERR_OPERATOR, 0, "the parent process has ended");
	return 0;
}

static bool stdin_closed(void)
{
	char ignored[256];
	ssize_t n = read(STDIN_FILENO, ignored, sizeof(ignored));

	return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

static void wait_for_end(int signals, bool stay)
{
	struct pollfd fds[] = { { signals, POLLIN, 0 }, { stay ? -1 : STDIN_FILENO, POLLIN, 0 } };

	for (;;) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents != 0 || (fds[1].revents != 0 && stdin_closed()))
			return;
	}
}

static int write_in_dir(const struct dps_options *options, const char *name, struct bytes content,
			unsigned mode, struct err *err)
{
	char path[DPS_PATH_MAX];

	if (str_format(path, sizeof(path), "%s/%s", options->dir, name) < 0)
		return err_set(err, ERR_OPERATOR, ENAMETOOLONG, "the path of --dir is too long");
	return file_replace(path, content, mode, err);
}

/* What is listened on besides HTTPS. */
struct ports {
	uint16_t mqtt, identity; /* 0: not at all */
};

static int write_dps_json(const struct dps_options *options, const struct dps_identity *identity,
			  const struct ports *ports, struct err *err)
{
	char key[BASE64_LEN(DPS_KEY_LEN) + 1], ca_file[DPS_PATH_MAX];
	char *dir = realpath(options->dir, NULL), *text;
	json_t *doc;
	int rc = dir != NULL ? str_format(ca_file, sizeof(ca_file), "%s/dps-ca.pem", dir) : -1;

	free(dir);
	if (rc < 0)
		return err_set(err, ERR_OPERATOR, errno, "--dir: %s", strerror(errno));
	(void)!base64_encode(BYTES_ARRAY(identity->key), key, sizeof(key));
	doc = json_pack("{s:s, s:i, s:i, s:s, s:s, s:s, s:s, s:i}", "host", options->address, "port",
			(int)identity->port, "mqttPort", (int)ports->mqtt, "caFile", ca_file, "idScope",
			identity->id_scope, "policy", identity->policy, "key", key, "pid", (int)getpid());
	if (ports->identity != 0)
		(void)json_object_set_new(doc, "identityPort", json_integer(ports->identity));
	text = json_dumps(doc, JSON_INDENT(1));
	json_decref(doc);
	if (text == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "dps.json can't be made");
	rc = write_in_dir(options, "dps.json", bytes_str(text), 0600, err);
	free(text);
	return rc;
}

/* The port of the last run if nothing else was asked for and it is still free, else any. */
static int start_server(struct dps *dps, const struct dps_options *options, struct dps_identity *identity,
			struct dps_server **ret_server, struct err *err)
{
	uint16_t port = options->port != 0 ? options->port : identity->port;

	if (dps_server_start(dps, identity, options->address, port, ret_server, &identity->port, err) == 0)
		return 0;
	if (err->class != ERR_RETRY || options->port != 0)
		return -1;
	err_clear(err);
	return dps_server_start(dps, identity, options->address, 0, ret_server, &identity->port, err);
}

static int announce(const struct dps_options *options, const struct dps_identity *identity,
		    const struct ports *ports, struct err *err)
{
	if (dps_identity_save(options, identity, err) < 0 ||
	    write_dps_json(options, identity, ports, err) < 0)
		return -1;
	if (printf("{\"event\":\"ready\",\"port\":%u}\n", (unsigned)identity->port) < 0 ||
	    fflush(stdout) != 0)
		return err_set(err, ERR_OPERATOR, errno, "standard output: %s", strerror(errno));
	return 0;
}

/* One that outlives its starter must not keep that one's pipes open: what reads them would never end. */
static int let_go_of_output(const struct dps_options *options, struct err *err)
{
	char path[DPS_PATH_MAX];
	int fd;

	if (str_format(path, sizeof(path), "%s/dps-emulator.log", options->dir) < 0)
		return err_set(err, ERR_OPERATOR, 0, "--dir is too long");
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
	return 0;
}

static void conf_free(struct dps_conf *conf)
{
	dps_entra_close(&conf->entra);
	explicit_bzero(conf, sizeof(*conf));
	free(conf);
}
DEFINE_CLEANUP(conf_freep, struct dps_conf, conf_free)

static int fill_conf(const struct dps_options *options, const struct dps_identity *identity,
		     struct dps_conf *conf, struct err *err)
{
	char *dir = realpath(options->dir, NULL);
	int rc = dir != NULL ? str_format(conf->key_dir, sizeof(conf->key_dir), "%s/tokens", dir) : -1;

	free(dir);
	if (rc < 0)
		return err_set(err, ERR_OPERATOR, errno, "--dir: %s", strerror(errno));
	conf->knobs = options->knobs;
	memcpy(conf->id_scope, identity->id_scope, sizeof(conf->id_scope));
	memcpy(conf->policy, identity->policy, sizeof(conf->policy));
	memcpy(conf->key, identity->key, sizeof(conf->key));
	return dps_entra_open(options, &conf->entra, err);
}

static int run(const struct dps_options *options, struct err *err)
{
	const char *const hosts[] = { "localhost",
				      "global.azure-devices-provisioning.net",
				      "contoso.azure-devices-provisioning.net",
				      "127.0.0.1",
				      strcmp(options->address, "127.0.0.1") != 0 ? options->address : NULL,
				      NULL };
	CLEANUP(conf_freep) struct dps_conf *conf = calloc(1, sizeof(*conf));
	CLEANUP(dps_store_closep) struct dps_store *store = NULL;
	CLEANUP(dps_freep) struct dps *dps = NULL;
	CLEANUP(dps_server_stopp) struct dps_server *server = NULL;
	CLEANUP(dps_server_stopp) struct dps_server *machine = NULL;
	CLEANUP(mqtt_server_stopp) struct mqtt_server *mqtt = NULL;
	CLEANUP(fd_closep) int signals = signals_to_fd(err);
	CLEANUP(dps_identity_freep) struct dps_identity *identity = NULL;
	struct ports ports = { 0 };

	if (conf == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "no memory");
	conf->hosts = hosts;
	conf->hubs = options->hubs;
	if (signals < 0 || (!options->stay && end_with_parent(err) < 0))
		return -1;
	if (mkdir(options->dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", options->dir, strerror(errno));
	if (dps_store_open(options->state_file, &store, err) < 0 ||
	    dps_identity_open(options, hosts, &identity, err) < 0 ||
	    write_in_dir(options, "dps-ca.pem", bytes_str(identity->ca_pem), 0644, err) < 0 ||
	    fill_conf(options, identity, conf, err) < 0 || dps_new(conf, store, &dps, err) < 0 ||
	    start_server(dps, options, identity, &server, err) < 0 ||
	    mqtt_server_start(dps, identity, options->address, options->mqtt_port, &mqtt, &ports.mqtt, err) <
		    0)
		return -1;
	if (options->identity && dps_server_start(dps, NULL, options->address, options->identity_port,
						  &machine, &ports.identity, err) < 0)
		return -1;
	if (announce(options, identity, &ports, err) < 0 ||
	    (options->stay && let_go_of_output(options, err) < 0))
		return -1;
	wait_for_end(signals, options->stay);
	return 0;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	struct dps_options options;
	char text[512];
	bool help;

	if (dps_options_parse(argc, argv, &options, &help, &err) < 0) {
		(void)fprintf(stderr, "dps-emulator: %s\n%s", err_text(&err, text, sizeof(text)), dps_usage);
		return 2;
	}
	if (help) {
		(void)fputs(dps_usage, stdout);
		return 0;
	}
	if (run(&options, &err) < 0) {
		(void)fprintf(stderr, "dps-emulator: %s\n", err_text(&err, text, sizeof(text)));
		return err.class == ERR_STATION || err.class == ERR_BUG ? 3 : 2;
	}
	return 0;
}
