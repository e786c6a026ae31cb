/*
 * Making a new station directory on the embedded default. Root and issuing key
 * share one SoftHSM token here, so that a newcomer has a working line in one
 * command; a plant keeps its root elsewhere and its issuing key in a real HSM.
 */
#include "station/directory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "hsm/hsm.h"
#include "station/journal.h"
#include "station/people/people.h"
#include "station/results.h"

#define ROOT_DAYS         7300
#define INTERMEDIATE_DAYS 5475
#define PIN_BYTES         16

static int make_folder(const char *dir, const char *name, struct err *err)
{
	char path[DIRECTORY_PATH_MAX];

	if (directory_path(dir, name, path, err) < 0)
		return -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* 128 random bits as base64: nobody types this PIN, it is read from its file. */
static int make_pin(const char *dir, const char *name, struct secret *ret_pin, struct err *err)
{
	SECRET_AUTO random = { NULL, 0 };
	SECRET_AUTO pin = { NULL, 0 };

	if (secret_random(PIN_BYTES, &random, err) < 0 || secret_base64_encode(&random, &pin, err) < 0 ||
	    directory_write_file(dir, name, secret_bytes(&pin), 0600, err) < 0)
		return -1;
	*ret_pin = pin;
	pin = (struct secret){ NULL, 0 };
	return 0;
}

static int make_token(const char *dir, const char *id, struct err *err)
{
	SECRET_AUTO so_pin = { NULL, 0 };
	SECRET_AUTO pin = { NULL, 0 };
	char conf[DIRECTORY_PATH_MAX + 64];

	if (str_format(conf, sizeof(conf), "directories.tokendir = %s/tokens\nlog.level = ERROR\n", dir) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the station directory's path is too long");
	if (make_folder(dir, "tokens", err) < 0 || make_folder(dir, "secrets", err) < 0 ||
	    directory_write_file(dir, "softhsm2.conf", bytes_str(conf), 0600, err) < 0 ||
	    make_pin(dir, "secrets/hsm-so-pin", &so_pin, err) < 0 ||
	    make_pin(dir, "secrets/hsm-pin", &pin, err) < 0)
		return -1;
	directory_use_softhsm(dir);
	return hsm_token_make("softhsm2", id, &so_pin, &pin, err);
}

/* A CA key in the token and what a certificate for it needs. */
struct ca_key {
	struct hsm_key *key;
	struct buf spki;
	uint8_t serial[PKI_SERIAL_LEN];
};

static void ca_key_deinit(struct ca_key *key)
{
	buf_deinit(&key->spki);
}

static int make_ca_key(struct hsm_session *session, const char *label, struct ca_key *ret, struct err *err)
{
	char uri[96];

	if (str_format(uri, sizeof(uri), "pkcs11:object=%s", label) < 0)
		return err_set(err, ERR_BUG, 0, "key label does not fit");
	if (hsm_key_generate(session, HSM_KEY_EC_P256, label, err) < 0 ||
	    hsm_key_find(session, uri, &ret->key, err) < 0 || hsm_key_public(ret->key, &ret->spki, err) < 0 ||
	    hsm_random(session, ret->serial, sizeof(ret->serial), err) < 0)
		return err_wrap(err, "making the key %s", label);
	pki_serial_shape(ret->serial);
	return 0;
}

static struct pki_ca_request request_for(const char *cn, const struct ca_key *key, unsigned days)
{
	return (struct pki_ca_request){ cn, buf_bytes(&key->spki), key->serial, clock_wall_ms() / 1000,
					days };
}

static int write_pem(const char *dir, const char *name, const struct buf *der, struct err *err)
{
	BUF_AUTO(pem, PKI_CHAIN_MAX);

	if (pki_pem_append(buf_bytes(der), &pem, err) < 0)
		return -1;
	return directory_write_file(dir, name, buf_bytes(&pem), 0644, err);
}

/* Root signs itself, then the intermediate; both with the root's key. */
static int make_certificates(const char *dir, const char *id, const struct ca_key *root,
			     const struct ca_key *issuing, struct err *err)
{
	CLEANUP(pki_issuer_freep) struct pki_issuer *root_issuer = NULL;
	BUF_AUTO(root_der, PKI_CERT_MAX);
	BUF_AUTO(intermediate_der, PKI_CERT_MAX);
	const struct signer signer = { hsm_key_sign, root->key, hsm_key_default_alg(root->key) };
	char root_cn[PKI_CN_MAX + 1], intermediate_cn[PKI_CN_MAX + 1];
	struct pki_ca_request request;

	if (str_format(root_cn, sizeof(root_cn), "%s root CA", id) < 0 ||
	    str_format(intermediate_cn, sizeof(intermediate_cn), "%s issuing CA", id) < 0)
		return err_set(err, ERR_OPERATOR, 0, "station id %s is too long", id);
	request = request_for(root_cn, root, ROOT_DAYS);
	if (pki_root_make(&request, &signer, &root_der, err) < 0 ||
	    pki_issuer_new(buf_bytes(&root_der), &root_issuer, err) < 0)
		return err_wrap(err, "making the root certificate");
	request = request_for(intermediate_cn, issuing, INTERMEDIATE_DAYS);
	if (pki_intermediate_make(root_issuer, &request, &signer, &intermediate_der, err) < 0)
		return err_wrap(err, "making the issuing certificate");
	if (make_folder(dir, "ca", err) < 0 || write_pem(dir, "ca/root.pem", &root_der, err) < 0 ||
	    write_pem(dir, "ca/intermediate.pem", &intermediate_der, err) < 0 ||
	    write_pem(dir, "ca/chain.pem", &intermediate_der, err) < 0)
		return -1;
	return 0;
}

static int make_ca(const char *dir, const char *id, struct err *err)
{
	CLEANUP(hsm_closep) struct hsm *hsm = NULL;
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;
	CLEANUP(ca_key_deinit) struct ca_key root = { .spki = { .max = PKI_SPKI_MAX } };
	CLEANUP(ca_key_deinit) struct ca_key issuing = { .spki = { .max = PKI_SPKI_MAX } };
	char token[96], pin[DIRECTORY_PATH_MAX + 8];
	const struct hsm_conf conf = { "softhsm2", token, pin };

	if (str_format(token, sizeof(token), "pkcs11:token=%s", id) < 0 ||
	    str_format(pin, sizeof(pin), "file:%s/secrets/hsm-pin", dir) < 0)
		return err_set(err, ERR_OPERATOR, 0, "station id or directory is too long");
	if (hsm_open(&conf, &hsm, err) < 0 || hsm_session_open(hsm, &session, err) < 0 ||
	    make_ca_key(session, "root", &root, err) < 0 ||
	    make_ca_key(session, "issuing", &issuing, err) < 0 ||
	    hsm_key_generate(session, HSM_KEY_EC_P256, "audit", err) < 0)
		return -1;
	return make_certificates(dir, id, &root, &issuing, err);
}

static int write_ini(const char *dir, const char *id, struct err *err)
{
	char text[2048];

	if (str_format(text, sizeof(text),
		       "; The station's configuration. Unknown keys are errors. No secret stands here.\n"
		       "[station]\n"
		       "id = %s\n\n"
		       "[hsm]\n"
		       "module = softhsm2\n"
		       "token = pkcs11:token=%s\n"
		       "pin-source = file:%s/secrets/hsm-pin\n"
		       "issuing-key = pkcs11:object=issuing\n"
		       "; What the station signs batches and receipts with: station audit key\n"
		       "audit-key = pkcs11:object=audit\n\n"
		       "; The provisioning service. Its policy's key: station hsm import dps-policy\n"
		       "[service]\n"
		       "host = contoso.azure-devices-provisioning.net\n"
		       "id-scope = 0ne00000000\n"
		       "device-host = global.azure-devices-provisioning.net\n"
		       "auth = sas\n"
		       "policy = station-enroll\n"
		       "key = pkcs11:object=dps-policy\n\n"
		       "[profile \"sensor\"]\n"
		       "attest = x509\n"
		       "key = device\n"
		       "subject = CN=${registration_id}\n"
		       "validity-days = 3650\n"
		       "enroll = individual\n\n"
		       "[slot \"1\"]\n"
		       "profile = sensor\n"
		       "driver = smp\n"
		       "link = serial:/dev/ttyUSB0\n",
		       id, id, dir) < 0)
		return err_set(err, ERR_OPERATOR, 0, "station id or directory is too long");
	return directory_write_file(dir, "station.ini", bytes_str(text), 0644, err);
}

static int check_id(const char *id, struct err *err)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (n == 0 || n > 32 || id[n] != '\0')
		return err_set(err, ERR_OPERATOR, 0, "station id \"%s\": 1 to 32 of a-z, 0-9 and -", id);
	return 0;
}

int directory_make(const char *dir, const char *id, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	char ini[DIRECTORY_PATH_MAX], half[DIRECTORY_PATH_MAX];

	if (check_id(id, err) < 0 || directory_path(dir, "station.ini", ini, err) < 0)
		return -1;
	if (access(ini, F_OK) == 0)
		return err_set(err, ERR_OPERATOR, 0, "%s exists; this is a station directory already", ini);
	if (directory_path(dir, "softhsm2.conf", half, err) < 0)
		return -1;
	if (access(half, F_OK) == 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "%s was left half made; nothing was issued from it: remove it and start again",
			       dir);
	if (make_token(dir, id, err) < 0 || make_ca(dir, id, err) < 0 || directory_keep_token(dir, err) < 0 ||
	    directory_open_db(dir, &db, err) < 0 || journal_init(db, err) < 0 || audit_init(db, err) < 0 ||
	    enroll_init(db, err) < 0 || results_init(db, err) < 0 || people_init(db, err) < 0)
		return -1;
	/* Last, since its presence says that the directory is whole. */
	return write_ini(dir, id, err);
}
