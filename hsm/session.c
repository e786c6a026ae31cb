/*
 * Sessions that heal: a call that fails because the session or the token is gone
 * marks the session and returns ERR_RETRY; the next call opens another, logs in
 * if the token forgot, and keys are found again by their URI.
 */
#include "hsm/hsm_internal.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/log.h"

/* A handle that still answers as the same token's; a re-plugged token invalidates them all. */
static bool handle_alive(struct hsm *hsm, CK_SESSION_HANDLE handle)
{
	CK_SESSION_INFO info;

	return handle != HSM_NO_SESSION && hsm->p11->C_GetSessionInfo(handle, &info) == CKR_OK &&
	       info.slotID == hsm->slot;
}

static int open_handle(struct hsm *hsm, CK_SESSION_HANDLE *ret_handle, struct err *err)
{
	CK_SESSION_HANDLE handle = hsm->spare;
	CK_RV rv;

	hsm->spare = HSM_NO_SESSION;
	if (!handle_alive(hsm, handle)) {
		if (hsm_token_find(hsm, err) < 0) {
			/* Some modules see a token that came back only when they start again. */
			atomic_store(&hsm->restart_due, true);
			return -1;
		}
		/* Read-only: signing needs no more (5.6), and some tokens have few read-write ones. */
		rv = hsm->p11->C_OpenSession(hsm->slot, CKF_SERIAL_SESSION, NULL, NULL, &handle);
		if (rv != CKR_OK) {
			if (rv != CKR_SESSION_COUNT)
				atomic_store(&hsm->restart_due, true);
			return hsm_rv_error(rv, "C_OpenSession", err);
		}
	}
	if (hsm_login(hsm, handle, err) < 0) {
		(void)hsm->p11->C_CloseSession(handle);
		return -1;
	}
	hsm->was_there = true;
	*ret_handle = handle;
	return 0;
}

int hsm_handle_open(struct hsm *hsm, CK_SESSION_HANDLE *ret_handle, struct err *err)
{
	CK_SESSION_HANDLE handle = HSM_NO_SESSION;
	int rc;

	(void)pthread_mutex_lock(&hsm->lock);
	rc = open_handle(hsm, &handle, err);
	(void)pthread_mutex_unlock(&hsm->lock);
	if (rc == 0)
		*ret_handle = handle;
	return rc;
}

int hsm_session_open(struct hsm *hsm, struct hsm_session **ret_session, struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;
	struct hsm_session *session;

	if (hsm_enter(hsm, &inside, err) < 0)
		return -1;
	session = calloc(1, sizeof(*session));
	if (session == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	session->hsm = hsm;
	session->state = SESSION_LOST;
	if (hsm_session_ready(session, err) < 0) {
		free(session);
		return -1;
	}
	*ret_session = session;
	return 0;
}

/* Gives the handle back as the spare one, or closes it. */
static void give_back(struct hsm_session *session)
{
	struct hsm *hsm = session->hsm;

	/* Numbers of before a restart may be other sessions by now. */
	if (session->epoch != hsm->epoch || hsm->stopped)
		session->state = SESSION_LOST;
	(void)pthread_mutex_lock(&hsm->lock);
	if (session->state == SESSION_OPEN && hsm->spare == HSM_NO_SESSION)
		hsm->spare = session->handle;
	else if (session->state != SESSION_LOST)
		(void)hsm->p11->C_CloseSession(session->handle);
	(void)pthread_mutex_unlock(&hsm->lock);
	session->state = SESSION_LOST;
}

void hsm_session_close(struct hsm_session *session)
{
	if (session == NULL)
		return;
	/* Not hsm_enter: closing needs no module that works. */
	(void)pthread_rwlock_rdlock(&session->hsm->gate);
	give_back(session);
	(void)pthread_rwlock_unlock(&session->hsm->gate);
	while (session->keys != NULL) {
		struct hsm_key *key = session->keys;

		session->keys = key->next;
		free(key->uri);
		free(key);
	}
	free(session);
}

int hsm_session_ready(struct hsm_session *session, struct err *err)
{
	if (session->state == SESSION_OPEN && session->epoch == session->hsm->epoch)
		return 0;
	if (session->state == SESSION_OPEN)
		session->state = SESSION_LOST;
	if (session->state == SESSION_DOUBTFUL)
		give_back(session);
	if (hsm_handle_open(session->hsm, &session->handle, err) < 0)
		return -1;
	session->state = SESSION_OPEN;
	session->epoch = session->hsm->epoch;
	session->generation++;
	if (session->generation > 1)
		log_line(LOG_LEVEL_DEBUG, "hsm-session-reopened", "generation=%u", session->generation);
	return 0;
}

int hsm_session_failed(struct hsm_session *session, CK_RV rv, const char *function, struct err *err)
{
	session->state = hsm_rv_session_state(rv);
	return hsm_rv_error(rv, function, err);
}

int hsm_random_read(struct hsm_session *session, uint8_t *out, size_t n, struct err *err)
{
	uint8_t random[HSM_RANDOM_MAX];
	CK_RV rv;

	if (n > sizeof(random))
		return err_set(err, ERR_BUG, 0, "%zu random bytes at once; %zu are the most", n,
			       sizeof(random));
	if (hsm_session_ready(session, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	rv = session->hsm->p11->C_GenerateRandom(session->handle, random, n);
	if (rv != CKR_OK)
		return hsm_session_failed(session, rv, "C_GenerateRandom", err);
	memcpy(out, random, n);
	OPENSSL_cleanse(random, sizeof(random));
	return 0;
}

int hsm_random(struct hsm_session *session, uint8_t *out, size_t n, struct err *err)
{
	CLEANUP(hsm_leave) struct hsm *inside = NULL;

	if (hsm_enter(session->hsm, &inside, err) < 0)
		return -1;
	return hsm_random_read(session, out, n, err);
}
