/*
 * The group of a device with certificates (dps-api 5.3): the chain that it sent is
 * walked upwards from the leaf, and the first certificate that is some group's
 * decides. As in TLS itself (RFC 8446 4.4.2) a self-signed root may be left out
 * and nothing else may, even where the service could fill the gap.
 */
#include "enroll/emulator/x509_internal.h"

#include <strings.h>

#include <openssl/x509v3.h>

#include "base/encode.h"

#define CERT_MAX (16 * 1024)

/* A certificate that a group names: of its own, or of the service. */
struct anchor {
	char thumbprint[DPS_THUMBPRINT_LEN + 1]; /* "" if it is not to be used */
	struct buf der;                          /* empty if only the thumbprint is known */
};

static void anchor_deinit(struct anchor *anchor)
{
	buf_deinit(&anchor->der);
}

static void anchor_set_der(struct anchor *anchor, const char *text)
{
	size_t cap = strlen(text), n = 0;
	uint8_t *to = buf_reserve(&anchor->der, cap + 1);

	if (to != NULL && base64_decode(bytes_str(text), to, cap, &n) == 0)
		anchor->der.len = n;
}

/* A CA certificate of the service counts once its owner has proven to hold the key (8). */
static int reference_load(const struct dps_call *call, const char *name, struct anchor *anchor,
			  struct err *err)
{
	CLEANUP(json_freep) json_t *record = NULL;
	const json_t *properties;
	const char *text;

	if (dps_record_load(call->store, DPS_CERTIFICATES, name, &record, err) < 0)
		return -1;
	properties = json_object_get(record, "properties");
	text = json_string_value(json_object_get(properties, "certificate"));
	if (text == NULL || !json_is_true(json_object_get(properties, "isVerified")))
		return 0;
	anchor_set_der(anchor, text);
	if (anchor->der.len > 0)
		dps_thumbprint(buf_bytes(&anchor->der), anchor->thumbprint);
	return 0;
}

static int anchor_load(const struct dps_call *call, const json_t *group, const char *slot,
		       struct anchor *anchor, struct err *err)
{
	const json_t *x509 = json_object_get(json_object_get(group, "attestation"), "x509");
	const json_t *signing = json_object_get(x509, "signingCertificates");
	const char *name = json_string_value(json_object_get(json_object_get(x509, "caReferences"), slot));
	const char *known = dps_slot_thumbprint(signing, slot);
	const char *text = json_string_value(json_object_get(json_object_get(signing, slot), "certificate"));

	*anchor = (struct anchor){ 0 };
	buf_init(&anchor->der, CERT_MAX);
	if (name != NULL)
		return reference_load(call, name, anchor, err);
	if (known != NULL &&
	    bytes_to_str(bytes_str(known), anchor->thumbprint, sizeof(anchor->thumbprint)) < 0)
		anchor->thumbprint[0] = '\0';
	if (text != NULL)
		anchor_set_der(anchor, text);
	return 0;
}

/* What a step of the walk looks for: a group of this very certificate, or of the root above it. */
struct wanted {
	const char *thumbprint; /* NULL: the root */
	X509 *top;
};

/* *ret_cert is the anchor if it is the one; the caller frees it. */
static void anchor_fits(const struct anchor *anchor, const struct wanted *wanted, X509 **ret_cert)
{
	CLEANUP(x509_freep) X509 *cert = NULL;

	if (wanted->thumbprint != NULL) {
		if (strcasecmp(anchor->thumbprint, wanted->thumbprint) == 0 && X509_up_ref(wanted->top) == 1)
			*ret_cert = wanted->top;
		return;
	}
	cert = anchor->der.len > 0 ? dps_chain_cert(buf_bytes(&anchor->der)) : NULL;
	if (cert == NULL || (X509_get_extension_flags(cert) & EXFLAG_SS) == 0 ||
	    X509_check_issued(cert, wanted->top) != X509_V_OK)
		return;
	*ret_cert = cert;
	cert = NULL;
}

static int group_fits(const struct dps_call *call, const json_t *group, const struct wanted *wanted,
		      X509 **ret_cert, struct err *err)
{
	static const char *const slots[] = { "primary", "secondary" };

	for (size_t i = 0; i < ARRAY_LEN(slots) && *ret_cert == NULL; i++) {
		CLEANUP(anchor_deinit) struct anchor anchor;

		if (anchor_load(call, group, slots[i], &anchor, err) < 0)
			return -1;
		anchor_fits(&anchor, wanted, ret_cert);
	}
	return 0;
}

/* The first group that fits, and its certificate; both stay NULL if there is none. */
static int group_find(const struct dps_call *call, const struct wanted *wanted, json_t **ret_group,
		      X509 **ret_cert, struct err *err)
{
	const struct dps_record *record = dps_store_after(call->store, DPS_GROUPS, 0);

	for (; record != NULL; record = dps_store_after(call->store, DPS_GROUPS, record->seq)) {
		CLEANUP(json_freep) json_t *group = json_loads(record->text, 0, NULL);

		if (group_fits(call, group, wanted, ret_cert, err) < 0)
			return -1;
		if (*ret_cert == NULL)
			continue;
		*ret_group = group;
		group = NULL;
		return 0;
	}
	return 0;
}

/* The index of the certificate that the device sent as the issuer of another; chain->n if it sent none. */
static size_t issuer_of(const struct dps_chain *chain, size_t of)
{
	size_t i = 1;

	while (i < chain->n && (i == of || X509_check_issued(chain->certs[i], chain->certs[of]) != X509_V_OK))
		i++;
	return i;
}

int dps_group_by_chain(const struct dps_call *call, const struct dps_chain *chain, json_t **ret_group,
		       X509 **ret_cert, struct err *err)
{
	char of_issuer[DPS_THUMBPRINT_LEN + 1];
	size_t at = 0;

	/* No longer than the chain, or two that issued each other would hold us forever. */
	for (size_t steps = 0; steps < chain->n && *ret_group == NULL; steps++) {
		size_t issuer = issuer_of(chain, at);
		struct wanted wanted = { of_issuer, issuer < chain->n ? chain->certs[issuer] : NULL };

		if (issuer == chain->n)
			break;
		dps_thumbprint(call->req->chain[issuer], of_issuer);
		if (group_find(call, &wanted, ret_group, ret_cert, err) < 0)
			return -1;
		at = issuer;
	}
	if (*ret_group == NULL &&
	    group_find(call, &(struct wanted){ NULL, chain->certs[at] }, ret_group, ret_cert, err) < 0)
		return -1;
	if (*ret_group == NULL)
		return err_set(err, ERR_UNIT, DPS_UNAUTHORIZED, "CA certificate not found.");
	return 0;
}
