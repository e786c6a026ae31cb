/*
 * Attestation mechanisms (dps-api 1.3, 2, 7.1). Stricter than the service where
 * a mistake would only show when the device registers: an EK has to be the whole
 * TPM2B_PUBLIC of an RSA-2048 EK, and a signing certificate has to be a CA's.
 */
#include "enroll/emulator/dps_internal.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/encode.h"

#define EK_LEN      316
#define KEY_LEN_MIN 16
#define KEY_LEN_MAX 64

/* size, RSA, SHA-256, attributes, PolicySecret(endorsement), AES-128-CFB, no scheme, 2048, exponent, 256 */
static const uint8_t ek_prefix[60] = {
	0x01, 0x3a, 0x00, 0x01, 0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2, 0x00, 0x20, 0x83, 0x71, 0x97,
	0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52,
	0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa, 0x00,
	0x06, 0x00, 0x80, 0x00, 0x43, 0x00, 0x10, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
};

static const char *const cert_info_keys[] = {
	"subjectName",  "sha1Thumbprint", "sha256Thumbprint", "issuerName",
	"notBeforeUtc", "notAfterUtc",    "serialNumber",
};

static const char *const slot_names[] = { "primary", "secondary" };

static int invalid(struct err *err, const char *text)
{
	return err_set(err, ERR_UNIT, DPS_BAD_REQUEST, "%s", text);
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_STATION, 0, "no memory");
}

/* A member that is neither absent nor null. */
static json_t *given(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

static int tpm_take(const struct dps_kind *kind, const json_t *in, json_t **ret_member, struct err *err)
{
	const char *ek = json_string_value(given(in, "endorsementKey"));
	json_t *srk = given(in, "storageRootKey");
	uint8_t raw[EK_LEN];
	size_t n = 0;

	if (!kind->individual)
		return invalid(err, "An enrollment group can't use TPM attestation.");
	if (ek == NULL || base64_decode(bytes_str(ek), raw, sizeof(raw), &n) < 0 || n != sizeof(raw) ||
	    !bytes_equal(bytes_of(raw, sizeof(ek_prefix)), BYTES_ARRAY(ek_prefix)))
		return invalid(err,
			       "Endorsement key is invalid, or does not match the Enrollment: it has to be "
			       "base64 of the whole TPM2B_PUBLIC of an RSA-2048 EK.");
	if (srk != NULL && !json_is_string(srk))
		return invalid(err, "storageRootKey has to be a string.");
	*ret_member = json_pack("{s:s, s:O*}", "endorsementKey", ek, "storageRootKey", srk);
	return *ret_member != NULL ? 0 : no_memory(err);
}

/* Of a slot that came without its certificate, until it is known that the record has it. */
#define SENT_ALONE "sentAlone"

/* What a client that read the record before sends back. */
static int info_take(json_t *info, json_t **ret_slot, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(cert_info_keys); i++) {
		if (!json_is_string(json_object_get(info, cert_info_keys[i])))
			return invalid(err, "A certificate needs certificate, or a complete info.");
	}
	if (!json_is_integer(json_object_get(info, "version")))
		return invalid(err, "A certificate needs certificate, or a complete info.");
	*ret_slot = json_pack("{s:O, s:b}", "info", info, SENT_ALONE, 1);
	return *ret_slot != NULL ? 0 : no_memory(err);
}

typedef int slot_fn(json_t *slot, json_t **ret_slot, struct err *err);

static int slot_read(const json_t *slot, json_t **ret_slot, bool *ret_ca, struct err *err)
{
	json_t *info = NULL;

	if (dps_cert_info(json_string_value(json_object_get(slot, "certificate")), &info, ret_ca, err) < 0)
		return -1;
	*ret_slot = json_pack("{s:o}", "info", info);
	return *ret_slot != NULL ? 0 : no_memory(err);
}

static int client_slot_take(json_t *slot, json_t **ret_slot, struct err *err)
{
	bool ca;

	if (!json_is_string(given(slot, "certificate")))
		return info_take(given(slot, "info"), ret_slot, err);
	/* Self-signed device certificates are often made as CA certificates; the service takes them. */
	return slot_read(slot, ret_slot, &ca, err);
}

