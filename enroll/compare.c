/*
 * Whether the service holds what we wanted, field by field: identity by its own
 * rules, everything else that our payload has as it is. Keys are compared by
 * digest and never told.
 */
#include "enroll/enroll_internal.h"

#include <stdlib.h>
#include <strings.h>

#include <jansson.h>

#include "base/encode.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

#define NAME_MAX_LEN 32
#define FIELD_MAX    256
#define DEPTH_MAX    8 /* of what we send; what is deeper is compared as a whole */

static json_t *parse(struct bytes text)
{
	json_error_t why;
	json_t *json = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &why);

	if (json != NULL && !json_is_object(json)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* "attestation.tpm.endorsementKey"; NULL if any part of the way is missing or JSON null. */
static const json_t *at(const json_t *json, const char *path)
{
	while (json != NULL && *path != '\0') {
		char name[NAME_MAX_LEN];
		size_t n = strcspn(path, ".");

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		json = json_object_get(json, name);
		path += path[n] == '.' ? n + 1 : n;
	}
	return json_is_null(json) ? NULL : json;
}

/* NULL also if it is no string. */
static const char *text_at(const json_t *json, const char *path)
{
	const json_t *value = at(json, path);

	return value != NULL ? json_string_value(value) : NULL;
}

static void compare_text(const char *path, const char *ours, const char *theirs, struct difference *ret)
{
	if (theirs == NULL || strcmp(ours, theirs) != 0)
		difference_add(ret, path, ours, theirs != NULL ? theirs : "nothing");
}

/* IDs, and hexadecimal thumbprints. */
static void compare_any_case(const char *path, const char *ours, const char *theirs, struct difference *ret)
{
	if (theirs == NULL || strcasecmp(ours, theirs) != 0)
		difference_add(ret, path, ours, theirs != NULL ? theirs : "nothing");
}

static void compare_absent(const char *path, const json_t *theirs, struct difference *ret)
{
	if (at(theirs, path) != NULL)
		difference_add(ret, path, "nothing", "something");
}

/* The service takes the registration ID where none is given. */
static void compare_device_id(const json_t *ours, const json_t *theirs, struct difference *ret)
{
	const char *wanted = text_at(ours, "deviceId"), *got = text_at(theirs, "deviceId");

	if (wanted != NULL)
		compare_text("deviceId", wanted, got, ret);
	else if (got != NULL)
		compare_any_case("deviceId", text_at(ours, "registrationId"), got, ret);
}

/* Absent and null mean enabled (dps-api 1.3, 1.4), on both sides. */
static void compare_status(const json_t *ours, const json_t *theirs, struct difference *ret)
{
	const char *wanted = text_at(ours, "provisioningStatus"),
		   *got = text_at(theirs, "provisioningStatus");

	if (at(theirs, "provisioningStatus") == NULL)
		got = "enabled";
	compare_text("provisioningStatus", wanted != NULL ? wanted : "enabled", got, ret);
}

/* What the service takes where nothing is said (dps-api 1.3). */
static const struct {
	const char *path;
	bool value;
} defaults[] = {
	{ "capabilities.iotEdge", false },
	{ "reprovisionPolicy.updateHubAssignment", true },
	{ "reprovisionPolicy.migrateDeviceData", true },
};

static bool is_default(const char *path, const json_t *ours)
{
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (strcmp(path, defaults[i].path) == 0)
			return json_is_boolean(ours) && json_is_true(ours) == defaults[i].value;
	return false;
}

static bool same_value(const json_t *ours, const json_t *theirs)
{
	if (json_is_number(ours) && json_is_number(theirs))
		return json_number_value(ours) == json_number_value(theirs);
	return json_equal(ours, theirs) != 0;
}

static bool has_host(const json_t *list, const char *host)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *theirs = json_string_value(json_array_get(list, i));

		if (theirs != NULL && strcasecmp(theirs, host) == 0)
			return true;
	}
	return false;
}

