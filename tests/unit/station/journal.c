/* Tests station/journal.c on a real database: claims, memory, and refusals that name the earlier unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/journal.h"
#include "station/results.h"
#include "tests/unit/station/world.h"

/* A job that stands before its issue step, with a key of its own. */
static void make_job(struct world *w, struct job *job, const char *serial, const char *hwid, uint8_t key)
{
	struct unit_info unit = { 0 };
	struct err err = { 0 };

	str_clip(unit.serial, sizeof(unit.serial), serial);
	str_clip(unit.hwid, sizeof(unit.hwid), hwid);
	job_init(job, &w->st, &w->tools, &w->slot, NULL, &unit);
	assert_int_equal(job_choose_profile(job, &err), 0);
	str_clip(job->registration_id, sizeof(job->registration_id), serial);
	memset(job->key_sha256, key, sizeof(job->key_sha256));
	job->has_key_sha256 = true;
	job->next = 2;
}

static const struct step issue = { "issue", EFFECT_ONCE, 1, false, NULL, NULL, NULL };

static void test_journal_intent_remembered(void **state)
{
	struct world *w = *state;
	struct job job, again;
	struct err err = { 0 };

	make_job(w, &job, "a1", "h1", 1);
	assert_int_equal(buf_set(&job.csr, BYTES_LIT("csr")), 0);
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	make_job(w, &again, "a1", "h1", 9);
	assert_int_equal(journal_load(&again, &err), 0);
	assert_int_equal(again.id, job.id);
	assert_int_equal(again.intended, 2);
	assert_int_equal(again.key_sha256[0], 1);
	assert_true(bytes_equal(buf_bytes(&again.csr), BYTES_LIT("csr")));
	job_deinit(&job);
	job_deinit(&again);
}

static int64_t count_digests(struct world *w)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct err err = { 0 };
	int64_t n = -1;
	bool found;

	db_read_begin(w->st.db, &tx);
	assert_int_equal(
		db_get_int(&tx, "SELECT count(key_item_sha256) FROM job", DB_NO_VALUES, &n, &found, &err), 0);
	return n;
}

