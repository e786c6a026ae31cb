/*
 * CA certificates of the instance. A group refers to one by name, and a device's
 * chain may end at it once it is verified: by proof of possession, or because
 * whoever uploaded it says so. Changing one asks for its ETag.
 */
#include "enroll/emulator/management_internal.h"

#include <openssl/rand.h>

#include "base/encode.h"

#define TYPE "Microsoft.Devices/provisioningServices/Certificates"

static int no_memory(struct err *err)
{
	return err_set(err, ERR_STATION, DPS_INTERNAL, "no memory");
}

static int load(const struct dps_ca_call *call, json_t **ret_record, struct err *err)
{
	const struct dps_record *record =
		dps_store_find(call->management->store, DPS_CERTIFICATES, call->name);

	if (record == NULL)
		return err_set(err, ERR_UNIT, DPS_NO_RESOURCE, "Certificate not found.");
	*ret_record = json_loads(record->text, 0, NULL);
	return *ret_record != NULL ? 0 : no_memory(err);
}

static int match(const struct dps_ca_call *call, const json_t *record, struct err *err)
{
	const char *if_match = dps_request_header(call->req, "If-Match");

	if (if_match == NULL)
		return err_set(err, ERR_UNIT, DPS_PRECONDITION_FAILED, "If-Match is missing.");
	if (!dps_etag_matches(if_match, json_string_value(json_object_get(record, "etag"))))
		return err_set(err, ERR_UNIT, DPS_PRECONDITION_FAILED, "If-Match is not the current ETag.");
	return 0;
}

/* What answers show: the code only where it was just made. */
static int shown(const struct dps_ca_call *call, const json_t *record, const char *code, json_t **ret_doc,
		 struct err *err)
{
	const char *name = json_string_value(json_object_get(record, "name"));
	json_t *properties = json_deep_copy(json_object_get(record, "properties"));
	char id[512];

	(void)json_object_del(properties, "verificationCode");
	if (code != NULL)
		(void)json_object_set_new(properties, "verificationCode", json_string(code));
	if (str_format(id, sizeof(id), "%s/certificates/%s", call->id, name) < 0) {
		json_decref(properties);
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The path is too long.");
	}
	*ret_doc = json_pack("{s:s, s:s, s:s, s:O, s:o}", "id", id, "name", name, "type", TYPE, "etag",
			     json_object_get(record, "etag"), "properties", properties);
	return *ret_doc != NULL ? 0 : no_memory(err);
}

static int answer(const struct dps_ca_call *call, const json_t *record, const char *code, struct err *err)
{
	CLEANUP(json_freep) json_t *doc = NULL;

	return shown(call, record, code, &doc, err) < 0 ? -1 : dps_response_json(call->res, 200, doc, err);
}

/* With a new ETag and the time of now. */
static int keep(const struct dps_ca_call *call, json_t *record, struct err *err)
{
	char etag[DPS_ETAG_MAX], now[DPS_HTTP_DATE_LEN + 1];

	dps_http_date(call->req->at_ticks, now);
	if (dps_etag_new(etag, err) < 0)
		return -1;
	if (json_object_set_new(record, "etag", json_string(etag)) < 0 ||
	    json_object_set_new(json_object_get(record, "properties"), "updated", json_string(now)) < 0)
		return no_memory(err);
	call->res->changed = true;
	return dps_store_put(call->management->store, DPS_CERTIFICATES, call->name, record, err);
}

int dps_ca_list(struct dps_ca_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *list = json_array();
	CLEANUP(json_freep) json_t *doc = NULL;
	const struct dps_record *at = dps_store_after(call->management->store, DPS_CERTIFICATES, 0);

	for (; at != NULL; at = dps_store_after(call->management->store, DPS_CERTIFICATES, at->seq)) {
		CLEANUP(json_freep) json_t *record = json_loads(at->text, 0, NULL);
		json_t *one = NULL;

		if (shown(call, record, NULL, &one, err) < 0)
			return -1;
		if (json_array_append_new(list, one) < 0)
			return no_memory(err);
	}
	doc = json_pack("{s:O}", "value", list);
	return dps_response_json(call->res, 200, doc, err);
}

int dps_ca_get(struct dps_ca_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *record = NULL;

	return load(call, &record, err) < 0 ? -1 : answer(call, record, NULL, err);
}

/* {"properties":{...}}, or the members alone as before 2021; json_t of the request, to be released. */
static int take_body(const struct dps_ca_call *call, json_t **ret_body, const json_t **ret_properties,
		     struct err *err)
{
	json_t *body = json_loadb((const char *)call->req->body.p, call->req->body.len,
				  JSON_REJECT_DUPLICATES, NULL);
	const json_t *properties = json_object_get(body, "properties");

	if (!json_is_object(body) || call->req->too_large) {
		json_decref(body);
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The request is no JSON object.");
	}
	*ret_body = body;
	*ret_properties = json_is_object(properties) ? properties : body;
	return 0;
}

/* The certificate as it is kept, and what is said about it. */
static int describe(const struct dps_ca_call *call, const char *certificate, json_t **ret_properties,
		    struct err *err)
{
	CLEANUP(json_freep) json_t *info = NULL;
	CLEANUP(json_freep) json_t *der = NULL;
	char expiry[DPS_HTTP_DATE_LEN + 1], now[DPS_HTTP_DATE_LEN + 1];
	bool ca = false;

