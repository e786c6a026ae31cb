/* Tests station/conf.c: what is accepted, and that every refusal names file, line and cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/conf.h"

#define HEAD                                                                                                 \
	"[station]\nid = line-07\n"                                                                          \
	"[hsm]\nmodule = softhsm2\ntoken = pkcs11:token=line-07\npin-source = file:/run/pin\n"               \
	"issuing-key = pkcs11:object=issuing\n"                                                              \
	"[service]\nhost = contoso.azure-devices-provisioning.net\nid-scope = 0ne00ABCDEF\n"                 \
	"device-host = global.azure-devices-provisioning.net\npolicy = enroll\nkey = pkcs11:object=p\n"
#define SENSOR "[profile \"sensor\"]\nattest = x509\nkey = device\n"
#define SLOT   "[slot \"1\"]\nprofile = sensor\ndriver = smp\nlink = serial:/dev/ttyUSB0\n"

static struct conf *parse(const char *text, struct err *err)
{
	struct conf *conf = NULL;

	err_clear(err);
	return conf_parse("station.ini", bytes_str(text), &conf, err) == 0 ? conf : NULL;
}

static void assert_refused(const char *text, const char *where, const char *why)
{
	struct err err;
	struct conf *conf = parse(text, &err);

	if (conf != NULL)
		fail_msg("accepted, but should say: %s", why);
	assert_int_equal(err.class, ERR_OPERATOR);
	if (strstr(err.what, where) == NULL || strstr(err.what, why) == NULL)
		fail_msg("said \"%s\", not %s %s", err.what, where, why);
}

static void test_conf_whole_file_parsed(void **state)
{
	struct err err;
	CLEANUP(conf_freep)
	struct conf *conf = parse("; a comment\n" HEAD "operations-per-minute = 90 ; inline\n" SENSOR
				  "validity-days = 30\n"
				  "outlive-issuer = yes\nmodel = s1\n" SLOT,
				  &err);

	(void)state;
	assert_non_null(conf);
	assert_string_equal(conf->id, "line-07");
	assert_int_equal(conf->operations_per_minute, 90);
	assert_int_equal(conf->profiles_n, 1);
	assert_int_equal(conf->profiles[0].attest, ATTEST_X509);
	assert_int_equal(conf->profiles[0].certificate.validity_days, 30);
	assert_true(conf->profiles[0].certificate.may_outlive_issuer);
	assert_int_equal(conf->slots_n, 1);
	assert_ptr_equal(conf->slots[0].profiles[0], &conf->profiles[0]);
	assert_ptr_equal(conf_slot_profile(&conf->slots[0], "s1"), &conf->profiles[0]);
	assert_null(conf_slot_profile(&conf->slots[0], "s2"));
}

static void test_conf_driver_settings_reach_the_slot(void **state)
{
	struct err err;
	CLEANUP(conf_freep)
	struct conf *conf =
		parse(HEAD SENSOR "serial-from = settings:factory/serial\nchain-path = /lfs/chain.pem\n"
				  "owner = aziotcs:aziotcs\nmode = 0640\nkey-store = file\n" SLOT,
		      &err);
	struct fixture_settings settings;

	(void)state;
	assert_non_null(conf);
	settings = conf_slot_settings(&conf->slots[0]);
	assert_string_equal(settings.serial_from, "settings:factory/serial");
	assert_string_equal(settings.chain_path, "/lfs/chain.pem");
	assert_string_equal(settings.owner, "aziotcs:aziotcs");
	assert_string_equal(settings.mode, "0640");
	assert_string_equal(settings.key_store, "file");
	assert_string_equal(settings.dps_path, "");
}

static void test_conf_slot_before_its_profile_resolved(void **state)
{
	struct err err;
	CLEANUP(conf_freep) struct conf *conf = parse(HEAD SLOT SENSOR, &err);

	(void)state;
	assert_non_null(conf);
	assert_ptr_equal(conf->slots[0].profiles[0], &conf->profiles[0]);
}

static void test_conf_unknown_names_refused_with_line(void **state)
{
	(void)state;
	assert_refused(HEAD "colour = red\n" SENSOR SLOT, "station.ini:14:", "unknown key: \"colour\"");
	assert_refused(HEAD SENSOR SLOT "[slots]\n", "station.ini:21:", "unknown section");
	assert_refused("[printer]\nname = x\n", "station.ini:1:", "unknown section");
	assert_refused("id = x\n", "station.ini:1:", "outside any section");
	assert_refused(HEAD SENSOR SLOT "nonsense\n", "station.ini:21:", "not a section");
}

static void test_conf_doubles_refused(void **state)
{
	(void)state;
	assert_refused("[station]\nid = a\nid = b\n", "station.ini:3:", "set twice");
	assert_refused("[station]\nid = a\n[hsm]\n[station]\nid = b\n", "station.ini:5:", "set twice");
	assert_refused(HEAD SENSOR SENSOR SLOT, "station.ini:17:", "second section for profile");
	assert_refused(HEAD SENSOR SLOT SLOT, "station.ini:21:", "second section for slot");
}

static void test_conf_people_and_scanner_have_defaults(void **state)
{
	struct err err;
	CLEANUP(conf_freep) struct conf *conf = parse(HEAD SENSOR SLOT, &err);

	(void)state;
	assert_non_null(conf);
	assert_string_equal(conf->badge_prefix, "B:");
	assert_int_equal(conf->logout_minutes, 15);
	assert_string_equal(conf->scanner_prefix, "");
	assert_string_equal(conf->slots[0].barcode, "SLOT:1");
	assert_false(conf->profiles[0].label.demanded);
}

static void test_conf_people_and_scanner_parsed(void **state)
{
	struct err err;
	CLEANUP(conf_freep)
	struct conf *conf =
		parse(HEAD SENSOR "scan = label\nlabel-pattern = SN[0-9]{6}\nlabel-check = mod10\n"
				  "label-serial = before-check\n" SLOT "barcode = BENCH-1\n"
				  "[slot \"2\"]\nprofile = sensor\ndriver = smp\nlink = serial:/dev/y\n"
				  "[people]\nbadge-prefix = ID-\nlogout-minutes = 0\n"
				  "[scanner]\nprefix = ~\nslot-prefix = #\n",
		      &err);

	(void)state;
	assert_non_null(conf);
	assert_true(conf->profiles[0].label.demanded);
	assert_string_equal(conf->profiles[0].label.pattern, "SN[0-9]{6}");
	assert_int_equal(conf->profiles[0].label.check, LABEL_CHECK_MOD10);
	assert_int_equal(conf->profiles[0].label.serial, LABEL_SERIAL_BEFORE_CHECK);
	assert_string_equal(conf->slots[0].barcode, "BENCH-1");
	assert_string_equal(conf->slots[1].barcode, "#2");
	assert_string_equal(conf->badge_prefix, "ID-");
	assert_int_equal(conf->logout_minutes, 0);
	assert_string_equal(conf->scanner_prefix, "~");
}

static void test_conf_labels_and_barcodes_that_can_not_work_refused(void **state)
{
	(void)state;
	assert_refused(HEAD SENSOR "label-pattern = (a\n" SLOT, "station.ini:17:", "label-pattern");
	assert_refused(HEAD SENSOR "label-pattern = ((a{64}){64}){64}\n" SLOT,
		       "station.ini:17:", "repeats what repeats");
	assert_refused(HEAD SENSOR "label-check = crc\n" SLOT, "station.ini:17:", "allowed words");
	assert_refused(HEAD SENSOR "scan = yes\n" SLOT, "station.ini:17:", "allowed words");
	assert_refused(HEAD SENSOR "label-serial = before-check\n" SLOT,
		       "station.ini:14:", "needs a label-check");
	assert_refused(HEAD SENSOR SLOT "barcode = B:7\n", "station.ini:17:", "as a badge does");
	assert_refused(HEAD SENSOR SLOT "[slot \"2\"]\nprofile = sensor\ndriver = smp\nlink = serial:/dev/y\n"
					"barcode = SLOT:1\n",
		       "station.ini:21:", "two slots have the barcode");
	assert_refused(HEAD SENSOR SLOT "[scanner]\nprefix = 123456789\n", "station.ini:22:", "too long");
	assert_refused(HEAD SENSOR SLOT "[scanner]\nprefix = a\tb\n", "station.ini:22:", "scanner types");
	assert_refused(HEAD SENSOR SLOT "[people]\nlogout-minutes = 9999\n",
		       "station.ini:22:", "from 0 to 1440");
}

static void test_conf_missing_parts_refused(void **state)
{
	(void)state;
	assert_refused(HEAD SENSOR, "station.ini", "at least one [slot");
	assert_refused(HEAD SENSOR "[slot \"1\"]\n", "station.ini:17:", "needs profile, driver and link");
	assert_refused(HEAD SENSOR "[slot \"1\"]\nprofile = pump\ndriver = smp\nlink = serial:/dev/x\n",
		       "station.ini:17:", "unknown profile");
	assert_refused("[station]\nid = a\n" SENSOR SLOT, "station.ini", "module in section [hsm]");
	assert_refused(HEAD "[profile \"p\"]\nmodel = m\n" SLOT,
		       "station.ini:14:", "lacks the key: \"attest\"");
}

static void test_conf_secret_in_uri_refused(void **state)
{
	(void)state;
	assert_refused("[hsm]\ntoken = pkcs11:token=a?pin-value=1234\n", "station.ini:2:", "pin-value");
	assert_refused("[service]\nkey = pkcs11:object=a?pin-value=1234\n", "station.ini:2:", "pin-value");
	assert_refused("[hsm]\npin-source = 1234\n", "station.ini:2:", "pin");
}

static void test_conf_bad_values_refused(void **state)
{
	(void)state;
	assert_refused("[service]\noperations-per-minute = 0\n", "station.ini:2:", "number from 1");
	assert_refused("[service]\noperations-per-minute = 9x\n", "station.ini:2:", "number from 1");
	assert_refused("[profile \"p\"]\nattest = magic\n", "station.ini:2:", "allowed words");
	assert_refused("[profile \"p\"]\nsubject = CN=x\n", "station.ini:2:", "registration_id");
	assert_refused("[service]\ndevice-host = a:99999\n", "station.ini:2:", "HOST:PORT");
	assert_refused("[service]\ndevice-host = a:443abc\n", "station.ini:2:", "HOST:PORT");
	assert_refused("[service]\ndevice-host = :443\n", "station.ini:2:", "HOST:PORT");
	assert_refused("[service]\nauth = none\n", "station.ini:2:", "allowed words");
	assert_refused(HEAD SENSOR "[slot \"1\"]\nprofile = sensor\ndriver = magic\nlink = serial:/dev/x\n",
		       "station.ini:17:", "magic");
	assert_refused(HEAD SENSOR "[slot \"1\"]\nprofile = sensor\ndriver = smp\nlink = pigeon:x\n",
		       "station.ini:17:", "pigeon");
	assert_refused(HEAD "[profile \"p\"]\nattest = tpm\nenroll = group\ngroup = g\n" SLOT,
		       "station.ini:14:", "no enrollment group");
	assert_refused(HEAD SENSOR "validity-days = 0\n" SLOT, "station.ini:14:", "1 to 3000000 are allowed");
	assert_refused(HEAD SENSOR "validity-days = 3000001\n" SLOT,
		       "station.ini:14:", "validity-days is 3000001");
	assert_refused(HEAD SENSOR "validity-days = 4294967296\n" SLOT, "station.ini:17:", "number from 0");
	assert_refused(HEAD "[profile \"p\"]\nattest = symmetric\n" SLOT,
		       "station.ini:14:", "lacks the key: \"group-key\"");
	assert_refused(HEAD "[profile \"p\"]\nattest = symmetric\ngroup-key = pkcs11:object=g\n"
			    "[profile \"q\"]\nattest = symmetric\ngroup-key = pkcs11:object=h\n" SLOT,
		       "station.ini:17:", "share one group-key");
}

static void test_conf_over_long_line_refused(void **state)
{
	char text[600] = "[station]\nid = ";

	(void)state;
	memset(text + strlen(text), 'x', 400);
	assert_refused(text, "station.ini:2:", "too long");
}

static void test_conf_profile_beyond_the_drivers_units_refused(void **state)
{
#define STOCK "[slot \"1\"]\nprofile = p\ndriver = smp-stock\nlink = serial:/dev/ttyUSB0\n"
#define FROM  "serial-from = settings:id\n"
	struct err err;
	CLEANUP(conf_freep)
	struct conf *conf = parse(HEAD "[profile \"p\"]\nattest = x509\nkey = station\n" FROM STOCK, &err);

	(void)state;
	assert_non_null(conf);
	assert_refused(HEAD "[profile \"p\"]\nattest = x509\nkey = device\n" FROM STOCK, "station.ini:18",
		       "key = station is needed");
	assert_refused(HEAD "[profile \"q\"]\nattest = x509\nkey = station\n" FROM
			    "[profile \"p\"]\nattest = x509\nkey = station\n" FROM "model-from = text:p\n"
			    "[slot \"1\"]\nprofile = q p\ndriver = smp-stock\nlink = tcp:h:1\n",
		       "station.ini:23", "must say the same from serial-from to layout; different is: \"p\"");
	assert_refused(HEAD "[profile \"p\"]\nattest = tpm\n" FROM STOCK, "station.ini:17", "reaches no TPM");
	assert_refused(HEAD "[profile \"p\"]\nattest = x509\nkey = station\n" STOCK, "station.ini:17",
		       "needs serial-from");
}

#define ENTRA                                                                                                \
	"[station]\nid = line-07\n"                                                                          \
	"[hsm]\nmodule = softhsm2\ntoken = pkcs11:token=line-07\npin-source = file:/run/pin\n"               \
	"issuing-key = pkcs11:object=issuing\n"                                                              \
	"[service]\nhost = contoso.azure-devices-provisioning.net\nid-scope = 0ne00ABCDEF\n"                 \
	"device-host = global.azure-devices-provisioning.net\n"

static void test_conf_each_login_needs_its_own_keys(void **state)
{
	struct err err;
	CLEANUP(conf_freep)
	struct conf *identity =
		parse(ENTRA "auth = managed-identity\nidentity = azure-arc\n" SENSOR SLOT, &err);
	CLEANUP(conf_freep)
	struct conf *secret = parse(ENTRA "auth = entra-secret\ntenant = t\nclient-id = c\n"
					  "secret-source = credential:dps\n" SENSOR SLOT,
				    &err);

	(void)state;
	assert_non_null(identity);
	assert_int_equal(identity->login.auth, ENROLL_AUTH_MANAGED_IDENTITY);
	assert_int_equal(identity->login.identity, ENROLL_IDENTITY_AZURE_ARC);
	assert_non_null(secret);
	assert_string_equal(secret->login.host, "login.microsoftonline.com");
	assert_refused(ENTRA SENSOR SLOT, "missing key", "policy in section [service]");
	assert_refused(ENTRA "policy = p\n" SENSOR SLOT, "missing key", "key in section [service]");
	assert_refused(ENTRA "auth = entra-secret\nclient-id = c\nsecret-source = file:/s\n" SENSOR SLOT,
		       "missing key", "tenant");
	assert_refused(ENTRA "auth = entra-secret\ntenant = t\nclient-id = c\n" SENSOR SLOT, "missing key",
		       "secret-source");
	assert_refused(
		ENTRA
		"auth = entra-certificate\ntenant = t\nclient-id = c\nkey = pkcs11:object=e\n" SENSOR SLOT,
		"missing key", "certificate-file");
	/* A secret never stands in the file itself. */
	assert_refused(ENTRA "secret-source = hunter2\n", "station.ini:12:", "pin");
}

