/*
 * From the keys of [service] to what enroll logs in with. The key of a policy or
 * a certificate stays in the token; each connection signs through its own session.
 */
#include "station/login.h"

#include <errno.h>

#include "base/log.h"

#define CERTIFICATE_FILE_MAX (16 * 1024)
#define WARN_DAYS            30
#define DAY_MS               INT64_C(86400000)

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static int read_file(const char *path, struct buf *ret, struct err *err)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "re");
	uint8_t *to = buf_reserve(ret, ret->max);

	if (file == NULL)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	if (to == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	ret->len = fread(to, 1, ret->max, file);
	if (ferror(file) != 0 || fgetc(file) != EOF)
		return err_set(err, ERR_OPERATOR, 0, "%s: can't be read, or is larger than %zu bytes", path,
			       ret->max);
	return 0;
}

/* The first certificate of the file, whatever stands around it. */
static int read_certificate(const char *path, struct buf *ret_pem, struct err *err)
{
	BUF_AUTO(text, CERTIFICATE_FILE_MAX);
	BUF_AUTO(der, PKI_CERT_MAX);

	buf_init(ret_pem, PKI_CHAIN_MAX);
	if (read_file(path, &text, err) < 0 || pki_pem_read(buf_bytes(&text), 0, &der, err) < 0 ||
	    pki_pem_append(buf_bytes(&der), ret_pem, err) < 0) {
		buf_deinit(ret_pem);
		return err_wrap(err, "[service] certificate-file");
	}
	return 0;
}

int login_read(const struct conf *conf, struct login_sources *sources, struct err *err)
{
	const struct conf_login *login = &conf->login;

	if (login->auth == ENROLL_AUTH_ENTRA_SECRET &&
	    hsm_source_read(login->secret_source, "Client secret", &sources->client_secret, err) < 0)
		return err_wrap(err, "[service] secret-source");
	if (login->auth == ENROLL_AUTH_ENTRA_CERTIFICATE &&
	    read_certificate(login->certificate_file, &sources->certificate_pem, err) < 0)
		return -1;
	return 0;
}

void login_sources_deinit(struct login_sources *sources)
{
	secret_wipe(&sources->client_secret);
	buf_deinit(&sources->certificate_pem);
}

static bool is_rsa(const struct hsm_key *key)
{
	switch (hsm_key_type(key)) {
	case HSM_KEY_RSA_2048:
	case HSM_KEY_RSA_3072:
	case HSM_KEY_RSA_4096:
		return true;
	case HSM_KEY_EC_P256:
	case HSM_KEY_EC_P384:
	case HSM_KEY_HMAC:
		break;
	}
	return false;
}

/* The issuer of tokens looks at the clock too, and has the last word: the line goes on. */
static void look_at_dates(const struct pki_cert_info *info, int64_t now_ms)
{
	char until[CLOCK_ISO_LEN + 1];

	clock_iso8601(info->not_after_s * 1000, until);
	if (now_ms >= info->not_after_s * 1000)
		log_line(LOG_LEVEL_WARN, "login-certificate-expired", "until=%s", until);
	else if (now_ms < info->not_before_s * 1000)
		log_line(LOG_LEVEL_WARN, "login-certificate-not-yet-valid", "until=%s", until);
	else if (now_ms >= info->not_after_s * 1000 - WARN_DAYS * DAY_MS)
		log_line(LOG_LEVEL_WARN, "login-certificate-expires-soon", "until=%s", until);
}

static int check_certificate(struct hsm_key *key, const struct buf *pem, struct err *err)
{
	BUF_AUTO(der, PKI_CERT_MAX);
	BUF_AUTO(spki, PKI_SPKI_MAX);
	struct pki_cert_info info;
	uint8_t digest[SHA256_LEN];

	if (!is_rsa(key))
		return err_set(err, ERR_OPERATOR, 0,
			       "[service] key has to be an RSA key: Entra ID takes no other");
	if (hsm_key_public(key, &spki, err) < 0 || pki_pem_read(buf_bytes(pem), 0, &der, err) < 0 ||
	    pki_cert_info(buf_bytes(&der), &info, err) < 0)
		return -1;
	sha256(buf_bytes(&spki), digest);
	if (!bytes_equal(BYTES_ARRAY(digest), BYTES_ARRAY(info.spki_sha256)))
		return err_set(err, ERR_OPERATOR, 0,
			       "[service] certificate-file is not the certificate of the key that key names");
	look_at_dates(&info, clock_wall_ms());
	return 0;
}

static int find_key(const struct conf *conf, struct hsm_session *session, struct hsm_key **ret_key,
		    struct err *err)
{
	if (hsm_key_find(session, conf->login.key, ret_key, err) < 0)
		return err_wrap(err,
				conf->login.auth == ENROLL_AUTH_SAS
					? "key of the service's policy; import it with: station hsm import"
					: "key of the login's certificate");
	return 0;
}

int login_init(const struct conf *conf, const struct login_sources *sources, struct hsm_session *session,
	       struct login *ret_login, struct err *err)
{
	const struct conf_login *from = &conf->login;
	struct hsm_key *key = NULL;

	if ((from->auth == ENROLL_AUTH_SAS || from->auth == ENROLL_AUTH_ENTRA_CERTIFICATE) &&
	    find_key(conf, session, &key, err) < 0)
		return -1;
	if (from->auth == ENROLL_AUTH_ENTRA_CERTIFICATE &&
	    check_certificate(key, &sources->certificate_pem, err) < 0)
		return -1;
	ret_login->macer = (struct macer){ hsm_key_mac, key };
	ret_login->signer = (struct signer){ hsm_key_sign, key, SIGN_RSA_PSS_SHA256 };
	ret_login->login = (struct enroll_login){
		.auth = from->auth,
		.policy = from->policy,
		.macer = &ret_login->macer,
		.login_host = or_null(from->host),
		.tenant = from->tenant,
		.client_id = or_null(from->client_id),
		.certificate_pem = buf_bytes(&sources->certificate_pem),
		.signer = &ret_login->signer,
		.assertion = from->assertion,
		.client_secret = &sources->client_secret,
		.identity = from->identity,
		.identity_endpoint = or_null(from->identity_endpoint),
		.identity_keys = or_null(from->identity_keys),
	};
	return 0;
}
