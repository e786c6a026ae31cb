/* Batches and receipts: there and back, twice, and whatever can be done to a file on its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/enroll/carried.h"

#define BATCH   (1U << ENROLL_CARRIED_BATCH)
#define RECEIPT (1U << ENROLL_CARRIED_RECEIPT)

static struct enroll_batch export(struct side *side, const char *path)
{
	struct enroll_batch batch = { .n = 0 };
	struct err err = { 0 };

	if (enroll_export_batch(&side->carrier, path, &batch, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	return batch;
}

static struct enroll_batch import(struct side *side, const char *path)
{
	struct enroll_batch batch = { .n = 0 };
	enum enroll_carried kind;
	struct err err = { 0 };

	if (enroll_import(&side->carrier, path, BATCH | RECEIPT, &kind, &batch, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	return batch;
}

static void refused(struct side *side, const char *path, unsigned kinds, const char *what)
{
	struct enroll_counts before = counts(side->world), after;
	struct enroll_batch batch;
	enum enroll_carried kind;
	struct err err = { 0 };

	assert_int_equal(enroll_import(&side->carrier, path, kinds, &kind, &batch, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	if (strstr(err.what, what) == NULL && strstr(err.where, what) == NULL)
		fail_msg("it says: %s: %s", err.where, err.what);
	after = counts(side->world);
	assert_int_equal(after.queued, before.queued);
	assert_int_equal(after.enrolled, before.enrolled);
	assert_int_equal(after.quarantined, before.quarantined);
}

static struct enroll_batch receipt(struct pair *pair, const char *id)
{
	struct enroll_batch batch = { .n = 0 };
	struct err err = { 0 };

	(void)unlink(pair->receipt);
	if (enroll_write_receipt(&pair->b.carrier, id, pair->receipt, &batch, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	return batch;
}

static void test_exported_rows_wait_and_are_not_sent_from_here(void **state)
{
	struct pair *pair = *state;
	struct enroll_batch batch;
	struct stat st;

	queue_at(&pair->a, "line-a", 1);
	queue_at(&pair->a, "line-a", 2);
	batch = export(&pair->a, pair->file);
	assert_int_equal(batch.n, 2);
	assert_string_equal(pair->a.last_note, "batch-exported");
	assert_int_equal(counts(pair->a.world).queued, 2);
	assert_int_equal(counts(pair->a.world).carried, 2);
	assert_int_equal(sendable(&pair->a), 0);
	assert_non_null(strstr(row_of(pair->a.world, "unit-1").reason, batch.id));
	assert_int_equal(stat(pair->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	queue_at(&pair->a, "line-a", 3);
	assert_int_equal(sendable(&pair->a), 1);
}

static void test_export_of_nothing_or_over_a_file_is_refused(void **state)
{
	struct pair *pair = *state;
	struct enroll_batch batch;
	struct err err = { 0 };

	assert_int_equal(enroll_export_batch(&pair->a.carrier, pair->file, &batch, &err), -1);
	assert_int_equal(err.class, ERR_OPERATOR);
	assert_int_equal(access(pair->file, F_OK), -1);
	queue_at(&pair->a, "line-a", 1);
	write_whole(pair->file, BYTES_LIT("mine"));
	assert_int_equal(enroll_export_batch(&pair->a.carrier, pair->file, &batch, &err), -1);
	assert_non_null(strstr(err.what, "nothing is written over"));
	assert_int_equal(sendable(&pair->a), 1);
	assert_int_equal(counts(pair->a.world).carried, 0);
}

static void test_cancel_sends_from_here_again(void **state)
{
	struct pair *pair = *state;
	struct enroll_batch batch, cancelled;
	struct err err = { 0 };

	queue_at(&pair->a, "line-a", 1);
	batch = export(&pair->a, pair->file);
	assert_int_equal(enroll_cancel_batch(&pair->a.carrier, batch.id, &cancelled, &err), 0);
	assert_int_equal(cancelled.waiting, 1);
	assert_string_equal(pair->a.last_note, "batch-cancelled");
	assert_int_equal(sendable(&pair->a), 1);
	assert_int_equal(counts(pair->a.world).carried, 0);
	assert_int_equal(enroll_cancel_batch(&pair->a.carrier, batch.id, &cancelled, &err), 0);
	assert_true(cancelled.again);
	assert_int_equal(pair->a.notes, 2);
	assert_int_equal(enroll_cancel_batch(&pair->a.carrier, "no-such", &cancelled, &err), -1);
}

static void test_there_and_back_settles_and_twice_changes_nothing(void **state)
{
	struct pair *pair = *state;
	struct enroll_batch batch, back;

	queue_at(&pair->a, "line-a", 1);
	queue_at(&pair->a, "line-a", 2);
	batch = export(&pair->a, pair->file);
	back = import(&pair->b, pair->file);
	assert_int_equal(back.waiting, 2);
	assert_false(back.again);
	assert_true(import(&pair->b, pair->file).again);
	assert_int_equal(counts(pair->b.world).queued, 2);
	assert_int_equal(pair->b.notes, 1);

	/* Before anything was sent: a receipt that says so. */
	assert_int_equal(receipt(pair, batch.id).waiting, 2);
	assert_true(import(&pair->a, pair->receipt).again);
	assert_int_equal(sendable(&pair->a), 0);

	settle_as(&pair->b, ITEM_ENROLLED, NULL);
	assert_int_equal(receipt(pair, batch.id).enrolled, 2);
	back = import(&pair->a, pair->receipt);
	assert_int_equal(back.enrolled, 2);
	assert_string_equal(pair->a.last_note, "receipt-imported");
	assert_int_equal(counts(pair->a.world).enrolled, 2);
	assert_int_equal(counts(pair->a.world).carried, 0);
	assert_true(import(&pair->a, pair->receipt).again);
	assert_int_equal(pair->a.notes, 2);
}

