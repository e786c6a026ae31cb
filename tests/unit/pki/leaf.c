/* pki/leaf.c and what it is made with (assemble.c, recheck.c): read back by OpenSSL alone. */
#include "make.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/err.h>

/* One CA and one request for all; each test is free to issue from them. */
struct world {
	struct make_ca ca;
	EVP_PKEY *key;
	struct pki_csr *csr;
	struct signer signer;
	struct pki_profile profile;
	uint8_t serial[PKI_SERIAL_LEN];
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct make_request request = { .key = NULL };
	struct err err;
	BUF_AUTO(der, PKI_CERT_MAX);

	assert_non_null(w);
	make_ca("P-256", &w->ca);
	w->key = make_key("P-256");
	request.key = w->key;
	make_csr(&request, &der);
	assert_int_equal(pki_csr_parse(buf_bytes(&der), &w->csr, &err), 0);
	w->signer = make_signer(w->ca.key);
	w->profile = (struct pki_profile){ 365, false };
	make_serial(9, w->serial);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	make_ca_free(&w->ca);
	EVP_PKEY_free(w->key);
	pki_csr_free(w->csr);
	free(w);
	return queue_is_empty(state);
}

static X509 *issue(const struct world *w, int64_t now_s)
{
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(der, PKI_CERT_MAX);

	if (pki_leaf_issue(w->ca.issuer, &w->profile, w->csr, "unit-1", w->serial, now_s, &w->signer, &der,
			   &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	return make_x509(buf_bytes(&der));
}

static void refuse(const struct world *w, const char *id, int64_t now_s, enum err_class class,
		   const char *why)
{
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(der, PKI_CERT_MAX);

	assert_int_equal(pki_leaf_issue(w->ca.issuer, &w->profile, w->csr, id, w->serial, now_s, &w->signer,
					&der, &err),
			 -1);
	assert_int_equal(der.len, 0);
	assert_err(&err, class, why);
}

static void assert_time(const ASN1_TIME *time, int64_t want_s)
{
	assert_int_equal(ASN1_TIME_cmp_time_t(time, want_s), 0);
}

static void test_leaf_issue_subject_is_the_registration_id(void **state)
{
	CLEANUP(make_x509_freep) X509 *cert = issue(*state, NOW_S);
	char name[256];

	assert_int_equal(X509_get_version(cert), X509_VERSION_3);
	assert_non_null(X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name)));
	assert_string_equal(name, "/CN=unit-1");
	assert_non_null(X509_NAME_oneline(X509_get_issuer_name(cert), name, sizeof(name)));
	assert_string_equal(name, "/CN=Test line 7");
}

static void test_leaf_issue_serial_is_the_one_given(void **state)
{
	struct world *w = *state;
	CLEANUP(make_x509_freep) X509 *cert = issue(w, NOW_S);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);

	assert_int_equal(ASN1_STRING_length(serial), PKI_SERIAL_LEN);
	assert_memory_equal(ASN1_STRING_get0_data(serial), w->serial, PKI_SERIAL_LEN);
}

static void test_leaf_issue_key_is_the_requests(void **state)
{
	struct world *w = *state;
	CLEANUP(make_x509_freep) X509 *cert = issue(w, NOW_S);

	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), w->key), 1);
}

static void test_leaf_issue_signature_verifies(void **state)
{
	struct world *w = *state;
	CLEANUP(make_x509_freep) X509 *cert = issue(w, NOW_S);

	assert_int_equal(X509_verify(cert, w->ca.key), 1);
	assert_int_equal(X509_verify(cert, w->ca.root_key), 0);
	ERR_clear_error();
}

static void test_leaf_issue_basic_constraints_critical_and_no_ca(void **state)
{
	CLEANUP(make_x509_freep) X509 *cert = issue(*state, NOW_S);
	int critical = -1;
	BASIC_CONSTRAINTS *basic = X509_get_ext_d2i(cert, NID_basic_constraints, &critical, NULL);

	assert_non_null(basic);
	assert_int_equal(critical, 1);
	assert_int_equal(basic->ca, 0);
	assert_null(basic->pathlen);
	BASIC_CONSTRAINTS_free(basic);
}

static void test_leaf_issue_key_usage_critical_digital_signature_only(void **state)
{
	CLEANUP(make_x509_freep) X509 *cert = issue(*state, NOW_S);
	int critical = -1;
	ASN1_BIT_STRING *usage = X509_get_ext_d2i(cert, NID_key_usage, &critical, NULL);

	assert_non_null(usage);
	ASN1_BIT_STRING_free(usage);
	assert_int_equal(critical, 1);
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
}

static void test_leaf_issue_extended_key_usage_client_auth_only(void **state)
{
	CLEANUP(make_x509_freep) X509 *cert = issue(*state, NOW_S);
	int critical = -1;
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(cert, NID_ext_key_usage, &critical, NULL);

	assert_non_null(usage);
	EXTENDED_KEY_USAGE_free(usage);
	assert_int_equal(critical, 0);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
	assert_int_equal(X509_get_ext_count(cert), 5);
}

