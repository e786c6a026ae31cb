/*
 * The recall query. What is asked for picks the index: a certificate's number its table, a key its index, an operator
 * or a time theirs; only a thumbprint, which is not stored, and an issuer are looked for in the certificates.
 */
#include "station/recall.h"

#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "station/journal_internal.h"

/* ?1 number, ?2 key, ?3 operator, ?4 profile, ?5 slot, ?6 since, ?7 until */
#define TIME_OF "coalesce(finished_ms, started_ms)"
#define REST                                                                                                 \
	" AND (?3 IS NULL OR operator = ?3) AND (?4 IS NULL OR profile = ?4) AND (?5 IS NULL OR slot = ?5)"  \
	" AND " TIME_OF " >= ?6 AND " TIME_OF " < ?7 AND (?1 IS NULL OR cert_serial = ?1)"                   \
	" AND (?2 IS NULL OR key_sha256 = ?2) ORDER BY id"

static const char by_number[] =
	JOURNAL_UNIT_SQL " WHERE id IN (SELECT job FROM cert_serial WHERE serial = ?1)" REST;
static const char by_key[] =
	JOURNAL_UNIT_SQL " WHERE id IN (SELECT id FROM job WHERE key_sha256 = ?2 AND state <> 'released'"
			 " UNION ALL SELECT id FROM job WHERE key_sha256 = ?2 AND state = 'released')" REST;
static const char by_operator[] = JOURNAL_UNIT_SQL
	" WHERE id IN (SELECT id FROM job WHERE operator = ?3 AND operator IS NOT NULL)" REST;
static const char by_time[] = JOURNAL_UNIT_SQL " WHERE id IN (SELECT id FROM job WHERE " TIME_OF
					       " >= ?6 AND " TIME_OF " < ?7)" REST;

struct filter {
	const struct recall *recall;
	uint8_t number[PKI_SERIAL_LEN], key[SHA256_LEN], thumbprint[SHA256_LEN];
	bool has_number, has_key, has_thumbprint;
	journal_visit_fn *visit;
	void *arg;
	int64_t n;
};

/* Hexadecimal of exactly this many bytes, with colons or without. */
static bool read_hex(const char *text, uint8_t *out, size_t want)
{
	char plain[HEX_LEN(SHA256_LEN) + 1];
	size_t n = 0, got = 0;

	for (; *text != '\0'; text++) {
		if (*text == ':')
			continue;
		if (n == sizeof(plain) - 1)
			return false;
		plain[n++] = *text;
	}
	plain[n] = '\0';
	return n == HEX_LEN(want) && hex_decode(plain, out, want, &got) == 0 && got == want;
}

static int read_filter(const struct recall *recall, struct filter *ret, struct err *err)
{
	if (recall->certificate != NULL) {
		ret->has_thumbprint = read_hex(recall->certificate, ret->thumbprint, SHA256_LEN);
		ret->has_number = read_hex(recall->certificate, ret->number, PKI_SERIAL_LEN);
		if (!ret->has_thumbprint && !ret->has_number)
			return err_set(err, ERR_OPERATOR, 0,
				       "--certificate is a SHA-256 thumbprint (64 hexadecimal digits) or a "
				       "serial number (%d)",
				       2 * PKI_SERIAL_LEN);
	}
	ret->has_key = recall->key != NULL;
	if (ret->has_key && !read_hex(recall->key, ret->key, SHA256_LEN))
		return err_set(err, ERR_OPERATOR, 0, "--key is a SHA-256: 64 hexadecimal digits");
	return 0;
}

static int visit_one(void *arg, const struct journal_unit *unit, struct err *err)
{
	struct filter *filter = arg;
	uint8_t thumbprint[SHA256_LEN];
	struct pki_cert_info info;

	if ((filter->has_thumbprint || filter->recall->issuer != NULL) && unit->leaf.len == 0)
		return 0;
	if (filter->has_thumbprint) {
		sha256(unit->leaf, thumbprint);
		if (!bytes_equal(BYTES_ARRAY(thumbprint), BYTES_ARRAY(filter->thumbprint)))
			return 0;
	}
	if (filter->recall->issuer != NULL) {
		if (pki_cert_info(unit->leaf, &info, err) < 0)
			return err_wrap(err, "certificate of unit %s", unit->serial);
		if (strcmp(filter->recall->issuer, info.issuer_cn) != 0)
			return 0;
	}
	filter->n++;
	return filter->visit(filter->arg, unit, err);
}

static const char *query_for(const struct filter *filter)
{
	if (filter->has_number)
		return by_number;
	if (filter->has_key)
		return by_key;
	if (filter->recall->operator_id != NULL)
		return by_operator;
	return by_time;
}

int recall_each(struct db *db, const struct recall *recall, journal_visit_fn *visit, void *arg,
		int64_t *ret_n, struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	struct filter filter = { .recall = recall, .visit = visit, .arg = arg };
	int64_t rows = 0;

	if (read_filter(recall, &filter, err) < 0)
		return -1;
	db_read_begin(db, &tx);
	if (db_query(&tx, &q, query_for(&filter),
		     DB_VALUES(db_blob(filter.has_number ? BYTES_ARRAY(filter.number) : BYTES_NONE),
			       db_blob(filter.has_key ? BYTES_ARRAY(filter.key) : BYTES_NONE),
			       db_text(recall->operator_id), db_text(recall->profile), db_text(recall->slot),
			       db_int(recall->since_ms),
			       db_int(recall->until_ms != 0 ? recall->until_ms : INT64_MAX)),
		     err) < 0 ||
	    journal_visit_rows(&q, visit_one, &filter, &rows, err) < 0)
		return -1;
	*ret_n = filter.n;
	return 0;
}

int recall_time(const char *text, int64_t *ret_ms, struct err *err)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ" };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end == NULL || *end != '\0')
			continue;
		*ret_ms = (int64_t)timegm(&tm) * 1000;
		return 0;
	}
	return err_set(err, ERR_OPERATOR, 0, "a time is like 2026-11-22 or 2026-11-22T08:00:00Z, not: %.60s",
		       text);
}
