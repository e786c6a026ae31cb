/*
 * What the crash tests believe in, read from the outside: the database through
 * a read-only handle, so that the station that comes next finds it as the dead
 * one left it, and the unit's flash as files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "station/directory.h"
#include "station/job.h"
#include "tests/crash/world.h"
#include "tests/fakes/unit.h"

#define JOB "(SELECT id FROM job WHERE serial = '" WORLD_SERIAL "')"
#define ENTRIES(kind)                                                                                        \
	"SELECT count(*) FROM audit_entry WHERE json_extract(entry, '$.kind') = '" kind "'"                  \
	" AND json_extract(entry, '$.unit') = '" WORLD_SERIAL "'"

static void must(int rc, const struct err *err)
{
	char text[512];

	if (rc < 0)
		fail_msg("%s: %s", err_class_name(err->class), err_text(err, text, sizeof(text)));
}

static struct db *open_db(const struct world *w)
{
	struct db *db = NULL;
	struct err err = { 0 };

	must(directory_open_db_readonly(w->station, &db, &err), &err);
	return db;
}

static int64_t count(struct db *db, const char *sql, struct bytes value)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	const struct db_value text = { DB_TEXT, 0, value };
	int64_t n = -1;
	bool found = false;
	struct err err = { 0 };

	db_read_begin(db, &tx);
	must(db_get_int(&tx, sql, &text, value.p != NULL ? 1 : 0, &n, &found, &err), &err);
	assert_true(found);
	return n;
}

static void expect(struct db *db, int64_t want, const char *sql)
{
	int64_t n = count(db, sql, BYTES_NONE);

	if (n != want)
		fail_msg("%lld where %lld are right: %s", (long long)n, (long long)want, sql);
}

static bool in_flash(const struct world *w, const char *name)
{
	char path[WORLD_PATH_MAX];

	assert_int_equal(str_format(path, sizeof(path), "%s/%s", w->unit, name), 0);
	return access(path, F_OK) == 0;
}

static bool is_stock(const struct world *w)
{
	return strncmp(w->model, FAKE_STOCK, strlen(FAKE_STOCK)) == 0;
}

static const char *kind(const struct world *w)
{
	return w->model + (is_stock(w) ? strlen(FAKE_STOCK) : 0);
}

static bool makes_leaves(const struct world *w)
{
	return strcmp(kind(w), FAKE_SENSOR) == 0 || strcmp(kind(w), FAKE_CONTROLLER) == 0;
}

static void check_log(struct db *db)
{
	struct audit_verdict verdict = { .bad_index = -1 };
	struct err err = { 0 };

	must(audit_verify(db, &verdict, &err), &err);
	if (verdict.bad_index >= 0)
		fail_msg("audit entry %lld: %s", (long long)verdict.bad_index, verdict.reason);
}

static void read_flash(const struct world *w, const char *name, struct buf *ret)
{
	struct err err = { 0 };

	must(directory_read_file(w->unit, name, ret, &err), &err);
}

/* The leaf that the unit holds is logged, is the journal's, and verifies up to the root. */
static void check_chain(const struct world *w, struct db *db)
{
	BUF_AUTO(pem, PKI_CHAIN_MAX);
	BUF_AUTO(leaf, PKI_CERT_MAX);
	BUF_AUTO(intermediate, PKI_CERT_MAX);
	BUF_AUTO(root, PKI_CERT_MAX);
	struct err err = { 0 };
	char hex[HEX_LEN(SHA256_LEN) + 1];
	struct pki_cert_info info;

	read_flash(w, "chain.pem", &pem);
	must(pki_pem_read(buf_bytes(&pem), 0, &leaf, &err), &err);
	must(pki_pem_read(buf_bytes(&pem), 1, &intermediate, &err), &err);
	must(directory_read_file(w->station, "ca/root.pem", &pem, &err), &err);
	must(pki_pem_read(buf_bytes(&pem), 0, &root, &err), &err);
	must(pki_chain_verify(buf_bytes(&leaf), buf_bytes(&intermediate), buf_bytes(&root),
			      clock_wall_ms() / 1000, &err),
	     &err);
	must(pki_cert_info(buf_bytes(&leaf), &info, &err), &err);
	assert_int_equal(hex_encode(BYTES_ARRAY(info.sha256), hex, sizeof(hex)), 0);
	assert_int_equal(count(db,
			       ENTRIES("certificate-issued") " AND json_extract(entry, '$.cert_sha256') = ?1",
			       bytes_str(hex)),
			 1);
	assert_int_equal(hex_encode(buf_bytes(&leaf), (char *)pem.p, pem.cap), 0);
	assert_int_equal(count(db, "SELECT count(*) FROM job WHERE lower(hex(leaf)) = ?1",
			       bytes_str((const char *)pem.p)),
			 1);
}

