/*
 * A station's history for measurements: UNITS copies of the first unit that passed
 * there, each with its result, its row in the outbox and its two entries in the
 * log, made by the very code that appends them on a line. A new one every 17 s, up
 * to now: 5,000 a day.
 *
 *     bench_fill STATION_DIR UNITS
 */
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "base/deadline.h"
#include "station/directory.h"

#define BATCH    5000
#define EVERY_MS 17280

struct fill {
	int64_t units, now_ms;
	char sha[2 * SHA256_LEN + 1];
};

static int64_t made_at(const struct fill *fill, int64_t unit)
{
	return fill->now_ms - (fill->units - unit) * EVERY_MS;
}

/* Rows first to last - 1 of a table, from its first one; the statement sees them as n.i. */
static int copy_rows(struct db_tx *tx, const struct fill *fill, int64_t first, int64_t last, const char *rest,
		     struct err *err)
{
	char sql[1200];

	if (str_format(sql, sizeof(sql),
		       "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1) %s",
		       rest) < 0)
		return err_set(err, ERR_BUG, 0, "a statement does not fit");
	return db_run(tx, sql,
		      DB_VALUES(db_int(first), db_int(last), db_int(fill->units), db_int(fill->now_ms)), err);
}

static int append(struct db_tx *tx, const struct fill *fill, int64_t unit, const char *kind, const char *end,
		  struct err *err)
{
	char key[64], id[24], serial[65];
	const struct audit_field fields[] = {
		{ "job", id },
		{ "slot", "1" },
		{ "unit", serial },
		{ "registration_id", serial },
		{ "attest", "x509" },
		{ "model", "sensor" },
		{ "profile", "sensor" },
		{ "firmware", "1.0.0" },
		{ "cert_sha256", fill->sha },
		{ "key_sha256", fill->sha },
	};
	const struct audit_event event = { kind, key, fields, ARRAY_LEN(fields) };

	if (str_format(key, sizeof(key), "job-%lld/%s", (long long)unit, end) < 0 ||
	    str_format(id, sizeof(id), "%lld", (long long)unit) < 0 ||
	    str_format(serial, sizeof(serial), "sensor-%08lld", (long long)unit) < 0)
		return err_set(err, ERR_BUG, 0, "a text does not fit");
	return audit_append(tx, made_at(fill, unit), &event, err);
}

static int fill_rows(struct db_tx *tx, const struct fill *fill, int64_t first, int64_t last, struct err *err)
{
	if (copy_rows(tx, fill, first, last,
		      "INSERT INTO job(id, serial, hwid, model, registration_id, key_sha256, profile, attest,"
		      " pipeline, version, slot, state, step, intended, attempts, started_ms, finished_ms, "
		      "class,"
		      " cause, csr, cert_serial, leaf, operator)"
		      " SELECT i, printf('sensor-%08d', i), printf('%016x', i), model, printf('sensor-%08d', "
		      "i),"
		      " randomblob(32), profile, attest, pipeline, version, slot, state, step, intended, "
		      "attempts,"
		      " ?4 - (?3 - i) * 17280, ?4 - (?3 - i) * 17280 + 900, class, cause, csr, "
		      "randomblob(20), leaf,"
		      " operator FROM n, job WHERE job.id = 1",
		      err) < 0 ||
	    copy_rows(tx, fill, first, last,
		      "INSERT INTO result(at_ms, slot, operator, step, class, elapsed_ms)"
		      " SELECT ?4 - (?3 - i) * 17280, slot, operator, step, class, elapsed_ms"
		      " FROM n, result WHERE result.id = 1",
		      err) < 0)
		return -1;
	return copy_rows(tx, fill, first, last,
			 "INSERT INTO outbox(job, registration_id, payload, key_sha256, state, changed_ms)"
			 " SELECT 'flow/' || i, printf('sensor-%08d', i), payload, key_sha256, 'enrolled',"
			 " ?4 - (?3 - i) * 17280 FROM n, outbox WHERE outbox.id = 1",
			 err);
}

static int fill_batch(struct db *db, const struct fill *fill, int64_t first, int64_t last, struct err *err)
{
	CLEANUP(db_rollback) struct db_tx tx = { 0 };

	if (db_begin(db, &tx, err) < 0 || fill_rows(&tx, fill, first, last, err) < 0)
		return -1;
	for (int64_t unit = first; unit < last; unit++)
		if (append(&tx, fill, unit, "certificate-issued", "issued", err) < 0 ||
		    append(&tx, fill, unit, "unit-provisioned", "record", err) < 0)
			return -1;
	return db_commit(&tx, err);
}

static int fill_all(struct db *db, const struct fill *fill, struct err *err)
{
	for (int64_t first = 2; first <= fill->units; first += BATCH) {
		const int64_t last = first + BATCH <= fill->units + 1 ? first + BATCH : fill->units + 1;

		if (fill_batch(db, fill, first, last, err) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct fill fill = { .now_ms = clock_wall_ms() };
	struct err err = { 0 };

	if (argc != 3 || (fill.units = strtoll(argv[2], NULL, 10)) < 1) {
		(void)fputs("usage: bench_fill STATION_DIR UNITS\n", stderr);
		return 2;
	}
	memset(fill.sha, 'a', sizeof(fill.sha) - 1);
	if (directory_open_db(argv[1], &db, &err) < 0 || fill_all(db, &fill, &err) < 0) {
		(void)fprintf(stderr, "bench_fill: %s: %s\n", err.where, err.what);
		return 1;
	}
	return 0;
}
