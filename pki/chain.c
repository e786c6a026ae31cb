/*
 * Chain verification, by OpenSSL's own path validation (RFC 5280 6): root is the
 * only trust, the time is the caller's, SHA-1 and keys under 112 bits are refused.
 */
#include "pki/pki_internal.h"

#include <openssl/err.h>

#define SECURITY_LEVEL 2 /* 112 bits */

DEFINE_CLEANUP(store_freep, X509_STORE, X509_STORE_free)
DEFINE_CLEANUP(store_ctx_freep, X509_STORE_CTX, X509_STORE_CTX_free)

static void untrusted_freep(STACK_OF(X509) * *stack)
{
	sk_X509_free(*stack);
}

struct chain {
	X509 *leaf, *intermediate, *root;
};

static void chain_deinit(struct chain *chain)
{
	X509_free(chain->leaf);
	X509_free(chain->intermediate);
	X509_free(chain->root);
}

/* Our own certificates are the operator's matter, the leaf is the unit's. */
static int read_ca(struct bytes der, const char *which, X509 **ret_cert, struct err *err)
{
	if (x509_read(der, NULL, ret_cert, err) < 0) {
		(void)err_raise(err, ERR_OPERATOR);
		return err_wrap(err, "%s certificate", which);
	}
	return 0;
}

static int refused(int why, int depth, struct err *err)
{
	const char *text = X509_verify_cert_error_string(why);

	/* The unit is not to blame: a certificate lives for years, a clock is wrong sooner. */
	if (why == X509_V_ERR_CERT_NOT_YET_VALID || why == X509_V_ERR_CERT_HAS_EXPIRED)
		return err_set(err, ERR_OPERATOR, why,
			       "certificate %d of the chain (0 is the leaf): %s; check the station's clock",
			       depth, text);
	return err_set(err, depth == 0 ? ERR_UNIT : ERR_OPERATOR, why,
		       "the chain does not verify at certificate %d (0 is the leaf): %s", depth, text);
}

/* OpenSSL takes any path to the root, such as a leaf that the root signed; the service gets this one. */
static int check_path(const STACK_OF(X509) * path, const struct chain *chain, struct err *err)
{
	const X509 *const want[] = { chain->leaf, chain->intermediate, chain->root };
	bool same = sk_X509_num(path) == (int)ARRAY_LEN(want);

	for (int i = 0; same && i < (int)ARRAY_LEN(want); i++)
		same = X509_cmp(sk_X509_value(path, i), want[i]) == 0;
	if (!same)
		return err_set(err, ERR_UNIT, 0, "the leaf's chain is not by way of this intermediate");
	return 0;
}

static int verify(const struct chain *chain, STACK_OF(X509) * untrusted, int64_t now_s, struct err *err)
{
	CLEANUP(store_freep) X509_STORE *store = X509_STORE_new();
	CLEANUP(store_ctx_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	if (store == NULL || ctx == NULL || X509_STORE_add_cert(store, chain->root) != 1 ||
	    X509_STORE_CTX_init(ctx, store, chain->leaf, untrusted) != 1 ||
	    X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) != 1)
		return openssl_fail(err, ERR_STATION, "OpenSSL can't set up a chain verification");
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, now_s);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (X509_verify_cert(ctx) == 1)
		return check_path(X509_STORE_CTX_get0_chain(ctx), chain, err);
	ERR_clear_error();
	return refused(X509_STORE_CTX_get_error(ctx), X509_STORE_CTX_get_error_depth(ctx), err);
}

int pki_chain_verify(struct bytes leaf_der, struct bytes intermediate_der, struct bytes root_der,
		     int64_t now_s, struct err *err)
{
	CLEANUP(chain_deinit) struct chain chain = { NULL, NULL, NULL };
	CLEANUP(untrusted_freep) STACK_OF(X509) *untrusted = sk_X509_new_null();

	if (read_ca(root_der, "root", &chain.root, err) < 0 ||
	    read_ca(intermediate_der, "intermediate", &chain.intermediate, err) < 0)
		return -1;
	if (x509_read(leaf_der, NULL, &chain.leaf, err) < 0)
		return err_wrap(err, "leaf certificate");
	if (untrusted == NULL || sk_X509_push(untrusted, chain.intermediate) <= 0)
		return openssl_fail(err, ERR_STATION, "out of memory");
	return verify(&chain, untrusted, now_s, err);
}
