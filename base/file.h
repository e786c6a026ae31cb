/* Files written whole or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/bytes.h"
#include "base/err.h"

/* Writes everything, however often write(2) is interrupted or short. -1 with errno. */
MUST_USE int file_write_all(int fd, struct bytes content);

/*
 * Replaces path by a file of this content and mode: temporary name beside it,
 * fsync, rename, fsync of the folder. After a crash there is the old file or
 * the new one. ERR_OPERATOR.
 */
MUST_USE int file_replace(const char *path, struct bytes content, unsigned mode, struct err *err);

#endif
