/* Comparing in two parts: fields and records (compare.c), and who may log in (compare_attestation.c). */
#ifndef ENROLL_COMPARE_INTERNAL_H
#define ENROLL_COMPARE_INTERNAL_H

#include "enroll/enroll_internal.h"

struct json_t;

/* An object, which the caller frees; NULL if text is none. */
struct json_t *object_parse(struct bytes text);
/* "attestation.tpm.endorsementKey"; NULL if any part of the way is missing or JSON null. */
const struct json_t *member_at(const struct json_t *json, const char *path);
/* NULL also if it is no string. */
const char *member_text(const struct json_t *json, const char *path);

void compare_text(const char *path, const char *ours, const char *theirs, struct difference *ret);
/* IDs, and hexadecimal thumbprints. */
void compare_any_case(const char *path, const char *ours, const char *theirs, struct difference *ret);
void compare_absent(const char *path, const struct json_t *theirs, struct difference *ret);

/* member: where the record's certificates stand, "clientCertificates" or "signingCertificates". */
MUST_USE int compare_attestation(const char *member, const struct json_t *ours, const struct json_t *theirs,
				 struct difference *ret, struct err *err);

#endif
