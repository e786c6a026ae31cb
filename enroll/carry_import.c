/*
 * A batch arrives. All of it is verified before the first row; then its records go into the
 * outbox in small transactions, each with the note of what it was in the batch, so that a crash
 * is made good by importing once more. From there the sender treats them as any other.
 */
#include "enroll/carry.h"

#define NO_MASTER_KEY                                                                                        \
	"symmetric, and its key is not derived with the master key that this station has for its profiles"

struct import {
	const struct enroll_carrier *carrier;
	const struct carry_manifest *manifest;
	int64_t batch; /* its row in carry_in */
};

static int check_records(const struct carry_file *file, struct err *err)
{
	CARRY_ROW_AUTO(row);
	struct bytes rest = file->lines, line;

	for (int64_t n = 2; rest.len > 0; n++) {
		if (carry_take_line(&rest, n, &line, err) < 0)
			return -1;
		if (carry_record_parse(line, file->manifest.station, &row.record, err) < 0)
			return err_wrap(err, "line %lld", (long long)n);
	}
	return 0;
}

/* What is known of the batch; *ret_batch stays as it is if it is new. */
static int find_batch(struct db_tx *tx, const struct carry_manifest *manifest, int64_t *ret_batch,
		      bool *ret_whole, struct err *err)
{
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool row = false;

	if (db_query(tx, &q, "SELECT id, whole, sha256, station FROM carry_in WHERE batch = ?1",
		     DB_VALUES(db_text(manifest->batch)), err) < 0 ||
	    db_next(&q, &row, err) < 0)
		return -1;
	if (!row)
		return 0;
	if (!bytes_equal(db_column_blob(&q, 2), BYTES_ARRAY(manifest->sha256)) ||
	    strcmp(db_column_text(&q, 3), manifest->station) != 0)
		return err_set(err, ERR_OPERATOR, 0, "another batch with the ID %s was imported before",
			       manifest->batch);
	*ret_batch = db_column_int(&q, 0);
	*ret_whole = db_column_int(&q, 1) != 0;
	return 0;
}

/* The log's entry comes first, with the row that says that this batch is being taken. */
static int begin_import(struct import *import, bool *ret_whole, struct err *err)
{
	const struct enroll_carrier *carrier = import->carrier;
	const struct carry_manifest *manifest = import->manifest;
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct enroll_batch batch = { .made_ms = carrier->now_ms, .n = manifest->count };

	str_clip(batch.id, sizeof(batch.id), manifest->batch);
	str_clip(batch.station, sizeof(batch.station), manifest->station);
	if (db_begin(carrier->db, &tx, err) < 0 ||
	    find_batch(&tx, manifest, &import->batch, ret_whole, err) < 0)
		return -1;
	if (import->batch != 0)
		return 0;
	if (db_run(&tx, "INSERT INTO carry_in(batch, station, sha256, n, made_ms) VALUES(?1, ?2, ?3, ?4, ?5)",
		   DB_VALUES(db_text(manifest->batch), db_text(manifest->station),
			     db_blob(BYTES_ARRAY(manifest->sha256)), db_int(manifest->count),
			     db_int(carrier->now_ms)),
		   err) < 0)
		return -1;
	import->batch = db_last_id(&tx);
	if (carrier->note(carrier->arg, &tx, "batch-imported", &batch, err) < 0)
		return -1;
	return db_commit(&tx, err);
}

/* A symmetric record travels without its key; who sends it derives it once more. */
static int can_send(const struct enroll_carrier *carrier, const struct carry_record *record, bool *ret,
		    struct err *err)
{
	uint8_t key[SHA256_LEN], digest[SHA256_LEN];

	*ret = !record->has_key;
	if (!record->has_key || carrier->device_keys == NULL)
		return 0;
	if (carrier->device_keys->mac(carrier->device_keys->key, bytes_str(record->registration_id), key,
				      err) < 0)
		return err_wrap(err, "deriving the key of %s", record->registration_id);
	sha256(BYTES_ARRAY(key), digest);
	explicit_bzero(key, sizeof(key));
	*ret = bytes_equal(BYTES_ARRAY(digest), BYTES_ARRAY(record->key_sha256));
	return 0;
}

