/*
 * One device's record after it was enrolled: disabled, enabled, deleted. Each act reads the record, changes
 * what it must, and writes it back only if nobody else did meanwhile (dps-api 1.5).
 */
#include "enroll/enroll_internal.h"

#include <strings.h>

#include <jansson.h>

#include "base/encode.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

#define TRIES 2 /* the record is fetched once more if it changed meanwhile */

static int refused(const struct answer *answer, const char *id, struct err *err)
{
	return err_set(err, ERR_OPERATOR, (long)answer->error.code,
		       "enrollment of %.60s: the service refused (%lld): %.120s", id,
		       (long long)answer->error.code, answer->error.text);
}

static int fetch_mechanism(struct enroll_service *service, const char *id, struct answer *ret,
			   struct err *err)
{
	char path[PATH_CAP];
	const struct http_request post = { "POST", path, BYTES_NONE };

	if (service_path("enrollments", id, "/attestationmechanism", path, err) < 0 ||
	    call_when_allowed(service, &post, NULL, ret, err) < 0)
		return err_wrap(err, "keys of %.60s", id);
	return ret->http.kind == REPLY_DONE ? 0 : refused(ret, id, err);
}

static const char *text_in(const json_t *json, const char *one, const char *two)
{
	return json_string_value(json_object_get(json_object_get(json, one), two));
}

/* What is sent back must be what is there: the device's own certificate, and no second one. */
static int check_certificate(const json_t *attestation, const struct enroll_device *device, struct err *err)
{
	const json_t *slots = json_object_get(json_object_get(attestation, "x509"), "clientCertificates");
	const json_t *primary = json_object_get(slots, "primary"),
		     *second = json_object_get(slots, "secondary");
	const char *theirs = text_in(primary, "info", "sha256Thumbprint");
	char ours[HEX_LEN(SHA256_LEN) + 1];
	uint8_t digest[SHA256_LEN];

	if (device->certificate_pem.len == 0 || certificate_sha256(device->certificate_pem, digest) < 0 ||
	    hex_encode(BYTES_ARRAY(digest), ours, sizeof(ours)) < 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "the service has a certificate for it, this station none");
	if ((theirs == NULL || strcasecmp(ours, theirs) != 0) && device->newer_waits)
		return err_set(err, ERR_OPERATOR, 0,
			       "the service has another certificate for it (SHA-256 %.16s...), and a newer "
			       "record waits here: run station sync first",
			       theirs != NULL ? theirs : "unknown");
	if (theirs == NULL || strcasecmp(ours, theirs) != 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "the service has another certificate for it (SHA-256 %.64s) than this station",
			       theirs != NULL ? theirs : "unknown");
	if (second != NULL && !json_is_null(second))
		return err_set(
			err, ERR_OPERATOR, 0,
			"the service has a second certificate for it, which this station doesn't know");
	return 0;
}

/* What the fetched record says of itself. */
struct look {
	bool is_so; /* it has the status already */
	bool has_keys;
};

static int look_at(struct bytes record, const struct enroll_device *device, const char *status,
		   struct look *ret, struct err *err)
{
	CLEANUP(json_freep)
	json_t *json = json_loadb((const char *)record.p, record.len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *attestation = json_object_get(json, "attestation");
	const char *type = json_string_value(json_object_get(attestation, "type"));
	const char *now = json_string_value(json_object_get(json, "provisioningStatus"));

	if (type == NULL)
		return err_set(err, ERR_RETRY, 0, "the service's answer is no enrollment");
	/* Absent and null mean enabled (dps-api 1.3, 1.4). */
	ret->is_so = strcmp(now != NULL ? now : "enabled", status) == 0;
	ret->has_keys = strcmp(type, "symmetricKey") == 0;
	return strcmp(type, "x509") == 0 && !ret->is_so ? check_certificate(attestation, device, err) : 0;
}

/* *ret_changed: somebody else was faster, and nothing was written. */
static int write_back(struct enroll_service *service, const char *id, const struct http_request *request,
		      const char *etag, struct answer *answer, bool *ret_changed, struct err *err)
{
	if (call_when_allowed(service, request, etag, answer, err) < 0)
		return -1;
	*ret_changed = answer->http.status == 412 || answer->http.kind == REPLY_ABSENT;
	if (answer->http.kind != REPLY_DONE && !*ret_changed)
		return refused(answer, id, err);
	return 0;
}

static int set_once(struct enroll_service *service, const struct enroll_device *device, const char *status,
		    bool *ret_found, bool *ret_changed, struct err *err)
{
	const char *id = device->registration_id;
	BUF_AUTO(record, ENROLL_REPLY_MAX);
	ANSWER_AUTO(answer);
	SECRET_AUTO json = { NULL, 0 };
	struct revise_proof proof = { BYTES_NONE, device->certificate_pem };
	char etag[ETAG_MAX], path[PATH_CAP];
	struct http_request put = { "PUT", path, BYTES_NONE };
	struct look look = { false, false };

	*ret_changed = false;
	if (enroll_get(service, id, &record, ret_found, err) < 0)
		return -1;
	if (!*ret_found)
		return 0;
	if (look_at(buf_bytes(&record), device, status, &look, err) < 0)
		return -1;
	if (look.is_so)
		return 0;
	if (look.has_keys && fetch_mechanism(service, id, &answer, err) < 0)
		return -1;
	proof.mechanism = buf_bytes(&answer.http.body);
	if (revise_status(buf_bytes(&record), &proof, status, &json, etag, err) < 0 ||
	    service_path("enrollments", id, "", path, err) < 0)
		return -1;
	put.body = secret_bytes(&json);
	return write_back(service, id, &put, etag, &answer, ret_changed, err);
}

static int changed_twice(const char *id, struct err *err)
{
	return err_set(
		err, ERR_OPERATOR, 412,
		"somebody else changes the enrollment of %.60s at this very moment; nothing was written", id);
}

int enroll_set_status(struct enroll_service *service, const struct enroll_device *device,
		      enum enroll_status status, bool *ret_found, struct err *err)
{
	const char *text = status == ENROLL_STATUS_ENABLED ? "enabled" : "disabled";
	bool found = false, changed = false;

