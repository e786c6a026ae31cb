/* Tests station/network.c: from the keys of [service] to what enroll gets, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "station/network.h"

#define HEAD                                                                                                 \
	"[station]\nid = line-07\n"                                                                          \
	"[hsm]\nmodule = softhsm2\ntoken = pkcs11:token=line-07\npin-source = file:/run/pin\n"               \
	"issuing-key = pkcs11:object=issuing\n"                                                              \
	"[service]\nhost = contoso.azure-devices-provisioning.net:8443\nid-scope = 0ne00ABCDEF\n"            \
	"device-host = contoso.azure-devices-provisioning.net\npolicy = enroll\nkey = pkcs11:object=p\n"
#define TAIL                                                                                                 \
	"[profile \"sensor\"]\nattest = x509\nkey = device\n"                                                \
	"[slot \"1\"]\nprofile = sensor\ndriver = smp\nlink = serial:/dev/ttyUSB0\n"

static struct conf *parse(const char *keys, struct err *err)
{
	struct conf *conf = NULL;
	char text[2048];

	err_clear(err);
	assert_int_equal(str_format(text, sizeof(text), "%s%s\n%s", HEAD, keys, TAIL), 0);
	return conf_parse("station.ini", bytes_str(text), &conf, err) == 0 ? conf : NULL;
}

static void assert_refused(const char *keys, const char *why)
{
	struct err err;
	CLEANUP(conf_freep) struct conf *conf = parse(keys, &err);

	if (conf != NULL)
		fail_msg("accepted: %s", keys);
	assert_int_equal(err.class, ERR_OPERATOR);
	if (strstr(err.what, why) == NULL)
		fail_msg("%s: said \"%s\", not %s", keys, err.what, why);
}

static void test_network_nothing_set_is_all_null(void **state)
{
	struct err err;
	CLEANUP(conf_freep) struct conf *conf = parse("", &err);
	struct network network = { .settings = { .ca_file = NULL } };

	(void)state;
	assert_non_null(conf);
	assert_int_equal(network_init(conf, &network, &err), 0);
	assert_null(network.settings.ca_file);
	assert_null(network.settings.extra_ca_file);
	assert_null(network.settings.proxy);
	assert_null(network.settings.proxy_user);
	assert_null(network.settings.proxy_password);
	assert_null(network.settings.bind_address);
	assert_int_equal(network.settings.resolve_n, 0);
	network_deinit(&network);
}

static void test_network_resolve_gets_the_port_of_the_call(void **state)
{
	struct err err;
	CLEANUP(conf_freep)
	struct conf *conf = parse("resolve = Contoso.azure-devices-provisioning.net=10.1.2.3 "
				  "login.microsoftonline.com=fd00::7",
				  &err);
	struct network network = { .settings = { .ca_file = NULL } };

	(void)state;
	assert_non_null(conf);
	assert_int_equal(network_init(conf, &network, &err), 0);
	assert_int_equal(network.settings.resolve_n, 2);
	assert_string_equal(network.settings.resolve[0],
			    "Contoso.azure-devices-provisioning.net:8443:10.1.2.3");
	assert_string_equal(network.settings.resolve[1], "login.microsoftonline.com:443:[fd00::7]");
	network_deinit(&network);
}

static void test_network_what_can_not_be_is_refused(void **state)
{
	(void)state;
	assert_refused("resolve = contoso=10.1.2", "not HOST=ADDRESS: \"contoso=10.1.2\"");
	assert_refused("resolve = contoso", "not HOST=ADDRESS");
	assert_refused("resolve = =10.1.2.3", "not HOST=ADDRESS");
	assert_refused("resolve = con/toso=10.1.2.3", "not HOST=ADDRESS");
	assert_refused("resolve = a=1.1.1.1 b=1.1.1.1 c=1.1.1.1 d=1.1.1.1 e=1.1.1.1 f=1.1.1.1 g=1.1.1.1 "
		       "h=1.1.1.1 i=1.1.1.1 j=1.1.1.1 k=1.1.1.1 l=1.1.1.1 m=1.1.1.1 n=1.1.1.1 o=1.1.1.1 "
		       "p=1.1.1.1 q=1",
		       "more than 16");
	assert_refused("bind-address = eth0", "not an IP address");
	assert_refused("extra-ca-file = /nonexistent/ca.pem",
		       "extra-ca-file: /nonexistent/ca.pem: No such file");
	assert_refused("proxy = https://proxy:3128", "not http://HOST:PORT");
	assert_refused("proxy = http://proxy", "not http://HOST:PORT");
	assert_refused("proxy = http://proxy:0", "not http://HOST:PORT");
	assert_refused("proxy = http://proxy:65536", "not http://HOST:PORT");
	assert_refused("proxy = http://proxy:3128/path", "not http://HOST:PORT");
	assert_refused("proxy = http://me:secret@proxy:3128", "keys of their own");
	assert_refused("proxy-user = me", "needs the key proxy");
	assert_refused("proxy = http://proxy:3128\nproxy-password-source = file:/run/p",
		       "needs the key proxy-user");
	assert_refused("proxy = http://proxy:3128\nproxy-user = me\nproxy-password-source = prompt",
		       "nobody is there to ask");
	assert_refused("proxy = http://proxy:3128\nproxy-user = a:b", "no colon");
}

/* A password in the URL is not shown again, not even where it is refused. */
static void test_network_password_in_proxy_url_not_quoted(void **state)
{
	struct err err;

	(void)state;
	assert_null(parse("proxy = http://me:hunter2@proxy:3128", &err));
	assert_null(strstr(err.what, "hunter2"));
}

static void test_network_unreadable_password_is_named(void **state)
{
	struct err err;
	CLEANUP(conf_freep)
	struct conf *conf = parse("proxy = http://proxy:3128\nproxy-user = me\n"
				  "proxy-password-source = file:/nonexistent/password",
				  &err);
	struct network network = { .settings = { .ca_file = NULL } };

	(void)state;
	assert_non_null(conf);
	assert_int_equal(network_init(conf, &network, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.where, "proxy-password-source"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network_nothing_set_is_all_null),
		cmocka_unit_test(test_network_resolve_gets_the_port_of_the_call),
		cmocka_unit_test(test_network_what_can_not_be_is_refused),
		cmocka_unit_test(test_network_password_in_proxy_url_not_quoted),
		cmocka_unit_test(test_network_unreadable_password_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