static void test_conf_terms_that_contradict_refused(void **state)
{
	struct err err;
	CLEANUP(conf_freep)
	struct conf *conf =
		parse(HEAD SENSOR "tags = line=7 unit=${serial}\nallocation = static\n"
				  "hubs = h1.azure-devices.net\nreprovision = reset\niot-edge = yes\n" SLOT,
		      &err);

	(void)state;
	assert_non_null(conf);
	assert_string_equal(conf->profiles[0].terms.tags, "line=7 unit=${serial}");
	assert_int_equal(conf->profiles[0].terms.allocation, ENROLL_ALLOCATION_STATIC);
	assert_int_equal(conf->profiles[0].terms.reprovision, ENROLL_REPROVISION_RESET);
	assert_true(conf->profiles[0].terms.iot_edge);
	assert_refused(HEAD SENSOR "hubs = h1.azure-devices.net\n" SLOT, "station.ini:14:", "allocation");
	assert_refused(HEAD SENSOR "allocation = custom\n" SLOT, "station.ini:14:", "webhook");
	assert_refused(HEAD SENSOR "allocation = nearest\n" SLOT, "station.ini:17:", "allowed words");
}

/* Here, and not by the service when the units have left. */
static void test_conf_terms_that_the_service_would_not_take_refused(void **state)
{
	static const struct {
		const char *keys, *why;
	} bad[] = {
		{ "tags = line\n", "tags: properties of a twin" },
		{ "tags = version=1\n", "of its own" },
		{ "tags = a.b=1\n", "no \".\"" },
		{ "desired = a=1 a=2\n", "desired: a stands there twice" },
		{ "tags = a=${seriel}\n", "tags: no variable begins ${seriel}" },
		{ "tags = ${serial}=1\n", "not in names" },
		{ "allocation = hashed\nhubs = hub1\n", "host name" },
		{ "allocation = hashed\nhubs = ${serial}.net\n", "hold no ${...}" },
		{ "allocation = custom\nwebhook = http://a\n", "https URL" },
		{ "allocation = custom\nwebhook = https://a/${serial}\n", "hold no ${...}" },
		{ "device-id = sensor\n", "no two devices" },
		{ "device-id = ${serial}/7\n", "device ID: xxx" },
		{ "device-id = ${serial} 7\n", "device ID: xxx" },
		{ "device-id = ${serial}-${registration_id}\n", "longer than 128" },
		{ "device-id = ${model}-${serial}\n", "needs the key model" },
		{ "model = a b\ndevice-id = ${model}-${serial}\n", "device ID: a b" },
		{ "enroll = group\ngroup = g\ndevice-id = ${serial}\n", "enroll = individual" },
		{ "enroll = group\ngroup = g\ntags = a=${station}\n", "all its devices" },
		{ "enroll = group\ngroup = g\ndesired = a=${serial}\n", "all its devices" },
	};
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(str_format(text, sizeof(text), "%s%s%s%s", HEAD, SENSOR, bad[i].keys, SLOT),
				 0);
		assert_refused(text, "station.ini:14:", bad[i].why);
	}
}

