/*
 * The Arc agent's challenge (dps-api 4.5): it names a file that only the
 * machine's own may read, and wants its content. Whoever answers in the agent's
 * place must not get another file out of us: only a plain name in the agent's own
 * folder is opened, never through a link, and no more than a key's length is read.
 */
#include "enroll/enroll_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>

#define KEY_MAX  4096
#define NAME_LEN 128

/* "Basic realm=PATH", the path in quotes or not; nothing behind it. */
static int realm_of(const char *challenge, struct bytes *ret)
{
	static const char prefix[] = "Basic realm=";
	size_t n = strlen(challenge);

	if (strncasecmp(challenge, prefix, sizeof(prefix) - 1) != 0)
		return -1;
	challenge += sizeof(prefix) - 1;
	n -= sizeof(prefix) - 1;
	if (n >= 2 && challenge[0] == '"' && challenge[n - 1] == '"') {
		challenge++;
		n -= 2;
	}
	*ret = bytes_of(challenge, n);
	return 0;
}

/* DIR/NAME.key: one plain name in dir, which nothing leads out of. */
static int name_in(struct bytes path, const char *dir, char out[NAME_LEN])
{
	static const char suffix[] = ".key";
	struct bytes folder, slash;
	size_t n;

	if (take(&path, strlen(dir), &folder) < 0 || !bytes_equal(folder, bytes_str(dir)) ||
	    take(&path, 1, &slash) < 0 || slash.p[0] != '/' || bytes_to_str(path, out, NAME_LEN) < 0)
		return -1;
	n = strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	if (out[0] == '.' || out[n] != '\0' || n < sizeof(suffix) ||
	    strcmp(out + n - (sizeof(suffix) - 1), suffix) != 0)
		return -1;
	return 0;
}

static int open_key(const char *dir, const char *name, struct err *err)
{
	CLEANUP(fd_closep) int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int fd = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_set(
			err, ERR_OPERATOR, errno,
			"the Arc agent's key file can't be read: %s; add the station's user to the group "
			"himds",
			strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > KEY_MAX) {
		(void)close(fd);
		return err_set(err, ERR_OPERATOR, 0, "the Arc agent's key file is no small file");
	}
	return fd;
}

/* What goes into a header as it is; a line end behind it is not the key's. */
static int trim(struct secret *key)
{
	while (key->len > 0 && (key->p[key->len - 1] == '\n' || key->p[key->len - 1] == '\r'))
		key->p[--key->len] = '\0';
	for (size_t i = 0; i < key->len; i++)
		if (key->p[i] <= ' ' || key->p[i] > '~')
			return -1;
	return key->len > 0 ? 0 : -1;
}

int arc_key_read(const char *challenge, const char *dir, struct secret *ret_key, struct err *err)
{
	SECRET_AUTO key = { NULL, 0 };
	CLEANUP(fd_closep) int fd = -1;
	char name[NAME_LEN];
	struct bytes path;
	ssize_t n;

	if (realm_of(challenge, &path) < 0 || name_in(path, dir, name) < 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "the Arc agent's challenge names no key file in %.100s; it is not answered",
			       dir);
	fd = open_key(dir, name, err);
	if (fd < 0 || secret_new(KEY_MAX + 1, &key, err) < 0)
		return -1;
	n = read(fd, key.p, KEY_MAX);
	key.len = n > 0 ? (size_t)n : 0;
	if (trim(&key) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the Arc agent's key file holds no key");
	return secret_copy(secret_bytes(&key), ret_key, err);
}
