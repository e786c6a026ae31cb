/* The database, records and keys that the tests of enroll/ start from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/enroll/world.h"

const char certificate_a[] = "-----BEGIN CERTIFICATE-----\n"
			     "MIIBdzCCAR2gAwIBAgIUCtNM4HV66tuEi/t246absEYY+LkwCgYIKoZIzj0EAwIw\n"
			     "ETEPMA0GA1UEAwwGdW5pdC1hMB4XDTI2MTEyMjA0MDM0NFoXDTM2MTExOTA0MDM0\n"
			     "NFowETEPMA0GA1UEAwwGdW5pdC1hMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n"
			     "kj4WsfBTRYLzeQ9TrHQZmuJjTJR3qthcIHFsK0RctS+XjY3N/M0JxWAbvtaXRNB7\n"
			     "jzaytr981Wz+PEdTcxNvy6NTMFEwHQYDVR0OBBYEFG5SEfW8DKK9nLRNNAqf5cZF\n"
			     "jXabMB8GA1UdIwQYMBaAFG5SEfW8DKK9nLRNNAqf5cZFjXabMA8GA1UdEwEB/wQF\n"
			     "MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAPjz2Tvbe8NFJ13WRPLhXpzjMkS4w+i3\n"
			     "SUTIVWKgXTI5AiB8mzfh9vpvT3gX1UIkXHx1yQpMUcHFfTw1CjqvItA9cw==\n"
			     "-----END CERTIFICATE-----\n";
const char thumbprint_a[] = "A8DEF26C91B1359E7D5AE2DEABF59633697012F79A229F1B0EAED6898630692B";
const char certificate_b[] = "-----BEGIN CERTIFICATE-----\n"
			     "MIIBdzCCAR2gAwIBAgIUNa/s/Y4vmYPzXGcxPXqLFG4xY5kwCgYIKoZIzj0EAwIw\n"
			     "ETEPMA0GA1UEAwwGdW5pdC1iMB4XDTI2MTEyMjA0MDM0NFoXDTM2MTExOTA0MDM0\n"
			     "NFowETEPMA0GA1UEAwwGdW5pdC1iMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n"
			     "+GQ1/KNo5uS8nMEwYsWvWmY45ynJDWtOwd64r7drrp0FPWb83sp1rUH1+JTPbQJa\n"
			     "GgYjstiaBTt+bXrDRfs1baNTMFEwHQYDVR0OBBYEFI3w4m47DPo9DkjrnIoVdnrY\n"
			     "4U0WMB8GA1UdIwQYMBaAFI3w4m47DPo9DkjrnIoVdnrY4U0WMA8GA1UdEwEB/wQF\n"
			     "MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgN6XetcMdbtgavaDc/Yh15urUW1TilRcf\n"
			     "8I5MeIcAMkwCIQDmNLvoWMz2AKkr17qrZEfGOKMOg9hx+tREPUC8WUOsRg==\n"
			     "-----END CERTIFICATE-----\n";
const char thumbprint_b[] = "7F603B631FBAD6637131EB63AF00A01180754474342DC8F8B7D664238CF7A7DF";
const char certificate_ca[] = "-----BEGIN CERTIFICATE-----\n"
			      "MIIBhzCCAS2gAwIBAgIUFBkdRsEar35eufTtxsRz8q4U7lEwCgYIKoZIzj0EAwIw\n"
			      "GTEXMBUGA1UEAwwOTGluZSA3IGlzc3VpbmcwHhcNMjYxMTIyMDQwMzQ0WhcNMzYx\n"
			      "MTE5MDQwMzQ0WjAZMRcwFQYDVQQDDA5MaW5lIDcgaXNzdWluZzBZMBMGByqGSM49\n"
			      "AgEGCCqGSM49AwEHA0IABIOSxosSogkpmaWfiziVEbt1eq9IyR73KAavrAUqRk+Y\n"
			      "w5LkwgD7dzGQPtZHe0uL3djQkUlqxQZ+fpjG5FRLQZujUzBRMB0GA1UdDgQWBBRs\n"
			      "UlCaLo8L6w34o62usub6XS1TvzAfBgNVHSMEGDAWgBRsUlCaLo8L6w34o62usub6\n"
			      "XS1TvzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCZGGGc51Cc\n"
			      "p2dapTG3mApcieH+RseG9nMDqZg/hPJwWQIgAgzcosmSpMPuP7yXbQV0oenU3exK\n"
			      "b8WNfNbeLxZot6I=\n"
			      "-----END CERTIFICATE-----\n";
const char thumbprint_ca[] = "2BAFB00ED0FE86B1FF85E149435FDF116B78E531D89E0584EBD120BBF316C26D";

static int mac_counting(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err)
{
	const uint8_t *first = key;
	uint8_t bytes[32];

	(void)err;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(*first + i);
	hmac_sha256(BYTES_ARRAY(bytes), message, ret_mac);
	return 0;
}

static uint8_t first_zero = 0, first_hundred = 100;
const struct macer world_macer = { mac_counting, &first_zero };
const struct macer other_macer = { mac_counting, &first_hundred };

int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	const char *tmp = getenv("TMPDIR");
	struct err err = { 0 };

	assert_non_null(world);
	assert_int_equal(
		str_format(world->dir, sizeof(world->dir), "%s/enroll.XXXXXX", tmp != NULL ? tmp : "/tmp"),
		0);
	assert_non_null(mkdtemp(world->dir));
	assert_int_equal(str_format(world->db_path, sizeof(world->db_path), "%s/test.db", world->dir), 0);
	assert_int_equal(db_open(world->db_path, &world->db, &err), 0);
	assert_int_equal(enroll_init(world->db, &err), 0);
	*state = world;
	return 0;
}

int world_teardown(void **state)
{
	struct world *world = *state;
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[200];

	db_close(world->db);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_format(path, sizeof(path), "%s%s", world->db_path, ends[i]) == 0)
			(void)unlink(path);
	(void)rmdir(world->dir);
	free(world);
	return 0;
}

int enqueue(struct db *db, const struct enroll_record *record, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0 || enroll_enqueue(&tx, WORLD_NOW_MS, record, err) < 0 ||
	    db_commit(&tx, err) < 0)
		return -1;
	return 0;
}

/*
 * TPM2B_PUBLIC of TCG template L-1 (standards.md 3): size, RSA, SHA-256, attributes, policy, AES-128-CFB, no
 * scheme, 2048 bits, default exponent; then the modulus, which is all seed.
 */