static void test_leaf_issue_key_ids_name_key_and_issuer(void **state)
{
	struct world *w = *state;
	CLEANUP(make_x509_freep) X509 *cert = issue(w, NOW_S);
	CLEANUP(make_x509_freep) X509 *issuer = make_x509(buf_bytes(&w->ca.intermediate));
	uint8_t digest[SHA256_LEN];
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(cert);

	assert_non_null(ski);
	/* RFC 7093 2 (1): the 160 leftmost bits of SHA-256 of the BIT STRING, here the last 65 octets. */
	sha256(bytes_of(pki_csr_spki(w->csr).p + pki_csr_spki(w->csr).len - 65, 65), digest);
	assert_int_equal(ASN1_STRING_length(ski), 20);
	assert_memory_equal(ASN1_STRING_get0_data(ski), digest, 20);
	assert_non_null(X509_get0_authority_key_id(cert));
	assert_int_equal(
		ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(cert), X509_get0_subject_key_id(issuer)), 0);
	assert_int_equal(X509_check_issued(issuer, cert), X509_V_OK);
}

static void test_leaf_issue_validity_counts_from_now(void **state)
{
	CLEANUP(make_x509_freep) X509 *cert = issue(*state, NOW_S);

	assert_time(X509_get0_notBefore(cert), NOW_S);
	assert_time(X509_get0_notAfter(cert), NOW_S + 365 * DAY_S);
	assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(cert)), V_ASN1_UTCTIME);
}

static void test_leaf_issue_long_life_cut_to_the_issuers(void **state)
{
	struct world *w = *state;
	CLEANUP(make_x509_freep) X509 *issuer = make_x509(buf_bytes(&w->ca.intermediate));

	w->profile.validity_days = 7300;
	{
		CLEANUP(make_x509_freep) X509 *cert = issue(w, NOW_S);

		assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(cert), X509_get0_notAfter(issuer)), 0);
	}
}

static void test_leaf_issue_may_outlive_goes_beyond_2050(void **state)
{
	struct world *w = *state;

	w->profile = (struct pki_profile){ 10000, true };
	{
		CLEANUP(make_x509_freep) X509 *cert = issue(w, NOW_S);

		assert_time(X509_get0_notAfter(cert), NOW_S + 10000 * DAY_S);
		assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(cert)), V_ASN1_GENERALIZEDTIME);
	}
}

static void test_leaf_issue_endless_life_ends_with_9999(void **state)
{
	struct world *w = *state;

	w->profile = (struct pki_profile){ PKI_VALIDITY_DAYS_MAX, true };
	{
		CLEANUP(make_x509_freep) X509 *cert = issue(w, NOW_S);

		assert_string_equal((const char *)ASN1_STRING_get0_data(X509_get0_notAfter(cert)),
				    "99991231235959Z");
	}
}

static void test_leaf_issue_cn_of_another_unit_refused(void **state)
{
	refuse(*state, "unit-2", NOW_S, ERR_UNIT, "CSR is for unit-1, the unit is unit-2");
	refuse(*state, "Unit-1", NOW_S, ERR_UNIT, "CSR is for unit-1, the unit is Unit-1");
	refuse(*state, "unit 1", NOW_S, ERR_UNIT, "character 5");
}

static void test_leaf_issue_serial_not_shaped_refused(void **state)
{
	static const uint8_t first[] = { 0x00, 0x3f, 0x80, 0xc0, 0xff };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(first); i++) {
		w->serial[0] = first[i];
		refuse(w, "unit-1", NOW_S, ERR_BUG, "pki_serial_shape");
	}
}

static void test_leaf_issue_issuer_out_of_time_refused(void **state)
{
	struct world *w = *state;

	refuse(w, "unit-1", NOW_S - 2 * DAY_S, ERR_STATION, "check the clock");
	refuse(w, "unit-1", NOW_S + 3650 * DAY_S, ERR_STATION, "expired on 2037-");
	refuse(w, "unit-1", -1, ERR_STATION, "which can't be");
}

static void test_leaf_issue_no_validity_refused(void **state)
{
	struct world *w = *state;

	w->profile.validity_days = 0;
	refuse(w, "unit-1", NOW_S, ERR_OPERATOR, "validity of 0 days");
}

static void test_leaf_issue_signer_of_another_kind_refused(void **state)
{
	struct world *w = *state;

	w->signer.alg = SIGN_ECDSA_SHA384;
	refuse(w, "unit-1", NOW_S, ERR_OPERATOR, "does not fit the issuing certificate's key");
	w->signer.alg = SIGN_RSA_PKCS1_SHA256;
	refuse(w, "unit-1", NOW_S, ERR_OPERATOR, "does not fit the issuing certificate's key");
}

