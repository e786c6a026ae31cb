/*
 * Who the service is: id scope, policy and its key, CA, port. Without a state
 * file it is new at every start; with one it is kept beside it (mode 0600), so
 * that a restart is the same service to its clients. The policy's key is written
 * to dps.json for everybody who may read that: this is a test service.
 */
#include "enroll/emulator/dps_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/encode.h"
#include "base/file.h"

#define DEFAULT_POLICY "provisioningserviceowner"

static int identity_path(const struct dps_options *options, char out[DPS_PATH_MAX], struct err *err)
{
	if (str_format(out, DPS_PATH_MAX, "%s.identity", options->state_file) < 0)
		return err_set(err, ERR_OPERATOR, ENAMETOOLONG, "the state file's path is too long");
	return 0;
}

static int make_identity(struct dps_identity *identity, struct err *err)
{
	char hex[HEX_LEN(4) + 1];
	uint8_t raw[4];

	if (RAND_bytes(identity->key, sizeof(identity->key)) != 1 || RAND_bytes(raw, sizeof(raw)) != 1 ||
	    hex_encode(BYTES_ARRAY(raw), hex, sizeof(hex)) < 0)
		return err_set(err, ERR_STATION, 0, "no random numbers");
	for (char *c = hex; *c != '\0'; c++)
		*c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
	(void)!str_format(identity->id_scope, sizeof(identity->id_scope), "0ne%s", hex);
	(void)!str_format(identity->policy, sizeof(identity->policy), DEFAULT_POLICY);
	return dps_ca_make(identity, err);
}

static int take_text(const json_t *doc, const char *name, char *out, size_t cap)
{
	const char *text = json_string_value(json_object_get(doc, name));

	return text != NULL && text[0] != '\0' ? bytes_to_str(bytes_str(text), out, cap) : -1;
}

static int read_identity(const json_t *doc, struct dps_identity *identity)
{
	const char *key = json_string_value(json_object_get(doc, "key"));
	json_int_t port = json_integer_value(json_object_get(doc, "port"));
	size_t n = 0;

	if (take_text(doc, "idScope", identity->id_scope, sizeof(identity->id_scope)) < 0 ||
	    take_text(doc, "policy", identity->policy, sizeof(identity->policy)) < 0 ||
	    take_text(doc, "ca", identity->ca_pem, sizeof(identity->ca_pem)) < 0 ||
	    take_text(doc, "caKey", identity->ca_key_pem, sizeof(identity->ca_key_pem)) < 0 || key == NULL ||
	    base64_decode(bytes_str(key), identity->key, sizeof(identity->key), &n) < 0 ||
	    n != sizeof(identity->key) || port < 0 || port > UINT16_MAX)
		return -1;
	identity->port = (uint16_t)port;
	return 0;
}

/* *ret_found false if there is none yet. */
static int load_identity(const char *path, struct dps_identity *identity, bool *ret_found, struct err *err)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "re");
	CLEANUP(json_freep) json_t *doc = NULL;

	*ret_found = file != NULL;
	if (file == NULL && errno == ENOENT)
		return 0;
	if (file == NULL)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	doc = json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
	if (read_identity(doc, identity) < 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "%s is not an identity of dps-emulator; remove it to make a new one", path);
	return 0;
}

static int override(const char *option, const char *value, char *out, size_t cap, struct err *err)
{
	if (value != NULL && bytes_to_str(bytes_str(value), out, cap) < 0)
		return err_set(err, ERR_OPERATOR, 0, "%s is too long", option);
	return 0;
}

static int fill_identity(const struct dps_options *options, struct dps_identity *identity, struct err *err)
{
	char path[DPS_PATH_MAX];
	bool found = false;

	if (options->state_file != NULL &&
	    (identity_path(options, path, err) < 0 || load_identity(path, identity, &found, err) < 0))
		return -1;
	if (!found && make_identity(identity, err) < 0)
		return -1;
	if (override("--id-scope", options->id_scope, identity->id_scope, sizeof(identity->id_scope), err) <
	    0)
		return -1;
	return override("--policy", options->policy, identity->policy, sizeof(identity->policy), err);
}

int dps_identity_open(const struct dps_options *options, const char *const *hosts,
		      struct dps_identity **ret_identity, struct err *err)
{
	CLEANUP(dps_identity_freep) struct dps_identity *identity = calloc(1, sizeof(*identity));

	if (identity == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "no memory");
	if (fill_identity(options, identity, err) < 0 || dps_server_certs_make(identity, hosts, err) < 0)
		return -1;
	*ret_identity = identity;
	identity = NULL;
	return 0;
}

void dps_identity_free(struct dps_identity *identity)
{
	if (identity == NULL)
		return;
	OPENSSL_cleanse(identity, sizeof(*identity));
	free(identity);
}

int dps_identity_save(const struct dps_options *options, const struct dps_identity *identity, struct err *err)
{
	char path[DPS_PATH_MAX], key[BASE64_LEN(DPS_KEY_LEN) + 1];
	json_t *doc;
	char *text;
	int rc;

	if (options->state_file == NULL)
		return 0;
	if (identity_path(options, path, err) < 0)
		return -1;
	(void)!base64_encode(BYTES_ARRAY(identity->key), key, sizeof(key));
	doc = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "idScope", identity->id_scope, "policy",
			identity->policy, "key", key, "port", (int)identity->port, "ca", identity->ca_pem,
			"caKey", identity->ca_key_pem);
	text = json_dumps(doc, JSON_INDENT(1));
	json_decref(doc);
	if (text == NULL)
		return err_set(err, ERR_STATION, ENOMEM, "no memory");
	rc = file_replace(path, bytes_str(text), 0600, err);
	free(text);
	return rc;
}