/* The digest of a key that was put, and only until nobody asks the unit for it any more. */
static void test_journal_digest_of_a_key_kept_until_the_job_ends(void **state)
{
	const struct witnesses two = { "ada", "bob" };
	const struct journal_release release = { "b1", "lost its key", "line-01", 1000, &two };
	struct world *w = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct job passes, goes, again;
	struct err err = { 0 };
	int64_t id = 0;

	make_job(w, &passes, "a1", "h1", 1);
	make_job(w, &goes, "b1", "h2", 2);
	assert_int_equal(journal_intend(&passes, &issue, &err), 0);
	make_job(w, &again, "a1", "h1", 1);
	assert_int_equal(journal_load(&again, &err), 0);
	assert_false(again.has_key_item_sha256);
	passes.has_key_item_sha256 = goes.has_key_item_sha256 = true;
	memset(passes.key_item_sha256, 7, SHA256_LEN);
	assert_int_equal(journal_intend(&passes, &issue, &err), 0); /* into the row that is there */
	assert_int_equal(journal_intend(&goes, &issue, &err), 0);   /* and with a new one        */
	assert_int_equal(journal_load(&again, &err), 0);
	assert_true(again.has_key_item_sha256);
	assert_int_equal(again.key_item_sha256[31], 7);
	assert_int_equal(count_digests(w), 2);
	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(journal_pass(&passes, &tx, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_int_equal(count_digests(w), 1);
	assert_int_equal(journal_release(w->st.db, &release, &id, &err), 0);
	assert_int_equal(count_digests(w), 0);
	job_deinit(&passes);
	job_deinit(&goes);
	job_deinit(&again);
}

static void test_journal_same_serial_other_hardware_refused(void **state)
{
	struct world *w = *state;
	struct job job, twin;
	struct err err = { 0 };

	make_job(w, &job, "a1", "h1", 1);
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	make_job(w, &twin, "a1", "h2", 2);
	assert_int_equal(journal_load(&twin, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_non_null(strstr(err.what, "h1"));
	job_deinit(&job);
	job_deinit(&twin);
}

static void test_journal_taken_claims_refused_and_named(void **state)
{
	static const struct {
		const char *serial, *hwid;
		uint8_t key;
		const char *what;
	} twins[] = {
		{ "b1", "h1", 2, "hardware ID" },
		{ "A1", "h2", 2, "registration ID" }, /* ids are case-insensitive in the service */
		{ "b1", "h2", 1, "this key" },
	};
	struct world *w = *state;
	struct job job, twin;
	struct err err = { 0 };

	make_job(w, &job, "a1", "h1", 1);
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(twins); i++) {
		make_job(w, &twin, twins[i].serial, twins[i].hwid, twins[i].key);
		assert_int_equal(journal_intend(&twin, &issue, &err), -1);
		assert_int_equal(err.class, ERR_UNIT);
		assert_non_null(strstr(err.what, twins[i].what));
		assert_non_null(strstr(err.what, "unit a1"));
		assert_int_equal(twin.id, 0);
		job_deinit(&twin);
	}
	job_deinit(&job);
}

static void test_journal_serial_number_used_twice_stops_the_station(void **state)
{
	static const struct step take = { "issue", EFFECT_ONCE, 1, false, NULL, NULL, journal_take_serial };
	struct world *w = *state;
	struct job job, other;
	struct err err = { 0 };

	make_job(w, &job, "a1", "h1", 1);
	memset(job.cert_serial, 0x41, sizeof(job.cert_serial));
	assert_int_equal(journal_intend(&job, &take, &err), 0);
	make_job(w, &other, "b1", "h2", 2);
	memset(other.cert_serial, 0x41, sizeof(other.cert_serial));
	assert_int_equal(journal_intend(&other, &take, &err), -1);
	assert_int_equal(err.class, ERR_STATION);
	job_deinit(&job);
	job_deinit(&other);
}

static void test_journal_failure_recorded_and_counted(void **state)
{
	struct world *w = *state;
	struct err why = { 0 }, err = { 0 };
	struct journal_counts counts;
	struct audit_verdict verdict;
	struct job job;

	make_job(w, &job, "a1", "h1", 1);
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	(void)err_set(&why, ERR_UNIT, 0, "it said no");
	assert_int_equal(journal_fail(&job, &why, &err), 0);
	assert_int_equal(journal_fail(&job, &why, &err), 0);
	assert_int_equal(journal_count(w->st.db, &counts, &err), 0);
	assert_int_equal(counts.failed, 1);
	assert_int_equal(counts.open + counts.passed, 0);
	assert_int_equal(audit_verify(w->st.db, &verdict, &err), 0);
	assert_int_equal(verdict.bad_index, -1);
	assert_int_equal(verdict.head.size, 2);
	job_deinit(&job);
}

/* How many results there are, and the last one's words. */
struct results {
	int n;
	char text[64];
};

static int keep_result(void *arg, const struct result *r, struct err *err)
{
	struct results *results = arg;

	(void)err;
	results->n++;
	return str_format(results->text, sizeof(results->text), "%s %s %s %s", r->slot,
			  r->operator_id != NULL ? r->operator_id : "-", r->step != NULL ? r->step : "-",
			  err_class_name(r->class));
}

static void test_journal_each_end_is_a_result(void **state)
{
	struct world *w = *state;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err why = { 0 }, err = { 0 };
	struct results results = { 0 };
	struct job job;

	make_job(w, &job, "a1", "h1", 1);
	str_clip(job.seating.operator_id, sizeof(job.seating.operator_id), "anna");
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	(void)err_set(&why, ERR_UNIT, 0, "it said no");
	assert_int_equal(journal_fail(&job, &why, &err), 0);
	assert_int_equal(results_each(w->st.db, 0, INT64_MAX, keep_result, &results, &err), 0);
	assert_int_equal(results.n, 1);
	assert_string_equal(results.text, "1 anna issue unit");
	assert_int_equal(db_begin(w->st.db, &tx, &err), 0);
	assert_int_equal(journal_pass(&job, &tx, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	results.n = 0;
	assert_int_equal(results_each(w->st.db, 0, INT64_MAX, keep_result, &results, &err), 0);
	assert_int_equal(results.n, 2);
	assert_string_equal(results.text, "1 anna - none");
	job_deinit(&job);
}

static int64_t failures_by(struct world *w, const char *operator_id)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	struct err err = { 0 };
	int64_t n = -1;
	bool found;

	db_read_begin(w->st.db, &tx);
	assert_int_equal(db_get_int(&tx,
				    "SELECT count(*) FROM audit_entry"
				    " WHERE json_extract(entry, '$.kind') = 'unit-failed'"
				    " AND json_extract(entry, '$.operator') IS ?1",
				    DB_VALUES(db_text(operator_id)), &n, &found, &err),
			 0);
	return n;
}

static void test_journal_failure_names_the_operator_if_there_is_one(void **state)
{
	struct world *w = *state;
	struct err why = { 0 }, err = { 0 };
	struct job job;

	make_job(w, &job, "a1", "h1", 1);
	(void)err_set(&why, ERR_UNIT, 0, "it said no");
	assert_int_equal(journal_fail(&job, &why, &err), 0);
	assert_int_equal(failures_by(w, NULL), 1);
	str_clip(job.seating.operator_id, sizeof(job.seating.operator_id), "tim");
	assert_int_equal(journal_fail(&job, &why, &err), 0);
	assert_int_equal(failures_by(w, "tim"), 1);
	assert_int_equal(failures_by(w, NULL), 1);
	job_deinit(&job);
}

static void test_journal_refused_impostor_leaves_the_real_unit_alone(void **state)
{
	struct world *w = *state;
	struct err why = { 0 }, err = { 0 };
	struct journal_counts counts;
	struct job job, twin;

	make_job(w, &job, "a1", "h1", 1);
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	make_job(w, &twin, "a1", "h2", 2);
	assert_int_equal(journal_load(&twin, &why), -1);
	assert_int_equal(journal_fail(&twin, &why, &err), 0);
	assert_int_equal(journal_count(w->st.db, &counts, &err), 0);
	assert_int_equal(counts.open, 1);
	assert_int_equal(counts.failed, 0);
	job_deinit(&job);
	job_deinit(&twin);
}

static void test_journal_job_of_another_pipeline_goes_to_a_person(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct job job, again;

	make_job(w, &job, "a1", "h1", 1);
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	w->profile.key = KEY_FROM_STATION;
	make_job(w, &again, "a1", "h1", 1);
	assert_int_equal(journal_load(&again, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	job_deinit(&job);
	job_deinit(&again);
}

static void test_journal_job_of_another_profile_goes_to_a_person(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };
	struct job job, again;

	make_job(w, &job, "a1", "h1", 1);
	assert_int_equal(journal_intend(&job, &issue, &err), 0);
	str_clip(w->profile.name, sizeof(w->profile.name), "other");
	make_job(w, &again, "a1", "h1", 1);
	assert_int_equal(journal_load(&again, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_non_null(strstr(err.what, "profile sensor"));
	job_deinit(&job);
	job_deinit(&again);
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_journal_intent_remembered),
		T(test_journal_digest_of_a_key_kept_until_the_job_ends),
		T(test_journal_same_serial_other_hardware_refused),
		T(test_journal_taken_claims_refused_and_named),
		T(test_journal_serial_number_used_twice_stops_the_station),
		T(test_journal_failure_recorded_and_counted),
		T(test_journal_each_end_is_a_result),
		T(test_journal_failure_names_the_operator_if_there_is_one),
		T(test_journal_refused_impostor_leaves_the_real_unit_alone),
		T(test_journal_job_of_another_pipeline_goes_to_a_person),
		T(test_journal_job_of_another_profile_goes_to_a_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
