/*
 * Logins other than with a policy's key (dps-api 4.4, 4.5): what Entra ID and a
 * machine's managed identity do for a client, on the emulator's own ports. The
 * tokens are opaque to clients; here they hold whom they are for, until when, and
 * a MAC under the policy's key, so that they outlive a restart.
 */
#ifndef LOGIN_INTERNAL_H
#define LOGIN_INTERNAL_H

#include "enroll/emulator/dps_internal.h"

enum dps_audience {
	DPS_AUDIENCE_SERVICE,    /* https://azure-devices-provisioning.net */
	DPS_AUDIENCE_MANAGEMENT, /* https://management.azure.com           */
};

/* --- bearer.c ---------------------------------------------------------------------------------------------- */

#define DPS_BEARER_MAX 160
/* The audience of a resource such as https://azure-devices-provisioning.net; -1 if it is none. */
MUST_USE int dps_audience_of(const char *resource, enum dps_audience *ret);
MUST_USE int dps_bearer_new(const struct dps_conf *conf, enum dps_audience audience, int64_t at_ticks,
			    char out[DPS_BEARER_MAX], struct err *err);
/* Whether the Authorization header is a bearer's at all. */
bool dps_is_bearer(const struct dps_request *req);
/* 401002; 403001 if the knob's role does not allow it. */
MUST_USE int dps_bearer_check(const struct dps_conf *conf, enum dps_audience audience,
			      const struct dps_request *req, struct err *err);

/* --- form.c: name=value *( "&" name=value ) ---------------------------------------------------------------- */

/* Percent-decoded, '+' is a space; -1 if it is absent, empty, malformed, or too long. */
MUST_USE int dps_form_value(struct bytes form, const char *name, char *out, size_t cap);
/* What follows the target's '?'. */
struct bytes dps_target_query(const char *target);

/* --- jwt.c: RFC 7515 compact form, RFC 7518 3.3 and 3.5 ------------------------------------------------------ */

#define DPS_JWT_MAX 8192
struct dps_jwt {
	json_t *header, *claims;
	struct bytes signed_part;
	uint8_t signature[512]; /* RSA of up to 4096 bits */
	size_t signature_n;
};
/* Borrows text. ERR_UNIT: it is none. */
MUST_USE int dps_jwt_parse(struct bytes text, struct dps_jwt *ret_jwt, struct err *err);
void dps_jwt_deinit(struct dps_jwt *jwt);
/* PS256 with x5t#S256 or RS256 with x5t, by the certificate in PEM. ERR_UNIT says what is wrong. */
MUST_USE int dps_jwt_verify(const struct dps_jwt *jwt, const char *certificate_pem, struct err *err);

/* --- entra.c, managed_identity.c: each writes its own answer, refusals too ------------------------------------ */

/* POST /{tenant}/oauth2/v2.0/token */
bool dps_is_token_request(const struct dps_request *req);
MUST_USE int dps_entra_token(const struct dps_conf *conf, const struct dps_request *req,
			     struct dps_response *res, struct err *err);
/* GET /metadata/identity/oauth2/token */
MUST_USE int dps_managed_token(const struct dps_conf *conf, const struct dps_request *req,
			       struct dps_response *res, struct err *err);

#endif