static int queue_record(struct import *import, struct db_tx *tx, const struct carry_record *record,
			int64_t *ret_row, struct err *err)
{
	const struct outbox_new new = {
		.job = record->job,
		.registration_id = record->registration_id,
		.payload = buf_bytes(&record->payload),
		.key_sha256 = record->has_key ? BYTES_ARRAY(record->key_sha256) : BYTES_NONE,
	};
	bool sendable = false, same = false;

	if (can_send(import->carrier, record, &sendable, err) < 0)
		return -1;
	if (!sendable) {
		if (import->carrier->left_out != NULL)
			import->carrier->left_out(import->carrier->arg, record->registration_id,
						  NO_MASTER_KEY);
		return 0;
	}
	if (outbox_insert(tx, import->carrier->now_ms, &new, ret_row, &same, err) < 0)
		return -1;
	if (!same)
		return err_set(err, ERR_OPERATOR, 0,
			       "job %s is here with another content: do two stations have the same id?",
			       record->job);
	return 0;
}

static int take_record(struct import *import, struct db_tx *tx, int64_t line_no,
		       const struct carry_record *record, struct err *err)
{
	struct bytes key = record->has_key ? BYTES_ARRAY(record->key_sha256) : BYTES_NONE;
	uint8_t content[SHA256_LEN];
	int64_t row = 0;

	if (queue_record(import, tx, record, &row, err) < 0)
		return -1;
	carry_content(buf_bytes(&record->payload), key, content);
	return db_run(tx,
		      "INSERT INTO carry_in_row(batch, line, job, content, row) VALUES(?1, ?2, ?3, ?4, ?5)"
		      " ON CONFLICT(batch, line) DO UPDATE SET row = excluded.row",
		      DB_VALUES(db_int(import->batch), db_int(line_no), db_text(record->job),
				db_blob(BYTES_ARRAY(content)), row != 0 ? db_int(row) : db_text(NULL)),
		      err);
}

static int take_chunk(struct import *import, struct bytes *rest, int64_t *line_no, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	CARRY_ROW_AUTO(row);
	struct bytes line;

	if (db_begin(import->carrier->db, &tx, err) < 0)
		return -1;
	for (int i = 0; i < CARRY_CHUNK && rest->len > 0; i++, (*line_no)++) {
		if (carry_take_line(rest, *line_no, &line, err) < 0)
			return -1;
		if (carry_record_parse(line, import->manifest->station, &row.record, err) < 0 ||
		    take_record(import, &tx, *line_no, &row.record, err) < 0)
			return err_wrap(err, "line %lld", (long long)*line_no);
	}
	return db_commit(&tx, err);
}

static int finish_import(struct import *import, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(import->carrier->db, &tx, err) < 0 ||
	    db_run(&tx, "UPDATE carry_in SET whole = 1 WHERE id = ?1", DB_VALUES(db_int(import->batch)),
		   err) < 0)
		return -1;
	return db_commit(&tx, err);
}

int carry_import_batch(const struct enroll_carrier *carrier, const struct carry_file *file,
		       struct enroll_batch *ret, struct err *err)
{
	struct import import = { carrier, &file->manifest, 0 };
	struct bytes rest = file->lines;
	int64_t line_no = 2;
	bool whole = false;

	if (strcmp(file->manifest.station, carrier->station) == 0)
		return err_set(err, ERR_OPERATOR, 0, "it is a batch of this very station, %s",
			       carrier->station);
	if (check_records(file, err) < 0 || begin_import(&import, &whole, err) < 0)
		return -1;
	while (!whole && rest.len > 0)
		if (take_chunk(&import, &rest, &line_no, err) < 0)
			return -1;
	if (!whole && finish_import(&import, err) < 0)
		return -1;
	if (carry_batch_find(carrier->db, file->manifest.batch, ret, err) < 0)
		return -1;
	ret->again = whole;
	return 0;
}

int enroll_import(const struct enroll_carrier *carrier, const char *path, unsigned kinds,
		  enum enroll_carried *ret_kind, struct enroll_batch *ret_batch, struct err *err)
{
	CLEANUP(carry_map_deinit) struct carry_map map = { NULL, 0 };
	struct carry_file file;

	if (carry_map_file(path, carrier->scratch, &map, err) < 0)
		return -1;
	if (carry_parse(carry_map_bytes(&map), &file, err) < 0)
		return err_wrap(err, "%s", path);
	if ((kinds & 1U << file.manifest.kind) == 0)
		return err_set(err, ERR_OPERATOR, 0, "%s is a %s", path,
			       file.manifest.kind == ENROLL_CARRIED_BATCH ? "batch, no receipt"
									  : "receipt, no batch");
	if (carry_verify(&file, carrier, err) < 0 ||
	    (file.manifest.kind == ENROLL_CARRIED_BATCH
		     ? carry_import_batch(carrier, &file, ret_batch, err)
		     : carry_import_receipt(carrier, &file, ret_batch, err)) < 0)
		return err_wrap(err, "%s", path);
	*ret_kind = file.manifest.kind;
	return 0;
}
