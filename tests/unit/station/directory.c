/* Tests station/directory.c and make.c: one station per directory, and a half-made one is not used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "station/directory.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	static char dir[64];
	struct err err = { 0 };

	assert_int_equal(str_format(dir, sizeof(dir), "/tmp/directory-test-XXXXXX"), 0);
	assert_non_null(mkdtemp(dir));
	(void)unsetenv("SOFTHSM2_CONF");
	if (secret_heap_init(&err) < 0)
		return -1;
	*state = dir;
	return 0;
}

static int teardown(void **state)
{
	return nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void test_directory_second_lock_refused(void **state)
{
	struct err err = { 0 };
	int first = -1, second = -1;

	assert_int_equal(directory_lock(*state, &first, &err), 0);
	assert_int_equal(directory_lock(*state, &second, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	close(first);
	assert_int_equal(directory_lock(*state, &second, &err), 0);
	close(second);
}

static void test_directory_made_once_then_refused(void **state)
{
	CLEANUP(pki_issuer_freep) struct pki_issuer *issuer = NULL;
	BUF_AUTO(pem, PKI_CHAIN_MAX);
	struct err err = { 0 };
	struct stat st;
	char path[DIRECTORY_PATH_MAX];

	assert_int_equal(directory_make(*state, "line-09", &err), 0);
	assert_int_equal(directory_read_issuer(*state, &issuer, &pem, &err), 0);
	assert_int_equal(directory_path(*state, "secrets/hsm-pin", path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(directory_make(*state, "line-09", &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
}

static void test_directory_half_made_refused(void **state)
{
	struct err err = { 0 };

	assert_int_equal(directory_write_file(*state, "softhsm2.conf", BYTES_LIT("x"), 0600, &err), 0);
	assert_int_equal(directory_make(*state, "line-09", &err), -1);
	assert_non_null(strstr(err.what, "half made"));
}

static void test_directory_bad_id_refused(void **state)
{
	struct err err = { 0 };

	assert_int_equal(directory_make(*state, "Line 9", &err), -1);
	assert_int_equal(directory_make(*state, "", &err), -1);
}

static void test_directory_file_written_whole_and_read_capped(void **state)
{
	BUF_AUTO(small, 3);
	BUF_AUTO(enough, 4);
	struct err err = { 0 };

	assert_int_equal(directory_write_file(*state, "f", BYTES_LIT("1234"), 0600, &err), 0);
	assert_int_equal(directory_read_file(*state, "f", &enough, &err), 0);
	assert_true(bytes_equal(buf_bytes(&enough), BYTES_LIT("1234")));
	assert_int_equal(directory_read_file(*state, "f", &small, &err), -1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_directory_second_lock_refused),
		T(test_directory_made_once_then_refused),
		T(test_directory_half_made_refused),
		T(test_directory_bad_id_refused),
		T(test_directory_file_written_whole_and_read_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
