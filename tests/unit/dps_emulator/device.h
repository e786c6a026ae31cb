/* A device in front of the service: how it signs, shows certificates and asks. */
#ifndef TESTS_DPS_DEVICE_H
#define TESTS_DPS_DEVICE_H

#include <openssl/x509.h>

#include "tests/unit/dps_emulator/service.h"

/* A token for this registration by a key in base64; expires_s is relative to now. */
void device_token(const struct service *service, const char *id, const char *key, int expires_s, char *out,
		  size_t cap);
/* A call of /{scope}PATH with this Authorization header, or none; body may be NULL. */
void device_call(struct service *service, const char *method, const char *path, const char *body,
		 const char *authorization, struct reply *ret);
/* PUT …/register with {"registrationId": id}. */
void device_register(struct service *service, const char *id, const char *authorization, struct reply *ret);
int device_register_code(struct service *service, const char *id, const char *authorization);
/* GET of the operation that begun says. */
void device_poll(struct service *service, const char *id, const struct reply *begun,
		 const char *authorization, struct reply *ret);
/* Both, with a token by key (or none): the final answer. */
void device_register_all(struct service *service, const char *id, const char *key, struct reply *ret);

/* A key and its certificate. */
struct party {
	EVP_PKEY *key;
	X509 *cert;
	uint8_t *der;
	struct bytes bytes;
};

struct terms {
	const char *basic_constraints; /* "critical,CA:TRUE,pathlen:0"; NULL: none */
	int from_s, to_s;              /* relative to TEST_TICKS; both 0: a day before and after */
};

/* issuer NULL: self-signed. */
void party_make(struct party *party, const char *common_name, const struct party *issuer,
		const struct terms *terms);
void party_deinit(struct party *party);
#define PARTY_AUTO CLEANUP(party_deinit) struct party
/* The certificate as a JSON member's value: PEM with \\n. */
void party_pem(const struct party *party, char *out, size_t cap);
/* What the device shows from now on; the list ends with NULL. */
void device_shows(struct service *service, const struct party *const *parties);

#endif
