/* What no message reaches: the flash after a crash, keys that are nearly right, damaged files, seeds. */
#include "fixtures/emulator/emulator_internal.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct flash *flash = calloc(1, sizeof(*flash));
	char path[256];
	struct err err = { 0 };

	assert_non_null(flash);
	assert_int_equal(str_format(path, sizeof(path), "%s/flash-XXXXXX", tmp != NULL ? tmp : "/tmp"), 0);
	assert_non_null(mkdtemp(path));
	assert_int_equal(flash_open(path, flash, &err), 0);
	*state = flash;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct flash *flash = *state;

	flash_close(flash);
	(void)nftw(flash->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(flash);
	return 0;
}

static void test_flash_write_replaces_the_whole_file(void **state)
{
	const struct flash *flash = *state;
	BUF_AUTO(back, 64);
	struct err err = { 0 };
	bool found = false;

	assert_int_equal(flash_write(flash, "a", BYTES_LIT("longer content"), &err), 0);
	assert_int_equal(flash_write(flash, "a", BYTES_LIT("short"), &err), 0);
	assert_int_equal(flash_read(flash, "a", &back, &found, &err), 0);
	assert_true(found);
	assert_true(bytes_equal(buf_bytes(&back), BYTES_LIT("short")));
}

static void test_flash_read_of_a_missing_file_is_no_error(void **state)
{
	const struct flash *flash = *state;
	BUF_AUTO(back, 64);
	struct err err = { 0 };
	bool found = true;

	assert_int_equal(flash_read(flash, "a", &back, &found, &err), 0);
	assert_false(found);
}

static void test_flash_read_of_too_long_a_file_fails_and_changes_nothing(void **state)
{
	const struct flash *flash = *state;
	BUF_AUTO(back, 4);
	struct err err = { 0 };
	bool found = false;

	assert_int_equal(flash_write(flash, "a", BYTES_LIT("12345"), &err), 0);
	assert_int_equal(flash_read(flash, "a", &back, &found, &err), -1);
	assert_false(found);
	assert_int_equal(back.len, 0);
}