static void test_leaf_issue_signed_by_another_key_refused(void **state)
{
	struct world *w = *state;

	w->signer.key = w->ca.root_key;
	refuse(w, "unit-1", NOW_S, ERR_STATION, "signature is not one by this key");
}

static int sign_garbage(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig,
			struct err *err)
{
	(void)key;
	(void)alg;
	(void)err;
	return buf_append(ret_sig, bytes_of(message.p, 70));
}

static int sign_flipped(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig,
			struct err *err)
{
	if (make_sign(key, alg, message, ret_sig, err) < 0)
		return -1;
	ret_sig->p[ret_sig->len - 1] ^= 0x01;
	return 0;
}

static int sign_nothing(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig,
			struct err *err)
{
	(void)key;
	(void)alg;
	(void)message;
	(void)ret_sig;
	(void)err;
	return 0;
}

/* The signature of something else, by the right key: a token that mixes up its sessions. */
static int sign_another_message(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig,
				struct err *err)
{
	return make_sign(key, alg, bytes_of(message.p, message.len - 1), ret_sig, err);
}

static int sign_fails(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig,
		      struct err *err)
{
	(void)key;
	(void)alg;
	(void)message;
	(void)ret_sig;
	return err_set(err, ERR_RETRY, 0x32, "the token was removed");
}

static void test_leaf_issue_bad_signatures_refused(void **state)
{
	struct world *w = *state;

	w->signer.sign = sign_garbage;
	refuse(w, "unit-1", NOW_S, ERR_STATION, "signature is not one by this key");
	w->signer.sign = sign_flipped;
	refuse(w, "unit-1", NOW_S, ERR_STATION, "signature is not one by this key");
	w->signer.sign = sign_another_message;
	refuse(w, "unit-1", NOW_S, ERR_STATION, "signature is not one by this key");
	w->signer.sign = sign_nothing;
	refuse(w, "unit-1", NOW_S, ERR_STATION, "signature is not one by this key");
}

static void test_leaf_issue_signer_fails_its_error_is_kept(void **state)
{
	struct world *w = *state;

	w->signer.sign = sign_fails;
	refuse(w, "unit-1", NOW_S, ERR_RETRY, "the token was removed");
}

static void test_leaf_issue_small_buffer_left_alone(void **state)
{
	struct world *w = *state;
	struct err err = { .class = ERR_NONE };
	BUF_AUTO(der, 100);

	assert_int_equal(buf_append(&der, BYTES_LIT("kept")), 0);
	assert_int_equal(pki_leaf_issue(w->ca.issuer, &w->profile, w->csr, "unit-1", w->serial, NOW_S,
					&w->signer, &der, &err),
			 -1);
	assert_err(&err, ERR_BUG, "too small");
	assert_true(bytes_equal(buf_bytes(&der), BYTES_LIT("kept")));
}

static void *issue_many(void *arg)
{
	const struct world *w = arg;
	struct err err;

	for (int i = 0; i < 50; i++) {
		BUF_AUTO(der, PKI_CERT_MAX);

		if (pki_leaf_issue(w->ca.issuer, &w->profile, w->csr, "unit-1", w->serial, NOW_S, &w->signer,
				   &der, &err) < 0)
			return arg;
	}
	return NULL;
}

static void test_leaf_issue_four_threads_share_the_issuer(void **state)
{
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, issue_many, *state), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed = *state;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_leaf_issue_subject_is_the_registration_id),
		T(test_leaf_issue_serial_is_the_one_given),
		T(test_leaf_issue_key_is_the_requests),
		T(test_leaf_issue_signature_verifies),
		T(test_leaf_issue_basic_constraints_critical_and_no_ca),
		T(test_leaf_issue_key_usage_critical_digital_signature_only),
		T(test_leaf_issue_extended_key_usage_client_auth_only),
		T(test_leaf_issue_key_ids_name_key_and_issuer),
		T(test_leaf_issue_validity_counts_from_now),
		T(test_leaf_issue_long_life_cut_to_the_issuers),
		T(test_leaf_issue_may_outlive_goes_beyond_2050),
		T(test_leaf_issue_endless_life_ends_with_9999),
		T(test_leaf_issue_cn_of_another_unit_refused),
		T(test_leaf_issue_serial_not_shaped_refused),
		T(test_leaf_issue_issuer_out_of_time_refused),
		T(test_leaf_issue_no_validity_refused),
		T(test_leaf_issue_signer_of_another_kind_refused),
		T(test_leaf_issue_signed_by_another_key_refused),
		T(test_leaf_issue_bad_signatures_refused),
		T(test_leaf_issue_signer_fails_its_error_is_kept),
		T(test_leaf_issue_small_buffer_left_alone),
		T(test_leaf_issue_four_threads_share_the_issuer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
