/*
 * A key that is born in the token and never leaves it, and a self-signed
 * certificate of its public half, which an administrator registers with the
 * application in Entra ID. The certificate is public; its file is what the
 * station names its key by, too.
 */
#include "station/commands/hsm_login.h"

#include <errno.h>
#include <inttypes.h>

#include "audit/audit.h"
#include "base/encode.h"
#include "base/file.h"
#include "pki/pki.h"
#include "station/commands/acting.h"

#define LOGIN_DAYS 730

/* Entra ID takes RSA alone; 3072 bits outlive the certificate (NIST SP 800-57 part 1, table 4). */
static int make_key(struct hsm_session *session, const char *label, struct hsm_key **ret_key, struct err *err)
{
	char uri[128];

	if (label[0] == '\0' ||
	    label[strspn(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] !=
		    '\0' ||
	    str_format(uri, sizeof(uri), "pkcs11:object=%s;type=private", label) < 0)
		return err_set(err, ERR_OPERATOR, 0, "OBJECT is 1 to 64 of A-Z, a-z, 0-9, - and _");
	if (hsm_key_generate(session, HSM_KEY_RSA_3072, label, err) < 0)
		return -1;
	return hsm_key_find(session, uri, ret_key, err);
}

static int make_certificate(struct hsm_session *session, const char *station, struct hsm_key *key,
			    struct buf *ret_der, struct err *err)
{
	const struct signer signer = { hsm_key_sign, key, hsm_key_default_alg(key) };
	uint8_t serial[PKI_SERIAL_LEN];
	BUF_AUTO(spki, PKI_SPKI_MAX);
	char cn[PKI_CN_MAX + 1];
	struct pki_ca_request request = {
		.cn = cn, .serial = serial, .now_s = clock_wall_ms() / 1000, .validity_days = LOGIN_DAYS
	};

	if (str_format(cn, sizeof(cn), "%s login", station) < 0)
		return err_set(err, ERR_OPERATOR, 0, "station id %s is too long", station);
	if (hsm_key_public(key, &spki, err) < 0 || hsm_random(session, serial, sizeof(serial), err) < 0)
		return -1;
	pki_serial_shape(serial);
	request.spki = buf_bytes(&spki);
	return pki_login_make(&request, &signer, ret_der, err);
}

static int write_certificate(const char *path, const struct buf *der, struct err *err)
{
	BUF_AUTO(pem, PKI_CHAIN_MAX);

	if (pki_pem_append(buf_bytes(der), &pem, err) < 0)
		return -1;
	return file_replace(path, buf_bytes(&pem), 0644, err);
}

static int append_entry(struct db_tx *tx, const char *station, const char *label, const struct buf *der,
			const struct witnesses *witnesses, struct err *err)
{
	char key[64], print[HEX_LEN(SHA256_LEN) + 1];
	uint8_t digest[SHA256_LEN];
	struct audit_head head;
	const struct audit_field fields[] = {
		{ "certificate", print },
		{ "object", label },
		{ "witness_1", witnesses->first[0] != '\0' ? witnesses->first : NULL },
		{ "witness_2", witnesses->second[0] != '\0' ? witnesses->second : NULL },
		{ "station", station },
	};
	const struct audit_event event = { "key-imported", key, fields, ARRAY_LEN(fields) };

	sha256(buf_bytes(der), digest);
	if (audit_head(tx, &head, err) < 0)
		return -1;
	if (hex_encode(BYTES_ARRAY(digest), print, sizeof(print)) < 0 ||
	    str_format(key, sizeof(key), "key-imported-%" PRId64, head.size) < 0)
		return err_set(err, ERR_BUG, 0, "an audit text does not fit");
	return audit_append(tx, clock_wall_ms(), &event, err);
}

/* The key is there before the entry is durable, so that no entry speaks of a key that never came. */
int hsm_login_make(struct hsm_session *session, const char *dir, const char *label, const char *path,
		   struct err *err)
{
	CLEANUP(acting_close) struct acting acting = { 0 };
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	BUF_AUTO(der, PKI_CERT_MAX);
	struct witnesses witnesses;
	struct hsm_key *key;

	if (access(path, F_OK) == 0)
		return err_set(err, ERR_OPERATOR, EEXIST, "%s exists; it is not written over", path);
	if (acting_open(dir, &acting, err) < 0 || acting_two(&acting, ACT_CEREMONY, &witnesses, err) < 0)
		return -1;
	if (db_begin(acting.db, &tx, err) < 0 ||
	    people_check_witnesses(&tx, ACT_CEREMONY, &witnesses, err) < 0 ||
	    make_key(session, label, &key, err) < 0 ||
	    make_certificate(session, acting.conf->id, key, &der, err) < 0 ||
	    append_entry(&tx, acting.conf->id, label, &der, &witnesses, err) < 0 ||
	    write_certificate(path, &der, err) < 0)
		return -1;
	if (db_commit(&tx, err) < 0)
		return err_wrap(err, "%s is in the token, but not in the log", label);
	return 0;
}
