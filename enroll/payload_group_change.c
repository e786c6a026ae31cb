/*
 * What the service's JSON of an enrollment group becomes when it is changed (dps-api 1.3). The service gives no
 * certificate back, only its thumbprint, and keys only to who asks for them (dps-api 0.4, 0.5); a PUT without
 * them would take them from the group. So certificates are put in from those that the station has, and keys from
 * the mechanism that was fetched.
 */
#include <strings.h>

#include <jansson.h>

#include "base/encode.h"
#include "enroll/enroll_internal.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END   "-----END CERTIFICATE-----"

static int no_memory(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "out of memory for an enrollment group");
}

/* The next certificate of a PEM text; what stands around it is skipped. */
static bool next_pem(struct bytes *in, struct bytes *ret)
{
	const uint8_t *begin = in->len > 0 ? memmem(in->p, in->len, PEM_BEGIN, strlen(PEM_BEGIN)) : NULL;
	const uint8_t *end;
	struct bytes rest;

	if (begin == NULL)
		return false;
	rest = bytes_of(begin, in->len - (size_t)(begin - in->p));
	end = memmem(rest.p, rest.len, PEM_END, strlen(PEM_END));
	if (end == NULL)
		return false;
	end += strlen(PEM_END);
	*ret = bytes_of(begin, (size_t)(end - begin));
	*in = bytes_of(end, rest.len - ret->len);
	return true;
}

static bool has_thumbprint(struct bytes pem, const char *thumbprint)
{
	char hex[HEX_LEN(SHA256_LEN) + 1];
	uint8_t digest[SHA256_LEN];

	return certificate_sha256(pem, digest) == 0 &&
	       hex_encode(BYTES_ARRAY(digest), hex, sizeof(hex)) == 0 && strcasecmp(hex, thumbprint) == 0;
}

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL ? text : "";
}

/* The certificate that a slot of the service has, from among those that the station has. NULL: the slot is empty. */
static int find_certificate(const json_t *slot, struct bytes known, struct bytes *ret, struct err *err)
{
	const json_t *info = json_object_get(slot, "info");
	struct bytes pem;

	*ret = BYTES_NONE;
	if (slot == NULL || json_is_null(slot))
		return 0;
	while (next_pem(&known, &pem))
		if (has_thumbprint(pem, text_of(info, "sha256Thumbprint"))) {
			*ret = pem;
			return 0;
		}
	return err_set(err, ERR_OPERATOR, 0,
		       "the group has %.50s (SHA-256 %.16s...), which the service does not give back to be "
		       "sent again: its file is needed, --certificate FILE",
		       text_of(info, "subjectName"), text_of(info, "sha256Thumbprint"));
}

static int roll_under_way(const char *name, struct err *err)
{
	return err_set(err, ERR_OPERATOR, 0, "a roll-over to %.60s is under way: finish it first", name);
}

static int no_roll(struct err *err)
{
	return err_set(err, ERR_OPERATOR, 0, "no roll-over is under way: the group has no secondary");
}

/* The new secondary; *ret_needed false if it is there. */
static int roll_certificates(const json_t *slots, const struct enroll_group_change *change,
			     struct bytes *primary, struct bytes *secondary, bool *ret_needed,
			     struct err *err)
{
	const json_t *second = json_object_get(slots, "secondary");
	const json_t *infos[] = { json_object_get(json_object_get(slots, "primary"), "info"),
				  json_object_get(second, "info") };

	if (has_thumbprint(change->new_pem, text_of(infos[0], "sha256Thumbprint")))
		return err_set(err, ERR_OPERATOR, 0, "this certificate is the group's primary already");
	if (json_is_object(second)) {
		*ret_needed = false;
		return has_thumbprint(change->new_pem, text_of(infos[1], "sha256Thumbprint"))
			       ? 0
			       : roll_under_way(text_of(infos[1], "subjectName"), err);
	}
	*secondary = change->new_pem;
	return find_certificate(json_object_get(slots, "primary"), change->known_pem, primary, err);
}