static void test_refused_records_come_back_with_reason_and_difference(void **state)
{
	struct pair *pair = *state;
	const struct enroll_decision decision = { "unit-1", WORLD_NOW_MS, NULL, "looked at" };
	struct enroll_decided decided;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct enroll_batch batch;
	struct err err = { 0 };

	queue_at(&pair->a, "line-a", 1);
	batch = export(&pair->a, pair->file);
	(void)import(&pair->b, pair->file);
	settle_as(&pair->b, ITEM_QUARANTINED, "differs:\x1b[2J \xc3\xa9");
	assert_int_equal(receipt(pair, batch.id).quarantined, 1);
	(void)import(&pair->a, pair->receipt);
	assert_int_equal(counts(pair->a.world).quarantined, 1);
	assert_int_equal(counts(pair->a.world).carried, 0);
	assert_string_equal(row_of(pair->a.world, "unit-1").reason, "differs:?[2J ??");

	/* A person puts it back: the same receipt does not undo that. */
	assert_int_equal(db_begin(pair->a.world->db, &tx, &err), 0);
	assert_int_equal(enroll_release(&tx, &decision, &decided, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_true(import(&pair->a, pair->receipt).again);
	assert_int_equal(sendable(&pair->a), 1);
}

static void test_record_that_the_carriers_people_give_up_comes_back_as_refused(void **state)
{
	struct pair *pair = *state;
	const struct enroll_decision decision = { "unit-1", WORLD_NOW_MS, NULL, "a twin of it" };
	struct enroll_decided decided;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct enroll_batch batch;
	struct err err = { 0 };

	queue_at(&pair->a, "line-a", 1);
	batch = export(&pair->a, pair->file);
	(void)import(&pair->b, pair->file);
	settle_as(&pair->b, ITEM_QUARANTINED, "differs");
	assert_int_equal(db_begin(pair->b.world->db, &tx, &err), 0);
	assert_int_equal(enroll_drop(&tx, &decision, &decided, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	/* Its place in the table may be another's by now. */
	queue_at(&pair->b, "line-b", 2);
	assert_int_equal(receipt(pair, batch.id).quarantined, 1);
	(void)import(&pair->a, pair->receipt);
	assert_non_null(strstr(row_of(pair->a.world, "unit-1").reason, "given up"));
}

/* A second batch of the same records, made after the first was cancelled. */
static void test_record_that_was_given_up_is_not_queued_by_another_batch(void **state)
{
	struct pair *pair = *state;
	const struct enroll_decision decision = { "unit-1", WORLD_NOW_MS, NULL, "a twin of it" };
	struct enroll_decided decided;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct enroll_batch batch;
	struct err err = { 0 };

	queue_at(&pair->a, "line-a", 1);
	batch = export(&pair->a, pair->file);
	(void)import(&pair->b, pair->file);
	settle_as(&pair->b, ITEM_QUARANTINED, "differs");
	assert_int_equal(db_begin(pair->b.world->db, &tx, &err), 0);
	assert_int_equal(enroll_drop(&tx, &decision, &decided, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_int_equal(enroll_cancel_batch(&pair->a.carrier, batch.id, &batch, &err), 0);
	assert_int_equal(unlink(pair->file), 0);
	batch = export(&pair->a, pair->file);
	(void)import(&pair->b, pair->file);
	assert_int_equal(sendable(&pair->b), 0);
	assert_int_equal(receipt(pair, batch.id).quarantined, 1);
}

static void test_symmetric_records_are_taken_with_their_master_key_only(void **state)
{
	struct pair *pair = *state;
	struct enroll_batch batch, back;

	queue_symmetric_at(&pair->a, "line-a", 1);
	queue_at(&pair->a, "line-a", 2);
	batch = export(&pair->a, pair->file);
	pair->b.carrier.device_keys = &other_macer;
	back = import(&pair->b, pair->file);
	assert_int_equal(back.waiting, 1);
	assert_int_equal(back.returned, 1);
	assert_int_equal(pair->b.left_out, 1);
	assert_string_equal(pair->b.last_left_out, "meter-1");
	assert_int_equal(receipt(pair, batch.id).returned, 1);
	back = import(&pair->a, pair->receipt);
	assert_int_equal(back.returned, 1);
	assert_int_equal(counts(pair->a.world).carried, 1);
	assert_int_equal(sendable(&pair->a), 1);
}

static void test_symmetric_record_with_the_same_master_key_is_sent_there(void **state)
{
	struct pair *pair = *state;

	queue_symmetric_at(&pair->a, "line-a", 1);
	(void)export(&pair->a, pair->file);
	pair->b.carrier.device_keys = &world_macer;
	assert_int_equal(import(&pair->b, pair->file).waiting, 1);
	assert_int_equal(pair->b.left_out, 0);
	assert_int_equal(sendable(&pair->b), 1);
}

/* Whether a file of these bytes would be taken: everything that an import looks at. */
static bool accepted(struct pair *pair, struct bytes text)
{
	struct carry_file file;
	struct err err = { 0 };

	if (carry_parse(text, &file, &err) < 0 || carry_verify(&file, &pair->b.carrier, &err) < 0) {
		assert_int_equal(err.class, ERR_OPERATOR);
		assert_true(err.what[0] != '\0');
		return false;
	}
	return true;
}

static void test_every_changed_byte_is_refused(void **state)
{
	struct pair *pair = *state;
	static const uint8_t masks[] = { 0x01, 0x20, 0x80, 0xff };
	CLEANUP(buf_deinit) struct buf file = { NULL, 0, 0, 0 };

	queue_at(&pair->a, "line-a", 1);
	(void)export(&pair->a, pair->file);
	read_whole(pair->file, &file);
	assert_true(accepted(pair, buf_bytes(&file)));
	for (size_t i = 0; i < file.len; i++)
		for (size_t k = 0; k < ARRAY_LEN(masks); k++) {
			file.p[i] ^= masks[k];
			if (accepted(pair, buf_bytes(&file)))
				fail_msg("byte %zu with %02x changed", i, masks[k]);
			file.p[i] ^= masks[k];
		}
	write_whole(pair->file, bytes_of(file.p, file.len - 1));
	refused(&pair->b, pair->file, BATCH, "cut short");
}

static void test_every_shorter_and_longer_file_is_refused(void **state)
{
	struct pair *pair = *state;
	CLEANUP(buf_deinit) struct buf file = { NULL, 0, 0, 0 };

	queue_at(&pair->a, "line-a", 1);
	queue_at(&pair->a, "line-a", 2);
	(void)export(&pair->a, pair->file);
	read_whole(pair->file, &file);
	for (size_t n = 0; n < file.len; n++)
		if (accepted(pair, bytes_of(file.p, n)))
			fail_msg("%zu of %zu bytes", n, file.len);
	assert_int_equal(buf_append_u8(&file, '\n'), 0);
	assert_false(accepted(pair, buf_bytes(&file)));
}

static void test_foreign_files_are_refused_by_what_they_are(void **state)
{
	struct pair *pair = *state;
	static const struct {
		const char *text, *what;
	} files[] = {
		{ "", "cut short" },
		{ "\n", "no JSON" },
		{ "PK\x03\x04\n", "no JSON" },
		{ "[]\n", "no JSON" },
		{ "{\"format\":\"something\"}\n{}\n", "no manifest" },
		{ "{\"format\":\"station-batch/2\"}\n{}\n", "station-batch/2, which this version" },
		{ "{\"format\":\"station-batch/1\"}\n{}\n", "members" },
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		write_whole(pair->file, bytes_str(files[i].text));
		refused(&pair->b, pair->file, BATCH | RECEIPT, files[i].what);
	}
	refused(&pair->b, pair->b.world->dir, BATCH, "is no file");
	refused(&pair->b, "/nowhere/at/all", BATCH, "No such file");
}

static void test_batches_of_strangers_and_of_oneself_are_refused(void **state)
{
	struct pair *pair = *state;

	queue_at(&pair->a, "line-a", 1);
	(void)export(&pair->a, pair->file);
	refused(&pair->a, pair->file, BATCH, "this very station");
	refused(&pair->b, pair->file, RECEIPT, "no receipt");
	(void)unlink(pair->file);
	pair->a.carrier.station = "line-c";
	queue_at(&pair->a, "line-c", 2);
	(void)export(&pair->a, pair->file);
	refused(&pair->b, pair->file, BATCH, "not trusted");
	/* The name of one that is trusted, the key of another. */
	(void)unlink(pair->file);
	pair->a.carrier.station = "line-b";
	queue_at(&pair->a, "line-b", 3);
	(void)export(&pair->a, pair->file);
	refused(&pair->b, pair->file, BATCH, "another key");
}

/* A trusted station that writes nonsense: its signature is right. */
static void sealed(struct side *side, const char *path, const char *line)
{
	CLEANUP(carry_out_close) struct carry_out out = { .n = 0 };
	struct carry_manifest manifest = { .kind = ENROLL_CARRIED_BATCH,
					   .batch = "00000000-0000-4000-8000-000000000000",
					   .created = "2026-11-22T10:27:00Z" };
	struct err err = { 0 };

	(void)unlink(path);
	str_clip(manifest.station, sizeof(manifest.station), side->carrier.station);
	assert_int_equal(carry_out_open(path, &out, &err), 0);
	assert_int_equal(carry_out_line(&out, bytes_str(line), &err), 0);
	assert_int_equal(carry_out_seal(&out, &side->carrier, &manifest, &err), 0);
	assert_int_equal(carry_out_publish(&out, &err), 0);
}

static void test_signed_nonsense_is_refused_with_its_line(void **state)
{
	struct pair *pair = *state;
	static const char *const lines[] = {
		"{}\n",
		"{\"job\":\"line-a/1\",\"registrationId\":\"u\",\"payload\":{}}\n",
		"{\"job\":\"line-b/1\",\"registrationId\":\"u\",\"payload\":{\"registrationId\":\"u\","
		"\"attestation\":{\"type\":\"tpm\"}}}\n",
		"{\"job\":\"line-a/1\",\"registrationId\":\"u v\",\"payload\":{\"registrationId\":\"u v\","
		"\"attestation\":{\"type\":\"tpm\"}}}\n",
		"{\"job\":\"line-a/1\",\"registrationId\":\"u\",\"payload\":{\"registrationId\":\"w\","
		"\"attestation\":{\"type\":\"tpm\"}}}\n",
		"{\"job\":\"line-a/1\",\"registrationId\":\"u\",\"payload\":{\"registrationId\":\"u\","
		"\"attestation\":{\"type\":\"symmetricKey\"}}}\n",
		"{\"job\": \"line-a/1\",\"registrationId\":\"u\",\"payload\":{\"registrationId\":\"u\","
		"\"attestation\":{\"type\":\"tpm\"}}}\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		sealed(&pair->a, pair->file, lines[i]);
		refused(&pair->b, pair->file, BATCH, "line 2");
	}
}

static void test_same_job_with_another_content_is_refused(void **state)
{
	struct pair *pair = *state;

	queue_at(&pair->a, "line-a", 1);
	(void)export(&pair->a, pair->file);
	(void)import(&pair->b, pair->file);
	sealed(&pair->a, pair->file,
	       "{\"job\":\"line-a/"
	       "1\",\"registrationId\":\"unit-1\",\"payload\":{\"registrationId\":\"unit-1\","
	       "\"attestation\":{\"type\":\"tpm\"}}}\n");
	refused(&pair->b, pair->file, BATCH, "another content");
}

static void test_receipts_for_others_or_of_other_content_are_refused(void **state)
{
	struct pair *pair = *state;
	struct enroll_batch batch;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	queue_at(&pair->a, "line-a", 1);
	batch = export(&pair->a, pair->file);
	(void)import(&pair->b, pair->file);
	settle_as(&pair->b, ITEM_ENROLLED, NULL);
	(void)receipt(pair, batch.id);
	refused(&pair->b, pair->receipt, RECEIPT, "for station line-a");
	assert_int_equal(db_begin(pair->a.world->db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, "UPDATE outbox SET payload = '{}'", DB_NO_VALUES, &err), -1);
	assert_int_equal(db_run(&tx, "UPDATE outbox SET payload = x'7b7d'", DB_NO_VALUES, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	refused(&pair->a, pair->receipt, RECEIPT, "another content of line-a/1");
	assert_int_equal(db_begin(pair->a.world->db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, "DELETE FROM carry_out_row", DB_NO_VALUES, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	refused(&pair->a, pair->receipt, RECEIPT, "was not in the batch");
	assert_int_equal(db_begin(pair->a.world->db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, "DELETE FROM carry_out", DB_NO_VALUES, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	refused(&pair->a, pair->receipt, RECEIPT, "has made no batch");
}

static void test_receipt_after_cancelling_is_taken(void **state)
{
	struct pair *pair = *state;
	struct enroll_batch batch, cancelled;
	struct err err = { 0 };

	queue_at(&pair->a, "line-a", 1);
	batch = export(&pair->a, pair->file);
	(void)import(&pair->b, pair->file);
	assert_int_equal(enroll_cancel_batch(&pair->a.carrier, batch.id, &cancelled, &err), 0);
	settle_as(&pair->b, ITEM_ENROLLED, NULL);
	(void)receipt(pair, batch.id);
	(void)import(&pair->a, pair->receipt);
	assert_int_equal(counts(pair->a.world).enrolled, 1);
	assert_int_equal(sendable(&pair->a), 0);
}

static void test_import_that_was_broken_off_is_finished_by_the_next(void **state)
{
	struct pair *pair = *state;
	struct enroll_batch batch, again;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct err err = { 0 };

	for (int n = 1; n <= 3 * CARRY_CHUNK; n++)
		queue_at(&pair->a, "line-a", n);
	batch = export(&pair->a, pair->file);
	assert_int_equal(batch.n, 3 * CARRY_CHUNK);
	assert_int_equal(counts(pair->a.world).carried, 3 * CARRY_CHUNK);
	(void)import(&pair->b, pair->file);
	/* As it is after a crash behind the first chunk. */
	assert_int_equal(db_begin(pair->b.world->db, &tx, &err), 0);
	assert_int_equal(db_run(&tx, "UPDATE carry_in SET whole = 0", DB_NO_VALUES, &err), 0);
	assert_int_equal(db_run(&tx, "DELETE FROM carry_in_row WHERE line > 130", DB_NO_VALUES, &err), 0);
	assert_int_equal(db_run(&tx, "DELETE FROM outbox WHERE id > 130", DB_NO_VALUES, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
	assert_int_equal(enroll_write_receipt(&pair->b.carrier, batch.id, pair->receipt, &again, &err), -1);
	assert_non_null(strstr(err.what, "import it once more"));
	again = import(&pair->b, pair->file);
	assert_false(again.again);
	assert_int_equal(again.waiting, 3 * CARRY_CHUNK);
	assert_int_equal(counts(pair->b.world).queued, 3 * CARRY_CHUNK);
	assert_int_equal(pair->b.notes, 1);
}

static void test_csv_leaves_out_what_a_spreadsheet_would_run(void **state)
{
	struct pair *pair = *state;
	uint8_t ek[TEST_EK_LEN];
	struct enroll_record record = { .job = "line-a/1",
					.registration_id = "-1",
					.endorsement_key = test_ek(1, ek) };
	CLEANUP(buf_deinit) struct buf file = { NULL, 0, 0, 0 };
	struct err err = { 0 };
	int64_t n = 0;

	assert_int_equal(enqueue(pair->a.world->db, &record, &err), 0);
	record.job = "line-a/2";
	record.registration_id = "unit-2";
	record.device_id = "=1,\"2";
	assert_int_equal(enqueue(pair->a.world->db, &record, &err), -1);
	record.device_id = "=1,2";
	assert_int_equal(enqueue(pair->a.world->db, &record, &err), 0);
	assert_int_equal(enroll_export_format(&pair->a.carrier, ENROLL_FORMAT_CSV, pair->file, &n, &err), -1);
	assert_non_null(strstr(err.what, "nothing waits that has this form"));
	assert_int_equal(pair->a.left_out, 2);
	queue_at(&pair->a, "line-a", 3);
	queue_symmetric_at(&pair->a, "line-a", 4);
	assert_int_equal(enroll_export_format(&pair->a.carrier, ENROLL_FORMAT_CSV, pair->file, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(pair->a.left_out, 5);
	assert_string_equal(pair->a.last_left_out, "meter-4");
	read_whole(pair->file, &file);
	assert_true(bytes_equal(bytes_of(file.p + file.len - 2, 2), BYTES_LIT("\r\n")));
	assert_int_equal(sendable(&pair->a), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exported_rows_wait_and_are_not_sent_from_here),
		TEST(test_export_of_nothing_or_over_a_file_is_refused),
		TEST(test_cancel_sends_from_here_again),
		TEST(test_there_and_back_settles_and_twice_changes_nothing),
		TEST(test_refused_records_come_back_with_reason_and_difference),
		TEST(test_record_that_the_carriers_people_give_up_comes_back_as_refused),
		TEST(test_record_that_was_given_up_is_not_queued_by_another_batch),
		TEST(test_symmetric_records_are_taken_with_their_master_key_only),
		TEST(test_symmetric_record_with_the_same_master_key_is_sent_there),
		TEST(test_every_changed_byte_is_refused),
		TEST(test_every_shorter_and_longer_file_is_refused),
		TEST(test_foreign_files_are_refused_by_what_they_are),
		TEST(test_batches_of_strangers_and_of_oneself_are_refused),
		TEST(test_signed_nonsense_is_refused_with_its_line),
		TEST(test_same_job_with_another_content_is_refused),
		TEST(test_receipts_for_others_or_of_other_content_are_refused),
		TEST(test_receipt_after_cancelling_is_taken),
		TEST(test_csv_leaves_out_what_a_spreadsheet_would_run),
		TEST(test_import_that_was_broken_off_is_finished_by_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
