/*
 * A shared access signature for the service's host (dps-api 4.3). The key stays
 * where it is; a macer signs.
 */
#include "enroll/enroll_internal.h"

#include "base/encode.h"

#define LIFETIME_S 3600
#define SPARE_S    600
#define HEADER_CAP 2048

/* sr: the lower-case host, encoded in lower case */
static int resource_of(const char *host, char *out, size_t cap)
{
	if (percent_encode(host, out, cap) < 0)
		return -1;
	for (; *out != '\0'; out++)
		if (*out >= 'A' && *out <= 'Z')
			*out = (char)(*out - 'A' + 'a');
	return 0;
}

static int sign(const struct macer *macer, const char *resource, int64_t expires_s, char *out, size_t cap,
		struct err *err)
{
	char message[600], text[BASE64_LEN(SHA256_LEN) + 1];
	uint8_t mac[SHA256_LEN];
	int ret = 0;

	if (str_format(message, sizeof(message), "%s\n%lld", resource, (long long)expires_s) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the service's host name is too long");
	if (macer->mac(macer->key, bytes_str(message), mac, err) < 0)
		return err_wrap(err, "signing the login to the service");
	if (base64_encode(BYTES_ARRAY(mac), text, sizeof(text)) < 0 || percent_encode(text, out, cap) < 0)
		ret = err_set(err, ERR_BUG, 0, "a signature did not fit");
	explicit_bzero(mac, sizeof(mac));
	explicit_bzero(text, sizeof(text));
	return ret;
}

static int make(struct auth *auth, int64_t now_s, struct auth_token *ret, struct err *err)
{
	char resource[520], policy[400], signature[3 * BASE64_LEN(SHA256_LEN) + 1];
	SECRET_AUTO header = { NULL, 0 };
	int64_t expires_s = now_s + LIFETIME_S;
	int n;

	if (resource_of(auth->host, resource, sizeof(resource)) < 0 ||
	    percent_encode(auth->login->policy, policy, sizeof(policy)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the service's host or policy name is too long");
	if (secret_new(HEADER_CAP, &header, err) < 0 ||
	    sign(auth->login->macer, resource, expires_s, signature, sizeof(signature), err) < 0)
		return -1;
	n = snprintf((char *)header.p, header.len,
		     "Authorization: SharedAccessSignature sr=%s&sig=%s&se=%lld&skn=%s", resource, signature,
		     (long long)expires_s, policy);
	explicit_bzero(signature, sizeof(signature));
	if (n < 0 || (size_t)n >= header.len)
		return err_set(err, ERR_OPERATOR, 0, "the service's host or policy name is too long");
	ret->header = header;
	ret->refresh_s = expires_s - SPARE_S;
	ret->expires_s = expires_s;
	header = (struct secret){ NULL, 0 };
	return 0;
}

static int open_sas(struct auth *auth, const struct enroll_conf *conf, atomic_bool *abort, struct err *err)
{
	(void)conf, (void)abort;
	if (auth->login->policy == NULL || auth->login->policy[0] == '\0')
		return err_set(err, ERR_OPERATOR, 0, "[service] policy is missing");
	return 0;
}

const struct auth_kind auth_sas = {
	.open = open_sas,
	.make = make,
	.advice_401 = "check policy and key in [service], and this computer's clock",
	.advice_403 = "the policy needs EnrollmentRead and EnrollmentWrite",
};
