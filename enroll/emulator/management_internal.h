/*
 * The management plane for one instance (dps-api 8): who it is, its policies, and
 * its CA certificates with proof of possession.
 */
#ifndef MANAGEMENT_INTERNAL_H
#define MANAGEMENT_INTERNAL_H

#include "enroll/emulator/login_internal.h"

#define DPS_CERTIFICATES_MAX 25
#define DPS_CODE_LEN         48

struct dps_management {
	const struct dps_conf *conf;
	struct dps_store *store;
};

/* Anything below /subscriptions/. */
bool dps_is_management(const struct dps_request *req);
/* Writes its own answers; class and code of an error as everywhere. */
MUST_USE int dps_management_serve(const struct dps_management *management, const struct dps_request *req,
				  struct dps_response *res, struct err *err);
/* Replaces whatever was there by the management plane's error body. */
void dps_management_error(struct dps_response *res, const struct err *error);

/* --- ca_certificate.c: by name; each leaves what it answers in res ------------------------------------------- */

/* One call about certificates: id is what answers show in front of the name. */
struct dps_ca_call {
	const struct dps_management *management;
	const struct dps_request *req;
	struct dps_response *res;
	const char *id;
	char name[DPS_ID_MAX + 1];
};

MUST_USE int dps_ca_list(struct dps_ca_call *call, struct err *err);
MUST_USE int dps_ca_get(struct dps_ca_call *call, struct err *err);
MUST_USE int dps_ca_put(struct dps_ca_call *call, struct err *err);
MUST_USE int dps_ca_delete(struct dps_ca_call *call, struct err *err);
MUST_USE int dps_ca_code(struct dps_ca_call *call, struct err *err);
MUST_USE int dps_ca_verify(struct dps_ca_call *call, struct err *err);

/* --- proof.c --------------------------------------------------------------------------------------------------- */

/* RFC 1123 text of the end of a certificate in base64 of DER. */
MUST_USE int dps_cert_expiry(const char *base64, char out[DPS_HTTP_DATE_LEN + 1], struct err *err);
/* That proof is of this code, and signed by the key of ca; both in base64 of DER. 400004 says what is wrong. */
MUST_USE int dps_proof_check(const char *ca, const char *proof, const char *code, int64_t at_ticks,
			     struct err *err);

#endif
