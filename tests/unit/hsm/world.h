/*
 * A real SoftHSM token in a folder of its own, and a copy of the module's
 * function list in which a test breaks single entries. Tests of one program
 * share the token and take their own labels.
 */
#ifndef TESTS_UNIT_HSM_WORLD_H
#define TESTS_UNIT_HSM_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hsm/hsm_internal.h"

#define WORLD_PIN   "271828"
#define WORLD_TOKEN "line-07"

struct world {
	char dir[64];
	char pin_source[96];
	struct hsm_conf conf;
	CK_FUNCTION_LIST *real; /* initialised; hsm_attach takes a copy of it */
};

/* cmocka group fixtures; *state is a struct world *. */
int world_setup(void **state);
int world_teardown(void **state);

/* Makes a file of mode 0600 in the world's folder. */
void world_write(const struct world *w, const char *name, const char *text);
/* Makes another token in the same module. */
void world_token_make(const char *label);
/* Opens and attaches, failing the test on an error, whose text is shown. */
struct hsm *world_open(const struct world *w);
struct hsm *world_attach(const struct world *w, CK_FUNCTION_LIST *list);
struct hsm_session *world_session(struct hsm *hsm);
/* Makes a key pair if the label is free, then finds it. */
struct hsm_key *world_key(struct hsm_session *session, enum hsm_key_type type, const char *label);
void world_secret(const char *text, struct secret *ret);
/* Shows err's text when rc is not 0. */
void assert_ok(int rc, const struct err *err);
/* The call failed with this class and its text holds part. */
void assert_failed(int rc, const struct err *err, enum err_class class, const char *part);

#endif