struct bytes test_ek(uint8_t seed, uint8_t out[TEST_EK_LEN])
{
	static const uint8_t start[60] = { 0x01, 0x3a, 0x00, 0x01, 0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2,
					   0x00, 0x20, 0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8,
					   0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52,
					   0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b,
					   0x33, 0x14, 0x69, 0xaa, 0x00, 0x06, 0x00, 0x80, 0x00, 0x43,
					   0x00, 0x10, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00 };

	memset(out, seed, TEST_EK_LEN);
	memcpy(out, start, sizeof(start));
	return bytes_of(out, TEST_EK_LEN);
}

void queue_tpm(struct world *world, const char *id, uint8_t seed)
{
	uint8_t ek[TEST_EK_LEN];
	const struct enroll_record record = { .job = id,
					      .registration_id = id,
					      .endorsement_key = test_ek(seed, ek) };
	struct err err = { 0 };

	assert_int_equal(enqueue(world->db, &record, &err), 0);
}

void release(struct world *world, const char *registration_id)
{
	const struct enroll_decision decision = { registration_id, WORLD_NOW_MS, "lea", "cured" };
	CLEANUP(db_rollback) struct db_tx tx = { 0 };
	struct enroll_decided decided;
	struct err err = { 0 };

	assert_int_equal(db_begin(world->db, &tx, &err), 0);
	assert_int_equal(enroll_release(&tx, &decision, &decided, &err), 0);
	assert_int_equal(db_commit(&tx, &err), 0);
}

struct enroll_counts counts(struct world *world)
{
	struct enroll_counts n = { 0 };
	struct err err = { 0 };

	assert_int_equal(enroll_count(world->db, &n, &err), 0);
	return n;
}

struct looking {
	const char *id;
	struct seen_row row;
};

static int look(void *arg, const struct enroll_row *row, struct err *err)
{
	struct looking *looking = arg;

	(void)err;
	if (!same_id(row->registration_id, looking->id))
		return 0;
	looking->row.found = true;
	looking->row.state = row->state;
	looking->row.attempts = row->attempts;
	(void)snprintf(looking->row.reason, sizeof(looking->row.reason), "%s",
		       row->reason != NULL ? row->reason : "");
	return 0;
}

struct seen_row row_of(struct world *world, const char *registration_id)
{
	struct looking looking = { registration_id, { 0 } };
	struct err err = { 0 };

	assert_int_equal(enroll_each(world->db, false, look, &looking, &err), 0);
	assert_true(looking.row.found);
	return looking.row;
}
