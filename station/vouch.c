/* One key signs, the others' are files that people put there: no chain and no expiry, since a plant has few stations. */
#include "station/vouch.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/encode.h"
#include "station/directory.h"

#define FOLDER   "stations"
#define LINE_ID  "Station: "
#define LINE_SHA "SHA-256: "

int vouch_open_token(const char *dir, const struct conf *conf, struct vouch *vouch, struct err *err)
{
	const struct hsm_conf hsm = { conf->module, conf->token, conf->pin_source };

	if (vouch->session != NULL)
		return 0;
	directory_use_softhsm(dir);
	if (directory_mend_token(dir, err) < 0 || hsm_open(&hsm, &vouch->hsm, err) < 0)
		return err_wrap(err, "HSM");
	return hsm_session_open(vouch->hsm, &vouch->session, err);
}

int vouch_open_key(const char *dir, const struct conf *conf, struct vouch *vouch, struct err *err)
{
	struct hsm_key *key;

	if (conf->audit_key[0] == '\0')
		return err_set(err, ERR_OPERATOR, 0,
			       "this station has no key to sign with; make one: station hsm make-signing "
			       "audit, then "
			       "audit-key = pkcs11:object=audit under [hsm]");
	if (vouch_open_token(dir, conf, vouch, err) < 0 ||
	    hsm_key_find(vouch->session, conf->audit_key, &key, err) < 0 ||
	    hsm_key_public(key, &vouch->spki, err) < 0)
		return err_wrap(err, "audit-key");
	if (hsm_key_type(key) != HSM_KEY_EC_P256)
		return err_set(err, ERR_OPERATOR, 0, "audit-key must be a P-256 key");
	vouch->signer = (struct signer){ hsm_key_sign, key, SIGN_ECDSA_SHA256 };
	sha256(buf_bytes(&vouch->spki), vouch->key_sha256);
	return 0;
}

int vouch_open_device_keys(const char *dir, const struct conf *conf, struct vouch *vouch, struct err *err)
{
	const struct conf_profile *profile = conf_device_key_profile(conf);
	struct hsm_key *key;

	if (profile == NULL)
		return 0;
	if (vouch_open_token(dir, conf, vouch, err) < 0 ||
	    hsm_key_find(vouch->session, profile->group_key, &key, err) < 0)
		return err_wrap(err, "master key of profile %s", profile->name);
	vouch->device_keys = (struct macer){ hsm_key_mac, key };
	return 0;
}

void vouch_close(struct vouch *vouch)
{
	hsm_session_close(vouch->session);
	hsm_close(vouch->hsm);
	buf_deinit(&vouch->spki);
}

int vouch_text(const char *station, struct bytes spki, struct buf *ret_text, struct err *err)
{
	uint8_t digest[SHA256_LEN];
	char sha[HEX_LEN(SHA256_LEN) + 1], head[160];

	sha256(spki, digest);
	if (hex_encode(BYTES_ARRAY(digest), sha, sizeof(sha)) < 0 ||
	    str_format(head, sizeof(head), LINE_ID "%s\n" LINE_SHA "%s\n", station, sha) < 0 ||
	    buf_set(ret_text, bytes_str(head)) < 0)
		return err_set(err, ERR_BUG, 0, "a station's key does not fit");
	return pki_spki_pem_append(spki, ret_text, err);
}

/* It becomes a file's name. */
static int read_id(struct bytes *text, char ret_station[ENROLL_STATION_MAX + 1])
{
	struct bytes prefix, id;
	const uint8_t *end;

	if (take(text, sizeof(LINE_ID) - 1, &prefix) < 0 || !bytes_equal(prefix, BYTES_LIT(LINE_ID)))
		return -1;
	end = text->len > 0 ? memchr(text->p, '\n', text->len) : NULL;
	if (end == NULL || take(text, (size_t)(end - text->p), &id) < 0 || id.len == 0 ||
	    bytes_to_str(id, ret_station, ENROLL_STATION_MAX + 1) < 0)
		return -1;
	return strspn(ret_station, "abcdefghijklmnopqrstuvwxyz0123456789-") == id.len ? 0 : -1;
}

int vouch_text_read(struct bytes text, char ret_station[ENROLL_STATION_MAX + 1], struct buf *ret_spki,
		    struct err *err)
{
	char station[ENROLL_STATION_MAX + 1];
	BUF_AUTO(again, VOUCH_TEXT_MAX);
	struct bytes rest = text;

	if (read_id(&rest, station) < 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "it does not begin with \"" LINE_ID
			       "ID\"; it must be what \"station audit key\" "
			       "printed there");
	if (pki_spki_pem_read(text, ret_spki, err) < 0 ||
	    vouch_text(station, buf_bytes(ret_spki), &again, err) < 0)
		return -1;
	if (!bytes_equal(buf_bytes(&again), text))
		return err_set(err, ERR_OPERATOR, 0, "it is not what \"station audit key\" prints: changed?");
	memcpy(ret_station, station, sizeof(station));
	return 0;
}

static int name_of(const char *station, char ret[64], struct err *err)
{
	if (str_format(ret, 64, FOLDER "/%s.pem", station) < 0)
		return err_set(err, ERR_OPERATOR, 0, "a station's id is too long");
	return 0;
}

int vouch_trust(const char *dir, const char *station, struct bytes text, struct err *err)
{
	char path[DIRECTORY_PATH_MAX], name[64];

	if (directory_path(dir, FOLDER, path, err) < 0 || name_of(station, name, err) < 0)
		return -1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	return directory_write_file(dir, name, text, 0644, err);
}

int vouch_check(const char *dir, const char *station, const uint8_t key_sha256[SHA256_LEN],
		struct bytes message, struct bytes sig, struct err *err)
{
	char path[DIRECTORY_PATH_MAX], name[64], id[ENROLL_STATION_MAX + 1];
	BUF_AUTO(text, VOUCH_TEXT_MAX);
	BUF_AUTO(spki, PKI_SPKI_MAX);
	uint8_t digest[SHA256_LEN];

	if (name_of(station, name, err) < 0 || directory_path(dir, name, path, err) < 0)
		return -1;
	if (access(path, F_OK) < 0)
		return err_set(
			err, ERR_OPERATOR, 0,
			"it comes from station %s, which is not trusted here; officers trust it: station "
			"enroll trust FILE",
			station);
	if (directory_read_file(dir, name, &text, err) < 0 ||
	    vouch_text_read(buf_bytes(&text), id, &spki, err) < 0)
		return err_wrap(err, "%s", name);
	sha256(buf_bytes(&spki), digest);
	if (strcmp(id, station) != 0 || !bytes_equal(BYTES_ARRAY(digest), bytes_of(key_sha256, SHA256_LEN)))
		return err_set(err, ERR_OPERATOR, 0, "it is signed with another key than that of station %s",
			       station);
	if (pki_spki_verify(buf_bytes(&spki), message, sig, err) < 0)
		return err_wrap(err, "it was changed, or is not from station %s", station);
	return 0;
}
