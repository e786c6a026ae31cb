/*
 * What TLS looks like from here. The handshake is made with OpenSSL on a wire that
 * curl opened; no certificate is refused in it, so that each can be judged and named.
 * Nothing is ever sent over such a connection.
 */
#include <arpa/inet.h>
#include <poll.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "enroll/check_internal.h"

DEFINE_CLEANUP(ssl_freep, SSL, SSL_free)
DEFINE_CLEANUP(ssl_ctx_freep, SSL_CTX, SSL_CTX_free)
DEFINE_CLEANUP(x509_store_freep, X509_STORE, X509_STORE_free)
DEFINE_CLEANUP(x509_store_ctx_freep, X509_STORE_CTX, X509_STORE_CTX_free)
DEFINE_CLEANUP(bio_freep, BIO, BIO_free_all)

bool tls_is_recommended(const char *version, const char *suite)
{
	const char *rest = ROUTE_TLS12_SUITES;
	size_t len = strlen(suite);

	if (strcmp(version, "TLSv1.3") == 0)
		return true;
	if (strcmp(version, "TLSv1.2") != 0 || len == 0)
		return false;
	for (; *rest != '\0'; rest += rest[0] == ':') {
		size_t n = strcspn(rest, ":");

		if (n == len && strncmp(rest, suite, n) == 0)
			return true;
		rest += n;
	}
	return false;
}

bool tls_issuer_signs_for_azure(const char *issuer)
{
	static const char *const organisations[] = { "Microsoft Corporation", "DigiCert Inc",
						     "DigiCert, Inc." };

	for (size_t i = 0; i < ARRAY_LEN(organisations); i++)
		if (strstr(issuer, organisations[i]) != NULL)
			return true;
	return false;
}

static void openssl_why(char *out, size_t cap)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;

	str_clip(out, cap, why != NULL ? why : "the connection was closed");
	ERR_clear_error();
}

static int shake(SSL *ssl, int fd, const struct deadline *dl, struct err *err)
{
	char why[120];

	ERR_clear_error();
	for (;;) {
		int rc = SSL_connect(ssl), want = SSL_get_error(ssl, rc);
		struct pollfd pfd = { fd, want == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN, 0 };

		if (rc == 1)
			return 0;
		if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE) {
			openssl_why(why, sizeof(why));
			return err_set(err, ERR_OPERATOR, 0, "no TLS: %s", why);
		}
		if (deadline_passed(dl))
			return err_set(err, ERR_OPERATOR, 0, "no TLS: no answer in time");
		(void)poll(&pfd, 1, deadline_left_ms(dl));
	}
}

/* What calls offer, or everything: to learn what the other side would have taken. */
static SSL_CTX *context(bool usual)
{
	CLEANUP(ssl_ctx_freep) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX *made;

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	if (SSL_CTX_set_min_proto_version(ctx, usual ? TLS1_2_VERSION : TLS1_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, usual ? ROUTE_TLS12_SUITES : "ALL:@SECLEVEL=0") != 1)
		return NULL;
	made = ctx;
	ctx = NULL;
	return made;
}

/* Control characters would reach terminals. */
static void make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

static void name_part(const X509_NAME *name, int nid, char *out, size_t cap)
{
	/* X509_NAME_get_text_by_NID takes no const in OpenSSL 3.0, and changes nothing. */
	if (X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name, nid, out, (int)cap) < 0)
		out[0] = '\0';
	make_plain(out);
}

/* "CN=..., O=..." */
static void name_text(const X509_NAME *name, char *out, size_t cap)
{
	char cn[64], o[64];

	name_part(name, NID_commonName, cn, sizeof(cn));
	name_part(name, NID_organizationName, o, sizeof(o));
	(void)snprintf(out, cap, "%s%s%s%s", cn[0] != '\0' ? "CN=" : "", cn,
		       o[0] != '\0' ? (cn[0] != '\0' ? ", O=" : "O=") : "", o);
}

static void time_text(const ASN1_TIME *at, char *out, size_t cap)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	out[0] = '\0';
	if (bio == NULL || ASN1_TIME_print(bio, at) != 1)
		return;
	n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		(void)!bytes_to_str(bytes_of(text, (size_t)n), out, cap);
}

static bool host_matches(X509 *cert, const char *host)
{
	struct in6_addr any;

	if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
		return X509_check_ip_asc(cert, host, 0) == 1;
	return X509_check_host(cert, host, 0, 0, NULL) == 1;
}

