/*
 * Carried files on the disk. One that is read is first copied to where nobody else can reach
 * it; one that is made has its name only when it is whole and on the disk (rename, which never
 * replaces another file).
 */
#include "enroll/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"

static int file_error(struct err *err, const char *path)
{
	return err_set(err, ERR_OPERATOR, errno, "%s: %s", path, strerror(errno));
}

void carry_map_deinit(struct carry_map *map)
{
	if (map->p != NULL)
		(void)munmap(map->p, map->len);
	*map = (struct carry_map){ NULL, 0 };
}

static int map_fd(int fd, const char *path, struct carry_map *ret, struct err *err)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return file_error(err, path);
	if (st.st_size == 0)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return file_error(err, path);
	*ret = (struct carry_map){ p, (size_t)st.st_size };
	return 0;
}

/* A file without a name: it goes with its descriptor. */
static int open_unnamed(const char *folder, int *ret_fd, struct err *err)
{
	char path[1024];
	int fd;

	if (str_format(path, sizeof(path), "%s/.carry.XXXXXX", folder) < 0)
		return err_set(err, ERR_OPERATOR, ENAMETOOLONG, "the path is too long: %.100s", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return file_error(err, path);
	(void)unlink(path);
	*ret_fd = fd;
	return 0;
}

static int copy_all(int from, int to, const char *path, struct err *err)
{
	int64_t copied = 0;
	uint8_t chunk[2048];
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_error(err, path);
		copied += n;
		if (copied > CARRY_FILE_MAX)
			return err_set(err, ERR_OPERATOR, 0, "%s has more than 1 GiB", path);
		if (file_write_all(to, bytes_of(chunk, (size_t)n)) < 0)
			return err_set(err, ERR_OPERATOR, errno, "copying %s: %s", path, strerror(errno));
	}
	return 0;
}

int carry_map_file(const char *path, const char *scratch, struct carry_map *ret, struct err *err)
{
	CLEANUP(fd_closep) int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	CLEANUP(fd_closep) int to = -1;
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0)
		return file_error(err, path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_OPERATOR, 0, "%s is no file", path);
	if (st.st_size > CARRY_FILE_MAX)
		return err_set(err, ERR_OPERATOR, 0, "%s has more than 1 GiB", path);
	if (open_unnamed(scratch, &to, err) < 0 || copy_all(from, to, path, err) < 0)
		return -1;
	return map_fd(to, path, ret, err);
}

/* The folder that path is in. */
static void folder_of(const char *path, char *out, size_t cap)
{
	char *slash;

	str_clip(out, cap, path);
	slash = strrchr(out, '/');
	if (slash == NULL)
		str_clip(out, cap, ".");
	else
		slash[slash == out ? 1 : 0] = '\0';
}

static int exists_error(struct err *err, const char *path)
{
	return err_set(err, ERR_OPERATOR, EEXIST, "%s is there already; nothing is written over", path);
}

int carry_out_open(const char *path, struct carry_out *ret, struct err *err)
{
	char folder[sizeof(ret->path)];
	struct stat st;
	int fd = -1;

	if (str_format(ret->path, sizeof(ret->path), "%s", path) < 0)
		return err_set(err, ERR_OPERATOR, ENAMETOOLONG, "the path is too long: %.100s", path);
	if (lstat(path, &st) == 0)
		return exists_error(err, path);
	folder_of(path, folder, sizeof(folder));
	if (open_unnamed(folder, &fd, err) < 0)
		return -1;
	ret->spool = fdopen(fd, "w+");
	if (ret->spool == NULL) {
		(void)close(fd);
		return file_error(err, path);
	}
	return 0;
}

int carry_out_line(struct carry_out *out, struct bytes line, struct err *err)
{
	if (fwrite(line.p, 1, line.len, out->spool) != line.len)
		return err_set(err, ERR_OPERATOR, errno, "writing %s: %s", out->path, strerror(errno));
	out->n++;
	return 0;
}

static int map_spool(struct carry_out *out, struct carry_map *ret, struct err *err)
{
	if (fflush(out->spool) != 0)
		return err_set(err, ERR_OPERATOR, errno, "writing %s: %s", out->path, strerror(errno));
	return map_fd(fileno(out->spool), out->path, ret, err);
}

/* head and lines, in a file beside the one to be. */
static int write_temporary(struct carry_out *out, struct bytes head, struct bytes lines, int *ret_fd,
			   struct err *err)
{
	char name[sizeof(out->temporary)];
	int fd;

	if (str_format(name, sizeof(name), "%s.XXXXXX", out->path) < 0)
		return err_set(err, ERR_OPERATOR, ENAMETOOLONG, "the path is too long: %.100s", out->path);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return file_error(err, name);
	str_clip(out->temporary, sizeof(out->temporary), name);
	*ret_fd = fd;
	if (file_write_all(fd, head) < 0 || file_write_all(fd, lines) < 0)
		return err_set(err, ERR_OPERATOR, errno, "writing %s: %s", out->path, strerror(errno));
	return 0;
}

static int sync_all(int fd, const char *path, struct err *err)
{
	return fsync(fd) < 0 ? err_set(err, ERR_OPERATOR, errno, "writing %s: %s", path, strerror(errno)) : 0;
}

int carry_out_plain(struct carry_out *out, struct bytes head, struct err *err)
{
	CLEANUP(carry_map_deinit) struct carry_map lines = { NULL, 0 };
	CLEANUP(fd_closep) int fd = -1;

	if (map_spool(out, &lines, err) < 0 ||
	    write_temporary(out, head, carry_map_bytes(&lines), &fd, err) < 0)
		return -1;
	return sync_all(fd, out->path, err);
}

int carry_out_seal(struct carry_out *out, const struct enroll_carrier *carrier,
		   struct carry_manifest *manifest, struct err *err)
{
	CLEANUP(carry_map_deinit) struct carry_map lines = { NULL, 0 };
	CLEANUP(carry_map_deinit) struct carry_map whole = { NULL, 0 };
	CLEANUP(fd_closep) int fd = -1;
	BUF_AUTO(line, CARRY_LINE_MAX + 1);

	if (map_spool(out, &lines, err) < 0)
		return -1;
	manifest->count = out->n;
	sha256(carry_map_bytes(&lines), manifest->sha256);
	if (carry_manifest_line(manifest, &line, err) < 0 ||
	    write_temporary(out, buf_bytes(&line), carry_map_bytes(&lines), &fd, err) < 0 ||
	    map_fd(fd, out->path, &whole, err) < 0 ||
	    carry_signature_line(carrier, carry_map_bytes(&whole), &line, err) < 0)
		return -1;
	if (file_write_all(fd, buf_bytes(&line)) < 0)
		return err_set(err, ERR_OPERATOR, errno, "writing %s: %s", out->path, strerror(errno));
	return sync_all(fd, out->path, err);
}

int carry_out_publish(struct carry_out *out, struct err *err)
{
	char folder[sizeof(out->path)];
	CLEANUP(fd_closep) int fd = -1;

	if (renameat2(AT_FDCWD, out->temporary, AT_FDCWD, out->path, RENAME_NOREPLACE) < 0)
		return errno == EEXIST ? exists_error(err, out->path) : file_error(err, out->path);
	out->temporary[0] = '\0';
	folder_of(out->path, folder, sizeof(folder));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return file_error(err, folder);
	return sync_all(fd, out->path, err);
}

void carry_out_close(struct carry_out *out)
{
	if (out->spool != NULL)
		(void)fclose(out->spool);
	if (out->temporary[0] != '\0')
		(void)unlink(out->temporary);
	out->spool = NULL;
	out->temporary[0] = '\0';
}