static int change_certificates(const json_t *slots, const struct enroll_group_change *change,
			       json_t **ret_attestation, bool *ret_needed, struct err *err)
{
	struct bytes primary = BYTES_NONE, secondary = BYTES_NONE;
	const json_t *first = json_object_get(slots, "primary"),
		     *second = json_object_get(slots, "secondary");

	switch (change->act) {
	case ENROLL_GROUP_ENABLE:
	case ENROLL_GROUP_DISABLE:
		if (find_certificate(first, change->known_pem, &primary, err) < 0 ||
		    find_certificate(second, change->known_pem, &secondary, err) < 0)
			return -1;
		break;
	case ENROLL_GROUP_ROLL:
		if (roll_certificates(slots, change, &primary, &secondary, ret_needed, err) < 0)
			return -1;
		if (!*ret_needed)
			return 0;
		break;
	case ENROLL_GROUP_FINISH:
		if (!json_is_object(second))
			return no_roll(err);
		if (find_certificate(second, change->known_pem, &primary, err) < 0)
			return -1;
		break;
	case ENROLL_GROUP_CANCEL:
		if (!json_is_object(second))
			return no_roll(err);
		if (find_certificate(first, change->known_pem, &primary, err) < 0)
			return -1;
		break;
	}
	*ret_attestation = group_certificates_json(primary, secondary, err);
	return *ret_attestation != NULL ? 0 : -1;
}

static int roll_references(const char **primary, const char **secondary,
			   const struct enroll_group_change *change, bool *ret_needed, struct err *err)
{
	if (change->new_ca == NULL)
		return err_set(
			err, ERR_OPERATOR, 0,
			"the group names CA certificates of the service: the new one's name is needed");
	if (*primary != NULL && strcmp(*primary, change->new_ca) == 0)
		return err_set(err, ERR_OPERATOR, 0, "%.60s is the group's primary already", change->new_ca);
	if (*secondary != NULL) {
		*ret_needed = false;
		return strcmp(*secondary, change->new_ca) == 0 ? 0 : roll_under_way(*secondary, err);
	}
	*secondary = change->new_ca;
	return 0;
}

static int change_references(const json_t *slots, const struct enroll_group_change *change,
			     json_t **ret_attestation, bool *ret_needed, struct err *err)
{
	const char *primary = json_string_value(json_object_get(slots, "primary"));
	const char *secondary = json_string_value(json_object_get(slots, "secondary"));

	switch (change->act) {
	case ENROLL_GROUP_ENABLE:
	case ENROLL_GROUP_DISABLE:
		break;
	case ENROLL_GROUP_ROLL:
		if (roll_references(&primary, &secondary, change, ret_needed, err) < 0)
			return -1;
		break;
	case ENROLL_GROUP_FINISH:
		if (secondary == NULL)
			return no_roll(err);
		primary = secondary;
		secondary = NULL;
		break;
	case ENROLL_GROUP_CANCEL:
		if (secondary == NULL)
			return no_roll(err);
		secondary = NULL;
		break;
	}
	*ret_attestation = group_references_json(primary, secondary, err);
	return *ret_attestation != NULL ? 0 : -1;
}

static bool is_roll(enum enroll_group_act act)
{
	return act != ENROLL_GROUP_ENABLE && act != ENROLL_GROUP_DISABLE;
}

/* mechanism: with its keys, as attestationmechanism gave it. */
static int keep_keys(struct bytes mechanism, const struct enroll_group_change *change,
		     json_t **ret_attestation, struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	const json_t *keys;

	if (is_roll(change->act))
		return err_set(err, ERR_OPERATOR, 0, "a group of symmetric keys has no certificate to roll");
	json = json_loadb((const char *)mechanism.p, mechanism.len, JSON_REJECT_DUPLICATES, NULL);
	keys = json_object_get(json, "symmetricKey");
	if (strcmp(text_of(json, "type"), "symmetricKey") != 0 || text_of(keys, "primaryKey")[0] == '\0' ||
	    text_of(keys, "secondaryKey")[0] == '\0')
		return err_set(err, ERR_RETRY, 0, "the service's answer has no keys");
	*ret_attestation = json;
	json = NULL;
	return 0;
}

