/*
 * The second look at a certificate that was just made: read by OpenSSL, which
 * shares no code with assemble.c, and compared with the plan. A difference is a
 * bug of ours; a signature that doesn't verify is a wrong key or a faulty HSM.
 */
#include "pki/pki_internal.h"

static int differs(struct err *err, const char *what)
{
	return openssl_fail(err, ERR_BUG, what);
}

static bool octets_equal(const ASN1_STRING *string, struct bytes want)
{
	return bytes_equal(bytes_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)), want);
}

static int check_subject(const struct cert_plan *plan, const X509 *cert, struct err *err)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, 0);

	if (X509_NAME_entry_count(subject) != 1 ||
	    OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != NID_commonName ||
	    !octets_equal(X509_NAME_ENTRY_get_data(entry), bytes_str(plan->subject_cn)))
		return differs(err, "the subject is not the one asked for");
	return 0;
}

static int check_names(const struct cert_plan *plan, const X509 *cert, struct err *err)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
	BUF_AUTO(issuer, PKI_CERT_MAX);
	BUF_AUTO(spki, PKI_SPKI_MAX);

	if (X509_get_version(cert) != X509_VERSION_3)
		return differs(err, "the version is not 3");
	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER ||
	    !octets_equal(serial, bytes_of(plan->serial, PKI_SERIAL_LEN)))
		return differs(err, "the serial number is not the one asked for");
	if (x509_name_der(X509_get_issuer_name(cert), &issuer, err) < 0 ||
	    x509_spki(X509_get_X509_PUBKEY(cert), &spki, err) < 0)
		return -1;
	if (!bytes_equal(buf_bytes(&issuer), plan->issuer_name))
		return differs(err, "the issuer is not the one asked for");
	if (!bytes_equal(buf_bytes(&spki), plan->spki))
		return differs(err, "the public key is not the one asked for");
	return check_subject(plan, cert, err);
}

static int check_validity(const struct cert_plan *plan, const X509 *cert, struct err *err)
{
	int64_t from_s, to_s;

	if (time_read(X509_get0_notBefore(cert), &from_s, err) < 0 ||
	    time_read(X509_get0_notAfter(cert), &to_s, err) < 0)
		return -1;
	if (from_s != plan->not_before_s || to_s != plan->not_after_s)
		return differs(err, "the validity is not the one asked for");
	return 0;
}

static int check_basic(const struct cert_kind *kind, const X509 *cert, struct err *err)
{
	int critical = 0;
	CLEANUP(basic_freep)
	BASIC_CONSTRAINTS *basic = X509_get_ext_d2i(cert, NID_basic_constraints, &critical, NULL);

	if (basic == NULL || critical != 1 || (basic->ca != 0) != kind->ca ||
	    (basic->pathlen != NULL ? ASN1_INTEGER_get(basic->pathlen) : -1) != kind->path_len)
		return differs(err, "basicConstraints are not those of the kind");
	return 0;
}

static int check_usage(const struct cert_kind *kind, const X509 *cert, struct err *err)
{
	int critical = 0;
	CLEANUP(bits_freep) ASN1_BIT_STRING *usage = X509_get_ext_d2i(cert, NID_key_usage, &critical, NULL);
	CLEANUP(eku_freep)
	EXTENDED_KEY_USAGE *extended = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	bool client_auth = extended != NULL && sk_ASN1_OBJECT_num(extended) == 1 &&
			   OBJ_obj2nid(sk_ASN1_OBJECT_value(extended, 0)) == NID_client_auth;

	if (usage == NULL || critical != 1 || ASN1_STRING_length(usage) != 1 ||
	    ASN1_STRING_get0_data(usage)[0] != kind->key_usage)
		return differs(err, "keyUsage is not that of the kind");
	if (client_auth != kind->client_auth || (extended != NULL) != kind->client_auth)
		return differs(err, "extendedKeyUsage is not that of the kind");
	return 0;
}

static int check_key_ids(const struct cert_plan *plan, const X509 *cert, struct err *err)
{
	CLEANUP(octets_freep)
	ASN1_OCTET_STRING *ski = X509_get_ext_d2i(cert, NID_subject_key_identifier, NULL, NULL);
	CLEANUP(akid_freep)
	AUTHORITY_KEYID *aki = X509_get_ext_d2i(cert, NID_authority_key_identifier, NULL, NULL);
	const bool has_aki = aki != NULL && aki->keyid != NULL;
	uint8_t id[KEY_ID_LEN];

	if (public_key_id(plan->spki, id, err) < 0)
		return -1;
	if (ski == NULL || !octets_equal(ski, BYTES_ARRAY(id)))
		return differs(err, "subjectKeyIdentifier is not the key's");
	if (has_aki != (plan->authority_key_id.p != NULL) ||
	    (has_aki && !octets_equal(aki->keyid, plan->authority_key_id)))
		return differs(err, "authorityKeyIdentifier is not the issuer's");
	if (X509_get_ext_count(cert) != plan->kind->extensions_n)
		return differs(err, "there are other extensions than those of the kind");
	return 0;
}

static int check_signature(const struct cert_plan *plan, X509 *cert, struct bytes tbs,
			   const struct public_key *issuer_key, struct err *err)
{
	CLEANUP(openssl_freep) unsigned char *again = NULL;
	CLEANUP(openssl_freep) unsigned char *alg = NULL;
	const ASN1_BIT_STRING *sig = NULL;
	const X509_ALGOR *algor = NULL;
	int again_n = i2d_re_X509_tbs(cert, &again), alg_n;

	X509_get0_signature(&sig, &algor, cert);
	alg_n = i2d_X509_ALGOR(algor, &alg);
	/* What OpenSSL would have written, byte for byte: so it is DER, and it is what was signed. */
	if (again_n <= 0 || !bytes_equal(bytes_of(again, (size_t)again_n), tbs))
		return differs(err, "OpenSSL would write other bytes");
	if (alg_n <= 0 || !bytes_equal(bytes_of(alg, (size_t)alg_n), plan->alg->der) ||
	    X509_ALGOR_cmp(algor, X509_get0_tbs_sigalg(cert)) != 0)
		return differs(err, "the signature algorithm is not the signer's");
	if (signature_verify(plan->alg, issuer_key, tbs,
			     bytes_of(ASN1_STRING_get0_data(sig), (size_t)ASN1_STRING_length(sig)), err) < 0)
		return err_raise(err, ERR_STATION);
	return 0;
}

int cert_recheck(const struct cert_plan *plan, struct bytes tbs, struct bytes cert_der,
		 const struct public_key *issuer_key, OSSL_LIB_CTX *ctx, struct err *err)
{
	CLEANUP(x509_freep) X509 *cert = NULL;

	if (x509_read(cert_der, ctx, &cert, err) < 0)
		return err_raise(err, ERR_BUG);
	if (check_names(plan, cert, err) < 0 || check_validity(plan, cert, err) < 0 ||
	    check_basic(plan->kind, cert, err) < 0 || check_usage(plan->kind, cert, err) < 0 ||
	    check_key_ids(plan, cert, err) < 0)
		return err_raise(err, ERR_BUG);
	return check_signature(plan, cert, tbs, issuer_key, err);
}