	if (certificate == NULL)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The certificate is missing.");
	if (dps_cert_info(certificate, &info, &ca, err) < 0 || dps_cert_der(certificate, &der, err) < 0 ||
	    dps_cert_expiry(json_string_value(der), expiry, err) < 0)
		return -1;
	if (!ca)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The certificate is not a CA's.");
	dps_http_date(call->req->at_ticks, now);
	*ret_properties = json_pack("{s:O, s:s, s:O, s:b, s:s, s:s, s:O}", "subject",
				    json_object_get(info, "subjectName"), "expiry", expiry, "thumbprint",
				    json_object_get(info, "sha1Thumbprint"), "isVerified", 0, "created", now,
				    "updated", now, "certificate", der);
	return *ret_properties != NULL ? 0 : no_memory(err);
}

/* The same certificate stays as verified as it was, and as old. */
static int carry_over(const json_t *before, json_t *properties)
{
	const json_t *old = json_object_get(before, "properties");
	int rc = 0;

	if (!json_equal(json_object_get(old, "certificate"), json_object_get(properties, "certificate")))
		return 0;
	rc |= json_object_set(properties, "isVerified", json_object_get(old, "isVerified"));
	return rc | json_object_set(properties, "created", json_object_get(old, "created"));
}

int dps_ca_put(struct dps_ca_call *call, struct err *err)
{
	struct dps_store *store = call->management->store;
	bool exists = dps_store_find(store, DPS_CERTIFICATES, call->name) != NULL;
	CLEANUP(json_freep) json_t *body = NULL, *before = NULL, *record = NULL;
	json_t *properties = NULL;
	const json_t *in;

	if (exists && (load(call, &before, err) < 0 || match(call, before, err) < 0))
		return -1;
	if (!exists && dps_store_count(store, DPS_CERTIFICATES) >= DPS_CERTIFICATES_MAX)
		return err_set(err, ERR_UNIT, DPS_FORBIDDEN, "There are %d certificates already.",
			       DPS_CERTIFICATES_MAX);
	if (take_body(call, &body, &in, err) < 0 ||
	    describe(call, json_string_value(json_object_get(in, "certificate")), &properties, err) < 0)
		return -1;
	record = json_pack("{s:s, s:o}", "name", call->name, "properties", properties);
	if (record == NULL || carry_over(before, properties) != 0 ||
	    (json_is_true(json_object_get(in, "isVerified")) &&
	     json_object_set_new(properties, "isVerified", json_true()) < 0))
		return no_memory(err);
	return keep(call, record, err) < 0 ? -1 : answer(call, record, NULL, err);
}

int dps_ca_delete(struct dps_ca_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *record = NULL;

	call->res->status = 204;
	if (dps_store_find(call->management->store, DPS_CERTIFICATES, call->name) == NULL)
		return 0;
	if (load(call, &record, err) < 0 || match(call, record, err) < 0)
		return -1;
	call->res->status = 200;
	call->res->changed = true;
	return dps_store_delete(call->management->store, DPS_CERTIFICATES, call->name, err);
}

int dps_ca_code(struct dps_ca_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *record = NULL;
	char code[DPS_CODE_LEN + 1];
	uint8_t raw[DPS_CODE_LEN / 2];

	if (load(call, &record, err) < 0 || match(call, record, err) < 0)
		return -1;
	if (RAND_bytes(raw, sizeof(raw)) != 1 || hex_encode(BYTES_ARRAY(raw), code, sizeof(code)) < 0)
		return err_set(err, ERR_STATION, DPS_INTERNAL, "no random numbers");
	for (char *c = code; *c != '\0'; c++)
		*c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
	if (json_object_set_new(json_object_get(record, "properties"), "verificationCode",
				json_string(code)) < 0)
		return no_memory(err);
	return keep(call, record, err) < 0 ? -1 : answer(call, record, code, err);
}

/* Checks the certificate of the body against the code that was given out. */
static int prove(const struct dps_ca_call *call, const json_t *properties, struct err *err)
{
	CLEANUP(json_freep) json_t *body = NULL, *info = NULL, *proof = NULL;
	const char *code = json_string_value(json_object_get(properties, "verificationCode"));
	const char *certificate;
	const json_t *in;
	bool ca;

	if (code == NULL)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "No verification code was asked for.");
	if (take_body(call, &body, &in, err) < 0)
		return -1;
	certificate = json_string_value(json_object_get(in, "certificate"));
	if (certificate == NULL)
		return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "The verification certificate is missing.");
	if (dps_cert_info(certificate, &info, &ca, err) < 0 || dps_cert_der(certificate, &proof, err) < 0)
		return -1;
	return dps_proof_check(json_string_value(json_object_get(properties, "certificate")),
			       json_string_value(proof), code, call->req->at_ticks, err);
}

int dps_ca_verify(struct dps_ca_call *call, struct err *err)
{
	CLEANUP(json_freep) json_t *record = NULL;
	json_t *properties;

	if (load(call, &record, err) < 0 || match(call, record, err) < 0)
		return -1;
	properties = json_object_get(record, "properties");
	if (prove(call, properties, err) < 0)
		return -1;
	(void)json_object_del(properties, "verificationCode");
	if (json_object_set_new(properties, "isVerified", json_true()) < 0)
		return no_memory(err);
	return keep(call, record, err) < 0 ? -1 : answer(call, record, NULL, err);
}