static void test_conf_terms_that_suit_every_unit_accepted(void **state)
{
	struct err err;
	CLEANUP(conf_freep)
	struct conf *one = parse(HEAD SENSOR "model = s1\ndevice-id = ${model}:${serial}\ntags = a=${model} "
					     "b=${operator}\ndesired = n=30 s=${slot}\n" SLOT,
				 &err);
	CLEANUP(conf_freep)
	struct conf *group = parse(HEAD SENSOR "enroll = group\ngroup = g\ntags = line=7\n" SLOT, &err);

	(void)state;
	assert_non_null(one);
	assert_non_null(group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_whole_file_parsed),
		cmocka_unit_test(test_conf_driver_settings_reach_the_slot),
		cmocka_unit_test(test_conf_slot_before_its_profile_resolved),
		cmocka_unit_test(test_conf_unknown_names_refused_with_line),
		cmocka_unit_test(test_conf_doubles_refused),
		cmocka_unit_test(test_conf_people_and_scanner_have_defaults),
		cmocka_unit_test(test_conf_people_and_scanner_parsed),
		cmocka_unit_test(test_conf_labels_and_barcodes_that_can_not_work_refused),
		cmocka_unit_test(test_conf_missing_parts_refused),
		cmocka_unit_test(test_conf_secret_in_uri_refused),
		cmocka_unit_test(test_conf_bad_values_refused),
		cmocka_unit_test(test_conf_each_login_needs_its_own_keys),
		cmocka_unit_test(test_conf_terms_that_contradict_refused),
		cmocka_unit_test(test_conf_terms_that_the_service_would_not_take_refused),
		cmocka_unit_test(test_conf_terms_that_suit_every_unit_accepted),
		cmocka_unit_test(test_conf_over_long_line_refused),
		cmocka_unit_test(test_conf_profile_beyond_the_drivers_units_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
