/* Tests station/token.c: a token file that a killed login left empty comes back, and no other is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "station/directory.h"

#define LIVE "tokens/abc/token.object"
#define KEPT "tokens.kept/abc"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void make_folder(const char *dir, const char *name)
{
	char path[DIRECTORY_PATH_MAX];
	struct err err = { 0 };

	assert_int_equal(directory_path(dir, name, path, &err), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void write_text(const char *dir, const char *name, const char *text)
{
	struct err err = { 0 };

	assert_int_equal(directory_write_file(dir, name, bytes_str(text), 0600, &err), 0);
}

static void assert_text(const char *dir, const char *name, const char *text)
{
	BUF_AUTO(have, 1024);
	struct err err = { 0 };

	assert_int_equal(directory_read_file(dir, name, &have, &err), 0);
	assert_true(bytes_equal(buf_bytes(&have), bytes_str(text)));
}

static int setup(void **state)
{
	char *dir = malloc(64);

	assert_non_null(dir);
	assert_int_equal(str_format(dir, 64, "/tmp/token-test-XXXXXX"), 0);
	assert_non_null(mkdtemp(dir));
	make_folder(dir, "tokens");
	make_folder(dir, "tokens/abc");
	write_text(dir, "softhsm2.conf", "directories.tokendir = tokens\n");
	write_text(dir, LIVE, "the token");
	*state = dir;
	return 0;
}

static int teardown(void **state)
{
	(void)nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static void test_token_left_empty_is_mended(void **state)
{
	struct err err = { 0 };

	assert_int_equal(directory_keep_token(*state, &err), 0);
	write_text(*state, LIVE, "");
	assert_int_equal(directory_mend_token(*state, &err), 0);
	assert_text(*state, LIVE, "the token");
}

static void test_token_that_is_whole_is_left_alone(void **state)
{
	struct err err = { 0 };

	assert_int_equal(directory_keep_token(*state, &err), 0);
	write_text(*state, LIVE, "another PIN");
	assert_int_equal(directory_mend_token(*state, &err), 0);
	assert_text(*state, LIVE, "another PIN");
}

static void test_token_kept_again_after_change(void **state)
{
	struct err err = { 0 };

	assert_int_equal(directory_keep_token(*state, &err), 0);
	write_text(*state, LIVE, "another PIN");
	assert_int_equal(directory_keep_token(*state, &err), 0);
	assert_text(*state, KEPT, "another PIN");
}

static void test_token_empty_never_replaces_copy(void **state)
{
	struct err err = { 0 };

	assert_int_equal(directory_keep_token(*state, &err), 0);
	write_text(*state, LIVE, "");
	assert_int_equal(directory_keep_token(*state, &err), 0);
	assert_text(*state, KEPT, "the token");
}

static void test_token_without_copy_is_left_alone(void **state)
{
	struct err err = { 0 };

	write_text(*state, LIVE, "");
	assert_int_equal(directory_mend_token(*state, &err), 0);
	assert_text(*state, LIVE, "");
}

/* A real HSM has no files here. */
static void test_token_elsewhere_nothing_is_made(void **state)
{
	char path[DIRECTORY_PATH_MAX];
	struct err err = { 0 };

	assert_int_equal(directory_path(*state, "softhsm2.conf", path, &err), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(directory_keep_token(*state, &err), 0);
	assert_int_equal(directory_path(*state, "tokens.kept", path, &err), 0);
	assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_token_left_empty_is_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_that_is_whole_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_kept_again_after_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_empty_never_replaces_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_without_copy_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_token_elsewhere_nothing_is_made, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
