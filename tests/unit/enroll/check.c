/* Tests the judgements of enroll/check*.c and enroll/dns_answer.c; the way itself is tests/flow/enroll_check.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "enroll/check_internal.h"

static enum address_class class_of(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_class_of((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return address_class_of((const struct sockaddr *)&v6);
}

static void test_address_class_each_border(void **state)
{
	static const struct {
		const char *address;
		enum address_class class;
	} table[] = {
		{ "9.255.255.255", ADDRESS_PUBLIC },
		{ "10.0.0.0", ADDRESS_PRIVATE },
		{ "10.255.255.255", ADDRESS_PRIVATE },
		{ "11.0.0.0", ADDRESS_PUBLIC },
		{ "172.15.255.255", ADDRESS_PUBLIC },
		{ "172.16.0.0", ADDRESS_PRIVATE },
		{ "172.31.255.255", ADDRESS_PRIVATE },
		{ "172.32.0.0", ADDRESS_PUBLIC },
		{ "192.168.0.0", ADDRESS_PRIVATE },
		{ "192.169.0.0", ADDRESS_PUBLIC },
		{ "100.64.0.0", ADDRESS_PRIVATE },
		{ "100.128.0.0", ADDRESS_PUBLIC },
		{ "169.254.169.254", ADDRESS_LINK_LOCAL },
		{ "127.0.0.42", ADDRESS_LOOPBACK },
		{ "128.0.0.1", ADDRESS_PUBLIC },
		{ "::1", ADDRESS_LOOPBACK },
		{ "::2", ADDRESS_PUBLIC },
		{ "fbff::1", ADDRESS_PUBLIC },
		{ "fc00::1", ADDRESS_PRIVATE },
		{ "fdff::1", ADDRESS_PRIVATE },
		{ "fe80::1", ADDRESS_LINK_LOCAL },
		{ "febf::1", ADDRESS_LINK_LOCAL },
		{ "fec0::1", ADDRESS_PUBLIC },
		{ "::ffff:10.1.2.3", ADDRESS_PRIVATE },
		{ "::ffff:20.1.2.3", ADDRESS_PUBLIC },
		{ "2603:1030::1", ADDRESS_PUBLIC },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (class_of(table[i].address) != table[i].class)
			fail_msg("%s is of class %d", table[i].address, (int)class_of(table[i].address));
}

static void test_suites_recommended_ones_and_no_other(void **state)
{
	(void)state;
	assert_true(tls_is_recommended("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"));
	assert_true(tls_is_recommended("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"));
	assert_true(tls_is_recommended("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"));
	assert_true(tls_is_recommended("TLSv1.2", "ECDHE-RSA-AES256-SHA384"));
	assert_true(tls_is_recommended("TLSv1.2", "ECDHE-RSA-AES128-SHA256"));
	assert_false(tls_is_recommended("TLSv1.2", "ECDHE-RSA-AES128-SHA"));
	assert_false(tls_is_recommended("TLSv1.2", "AES256-GCM-SHA384"));
	assert_false(tls_is_recommended("TLSv1.2", "ECDHE-RSA-AES256-GCM"));
	assert_false(tls_is_recommended("TLSv1.2", ""));
	assert_false(tls_is_recommended("TLSv1.1", "ECDHE-RSA-AES256-GCM-SHA384"));
}

static void test_issuer_of_azure_and_of_others(void **state)
{
	(void)state;
	assert_true(tls_issuer_signs_for_azure(
		"CN=Microsoft Azure RSA TLS Issuing CA 04, O=Microsoft Corporation"));
	assert_true(tls_issuer_signs_for_azure("CN=DigiCert Global Root G2, O=DigiCert Inc"));
	assert_false(tls_issuer_signs_for_azure("CN=Zscaler Intermediate, O=Zscaler Inc."));
	assert_false(tls_issuer_signs_for_azure("CN=Microsoft Azure"));
}

static void test_id_scope_form(void **state)
{
	(void)state;
	assert_true(id_scope_is_plausible("0ne00ABCDEF"));
	assert_false(id_scope_is_plausible("0ne00ABCDE"));
	assert_false(id_scope_is_plausible("0ne00ABCDEF0"));
	assert_false(id_scope_is_plausible("One00ABCDEF"));
	assert_false(id_scope_is_plausible("0ne00ABCDEG"));
	assert_false(id_scope_is_plausible(""));
}

/* contoso.azure-devices-provisioning.net CNAME contoso.privatelink...., A 10.1.2.3 */
static const uint8_t private_answer[] = {
	0x12, 0x34, 0x81, 0x80, 0x00, 0x01, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x07, 0x63, 0x6f, 0x6e, 0x74,
	0x6f, 0x73, 0x6f, 0x1a, 0x61, 0x7a, 0x75, 0x72, 0x65, 0x2d, 0x64, 0x65, 0x76, 0x69, 0x63, 0x65, 0x73,
	0x2d, 0x70, 0x72, 0x6f, 0x76, 0x69, 0x73, 0x69, 0x6f, 0x6e, 0x69, 0x6e, 0x67, 0x03, 0x6e, 0x65, 0x74,
	0x00, 0x00, 0x01, 0x00, 0x01, 0xc0, 0x0c, 0x00, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00, 0x3c, 0x00, 0x34,
	0x07, 0x63, 0x6f, 0x6e, 0x74, 0x6f, 0x73, 0x6f, 0x0b, 0x70, 0x72, 0x69, 0x76, 0x61, 0x74, 0x65, 0x6c,
	0x69, 0x6e, 0x6b, 0x1a, 0x61, 0x7a, 0x75, 0x72, 0x65, 0x2d, 0x64, 0x65, 0x76, 0x69, 0x63, 0x65, 0x73,
	0x2d, 0x70, 0x72, 0x6f, 0x76, 0x69, 0x73, 0x69, 0x6f, 0x6e, 0x69, 0x6e, 0x67, 0x03, 0x6e, 0x65, 0x74,
	0x00, 0xc0, 0x44, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, 0x3c, 0x00, 0x04, 0x0a, 0x01, 0x02, 0x03
};

static void test_dns_answer_private_endpoint_found(void **state)
{
	struct dns_names names;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(dns_answer_parse(BYTES_ARRAY(private_answer), &names, &err), 0);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.names[0], "contoso.privatelink.azure-devices-provisioning.net");
}

static void test_dns_answer_cut_anywhere_refused(void **state)
{
	struct dns_names names = { .n = 77 };
	struct err err = { 0 };

	(void)state;
	for (size_t n = 0; n < sizeof(private_answer); n++) {
		assert_int_equal(dns_answer_parse(bytes_of(private_answer, n), &names, &err), -1);
		assert_int_equal(err.class, ERR_RETRY);
		assert_int_equal(names.n, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_class_each_border),
		cmocka_unit_test(test_suites_recommended_ones_and_no_other),
		cmocka_unit_test(test_issuer_of_azure_and_of_others),
		cmocka_unit_test(test_id_scope_form),
		cmocka_unit_test(test_dns_answer_private_endpoint_found),
		cmocka_unit_test(test_dns_answer_cut_anywhere_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
