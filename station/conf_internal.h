/* What reading (conf.c) and judging (conf_check.c) a configuration share. */
#ifndef STATION_CONF_INTERNAL_H
#define STATION_CONF_INTERNAL_H

#include "station/conf.h"

#define CONF_KEYS_MAX 64

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
/* What no single line can show: keys that are missing or contradict each other. Resolves names. */
MUST_USE int conf_check(struct conf_parser *p);

#endif
