/*
 * Who may log in as the device or for the group, as the service holds it and as we wanted it: certificates by
 * their thumbprints, a TPM's endorsement key as it is. Symmetric keys are compared by digest and never told.
 */
#include <jansson.h>

#include "base/encode.h"
#include "enroll/compare_internal.h"

DEFINE_CLEANUP(json_freep, json_t, json_decref)

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
	if (member_at(ours, at_slot) == NULL) {
		compare_absent(at_slot, theirs, ret);
		return 0;
	}
	if (thumbprint_of(member_text(ours, certificate), wanted, err) < 0)
		return -1;
	compare_any_case(thumbprint, wanted, member_text(theirs, thumbprint), ret);
	return 0;
}

/* Names of CA certificates: those that we give, and no other. */
static void compare_references(const json_t *ours, const json_t *theirs, struct difference *ret)
{
	static const char *const paths[] = { "attestation.x509.caReferences.primary",
					     "attestation.x509.caReferences.secondary" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (member_text(ours, paths[i]) != NULL)
			compare_text(paths[i], member_text(ours, paths[i]), member_text(theirs, paths[i]),
				     ret);
		else
			compare_absent(paths[i], theirs, ret);
}

static int compare_x509(const char *member, const json_t *ours, const json_t *theirs, struct difference *ret,
			struct err *err)
{
	compare_references(ours, theirs, ret);
	if (member_at(ours, "attestation.x509.caReferences") != NULL)
		return 0;
	if (compare_certificate(member, "primary", ours, theirs, ret, err) < 0 ||
	    compare_certificate(member, "secondary", ours, theirs, ret, err) < 0)
		return -1;
	return 0;
}

int compare_attestation(const char *member, const json_t *ours, const json_t *theirs, struct difference *ret,
			struct err *err)
{
	static const char ek[] = "attestation.tpm.endorsementKey";
	const char *type = member_text(ours, "attestation.type");

	if (type == NULL)
		return err_set(err, ERR_STATION, 0, "the outbox holds a payload that is no enrollment");
	if (member_text(theirs, "attestation.type") == NULL ||
	    strcmp(type, member_text(theirs, "attestation.type")) != 0) {
		compare_text("attestation.type", type, member_text(theirs, "attestation.type"), ret);
		return 0;
	}
	if (strcmp(type, "x509") == 0)
		return compare_x509(member, ours, theirs, ret, err);
	if (strcmp(type, "tpm") == 0)
		compare_text(ek, member_text(ours, ek) != NULL ? member_text(ours, ek) : "",
			     member_text(theirs, ek), ret);
	return 0;
}

/*
 * Decodes straight into the secure heap; the JSON's own copy is wiped when it is
 * freed. *ret_found false: what is there is no key.
 */
static int key_at(const json_t *json, const char *path, struct secret *ret, bool *ret_found, struct err *err)
{
	const char *text = member_text(json, path);
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
	CLEANUP(json_freep) json_t *got = object_parse(theirs);
	struct difference difference = { 0 };

	if (member_text(got, "type") == NULL)
		return err_set(err, ERR_RETRY, 0, "the service's answer is no attestation mechanism");
	compare_text("attestation.type", "symmetricKey", member_text(got, "type"), &difference);
	if (!difference.differs &&
	    (compare_key(got, "symmetricKey.primaryKey", key_sha256, &difference, err) < 0 ||
	     compare_key(got, "symmetricKey.secondaryKey", key_sha256, &difference, err) < 0))
		return -1;
	*ret = difference;
	return 0;
}

int symmetric_key_of(struct bytes json, struct secret *ret_key, struct err *err)
{
	CLEANUP(json_freep) json_t *got = object_parse(json);
	const json_t *mechanism = member_at(got, "attestation") != NULL ? member_at(got, "attestation") : got;
	const char *type = member_text(mechanism, "type");
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
