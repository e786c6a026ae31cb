/*
 * What waits, in forms that other tools read. The payload of the outbox is taken apart again; a
 * record whose attestation has no such form is told, and left out. Nothing in a row changes.
 */
#include "enroll/carry.h"

#include <jansson.h>

#include "base/encode.h"

#define SELECT_FREE                                                                                          \
	"SELECT id, job, registration_id, payload, key_sha256 FROM outbox"                                   \
	" WHERE" CARRY_FREE "AND id > ?1 ORDER BY id LIMIT ?2"
#define BULK_START "{\"mode\":\"create\",\"enrollments\":["
#define CSV_HEAD                                                                                             \
	"registrationId,deviceId,provisioningStatus,attestation,endorsementKey,certificateSha256,"           \
	"certificate\r\n"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

struct format_run {
	const struct enroll_carrier *carrier;
	struct carry_out out;
	struct buf line; /* of dps-json: begun, with bulk_n items */
	size_t bulk_n;
	int64_t n; /* records */
};

static void format_deinit(struct format_run *run)
{
	carry_out_close(&run->out);
	buf_deinit(&run->line);
}

static void leave_out(struct format_run *run, const struct carry_record *record, const char *why)
{
	if (run->carrier->left_out != NULL)
		run->carrier->left_out(run->carrier->arg, record->registration_id, why);
}

static int too_long(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "out of memory for an export");
}

/* The fields of a payload, borrowed from json. */
struct fields {
	const char *id, *device_id, *status, *type, *ek, *pem;
	const json_t *twin;
	bool iot_edge;
};

static const char *member(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static int read_fields(const json_t *json, const struct carry_record *record, struct fields *ret,
		       struct err *err)
{
	const json_t *attestation = json_object_get(json, "attestation");
	const json_t *certificates =
		json_object_get(json_object_get(attestation, "x509"), "clientCertificates");

	*ret = (struct fields){
		.id = record->registration_id,
		.device_id = member(json, "deviceId"),
		.status = member(json, "provisioningStatus"),
		.type = member(attestation, "type"),
		.ek = member(json_object_get(attestation, "tpm"), "endorsementKey"),
		.pem = member(json_object_get(certificates, "primary"), "certificate"),
		.twin = json_object_get(json, "initialTwin"),
		.iot_edge = json_is_true(json_object_get(json_object_get(json, "capabilities"), "iotEdge")),
	};
	if (ret->type == NULL || ret->status == NULL || (ret->ek == NULL) == (ret->pem == NULL))
		return err_set(err, ERR_STATION, 0, "the outbox holds a payload that is no enrollment: %s",
			       record->job);
	return 0;
}

/* Hexadecimal in capitals, as the portal shows it. */
static int thumbprint(const char *pem, char ret[HEX_LEN(SHA256_LEN) + 1], struct err *err)
{
	uint8_t digest[SHA256_LEN];

	if (certificate_sha256(bytes_str(pem), digest) < 0 ||
	    hex_encode(BYTES_ARRAY(digest), ret, HEX_LEN(SHA256_LEN) + 1) < 0)
		return err_set(err, ERR_STATION, 0, "the outbox holds a certificate that is none");
	for (char *p = ret; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 'a' + 'A');
	return 0;
}

/* --- dps-json (dps-api 1.6) ------------------------------------------------------------------------------- */

static int end_bulk(struct format_run *run, struct err *err)
{
	if (run->bulk_n == 0)
		return 0;
	if (buf_append(&run->line, BYTES_LIT("]}\n")) < 0)
		return too_long(err);
	run->bulk_n = 0;
	return carry_out_line(&run->out, buf_bytes(&run->line), err);
}

static int put_dps_json(struct format_run *run, const struct carry_record *record,
			const struct fields *fields, struct err *err)
{
	(void)fields;
	if (run->bulk_n == 0)
		buf_clear(&run->line);
	if (buf_append(&run->line, run->bulk_n == 0 ? BYTES_LIT(BULK_START) : BYTES_LIT(",")) < 0 ||
	    buf_append(&run->line, buf_bytes(&record->payload)) < 0)
		return too_long(err);
	run->n++;
	return ++run->bulk_n == ENROLL_BULK_MAX ? end_bulk(run, err) : 0;
}

/* --- iothub-devices (dps-api 9.1) ------------------------------------------------------------------------- */

static int put_iothub(struct format_run *run, const struct carry_record *record, const struct fields *fields,
		      struct err *err)
{
	char sha[HEX_LEN(SHA256_LEN) + 1];
	CLEANUP(json_freep) json_t *json = NULL;
	size_t need;
	uint8_t *to;

	if (fields->pem == NULL) {
		leave_out(run, record, "an IoT Hub knows no TPM; only the provisioning service does");
		return 0;
	}
	if (thumbprint(fields->pem, sha, err) < 0)
		return -1;
	json = json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s}}, s:O*, s:O*, s:{s:b}}", "id",
			 fields->device_id != NULL ? fields->device_id : fields->id, "importMode", "create",
			 "status", fields->status, "authentication", "type", "selfSigned", "x509Thumbprint",
			 "primaryThumbprint", sha, "tags", json_object_get(fields->twin, "tags"),
			 "properties", json_object_get(fields->twin, "properties"), "capabilities", "iotEdge",
			 (int)fields->iot_edge);
	need = json != NULL ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
	buf_clear(&run->line);
	to = need > 0 ? buf_reserve(&run->line, need + 1) : NULL;
	if (to == NULL)
		return too_long(err);
	run->line.len = json_dumpb(json, (char *)to, need, JSON_COMPACT);
	run->n++;
	return buf_append_u8(&run->line, '\n') < 0 ? too_long(err)
						   : carry_out_line(&run->out, buf_bytes(&run->line), err);
}

