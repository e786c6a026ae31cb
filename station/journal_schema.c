/*
 * The journal's tables. A unit has at most one job that is not released; its row claims serial,
 * hardware ID, registration ID and key, so the database itself refuses a second unit
 * with any of them, whatever the threads do. The indexes are partial, so every query
 * says state <> 'released'. Counts are kept by triggers, since `station status` must not
 * walk a million rows.
 */
#include "station/journal.h"

static const char *const migrations[] = {
	"CREATE TABLE job("
	" id INTEGER PRIMARY KEY,"
	" serial TEXT NOT NULL UNIQUE,"
	" hwid TEXT NOT NULL UNIQUE,"
	" model TEXT NOT NULL,"
	" registration_id TEXT UNIQUE COLLATE NOCASE,"
	" key_sha256 BLOB UNIQUE,"
	" profile TEXT NOT NULL,"
	" attest TEXT NOT NULL,"
	" pipeline TEXT NOT NULL,"
	" version INTEGER NOT NULL,"
	" slot TEXT NOT NULL,"
	" state TEXT NOT NULL CHECK(state IN ('open', 'failed', 'passed')),"
	" step TEXT NOT NULL," /* the last step whose intent is durable, or that failed */
	" intended INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" started_ms INTEGER NOT NULL,"
	" finished_ms INTEGER,"
	" class TEXT,"
	" cause TEXT,"
	" csr BLOB,"
	" cert_serial BLOB,"
	" leaf BLOB"
	") STRICT;"
	/* A serial number is taken for ever, even when a crash wasted it. */
	"CREATE TABLE cert_serial("
	" serial BLOB PRIMARY KEY,"
	" job INTEGER NOT NULL REFERENCES job(id)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE job_count(state TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO job_count VALUES('open', 0), ('failed', 0), ('passed', 0);"
	"CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;"
	"CREATE TRIGGER job_count_update AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN"
	" UPDATE job_count SET n = n - 1 WHERE state = old.state;"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;",
	/*
	 * A released job stays and claims nothing but its key: a unit has one job that is not released.
	 * Constraints can't be changed in place; cert_serial moves along, since it refers to job.
	 */
	"CREATE TABLE job_new("
	" id INTEGER PRIMARY KEY,"
	" serial TEXT NOT NULL,"
	" hwid TEXT NOT NULL,"
	" model TEXT NOT NULL,"
	" registration_id TEXT COLLATE NOCASE,"
	" key_sha256 BLOB,"
	" profile TEXT NOT NULL,"
	" attest TEXT NOT NULL,"
	" pipeline TEXT NOT NULL,"
	" version INTEGER NOT NULL,"
	" slot TEXT NOT NULL,"
	" state TEXT NOT NULL CHECK(state IN ('open', 'failed', 'passed', 'released')),"
	" step TEXT NOT NULL,"
	" intended INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" started_ms INTEGER NOT NULL,"
	" finished_ms INTEGER,"
	" class TEXT,"
	" cause TEXT,"
	" csr BLOB,"
	" cert_serial BLOB,"
	" leaf BLOB,"
	" operator TEXT" /* under whom the step was begun; NULL in a station without operators */
	") STRICT;"
	"INSERT INTO job_new SELECT id, serial, hwid, model, registration_id, key_sha256, profile, attest,"
	" pipeline, version, slot, state, step, intended, attempts, started_ms, finished_ms, class, cause,"
	" csr, cert_serial, leaf, NULL FROM job;"
	"CREATE TABLE cert_serial_new("
	" serial BLOB PRIMARY KEY,"
	" job INTEGER NOT NULL REFERENCES job_new(id)"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO cert_serial_new SELECT serial, job FROM cert_serial;"
	"DROP TABLE cert_serial;"
	"DROP TABLE job;"
	"ALTER TABLE job_new RENAME TO job;"
	"ALTER TABLE cert_serial_new RENAME TO cert_serial;"
	"CREATE UNIQUE INDEX job_serial ON job(serial) WHERE state <> 'released';"
	"CREATE UNIQUE INDEX job_hwid ON job(hwid) WHERE state <> 'released';"
	"CREATE UNIQUE INDEX job_registration_id ON job(registration_id) WHERE state <> 'released';"
	"CREATE UNIQUE INDEX job_key ON job(key_sha256) WHERE state <> 'released';"
	"CREATE INDEX job_released_serial ON job(serial) WHERE state = 'released';"
	"CREATE INDEX job_released_key ON job(key_sha256) WHERE state = 'released';"
	"INSERT INTO job_count VALUES('released', 0);"
	"CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;"
	"CREATE TRIGGER job_count_update AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN"
	" UPDATE job_count SET n = n - 1 WHERE state = old.state;"
	" UPDATE job_count SET n = n + 1 WHERE state = new.state; END;",
	/* Of the key as it was put, for a unit that can't prove it; gone when the job has passed. */
	"ALTER TABLE job ADD COLUMN key_item_sha256 BLOB;",
	/* For recalls; the times grow with the rows, so both cost a job next to nothing. */
	("CREATE INDEX job_time ON job(coalesce(finished_ms, started_ms));"
	 "CREATE INDEX job_operator ON job(operator) WHERE operator IS NOT NULL;"),
	/* What a released job has left in the service is found by the ID that it has there. */
	"CREATE INDEX job_released_registration_id ON job(registration_id) WHERE state = 'released';",
};

int journal_init(struct db *db, struct err *err)
{
	const struct db_migrations station = { "station", migrations, ARRAY_LEN(migrations) };

	return db_migrate(db, &station, err);
}