/* The certificate is kept: a device may leave the root out of its chain, and then it is needed. */
static int signing_slot_take(json_t *slot, json_t **ret_slot, struct err *err)
{
	CLEANUP(json_freep) json_t *read = NULL;
	json_t *der = NULL;
	bool ca = false;

	if (!json_is_string(given(slot, "certificate")))
		return info_take(given(slot, "info"), ret_slot, err);
	if (slot_read(slot, &read, &ca, err) < 0)
		return -1;
	if (!ca)
		return invalid(err, "A signing certificate has to be a CA certificate.");
	if (dps_cert_der(json_string_value(json_object_get(slot, "certificate")), &der, err) < 0)
		return -1;
	if (json_object_set_new(read, "certificate", der) < 0)
		return no_memory(err);
	*ret_slot = read;
	read = NULL;
	return 0;
}

/* The name of an uploaded CA certificate. */
static int reference_take(json_t *slot, json_t **ret_slot, struct err *err)
{
	if (json_string_length(slot) == 0)
		return invalid(err, "A CA reference has to be a name.");
	*ret_slot = json_incref(slot);
	return 0;
}

static const struct x509_form {
	const char *name;
	bool individual;
	slot_fn *take;
} x509_forms[] = {
	{ "clientCertificates", true, client_slot_take },
	{ "signingCertificates", false, signing_slot_take },
	{ "caReferences", false, reference_take },
};

static int slots_take(const struct x509_form *form, const json_t *in, json_t *out, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(slot_names); i++) {
		json_t *slot = given(in, slot_names[i]), *kept = NULL;

		if (slot == NULL)
			continue;
		if (form->take(slot, &kept, err) < 0)
			return err_wrap(err, "%s.%s", form->name, slot_names[i]);
		if (json_object_set_new(out, slot_names[i], kept) < 0)
			return no_memory(err);
	}
	if (json_object_get(out, "primary") == NULL)
		return invalid(err, "The primary certificate is missing.");
	return 0;
}

static int x509_take(const struct dps_kind *kind, const json_t *in, json_t **ret_member, struct err *err)
{
	const struct x509_form *form = NULL;
	CLEANUP(json_freep) json_t *slots = json_object();

	for (size_t i = 0; i < ARRAY_LEN(x509_forms); i++) {
		if (given(in, x509_forms[i].name) == NULL)
			continue;
		if (form != NULL)
			return invalid(err, "x509 takes one of clientCertificates, signingCertificates and "
					    "caReferences.");
		form = &x509_forms[i];
	}
	if (form == NULL || form->individual != kind->individual)
		return invalid(
			err, kind->individual
				     ? "An individual enrollment needs x509.clientCertificates."
				     : "An enrollment group needs x509.signingCertificates or caReferences.");
	if (slots == NULL)
		return no_memory(err);
	if (slots_take(form, json_object_get(in, form->name), slots, err) < 0)
		return -1;
	*ret_member = json_pack("{s:O}", form->name, slots);
	return *ret_member != NULL ? 0 : no_memory(err);
}

static json_t *signing_slot(const json_t *attestation, const char *name)
{
	return json_object_get(json_object_get(json_object_get(attestation, "x509"), "signingCertificates"),
			       name);
}

void dps_attestation_hide(json_t *attestation)
{
	for (size_t i = 0; i < ARRAY_LEN(slot_names); i++)
		(void)json_object_del(signing_slot(attestation, slot_names[i]), "certificate");
}

static const char *slot_thumbprint(const json_t *slot)
{
	return json_string_value(json_object_get(json_object_get(slot, "info"), "sha256Thumbprint"));
}

/* The record's slot with this certificate, be it the other one. */
static const json_t *slot_before(const json_t *slots, const char *thumbprint)
{
	for (size_t i = 0; i < ARRAY_LEN(slot_names); i++) {
		const json_t *slot = json_object_get(slots, slot_names[i]);
		const char *own = slot_thumbprint(slot);

		if (own != NULL && strcmp(own, thumbprint) == 0)
			return slot;
	}
	return NULL;
}