	for (int i = 0; i < TRIES; i++) {
		if (set_once(service, device, text, &found, &changed, err) < 0)
			return err_wrap(err, "enrollment of %.60s", device->registration_id);
		if (!changed) {
			*ret_found = found;
			return 0;
		}
	}
	return changed_twice(device->registration_id, err);
}

static int delete_once(struct enroll_service *service, const char *id, bool *ret_found, bool *ret_changed,
		       struct err *err)
{
	BUF_AUTO(record, ENROLL_REPLY_MAX);
	ANSWER_AUTO(answer);
	char etag[ETAG_MAX], path[PATH_CAP];
	const struct http_request delete = { "DELETE", path, BYTES_NONE };

	*ret_changed = false;
	if (enroll_get(service, id, &record, ret_found, err) < 0)
		return -1;
	if (!*ret_found)
		return 0;
	if (revise_etag(buf_bytes(&record), etag, err) < 0 ||
	    service_path("enrollments", id, "", path, err) < 0)
		return -1;
	return write_back(service, id, &delete, etag, &answer, ret_changed, err);
}

int enroll_delete(struct enroll_service *service, const char *registration_id, bool *ret_found,
		  struct err *err)
{
	bool found = false, changed = false;

	for (int i = 0; i < TRIES; i++) {
		if (delete_once(service, registration_id, &found, &changed, err) < 0)
			return err_wrap(err, "enrollment of %.60s", registration_id);
		if (!changed) {
			*ret_found = found;
			return 0;
		}
	}
	return changed_twice(registration_id, err);
}

/*
 * With the device's certificate, so that nobody else is asked; without one, with symmetric keys that the service
 * makes and nobody knows.
 */
static int block_payload(const struct enroll_device *device, struct buf *ret_json, struct err *err)
{
	const struct enroll_record record = { .registration_id = device->registration_id,
					      .certificate_pem = device->certificate_pem,
					      .terms.disabled = true };
	uint8_t key[SHA256_LEN];
	char text[ENROLL_ID_MAX + 128];
	bool has_key;

	if (device->certificate_pem.len > 0)
		return payload_build(&record, ret_json, key, &has_key, err);
	if (registration_id_check(device->registration_id, err) < 0)
		return -1;
	if (str_format(text, sizeof(text),
		       "{\"registrationId\":\"%s\",\"provisioningStatus\":\"disabled\","
		       "\"attestation\":{\"type\":\"symmetricKey\"}}",
		       device->registration_id) < 0 ||
	    buf_set(ret_json, bytes_str(text)) < 0)
		return err_set(err, ERR_BUG, 0, "an enrollment does not fit");
	return 0;
}

int enroll_block(struct enroll_service *service, const struct enroll_device *device, struct err *err)
{
	BUF_AUTO(json, ENROLL_PAYLOAD_MAX);
	ANSWER_AUTO(answer);
	char path[PATH_CAP];
	struct http_request put = { "PUT", path, BYTES_NONE };

	if (block_payload(device, &json, err) < 0 ||
	    service_path("enrollments", device->registration_id, "", path, err) < 0)
		return -1;
	put.body = buf_bytes(&json);
	if (call_when_allowed(service, &put, NULL, &answer, err) < 0)
		return err_wrap(err, "enrollment of %.60s", device->registration_id);
	return answer.http.kind == REPLY_DONE ? 0 : refused(&answer, device->registration_id, err);
}