static int change_attestation(const json_t *group, struct bytes mechanism,
			      const struct enroll_group_change *change, json_t **ret_attestation,
			      bool *ret_needed, struct err *err)
{
	const json_t *attestation = json_object_get(group, "attestation");
	const json_t *x509 = json_object_get(attestation, "x509");
	const json_t *references = json_object_get(x509, "caReferences");

	if (strcmp(text_of(attestation, "type"), "symmetricKey") == 0)
		return keep_keys(mechanism, change, ret_attestation, err);
	if (json_is_object(references))
		return change_references(references, change, ret_attestation, ret_needed, err);
	if (change->act == ENROLL_GROUP_ROLL && change->new_pem.p == NULL)
		return err_set(err, ERR_OPERATOR, 0,
			       "the group has certificates of its own: the new one's file is needed");
	return change_certificates(json_object_get(x509, "signingCertificates"), change, ret_attestation,
				   ret_needed, err);
}

/* What the service writes itself is not sent back. */
static int send_back(json_t *group, const struct enroll_group_change *change, json_t *attestation,
		     struct err *err)
{
	static const char *const own[] = { "etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc" };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		(void)json_object_del(group, own[i]);
	if (change->act == ENROLL_GROUP_ENABLE || change->act == ENROLL_GROUP_DISABLE)
		rc = json_object_set_new(
			group, "provisioningStatus",
			json_string(change->act == ENROLL_GROUP_ENABLE ? "enabled" : "disabled"));
	if (rc < 0 || json_object_set(group, "attestation", attestation) < 0)
		return no_memory(err);
	return 0;
}

/* Absent and null mean enabled (dps-api 1.3, 1.4). */
static bool has_status(const json_t *group, const struct enroll_group_change *change)
{
	bool disabled = strcmp(text_of(group, "provisioningStatus"), "disabled") == 0;

	return (change->act == ENROLL_GROUP_ENABLE && !disabled) ||
	       (change->act == ENROLL_GROUP_DISABLE && disabled);
}

static int dump_secret(const json_t *json, struct secret *ret, struct err *err)
{
	SECRET_AUTO text = { NULL, 0 };
	size_t need = json_dumpb(json, NULL, 0, JSON_COMPACT);

	if (need == 0 || need > ENROLL_BODY_MAX)
		return err_set(err, ERR_OPERATOR, 0, "a group of %zu bytes is too long to send", need);
	if (secret_new(need, &text, err) < 0)
		return -1;
	if (json_dumpb(json, (char *)text.p, need, JSON_COMPACT) != need)
		return no_memory(err);
	*ret = text;
	text = (struct secret){ NULL, 0 };
	return 0;
}

/* It goes into a header line. */
static bool is_etag(const char *etag)
{
	for (const char *c = etag; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return etag[0] != '\0';
}

bool payload_group_has_keys(struct bytes group)
{
	CLEANUP(json_freep)
	json_t *json = json_loadb((const char *)group.p, group.len, JSON_REJECT_DUPLICATES, NULL);

	return strcmp(text_of(json_object_get(json, "attestation"), "type"), "symmetricKey") == 0;
}

int payload_group_change(struct bytes group, struct bytes mechanism, const struct enroll_group_change *change,
			 struct secret *ret_json, char ret_etag[ETAG_MAX], struct err *err)
{
	CLEANUP(json_freep)
	json_t *json = json_loadb((const char *)group.p, group.len, JSON_REJECT_DUPLICATES, NULL);
	CLEANUP(json_freep) json_t *attestation = NULL;
	char etag[ETAG_MAX];
	bool needed = true;

	if (text_of(json, "enrollmentGroupId")[0] == '\0' ||
	    str_format(etag, sizeof(etag), "%s", text_of(json, "etag")) < 0 || !is_etag(etag))
		return err_set(err, ERR_RETRY, 0, "the service's answer is no enrollment group");
	if (has_status(json, change))
		return 0;
	if (change_attestation(json, mechanism, change, &attestation, &needed, err) < 0)
		return -1;
	if (!needed)
		return 0;
	if (send_back(json, change, attestation, err) < 0 || dump_secret(json, ret_json, err) < 0)
		return -1;
	memcpy(ret_etag, etag, sizeof(etag));
	return 0;
}
