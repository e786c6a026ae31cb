/* Starting the emulator, and sending to it at a time that the test chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/enroll/emulated.h"

#define ROUNDS_MAX 400

static int mac_with_policy_key(void *key, struct bytes message, uint8_t ret_mac[SHA256_LEN], struct err *err)
{
	const struct fake_dps *dps = key;

	(void)err;
	hmac_sha256(bytes_of(dps->key, dps->key_len), message, ret_mac);
	return 0;
}

int emulated_setup(void **state)
{
	struct emulated *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	assert_int_equal(world_setup((void **)&e->world), 0);
	e->now_ms = WORLD_NOW_MS;
	e->macer = (struct macer){ mac_with_policy_key, &e->dps };
	*state = e;
	return 0;
}

int emulated_teardown(void **state)
{
	struct emulated *e = *state;

	enroll_service_close(e->service);
	enroll_gate_free(e->gate);
	fake_dps_stop(&e->dps);
	(void)world_teardown((void **)&e->world);
	free(e);
	return 0;
}

void emulated_open(struct emulated *e, const struct macer *macer)
{
	struct err err = { 0 };

	enroll_service_close(e->service);
	e->service = NULL;
	enroll_gate_free(e->gate);
	e->login.macer = macer;
	assert_int_equal(enroll_gate_new(e->operations_per_minute, &e->gate, &err), 0);
	assert_int_equal(enroll_service_open(&e->conf, &e->login, e->gate, &e->service, &err), 0);
}

void emulated_start(struct emulated *e, const char *const *options)
{
	assert_int_equal(fake_dps_start(&e->dps, options), 0);
	e->conf = (struct enroll_conf){ .host = e->dps.host,
					.network.ca_file = e->dps.ca_path,
					.attempts_max = 20,
					.timeout_ms = 10000 };
	e->login = (struct enroll_login){ .auth = ENROLL_AUTH_SAS, .policy = e->dps.policy };
	e->operations_per_minute = 100000;
	emulated_open(e, &e->macer);
}

struct enroll_progress send_one(struct emulated *e)
{
	struct enroll_progress progress = { 0 };
	struct err err = { 0 };

	if (enroll_send_batch(e->service, e->world->db, e->now_ms, &progress, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	return progress;
}

unsigned drain(struct emulated *e)
{
	unsigned calls = 0;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		struct enroll_progress progress = send_one(e);

		calls += progress.calls;
		if (progress.next_due_ms == 0)
			return calls;
		/* The test's clock goes on by itself, so that nothing is really waited for. */
		if (progress.next_due_ms > e->now_ms)
			e->now_ms = progress.next_due_ms;
	}
	fail_msg("the outbox does not get empty");
	return calls;
}

bool service_has(struct emulated *e, const char *registration_id)
{
	BUF_AUTO(json, ENROLL_REPLY_MAX);
	struct err err = { 0 };
	bool found = false;

	if (enroll_get(e->service, registration_id, &json, &found, &err) < 0)
		fail_msg("%s: %s", err.where, err.what);
	return found;
}
