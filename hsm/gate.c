/*
 * The gate to the module. When the service behind a module goes away (a network
 * HSM, p11-kit's remoting), many modules answer every call with an error until
 * they are finalised and initialised again (5.4). That must not happen under a
 * worker's running call, so calls pass a gate that the restart closes.
 */
#include "hsm/hsm_internal.h"

#include <p11-kit/p11-kit.h>

#include "base/log.h"

/* p11-kit counts users: while another struct hsm of this process uses the module, it stays as it is. */
static CK_RV restart(struct hsm *hsm)
{
	CK_RV rv;

	if (!hsm->stopped)
		(void)p11_kit_module_finalize(hsm->p11);
	hsm->stopped = true;
	hsm->spare = HSM_NO_SESSION;
	hsm->epoch++;
	rv = p11_kit_module_initialize(hsm->p11);
	if (rv != CKR_OK)
		return rv;
	hsm->stopped = false;
	atomic_store(&hsm->restart_due, false);
	log_line(LOG_LEVEL_DEBUG, "hsm-module-restarted", "epoch=%u", hsm->epoch);
	return CKR_OK;
}

static int restart_if_due(struct hsm *hsm, struct err *err)
{
	CK_RV rv = CKR_OK;

	(void)pthread_rwlock_wrlock(&hsm->gate);
	if (atomic_load(&hsm->restart_due))
		rv = restart(hsm);
	(void)pthread_rwlock_unlock(&hsm->gate);
	return rv == CKR_OK ? 0 : hsm_rv_error(rv, "C_Initialize", err);
}

int hsm_enter(struct hsm *hsm, struct hsm **ret_inside, struct err *err)
{
	/* A function list that was handed in is its owner's to initialise. */
	if (hsm->owns_module && atomic_load(&hsm->restart_due) && restart_if_due(hsm, err) < 0)
		return -1;
	(void)pthread_rwlock_rdlock(&hsm->gate);
	if (hsm->stopped) {
		(void)pthread_rwlock_unlock(&hsm->gate);
		return err_set(err, ERR_RETRY, 0, "the HSM's module is being started again");
	}
	*ret_inside = hsm;
	return 0;
}

void hsm_leave(struct hsm **inside)
{
	if (*inside != NULL)
		(void)pthread_rwlock_unlock(&(*inside)->gate);
}
