/* station hsm make-login OBJECT FILE: the key pair and the certificate that a station logs in to Entra ID with. */
#ifndef STATION_COMMANDS_HSM_LOGIN_H
#define STATION_COMMANDS_HSM_LOGIN_H

#include "hsm/hsm.h"

/* Two officers make it, once there are people; path must not exist. ERR_OPERATOR. */
MUST_USE int hsm_login_make(struct hsm_session *session, const char *dir, const char *label, const char *path,
			    struct err *err);

#endif
