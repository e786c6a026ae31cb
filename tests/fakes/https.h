/*
 * A TLS server on loopback that answers as a test tells it: for the answers that
 * a sane service never gives. Its key is public, in https.c, and good for tests only.
 */
#ifndef TESTS_FAKES_HTTPS_H
#define TESTS_FAKES_HTTPS_H

#include <stdint.h>

#include "base/bytes.h"

struct https_call {
	const char *method;
	const char *path;          /* without the query */
	const char *authorization; /* NULL if the header is missing, as the next */
	const char *content_length;
	const char *metadata;
	struct bytes body;
};
struct https_answer {
	unsigned status;
	const char *content_type; /* NULL: application/json */
	const char *retry_after;  /* NULL: none             */
	const char *location;     /* NULL: none             */
	const char *challenge;    /* WWW-Authenticate; NULL: none */
	const char *body;         /* copied                 */
	bool hang_up;             /* no answer at all       */
};
/* Called from the server's thread, one call at a time. *ret_answer is zero before. */
typedef void https_fn(void *arg, const struct https_call *call, struct https_answer *ret_answer);

struct https;
/* NULL if it can't be started. */
struct https *https_start(https_fn *answer, void *arg);
/* The same without TLS. */
struct https *https_start_plain(https_fn *answer, void *arg);
void https_stop(struct https *https);
uint16_t https_port(const struct https *https);
/* PEM of its self-signed certificate for 127.0.0.1. */
const char *https_certificate(void);

#endif
