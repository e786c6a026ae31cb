/* What reading (conf.c, conf_keys.c, conf_values.c) and judging (conf_check.c) a configuration share. */
#ifndef STATION_CONF_INTERNAL_H
#define STATION_CONF_INTERNAL_H

#include "station/conf.h"

#define CONF_KEYS_MAX 96

struct conf_parser;
struct conf_key;
typedef int conf_set_fn(struct conf_parser *p, const struct conf_key *key, void *field, const char *value);

struct conf_key {
	const char *section; /* "profile" and "slot" are sections with a name */
	const char *name;
	conf_set_fn *set;
	size_t offset; /* in struct conf, conf_profile or conf_slot */
	size_t size;   /* of a text field */
	unsigned min, max;
};
extern const struct conf_key conf_keys[];
extern const size_t conf_keys_n;

struct conf_parser {
	const char *file;
	struct bytes text;
	unsigned line;
	struct conf *conf;
	char kind[16]; /* "profile" of [profile "sensor"] */
	void *target;  /* the struct that the section fills */
	bool seen[CONF_KEYS_MAX];
	struct err *err;
	bool failed;
};

/* "FILE:LINE: what: "value""; value NULL leaves it out. Returns -1. */
int conf_fail(struct conf_parser *p, const char *what, const char *value);
/* conf_values.c: checks value and puts it into field. */
conf_set_fn conf_check_subject, conf_set_allocation, conf_set_assertion, conf_set_attest, conf_set_auth,
	conf_set_device_host, conf_set_enroll, conf_set_identity, conf_set_key_source, conf_set_label_check,
	conf_set_label_serial, conf_set_number, conf_set_pattern, conf_set_pin_source, conf_set_reprovision,
	conf_set_scan, conf_set_scanned, conf_set_text, conf_set_uri, conf_set_yes_no;

/* What no single line can show: keys that are missing or contradict each other. Resolves names. */
MUST_USE int conf_check(struct conf_parser *p);

#endif
