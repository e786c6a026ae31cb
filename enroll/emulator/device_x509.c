/*
 * Devices with certificates (dps-api 5.3). TLS has proven that the device holds
 * the leaf's key; everything else is judged here. A group's certificate is the
 * trust anchor, be it a root or not, and what is under it has to be verified.
 */
#include "enroll/emulator/x509_internal.h"

#include <stdlib.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/digest.h"
#include "base/encode.h"

#define TICKS_PER_SECOND 10000000

DEFINE_CLEANUP(x509_store_freep, X509_STORE, X509_STORE_free)
DEFINE_CLEANUP(x509_ctx_freep, X509_STORE_CTX, X509_STORE_CTX_free)

static int invalid(const char *why, struct err *err)
{
	(void)err_set(err, ERR_UNIT, DPS_UNAUTHORIZED, "Invalid certificate.");
	return err_wrap(err, "%s", why);
}

X509 *dps_chain_cert(struct bytes der)
{
	const unsigned char *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.len);

	ERR_clear_error();
	if (cert != NULL && p != der.p + der.len) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static void chain_deinit(struct dps_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		X509_free(chain->certs[i]);
}

static int chain_parse(const struct dps_request *req, struct dps_chain *chain, struct err *err)
{
	chain->at = (time_t)(req->at_ticks / TICKS_PER_SECOND);
	if (req->chain_n == 0)
		return dps_unauthorized("the device shows no certificate", err);
	for (size_t i = 0; i < req->chain_n && i < DPS_CHAIN_MAX; i++) {
		chain->certs[i] = dps_chain_cert(req->chain[i]);
		if (chain->certs[i] == NULL)
			return invalid("a certificate can't be read", err);
		chain->n++;
	}
	return 0;
}

/* The leaf's common name is the registration ID. */
static int name_check(const struct dps_chain *chain, const char *id, struct err *err)
{
	const X509_NAME *subject = X509_get_subject_name(chain->certs[0]);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const X509_NAME_ENTRY *entry = at >= 0 ? X509_NAME_get_entry(subject, at) : NULL;
	unsigned char *utf8 = NULL;
	int len = entry != NULL ? ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry)) : -1;
	bool right = len >= 0 && (size_t)len == strlen(id) &&
		     strncasecmp((const char *)utf8, id, (size_t)len) == 0;

	OPENSSL_free(utf8);
	ERR_clear_error();
	return right ? 0 : invalid("the common name is not the registration ID", err);
}

void dps_thumbprint(struct bytes der, char out[DPS_THUMBPRINT_LEN + 1])
{
	uint8_t digest[SHA256_LEN];

	sha256(der, digest);
	(void)!hex_encode(BYTES_ARRAY(digest), out, DPS_THUMBPRINT_LEN + 1);
}

static int time_check(struct dps_chain *chain, struct err *err)
{
	if (X509_cmp_time(X509_get0_notBefore(chain->certs[0]), &chain->at) >= 0)
		return invalid("the certificate is not valid yet", err);
	if (X509_cmp_time(X509_get0_notAfter(chain->certs[0]), &chain->at) <= 0)
		return invalid("the certificate has expired", err);
	return 0;
}

const char *dps_slot_thumbprint(const json_t *slots, const char *name)
{
	return json_string_value(
		json_object_get(json_object_get(json_object_get(slots, name), "info"), "sha256Thumbprint"));
}

static bool enrolled_as(const json_t *slots, const char *name, const char *of_leaf)
{
	const char *enrolled = dps_slot_thumbprint(slots, name);

	return enrolled != NULL && strcasecmp(enrolled, of_leaf) == 0;
}

int dps_x509_check(const struct dps_call *call, struct dps_device *device, struct err *err)
{
	const json_t *attestation = json_object_get(device->enrollment, "attestation");
	const json_t *slots = json_object_get(json_object_get(attestation, "x509"), "clientCertificates");
	CLEANUP(chain_deinit) struct dps_chain chain = { .n = 0 };
	char of_leaf[DPS_THUMBPRINT_LEN + 1];

	if (chain_parse(call->req, &chain, err) < 0 || name_check(&chain, call->id, err) < 0)
		return -1;
	dps_thumbprint(call->req->chain[0], of_leaf);
	if (!enrolled_as(slots, "primary", of_leaf) && !enrolled_as(slots, "secondary", of_leaf))
		return invalid("it is not the enrolled certificate", err);
	return time_check(&chain, err);
}

static int path_failed(int code, struct err *err)
{
	return invalid(X509_verify_cert_error_string(code), err);
}

/* Version 1 certificates pass for authorities in OpenSSL, but not here. */
static int authorities_check(X509_STORE_CTX *ctx, struct err *err)
{
	const STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);

	for (int i = 1; i < sk_X509_num(path); i++) {
		if ((X509_get_extension_flags(sk_X509_value(path, i)) & EXFLAG_CA) == 0)
			return path_failed(X509_V_ERR_INVALID_CA, err);
	}
	return 0;
}

static STACK_OF(X509) * untrusted_of(const struct dps_chain *chain)
{
	STACK_OF(X509) *stack = sk_X509_new_null();

	for (size_t i = 1; stack != NULL && i < chain->n; i++) {
		if (sk_X509_push(stack, chain->certs[i]) == 0) {
			sk_X509_free(stack);
			return NULL;
		}
	}
	return stack;
}

/* Signatures, validity now, CA:TRUE, key usage and path length, from the leaf to the anchor. */
static int verify(const struct dps_chain *chain, X509 *anchor, struct err *err)
{
	CLEANUP(x509_store_freep) X509_STORE *store = X509_STORE_new();
	CLEANUP(x509_ctx_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = untrusted_of(chain);
	int rc;

	if (store == NULL || ctx == NULL || untrusted == NULL || X509_STORE_add_cert(store, anchor) != 1 ||
	    X509_STORE_CTX_init(ctx, store, chain->certs[0], untrusted) != 1) {
		sk_X509_free(untrusted);
		return err_set(err, ERR_STATION, 0, "no memory to verify a chain");
	}
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_time(ctx, 0, chain->at);
	rc = X509_verify_cert(ctx) == 1 ? authorities_check(ctx, err)
					: path_failed(X509_STORE_CTX_get_error(ctx), err);
	sk_X509_free(untrusted);
	ERR_clear_error();
	return rc;
}

int dps_x509_group(const struct dps_call *call, json_t **ret_group, struct err *err)
{
	CLEANUP(chain_deinit) struct dps_chain chain = { .n = 0 };
	CLEANUP(json_freep) json_t *group = NULL;
	CLEANUP(x509_freep) X509 *anchor = NULL;

	if (chain_parse(call->req, &chain, err) < 0 || name_check(&chain, call->id, err) < 0 ||
	    dps_group_by_chain(call, &chain, &group, &anchor, err) < 0 || verify(&chain, anchor, err) < 0)
		return -1;
	*ret_group = group;
	group = NULL;
	return 0;
}