static void test_flash_write_that_was_cut_off_is_cleared_at_start(void **state)
{
	const struct flash *flash = *state;
	struct flash again;
	struct err err = { 0 };
	int fd = openat(flash->dir, "a.flash-tmp", O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(flash_write(flash, "b.tmp", BYTES_LIT("somebody else's"), &err), 0);
	assert_int_equal(flash_open(flash->path, &again, &err), 0);
	assert_false(flash_has(&again, "a.flash-tmp"));
	assert_true(flash_has(&again, "b.tmp"));
	flash_close(&again);
}

static void test_key_with_a_byte_behind_it_is_refused(void **state)
{
	BUF_AUTO(pem, KEY_PEM_MAX);
	BUF_AUTO(der, KEY_DER_MAX);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(key_make(&pem, &err), 0);
	assert_int_equal(key_to_der(buf_bytes(&pem), &der, &err), 0);
	assert_int_equal(key_from_der(buf_bytes(&der), &pem, &err), 0);
	assert_int_equal(buf_append_u8(&der, 0), 0);
	assert_int_equal(key_from_der(buf_bytes(&der), &pem, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
}

static void test_key_with_another_public_key_is_refused(void **state)
{
	BUF_AUTO(pem, KEY_PEM_MAX);
	BUF_AUTO(der, KEY_DER_MAX);
	BUF_AUTO(other, KEY_DER_MAX);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(key_make(&pem, &err), 0);
	assert_int_equal(key_to_der(buf_bytes(&pem), &der, &err), 0);
	assert_int_equal(key_make(&pem, &err), 0);
	assert_int_equal(key_to_der(buf_bytes(&pem), &other, &err), 0);
	assert_int_equal(der.len, other.len);
	/* ECPrivateKey ends with the public point: 64 bytes of coordinates. */
	memcpy(der.p + der.len - 64, other.p + other.len - 64, 64);
	assert_int_equal(key_from_der(buf_bytes(&der), &pem, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
}

static void test_item_key_comes_back_as_the_bytes_it_was_put_as(void **state)
{
	const struct flash *flash = *state;
	BUF_AUTO(pem, KEY_PEM_MAX);
	BUF_AUTO(der, KEY_DER_MAX);
	BUF_AUTO(back, FIXTURE_ITEM_MAX);
	struct err err = { 0 };
	bool found = false;

	assert_int_equal(key_make(&pem, &err), 0);
	assert_int_equal(key_to_der(buf_bytes(&pem), &der, &err), 0);
	assert_int_equal(item_write(flash, UNIT_ITEM_KEY, buf_bytes(&der), &err), 0);
	assert_int_equal(item_read(flash, UNIT_ITEM_KEY, &back, &found, &err), 0);
	assert_true(found);
	assert_true(bytes_equal(buf_bytes(&back), buf_bytes(&der)));
}

static void test_item_symkey_of_a_wrong_length_is_refused(void **state)
{
	static const uint8_t key[300] = { 1 };
	const struct flash *flash = *state;
	struct err err = { 0 };

	assert_int_equal(item_write(flash, UNIT_ITEM_SYMKEY, bytes_of(key, 15), &err), -1);
	assert_int_equal(item_write(flash, UNIT_ITEM_SYMKEY, bytes_of(key, 257), &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_int_equal(item_write(flash, UNIT_ITEM_SYMKEY, bytes_of(key, 256), &err), 0);
}

static void test_identity_damaged_on_disk_is_named(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"serial\":\"a\"}",
		"{\"serial\":\"a\",\"model\":\"b\",\"hwid\":\"c\",\"kind\":\"toaster\",\"locked\":false}",
		"{\"serial\":\"a\",\"model\":\"b\",\"hwid\":\"c\",\"kind\":\"meter\",\"locked\":0}",
		"{\"serial\":1,\"model\":\"b\",\"hwid\":\"c\",\"kind\":\"meter\",\"locked\":true}",
		"{\"serial\":\"\",\"model\":\"b\",\"hwid\":\"c\",\"kind\":\"meter\",\"locked\":true}",
	};
	const struct flash *flash = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct identity id = { .locked = true };
		struct err err = { 0 };
		bool found = false;

		assert_int_equal(flash_write(flash, "device.json", bytes_str(bad[i]), &err), 0);
		assert_int_equal(identity_load(flash, &id, &found, &err), -1);
		assert_non_null(strstr(err.what, "device.json"));
		assert_string_equal(id.serial, "");
	}
}

static void test_identity_follows_from_seed_and_number(void **state)
{
	struct identity a, b, c, d;

	(void)state;
	identity_make(kind_find("meter"), 1, 4, &a);
	identity_make(kind_find("meter"), 1, 4, &b);
	identity_make(kind_find("meter"), 2, 4, &c);
	identity_make(kind_find("meter"), 1, 5, &d);
	assert_string_equal(a.serial, b.serial);
	assert_string_equal(a.hwid, b.hwid);
	assert_string_not_equal(a.serial, c.serial);
	assert_string_not_equal(a.hwid, c.hwid);
	assert_string_not_equal(a.hwid, d.hwid);
}

/* The replies of a run that a fault skipped, as bits. */
static uint64_t drops(uint64_t seed)
{
	struct faults faults = { .random = seed };
	uint64_t bits = 0;

	assert_int_equal(faults_add(&faults, fault_find("drop")), 0);
	for (int i = 0; i < 64; i++)
		bits = bits << 1 | faults_strike(&faults, FAULT_AT_REPLY, NULL);
	return bits;
}

static void test_faults_of_one_seed_are_repeatable(void **state)
{
	int struck = __builtin_popcountll(drops(1));

	(void)state;
	assert_true(drops(1) == drops(1));
	assert_true(drops(1) != drops(2));
	assert_in_range(struck, 6, 28);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_flash_write_replaces_the_whole_file),
		CASE(test_flash_read_of_a_missing_file_is_no_error),
		CASE(test_flash_read_of_too_long_a_file_fails_and_changes_nothing),
		CASE(test_flash_write_that_was_cut_off_is_cleared_at_start),
		CASE(test_key_with_a_byte_behind_it_is_refused),
		CASE(test_key_with_another_public_key_is_refused),
		CASE(test_item_key_comes_back_as_the_bytes_it_was_put_as),
		CASE(test_item_symkey_of_a_wrong_length_is_refused),
		CASE(test_identity_damaged_on_disk_is_named),
		CASE(test_identity_follows_from_seed_and_number),
		CASE(test_faults_of_one_seed_are_repeatable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
