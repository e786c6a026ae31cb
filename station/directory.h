/*
 * The station directory: where its files are, its lock, and how a new one is
 * made on the embedded default (SoftHSM).
 *
 *     station.ini  station.db  ca/{root,intermediate,chain}.pem
 *     softhsm2.conf  tokens/  tokens.kept/  secrets/{hsm-pin,hsm-so-pin}     embedded default only
 */
#ifndef STATION_DIRECTORY_H
#define STATION_DIRECTORY_H

#include "base/db.h"
#include "base/err.h"
#include "pki/pki.h"

#define DIRECTORY_PATH_MAX 384

/* dir as an absolute path, made if it is missing (mode 0700). */
MUST_USE int directory_absolute(const char *dir, char out[DIRECTORY_PATH_MAX], struct err *err);
/* dir/name into out. ERR_OPERATOR if the path is too long. */
MUST_USE int directory_path(const char *dir, const char *name, char out[DIRECTORY_PATH_MAX], struct err *err);
/* One station works in a directory. ERR_OPERATOR if another does. The caller closes the descriptor. */
MUST_USE int directory_lock(const char *dir, int *ret_fd, struct err *err);
/* One process sends what waits: sync.lock. *ret_fd is -1 if another does; the caller closes the descriptor. */
MUST_USE int directory_lock_sending(const char *dir, int *ret_fd, struct err *err);
MUST_USE int directory_open_db(const char *dir, struct db **ret_db, struct err *err);
/* For reports beside a running station. ERR_OPERATOR if there is no database. */
MUST_USE int directory_open_db_readonly(const char *dir, struct db **ret_db, struct err *err);
/* If the directory brings a SoftHSM of its own, names it to the module, which reads SOFTHSM2_CONF. Before any thread. */
void directory_use_softhsm(const char *dir);
/*
 * A process killed while it logged in leaves SoftHSM's own token file empty (station/token.c).
 * Mend puts the copy back that keep made; before the module is opened, and after a login.
 */
MUST_USE int directory_mend_token(const char *dir, struct err *err);
MUST_USE int directory_keep_token(const char *dir, struct err *err);
/* ca/intermediate.pem, parsed and as text. */
MUST_USE int directory_read_issuer(const char *dir, struct pki_issuer **ret_issuer, struct buf *ret_pem,
				   struct err *err);
/* A whole small file of the directory; ret's maximum caps it. ERR_OPERATOR if it can't be read. */
MUST_USE int directory_read_file(const char *dir, const char *name, struct buf *ret, struct err *err);
/* Writes a file whole or not at all: temporary name, fsync, rename, fsync of the folder. */
MUST_USE int directory_write_file(const char *dir, const char *name, struct bytes content, unsigned mode,
				  struct err *err);

/*
 * Makes DIR on the embedded default: SoftHSM token with random PINs, an issuing
 * key, root and intermediate certificate, database, station.ini for id. What
 * exists is left alone; a directory that has a station.ini is ERR_OPERATOR.
 */
MUST_USE int directory_make(const char *dir, const char *id, struct err *err);

#endif