static void load(X509_STORE *store, const char *file)
{
	/* A file that can't be read is told by the calls; here it only trusts nobody. */
	if (file != NULL)
		(void)X509_STORE_load_file(store, file);
	ERR_clear_error();
}

/* X509_V_OK, or why not; time is judged by itself. */
static int verify(X509_STORE *store, SSL *ssl, X509 *cert)
{
	CLEANUP(x509_store_ctx_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (ctx == NULL || X509_STORE_CTX_init(ctx, store, cert, SSL_get_peer_cert_chain(ssl)) != 1)
		return X509_V_ERR_OUT_OF_MEM;
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_STORE_CTX_set_default(ctx, "ssl_server") != 1)
		return X509_V_ERR_OUT_OF_MEM;
	(void)X509_verify_cert(ctx);
	ERR_clear_error();
	return X509_STORE_CTX_get_error(ctx);
}

static void judge_trust(const struct enroll_network *network, SSL *ssl, X509 *cert, struct tls_seen *seen)
{
	CLEANUP(x509_store_freep) X509_STORE *store = X509_STORE_new();
	const char *file = network->ca_file, *folder = NULL;
	int why;

	seen->trust = TLS_UNTRUSTED;
	if (store == NULL)
		return;
	if (file == NULL)
		route_system_roots(&file, &folder);
	load(store, file);
	if (folder != NULL)
		(void)X509_STORE_load_path(store, folder);
	why = verify(store, ssl, cert);
	if (why == X509_V_OK) {
		seen->trust = TLS_TRUSTED;
		return;
	}
	str_clip(seen->why_untrusted, sizeof(seen->why_untrusted), X509_verify_cert_error_string(why));
	load(store, network->extra_ca_file);
	if (network->extra_ca_file != NULL && verify(store, ssl, cert) == X509_V_OK)
		seen->trust = TLS_TRUSTED_EXTRA;
}

static void judge(const struct enroll_network *network, const char *name, SSL *ssl, struct tls_seen *seen)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);

	str_clip(seen->version, sizeof(seen->version), SSL_get_version(ssl));
	str_clip(seen->suite, sizeof(seen->suite), SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)));
	seen->trust = TLS_UNTRUSTED;
	if (cert == NULL)
		return;
	seen->host_matches = host_matches(cert, name);
	name_text(X509_get_subject_name(cert), seen->subject, sizeof(seen->subject));
	name_text(X509_get_issuer_name(cert), seen->issuer, sizeof(seen->issuer));
	time_text(X509_get0_notBefore(cert), seen->from, sizeof(seen->from));
	time_text(X509_get0_notAfter(cert), seen->until, sizeof(seen->until));
	seen->early = X509_cmp_current_time(X509_get0_notBefore(cert)) > 0;
	seen->late = X509_cmp_current_time(X509_get0_notAfter(cert)) < 0;
	judge_trust(network, ssl, cert, seen);
}

static int look_once(const struct enroll_network *network, const char *host, unsigned timeout_ms, bool usual,
		     struct tls_seen *ret, struct err *err)
{
	const struct deadline dl = deadline_in_ms(timeout_ms);
	CLEANUP(wire_close) struct wire wire = { .fd = -1 };
	CLEANUP(ssl_ctx_freep) SSL_CTX *ctx = context(usual);
	CLEANUP(ssl_freep) SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
	struct tls_seen seen = { .usual = usual };
	char name[256];

	if (bytes_to_str(bytes_of(host, strcspn(host, ":")), name, sizeof(name)) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the host's name is too long");
	if (wire_open(network, host, timeout_ms, &wire, err) < 0)
		return -1;
	if (ssl == NULL || SSL_set_fd(ssl, wire.fd) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1)
		return err_set(err, ERR_STATION, 0, "TLS can't be used");
	if (shake(ssl, wire.fd, &dl, err) < 0)
		return -1;
	judge(network, name, ssl, &seen);
	*ret = seen;
	return 0;
}

int tls_look(const struct enroll_network *network, const char *host, unsigned timeout_ms,
	     struct tls_seen *ret, struct err *err)
{
	struct err why;

	if (look_once(network, host, timeout_ms, true, ret, err) == 0)
		return 0;
	return look_once(network, host, timeout_ms, false, ret, &why);
}
