/* Where PINs come from: the three forms, and what is none of them. */
#include "world.h"

#include <stdlib.h>
#include <sys/stat.h>

static void test_pin_source_check_three_forms_accepted(void **state)
{
	struct err err;

	(void)state;
	assert_ok(hsm_pin_source_check("file:/run/secrets/hsm-pin", &err), &err);
	assert_ok(hsm_pin_source_check("prompt", &err), &err);
	assert_ok(hsm_pin_source_check("credential:hsm-pin", &err), &err);
}

static void test_pin_source_check_others_refused_and_not_quoted(void **state)
{
	static const char *const bad[] = {
		"271828",         "file:",           "file:relative",
		"prompt:271828",  "credential:",     "credential:../pin",
		"credential:a/b", "credential:.pin", "|cat /pin",
		"env:PIN",
	};
	struct err err;

	(void)state;
	assert_failed(hsm_pin_source_check(NULL, &err), &err, ERR_OPERATOR, "no pin-source");
	assert_failed(hsm_pin_source_check("", &err), &err, ERR_OPERATOR, "no pin-source");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_failed(hsm_pin_source_check(bad[i], &err), &err, ERR_OPERATOR,
			      "pin-source is none of");
		assert_null(strstr(err.what, "271828"));
	}
}

static void test_pin_read_file_gives_its_content(void **state)
{
	const struct world *w = *state;
	SECRET_AUTO pin = { NULL, 0 };
	struct err err;

	assert_ok(hsm_pin_read(w->pin_source, "t", &pin, &err), &err);
	assert_true(bytes_equal(secret_bytes(&pin), BYTES_LIT(WORLD_PIN)));
}

static void test_pin_read_file_missing_or_open_to_others_refused(void **state)
{
	const struct world *w = *state;
	SECRET_AUTO pin = { NULL, 0 };
	char path[128], source[160];
	struct err err;

	assert_failed(hsm_pin_read("file:/nonexistent/pin", "t", &pin, &err), &err, ERR_OPERATOR,
		      "/nonexistent/pin");
	world_write(w, "open-pin", WORLD_PIN);
	assert_int_equal(str_format(path, sizeof(path), "%s/open-pin", w->dir), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(str_format(source, sizeof(source), "file:%s", path), 0);
	assert_failed(hsm_pin_read(source, "t", &pin, &err), &err, ERR_OPERATOR, "open to others");
	assert_null(pin.p);
}

static void test_pin_read_credential_of_systemd(void **state)
{
	const struct world *w = *state;
	SECRET_AUTO pin = { NULL, 0 };
	struct err err;

	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_failed(hsm_pin_read("credential:pin", "t", &pin, &err), &err, ERR_OPERATOR,
		      "LoadCredential=pin");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", w->dir, 1), 0);
	assert_failed(hsm_pin_read("credential:other", "t", &pin, &err), &err, ERR_OPERATOR, "other");
	assert_ok(hsm_pin_read("credential:pin", "t", &pin, &err), &err);
	assert_true(bytes_equal(secret_bytes(&pin), BYTES_LIT(WORLD_PIN)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pin_source_check_three_forms_accepted),
		cmocka_unit_test(test_pin_source_check_others_refused_and_not_quoted),
		cmocka_unit_test(test_pin_read_file_gives_its_content),
		cmocka_unit_test(test_pin_read_file_missing_or_open_to_others_refused),
		cmocka_unit_test(test_pin_read_credential_of_systemd),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
