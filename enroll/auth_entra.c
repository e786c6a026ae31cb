/*
 * Entra ID, client credentials (dps-api 4.4): with an assertion signed by the
 * certificate's key, or with a secret. One POST; what is wrong is told by number,
 * and the table here says what to do about it.
 */
#include "enroll/enroll_internal.h"

#define LOGIN_HOST     "login.microsoftonline.com"
#define FORM_TYPE      "application/x-www-form-urlencoded"
#define ASSERTION_TYPE "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
#define NAME_MAX_LEN   64
#define SECRET_MAX     256
#define FORM_MAX       (ASSERTION_MAX + 1024)
#define HOST_CHARS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

/* AADSTS numbers; those of an assertion's time are said with the clock. */
static const struct {
	int64_t code;
	const char *advice;
} advices[] = {
	{ 700016, "unknown client: check client-id and tenant in [service]" },
	{ 90002, "unknown tenant: check tenant and login-host in [service]" },
	{ 7000112, "the application is disabled; enable it in Entra ID" },
	{ 7000215, "wrong client secret: secret-source must give the secret's value, not its ID" },
	{ 7000222, "the client secret has expired; make a new one and put it where secret-source says" },
	{ 700023, "wrong audience: check tenant and login-host in [service]" },
	{ 700024, "the assertion's time is not accepted: check this computer's clock" },
	{ 700027,
	  "the assertion is not accepted: register certificate-file with the application, see that it "
	  "has not expired and that key is its key" },
	{ 7000216, "the application takes no such credential" },
	{ 500011, "the tenant does not know " AUTH_RESOURCE },
	{ 70011, "the tenant does not know " AUTH_RESOURCE },
};

static bool is_name(const char *text, const char *chars)
{
	return text != NULL && text[0] != '\0' && strlen(text) <= NAME_MAX_LEN &&
	       strspn(text, chars) == strlen(text);
}

/* What goes into a path, a form and JSON as it is. */
static int check_names(const struct enroll_login *login, struct err *err)
{
	if (!is_name(login->tenant, HOST_CHARS))
		return err_set(err, ERR_OPERATOR, 0, "[service] tenant is no ID or domain of a tenant");
	if (!is_name(login->client_id, HOST_CHARS))
		return err_set(err, ERR_OPERATOR, 0, "[service] client-id is no ID of an application");
	return 0;
}

static int open_entra(struct auth *auth, const struct enroll_conf *conf, atomic_bool *abort, struct err *err)
{
	const char *host = auth->login->login_host != NULL ? auth->login->login_host : LOGIN_HOST;

	if (check_names(auth->login, err) < 0)
		return -1;
	if (host[0] == '\0' || strspn(host, HOST_CHARS ":") != strlen(host) ||
	    bytes_to_str(bytes_str(host), auth->issuer_host, sizeof(auth->issuer_host)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "[service] login-host is no host name: %.80s", host);
	auth->issuer_conf = *conf;
	auth->issuer_conf.host = auth->issuer_host;
	return http_open(&auth->issuer_conf, abort, &auth->issuer, err);
}

static int open_certificate(struct auth *auth, const struct enroll_conf *conf, atomic_bool *abort,
			    struct err *err)
{
	uint8_t ignored[SHA256_LEN];

	if (auth->login->signer == NULL || certificate_sha256(auth->login->certificate_pem, ignored) < 0)
		return err_set(
			err, ERR_OPERATOR, 0,
			"[service] certificate-file has to hold one certificate in PEM, and nothing else");
	return open_entra(auth, conf, abort, err);
}

static int open_secret(struct auth *auth, const struct enroll_conf *conf, atomic_bool *abort, struct err *err)
{
	const struct secret *secret = auth->login->client_secret;

	if (secret == NULL || secret->len == 0 || secret->len > SECRET_MAX ||
	    memchr(secret->p, '\0', secret->len) != NULL)
		return err_set(err, ERR_OPERATOR, 0, "[service] secret-source gives no client secret");
	return open_entra(auth, conf, abort, err);
}

/* --- The request ------------------------------------------------------------------------------------- */

static int make_form(const struct auth *auth, const char *credential, const char *value,
		     struct secret *ret_form, struct err *err)
{
	SECRET_AUTO form = { NULL, 0 };
	int n;

	if (secret_new(FORM_MAX, &form, err) < 0)
		return -1;
	n = snprintf((char *)form.p, form.len,
		     "grant_type=client_credentials&client_id=%s&scope=%s%%2F.default&%s=%s",
		     auth->login->client_id, AUTH_RESOURCE_ENCODED, credential, value);
	if (n < 0 || (size_t)n >= form.len)
		return err_set(err, ERR_OPERATOR, 0, "a token request does not fit");
	*ret_form = form;
	form = (struct secret){ NULL, 0 };
	return 0;
}

static int secret_form(const struct auth *auth, struct secret *ret_form, struct err *err)
{
	SECRET_AUTO text = { NULL, 0 }, encoded = { NULL, 0 };

	/* One byte more: a secret has no NUL at its end. */
	if (secret_new(SECRET_MAX + 1, &text, err) < 0 || secret_new(3 * SECRET_MAX + 1, &encoded, err) < 0)
		return -1;
	memcpy(text.p, auth->login->client_secret->p, auth->login->client_secret->len);
	if (percent_encode((const char *)text.p, (char *)encoded.p, encoded.len) < 0)
		return err_set(err, ERR_BUG, 0, "a client secret does not fit");
	return make_form(auth, "client_secret", (const char *)encoded.p, ret_form, err);
}

static int certificate_form(const struct auth *auth, const char *path, int64_t now_s, struct secret *ret_form,
			    struct err *err)
{
	char audience[400], jti[GUID_LEN + 1];
	SECRET_AUTO jwt = { NULL, 0 };

	if (str_format(audience, sizeof(audience), "https://%s%s", auth->issuer_host, path) < 0)
		return err_set(err, ERR_OPERATOR, 0, "[service] login-host is too long");
	if (guid_make(jti, err) < 0 || assertion_make(auth->login, audience, jti, now_s, &jwt, err) < 0)
		return -1;
	return make_form(auth, "client_assertion_type=" ASSERTION_TYPE "&client_assertion",
			 (const char *)jwt.p, ret_form, err);
}

/* --- The answer -------------------------------------------------------------------------------------- */

static const char *advice_for(int64_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(advices); i++)
		if (advices[i].code == code)
			return advices[i].advice;
	return "check tenant, client-id and what it logs in with";
}