/* --- csv (RFC 4180) --------------------------------------------------------------------------------------- */

static int put_cell(struct buf *line, const char *text, const char *end)
{
	if (buf_append_u8(line, '"') < 0)
		return -1;
	for (; text != NULL && *text != '\0'; text++)
		if ((*text == '"' && buf_append_u8(line, '"') < 0) || buf_append_u8(line, (uint8_t)*text) < 0)
			return -1;
	return buf_append_u8(line, '"') < 0 || buf_append(line, bytes_str(end)) < 0 ? -1 : 0;
}

/* What a PEM carries, without its first and last line: in a cell those would look like a formula. */
static int put_certificate(struct buf *line, const char *pem)
{
	const char *p = pem != NULL ? strchr(pem, '\n') : NULL;

	if (buf_append_u8(line, '"') < 0)
		return -1;
	for (; p != NULL && *p != '\0' && *p != '-'; p++)
		if (*p != '\n' && *p != '\r' && buf_append_u8(line, (uint8_t)*p) < 0)
			return -1;
	return buf_append(line, BYTES_LIT("\"\r\n"));
}

/* Spreadsheets run what begins like this, and a changed ID would be another's. */
static bool like_formula(const char *text)
{
	return text != NULL && text[0] != '\0' && strchr("=+-@", text[0]) != NULL;
}

static int put_csv(struct format_run *run, const struct carry_record *record, const struct fields *fields,
		   struct err *err)
{
	char sha[HEX_LEN(SHA256_LEN) + 1] = "";
	struct buf *line = &run->line;

	if (like_formula(fields->id) || like_formula(fields->device_id)) {
		leave_out(run, record, "a spreadsheet would take its ID for a formula");
		return 0;
	}
	if (fields->pem != NULL && thumbprint(fields->pem, sha, err) < 0)
		return -1;
	buf_clear(line);
	if (put_cell(line, fields->id, ",") < 0 || put_cell(line, fields->device_id, ",") < 0 ||
	    put_cell(line, fields->status, ",") < 0 || put_cell(line, fields->type, ",") < 0 ||
	    put_cell(line, fields->ek, ",") < 0 || put_cell(line, sha, ",") < 0 ||
	    put_certificate(line, fields->pem) < 0)
		return too_long(err);
	run->n++;
	return carry_out_line(&run->out, buf_bytes(line), err);
}

/* ---------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *head;
	int (*put)(struct format_run *run, const struct carry_record *record, const struct fields *fields,
		   struct err *err);
} formats[] = {
	[ENROLL_FORMAT_DPS_JSON] = { "", put_dps_json },
	[ENROLL_FORMAT_IOTHUB_DEVICES] = { "", put_iothub },
	[ENROLL_FORMAT_CSV] = { CSV_HEAD, put_csv },
};

static int put_record(struct format_run *run, enum enroll_format format, const struct carry_record *record,
		      struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	struct fields fields;

	if (record->has_key) {
		leave_out(run, record, "symmetric, and its key is not kept; only the station can send it");
		return 0;
	}
	json = json_loadb((const char *)record->payload.p, record->payload.len, JSON_REJECT_DUPLICATES, NULL);
	if (read_fields(json, record, &fields, err) < 0)
		return -1;
	return formats[format].put(run, record, &fields, err);
}

static int put_page(struct format_run *run, enum enroll_format format, struct carry_row *row, bool *ret_more,
		    struct err *err)
{
	CLEANUP(db_read_end) struct db_tx tx = { 0 };
	CLEANUP(db_query_end) struct db_query q = { 0 };
	bool more = false;
	int n = 0;

	db_read_begin(run->carrier->db, &tx);
	if (db_query(&tx, &q, SELECT_FREE, DB_VALUES(db_int(row->id), db_int(CARRY_CHUNK)), err) < 0 ||
	    db_next(&q, &more, err) < 0)
		return -1;
	for (; more; n++)
		if (carry_row_read(&q, row, err) < 0 || put_record(run, format, &row->record, err) < 0 ||
		    db_next(&q, &more, err) < 0)
			return -1;
	*ret_more = n == CARRY_CHUNK;
	return 0;
}

int enroll_export_format(const struct enroll_carrier *carrier, enum enroll_format format, const char *path,
			 int64_t *ret_n, struct err *err)
{
	CLEANUP(format_deinit)
	struct format_run run = { .carrier = carrier, .line.max = ENROLL_BODY_MAX };
	CARRY_ROW_AUTO(row);
	bool more = true;

	if (carry_out_open(path, &run.out, err) < 0)
		return -1;
	while (more)
		if (put_page(&run, format, &row, &more, err) < 0)
			return -1;
	if (end_bulk(&run, err) < 0)
		return -1;
	if (run.n == 0)
		return err_set(err, ERR_OPERATOR, 0, "nothing waits that has this form");
	if (carry_out_plain(&run.out, bytes_str(formats[format].head), err) < 0 ||
	    carry_out_publish(&run.out, err) < 0)
		return -1;
	*ret_n = run.n;
	return 0;
}