static int keep_slot(json_t *slot, const json_t *slots_before, struct err *err)
{
	const json_t *old;

	if (json_object_del(slot, SENT_ALONE) < 0)
		return 0;
	old = slot_before(slots_before, slot_thumbprint(slot));
	if (old == NULL)
		return invalid(err, "A certificate that the record does not have has to be sent whole.");
	return json_object_update(slot, (json_t *)(uintptr_t)old) < 0 ? no_memory(err) : 0;
}

int dps_attestation_keep(json_t *attestation, const json_t *before, struct err *err)
{
	static const char *const forms[] = { "clientCertificates", "signingCertificates" };
	const json_t *now = json_object_get(attestation, "x509"), *old = json_object_get(before, "x509");

	for (size_t f = 0; f < ARRAY_LEN(forms); f++)
		for (size_t i = 0; i < ARRAY_LEN(slot_names); i++)
			if (keep_slot(json_object_get(json_object_get(now, forms[f]), slot_names[i]),
				      json_object_get(old, forms[f]), err) < 0)
				return -1;
	return 0;
}

static int key_check(const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);
	uint8_t raw[KEY_LEN_MAX];
	size_t n = 0;
	int rc = text != NULL ? base64_decode(bytes_str(text), raw, sizeof(raw), &n) : -1;

	OPENSSL_cleanse(raw, sizeof(raw));
	if (rc < 0 || n < KEY_LEN_MIN)
		return invalid(err, "A symmetric key has to be base64 of 16 to 64 bytes.");
	return 0;
}

static json_t *new_key(void)
{
	char text[BASE64_LEN(DPS_KEY_LEN) + 1];
	uint8_t raw[DPS_KEY_LEN];
	json_t *key = NULL;

	if (RAND_bytes(raw, sizeof(raw)) == 1 && base64_encode(BYTES_ARRAY(raw), text, sizeof(text)) == 0)
		key = json_string(text);
	OPENSSL_cleanse(raw, sizeof(raw));
	OPENSSL_cleanse(text, sizeof(text));
	return key;
}

/* Both keys, or neither: then the service makes them. */
static int symmetric_take(const struct dps_kind *kind, const json_t *in, json_t **ret_member, struct err *err)
{
	json_t *primary = given(in, "primaryKey"), *secondary = given(in, "secondaryKey");

	(void)kind;
	if ((primary == NULL) != (secondary == NULL))
		return invalid(err, "symmetricKey needs both keys or neither.");
	if (primary == NULL)
		*ret_member = json_pack("{s:o, s:o}", "primaryKey", new_key(), "secondaryKey", new_key());
	else if (key_check(primary, err) < 0 || key_check(secondary, err) < 0)
		return -1;
	else
		*ret_member = json_pack("{s:O, s:O}", "primaryKey", primary, "secondaryKey", secondary);
	return *ret_member != NULL ? 0 : no_memory(err);
}

static const struct mechanism {
	const char *type; /* and the member of the same name */
	bool optional;    /* the member may be absent */
	int (*take)(const struct dps_kind *kind, const json_t *in, json_t **ret_member, struct err *err);
} mechanisms[] = {
	{ "tpm", false, tpm_take },
	{ "x509", false, x509_take },
	{ "symmetricKey", true, symmetric_take },
};

static const struct mechanism *mechanism_of(const json_t *in)
{
	const char *type = json_string_value(json_object_get(in, "type"));

	for (size_t i = 0; type != NULL && i < ARRAY_LEN(mechanisms); i++) {
		if (strcmp(mechanisms[i].type, type) == 0)
			return &mechanisms[i];
	}
	return NULL;
}

int dps_attestation_take(const struct dps_kind *kind, const json_t *in, json_t **ret_attestation,
			 struct err *err)
{
	const struct mechanism *mechanism = mechanism_of(in);
	json_t *member, *kept = NULL;

	if (mechanism == NULL)
		return invalid(err, "attestation.type has to be tpm, x509 or symmetricKey.");
	member = given(in, mechanism->type);
	if (!json_is_object(member) && !(member == NULL && mechanism->optional))
		return invalid(err, "attestation lacks the member that its type names.");
	if (mechanism->take(kind, member, &kept, err) < 0)
		return err_wrap(err, "attestation.%s", mechanism->type);
	*ret_attestation = json_pack("{s:s, s:o}", "type", mechanism->type, mechanism->type, kept);
	return *ret_attestation != NULL ? 0 : no_memory(err);
}
