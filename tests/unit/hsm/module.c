/* Loading: by name, by path, nothing but the one that was asked for. */
#include "world.h"

static bool is_mapped(const char *part)
{
	CLEANUP(file_closep) FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		found = found || strstr(line, part) != NULL;
	return found;
}

static void test_module_load_by_name_loads_only_that_one(void **state)
{
	CK_FUNCTION_LIST *p11 = NULL;
	struct err err;

	(void)state;
	assert_ok(hsm_module_load("softhsm2", &p11, &err), &err);
	assert_true(is_mapped("libsofthsm2.so"));
	assert_false(is_mapped("p11-kit-trust.so"));
	assert_false(is_mapped("opensc-pkcs11.so"));
	hsm_module_unload(p11);
}

static void test_module_load_by_path_loads_the_same(void **state)
{
	CK_FUNCTION_LIST *p11 = NULL;
	CK_INFO info;
	struct err err;

	(void)state;
	assert_ok(hsm_module_load(SOFTHSM_PATH, &p11, &err), &err);
	assert_int_equal(p11->C_GetInfo(&info), CKR_OK);
	assert_memory_equal(info.manufacturerID, "SoftHSM", 7);
	hsm_module_unload(p11);
}

static void test_module_load_unknown_refused(void **state)
{
	static const struct {
		const char *module, *says;
	} bad[] = {
		{ NULL, "no PKCS#11 module" },
		{ "", "no PKCS#11 module" },
		{ "nosuchhsm", "p11-kit has no module nosuchhsm" },
		{ "../softhsm2", "neither" },
		{ "soft hsm", "neither" },
		{ "/nonexistent/hsm.so", "does not load" },
		{ "/etc/passwd", "does not load" },
	};
	CK_FUNCTION_LIST *p11 = NULL;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_failed(hsm_module_load(bad[i].module, &p11, &err), &err, ERR_OPERATOR, bad[i].says);
	assert_null(p11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_module_load_by_name_loads_only_that_one),
		cmocka_unit_test(test_module_load_by_path_loads_the_same),
		cmocka_unit_test(test_module_load_unknown_refused),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
