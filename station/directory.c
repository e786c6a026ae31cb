/* The station directory: paths, lock, whole-file reads and durable writes. */
#include "station/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file.h"

static void real_freep(char **real)
{
	free(*real);
}

int directory_absolute(const char *dir, char out[DIRECTORY_PATH_MAX], struct err *err)
{
	CLEANUP(real_freep) char *real = NULL;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", dir, strerror(errno));
	real = realpath(dir, NULL);
	if (real == NULL)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", dir, strerror(errno));
	if (str_format(out, DIRECTORY_PATH_MAX, "%s", real) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the station directory's path is too long");
	return 0;
}

int directory_path(const char *dir, const char *name, char out[DIRECTORY_PATH_MAX], struct err *err)
{
	if (str_format(out, DIRECTORY_PATH_MAX, "%s/%s", dir, name) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the station directory's path is too long");
	return 0;
}

/* *ret_fd is -1 if another process holds it; it is free again when that one ends, however it does. */
static int try_lock(const char *dir, const char *name, int *ret_fd, struct err *err)
{
	char path[DIRECTORY_PATH_MAX];
	int fd, why;

	if (directory_path(dir, name, path, err) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	*ret_fd = fd;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	why = errno;
	(void)close(fd);
	*ret_fd = -1;
	return why == EWOULDBLOCK ? 0 : err_set(err, ERR_OPERATOR, why, "%s: %s", path, strerror(why));
}

int directory_lock(const char *dir, int *ret_fd, struct err *err)
{
	int fd = -1;

	if (try_lock(dir, "station.lock", &fd, err) < 0)
		return -1;
	if (fd < 0)
		return err_set(err, ERR_OPERATOR, EWOULDBLOCK, "another station works in %s; stop it first",
			       dir);
	*ret_fd = fd;
	return 0;
}

int directory_lock_sending(const char *dir, int *ret_fd, struct err *err)
{
	return try_lock(dir, "sync.lock", ret_fd, err);
}

int directory_open_db(const char *dir, struct db **ret_db, struct err *err)
{
	char path[DIRECTORY_PATH_MAX];

	if (directory_path(dir, "station.db", path, err) < 0)
		return -1;
	return db_open(path, ret_db, err);
}

int directory_open_db_readonly(const char *dir, struct db **ret_db, struct err *err)
{
	char path[DIRECTORY_PATH_MAX];

	if (directory_path(dir, "station.db", path, err) < 0)
		return -1;
	if (access(path, R_OK) < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s; is this a station directory? See --dir",
			       path, strerror(errno));
	return db_open_readonly(path, ret_db, err);
}

void directory_use_softhsm(const char *dir)
{
	char path[DIRECTORY_PATH_MAX];
	struct err err;

	if (directory_path(dir, "softhsm2.conf", path, &err) == 0 && access(path, R_OK) == 0)
		(void)setenv("SOFTHSM2_CONF", path, 1);
}

int directory_read_file(const char *dir, const char *name, struct buf *ret, struct err *err)
{
	CLEANUP(file_closep) FILE *file = NULL;
	char path[DIRECTORY_PATH_MAX];
	uint8_t *to;
	size_t n;

	if (directory_path(dir, name, path, err) < 0)
		return -1;
	file = fopen(path, "re");
	if (file == NULL)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
	buf_clear(ret);
	to = buf_reserve(ret, ret->max);
	if (to == NULL)
		return err_set(err, ERR_STATION, 0, "out of memory");
	n = fread(to, 1, ret->max, file);
	if (ferror(file) != 0 || fgetc(file) != EOF)
		return err_set(err, ERR_OPERATOR, 0, "%s: can't be read, or is larger than %zu bytes", path,
			       ret->max);
	ret->len = n;
	return 0;
}

int directory_read_issuer(const char *dir, struct pki_issuer **ret_issuer, struct buf *ret_pem,
			  struct err *err)
{
	BUF_AUTO(der, PKI_CERT_MAX);

	if (directory_read_file(dir, "ca/intermediate.pem", ret_pem, err) < 0)
		return -1;
	if (pki_pem_read(buf_bytes(ret_pem), 0, &der, err) < 0 ||
	    pki_issuer_new(buf_bytes(&der), ret_issuer, err) < 0)
		return err_wrap(err, "ca/intermediate.pem");
	return 0;
}

int directory_write_file(const char *dir, const char *name, struct bytes content, unsigned mode,
			 struct err *err)
{
	char path[DIRECTORY_PATH_MAX];

	if (directory_path(dir, name, path, err) < 0)
		return -1;
	return file_replace(path, content, mode, err);
}
