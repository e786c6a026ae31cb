/* Tests station/steps/attest.c: a unit stays the one it was begun as. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "station/steps/steps.h"

/* A job on its way whose EK has been seen once. */
static int set_up(void **state)
{
	struct job *job = calloc(1, sizeof(*job));
	const struct pki_ek ek = { .sha256 = { 1 } };
	struct err err;

	assert_non_null(job);
	buf_init(&job->ek.public_area, PKI_EK_PUBLIC_MAX);
	assert_int_equal(buf_set(&job->ek.public_area, BYTES_LIT("a public area")), 0);
	assert_int_equal(job_remember_ek(job, &ek, &err), 0);
	*state = job;
	return 0;
}

static int tear_down(void **state)
{
	struct job *job = *state;

	buf_deinit(&job->ek.public_area);
	free(job);
	return 0;
}

static void refuse(struct job *job, uint8_t key, const char *why)
{
	const struct pki_ek ek = { .sha256 = { key } };
	struct err err = { .class = ERR_NONE };
	char before[sizeof(job->registration_id)];

	memcpy(before, job->registration_id, sizeof(before));
	assert_int_equal(job_remember_ek(job, &ek, &err), -1);
	assert_int_equal(err.class, ERR_UNIT);
	assert_non_null(strstr(err.what, why));
	assert_string_equal(job->registration_id, before);
	assert_int_equal(job->key_sha256[0], 1);
}

static void test_attest_same_ek_again_accepted(void **state)
{
	struct job *job = *state;
	const struct pki_ek ek = { .sha256 = { 1 } };
	struct err err;

	assert_int_equal(job_remember_ek(job, &ek, &err), 0);
	assert_true(job->has_key_sha256);
	assert_true(job->registration_id[0] != '\0');
}

static void test_attest_other_ek_refused(void **state)
{
	refuse(*state, 2, "another endorsement key");
}

static void test_attest_other_form_of_the_ek_refused(void **state)
{
	struct job *job = *state;

	assert_int_equal(buf_set(&job->ek.public_area, BYTES_LIT("another form of it")), 0);
	refuse(job, 1, "another public area");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_attest_same_ek_again_accepted),
		T(test_attest_other_ek_refused),
		T(test_attest_other_form_of_the_ek_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
