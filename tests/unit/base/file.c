/* Tests base/file.c: a file is replaced whole, with its mode, or the old one stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

static char dir[64], path[80];

static int setup(void **state)
{
	(void)state;
	assert_int_equal(str_format(dir, sizeof(dir), "/tmp/file-test-XXXXXX"), 0);
	assert_non_null(mkdtemp(dir));
	return str_format(path, sizeof(path), "%s/f", dir);
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void assert_content(const char *want)
{
	char got[32] = "";
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	assert_true(fread(got, 1, sizeof(got) - 1, file) == strlen(want));
	(void)fclose(file);
	assert_string_equal(got, want);
}

static unsigned files_in_dir(void)
{
	unsigned n = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static void test_file_replace_old_content_gone_and_mode_set(void **state)
{
	struct err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(file_replace(path, BYTES_LIT("old, and longer"), 0644, &err), 0);
	assert_int_equal(file_replace(path, BYTES_LIT("new"), 0600, &err), 0);
	assert_content("new");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(files_in_dir(), 1);
}

static void test_file_replace_that_fails_leaves_nothing_behind(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0); /* a folder can't be replaced by a file */
	assert_int_equal(file_replace(path, BYTES_LIT("new"), 0600, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(files_in_dir(), 1);
	assert_int_equal(rmdir(path), 0);
}

static void test_file_write_all_closed_pipe_fails(void **state)
{
	(void)state;
	assert_int_equal(file_write_all(-1, BYTES_LIT("x")), -1);
	assert_int_equal(file_write_all(-1, BYTES_NONE), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_file_replace_old_content_gone_and_mode_set),
		T(test_file_replace_that_fails_leaves_nothing_behind),
		T(test_file_write_all_closed_pipe_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
