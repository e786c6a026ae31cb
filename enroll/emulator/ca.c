/*
 * The throwaway CA and the server certificate that clients see. This is a test
 * service on loopback: the CA's key is worth nothing, and the one thing that
 * matters is that a restart can show a certificate of the same CA.
 */
#include "enroll/emulator/dps_internal.h"

#include <arpa/inet.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define DAY_SECONDS  86400L
#define CA_DAYS      3650L
#define SERVER_DAYS  397L /* what browsers and some TLS stacks accept at most */
#define SERIAL_BYTES 16

DEFINE_CLEANUP(x509_freep, X509, X509_free)
DEFINE_CLEANUP(pkey_freep, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(bio_freep, BIO, BIO_vfree)

struct extension {
	int nid;
	const char *value;
};

static int failed(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "the emulator's certificate can't be made");
}

static int bio_text(BIO *bio, char out[DPS_PEM_MAX])
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	return len > 0 ? bytes_to_str(bytes_of(text, (size_t)len), out, DPS_PEM_MAX) : -1;
}

static int cert_text(X509 *cert, char out[DPS_PEM_MAX])
{
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());

	return bio != NULL && PEM_write_bio_X509(bio, cert) == 1 ? bio_text(bio, out) : -1;
}

static int key_text(EVP_PKEY *key, char out[DPS_PEM_MAX])
{
	CLEANUP(bio_freep) BIO *bio = BIO_new(BIO_s_mem());

	return bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
		       ? bio_text(bio, out)
		       : -1;
}

static X509 *text_cert(const char *pem)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem, -1);

	return bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
}

static EVP_PKEY *text_key(const char *pem)
{
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem, -1);

	return bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
}

static int set_serial(X509 *cert)
{
	uint8_t raw[SERIAL_BYTES];
	BIGNUM *number;
	int rc = -1;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return -1;
	raw[0] = (raw[0] & 0x3f) | 0x40; /* positive, and always 16 bytes: RFC 5280 4.1.2.2 */
	number = BN_bin2bn(raw, sizeof(raw), NULL);
	if (number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL)
		rc = 0;
	BN_free(number);
	return rc;
}

/* Version, serial number, subject, validity and key. */
static X509 *cert_new(const char *common_name, long days, EVP_PKEY *key)
{
	CLEANUP(x509_freep) X509 *cert = X509_new();
	X509 *made;

	if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 || set_serial(cert) < 0 ||
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
				       (const unsigned char *)common_name, -1, -1, 0) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(cert), -2 * DAY_SECONDS) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(cert), days * DAY_SECONDS) == NULL ||
	    X509_set_pubkey(cert, key) != 1)
		return NULL;
	made = cert;
	cert = NULL;
	return made;
}

static int add_extensions(X509 *cert, X509 *issuer, const struct extension *extensions, size_t n)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, extensions[i].nid, extensions[i].value);
		int added = ext != NULL ? X509_add_ext(cert, ext, -1) : 0;

		X509_EXTENSION_free(ext);
		if (added != 1)
			return -1;
	}
	return 0;
}

int dps_ca_make(struct dps_identity *identity, struct err *err)
{
	static const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
		{ NID_subject_key_identifier, "hash" },
	};
	CLEANUP(pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	CLEANUP(x509_freep) X509 *cert = key != NULL ? cert_new("dps-emulator test CA", CA_DAYS, key) : NULL;

	if (cert == NULL || X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
	    add_extensions(cert, cert, extensions, ARRAY_LEN(extensions)) < 0 ||
	    X509_sign(cert, key, EVP_sha256()) == 0 || cert_text(cert, identity->ca_pem) < 0 ||
	    key_text(key, identity->ca_key_pem) < 0)
		return failed(err);
	return 0;
}

/* "DNS:localhost,IP:127.0.0.1,…" */
static int alternative_names(const char *const *hosts, char *out, size_t cap)
{
	size_t used = 0;

	for (; *hosts != NULL; hosts++) {
		struct in_addr address;
		const char *type = inet_pton(AF_INET, *hosts, &address) == 1 ? "IP" : "DNS";

		if (str_format(out + used, cap - used, "%s%s:%s", used > 0 ? "," : "", type, *hosts) < 0)
			return -1;
		used += strlen(out + used);
	}
	return 0;
}

/* What server certificates differ in. */
struct server_kind {
	const char *const *hosts;
	long days;
};

static int server_cert_make(struct dps_identity *identity, const struct server_kind *kind, enum dps_tls which)
{
	char names[512] = "";
	const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, "serverAuth" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid" },
		{ NID_subject_alt_name, names },
	};
	CLEANUP(pkey_freep) EVP_PKEY *ca_key = text_key(identity->ca_key_pem);
	CLEANUP(x509_freep) X509 *ca = text_cert(identity->ca_pem);
	CLEANUP(pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	CLEANUP(x509_freep) X509 *cert = key != NULL ? cert_new(kind->hosts[0], kind->days, key) : NULL;

	if (ca_key == NULL || ca == NULL || cert == NULL ||
	    alternative_names(kind->hosts, names, sizeof(names)) < 0 ||
	    X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1 ||
	    add_extensions(cert, ca, extensions, ARRAY_LEN(extensions)) < 0 ||
	    X509_sign(cert, ca_key, EVP_sha256()) == 0 ||
	    cert_text(cert, identity->server[which].cert_pem) < 0 ||
	    key_text(key, identity->server[which].key_pem) < 0)
		return -1;
	return 0;
}

int dps_server_certs_make(struct dps_identity *identity, const char *const *hosts, struct err *err)
{
	static const char *const other_hosts[] = { "another-host.invalid", NULL };
	const struct server_kind kinds[DPS_TLS_N] = {
		[DPS_TLS_GOOD] = { hosts, SERVER_DAYS },
		[DPS_TLS_EXPIRED] = { hosts, -1 },
		[DPS_TLS_OTHER_HOST] = { other_hosts, SERVER_DAYS },
	};

	for (unsigned i = 0; i < DPS_TLS_N; i++) {
		if (server_cert_make(identity, &kinds[i], (enum dps_tls)i) < 0)
			return failed(err);
	}
	return 0;
}
