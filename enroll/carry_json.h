/* The canonical JSON of carried files, for those files alone that read them. */
#ifndef ENROLL_CARRY_JSON_H
#define ENROLL_CARRY_JSON_H

#include "enroll/carry.h"

struct json_t;

/* An object in the form that stations write; the caller puts the number of the line in front of err. */
MUST_USE int carry_json_load(struct bytes line, struct json_t **ret, struct err *err);
/* The bytes that we would write for it. -1 if they do not fit. */
MUST_USE int carry_json_dump(const struct json_t *json, struct buf *ret);
/* Printable ASCII. */
bool carry_printable(const char *text);
/* Not empty, printable, and no longer than fits; what names it in the message. */
MUST_USE int carry_copy_text(const char *from, char *to, size_t cap, const char *what, struct err *err);
/* Lower-case hex of 32 bytes. */
MUST_USE int carry_read_sha256(const char *hex, uint8_t ret[SHA256_LEN], const char *what, struct err *err);

#endif
