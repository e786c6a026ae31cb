/*
 * Secrets on the secure heap. Reading goes straight into it with read(2), so
 * that no stdio buffer keeps a copy.
 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/encode.h"

#define SECURE_HEAP_BYTES (512 * 1024)
#define SECRET_FILE_MAX   4096
#define CTRL_C            0x03

int secret_heap_init(struct err *err)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_set(err, ERR_STATION, errno, "core dumps can't be switched off: %s",
			       strerror(errno));
	/* 2 means: made, but not locked. A key must never reach the swap. */
	if (CRYPTO_secure_malloc_initialized() == 0 && CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, 16) != 1)
		return err_set(err, ERR_STATION, 0,
			       "memory for secrets can't be locked; raise the memlock limit (ulimit -l)");
	return 0;
}

int secret_new(size_t len, struct secret *ret, struct err *err)
{
	uint8_t *p = OPENSSL_secure_zalloc(len > 0 ? len : 1);

	if (p == NULL)
		return err_set(err, ERR_STATION, 0, "no locked memory left for a secret of %zu bytes", len);
	*ret = (struct secret){ p, len };
	return 0;
}

int secret_random(size_t len, struct secret *ret, struct err *err)
{
	SECRET_AUTO secret = { NULL, 0 };

	if (secret_new(len, &secret, err) < 0)
		return -1;
	if (RAND_priv_bytes(secret.p, (int)len) != 1)
		return err_set(err, ERR_STATION, 0, "no random numbers");
	*ret = secret;
	secret = (struct secret){ NULL, 0 };
	return 0;
}

int secret_copy(struct bytes data, struct secret *ret, struct err *err)
{
	if (secret_new(data.len, ret, err) < 0)
		return -1;
	if (data.len > 0)
		memcpy(ret->p, data.p, data.len);
	return 0;
}

void secret_wipe(struct secret *secret)
{
	if (secret->p != NULL)
		OPENSSL_secure_clear_free(secret->p, secret->len);
	*secret = (struct secret){ NULL, 0 };
}

static void drop_line_end(struct secret *secret)
{
	if (secret->len > 0 && secret->p[secret->len - 1] == '\n')
		secret->p[--secret->len] = 0;
	if (secret->len > 0 && secret->p[secret->len - 1] == '\r')
		secret->p[--secret->len] = 0;
}

static int read_all(int fd, struct secret *secret)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, secret->p + n, secret->len - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
		if (n == secret->len) {
			errno = EFBIG;
			return -1;
		}
	}
	secret->len = n;
	drop_line_end(secret);
	return 0;
}

int secret_read_file(const char *path, struct secret *ret, struct err *err)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	SECRET_AUTO secret = { NULL, 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, ERR_OPERATOR, errno, "secret file %s: %s", path, strerror(errno));
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return err_set(err, ERR_OPERATOR, 0,
			       "secret file %s is open to others (mode %03o); run: chmod 600 %s", path,
			       (unsigned)st.st_mode & 0777, path);
	/* One byte more than is allowed tells a full file from one that goes on. */
	if (secret_new(SECRET_FILE_MAX + 1, &secret, err) < 0)
		return -1;
	if (read_all(fd, &secret) < 0)
		return err_set(err, ERR_OPERATOR, errno, "secret file %s: %s", path, strerror(errno));
	if (secret.len == 0)
		return err_set(err, ERR_OPERATOR, 0, "secret file %s is empty", path);
	*ret = secret;
	secret = (struct secret){ NULL, 0 };
	return 0;
}

/* One line in canonical mode, so that erase keys work; the kernel's buffer is the only copy. */
static int ask_without_echo(int fd, const char *question, struct secret *secret)
{
	struct termios saved, quiet;
	ssize_t got;

	if (tcgetattr(fd, &saved) < 0)
		return -1;
	quiet = saved;
	/* Without ISIG a Ctrl-C can't end us here and leave the terminal without echo; it arrives as a byte. */
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return -1;
	/* Only now: whoever answers at once, as a scanner does, is neither shown nor dropped. */
	(void)dprintf(fd, "%s: ", question);
	do
		got = read(fd, secret->p, secret->len);
	while (got < 0 && errno == EINTR);
	(void)tcsetattr(fd, TCSAFLUSH, &saved);
	if (got < 0)
		return -1;
	secret->len = (size_t)got;
	drop_line_end(secret);
	return 0;
}

int secret_prompt_optional(const char *question, struct secret *ret, struct err *err)
{
	CLEANUP(fd_closep) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	SECRET_AUTO secret = { NULL, 0 };

	if (fd < 0)
		return err_set(err, ERR_OPERATOR, errno,
			       "%s must be typed, but there is no terminal; name a file instead", question);
	if (secret_new(SECRET_FILE_MAX, &secret, err) < 0)
		return -1;
	if (ask_without_echo(fd, question, &secret) < 0)
		return err_set(err, ERR_OPERATOR, errno, "reading %s: %s", question, strerror(errno));
	(void)dprintf(fd, "\n");
	if (memchr(secret.p, CTRL_C, secret.len) != NULL)
		return err_set(err, ERR_OPERATOR, 0, "%s: nothing was typed", question);
	*ret = secret;
	secret = (struct secret){ NULL, 0 };
	return 0;
}

int secret_prompt(const char *question, struct secret *ret, struct err *err)
{
	SECRET_AUTO secret = { NULL, 0 };

	if (secret_prompt_optional(question, &secret, err) < 0)
		return -1;
	if (secret.len == 0)
		return err_set(err, ERR_OPERATOR, 0, "%s: nothing was typed", question);
	*ret = secret;
	secret = (struct secret){ NULL, 0 };
	return 0;
}

int secret_base64_decode(const struct secret *text, struct secret *ret, struct err *err)
{
	SECRET_AUTO data = { NULL, 0 };
	size_t n = 0;

	if (secret_new(text->len / 4 * 3 + 3, &data, err) < 0)
		return -1;
	if (base64_decode(secret_bytes(text), data.p, data.len, &n) < 0)
		return err_set(err, ERR_OPERATOR, 0, "the key is not valid base64");
	if (secret_copy(bytes_of(data.p, n), ret, err) < 0)
		return -1;
	return 0;
}

int secret_base64_encode(const struct secret *data, struct secret *ret, struct err *err)
{
	SECRET_AUTO text = { NULL, 0 };

	if (secret_new(BASE64_LEN(data->len) + 1, &text, err) < 0)
		return -1;
	if (base64_encode(secret_bytes(data), (char *)text.p, text.len) < 0)
		return err_set(err, ERR_BUG, 0, "base64 of a secret did not fit");
	text.len = BASE64_LEN(data->len);
	*ret = text;
	text = (struct secret){ NULL, 0 };
	return 0;
}