/* Nobody proves a stock unit's key but this: its file is the private key of its certificate. */
static void check_stock_key(const struct world *w)
{
	BUF_AUTO(pem, PKI_CHAIN_MAX);
	BUF_AUTO(leaf, PKI_CERT_MAX);
	BUF_AUTO(der, 512);
	uint8_t spki[256], *p = spki, digest[SHA256_LEN];
	const uint8_t *in;
	struct err err = { 0 };
	struct pki_cert_info info;
	EVP_PKEY *key;
	int n;

	read_flash(w, "chain.pem", &pem);
	must(pki_pem_read(buf_bytes(&pem), 0, &leaf, &err), &err);
	must(pki_cert_info(buf_bytes(&leaf), &info, &err), &err);
	read_flash(w, "device.key", &der);
	in = der.p;
	key = d2i_AutoPrivateKey(NULL, &in, (long)der.len);
	assert_non_null(key);
	n = i2d_PUBKEY(key, NULL);
	assert_true(n > 0 && (size_t)n <= sizeof(spki));
	assert_int_equal(i2d_PUBKEY(key, &p), n);
	EVP_PKEY_free(key);
	sha256(bytes_of(spki, (size_t)n), digest);
	assert_memory_equal(digest, info.spki_sha256, SHA256_LEN);
}

/* The index of inject in the pipeline of this model. */
static int64_t inject_index(const struct world *w)
{
	const char *name = strcmp(kind(w), FAKE_GATEWAY) == 0      ? "tpm"
			   : strcmp(kind(w), FAKE_SENSOR) == 0     ? "x509"
			   : strcmp(kind(w), FAKE_CONTROLLER) == 0 ? "x509-station-key"
								   : "symmetric";

	for (size_t p = 0; p < job_pipelines_n; p++)
		for (size_t i = 0; i < job_pipelines[p].steps_n; i++)
			if (strcmp(job_pipelines[p].name, name) == 0 &&
			    strcmp(job_pipelines[p].steps[i].name, "inject") == 0)
				return (int64_t)i;
	fail_msg("no pipeline injects into a %s", w->model);
	return -1;
}

/* A serial number is the certificate's, the job's, and nobody else's. */
static void check_serials(struct db *db)
{
	expect(db, 0, "SELECT count(*) - count(DISTINCT serial) FROM cert_serial");
	expect(db, 0,
	       "SELECT count(*) FROM job WHERE cert_serial IS NOT NULL"
	       " AND cert_serial NOT IN (SELECT serial FROM cert_serial WHERE job = job.id)");
	expect(db, 0,
	       "SELECT count(*) FROM audit_entry"
	       " WHERE json_extract(entry, '$.kind') = 'certificate-issued'"
	       " AND json_extract(entry, '$.cert_serial') NOT IN (SELECT lower(hex(serial)) FROM "
	       "cert_serial)");
}

void check_after_death(const struct world *w)
{
	CLEANUP(db_closep) struct db *db = open_db(w);

	check_log(db);
	check_serials(db);
	/* Stock firmware writes in place: what a dead station leaves may be half a chain. */
	if (in_flash(w, "chain.pem") && !is_stock(w))
		check_chain(w, db);
	if (in_flash(w, "symmetric.key"))
		expect(db, 1, ENTRIES("key-derived"));
	if (in_flash(w, "provisioning.json") || in_flash(w, "symmetric.key") || in_flash(w, "chain.pem"))
		assert_true(count(db, "SELECT intended FROM job WHERE id = " JOB, BYTES_NONE) >=
			    inject_index(w));
	/* PASS, its record and its enrollment are one. */
	expect(db, count(db, ENTRIES("unit-provisioned"), BYTES_NONE),
	       "SELECT count(*) FROM job WHERE state = 'passed'");
	expect(db, 0, ENTRIES("unit-failed"));
}

