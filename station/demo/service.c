/*
 * The demo's service: what dps.json says of the emulator goes into the token
 * and the configuration, through the same calls an integrator's set-up makes.
 */
#include <stdarg.h>
#include <stdlib.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "station/demo/demo.h"

static int copy_text(const json_t *json, const char *name, char *out, size_t cap, struct err *err)
{
	const char *text = json_string_value(json_object_get(json, name));

	if (text == NULL || str_format(out, cap, "%s", text) < 0)
		return err_set(err, ERR_OPERATOR, 0, "dps.json: %s is missing or too long", name);
	return 0;
}

static int copy_key(const json_t *json, struct secret *ret_key, struct err *err)
{
	SECRET_AUTO text = { NULL, 0 };
	const char *key = json_string_value(json_object_get(json, "key"));

	if (key == NULL)
		return err_set(err, ERR_OPERATOR, 0, "dps.json: key is missing");
	if (secret_copy(bytes_str(key), &text, err) < 0)
		return -1;
	return secret_base64_decode(&text, ret_key, err);
}

int demo_service_read(const char *dir, struct demo_service *ret_service, struct err *err)
{
	json_auto_t *json = NULL;
	BUF_AUTO(text, 16384);
	struct demo_service service = { 0 };
	char host[128];

	if (directory_read_file(dir, "dps.json", &text, err) < 0)
		return -1;
	json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL)
		return err_set(err, ERR_OPERATOR, 0, "dps.json is not JSON");
	if (copy_text(json, "host", host, sizeof(host), err) < 0 ||
	    copy_text(json, "caFile", service.ca_file, sizeof(service.ca_file), err) < 0 ||
	    copy_text(json, "idScope", service.id_scope, sizeof(service.id_scope), err) < 0 ||
	    copy_text(json, "policy", service.policy, sizeof(service.policy), err) < 0)
		return -1;
	if (str_format(service.host, sizeof(service.host), "%s:%lld", host,
		       (long long)json_integer_value(json_object_get(json, "port"))) < 0)
		return err_set(err, ERR_OPERATOR, 0, "dps.json: host is too long");
	if (copy_key(json, &service.key, err) < 0)
		return -1;
	*ret_service = service;
	return 0;
}

/* A label is what stands behind object= in the configuration's URI. */
static int import_once(struct hsm_session *session, const char *uri, const struct secret *key,
		       struct err *err)
{
	const char *label = strstr(uri, "object=");
	bool found = false;

	if (label == NULL)
		return err_set(err, ERR_OPERATOR, 0, "%s names no object", uri);
	if (hsm_key_exists(session, uri, &found, err) < 0)
		return -1;
	return found ? 0 : hsm_key_import_hmac(session, label + strlen("object="), key, err);
}

int demo_service_import_key(struct line *line, const struct demo_service *service, struct err *err)
{
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;
	struct station *st = line_station(line);

	if (hsm_session_open(st->hsm, &session, err) < 0)
		return -1;
	return import_once(session, st->conf->login.key, &service->key, err);
}

static int make_symmetric_group(struct station *st, struct enroll_service *service,
				const struct conf_profile *profile, struct err *err)
{
	const struct enroll_group group = { .id = profile->group };
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;
	SECRET_AUTO key = { NULL, 0 };

	if (enroll_group_put_symmetric(service, &group, &key, err) < 0 ||
	    hsm_session_open(st->hsm, &session, err) < 0)
		return -1;
	return import_once(session, profile->group_key, &key, err);
}

int demo_groups_make(struct line *line, struct enroll_service *service, struct err *err)
{
	struct station *st = line_station(line);

	for (size_t i = 0; i < st->conf->profiles_n; i++) {
		const struct conf_profile *profile = &st->conf->profiles[i];
		const struct enroll_group group = { .id = profile->group,
						    .primary_pem = buf_bytes(&st->intermediate_pem) };
		int ret = 0;

		if (profile->enroll != ENROLL_GROUP)
			continue;
		if (profile->attest == ATTEST_X509)
			ret = enroll_group_put_x509(service, &group, err);
		else
			ret = make_symmetric_group(st, service, profile, err);
		if (ret < 0)
			return err_wrap(err, "enrollment group %s", profile->group);
	}
	return 0;
}

static const char profiles_text[] = "[profile \"gateway\"]\n"
				    "model = gateway\n"
				    "attest = tpm\n"
				    "enroll = individual\n\n"
				    "[profile \"sensor\"]\n"
				    "model = sensor\n"
				    "attest = x509\n"
				    "key = device\n"
				    "subject = CN=${registration_id}\n"
				    "validity-days = 3650\n"
				    "enroll = group\n"
				    "group = sensors\n\n"
				    "; a unit that can't make a key gets one from the station\n"
				    "[profile \"controller\"]\n"
				    "model = controller\n"
				    "attest = x509\n"
				    "key = station\n"
				    "validity-days = 3650\n"
				    "enroll = individual\n\n"
				    "[profile \"meter\"]\n"
				    "model = meter\n"
				    "attest = symmetric\n"
				    "enroll = group\n"
				    "group = meters\n"
				    "group-key = pkcs11:object=meters\n\n";

int demo_check_ini(const char *dir, struct err *err)
{
	static const char id[] = "\nid = demo\n";
	BUF_AUTO(ini, CONF_FILE_MAX);

	if (directory_read_file(dir, "station.ini", &ini, err) < 0)
		return -1;
	if (memmem(ini.p, ini.len, id, strlen(id)) == NULL)
		return err_set(err, ERR_OPERATOR, 0,
			       "%s is a real station's; the demo needs a folder of its own", dir);
	return 0;
}

static int append_text(struct buf *out, struct err *err, const char *fmt, ...) PRINTF(3, 4);
static int append_text(struct buf *out, struct err *err, const char *fmt, ...)
{
	char text[2 * DIRECTORY_PATH_MAX];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text) || buf_append(out, bytes_of(text, (size_t)n)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the demo's configuration does not fit");
	return 0;
}

int demo_write_ini(const char *dir, unsigned slots, const struct demo_service *service, struct err *err)
{
	BUF_AUTO(ini, CONF_FILE_MAX);

	if (append_text(&ini, err,
			"; Made by station demo, anew at each start.\n"
			"[station]\nid = demo\n\n"
			"[hsm]\nmodule = softhsm2\ntoken = pkcs11:token=demo\n"
			"pin-source = file:%s/secrets/hsm-pin\nissuing-key = pkcs11:object=issuing\n"
			"audit-key = pkcs11:object=audit\n\n",
			dir) < 0 ||
	    append_text(&ini, err,
			"[service]\nhost = %s\nid-scope = %s\ndevice-host = %s\nca-file = %s\n"
			"auth = sas\npolicy = %s\nkey = pkcs11:object=dps-policy\n\n",
			service->host, service->id_scope, service->host, service->ca_file,
			service->policy) < 0 ||
	    append_text(&ini, err, "%s", profiles_text) < 0)
		return -1;
	for (unsigned i = 1; i <= slots; i++)
		if (append_text(&ini, err,
				"[slot \"%u\"]\nprofile = gateway sensor controller meter\ndriver = smp\n"
				"link = serial:%s/slots/%u\n\n",
				i, dir, i) < 0)
			return -1;
	return directory_write_file(dir, "station.ini", buf_bytes(&ini), 0644, err);
}
