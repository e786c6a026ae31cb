/* Records and their journal. */
#include "tests/unit/dps_emulator/service.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct place {
	char dir[PATH_MAX - 16];
	char file[PATH_MAX];
};

static int place_setup(void **state)
{
	const char *base = getenv("TMPDIR");
	struct place *place = calloc(1, sizeof(*place));

	*state = place;
	if (place == NULL ||
	    str_format(place->dir, sizeof(place->dir), "%s/dps-store.XXXXXX", base != NULL ? base : "/tmp") <
		    0 ||
	    mkdtemp(place->dir) == NULL)
		return -1;
	return str_format(place->file, sizeof(place->file), "%s/state", place->dir);
}

static int place_teardown(void **state)
{
	struct place *place = *state;

	(void)unlink(place->file);
	(void)rmdir(place->dir);
	free(place);
	return 0;
}

static void put(struct dps_store *store, const char *id, const char *value)
{
	CLEANUP(json_freep) json_t *doc = json_pack("{s:s, s:s}", "etag", value, "registrationId", id);
	struct err err;

	assert_int_equal(dps_store_put(store, DPS_ENROLLMENTS, id, doc, &err), 0);
}

static struct dps_store *open_store(const char *path)
{
	struct dps_store *store = NULL;
	struct err err = { 0 };

	if (dps_store_open(path, &store, &err) < 0)
		fail_msg("%s", err.what);
	return store;
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void append(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void test_journal_replay_gives_the_same_records(void **state)
{
	const struct place *place = *state;
	struct dps_store *store = open_store(place->file);
	struct err err;

	put(store, "a", "1");
	put(store, "B", "2");
	put(store, "A", "3");
	assert_int_equal(dps_store_delete(store, DPS_ENROLLMENTS, "b", &err), 0);
	assert_int_equal(dps_store_sync(store, &err), 0);
	dps_store_close(store);
	store = open_store(place->file);
	assert_int_equal(dps_store_count(store, DPS_ENROLLMENTS), 1);
	assert_string_equal(dps_store_find(store, DPS_ENROLLMENTS, "a")->etag, "3");
	assert_null(dps_store_find(store, DPS_ENROLLMENTS, "b"));
	assert_null(dps_store_find(store, DPS_GROUPS, "a"));
	dps_store_close(store);
}

static void test_journal_unsynced_change_is_not_kept(void **state)
{
	const struct place *place = *state;
	struct dps_store *store = open_store(place->file);

	put(store, "a", "1");
	dps_store_close(store);
	store = open_store(place->file);
	assert_int_equal(dps_store_count(store, DPS_ENROLLMENTS), 0);
	dps_store_close(store);
}

static void test_journal_torn_last_line_cut_off(void **state)
{
	const struct place *place = *state;
	struct dps_store *store = open_store(place->file);
	struct err err;
	off_t before;

	put(store, "a", "1");
	assert_int_equal(dps_store_sync(store, &err), 0);
	dps_store_close(store);
	before = size_of(place->file);
	append(place->file,
	       "{\"op\":\"put\",\"table\":\"enrollments\",\"id\":\"b\",\"doc\":{\"etag\":\"2\"}}");
	store = open_store(place->file);
	assert_int_equal(dps_store_count(store, DPS_ENROLLMENTS), 1);
	assert_int_equal(size_of(place->file), before);
	put(store, "c", "3");
	assert_int_equal(dps_store_sync(store, &err), 0);
	dps_store_close(store);
	store = open_store(place->file);
	assert_int_equal(dps_store_count(store, DPS_ENROLLMENTS), 2);
	dps_store_close(store);
}

static void test_journal_broken_line_refused(void **state)
{
	static const char *const lines[] = {
		"\n",
		"{}\n",
		"not json\n",
		"{\"op\":\"drop\",\"table\":\"enrollments\",\"id\":\"a\"}\n",
		"{\"op\":\"put\",\"table\":\"enrollments\",\"id\":\"a\"}\n",
		"{\"op\":\"put\",\"table\":\"enrollments\",\"id\":\"a\",\"doc\":{}}\n",
		"{\"op\":\"delete\",\"table\":\"other\",\"id\":\"a\"}\n",
	};
	const struct place *place = *state;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct dps_store *store = NULL;
		struct err err = { 0 };

		append(place->file, lines[i]);
		assert_int_equal(dps_store_open(place->file, &store, &err), -1);
		assert_non_null(strstr(err.where, "state file"));
		assert_null(store);
		assert_int_equal(unlink(place->file), 0);
	}
}

static void test_journal_second_process_refused(void **state)
{
	const struct place *place = *state;
	struct dps_store *store = open_store(place->file), *second = NULL;
	struct err err;

	assert_int_equal(dps_store_open(place->file, &second, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	dps_store_close(store);
}

/* The kernel refuses every write, as on a full disk; its signal is ignored. */
static void test_journal_full_disk_fails_and_stays_failed(void **state)
{
	const struct place *place = *state;
	struct dps_store *store = open_store(place->file);
	struct rlimit before, none;
	struct err err = { 0 };
	int full, after;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	put(store, "a", "1");
	full = dps_store_sync(store, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	after = dps_store_sync(store, &err);
	assert_int_equal(full, -1);
	assert_int_equal(err.class, ERR_STATION);
	assert_int_equal(after, -1);
	dps_store_close(store);
}

static void test_store_holds_100000_records_in_order(void **state)
{
	struct dps_store *store = open_store(NULL);
	const struct dps_record *record = NULL;
	int64_t seq = 0;
	size_t n = 0;
	struct err err;
	char id[32];

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		assert_int_equal(str_format(id, sizeof(id), "Dev-%u", i), 0);
		put(store, id, "e");
	}
	for (unsigned i = 0; i < 100000; i += 1000) {
		assert_int_equal(str_format(id, sizeof(id), "dev-%u", i), 0);
		assert_int_equal(dps_store_delete(store, DPS_ENROLLMENTS, id, &err), 0);
	}
	while ((record = dps_store_after(store, DPS_ENROLLMENTS, seq)) != NULL) {
		assert_true(record->seq > seq);
		seq = record->seq;
		n++;
	}
	assert_int_equal(n, 99900);
	assert_non_null(dps_store_find(store, DPS_ENROLLMENTS, "DEV-99999"));
	assert_null(dps_store_find(store, DPS_ENROLLMENTS, "dev-99000"));
	dps_store_close(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_journal_replay_gives_the_same_records),
		TEST(test_journal_unsynced_change_is_not_kept),
		TEST(test_journal_torn_last_line_cut_off),
		TEST(test_journal_broken_line_refused),
		TEST(test_journal_second_process_refused),
		TEST(test_journal_full_disk_fails_and_stays_failed),
		cmocka_unit_test(test_store_holds_100000_records_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
