/*
 * The station's own CA certificates, made in the key ceremony. The key to be
 * certified is checked like a device's: a weak CA key is a weak line.
 */
#include "pki/pki_internal.h"

static int check_request(const struct pki_ca_request *request, struct public_key *ret_key, struct err *err)
{
	CLEANUP(public_key_deinit) struct public_key key = { NULL, KEY_RSA };

	if (!serial_is_shaped(request->serial))
		return err_set(err, ERR_BUG, 0, "a serial number that pki_serial_shape did not see");
	if (public_key_read(request->spki, &key, err) < 0 || weak_key_check(&key, request->spki, err) < 0) {
		(void)err_raise(err, ERR_OPERATOR);
		return err_wrap(err, "key of %s", request->cn);
	}
	*ret_key = key;
	key.pkey = NULL;
	return 0;
}

static int self_sign(const struct cert_kind *kind, const struct pki_ca_request *request,
		     const struct signer *signer, struct buf *ret_der, struct err *err)
{
	CLEANUP(public_key_deinit) struct public_key key = { NULL, KEY_RSA };
	CLEANUP(lib_ctx_freep) OSSL_LIB_CTX *ctx = NULL;
	BUF_AUTO(name, PKI_CERT_MAX);
	struct cert_plan plan = {
		.kind = kind,
		.serial = request->serial,
		.subject_cn = request->cn,
		.not_before_s = request->now_s,
		.spki = request->spki,
	};

	if (check_request(request, &key, err) < 0 || name_of_cn(request->cn, &name, err) < 0 ||
	    validity_end(request->now_s, request->validity_days, TIME_LAST_S, &plan.not_after_s, err) < 0 ||
	    structure_ctx_new(&ctx, err) < 0)
		return -1;
	plan.issuer_name = buf_bytes(&name);
	plan.alg = signature_alg_of(signer->alg, key.kind);
	if (plan.alg == NULL)
		return err_set(err, ERR_OPERATOR, 0, "the signer's algorithm does not fit the key of %s",
			       request->cn);
	return cert_make(&plan, signer, &key, ctx, ret_der, err);
}

int pki_root_make(const struct pki_ca_request *request, const struct signer *signer, struct buf *ret_der,
		  struct err *err)
{
	return self_sign(&cert_kind_root, request, signer, ret_der, err);
}

int pki_login_make(const struct pki_ca_request *request, const struct signer *signer, struct buf *ret_der,
		   struct err *err)
{
	return self_sign(&cert_kind_login, request, signer, ret_der, err);
}

int pki_intermediate_make(const struct pki_issuer *root, const struct pki_ca_request *request,
			  const struct signer *signer, struct buf *ret_der, struct err *err)
{
	CLEANUP(public_key_deinit) struct public_key key = { NULL, KEY_RSA };
	struct cert_plan plan = {
		.kind = &cert_kind_intermediate,
		.alg = signature_alg_of(signer->alg, root->key.kind),
		.serial = request->serial,
		.issuer_name = buf_bytes(&root->name),
		.subject_cn = request->cn,
		.not_before_s = request->now_s,
		.spki = request->spki,
		.authority_key_id = buf_bytes(&root->key_id),
	};

	if (plan.alg == NULL)
		return err_set(err, ERR_OPERATOR, 0, "the signer's algorithm does not fit the root's key");
	/* 4.2.1.9: a path length of 0 allows leaves only. */
	if (root->path_len == 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "the issuing certificate may sign leaves only (path length 0)");
	if (bytes_equal(request->spki, buf_bytes(&root->spki)))
		return err_set(err, ERR_OPERATOR, 0, "the intermediate's key is the root's key");
	/* A CA never outlives the one above it: what it issues then could not be verified. */
	if (check_request(request, &key, err) < 0 || issuer_valid_at(root, request->now_s, err) < 0 ||
	    validity_end(request->now_s, request->validity_days, root->not_after_s, &plan.not_after_s, err) <
		    0)
		return -1;
	return cert_make(&plan, signer, &root->key, root->ctx, ret_der, err);
}
