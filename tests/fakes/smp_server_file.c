/* smp_group_8.rst: files. Upload as Zephyr does it: offset 0 begins anew, any other must be the file's end. */
#include "tests/fakes/smp_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#define PATH_LEN_MAX 64 /* CONFIG_MCUMGR_GRP_FS_PATH_LEN */
#define FILE_MAX     65536
#define ANSWER_REST  80 /* of a buffer, for everything but the data */

/* The group's own codes. */
enum { FS_UNKNOWN = 1, FS_INVALID_NAME = 2, FS_NOT_FOUND = 3, FS_OFFSET_NOT_VALID = 11, FS_NO_MOUNT = 14 };

/* Firmware before version 2 has one list of codes for all groups. */
static unsigned refuse(const struct server *server, struct out *out, unsigned code)
{
	if (server->is.old)
		return code == FS_NOT_FOUND || code == FS_NO_MOUNT ? ENOENT_
		       : code == FS_UNKNOWN                        ? EUNKNOWN
								   : EINVAL_;
	put_text(out, "err");
	put_map(out);
	put_text(out, "group");
	put_uint(out, 8);
	put_text(out, "rc");
	put_uint(out, code);
	put_end(out);
	return OK;
}

/* Opens what the request names; -1 with its answer in *ret_rc. */
static int open_named(struct server *server, const struct request *request, int flags, char *ret_name,
		      struct out *out, unsigned *ret_rc)
{
	struct in in = value_of(request->body, "name");
	char path[512];
	int fd, n;

	read_text(&in, ret_name, PATH_LEN_MAX + 1);
	if (in.bad || ret_name[0] != '/' || strstr(ret_name, "..") != NULL) {
		*ret_rc = in.bad ? EINVAL_ : refuse(server, out, FS_INVALID_NAME);
		return -1;
	}
	n = snprintf(path, sizeof(path), "%s%s", server->is.dir, ret_name);
	fd = n > 0 && (size_t)n < sizeof(path) ? open(path, flags | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		*ret_rc = refuse(server, out,
				 errno != ENOENT          ? FS_UNKNOWN
				 : (flags & O_CREAT) != 0 ? FS_NO_MOUNT
							  : FS_NOT_FOUND);
	return fd;
}

static size_t length_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (size_t)st.st_size : 0;
}

static void say(const char *event, const char *name, uint64_t off, size_t n)
{
	(void)printf("{\"event\":\"%s\",\"name\":\"%s\",\"off\":%llu,\"n\":%zu}\n", event, name,
		     (unsigned long long)off, n);
	(void)fflush(stdout);
}

/* What goes wrong at this part, and only once. */
static void go_wrong(struct server *server)
{
	server->hang_up = server->is.drop_at >= 0 && server->uploaded >= (unsigned long)server->is.drop_at;
	if (server->hang_up)
		server->is.drop_at = -1;
	server->mute = server->is.mute_at >= 0 && server->parts++ == (unsigned long)server->is.mute_at;
}

static unsigned store(struct server *server, int fd, uint64_t off, const uint8_t *data, size_t n,
		      struct out *out)
{
	if ((off == 0 && ftruncate(fd, 0) < 0) || pwrite(fd, data, n, (off_t)off) != (ssize_t)n)
		return refuse(server, out, FS_UNKNOWN);
	server->uploaded += n;
	go_wrong(server);
	put_text(out, "off");
	put_uint(out, off + n);
	return OK;
}

static void rot(const struct server *server)
{
	char path[512];
	int n = snprintf(path, sizeof(path), "%s%s", server->is.dir, server->is.rots);
	int fd = n > 0 && (size_t)n < sizeof(path) ? open(path, O_RDWR | O_CLOEXEC) : -1;
	uint8_t byte = 0;

	if (fd < 0 || pread(fd, &byte, 1, 40) < 0)
		return;
	byte ^= 1;
	(void)!pwrite(fd, &byte, 1, 40);
	(void)close(fd);
}

