/* Secrets: which files are taken, and that nothing is left where one was. */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "base/secret.h"

#define FILE_MAX 4096

struct file {
	char path[128];
};

static int setup(void **state)
{
	struct file *file = calloc(1, sizeof(*file));
	const char *tmp = getenv("TMPDIR");
	int fd;

	assert_non_null(file);
	assert_int_equal(
		str_format(file->path, sizeof(file->path), "%s/secret.XXXXXX", tmp != NULL ? tmp : "/tmp"),
		0);
	fd = mkstemp(file->path);
	assert_true(fd >= 0);
	(void)close(fd);
	*state = file;
	return 0;
}

static int teardown(void **state)
{
	struct file *file = *state;

	(void)unlink(file->path);
	free(file);
	return 0;
}

static void put(const struct file *file, const char *data, size_t n)
{
	FILE *f = fopen(file->path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void assert_read(const struct file *file, const char *content, const char *expected)
{
	SECRET_AUTO secret = { NULL, 0 };
	struct err err = { 0 };

	put(file, content, strlen(content));
	assert_int_equal(secret_read_file(file->path, &secret, &err), 0);
	assert_true(bytes_equal(secret_bytes(&secret), bytes_str(expected)));
	assert_int_equal(CRYPTO_secure_allocated(secret.p), 1);
}

static void assert_refused(const struct file *file, const char *reason)
{
	struct secret secret = { NULL, 7 };
	struct err err = { 0 };

	assert_int_equal(secret_read_file(file->path, &secret, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	if (strstr(err.what, reason) == NULL)
		fail_msg("%s: not said in: %s", reason, err.what);
	assert_int_equal(secret.len, 7);
}

static void test_read_file_one_line_end_dropped(void **state)
{
	assert_read(*state, "1234", "1234");
	assert_read(*state, "1234\n", "1234");
	assert_read(*state, "1234\r\n", "1234");
	assert_read(*state, "1234\n\n", "1234\n");
	assert_read(*state, " 12 34 ", " 12 34 ");
}

static void test_read_file_open_to_others_refused(void **state)
{
	static const mode_t modes[] = { 0604, 0602, 0601, 0620, 0666 };
	struct file *file = *state;

	put(file, "1234", 4);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		assert_int_equal(chmod(file->path, modes[i]), 0);
		assert_refused(file, "chmod 600");
	}
}

static void test_read_file_empty_or_missing_refused(void **state)
{
	struct file *file = *state;

	assert_refused(file, "is empty");
	put(file, "\n", 1);
	assert_refused(file, "is empty");
	assert_int_equal(unlink(file->path), 0);
	assert_refused(file, "No such file");
}

static void test_read_file_at_the_limit_taken_over_it_refused(void **state)
{
	struct file *file = *state;
	static char data[FILE_MAX + 1];
	SECRET_AUTO secret = { NULL, 0 };
	struct err err = { 0 };

	memset(data, 'x', sizeof(data));
	put(file, data, FILE_MAX);
	assert_int_equal(secret_read_file(file->path, &secret, &err), 0);
	assert_int_equal(secret.len, FILE_MAX);
	put(file, data, FILE_MAX + 1);
	assert_refused(file, "too large");
}

static void test_read_file_error_never_quotes_the_content(void **state)
{
	struct file *file = *state;
	struct secret secret = { NULL, 0 };
	struct err err = { 0 };

	put(file, "hunter2", 7);
	assert_int_equal(chmod(file->path, 0644), 0);
	assert_int_equal(secret_read_file(file->path, &secret, &err), -1);
	assert_null(strstr(err.what, "hunter2"));
}

static void test_wipe_leaves_nothing_behind(void **state)
{
	struct secret secret = { NULL, 0 };
	struct err err = { 0 };
	size_t before = CRYPTO_secure_used();

	(void)state;
	assert_int_equal(secret_copy(BYTES_LIT("hunter2"), &secret, &err), 0);
	assert_true(CRYPTO_secure_used() > before);
	secret_wipe(&secret);
	assert_null(secret.p);
	assert_int_equal(secret.len, 0);
	assert_int_equal(CRYPTO_secure_used(), before);
	secret_wipe(&secret);
}

static void test_wipe_memory_is_zero_when_given_again(void **state)
{
	struct secret first = { NULL, 0 };
	SECRET_AUTO second = { NULL, 0 };
	struct err err = { 0 };
	const uint8_t *where;

	(void)state;
	assert_int_equal(secret_new(64, &first, &err), 0);
	memset(first.p, 0x5a, first.len);
	where = first.p;
	/* Read through the heap's own block, which stays mapped after the free. */
	secret_wipe(&first);
	assert_int_equal(secret_new(64, &second, &err), 0);
	assert_ptr_equal(second.p, where);
	for (size_t i = 0; i < second.len; i++)
		assert_int_equal(second.p[i], 0);
}

static void test_new_over_the_heap_refused(void **state)
{
	struct secret secret = { NULL, 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(secret_new(64 * 1024 * 1024, &secret, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
	assert_null(secret.p);
}

static void test_base64_round_trip_and_malformed(void **state)
{
	SECRET_AUTO data = { NULL, 0 };
	SECRET_AUTO text = { NULL, 0 };
	SECRET_AUTO again = { NULL, 0 };
	SECRET_AUTO bad = { NULL, 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(secret_copy(BYTES_LIT("\0\1\2\3\4"), &data, &err), 0);
	assert_int_equal(secret_base64_encode(&data, &text, &err), 0);
	assert_true(bytes_equal(secret_bytes(&text), BYTES_LIT("AAECAwQ=")));
	assert_int_equal(secret_base64_decode(&text, &again, &err), 0);
	assert_true(bytes_equal(secret_bytes(&again), secret_bytes(&data)));
	assert_int_equal(secret_copy(BYTES_LIT("hunter2"), &bad, &err), 0);
	assert_int_equal(secret_base64_decode(&bad, &again, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_null(strstr(err.what, "hunter2"));
}

static void test_heap_init_switches_core_dumps_off(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
	assert_int_equal(limit.rlim_max, 0);
}

/* --- At a terminal --------------------------------------------------------------------------------- */

typedef int prompt_fn(const char *question, struct secret *ret, struct err *err);

/* What somebody types at the prompt of a child; the length of the answer, or 99 when it was refused. */
static int answer(prompt_fn *prompt, const char *typed, char *ret_shown, size_t cap)
{
	SECRET_AUTO secret = { NULL, 0 };
	struct err err = { 0 };
	int terminal = -1, status = 0;
	size_t n = 0;
	ssize_t got;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(prompt("PIN", &secret, &err) < 0 ? 99 : (int)secret.len);
	while ((got = read(terminal, ret_shown + n, cap - 1 - n)) > 0) {
		n += (size_t)got;
		ret_shown[n] = '\0';
		/* Typed once the question stands there: what came before would be dropped. */
		if (typed != NULL && strstr(ret_shown, "PIN: ") != NULL) {
			assert_int_equal(write(terminal, typed, strlen(typed)), (ssize_t)strlen(typed));
			typed = NULL;
		}
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(terminal);
	return WEXITSTATUS(status);
}

static void test_prompt_answer_is_taken_and_not_shown(void **state)
{
	char shown[256] = "";

	(void)state;
	assert_int_equal(answer(secret_prompt, "4711\n", shown, sizeof(shown)), 4);
	assert_null(strstr(shown, "4711"));
	assert_int_equal(answer(secret_prompt_optional, "4711\n", shown, sizeof(shown)), 4);
}

static void test_prompt_enter_alone_is_an_answer_only_where_it_may_be(void **state)
{
	char shown[256] = "";

	(void)state;
	assert_int_equal(answer(secret_prompt, "\n", shown, sizeof(shown)), 99);
	assert_int_equal(answer(secret_prompt_optional, "\n", shown, sizeof(shown)), 0);
	assert_int_equal(answer(secret_prompt_optional, "\x03\n", shown, sizeof(shown)), 99);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_read_file_one_line_end_dropped),
		FILE_TEST(test_read_file_open_to_others_refused),
		FILE_TEST(test_read_file_empty_or_missing_refused),
		FILE_TEST(test_read_file_at_the_limit_taken_over_it_refused),
		FILE_TEST(test_read_file_error_never_quotes_the_content),
		cmocka_unit_test(test_wipe_leaves_nothing_behind),
		cmocka_unit_test(test_wipe_memory_is_zero_when_given_again),
		cmocka_unit_test(test_new_over_the_heap_refused),
		cmocka_unit_test(test_base64_round_trip_and_malformed),
		cmocka_unit_test(test_prompt_answer_is_taken_and_not_shown),
		cmocka_unit_test(test_prompt_enter_alone_is_an_answer_only_where_it_may_be),
		cmocka_unit_test(test_heap_init_switches_core_dumps_off),
	};
	struct err err = { 0 };

	if (secret_heap_init(&err) < 0) {
		(void)fprintf(stderr, "%s\n", err.what);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
