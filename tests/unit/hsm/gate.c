/*
 * A service behind the module that goes away and comes back: p11-kit's own
 * server over the SoftHSM token, killed and started again while keys are in use.
 */
#include "world.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/deadline.h"

#define WAIT_MS 5000

/* The server forks one process per client; all are in a process group of their own. */
static pid_t server_start(const char *socket)
{
	struct deadline dl = deadline_in_ms(WAIT_MS);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setpgid(0, 0);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!freopen("/dev/null", "w", stdout);
		(void)execlp("p11-kit", "p11-kit", "server", "-f", "--provider", SOFTHSM_PATH, "-n", socket,
			     "pkcs11:", (char *)NULL);
		_exit(127);
	}
	while (access(socket, F_OK) != 0 && !deadline_passed(&dl))
		deadline_sleep(&dl, 10);
	assert_int_equal(access(socket, F_OK), 0);
	return pid;
}

static void server_kill(pid_t pid, const char *socket)
{
	assert_int_equal(kill(-pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(unlink(socket), 0);
}

static int sign_once(struct hsm_key *key, struct err *err)
{
	BUF_AUTO(sig, 256);

	return hsm_key_sign(key, SIGN_ECDSA_SHA256, BYTES_LIT("tbs"), &sig, err);
}

/* As a worker does: tries again until it works or time is up. */
static int sign_until(struct hsm_key *key, struct err *err)
{
	struct deadline dl = deadline_in_ms(WAIT_MS);

	while (sign_once(key, err) < 0) {
		if (deadline_passed(&dl))
			return -1;
		deadline_sleep(&dl, 20);
	}
	return 0;
}

static void test_sign_service_restarted_heals_every_session(void **state)
{
	const struct world *w = *state;
	struct hsm_conf conf = w->conf;
	struct hsm *hsm = NULL;
	char socket[96], address[128];
	struct err err;
	pid_t server;

	assert_int_equal(str_format(socket, sizeof(socket), "%s/p11-kit", w->dir), 0);
	assert_int_equal(str_format(address, sizeof(address), "unix:path=%s", socket), 0);
	assert_int_equal(setenv("P11_KIT_SERVER_ADDRESS", address, 1), 0);
	server = server_start(socket);
	conf.module = P11KIT_CLIENT_PATH;
	assert_ok(hsm_open(&conf, &hsm, &err), &err);

	struct hsm_session *a = world_session(hsm), *b = world_session(hsm);
	struct hsm_key *key_a = world_key(a, HSM_KEY_EC_P256, "remote");
	struct hsm_key *key_b = world_key(b, HSM_KEY_EC_P256, "remote");

	assert_ok(sign_once(key_a, &err), &err);
	server_kill(server, socket);
	assert_failed(sign_once(key_a, &err), &err, ERR_RETRY, "CKR_DEVICE_ERROR");
	assert_int_equal(sign_once(key_a, &err), -1);
	server = server_start(socket);
	assert_ok(sign_until(key_a, &err), &err);
	assert_ok(sign_until(key_b, &err), &err);
	hsm_session_close(a);
	hsm_session_close(b);
	hsm_close(hsm);
	server_kill(server, socket);
}

/* A list that was handed in is never finalised here: its owner's other users would lose everything. */
static void test_enter_attached_module_is_not_restarted(void **state)
{
	const struct world *w = *state;
	CLEANUP(hsm_closep) struct hsm *hsm = world_attach(w, w->real);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	uint8_t random[8];
	struct err err;

	atomic_store(&hsm->restart_due, true);
	assert_ok(hsm_random(session, random, sizeof(random), &err), &err);
	assert_int_equal(hsm->epoch, 0);
}

static void test_enter_restart_due_reopens_every_session(void **state)
{
	const struct world *w = *state;
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(w);
	CLEANUP(hsm_session_closep) struct hsm_session *a = world_session(hsm);
	CLEANUP(hsm_session_closep) struct hsm_session *b = world_session(hsm);
	struct hsm_key *key_a = world_key(a, HSM_KEY_EC_P256, "local");
	struct hsm_key *key_b = world_key(b, HSM_KEY_EC_P256, "local");
	struct err err;

	atomic_store(&hsm->restart_due, true);
	assert_ok(sign_once(key_a, &err), &err);
	assert_ok(sign_once(key_b, &err), &err);
	assert_int_equal(hsm->epoch, 1);
	assert_int_not_equal(a->handle, b->handle);
}

static void *sign_many(void *arg)
{
	CLEANUP(hsm_session_closep) struct hsm_session *session = NULL;
	struct hsm_key *key = NULL;
	struct err err;

	if (hsm_session_open(arg, &session, &err) < 0 ||
	    hsm_key_find(session, "pkcs11:object=local", &key, &err) < 0)
		return arg;
	for (unsigned i = 0; i < 200; i++)
		if (sign_once(key, &err) < 0)
			return arg;
	return NULL;
}

/* Nobody who is inside is disturbed, so not one of 600 signatures fails. */
static void test_enter_restarts_while_threads_sign_are_not_noticed(void **state)
{
	CLEANUP(hsm_closep) struct hsm *hsm = world_open(*state);
	CLEANUP(hsm_session_closep) struct hsm_session *session = world_session(hsm);
	pthread_t ids[3];
	void *failed;

	(void)world_key(session, HSM_KEY_EC_P256, "local");
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_int_equal(pthread_create(&ids[i], NULL, sign_many, hsm), 0);
	for (unsigned i = 0; i < 10; i++) {
		(void)usleep(2000);
		atomic_store(&hsm->restart_due, true);
	}
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_equal(pthread_join(ids[i], &failed), 0);
		assert_null(failed);
	}
	assert_true(hsm->epoch > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_service_restarted_heals_every_session),
		cmocka_unit_test(test_enter_attached_module_is_not_restarted),
		cmocka_unit_test(test_enter_restart_due_reopens_every_session),
		cmocka_unit_test(test_enter_restarts_while_threads_sign_are_not_noticed),
	};

	/* As the program does: p11-kit writes to the server's socket with write(2). */
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
