/* Who the station is to the service, of [service] in station.ini: see struct enroll_login. */
#ifndef STATION_LOGIN_H
#define STATION_LOGIN_H

#include "hsm/hsm.h"
#include "station/conf.h"

/* What all connections log in with, beside keys of the token. */
struct login_sources {
	struct secret client_secret;
	struct buf certificate_pem; /* one certificate and nothing else */
};
/*
 * Reads client secret and certificate into sources, zero before; what the kind of login does not use
 * is left alone.
 * Before the terminal is curses', because a source may ask. ERR_OPERATOR.
 */
MUST_USE int login_read(const struct conf *conf, struct login_sources *sources, struct err *err);
void login_sources_deinit(struct login_sources *sources);

/* One connection's login; it must stay where it is, because it points into itself. */
struct login {
	struct enroll_login login;
	struct macer macer;
	struct signer signer;
};
/*
 * Finds the key that the session's thread will sign with, and checks that it is the certificate's.
 * All is borrowed. ERR_OPERATOR.
 */
MUST_USE int login_init(const struct conf *conf, const struct login_sources *sources,
			struct hsm_session *session, struct login *ret_login, struct err *err);

#endif