void check_resumed(const struct world *w)
{
	CLEANUP(db_closep) struct db *db = open_db(w);
	bool individual = strcmp(kind(w), FAKE_SENSOR) == 0 || strcmp(kind(w), FAKE_GATEWAY) == 0;

	check_log(db);
	check_serials(db);
	expect(db, 1, "SELECT count(*) FROM job");
	expect(db, 1, "SELECT count(*) FROM job WHERE state = 'passed' AND cause IS NULL");
	expect(db, makes_leaves(w) ? 1 : 0, "SELECT count(*) FROM job WHERE leaf IS NOT NULL");
	expect(db, makes_leaves(w) ? 1 : 0, ENTRIES("certificate-issued"));
	expect(db, strcmp(kind(w), FAKE_METER) == 0 ? 1 : 0, ENTRIES("key-derived"));
	expect(db, 1, ENTRIES("unit-provisioned"));
	expect(db, individual ? 1 : 0, "SELECT count(*) FROM outbox");
	expect(db, individual ? 1 : 0,
	       "SELECT count(*) FROM outbox JOIN job USING (registration_id)"
	       " WHERE outbox.state = 'queued' AND outbox.job = 'crash/' || job.id");
	assert_true(in_flash(w, "provisioning.json"));
	assert_int_equal(in_flash(w, "chain.pem"), makes_leaves(w));
	assert_int_equal(in_flash(w, "symmetric.key"), strcmp(kind(w), FAKE_METER) == 0);
	if (makes_leaves(w))
		check_chain(w, db);
	if (makes_leaves(w) && is_stock(w))
		check_stock_key(w);
	/* What was kept to recognise the key is gone with the need for it. */
	expect(db, 0, "SELECT count(*) FROM job WHERE key_item_sha256 IS NOT NULL");
	expect(db, 1,
	       is_stock(w)
		       ? ENTRIES("unit-provisioned") " AND json_extract(entry, '$.proof') = 'file-hash'"
		       : ENTRIES("unit-provisioned") " AND json_extract(entry, '$.proof') <> 'file-hash'");
}

void check_passed(const struct world *w)
{
	CLEANUP(db_closep) struct db *db = open_db(w);

	check_resumed(w);
	expect(db, 0, ENTRIES("unit-failed"));
}

/* A file that is written again has another inode, since writes go through rename. */
static int describe_file(const struct world *w, const char *name, struct buf *to)
{
	char path[WORLD_PATH_MAX], text[128];
	struct stat st = { 0 };

	assert_int_equal(str_format(path, sizeof(path), "%s/%s", w->unit, name), 0);
	(void)stat(path, &st);
	return str_format(text, sizeof(text), "%s %lld %lld %lld\n", name, (long long)st.st_ino,
			  (long long)st.st_mtim.tv_sec, (long long)st.st_mtim.tv_nsec) < 0
		       ? -1
		       : buf_append(to, bytes_str(text));
}

void check_digest(const struct world *w, uint8_t ret[32])
{
	static const char *const files[] = { "device.key", "chain.pem", "symmetric.key",
					     "provisioning.json" };
	static const char *const facts[] = {
		"SELECT size FROM audit_head",
		"SELECT count(*) FROM cert_serial",
		"SELECT count(*) FROM outbox",
		"SELECT sum(attempts + intended + finished_ms) FROM job",
	};
	CLEANUP(db_closep) struct db *db = open_db(w);
	BUF_AUTO(all, 4096);

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		assert_int_equal(describe_file(w, files[i], &all), 0);
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		int64_t n = count(db, facts[i], BYTES_NONE);

		assert_int_equal(buf_append(&all, bytes_of(&n, sizeof(n))), 0);
	}
	sha256(buf_bytes(&all), ret);
}
