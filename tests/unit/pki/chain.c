/* pki/chain.c: the chain as the service will see it, and every way it can be wrong. */
#include "make.h"

#include <stdlib.h>

struct world {
	struct make_ca ca, other;
	struct buf leaf;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	make_ca("P-256", &w->ca);
	make_ca("P-256", &w->other);
	buf_init(&w->leaf, PKI_CERT_MAX);
	make_leaf(&w->ca, &w->leaf);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	make_ca_free(&w->ca);
	make_ca_free(&w->other);
	buf_deinit(&w->leaf);
	free(w);
	return 0;
}

static void refuse(struct bytes leaf, struct bytes intermediate, struct bytes root, int64_t now_s,
		   enum err_class class, const char *why)
{
	struct err err = { .class = ERR_NONE };

	assert_int_equal(pki_chain_verify(leaf, intermediate, root, now_s, &err), -1);
	assert_err(&err, class, why);
}

static void test_chain_verify_good_chain_accepted(void **state)
{
	struct world *w = *state;
	struct err err;

	assert_int_equal(pki_chain_verify(buf_bytes(&w->leaf), buf_bytes(&w->ca.intermediate),
					  buf_bytes(&w->ca.root), NOW_S, &err),
			 0);
}

static void test_chain_verify_other_root_refused(void **state)
{
	struct world *w = *state;

	refuse(buf_bytes(&w->leaf), buf_bytes(&w->ca.intermediate), buf_bytes(&w->other.root), NOW_S,
	       ERR_OPERATOR, "does not verify at certificate 1");
}

static void test_chain_verify_other_intermediate_refused(void **state)
{
	struct world *w = *state;

	refuse(buf_bytes(&w->leaf), buf_bytes(&w->other.intermediate), buf_bytes(&w->ca.root), NOW_S,
	       ERR_UNIT, "does not verify at certificate 0");
}

/* The CA's life begins a day before the leaf's: the times find the leaf first, then the others. */
static void test_chain_verify_out_of_time_blames_the_clock(void **state)
{
	static const struct {
		int64_t now_s;
		const char *why;
	} times[] = {
		{ NOW_S - 1, "certificate 0 of the chain (0 is the leaf): certificate is not yet valid" },
		{ NOW_S + 366 * DAY_S,
		  "certificate 0 of the chain (0 is the leaf): certificate has expired" },
		{ NOW_S - 2 * DAY_S, "certificate is not yet valid; check the station's clock" },
		{ NOW_S + 3650 * DAY_S,
		  "certificate 1 of the chain (0 is the leaf): certificate has expired" },
		{ NOW_S + 7300 * DAY_S, "certificate has expired; check the station's clock" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		refuse(buf_bytes(&w->leaf), buf_bytes(&w->ca.intermediate), buf_bytes(&w->ca.root),
		       times[i].now_s, ERR_OPERATOR, times[i].why);
}

/* Every signature is good, and the intermediate has no part in it. */
static void test_chain_verify_leaf_of_the_root_refused(void **state)
{
	struct world *w = *state;
	struct make_ca root_only = { .key = w->ca.root_key, .issuer = w->ca.root_issuer };
	BUF_AUTO(leaf, PKI_CERT_MAX);

	make_leaf(&root_only, &leaf);
	refuse(buf_bytes(&leaf), buf_bytes(&w->ca.intermediate), buf_bytes(&w->ca.root), NOW_S, ERR_UNIT,
	       "not by way of this intermediate");
}

static void test_chain_verify_ca_as_leaf_refused(void **state)
{
	struct world *w = *state;

	/* A second intermediate under a path length of 0. */
	refuse(buf_bytes(&w->other.intermediate), buf_bytes(&w->ca.intermediate), buf_bytes(&w->ca.root),
	       NOW_S, ERR_UNIT, "does not verify at certificate 0");
}

static void test_chain_verify_leaf_as_intermediate_refused(void **state)
{
	struct world *w = *state;

	refuse(buf_bytes(&w->leaf), buf_bytes(&w->leaf), buf_bytes(&w->ca.root), NOW_S, ERR_UNIT,
	       "does not verify at certificate 0");
}

/* The intermediate signs a leaf for servers only. */
static void test_chain_verify_server_leaf_refused(void **state)
{
	struct world *w = *state;
	CLEANUP(make_x509_freep) X509 *cert = make_x509(buf_bytes(&w->leaf));
	BUF_AUTO(der, PKI_CERT_MAX);
	X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "serverAuth");
	int at = X509_get_ext_by_NID(cert, NID_ext_key_usage, -1);

	assert_true(at >= 0);
	X509_EXTENSION_free(X509_delete_ext(cert, at));
	assert_int_equal(X509_add_ext(cert, usage, -1), 1);
	X509_EXTENSION_free(usage);
	assert_true(X509_sign(cert, w->ca.key, EVP_sha256()) > 0);
	make_der(cert, &der);
	refuse(buf_bytes(&der), buf_bytes(&w->ca.intermediate), buf_bytes(&w->ca.root), NOW_S, ERR_UNIT,
	       "certificate purpose");
}

static void test_chain_verify_sha1_leaf_refused(void **state)
{
	struct world *w = *state;
	CLEANUP(make_x509_freep) X509 *cert = make_x509(buf_bytes(&w->leaf));
	BUF_AUTO(der, PKI_CERT_MAX);

	assert_true(X509_sign(cert, w->ca.key, EVP_sha1()) > 0);
	make_der(cert, &der);
	refuse(buf_bytes(&der), buf_bytes(&w->ca.intermediate), buf_bytes(&w->ca.root), NOW_S, ERR_UNIT,
	       "too weak");
}

static void test_chain_verify_changed_leaf_refused(void **state)
{
	struct world *w = *state;

	w->leaf.p[w->leaf.len - 1] ^= 0x01;
	refuse(buf_bytes(&w->leaf), buf_bytes(&w->ca.intermediate), buf_bytes(&w->ca.root), NOW_S, ERR_UNIT,
	       "signature failure");
}

static void test_chain_verify_malformed_refused(void **state)
{
	struct world *w = *state;
	const struct bytes junk = BYTES_LIT("junk");

	refuse(junk, buf_bytes(&w->ca.intermediate), buf_bytes(&w->ca.root), NOW_S, ERR_UNIT, "malformed");
	refuse(buf_bytes(&w->leaf), junk, buf_bytes(&w->ca.root), NOW_S, ERR_OPERATOR, "malformed");
	refuse(buf_bytes(&w->leaf), buf_bytes(&w->ca.intermediate), junk, NOW_S, ERR_OPERATOR, "malformed");
}

#define T(name) cmocka_unit_test_teardown(name, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_chain_verify_good_chain_accepted),
		T(test_chain_verify_other_root_refused),
		T(test_chain_verify_other_intermediate_refused),
		T(test_chain_verify_out_of_time_blames_the_clock),
		T(test_chain_verify_leaf_of_the_root_refused),
		T(test_chain_verify_ca_as_leaf_refused),
		T(test_chain_verify_leaf_as_intermediate_refused),
		T(test_chain_verify_server_leaf_refused),
		T(test_chain_verify_sha1_leaf_refused),
		T(test_chain_verify_malformed_refused),
		T(test_chain_verify_changed_leaf_refused), /* last: it changes the leaf */
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
