/*
 * What a carried file says. Every line is canonical JSON: read, written again and compared, so
 * that one content has one form and nothing hides in white space or doubled names. A payload
 * comes out with the very bytes that its station's outbox has.
 */
#include "enroll/carry_json.h"

#include <jansson.h>

#include "base/encode.h"

#define MANIFEST_BATCH   "station-batch/1"
#define MANIFEST_RECEIPT "station-receipt/1"
#define SIGNATURE_ALG    "ecdsa-p256-sha256"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

int carry_take_line(struct bytes *in, int64_t line_no, struct bytes *ret, struct err *err)
{
	const uint8_t *end = in->len > 0 ? memchr(in->p, '\n', in->len) : NULL;
	size_t len = end != NULL ? (size_t)(end - in->p) : in->len;

	if (len > CARRY_LINE_MAX)
		return err_set(err, ERR_OPERATOR, 0, "line %lld has more than %d bytes", (long long)line_no,
			       CARRY_LINE_MAX);
	if (end == NULL)
		return err_set(err, ERR_OPERATOR, 0, "line %lld is cut short", (long long)line_no);
	*ret = bytes_of(in->p, len);
	*in = bytes_of(in->p + len + 1, in->len - len - 1);
	return 0;
}

static int read_station(const char *from, char to[ENROLL_STATION_MAX + 1], struct err *err)
{
	if (strspn(from, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(from))
		return err_set(err, ERR_OPERATOR, 0, "its station is none");
	return carry_copy_text(from, to, ENROLL_STATION_MAX + 1, "station", err);
}

static int read_format(const json_t *json, enum enroll_carried *ret, struct err *err)
{
	const char *format = json_string_value(json_object_get(json, "format"));

	if (format != NULL && strcmp(format, MANIFEST_BATCH) == 0)
		*ret = ENROLL_CARRIED_BATCH;
	else if (format != NULL && strcmp(format, MANIFEST_RECEIPT) == 0)
		*ret = ENROLL_CARRIED_RECEIPT;
	else if (format != NULL &&
		 (strncmp(format, "station-batch/", 14) == 0 || strncmp(format, "station-receipt/", 16) == 0))
		return err_set(err, ERR_OPERATOR, 0, "its format is %.40s, which this version can't read",
			       carry_printable(format) ? format : "another");
	else
		return err_set(err, ERR_OPERATOR, 0, "it is no manifest of a batch or a receipt");
	return 0;
}

static int read_manifest(struct bytes line, struct carry_manifest *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	const char *format, *station, *batch, *origin = NULL, *created, *sha;
	json_int_t count = 0;
	int parsed;

	if (carry_json_load(line, &json, err) < 0 || read_format(json, &ret->kind, err) < 0)
		return -1;
	parsed = ret->kind == ENROLL_CARRIED_BATCH
			 ? json_unpack(json, "{s:s, s:s, s:s, s:s, s:I, s:s !}", "format", &format, "station",
				       &station, "batch", &batch, "created", &created, "count", &count,
				       "sha256", &sha)
			 : json_unpack(json, "{s:s, s:s, s:s, s:s, s:s, s:I, s:s !}", "format", &format,
				       "station", &station, "batch", &batch, "origin", &origin, "created",
				       &created, "count", &count, "sha256", &sha);
	if (parsed < 0)
		return err_set(err, ERR_OPERATOR, 0, "its members are not those of %s", MANIFEST_BATCH);
	if (count < 1 || count > ENROLL_CARRY_MAX)
		return err_set(err, ERR_OPERATOR, 0, "a file holds 1 to %d records, not %lld",
			       ENROLL_CARRY_MAX, (long long)count);
	ret->count = count;
	if (read_station(station, ret->station, err) < 0 ||
	    read_station(origin != NULL ? origin : station, ret->origin, err) < 0 ||
	    carry_copy_text(batch, ret->batch, sizeof(ret->batch), "batch", err) < 0 ||
	    carry_copy_text(created, ret->created, sizeof(ret->created), "time", err) < 0 ||
	    carry_read_sha256(sha, ret->sha256, "SHA-256", err) < 0)
		return -1;
	return 0;
}

static int read_signature(struct bytes line, struct carry_file *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	const char *sig, *alg, *key;

	if (carry_json_load(line, &json, err) < 0)
		return -1;
	if (json_unpack(json, "{s:s, s:s, s:s !}", "signature", &sig, "alg", &alg, "keySha256", &key) < 0)
		return err_set(err, ERR_OPERATOR, 0, "it is no signature");
	if (strcmp(alg, SIGNATURE_ALG) != 0)
		return err_set(err, ERR_OPERATOR, 0, "its signature is not %s", SIGNATURE_ALG);
	if (base64_decode(bytes_str(sig), ret->sig, sizeof(ret->sig), &ret->sig_len) < 0)
		return err_set(err, ERR_OPERATOR, 0, "its signature is none");
	return carry_read_sha256(key, ret->key_sha256, "key", err);
}

/* The last line, which ends the file; *ret_before is everything in front of it. */
static int split_last(struct bytes file, struct bytes *ret_before, struct bytes *ret_last, struct err *err)
{
	const uint8_t *end;

	if (file.len < 2 || file.p[file.len - 1] != '\n')
		return err_set(err, ERR_OPERATOR, 0, "the file is cut short: its last line has no end");
	end = memrchr(file.p, '\n', file.len - 1);
	if (end == NULL)
		return err_set(err, ERR_OPERATOR, 0, "the file has one line only");
	*ret_before = bytes_of(file.p, (size_t)(end + 1 - file.p));
	*ret_last = bytes_of(end + 1, file.len - ret_before->len - 1);
	if (ret_last->len > CARRY_LINE_MAX)
		return err_set(err, ERR_OPERATOR, 0, "the last line has more than %d bytes", CARRY_LINE_MAX);
	return 0;
}

static int check_lines(const struct carry_file *file, struct err *err)
{
	struct bytes rest = file->lines, line;
	uint8_t digest[SHA256_LEN];
	int64_t n = 0;

	while (rest.len > 0) {
		if (carry_take_line(&rest, n + 2, &line, err) < 0)
			return -1;
		n++;
	}
	if (n != file->manifest.count)
		return err_set(
			err, ERR_OPERATOR, 0,
			"the manifest speaks of %lld records, and %lld are there: the file is cut short "
			"or was changed",
			(long long)file->manifest.count, (long long)n);
	sha256(file->lines, digest);
	if (!bytes_equal(BYTES_ARRAY(digest), BYTES_ARRAY(file->manifest.sha256)))
		return err_set(err, ERR_OPERATOR, 0,
			       "its records are not those of the manifest (SHA-256): the file was changed");
	return 0;
}

int carry_parse(struct bytes file, struct carry_file *ret, struct err *err)
{
	struct carry_file result = { .lines = BYTES_NONE };
	struct bytes rest, last, line;

	if ((uint64_t)file.len > (uint64_t)CARRY_FILE_MAX)
		return err_set(err, ERR_OPERATOR, 0, "it has more than 1 GiB");
	rest = file;
	if (carry_take_line(&rest, 1, &line, err) < 0)
		return -1;
	if (read_manifest(line, &result.manifest, err) < 0)
		return err_wrap(err, "line 1");
	if (split_last(file, &result.before_signature, &last, err) < 0)
		return -1;
	if (read_signature(last, &result, err) < 0)
		return err_wrap(err, "last line");
	result.lines = bytes_of(rest.p, result.before_signature.len - line.len - 1);
	if (check_lines(&result, err) < 0)
		return -1;
	*ret = result;
	return 0;
}

int carry_verify(const struct carry_file *file, const struct enroll_carrier *carrier, struct err *err)
{
	return carrier->check(carrier->arg, file->manifest.station, file->key_sha256, file->before_signature,
			      bytes_of(file->sig, file->sig_len), err);
}

void carry_content(struct bytes payload, struct bytes key_sha256, uint8_t ret[SHA256_LEN])
{
	sha256_two(payload, key_sha256, ret);
}

/* The key of a symmetric one is put in before the last two braces, when it is sent (payload_with_key). */
static bool is_symmetric(const json_t *payload, struct bytes text)
{
	static const char end[] = "\"attestation\":{\"type\":\"symmetricKey\"}}";
	const json_t *attestation = json_object_get(payload, "attestation");
	size_t n = sizeof(end) - 1;

	return json_object_size(attestation) == 1 && text.len > n &&
	       bytes_equal(bytes_of(text.p + text.len - n, n), BYTES_LIT(end));
}

static bool has_type(const json_t *payload, const char *type)
{
	const char *has = json_string_value(json_object_get(json_object_get(payload, "attestation"), "type"));

	return has != NULL && strcmp(has, type) == 0;
}

static int check_payload(const json_t *payload, const struct carry_record *record, struct err *err)
{
	const char *id = json_string_value(json_object_get(payload, "registrationId"));

	if (id == NULL || strcmp(id, record->registration_id) != 0)
		return err_set(err, ERR_OPERATOR, 0, "its payload is another's");
	if (record->has_key ? !is_symmetric(payload, buf_bytes(&record->payload))
			    : !has_type(payload, "tpm") && !has_type(payload, "x509"))
		return err_set(err, ERR_OPERATOR, 0, "its payload has no attestation that stations make");
	return 0;
}

/* A station names its jobs by itself, so no other's can be touched by its batch. */
static int check_job(const char *job, const char *station, struct err *err)
{
	size_t n = strlen(station);

	if (strncmp(job, station, n) != 0 || job[n] != '/')
		return err_set(err, ERR_OPERATOR, 0, "its job is not one of station %s", station);
	return 0;
}

int carry_record_parse(struct bytes line, const char *station, struct carry_record *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	const char *job, *id, *key = NULL;
	json_t *payload = NULL;

	if (carry_json_load(line, &json, err) < 0)
		return -1;
	if (json_unpack(json, "{s:s, s:s, s?s, s:o !}", "job", &job, "registrationId", &id, "keySha256", &key,
			"payload", &payload) < 0 ||
	    !json_is_object(payload))
		return err_set(err, ERR_OPERATOR, 0, "it is no record");
	if (carry_copy_text(job, ret->job, sizeof(ret->job), "job", err) < 0 ||
	    check_job(job, station, err) < 0 ||
	    carry_copy_text(id, ret->registration_id, sizeof(ret->registration_id), "registration ID", err) <
		    0)
		return -1;
	if (registration_id_check(id, err) < 0)
		return err_raise(err, ERR_OPERATOR);
	ret->has_key = key != NULL;
	if (key != NULL && carry_read_sha256(key, ret->key_sha256, "key", err) < 0)
		return -1;
	if (carry_json_dump(payload, &ret->payload) < 0)
		return err_set(err, ERR_OPERATOR, 0, "its payload has more than %zu bytes", ret->payload.max);
	return check_payload(payload, ret, err);
}
