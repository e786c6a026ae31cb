/*
 * The JSON of a new enrollment group (dps-api 1.3). What the service's own becomes when it is changed is in
 * payload_group_change.c.
 */
#include "enroll/enroll_internal.h"

#include <jansson.h>

DEFINE_CLEANUP(json_freep, json_t, json_decref)

static int no_memory(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "out of memory for an enrollment group");
}

/* As registration IDs, and the first character as the last (dps-api 2). */
static int check_id(const char *id, struct err *err)
{
	struct err why = { 0 };

	if (registration_id_check(id, &why) < 0 || strchr("._:", id[0]) != NULL)
		return err_set(err, ERR_OPERATOR, 0,
			       "a group's ID has letters, digits and - . _ : in it, the last three not at an "
			       "end, and 1 to %d characters: %.40s",
			       ENROLL_ID_MAX, id);
	return 0;
}

/* NULL without one, or if it is none. */
static json_t *certificate_json(struct bytes pem)
{
	uint8_t thumbprint[SHA256_LEN];

	if (pem.len == 0 || certificate_sha256(pem, thumbprint) < 0)
		return NULL;
	return json_pack("{s:s%}", "certificate", (const char *)pem.p, pem.len);
}

json_t *group_certificates_json(struct bytes primary_pem, struct bytes secondary_pem, struct err *err)
{
	CLEANUP(json_freep) json_t *primary = certificate_json(primary_pem);
	CLEANUP(json_freep) json_t *secondary = certificate_json(secondary_pem);
	json_t *json;

	if (primary == NULL || (secondary_pem.len > 0 && secondary == NULL)) {
		(void)err_set(err, ERR_OPERATOR, 0, "a group needs exactly one PEM certificate at a time");
		return NULL;
	}
	json = json_pack("{s:s, s:{s:{s:O, s:O*}}}", "type", "x509", "x509", "signingCertificates", "primary",
			 primary, "secondary", secondary);
	if (json == NULL)
		(void)no_memory(err);
	return json;
}

json_t *group_references_json(const char *primary, const char *secondary, struct err *err)
{
	json_t *json = json_pack("{s:s, s:{s:{s:s, s:s*}}}", "type", "x509", "x509", "caReferences",
				 "primary", primary, "secondary", secondary);

	if (json == NULL)
		(void)err_set(err, ERR_OPERATOR, 0, "the name of a CA certificate is no UTF-8 text");
	return json;
}

/* Without keys the service makes 64 random bytes each (dps-api 1.4). */
static json_t *attestation_json(const struct enroll_group *group, struct err *err)
{
	json_t *json;

	if (group->primary_pem.p != NULL)
		return group_certificates_json(group->primary_pem, group->secondary_pem, err);
	if (group->primary_ca != NULL)
		return group_references_json(group->primary_ca, group->secondary_ca, err);
	json = json_pack("{s:s, s:{}}", "type", "symmetricKey", "symmetricKey");
	if (json == NULL)
		(void)no_memory(err);
	return json;
}

static int dump(const json_t *json, struct buf *ret, struct err *err)
{
	size_t need = json_dumpb(json, NULL, 0, JSON_COMPACT);
	uint8_t *to;

	buf_clear(ret);
	to = buf_reserve(ret, need);
	if (need == 0 || to == NULL)
		return err_set(err, ERR_OPERATOR, 0, "a group of %zu bytes is too long to send", need);
	ret->len = json_dumpb(json, (char *)to, need, JSON_COMPACT);
	return 0;
}

int payload_group(const struct enroll_group *group, struct buf *ret_json, struct err *err)
{
	CLEANUP(json_freep) json_t *json = NULL;
	json_t *attestation;

	if (check_id(group->id, err) < 0)
		return -1;
	json = json_pack("{s:s}", "enrollmentGroupId", group->id);
	if (json == NULL)
		return no_memory(err);
	if (terms_put(&group->terms, json, err) < 0)
		return err_raise(err, ERR_OPERATOR);
	attestation = attestation_json(group, err);
	if (attestation == NULL)
		return -1;
	if (json_object_set_new(json, "attestation", attestation) < 0)
		return no_memory(err);
	return dump(json, ret_json, err);
}