static unsigned upload(struct server *server, const struct request *request, struct out *out)
{
	struct in at = value_of(request->body, "off"), data = value_of(request->body, "data"),
		  len = value_of(request->body, "len");
	uint64_t off = read_uint(&at), total = read_uint(&len);
	char name[PATH_LEN_MAX + 1];
	unsigned rc = OK;
	size_t n;
	const uint8_t *p = read_string(&data, 2, &n);
	int fd;

	if (at.bad || data.bad || (off == 0 && (len.bad || total > FILE_MAX)) || off > FILE_MAX)
		return EINVAL_;
	fd = open_named(server, request, O_RDWR | O_CREAT, name, out, &rc);
	if (fd < 0)
		return rc;
	if (off > 0 && off != length_of(fd)) {
		rc = refuse(server, out, FS_OFFSET_NOT_VALID);
		put_text(out, "len");
		put_uint(out, length_of(fd));
	} else {
		say("upload", name, off, n);
		rc = store(server, fd, off, p, n, out);
		if (server->is.rots != NULL && strcmp(name, "/lfs/provisioning.json") == 0)
			rot(server);
	}
	(void)close(fd);
	return rc;
}

static unsigned download(struct server *server, const struct request *request, struct out *out)
{
	struct in at = value_of(request->body, "off");
	uint64_t off = read_uint(&at);
	char name[PATH_LEN_MAX + 1];
	uint8_t part[PACKET_MAX];
	unsigned rc = OK;
	ssize_t n;
	int fd;

	if (at.bad || off > FILE_MAX)
		return EINVAL_;
	fd = open_named(server, request, O_RDONLY, name, out, &rc);
	if (fd < 0)
		return rc;
	n = pread(fd, part, server->is.buf_size - ANSWER_REST, (off_t)off);
	put_text(out, "off");
	put_uint(out, off);
	put_text(out, "data");
	put_bytes(out, part, n > 0 ? (size_t)n : 0);
	if (off == 0) {
		put_text(out, "len");
		put_uint(out, length_of(fd));
	}
	say("download", name, off, n > 0 ? (size_t)n : 0);
	(void)close(fd);
	return OK;
}

static unsigned status(struct server *server, const struct request *request, struct out *out)
{
	char name[PATH_LEN_MAX + 1];
	unsigned rc = OK;
	int fd = server->is.lacks_status ? -1 : open_named(server, request, O_RDONLY, name, out, &rc);

	if (fd < 0)
		return server->is.lacks_status ? ENOTSUP_ : rc;
	put_text(out, "len");
	put_uint(out, length_of(fd));
	(void)close(fd);
	return OK;
}

static unsigned answer_hash(const struct server *server, int fd, uint64_t most, struct out *out)
{
	static uint8_t content[FILE_MAX]; /* the program has one thread */
	uint8_t digest[EVP_MAX_MD_SIZE];
	ssize_t n = read(fd, content, most < FILE_MAX ? (size_t)most : FILE_MAX);

	if (n < 0 || EVP_Digest(content, (size_t)n, digest, NULL, EVP_sha256(), NULL) != 1)
		return refuse(server, out, FS_UNKNOWN);
	digest[0] ^= server->is.lies_about_hash;
	put_text(out, "type");
	put_text(out, "sha256");
	put_text(out, "len");
	put_uint(out, (uint64_t)n);
	put_text(out, "output");
	put_bytes(out, digest, 32);
	return OK;
}

static unsigned hash(struct server *server, const struct request *request, struct out *out)
{
	struct in type = value_of(request->body, "type"), len = value_of(request->body, "len");
	uint64_t most = read_uint(&len);
	char name[PATH_LEN_MAX + 1], word[8] = "";
	unsigned rc = OK;
	int fd;

	if (server->is.lacks_hash)
		return ENOTSUP_;
	read_text(&type, word, sizeof(word));
	if (type.bad || strcmp(word, "sha256") != 0)
		return refuse(server, out, 13);
	fd = open_named(server, request, O_RDONLY, name, out, &rc);
	if (fd < 0)
		return rc;
	say("hash", name, 0, length_of(fd));
	rc = answer_hash(server, fd, len.bad ? FILE_MAX : most, out);
	(void)close(fd);
	return rc;
}

unsigned serve_file(struct server *server, const struct request *request, struct out *out)
{
	bool reads = request->op == 0;

	switch (request->command) {
	case 0:
		return reads ? download(server, request, out) : upload(server, request, out);
	case 1:
		return reads ? status(server, request, out) : ENOTSUP_;
	case 2:
		return reads ? hash(server, request, out) : ENOTSUP_;
	case 4:
		return reads || server->is.old ? ENOTSUP_ : OK;
	default:
		return ENOTSUP_;
	}
}