/* Hosts of hubs, in any order and case; other lists are as they are. */
static bool same_list(const json_t *ours, const json_t *theirs)
{
	if (json_array_size(ours) != json_array_size(theirs))
		return false;
	for (size_t i = 0; i < json_array_size(ours); i++) {
		const char *host = json_string_value(json_array_get(ours, i));

		if (host == NULL)
			return json_equal(ours, theirs) != 0;
		if (!has_host(theirs, host))
			return false;
	}
	return true;
}

static void free_text(char **text)
{
	free(*text);
}

static void tell_values(const char *path, const json_t *ours, const json_t *theirs, struct difference *ret)
{
	CLEANUP(free_text) char *wanted = json_dumps(ours, JSON_COMPACT | JSON_ENCODE_ANY);
	CLEANUP(free_text)
	char *got = theirs != NULL ? json_dumps(theirs, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (json_is_string(ours) && (theirs == NULL || json_is_string(theirs)))
		difference_add(ret, path, json_string_value(ours),
			       theirs != NULL ? json_string_value(theirs) : "nothing");
	else
		difference_add(ret, path, wanted != NULL ? wanted : "?", got != NULL ? got : "nothing");
}

static void compare_leaf(const char *path, const json_t *ours, const json_t *theirs, struct difference *ret)
{
	bool same;

	if (theirs == NULL || json_is_null(theirs))
		same = is_default(path, ours);
	else if (json_is_array(ours) && json_is_array(theirs))
		same = same_list(ours, theirs);
	else
		same = same_value(ours, theirs);
	if (!same)
		tell_values(path, ours, json_is_null(theirs) ? NULL : theirs, ret);
}

/* Those that have rules of their own, and the etag, which is the service's. */
static bool is_own_rule(const char *path)
{
	static const char *const names[] = { "registrationId",     "enrollmentGroupId", "deviceId",
					     "provisioningStatus", "attestation",       "etag" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(path, names[i]) == 0)
			return true;
	return false;
}

/* Every leaf of what we send, against the service's at the same place. */
static void compare_fields(const char *path, const json_t *ours, const json_t *theirs, unsigned depth,
			   struct difference *ret)
{
	const char *name;
	json_t *value;

	if (!json_is_object(ours) || depth == 0) {
		compare_leaf(path, ours, theirs, ret);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)ours, name, value)
	{
		char at_name[FIELD_MAX];

		(void)snprintf(at_name, sizeof(at_name), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
		if (!json_is_null(value) && !is_own_rule(at_name))
			compare_fields(at_name, value, json_object_get(theirs, name), depth - 1, ret);
	}
}

static int thumbprint_of(const char *pem, char out[HEX_LEN(SHA256_LEN) + 1], struct err *err)
{
	uint8_t digest[SHA256_LEN];

	if (pem == NULL || certificate_sha256(bytes_str(pem), digest) < 0 ||
	    hex_encode(BYTES_ARRAY(digest), out, HEX_LEN(SHA256_LEN) + 1) < 0)
		return err_set(err, ERR_STATION, 0, "the outbox holds a certificate that is none");
	return 0;
}

/* A slot that we leave empty must be empty: who has its key could log in as well. */
static int compare_certificate(const char *member, const char *slot, const json_t *ours, const json_t *theirs,
			       struct difference *ret, struct err *err)
{
	char at_slot[96], certificate[96], thumbprint[96], wanted[HEX_LEN(SHA256_LEN) + 1];

	if (str_format(at_slot, sizeof(at_slot), "attestation.x509.%s.%s", member, slot) < 0 ||
	    str_format(certificate, sizeof(certificate), "%s.certificate", at_slot) < 0 ||
	    str_format(thumbprint, sizeof(thumbprint), "%s.info.sha256Thumbprint", at_slot) < 0)
		return err_set(err, ERR_BUG, 0, "a field name did not fit");
	if (at(ours, at_slot) == NULL) {
		compare_absent(at_slot, theirs, ret);
		return 0;
	}
	if (thumbprint_of(text_at(ours, certificate), wanted, err) < 0)
		return -1;
	compare_any_case(thumbprint, wanted, text_at(theirs, thumbprint), ret);
	return 0;
}

/* Names of CA certificates: those that we give, and no other. */
static void compare_references(const json_t *ours, const json_t *theirs, struct difference *ret)
{
	static const char *const paths[] = { "attestation.x509.caReferences.primary",
					     "attestation.x509.caReferences.secondary" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (text_at(ours, paths[i]) != NULL)
			compare_text(paths[i], text_at(ours, paths[i]), text_at(theirs, paths[i]), ret);
		else
			compare_absent(paths[i], theirs, ret);
}

static int compare_x509(const char *member, const json_t *ours, const json_t *theirs, struct difference *ret,
			struct err *err)
{
	compare_references(ours, theirs, ret);
	if (at(ours, "attestation.x509.caReferences") != NULL)
		return 0;
	if (compare_certificate(member, "primary", ours, theirs, ret, err) < 0 ||
	    compare_certificate(member, "secondary", ours, theirs, ret, err) < 0)
		return -1;
	return 0;
}

static int compare_attestation(const char *member, const json_t *ours, const json_t *theirs,
			       struct difference *ret, struct err *err)
{
	static const char ek[] = "attestation.tpm.endorsementKey";
	const char *type = text_at(ours, "attestation.type");

	if (type == NULL)
		return err_set(err, ERR_STATION, 0, "the outbox holds a payload that is no enrollment");
	if (text_at(theirs, "attestation.type") == NULL ||
	    strcmp(type, text_at(theirs, "attestation.type")) != 0) {
		compare_text("attestation.type", type, text_at(theirs, "attestation.type"), ret);
		return 0;
	}
	if (strcmp(type, "x509") == 0)
		return compare_x509(member, ours, theirs, ret, err);
	if (strcmp(type, "tpm") == 0)
		compare_text(ek, text_at(ours, ek) != NULL ? text_at(ours, ek) : "", text_at(theirs, ek),
			     ret);
	return 0;
}

static int parse_both(struct bytes ours, struct bytes theirs, const char *id, json_t **ret_ours,
		      json_t **ret_theirs, struct err *err)
{
	*ret_ours = parse(ours);
	*ret_theirs = parse(theirs);
	if (text_at(*ret_ours, id) == NULL)
		return err_set(err, ERR_STATION, 0, "the outbox holds a payload that is no enrollment");
	if (text_at(*ret_theirs, id) == NULL || at(*ret_theirs, "attestation") == NULL)
		return err_set(err, ERR_RETRY, 0, "the service's answer is no enrollment");
	return 0;
}

int compare_enrollment(struct bytes ours, struct bytes theirs, struct difference *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *wanted = NULL;
	CLEANUP(json_freep) json_t *got = NULL;
	struct difference difference = { 0 };

	if (parse_both(ours, theirs, "registrationId", &wanted, &got, err) < 0)
		return -1;
	compare_any_case("registrationId", text_at(wanted, "registrationId"), text_at(got, "registrationId"),
			 &difference);
	if (compare_attestation("clientCertificates", wanted, got, &difference, err) < 0)
		return -1;
	compare_device_id(wanted, got, &difference);
	compare_status(wanted, got, &difference);
	compare_fields("", wanted, got, DEPTH_MAX, &difference);
	*ret = difference;
	return 0;
}

int compare_group(struct bytes ours, struct bytes theirs, struct difference *ret, struct err *err)
{
	CLEANUP(json_freep) json_t *wanted = NULL;
	CLEANUP(json_freep) json_t *got = NULL;
	struct difference difference = { 0 };

	if (parse_both(ours, theirs, "enrollmentGroupId", &wanted, &got, err) < 0)
		return -1;
	compare_any_case("enrollmentGroupId", text_at(wanted, "enrollmentGroupId"),
			 text_at(got, "enrollmentGroupId"), &difference);
	if (compare_attestation("signingCertificates", wanted, got, &difference, err) < 0)
		return -1;
	compare_status(wanted, got, &difference);
	compare_fields("", wanted, got, DEPTH_MAX, &difference);
	*ret = difference;
	return 0;
}

/*
 * Decodes straight into the secure heap; the JSON's own copy is wiped when it is
 * freed. *ret_found false: what is there is no key.
 */
static int key_at(const json_t *json, const char *path, struct secret *ret, bool *ret_found, struct err *err)
{
	const char *text = text_at(json, path);
	SECRET_AUTO encoded = { NULL, 0 };
	struct err why = { 0 };

	*ret_found = false;
	if (text == NULL || text[0] == '\0' || strlen(text) > BASE64_LEN(256))
		return 0;
	if (secret_copy(bytes_str(text), &encoded, err) < 0)
		return -1;
	if (secret_base64_decode(&encoded, ret, &why) == 0) {
		*ret_found = true;
		return 0;
	}
	if (why.class == ERR_OPERATOR)
		return 0;
	*err = why;
	return -1;
}

static void digest_text(const uint8_t digest[SHA256_LEN], char out[32])
{
	char hex[HEX_LEN(8) + 1];

	if (hex_encode(bytes_of(digest, 8), hex, sizeof(hex)) < 0)
		hex[0] = '\0';
	(void)snprintf(out, 32, "SHA-256 %s...", hex);
}

/* A record without a key, or with half of one, is another record than ours, and no fault of this pass. */
static int compare_key(const json_t *json, const char *path, const uint8_t key_sha256[SHA256_LEN],
		       struct difference *ret, struct err *err)
{
	SECRET_AUTO key = { NULL, 0 };
	uint8_t digest[SHA256_LEN];
	char ours[32], theirs[32];
	bool found = false;

	if (key_at(json, path, &key, &found, err) < 0)
		return -1;
	if (!found) {
		difference_add(ret, path, "a key", "nothing that is one");
		return 0;
	}
	sha256(secret_bytes(&key), digest);
	if (bytes_equal(BYTES_ARRAY(digest), bytes_of(key_sha256, SHA256_LEN)))
		return 0;
	digest_text(key_sha256, ours);
	digest_text(digest, theirs);
	difference_add(ret, path, ours, theirs);
	return 0;
}

int compare_keys(const uint8_t key_sha256[SHA256_LEN], struct bytes theirs, struct difference *ret,
		 struct err *err)
{
	CLEANUP(json_freep) json_t *got = parse(theirs);
	struct difference difference = { 0 };

	if (text_at(got, "type") == NULL)
		return err_set(err, ERR_RETRY, 0, "the service's answer is no attestation mechanism");
	compare_text("attestation.type", "symmetricKey", text_at(got, "type"), &difference);
	if (!difference.differs &&
	    (compare_key(got, "symmetricKey.primaryKey", key_sha256, &difference, err) < 0 ||
	     compare_key(got, "symmetricKey.secondaryKey", key_sha256, &difference, err) < 0))
		return -1;
	*ret = difference;
	return 0;
}

int symmetric_key_of(struct bytes json, struct secret *ret_key, struct err *err)
{
	CLEANUP(json_freep) json_t *got = parse(json);
	const json_t *mechanism = at(got, "attestation") != NULL ? at(got, "attestation") : got;
	const char *type = text_at(mechanism, "type");
	bool found = false;

	if (type == NULL)
		return err_set(err, ERR_RETRY, 0, "the service's answer is no attestation mechanism");
	if (strcmp(type, "symmetricKey") != 0)
		return err_set(err, ERR_OPERATOR, 0, "it exists with attestation %s instead of symmetricKey",
			       type);
	if (key_at(mechanism, "symmetricKey.primaryKey", ret_key, &found, err) < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_OPERATOR, 0, "the service's answer has no key that can be read");
	return 0;
}
