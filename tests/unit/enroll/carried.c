/* Two stations side by side, and what their records come to. The stations' keys are HMACs under their letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/unit/enroll/carried.h"

#define FILE_MAX (1024 * 1024)

static int sign(void *key, enum sign_alg alg, struct bytes message, struct buf *ret_sig, struct err *err)
{
	uint8_t mac[SHA256_LEN];

	(void)alg;
	(void)err;
	hmac_sha256(bytes_of(key, 1), message, mac);
	return buf_set(ret_sig, BYTES_ARRAY(mac));
}

/* line-a's key is 'a', line-b's is 'b'. */
static int check(void *arg, const char *station, const uint8_t key_sha256[SHA256_LEN], struct bytes message,
		 struct bytes sig, struct err *err)
{
	uint8_t digest[SHA256_LEN], mac[SHA256_LEN], key;

	(void)arg;
	if (strcmp(station, "line-a") != 0 && strcmp(station, "line-b") != 0)
		return err_set(err, ERR_OPERATOR, 0, "%s is not trusted", station);
	key = (uint8_t)station[5];
	sha256(bytes_of(&key, 1), digest);
	if (!bytes_equal(BYTES_ARRAY(digest), bytes_of(key_sha256, SHA256_LEN)))
		return err_set(err, ERR_OPERATOR, 0, "another key");
	hmac_sha256(bytes_of(&key, 1), message, mac);
	if (!bytes_equal(BYTES_ARRAY(mac), sig))
		return err_set(err, ERR_OPERATOR, 0, "it was changed");
	return 0;
}

static int note(void *arg, struct db_tx *tx, const char *kind, const struct enroll_batch *batch,
		struct err *err)
{
	struct side *side = arg;

	(void)tx;
	(void)err;
	assert_int_equal(strlen(batch->id), ENROLL_BATCH_ID_LEN);
	str_clip(side->last_note, sizeof(side->last_note), kind);
	side->notes++;
	return 0;
}

static void left_out(void *arg, const char *registration_id, const char *why)
{
	struct side *side = arg;

	assert_true(why[0] != '\0');
	str_clip(side->last_left_out, sizeof(side->last_left_out), registration_id);
	side->left_out++;
}

static void side_init(struct side *side, const char *station)
{
	void *world = NULL;

	assert_int_equal(world_setup(&world), 0);
	side->world = world;
	side->key = (uint8_t)station[5];
	side->signer = (struct signer){ sign, &side->key, SIGN_ECDSA_SHA256 };
	side->carrier = (struct enroll_carrier){
		.db = side->world->db,
		.station = station,
		.now_ms = WORLD_NOW_MS,
		.scratch = side->world->dir,
		.signer = &side->signer,
		.check = check,
		.note = note,
		.left_out = left_out,
		.arg = side,
	};
	sha256(bytes_of(&side->key, 1), side->carrier.key_sha256);
}

int pair_setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	side_init(&pair->a, "line-a");
	side_init(&pair->b, "line-b");
	assert_int_equal(str_format(pair->file, sizeof(pair->file), "%s/batch", pair->a.world->dir), 0);
	assert_int_equal(str_format(pair->receipt, sizeof(pair->receipt), "%s/receipt", pair->b.world->dir),
			 0);
	*state = pair;
	return 0;
}

int pair_teardown(void **state)
{
	struct pair *pair = *state;
	void *a = pair->a.world, *b = pair->b.world;

	(void)unlink(pair->file);
	(void)unlink(pair->receipt);
	(void)world_teardown(&a);
	(void)world_teardown(&b);
	free(pair);
	return 0;
}

void queue_at(struct side *side, const char *station, int n)
{
	char job[64], id[32];
	uint8_t ek[TEST_EK_LEN];
	struct enroll_record record = { .job = job,
					.registration_id = id,
					.endorsement_key = test_ek((uint8_t)n, ek) };
	struct err err = { 0 };

	assert_int_equal(str_format(job, sizeof(job), "%s/%d", station, n), 0);
	assert_int_equal(str_format(id, sizeof(id), "unit-%d", n), 0);
	assert_int_equal(enqueue(side->world->db, &record, &err), 0);
}

void queue_symmetric_at(struct side *side, const char *station, int n)
{
	char job[64], id[32];
	SECRET_AUTO key = { NULL, 0 };
	struct enroll_record record = { .job = job, .registration_id = id, .symmetric_key = &key };
	struct err err = { 0 };

	assert_int_equal(str_format(job, sizeof(job), "%s/%d", station, n), 0);
	assert_int_equal(str_format(id, sizeof(id), "meter-%d", n), 0);
	assert_int_equal(secret_new(SHA256_LEN, &key, &err), 0);
	assert_int_equal(world_macer.mac(world_macer.key, bytes_str(id), key.p, &err), 0);
	assert_int_equal(enqueue(side->world->db, &record, &err), 0);
}

void read_whole(const char *path, struct buf *ret)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "re");
	uint8_t *to;

	buf_init(ret, FILE_MAX);
	assert_non_null(file);
	to = buf_reserve(ret, FILE_MAX);
	assert_non_null(to);
	ret->len = fread(to, 1, FILE_MAX, file);
}

void write_whole(const char *path, struct bytes content)
{
	struct err err = { 0 };

	assert_int_equal(file_replace(path, content, 0600, &err), 0);
}

static struct batch *claim(struct side *side)
{
	struct batch *batch = NULL;
	struct err err = { 0 };

	assert_int_equal(batch_new(&batch, &err), 0);
	assert_int_equal(outbox_claim(side->world->db, WORLD_NOW_MS, batch, &err), 0);
	return batch;
}

size_t sendable(struct side *side)
{
	CLEANUP(batch_freep) struct batch *batch = claim(side);
	struct err err = { 0 };

	/* Open ones are queued again. */
	assert_int_equal(outbox_settle(side->world->db, WORLD_NOW_MS, batch, &err), 0);
	return batch->n;
}

void settle_as(struct side *side, enum item_verdict verdict, const char *reason)
{
	CLEANUP(batch_freep) struct batch *batch = claim(side);
	struct err err = { 0 };

	for (size_t i = 0; i < batch->n; i++) {
		batch->items[i].verdict = verdict;
		if (reason == NULL)
			continue;
		item_set_reason(&batch->items[i], reason);
		difference_add(&batch->items[i].difference, "attestation", "ours\x1b[2J", "th\xc3\xa9irs");
	}
	assert_int_equal(outbox_settle(side->world->db, WORLD_NOW_MS, batch, &err), 0);
}
