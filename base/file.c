/* Whole-file writes: the rename is what makes the content visible, so it comes after the sync. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PATH_LEN_MAX 1024

int file_write_all(int fd, struct bytes content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.p, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		content = bytes_of(content.p + n, content.len - (size_t)n);
	}
	return 0;
}

static int sync_folder_of(const char *path)
{
	char folder[PATH_LEN_MAX];
	CLEANUP(fd_closep) int fd = -1;
	char *slash;

	str_clip(folder, sizeof(folder), path);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fsync(fd) : -1;
}

int file_replace(const char *path, struct bytes content, unsigned mode, struct err *err)
{
	CLEANUP(fd_closep) int fd = -1;
	char temporary[PATH_LEN_MAX];

	if (str_format(temporary, sizeof(temporary), "%s.XXXXXX", path) < 0)
		return err_set(err, ERR_OPERATOR, ENAMETOOLONG, "the path is too long: %.100s", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_OPERATOR, errno, "%s: %s", temporary, strerror(errno));
	if (fchmod(fd, mode) < 0 || file_write_all(fd, content) < 0 || fsync(fd) < 0 ||
	    rename(temporary, path) < 0) {
		(void)err_set(err, ERR_OPERATOR, errno, "writing %s: %s", path, strerror(errno));
		(void)unlink(temporary);
		return -1;
	}
	if (sync_folder_of(path) < 0)
		return err_set(err, ERR_OPERATOR, errno, "writing %s: %s", path, strerror(errno));
	return 0;
}