/* Whether a clock can be to blame: an assertion has a time, a secret has none. */
static int64_t clock_to_blame_s(const struct auth *auth, const struct http_reply *reply, int64_t now_s)
{
	return auth->login->auth == ENROLL_AUTH_ENTRA_CERTIFICATE
		       ? auth_clock_off_s(reply->date, now_s * 1000)
		       : 0;
}

static int refused(struct auth *auth, const struct http_reply *reply, int64_t now_s, struct err *err)
{
	int64_t off_s = clock_to_blame_s(auth, reply, now_s);
	struct token_error error;

	if (reply->kind == REPLY_BUSY) {
		str_clip(auth->retry_after, sizeof(auth->retry_after), reply->retry_after);
		return err_set(err, ERR_RETRY, reply->status, "Entra ID answered HTTP %ld", reply->status);
	}
	if (!token_error_parse(buf_bytes(&reply->body), &error))
		return err_set(
			err, ERR_OPERATOR, reply->status,
			"%.60s answered HTTP %ld, but not as Entra ID: a portal, a proxy, or login-host is "
			"wrong",
			auth->issuer_host, reply->status);
	if (off_s != 0)
		return err_set(err, ERR_OPERATOR, (long)error.code,
			       "Entra ID refused the login (AADSTS%lld); this computer's clock is %lld s %s",
			       (long long)error.code, (long long)(off_s > 0 ? off_s : -off_s),
			       off_s > 0 ? "ahead" : "behind");
	return err_set(err, ERR_OPERATOR, (long)error.code, "Entra ID refused the login (AADSTS%lld); %s",
		       (long long)error.code, advice_for(error.code));
}

static int ask(struct auth *auth, const char *path, const struct secret *form, int64_t now_s,
	       struct auth_token *ret, struct err *err)
{
	CLEANUP(http_reply_deinit) struct http_reply reply = { .body = { .max = TOKEN_REPLY_MAX } };
	const struct http_request request = { "POST", path, bytes_str((const char *)form->p) };
	const struct http_extra extra = { .type = FORM_TYPE };

	auth->asked = true;
	if (http_perform_extra(auth->issuer, &request, &extra, NULL, &reply, err) < 0)
		return -1;
	if (reply.kind != REPLY_DONE)
		return refused(auth, &reply, now_s, err);
	return token_reply_parse(buf_bytes(&reply.body), now_s, ret, err);
}

static int make(struct auth *auth, int64_t now_s, struct auth_token *ret, struct err *err)
{
	SECRET_AUTO form = { NULL, 0 };
	char path[NAME_MAX_LEN + 32];
	int rc;

	if (str_format(path, sizeof(path), "/%s/oauth2/v2.0/token", auth->login->tenant) < 0)
		return err_set(err, ERR_BUG, 0, "a token endpoint does not fit");
	rc = auth->login->auth == ENROLL_AUTH_ENTRA_SECRET ? secret_form(auth, &form, err)
							   : certificate_form(auth, path, now_s, &form, err);
	if (rc < 0)
		return -1;
	return ask(auth, path, &form, now_s, ret, err) < 0 ? err_wrap(err, "token from Entra ID") : 0;
}

const struct auth_kind auth_entra_certificate = {
	.open = open_certificate,
	.make = make,
	.advice_401 = "check that tenant is the service's, and this computer's clock",
	.advice_403 = AUTH_ADVICE_ROLE,
};

const struct auth_kind auth_entra_secret = {
	.open = open_secret,
	.make = make,
	.advice_401 = "check that tenant is the service's, and this computer's clock",
	.advice_403 = AUTH_ADVICE_ROLE,
};
